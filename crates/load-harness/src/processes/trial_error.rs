//! The errors that end a trial.

use crate::{
    data::error::TlsError,
    processes::{relay_process::RelayError, server_process::ServerError},
    publishing::posting_publisher::PublishingError,
    system::{memory::MemoryError, process_group::ProcessEnded},
};

/// Why a trial could not be finished.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TrialError {
    #[error(transparent)]
    Server(#[from] ServerError),
    #[error("only {connected} of {of} subscribers could connect: {reason}")]
    Connect { connected: u64, of: u64, reason: String },
    #[error("the server published schedule {published} instead of {asked}")]
    OtherSchedule { published: String, asked: String },
    #[error(transparent)]
    Memory(#[from] MemoryError),
    #[error(transparent)]
    ProcessEnded(#[from] ProcessEnded),
    #[error("the schedule for the idle part of the trial cannot be made: {0}")]
    Idle(#[from] schedule::ScheduleError),
    #[error(transparent)]
    Publishing(#[from] PublishingError),
    #[error("there is no publisher: events for a foreign server must be published by the harness")]
    NoPublisher,
    #[error("TLS: {0}")]
    Tls(#[from] TlsError),
    #[error(transparent)]
    Relay(#[from] RelayError),
    #[error("{0}")]
    RelayEnded(String),
    #[error("a worker thread failed: {0}")]
    Worker(String),
}
