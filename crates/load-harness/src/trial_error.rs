//! What keeps a trial from its end.

use std::error::Error;

use crate::{
    memory::MemoryError, posting_publisher::PublishingError, process_group::ProcessEnded,
    relay_process::RelayError, server_process::ServerError, tls::TlsError,
};

/// Why a trial could not be finished.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TrialError {
    #[error(transparent)]
    Server(#[from] ServerError),
    #[error("only {connected} of {of} subscribers could connect: {reason}")]
    Connect { connected: u64, of: u64, reason: String },
    #[error("the server published another schedule than the one asked for: {published} and not {asked}")]
    OtherSchedule { published: String, asked: String },
    #[error(transparent)]
    Memory(#[from] MemoryError),
    #[error(transparent)]
    ProcessEnded(#[from] ProcessEnded),
    #[error("the schedule of the idle stretch cannot be made: {0}")]
    Idle(#[from] schedule::ScheduleError),
    #[error(transparent)]
    Publishing(#[from] PublishingError),
    #[error("nobody publishes here: a server of another make can only be published to by the harness")]
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

/// What failed and, where an error was caused by others, what the first of them says.
pub(crate) fn with_cause(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    let (told, first) = (error.to_string(), cause.to_string());
    if told.contains(&first) { told } else { format!("{told}: {first}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_request_that_fails_says_why() {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let error = client.get("http://127.0.0.1:1/stats").send().await.unwrap_err();
        assert!(!error.to_string().contains("refused"), "or nobody would need more than {error}");
        let told = with_cause(&error);
        assert!(told.contains("http://127.0.0.1:1/stats") && told.contains("refused"), "{told}");
        assert_eq!(with_cause(&std::io::Error::other("alone")), "alone");
    }
}
