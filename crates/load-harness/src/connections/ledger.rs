//! Counters of a subscriber's requests and bytes, and their sums between two instants.

use std::{cell::Cell, rc::Rc};

use contract::{BothWays, ByteCounts, KernelCounts, LeftBehind, RequestLedger};

use crate::connections::{counted_stream::StreamBytes, kernel_ledger::KernelReading};

/// Running counters of one subscriber. Only its own task and the thread it runs on touch them, so
/// they are plain cells.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) stream: Rc<StreamBytes>,
    pub(crate) payload: Cell<u64>,
    /// Delivered events: those whose texts `payload` counts.
    pub(crate) deliveries: Cell<u64>,
    pub(crate) headers: Cell<u64>,
    pub(crate) empty_polls: Cell<u64>,
    pub(crate) requests: Cell<u64>,
    pub(crate) empty_answers: Cell<u64>,
    pub(crate) skipped_polls: Cell<u64>,
    pub(crate) failures: Cell<u64>,
    pub(crate) connections: Cell<u64>,
    pub(crate) exchanges: Cell<u64>,
    pub(crate) exchange_ns: Cell<u64>,
    /// Bytes computed by the rules of `framing_sizes`, without reading a socket's counters.
    pub(crate) computed_received: Cell<u64>,
    pub(crate) computed_sent: Cell<u64>,
    /// Requests that the socket did not take.
    pub(crate) unsent_requests: Cell<u64>,
    /// Bytes of the stream when the current exchange began; none between exchanges.
    pub(crate) begun_at_bytes: Cell<Option<u64>>,
    /// Wake-ups that are not counted in [`StreamBytes`]: the timer fired, or a client that hides its socket
    /// delivered something.
    pub(crate) other_wakeups: Cell<u64>,
}

impl Counters {
    /// An exchange begins: bytes belong to it until it ends.
    pub(crate) fn begin(&self) {
        self.begun_at_bytes.set(Some(self.stream.total()));
    }

    /// The exchange has ended, with or without an answer.
    pub(crate) fn end(&self) {
        self.begun_at_bytes.set(None);
    }

    /// Bytes of the current exchange.
    fn under_way(&self) -> u64 {
        self.begun_at_bytes.get().map_or(0, |begun_at| self.stream.total() - begun_at)
    }
}

pub(crate) fn add(counter: &Cell<u64>, amount: u64) {
    counter.set(counter.get() + amount);
}

/// Sums of many subscribers' counters at one instant.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Totals {
    bytes: ByteCounts,
    deliveries: u64,
    computed: BothWays,
    broken_off: u64,
    under_way: u64,
    left_behind: LeftBehind,
    kernel: Option<KernelReading>,
    wakeups: u64,
    requests: u64,
    empty_answers: u64,
    skipped_polls: u64,
    failures: u64,
    connections: u64,
    reconnects: u64,
    exchanges: u64,
    exchange_ns: u64,
}

impl Default for Totals {
    fn default() -> Self {
        Self {
            bytes: ByteCounts::default(),
            deliveries: 0,
            computed: BothWays::default(),
            broken_off: 0,
            under_way: 0,
            left_behind: LeftBehind::default(),
            wakeups: 0,
            // The sum over no connections is known: it is zero.
            kernel: Some(KernelReading::default()),
            requests: 0,
            empty_answers: 0,
            skipped_polls: 0,
            failures: 0,
            connections: 0,
            reconnects: 0,
            exchanges: 0,
            exchange_ns: 0,
        }
    }
}

impl Totals {
    pub(crate) fn add(&mut self, counters: &Counters) {
        self.bytes.received += counters.stream.received();
        self.bytes.sent += counters.stream.sent();
        self.bytes.payload += counters.payload.get();
        self.deliveries += counters.deliveries.get();
        self.bytes.headers += counters.headers.get();
        self.bytes.empty_polls += counters.empty_polls.get();
        self.computed.received += counters.computed_received.get();
        self.computed.sent += counters.computed_sent.get();
        self.broken_off += counters.stream.broken_off();
        self.under_way += counters.under_way();
        let unsent_requests = counters.unsent_requests.get();
        let left = LeftBehind { unsent_requests, ..counters.stream.left_behind() };
        self.left_behind = add_left(self.left_behind, left);
        self.wakeups += counters.stream.wakeups() + counters.other_wakeups.get();
        self.kernel = both(self.kernel, counters.stream.kernel());
        self.requests += counters.requests.get();
        self.empty_answers += counters.empty_answers.get();
        self.skipped_polls += counters.skipped_polls.get();
        self.failures += counters.failures.get();
        self.connections += counters.connections.get();
        self.reconnects += counters.connections.get().saturating_sub(1);
        self.exchanges += counters.exchanges.get();
        self.exchange_ns += counters.exchange_ns.get();
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.bytes.received += other.bytes.received;
        self.bytes.sent += other.bytes.sent;
        self.bytes.payload += other.bytes.payload;
        self.deliveries += other.deliveries;
        self.bytes.headers += other.bytes.headers;
        self.bytes.empty_polls += other.bytes.empty_polls;
        self.computed.received += other.computed.received;
        self.computed.sent += other.computed.sent;
        self.broken_off += other.broken_off;
        self.under_way += other.under_way;
        self.left_behind = add_left(self.left_behind, other.left_behind);
        self.wakeups += other.wakeups;
        self.kernel = both(self.kernel, other.kernel);
        self.requests += other.requests;
        self.empty_answers += other.empty_answers;
        self.skipped_polls += other.skipped_polls;
        self.failures += other.failures;
        self.connections += other.connections;
        self.reconnects += other.reconnects;
        self.exchanges += other.exchanges;
        self.exchange_ns += other.exchange_ns;
    }

