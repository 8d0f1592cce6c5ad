//! Claims: what is commonly said about the patterns, as data, and what a run decides about each.
//!
//! [`mod@file`] is the format of `claims.toml`, and [`check`] compares it with the scenarios. [`condition`] judges a
//! condition at the points that are [`planned`] for it, and [`verdict`] combines these. [`sentence`] fills the
//! placeholders, [`flip`] finds where along a sweep a claim changes, and [`open`] says what leaves it open.

mod check;
mod condition;
mod file;
mod flip;
mod open;
mod planned;
mod sentence;
pub(crate) mod verdict;

pub use check::check_claims;
pub use file::{Claim, ClaimError, Heard, read_claims};
pub use verdict::scenarios_of;
