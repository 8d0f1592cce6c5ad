//! How far a trial is.

use std::time::Duration;

/// How often progress is told.
pub(crate) const TELL_EVERY: Duration = Duration::from_millis(100);

/// Where a trial is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Subscribers connect: how many have, of how many.
    Connecting(u64, u64),
    /// The schedule runs but does not count yet.
    WarmUp,
    /// The window.
    Measuring,
    /// Waiting for what is under way.
    Draining,
}

/// How far a trial is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Its phase.
    pub phase: Phase,
    /// Time of the schedule that has passed.
    pub schedule_elapsed: Duration,
}
