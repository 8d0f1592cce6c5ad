//! What the relay counts.

use std::{
    cell::Cell,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use contract::{RelayCounts, WayCounts};
use tokio::net::TcpStream;

use crate::{kernel, sockets};

/// The counts while they grow: written by the relay's thread, read by whoever asks.
#[derive(Debug, Default)]
pub(crate) struct Count {
    pub(crate) relayed: AtomicU64,
    pub(crate) over_cap: AtomicU64,
    pub(crate) idled_out: AtomicU64,
    pub(crate) cut: AtomicU64,
    pub(crate) upgrades_refused: AtomicU64,
    pub(crate) swallowed: AtomicU64,
    pub(crate) unreachable: AtomicU64,
    pub(crate) up: WayCount,
    pub(crate) down: WayCount,
}

/// One direction of all connections.
#[derive(Debug, Default)]
pub(crate) struct WayCount {
    taken: AtomicU64,
    made: AtomicU64,
    delivered: AtomicU64,
    discarded: AtomicU64,
    unread: AtomicU64,
    unacknowledged: AtomicU64,
    broken: AtomicU64,
}

/// Counts one more.
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

impl WayCount {
    fn read(&self) -> WayCounts {
        // What goes is read before what came: it is never more.
        let [delivered, discarded] = [&self.delivered, &self.discarded].map(|of| of.load(Relaxed));
        let [taken, made] = [&self.taken, &self.made].map(|of| of.load(Relaxed));
        WayCounts {
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

    /// Notes what the kernel holds of a sender that is closed before it was ever read from.
    pub(crate) fn turn_away(&self, sender: &TcpStream) {
        let mut unread = kernel::unread(sender);
        if unread == 0 {
            // Its request may come at this very moment. From here on the kernel refuses it.
            sockets::finish_both_ways(sender);
            unread = kernel::unread(sender);
        }
        if unread > 0 {
            self.unread.fetch_add(unread, Relaxed);
            one(&self.broken);
        }
    }
}

/// One direction of one connection. It counts for all of them, and knows what is still on its way.
#[derive(Debug)]
pub(crate) struct WayTally<'a> {
    all: &'a WayCount,
    on_its_way: Cell<u64>,
    has_discarded: Cell<bool>,
}

impl<'a> WayTally<'a> {
    pub(crate) const fn new(all: &'a WayCount) -> Self {
        Self { all, on_its_way: Cell::new(0), has_discarded: Cell::new(false) }
    }

    /// So many bytes were read from the sender.
    pub(crate) fn take(&self, bytes: usize) {
        self.all.taken.fetch_add(bytes as u64, Relaxed);
        self.on_its_way.set(self.on_its_way.get() + bytes as u64);
    }

    /// The middlebox has made so many bytes itself.
    pub(crate) fn make(&self, bytes: usize) {
        self.all.made.fetch_add(bytes as u64, Relaxed);
        self.on_its_way.set(self.on_its_way.get() + bytes as u64);
    }

    /// So many bytes were written to the receiver.
    pub(crate) fn deliver(&self, bytes: usize) {
        self.all.delivered.fetch_add(bytes as u64, Relaxed);
        self.on_its_way.set(self.on_its_way.get().saturating_sub(bytes as u64));
    }

    /// Whatever is on its way gets no further.
    pub(crate) fn discard_rest(&self) {
        let rest = self.on_its_way.take();
        if rest > 0 {
            self.all.discarded.fetch_add(rest, Relaxed);
            self.has_discarded.set(true);
        }
    }

    /// Notes what the kernel holds on both sides when the connection is closed. The connection to the receiver
    /// was opened here, or accepted.
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
