//! Made-up runs, from their records to what is said of them.
//!
//! One program for all, as each program links everything.

mod answers;
mod blocks;
mod browser;
mod compare;
mod disturbed;
mod few_blocks;
mod figures;
mod known_values;
mod limits;
mod network;
mod outputs;
mod per_event;
mod ranges;
mod saturation;
mod servers;
mod statistics;
#[path = "../synthetic/mod.rs"]
mod synthetic;
mod thresholds;
mod titles;
mod trials;
mod written;
