//! The append-only log that all four patterns read.
//!
//! The log knows no pattern and no HTTP. It offers three ways to read the events after a cursor:
//! [`EventLog::read`] (at once), [`EventLog::wait`] (wait until there are any) and [`EventLog::follow`]
//! (repeatedly). A subscriber is a cursor: the cursor of a slow reader falls behind in the log, and no queue
//! grows.

mod follow;
mod log;
mod waiters;

pub use follow::{Follow, Followed, Waited};
pub use log::{AppendError, Batch, BatchLimit, Event, EventLog, LogStats, Retention, Start};
