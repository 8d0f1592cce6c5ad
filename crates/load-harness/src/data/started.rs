//! The position of a trial's schedule in time.

use contract::Window;

/// The schedule's position on the epoch's clock, known once it has been started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Started {
    /// Instant 0 of the schedule, nanoseconds since the epoch began.
    pub(crate) start_ns: u64,
    /// The window, from instant 0.
    pub(crate) window: Window,
    /// Numbers of its events: the first, and one past the last.
    pub(crate) numbers: (u64, u64),
}
