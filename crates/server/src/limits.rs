//! Limits on what one client may ask of the server.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};

use crate::http1;

/// Longest wait for the other side to close after the server's last bytes.
pub(crate) const CLOSE_WAIT: Duration = Duration::from_secs(1);

/// Limits; no well-behaved subscriber reaches a default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Data-plane connections open at a time. The next one is answered 503 and closed.
    pub connections: u64,
    /// Bytes of a request's head; beyond it hyper answers 431.
    pub head_bytes: usize,
    /// Header lines of a request; beyond it hyper answers 431.
    pub header_lines: usize,
    /// Bytes of a published event or a subscription; beyond it 413, on a WebSocket close 1009.
    pub body_bytes: usize,
    /// Longest wait for a request's head. hyper also closes a keep-alive connection that is silent for this
    /// long, so the timeout must exceed the longest poll interval.
    pub head_timeout: Duration,
    /// Longest wait at shutdown for connections to end.
    pub shutdown: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 19_000,
            head_bytes: 16 << 10,
            header_lines: 64,
            body_bytes: 64 << 10,
            head_timeout: Duration::from_secs(75),
            shutdown: Duration::from_secs(5),
        }
    }
}

/// The answer to a connection over the limit: 503 with `Retry-After`.
pub(crate) fn turned_away() -> Bytes {
    let later = (header::RETRY_AFTER, HeaderValue::from_static("1"));
    http1::refusal(StatusCode::SERVICE_UNAVAILABLE, Some(later))
}
