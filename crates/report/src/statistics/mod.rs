//! From the values of several blocks to one, with what may be said of it.

pub(crate) mod blocks;
pub(crate) mod estimate;
pub(crate) mod least_squares;
pub(crate) mod paired;
