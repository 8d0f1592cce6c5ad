//! Claims: what is commonly said about the patterns, as data, and what a run decides about each.
//!
//! [`file`] is the format of `claims.toml`, [`check`] compares it with the scenarios, [`verdict`] evaluates it in
//! a run, [`sentence`] fills the placeholders, [`flip`] finds where along a sweep a claim changes, and [`open`] says
//! what leaves it open.

pub(crate) mod check;
mod file;
pub(crate) mod flip;
mod open;
pub(crate) mod planned;
pub(crate) mod sentence;
pub(crate) mod verdict;

pub use check::check_claims;
pub use file::{Claim, ClaimError, Heard, read_claims};
pub use verdict::scenarios_of;
