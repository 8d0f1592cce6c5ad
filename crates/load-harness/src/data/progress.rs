//! The progress of a trial.

use std::time::Duration;

/// How often progress is shown.
pub(crate) const TELL_EVERY: Duration = Duration::from_millis(100);

/// The phase of a trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Subscribers connect: how many have, of how many.
    Connecting(u64, u64),
    /// The schedule runs but is not measured yet.
    WarmUp,
    /// The window.
    Measuring,
    /// Waiting for deliveries that are still in flight.
    Draining,
}

/// The progress of a trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Its phase.
    pub phase: Phase,
    /// Elapsed time of the schedule.
    pub schedule_elapsed: Duration,
}
