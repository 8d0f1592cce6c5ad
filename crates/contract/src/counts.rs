//! What a trial counted: deliveries, requests, bytes, packets and CPU time.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What was delivered: an event times a subscriber is one delivery.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Delivery {
    /// Scheduled events × subscribers, warm-up included.
    pub expected: u64,
    /// Different deliveries that arrived.
    pub received: u64,
    /// Expected but never arrived.
    pub lost: u64,
    /// Arrived more than once.
    pub duplicated: u64,
    /// Arrived after a later event of the same subscriber.
    pub reordered: u64,
    /// Events without a due stamp: published by somebody else, in neither count.
    pub foreign: u64,
}

/// Requests that the subscribers sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RequestLedger {
    /// In the whole life of all subscribers.
    pub life: u64,
    /// Within the window.
    pub window: u64,
    /// Of the window's, answered with nothing new (204, 304 or no event).
    pub window_empty: u64,
    /// Poll ticks of the window that were skipped because the poll before was still in flight.
    pub window_skipped: u64,
    /// Requests or connections that failed, whole life.
    pub failed: u64,
    /// Connections that a subscriber opened again after the first, whole life.
    pub reconnects: u64,
    /// Exchanges (request sent → answer complete) of the window that were timed: short polls.
    pub exchanges: u64,
    /// Sum of their times.
    pub exchange_sum_us: f64,
}

/// Bytes of the TCP streams as the subscribers' sockets saw them, both directions.
///
/// `received + sent = payload + framing + headers + empty polls`, where framing is what remains:
/// JSON and SSE envelopes, chunk and frame headers, heartbeats, pings and pongs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ByteCounts {
    /// Read from the sockets.
    pub received: u64,
    /// Written to the sockets.
    pub sent: u64,
    /// Text of delivered events.
    pub payload: u64,
    /// Request and response heads of exchanges that brought events, and of set-up.
    pub headers: u64,
    /// Requests and whole answers of exchanges that brought none.
    pub empty_polls: u64,
}

impl ByteCounts {
    /// All bytes, both directions.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.received + self.sent
    }

    /// What is neither payload nor headers nor an empty poll.
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

/// What the kernel counted on the subscribers' sockets (`TCP_INFO` of tcp(7)).
///
/// A segment is a packet on loopback, where nothing is joined or split below TCP but by the maximum
/// segment size.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct KernelCounts {
    /// Connections that were read.
    pub connections: u64,
    /// Bytes sent that the server's kernel acknowledged, without the SYN's sequence number.
    pub bytes_acked: u64,
    /// Bytes received in order.
    pub bytes_received: u64,
    /// Bytes taken to be sent that were not acknowledged when the counters were read.
    pub bytes_unacked: u64,
    /// Of those received, bytes that nobody had read when the counters were read.
    pub bytes_unread: u64,
    /// Segments sent, those without data included.
    pub segments_sent: u64,
    /// Segments received, those without data included.
    pub segments_received: u64,
    /// Segments sent that carried data.
    pub data_segments_sent: u64,
    /// Segments received that carried data.
    pub data_segments_received: u64,
    /// Segments sent again.
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

    /// Segments of both directions, those without data included.
    #[must_use]
    pub const fn segments(&self) -> u64 {
        self.segments_sent + self.segments_received
    }
}

/// What the subscribers' connections left behind when they ended: it explains what one side of the way
/// counted and the other did not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LeftBehind {
    /// Bytes that had come and that the subscriber had not read.
    pub unread: u64,
    /// Bytes that were sent, and that the other side had not acknowledged when it had closed or reset the
    /// connection. Whether they arrived is unknown.
    pub unacknowledged: u64,
    /// Connections with such bytes.
    pub unheard: u64,
    /// Requests that the socket did not take any more.
    pub unsent_requests: u64,
}

/// What it took to set up all subscribers: from `connect()` to the answer that gives a cursor.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SetUp {
    /// Subscribers that were set up.
    pub subscribers: u64,
    /// Bytes of the TCP streams, both directions.
    pub bytes: u64,
    /// Segments, both directions, the handshake's included; none where the kernel does not tell.
    pub segments: Option<u64>,
}

/// Something that went wrong for subscribers, as they saw it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Trouble {
    /// What they saw, in words.
    pub what: String,
    /// How often, in all of them together.
    pub times: u64,
    /// How many of them saw it at least once.
    pub subscribers: u64,
    /// Whether it ended the subscription for good: they did not try again.
    pub is_final: bool,
}

/// What the publisher did with the schedule.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PublisherCounts {
    /// Events of the schedule.
    pub planned: u64,
    /// Events handed to the server.
    pub published: u64,
    /// Events that the server refused.
    pub refused: u64,
}

/// One thing that happened to one subscriber; instants in nanoseconds since the schedule's instant 0,
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
    /// The answer of a poll was there, or the first bytes of a stream.
    Answered {
        /// When.
        at_ns: i64,
        /// Events it brought.
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
/// On loopback the kernel delivers a segment within the sender's system call, so part of receiving
/// is charged to the sender.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CpuUse {
    /// Wall time between the two readings.
    pub wall_us: f64,
    /// The server process less its publisher.
    pub server_us: f64,
    /// The publisher's pacing thread.
    pub publisher_us: f64,
    /// The harness, all its threads.
    pub harness_us: f64,
    /// Time that the server's threads, its publisher left out, were ready to run and waited for a core,
    /// beyond the 20 us that every turn on one begins with (`/proc/<pid>/task/<tid>/schedstat`). None where the kernel does not tell.
    pub server_wait_us: Option<f64>,
    /// The same for the harness's workers.
    pub harness_wait_us: Option<f64>,
    /// The whole machine, whoever used it; none where the system does not tell.
    pub all_cores: Option<AllCores>,
}

/// What all cores of the machine did. A kernel thread, or an interrupt on another core, is in here and in no
/// process's CPU time: so work that was moved is told from work that was saved.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AllCores {
    /// Time that they were busy, summed over all of them: all processes and the kernel, interrupts
    /// included, microseconds. The kernel samples it at its ticks, so it is good for a few per cent.
    pub busy_us: f64,
    /// How many there are.
    pub number: u32,
}
