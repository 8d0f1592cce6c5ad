//! The counters of the relay.

use std::{
    cell::Cell,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use contract::{DirectionCounts, RelayCounts};
use tokio::net::TcpStream;

use crate::{kernel, sockets};

/// The live counters: the relay's thread writes them, any thread reads them.
#[derive(Debug, Default)]
pub(crate) struct Count {
    pub(crate) relayed: AtomicU64,
    pub(crate) over_cap: AtomicU64,
    pub(crate) idled_out: AtomicU64,
    pub(crate) cut: AtomicU64,
    pub(crate) upgrades_refused: AtomicU64,
    pub(crate) swallowed: AtomicU64,
    pub(crate) unreachable: AtomicU64,
    pub(crate) up: DirectionCount,
    pub(crate) down: DirectionCount,
}

/// One direction of all connections.
#[derive(Debug, Default)]
pub(crate) struct DirectionCount {
    taken: AtomicU64,
    made: AtomicU64,
    delivered: AtomicU64,
    discarded: AtomicU64,
    unread: AtomicU64,
    unacknowledged: AtomicU64,
    broken: AtomicU64,
}

/// Adds one.
pub(crate) fn one(of: &AtomicU64) {
    of.fetch_add(1, Relaxed);
}

impl Count {
    pub(crate) fn read(&self) -> RelayCounts {
        RelayCounts {
            relayed: self.relayed.load(Relaxed),
            over_cap: self.over_cap.load(Relaxed),
            idled_out: self.idled_out.load(Relaxed),
            cut: self.cut.load(Relaxed),
            upgrades_refused: self.upgrades_refused.load(Relaxed),
            swallowed: self.swallowed.load(Relaxed),
            unreachable: self.unreachable.load(Relaxed),
            up: self.up.read(),
            down: self.down.read(),
        }
    }
}

impl DirectionCount {
    fn read(&self) -> DirectionCounts {
        // Output is read before input, so that it never exceeds the input.
        let [delivered, discarded] = [&self.delivered, &self.discarded].map(|of| of.load(Relaxed));
        let [taken, made] = [&self.taken, &self.made].map(|of| of.load(Relaxed));
        DirectionCounts {
            taken,
            made,
            delivered,
            discarded,
            held: (taken + made).saturating_sub(delivered + discarded),
            unread: self.unread.load(Relaxed),
            unacknowledged: self.unacknowledged.load(Relaxed),
            broken: self.broken.load(Relaxed),
        }
    }

    /// Counts the unread bytes of a sender that is closed before the first read.
    pub(crate) fn turn_away(&self, sender: &TcpStream) {
        let mut unread = kernel::unread(sender);
        if unread == 0 {
            // Its request may arrive right now. After this call the kernel refuses it.
            sockets::finish_both_ways(sender);
            unread = kernel::unread(sender);
        }
        if unread > 0 {
            self.unread.fetch_add(unread, Relaxed);
            one(&self.broken);
        }
    }
}

/// The counter of one direction of one connection. It adds to the counters of all connections, and knows how
/// many bytes are queued.
#[derive(Debug)]
pub(crate) struct DirectionTally<'a> {
    all: &'a DirectionCount,
    on_its_way: Cell<u64>,
    has_discarded: Cell<bool>,
}

impl<'a> DirectionTally<'a> {
    pub(crate) const fn new(all: &'a DirectionCount) -> Self {
        Self { all, on_its_way: Cell::new(0), has_discarded: Cell::new(false) }
    }

    /// Counts bytes that were read from the sender.
    pub(crate) fn take(&self, bytes: usize) {
        self.all.taken.fetch_add(bytes as u64, Relaxed);
        self.on_its_way.set(self.on_its_way.get() + bytes as u64);
    }

    /// Counts bytes that the middlebox made itself.
    pub(crate) fn make(&self, bytes: usize) {
        self.all.made.fetch_add(bytes as u64, Relaxed);
        self.on_its_way.set(self.on_its_way.get() + bytes as u64);
    }

    /// Counts bytes that were written to the receiver.
    pub(crate) fn deliver(&self, bytes: usize) {
        self.all.delivered.fetch_add(bytes as u64, Relaxed);
        self.on_its_way.set(self.on_its_way.get().saturating_sub(bytes as u64));
    }

    /// Discards the bytes that are still queued.
    pub(crate) fn discard_rest(&self) {
        let rest = self.on_its_way.take();
        if rest > 0 {
            self.all.discarded.fetch_add(rest, Relaxed);
            self.has_discarded.set(true);
        }
    }

    /// Counts the bytes that the kernel holds on both sides when the connection is closed. `is_opened_here`:
    /// the relay opened the connection to the receiver, and did not accept it.
    pub(crate) fn close(
        &self,
        sender: Option<&TcpStream>,
        receiver: Option<&TcpStream>,
        is_opened_here: bool,
    ) {
        let unread = sender.map_or(0, kernel::unread);
        self.all.unread.fetch_add(unread, Relaxed);
        let unacknowledged =
            receiver.map_or(0, |receiver| kernel::unacknowledged_after_close(receiver, is_opened_here));
        self.all.unacknowledged.fetch_add(unacknowledged, Relaxed);
        if self.has_discarded.get() || self.on_its_way.get() + unread + unacknowledged > 0 {
            one(&self.all.broken);
        }
    }
}
