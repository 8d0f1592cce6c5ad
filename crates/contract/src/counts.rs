//! What a trial counted: deliveries, requests, bytes, packets and CPU time.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What was delivered. One event to one subscriber is one delivery.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Delivery {
    /// Scheduled events × subscribers, warm-up included.
    pub expected: u64,
    /// Deliveries that arrived, each counted once.
    pub received: u64,
    /// Expected, but never arrived.
    pub lost: u64,
    /// Arrived more than once.
    pub duplicated: u64,
    /// Arrived after a later event of the same subscriber.
    pub reordered: u64,
    /// Events without a due stamp, which the lab did not publish; they are in none of the other counts.
    pub foreign: u64,
}

/// Requests that the subscribers sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RequestLedger {
    /// Of all subscribers, from their start to their end.
    pub life: u64,
    /// Within the window.
    pub window: u64,
    /// Requests of the window that were answered with nothing new (204, 304 or no event).
    pub window_empty: u64,
    /// Polls of the window that were skipped because the previous poll was still in flight.
    pub window_skipped: u64,
    /// Requests or connections that failed in the whole trial.
    pub failed: u64,
    /// Connections that a subscriber opened after its first one, in the whole trial.
    pub reconnects: u64,
    /// Timed exchanges (request sent → answer complete) of the window: short polls only.
    pub exchanges: u64,
    /// Sum of their times.
    pub exchange_sum_us: f64,
}

/// Bytes of the TCP streams, counted at the subscribers' sockets in both directions.
///
/// `received + sent = payload + framing + headers + empty polls`, where framing is the remainder: JSON and SSE
/// envelopes, chunk and frame headers, heartbeats, pings and pongs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ByteCounts {
    /// Read from the sockets.
    pub received: u64,
    /// Written to the sockets.
    pub sent: u64,
    /// Text of delivered events.
    pub payload: u64,
    /// Request and response heads of exchanges with events, and of set-up.
    pub headers: u64,
    /// Requests and whole answers of exchanges without events.
    pub empty_polls: u64,
}

impl ByteCounts {
    /// All bytes, both directions.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.received + self.sent
    }

    /// All bytes that are neither payload nor headers nor empty polls.
    #[must_use]
    pub const fn framing(&self) -> u64 {
        self.total()
            .saturating_sub(self.payload)
            .saturating_sub(self.headers)
            .saturating_sub(self.empty_polls)
    }
}

/// Bytes of both directions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BothWays {
    /// From the server to the subscribers.
    pub received: u64,
    /// From the subscribers to the server.
    pub sent: u64,
}

impl BothWays {
    /// Both together.
    #[must_use]
    pub const fn total(self) -> u64 {
        self.received + self.sent
    }
}

/// The kernel's counters of the subscribers' sockets (`TCP_INFO` of tcp(7)).
///
/// On loopback a segment is a packet: below TCP, only the maximum segment size splits or joins anything.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct KernelCounts {
    /// Connections whose counters were read.
    pub connections: u64,
    /// Bytes sent that the server's kernel acknowledged, without the SYN's sequence number.
    pub bytes_acked: u64,
    /// Bytes received in order.
    pub bytes_received: u64,
    /// Bytes queued or sent that were not acknowledged when the counters were read.
    pub bytes_unacked: u64,
    /// Received bytes that the process had not read when the counters were read.
    pub bytes_unread: u64,
    /// Segments sent, with or without data.
    pub segments_sent: u64,
    /// Segments received, with or without data.
    pub segments_received: u64,
    /// Segments sent that carried data.
    pub data_segments_sent: u64,
    /// Segments received that carried data.
    pub data_segments_received: u64,
    /// Retransmitted segments.
    pub retransmitted: u64,
    /// Sum of the connections' smoothed round-trip times.
    pub rtt_sum_us: f64,
}

impl KernelCounts {
    /// Bytes of both directions that passed the sockets.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        (self.bytes_acked + self.bytes_unacked + self.bytes_received).saturating_sub(self.bytes_unread)
    }

    /// Segments of both directions, with or without data.
    #[must_use]
    pub const fn segments(&self) -> u64 {
        self.segments_sent + self.segments_received
    }
}

/// Bytes and requests that were lost when the subscribers' connections ended. They explain what one end of a
/// connection counted and the other did not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LeftBehind {
    /// Bytes that had arrived and that the subscriber had not read.
    pub unread: u64,
    /// Bytes that were sent, but not acknowledged when the other side closed or reset the connection. Whether
    /// they arrived is unknown.
    pub unacknowledged: u64,
    /// Connections with such bytes.
    pub unheard: u64,
    /// Requests that the socket no longer took.
    pub unsent_requests: u64,
}

/// The cost of setting up all subscribers: from `connect()` to the answer that gives a cursor.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SetUp {
    /// Subscribers that were set up.
    pub subscribers: u64,
    /// Bytes of the TCP streams, both directions.
    pub bytes: u64,
    /// Segments, both directions, with those of the handshake; null if the kernel does not report them.
    pub segments: Option<u64>,
}

/// An error that subscribers met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ErrorCount {
    /// The error, in words.
    pub what: String,
    /// Number of occurrences, over all subscribers.
    pub times: u64,
    /// Number of subscribers that met it at least once.
    pub subscribers: u64,
    /// Whether it ended the subscription: the subscribers did not try again.
    pub is_final: bool,
}

/// How many events of the schedule the publisher published.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PublisherCounts {
    /// Events of the schedule.
    pub planned: u64,
    /// Events handed to the server.
    pub published: u64,
    /// Events that the server refused.
    pub refused: u64,
}

/// One thing that happened to one subscriber. Instants are in nanoseconds since the schedule's instant 0,
/// negative before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum TraceEvent {
    /// A connection was opened.
    Connected {
        /// When.
        at_ns: i64,
    },
    /// A request was sent.
    Asked {
        /// When.
        at_ns: i64,
    },
    /// The answer of a poll was complete, or the first bytes of a stream arrived.
    Answered {
        /// When.
        at_ns: i64,
        /// Number of events in it.
        events: u32,
    },
    /// An event arrived.
    Delivered {
        /// The event's due.
        due_ns: i64,
        /// When.
        at_ns: i64,
    },
}

/// CPU time between the edges of the window, microseconds, user and system.
///
/// On loopback the kernel delivers a segment within the sender's system call, so part of the cost of
/// receiving is charged to the sender.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CpuUse {
    /// Wall time between the two readings.
    pub wall_us: f64,
    /// The server process without its publisher.
    pub server_us: f64,
    /// The publisher's pacing thread.
    pub publisher_us: f64,
    /// The harness, all its threads.
    pub harness_us: f64,
    /// Time that the server's threads, without its publisher, were ready to run and waited for a core, minus
    /// 20 us for each turn on a core (`/proc/<pid>/task/<tid>/schedstat`). Null if the kernel does not report
    /// it.
    pub server_wait_us: Option<f64>,
    /// The same for the harness's workers.
    pub harness_wait_us: Option<f64>,
    /// The whole machine, all processes; null if the system does not report it.
    pub all_cores: Option<AllCores>,
}

/// The CPU time of all cores. It includes kernel threads and interrupts on other cores, which no process's CPU
/// time does. So it shows whether work was saved or only moved.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AllCores {
    /// Busy time, summed over all cores: all processes and the kernel with its interrupts, microseconds. The
    /// kernel samples it at its ticks, so it is exact to a few per cent.
    pub busy_us: f64,
    /// Number of cores.
    pub number: u32,
}
