//! The deadlines of all connections, served by one timer.

use std::{collections::BTreeMap, time::Duration};

use tokio::time::Instant;

/// Width of a slot. Connections that are due in the same slot are handled together, so ten thousand heartbeats
/// do not wake the shared writer ten thousand times.
const SLOT_MS: u64 = 4;

/// Number of a slot since the shared writer started; 32 bits last for half a year.
pub(super) type Slot = u32;

/// Keys of connections by the slot in which they are due.
///
/// When a deadline moves to a later time, which happens at every answer to a held request, the entry stays
/// where it is. When the old slot passes, the connection is checked and entered again. So a move costs a
/// comparison and no look-up.
#[derive(Debug)]
pub(super) struct Deadlines {
    began: Instant,
    slots: BTreeMap<Slot, Vec<usize>>,
}

impl Deadlines {
    pub(super) fn new() -> Self {
        Self { began: Instant::now(), slots: BTreeMap::new() }
    }

    /// The slot that is due `wait` from now or later, never earlier.
    pub(super) fn after(&self, wait: Duration) -> Slot {
        Self::slots(self.began.elapsed() + wait) + 1
    }

    /// A time in slots, rounded down.
    pub(super) fn slots(time: Duration) -> Slot {
        (time.as_millis() as u64 / SLOT_MS) as Slot
    }

    /// A time in slots, rounded up.
    pub(super) fn whole_slots(time: Duration) -> Slot {
        (time.as_millis() as u64).div_ceil(SLOT_MS) as Slot
    }

    /// The last slot that has passed.
    pub(super) fn now(&self) -> Slot {
        Self::slots(self.began.elapsed())
    }

    /// Enters a connection.
    pub(super) fn enter(&mut self, slot: Slot, key: usize) {
        self.slots.entry(slot).or_default().push(key);
    }

    /// When the next slot with a connection passes.
    pub(super) fn next(&self) -> Option<Instant> {
        let (slot, _) = self.slots.first_key_value()?;
        Some(self.began + Duration::from_millis(u64::from(*slot) * SLOT_MS))
    }

    /// Takes the connections of one slot that has passed.
    pub(super) fn take(&mut self) -> Option<(Slot, Vec<usize>)> {
        let now = self.now();
        let first = self.slots.first_entry()?;
        (*first.key() <= now).then(|| first.remove_entry())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn nothing_is_early_and_a_slot_is_taken_whole() {
        let mut deadlines = Deadlines::new();
        let (soon, later) =
            (deadlines.after(Duration::from_millis(10)), deadlines.after(Duration::from_millis(11)));
        assert_eq!(soon, later, "both within the slot that ends at 12 ms");
        assert_eq!(
            [148, 149, 150, 152].map(|ms| Deadlines::whole_slots(Duration::from_millis(ms))),
            [37, 38, 38, 38]
        );
        deadlines.enter(soon, 1);
        deadlines.enter(later, 2);
        deadlines.enter(deadlines.after(Duration::from_millis(500)), 3);
        assert_eq!(deadlines.take(), None);
        tokio::time::sleep_until(deadlines.next().unwrap()).await;
        assert!(deadlines.began.elapsed() >= Duration::from_millis(11));
        assert_eq!(deadlines.take(), Some((soon, vec![1, 2])));
        assert_eq!(deadlines.take(), None);
        tokio::time::sleep_until(deadlines.next().unwrap()).await;
        assert_eq!(deadlines.take().unwrap().1, [3]);
        assert_eq!(deadlines.next(), None);
    }
}
