//! The evaluation of single trials, each from its own record.

pub(crate) mod added_age;
pub(crate) mod books;
pub(crate) mod browser_lanes;
pub(crate) mod ledgers;
pub(crate) mod limits;
pub(crate) mod other_work;
pub(crate) mod poll_intervals;
pub(crate) mod predictions;
pub(crate) mod validity;
