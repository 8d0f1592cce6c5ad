//! Trials, from the start of a new server to a record.

pub(crate) mod calibration;
mod cpu_seconds;
mod measured;
pub(crate) mod memory_steps;
pub(crate) mod trial;
mod warnings;