    pub(crate) const fn bytes(&self) -> ByteCounts {
        self.bytes
    }

    /// Opened connections.
    pub(crate) const fn connections(&self) -> u64 {
        self.connections
    }

    /// Bytes as the subscribers compute them.
    pub(crate) const fn computed(&self) -> BothWays {
        self.computed
    }

    /// Events delivered since an earlier reading.
    pub(crate) const fn deliveries_since(&self, earlier: &Self) -> u64 {
        self.deliveries - earlier.deliveries
    }

    /// Bytes that were read but never decoded.
    pub(crate) const fn broken_off(&self) -> u64 {
        self.broken_off
    }

    /// Bytes of exchanges that have begun and are not answered yet.
    pub(crate) const fn under_way(&self) -> u64 {
        self.under_way
    }

    /// What was left on connections that have ended.
    pub(crate) const fn left_behind(&self) -> LeftBehind {
        self.left_behind
    }

    /// Wake-ups of subscribers since an earlier reading.
    pub(crate) const fn wakeups_since(&self, earlier: &Self) -> u64 {
        self.wakeups - earlier.wakeups
    }

    /// What the kernel has counted until now, if it reports that.
    pub(crate) fn kernel(&self) -> Option<KernelCounts> {
        Some(self.kernel?.all)
    }

    /// What the kernel counted between an earlier reading and this one, if it reports that.
    pub(crate) fn kernel_since(&self, earlier: &Self) -> Option<KernelCounts> {
        Some(self.kernel?.since(&earlier.kernel?))
    }

    /// Bytes between an earlier reading and this one.
    pub(crate) const fn bytes_since(&self, earlier: &Self) -> ByteCounts {
        ByteCounts {
            received: self.bytes.received - earlier.bytes.received,
            sent: self.bytes.sent - earlier.bytes.sent,
            payload: self.bytes.payload - earlier.bytes.payload,
            headers: self.bytes.headers - earlier.bytes.headers,
            empty_polls: self.bytes.empty_polls - earlier.bytes.empty_polls,
        }
    }
}

fn add_left(left: LeftBehind, right: LeftBehind) -> LeftBehind {
    LeftBehind {
        unread: left.unread + right.unread,
        unacknowledged: left.unacknowledged + right.unacknowledged,
        unheard: left.unheard + right.unheard,
        unsent_requests: left.unsent_requests + right.unsent_requests,
    }
}

/// A sum is known only if both parts are.
fn both(left: Option<KernelReading>, right: Option<KernelReading>) -> Option<KernelReading> {
    Some(left?.add(&right?))
}

/// The readings of one worker, or their sums over all: at both edges of the window and at the end.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Readings {
    pub(crate) window_start: Totals,
    pub(crate) window_end: Totals,
    pub(crate) end: Totals,
}

impl Readings {
    pub(crate) fn merge(&mut self, other: &Self) {
        self.window_start.merge(&other.window_start);
        self.window_end.merge(&other.window_end);
        self.end.merge(&other.end);
    }

    pub(crate) fn requests(&self) -> RequestLedger {
        let (start, end) = (&self.window_start, &self.window_end);
        RequestLedger {
            life: self.end.requests,
            window: end.requests - start.requests,
            window_empty: end.empty_answers - start.empty_answers,
            window_skipped: end.skipped_polls - start.skipped_polls,
            failed: self.end.failures,
            reconnects: self.end.reconnects,
            exchanges: end.exchanges - start.exchanges,
            exchange_sum_us: (end.exchange_ns - start.exchange_ns) as f64 * 1e-3,
        }
    }
}
