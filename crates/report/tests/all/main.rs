//! Synthetic runs, from their records to their reports.
//!
//! One program for all tests, because each program links everything.

mod answers;
mod blocks;
mod browser;
mod choose;
mod claim_files;
mod claim_pages;
mod claims;
mod compare;
mod disturbed;
mod documents;
mod few_blocks;
mod figures;
mod known_values;
mod limits;
mod network;
mod numbers;
mod outputs;
mod parts;
mod per_event;
mod ranges;
mod ranking;
mod saturation;
mod servers;
mod statistics;
#[path = "../synthetic/mod.rs"]
mod synthetic;
mod thresholds;
mod titles;
mod trials;
mod written;
