//! Judges a run: gathers and compares its points, checks thresholds, and gives the verdict.

pub(crate) mod best;
pub(crate) mod compare;
pub(crate) mod comparisons;
pub(crate) mod difference_test;
pub(crate) mod expression;
pub(crate) mod expression_error;
pub(crate) mod expression_value;
pub(crate) mod floor;
pub(crate) mod gather;
pub(crate) mod ladder;
pub(crate) mod one_way_delays;
pub(crate) mod outcome;
pub(crate) mod same_value;
pub(crate) mod subject;
pub(crate) mod threshold;
pub(crate) mod threshold_verdict;
pub(crate) mod verdict;
