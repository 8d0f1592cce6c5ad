//! One timer for all riders.

use std::{collections::BTreeMap, time::Duration};

use tokio::time::Instant;

/// Width of a slot: riders whose time comes within it are looked after together, so ten thousand
/// heartbeats do not wake the lane ten thousand times.
const SLOT_MS: u64 = 4;

/// Number of a slot since the wheel began; they last for half a year.
pub(super) type Slot = u32;

/// Keys of riders by the slot in which something is to happen to them.
///
/// A rider stands in it once. When its time is put off, which happens at every event to a held request,
/// its entry stays where it is; the rider is looked at then and entered again. So putting off costs a
/// comparison and not a look-up.
#[derive(Debug)]
pub(super) struct Wheel {
    began: Instant,
    slots: BTreeMap<Slot, Vec<usize>>,
}

impl Wheel {
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

    /// Enters a rider.
    pub(super) fn enter(&mut self, slot: Slot, key: usize) {
        self.slots.entry(slot).or_default().push(key);
    }

    /// When the next slot is over.
    pub(super) fn next(&self) -> Option<Instant> {
        let (slot, _) = self.slots.first_key_value()?;
        Some(self.began + Duration::from_millis(u64::from(*slot) * SLOT_MS))
    }

    /// Takes the riders of one slot that is over.
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
        let mut wheel = Wheel::new();
        let (soon, later) = (wheel.after(Duration::from_millis(10)), wheel.after(Duration::from_millis(11)));
        assert_eq!(soon, later, "both within the slot that ends at 12 ms");
        assert_eq!(
            [148, 149, 150, 152].map(|ms| Wheel::whole_slots(Duration::from_millis(ms))),
            [37, 38, 38, 38]
        );
        wheel.enter(soon, 1);
        wheel.enter(later, 2);
        wheel.enter(wheel.after(Duration::from_millis(500)), 3);
        assert_eq!(wheel.take(), None);
        tokio::time::sleep_until(wheel.next().unwrap()).await;
        assert!(wheel.began.elapsed() >= Duration::from_millis(11));
        assert_eq!(wheel.take(), Some((soon, vec![1, 2])));
        assert_eq!(wheel.take(), None);
        tokio::time::sleep_until(wheel.next().unwrap()).await;
        assert_eq!(wheel.take().unwrap().1, [3]);
        assert_eq!(wheel.next(), None);
    }
}
