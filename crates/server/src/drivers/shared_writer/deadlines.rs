//! One timer for all connections.

use std::{collections::BTreeMap, time::Duration};

use tokio::time::Instant;

/// Width of a slot: connections that are due within it are looked after together, so ten thousand
/// heartbeats do not wake the shared writer ten thousand times.
const SLOT_MS: u64 = 4;

/// Number of a slot since the shared writer began; they last for half a year.
pub(super) type Slot = u32;

/// Keys of connections by the slot in which they are due.
///
/// A connection stands here once. When its deadline is put off, which happens at every event to a held
/// request, its entry stays where it is; the connection is looked at then and entered again. So putting off
/// costs a comparison and not a look-up.
#[derive(Debug)]
pub(super) struct Deadlines {
    began: Instant,
    slots: BTreeMap<Slot, Vec<usize>>,
}

impl Deadlines {
    pub(super) fn new() -> Self {
        Self { began: Instant::now(), slots: BTreeMap::new() }
    }

    /// The slot after so long: never too early.
    pub(super) fn after(&self, wait: Duration) -> Slot {
        Self::slots(self.began.elapsed() + wait) + 1
    }

    /// How many slots a time is, rounded down.
    pub(super) fn slots(time: Duration) -> Slot {
        (time.as_millis() as u64 / SLOT_MS) as Slot
    }

    /// How many slots last for so long at least.
    pub(super) fn whole_slots(time: Duration) -> Slot {
        (time.as_millis() as u64).div_ceil(SLOT_MS) as Slot
    }

    /// The slot that is over by now, and all before it.
    pub(super) fn now(&self) -> Slot {
        Self::slots(self.began.elapsed())
    }

    /// Enters a connection.
    pub(super) fn enter(&mut self, slot: Slot, key: usize) {
        self.slots.entry(slot).or_default().push(key);
    }

    /// When the next slot is over.
    pub(super) fn next(&self) -> Option<Instant> {
        let (slot, _) = self.slots.first_key_value()?;
        Some(self.began + Duration::from_millis(u64::from(*slot) * SLOT_MS))
    }

    /// Takes the connections of one slot that is over.
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
