//! Values of trials, and how those of several blocks become one with its interval.

pub(crate) mod blocks;
pub(crate) mod estimate;
pub(crate) mod finite;
pub(crate) mod least_squares;
pub(crate) mod paired;
pub(crate) mod reading;
