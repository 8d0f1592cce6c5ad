//! Combines the values of several blocks into one, with its interval.

pub(crate) mod blocks;
pub(crate) mod estimate;
pub(crate) mod least_squares;
pub(crate) mod paired;
