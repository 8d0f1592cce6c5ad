//! The quantities of a point: one row each in [`rows`], what a row contains, how a trial is read, and a value of
//! one of them.

pub(crate) mod ages;
pub(crate) mod memory;
mod missing;
mod quantity;
mod quantity_name;
mod row;
mod rows;
pub(crate) mod saturation;
mod unit;

pub use quantity::{Comparison, Quantity};
pub(crate) use row::Compared;
pub use rows::QuantityName;
pub use unit::Unit;

pub use crate::statistics::reading::Bound;
pub(crate) use crate::statistics::reading::Reading;
