//! Claims: what is commonly said about the patterns, as data, and what a run decides about each.
//!
//! [`file`] is the format of `scenarios/claims.toml`.

mod file;

pub use file::{Claim, ClaimError, Heard, read_claims};
