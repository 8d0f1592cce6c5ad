//! The tasks that wait for the next append.

use std::task::{Context, Waker};

use slab::Slab;

/// The wakers of parked tasks. The next append wakes all of them.
///
/// A plain list inside the log's mutex is enough for a fan-out: parking is one insert, waking is one pass, and
/// a subscriber that leaves removes its entry.
#[derive(Debug, Default)]
pub(crate) struct Waiters {
    parked: Slab<Waker>,
    /// Number of wake-ups so far; a place from an earlier round is invalid.
    round: u64,
    /// An empty list whose memory is reused in the next round.
    spare: Slab<Waker>,
}

/// A task's place among the waiters.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    key: usize,
    round: u64,
}

impl Waiters {
    /// Parks the task of `context`. A parked task keeps its place, so polling it again does not grow the list.
    pub(crate) fn park(&mut self, context: &Context<'_>, place: &mut Option<Place>) {
        if let Some(Place { key, round }) = *place
            && round == self.round
            && let Some(parked) = self.parked.get_mut(key)
        {
            parked.clone_from(context.waker());
            return;
        }
        let key = self.parked.insert(context.waker().clone());
        *place = Some(Place { key, round: self.round });
    }

    /// Removes a task that no longer waits.
    pub(crate) fn leave(&mut self, place: Place) {
        if place.round == self.round {
            self.parked.try_remove(place.key);
        }
    }

    /// Ends the round; returns all parked tasks, to be woken after the log's lock is released.
    pub(crate) fn take_all(&mut self) -> Slab<Waker> {
        self.round += 1;
        std::mem::replace(&mut self.parked, std::mem::take(&mut self.spare))
    }

    /// Returns the memory of an emptied list for the next round.
    pub(crate) fn give_back(&mut self, emptied: Slab<Waker>) {
        debug_assert!(emptied.is_empty());
        self.spare = emptied;
    }

    /// Number of parked tasks.
    pub(crate) fn len(&self) -> usize {
        self.parked.len()
    }
}
