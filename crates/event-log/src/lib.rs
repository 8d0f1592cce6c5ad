//! The append-only log that all four patterns read.
//!
//! The log knows no pattern and no HTTP. It offers three ways to ask what comes after a cursor:
//! [`EventLog::read`] (now), [`EventLog::wait`] (as soon as there is something) and
//! [`EventLog::follow`] (again and again). A subscriber is a cursor: whoever reads slowly falls
//! behind in the log, visibly, and nobody holds a queue for it.

mod follow;
mod log;
mod waiters;

pub use follow::{Follow, Followed, Waited};
pub use log::{AppendError, Batch, BatchLimit, Event, EventLog, LogStats, Retention, Start};
