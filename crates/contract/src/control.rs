//! Requests and answers of the server's control plane, which is never on the measured port.

use std::{collections::BTreeMap, net::SocketAddr};

use serde::{Deserialize, Serialize};

use crate::{Arrivals, Cursor, Distribution, Epoch, Pattern, Period, Second};

/// The one line of JSON that a server prints on stdout once both its ports accept connections.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announcement {
    /// Address of the data plane: the measured port.
    pub data: SocketAddr,
    /// Address of the control plane: schedule, counters, metrics.
    pub control: SocketAddr,
    /// The server's process id.
    pub pid: u32,
    /// Epoch of its log.
    pub epoch: String,
    /// `CLOCK_MONOTONIC` at the moment the epoch began, nanoseconds. A process on the same host
    /// reads the server's clock by subtracting this from its own `CLOCK_MONOTONIC`.
    pub epoch_start_monotonic_ns: u64,
    /// The certificate of the data plane, in PEM (RFC 7468); absent without encryption. A reader of this line
    /// may trust exactly this certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_pem: Option<String>,
}

/// Answer of `GET /clock`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockReading {
    /// Epoch of the reading; stamps of different epochs cannot be subtracted.
    pub epoch: String,
    /// Nanoseconds of the server's monotonic clock since the epoch began.
    pub monotonic_ns: u64,
    /// The server's wall clock, RFC 3339 in UTC; for people, never for arithmetic.
    pub wall: String,
}

/// Requests that arrived for one route, and how they were answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestCounts {
    /// Requests that arrived.
    pub arrived: u64,
    /// Of these, answered with 2xx and content, or with 101.
    pub answered: u64,
    /// Of these, answered with 204 or 304: nothing new.
    pub empty: u64,
    /// Of these, refused with 4xx.
    pub refused: u64,
    /// Of these, failed with 5xx.
    pub failed: u64,
}

/// Answer of the control plane's `GET /stats`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ServerStats {
    /// When the counters were read: nanoseconds since the epoch began.
    pub monotonic_ns: u64,
    /// The place after the newest event.
    pub head: Cursor,
    /// Events that the log keeps now.
    pub events_kept: u64,
    /// Bytes of text that the log keeps now.
    pub bytes_kept: u64,
    /// Subscribers that wait for the next event.
    pub waiting: u64,
    /// Bytes read from data-plane sockets.
    pub bytes_in: u64,
    /// Bytes written to data-plane sockets.
    pub bytes_out: u64,
    /// Data-plane connections accepted since the start.
    pub connections_opened: u64,
    /// Data-plane connections open now.
    pub connections_open: u64,
    /// Data-plane connections refused because the limit was reached.
    pub connections_refused: u64,
    /// Data-plane connections that ended in the TLS handshake.
    #[serde(default)]
    pub handshakes_failed: u64,
    /// Requests by pattern.
    pub requests: BTreeMap<Pattern, RequestCounts>,
    /// Requests to any other path.
    pub other_requests: RequestCounts,
    /// CPU time of the whole server process, user and system, microseconds.
    pub cpu_us: u64,
    /// Of this, CPU time of the publisher's pacing thread.
    pub publisher_cpu_us: u64,
}

impl ServerStats {
    /// Requests for one pattern; zero if none arrived.
    #[must_use]
    pub fn requests_of(&self, pattern: Pattern) -> RequestCounts {
        self.requests.get(&pattern).copied().unwrap_or_default()
    }
}

/// Body of the control plane's `POST /schedule`: publish this schedule into the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StartSchedule {
    /// When events are due.
    pub arrivals: Arrivals,
    /// The CSV text of a replayed schedule; absent otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay_csv: Option<String>,
    /// Seed of the arrivals and of the payload.
    pub seed: u64,
    /// Length of the schedule; events are due in `[0, length)`.
    pub length: Period,
    /// Bytes of an event's text, stamp included.
    pub payload_bytes: u32,
    /// Time from now to the start of the schedule.
    pub start_in: Period,
    /// Time by which each event is published later than it is due, on purpose: a known answer to test the
    /// instrument with. It does not count as lateness.
    #[serde(default)]
    pub delivery_delay: Period,
    /// Largest random addition to this delay, uniformly distributed and drawn from the seed. The order of the
    /// events is kept.
    #[serde(default)]
    pub delivery_jitter: Period,
    /// Events due before this instant do not count for the lateness: the warm-up.
    #[serde(default)]
    pub counted_from: Period,
}

/// Answer of `POST /schedule`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartedSchedule {
    /// Hash of what will be published.
    pub hash: String,
    /// Number of events.
    pub events: u64,
    /// Sequence number that the first of them gets if no other events are published.
    pub first_seq: u64,
    /// The instant 0 of the schedule, nanoseconds since the epoch began.
    pub start_ns: u64,
}

/// Answer of `GET /schedule`: how closely the publisher kept the schedule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PublisherReport {
    /// Hash of the schedule.
    pub hash: String,
    /// Whether every event has been published.
    pub finished: bool,
    /// Events handed to the server so far.
    pub published: u64,
    /// Events that the log refused.
    pub refused: u64,
    /// Instant at which an event was handed to the server's thread, minus the intended one, which is its due
    /// plus the delay on purpose. Only events due at `counted_from` or later.
    pub lateness: Distribution,
    /// The same per second of the whole schedule.
    pub lateness_seconds: Vec<Second>,
    /// CPU time of the pacing thread so far, microseconds.
    pub cpu_us: u64,
}

impl Announcement {
    /// The announced epoch.
    ///
    /// # Errors
    /// If the announced epoch is invalid.
    pub fn epoch(&self) -> Result<Epoch, crate::CursorError> {
        self.epoch.parse()
    }
}
