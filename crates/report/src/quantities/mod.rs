//! The quantities of a point: their names, units and words, and a value of one of them.

mod quantity;
mod quantity_name;

pub(crate) use quantity::Reading;
pub use quantity::{Bound, Comparison, Quantity};
pub use quantity_name::QuantityName;
