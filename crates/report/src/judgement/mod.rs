//! What is decided about a run: its points gathered, compared, held against thresholds, its verdict.

pub(crate) mod best;
pub(crate) mod compare;
pub(crate) mod comparisons;
pub(crate) mod floor;
pub(crate) mod gather;
pub(crate) mod judge;
pub(crate) mod ladder;
pub(crate) mod threshold;
pub(crate) mod threshold_verdict;
pub(crate) mod transits;
pub(crate) mod verdict;
