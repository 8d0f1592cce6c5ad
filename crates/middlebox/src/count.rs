//! What the relay counts.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use contract::RelayCounts;

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
    pub(crate) bytes_up: AtomicU64,
    pub(crate) bytes_down: AtomicU64,
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
            bytes_up: self.bytes_up.load(Relaxed),
            bytes_down: self.bytes_down.load(Relaxed),
        }
    }
}
