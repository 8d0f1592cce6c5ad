//! Tasks parked until the next append.

use std::task::{Context, Waker};

use slab::Slab;

/// The wakers of parked tasks, all woken by the next append.
///
/// A plain list inside the log's mutex, because that is what a fan-out needs: parking is one insert,
/// waking is one pass, and a subscriber that goes away takes its entry with it.
#[derive(Debug, Default)]
pub(crate) struct Waiters {
    parked: Slab<Waker>,
    /// Counts the wake-ups; a place from an earlier one is void.
    round: u64,
    /// An emptied list that keeps its memory for the next round.
    spare: Slab<Waker>,
}

/// A task's place among the waiters.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    key: usize,
    round: u64,
}

impl Waiters {
    /// Parks the task of `context`. A task that is parked already keeps its place, so polling
    /// twice does not make the list grow.
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

    /// Takes a task that no longer waits off the list.
    pub(crate) fn leave(&mut self, place: Place) {
        if place.round == self.round {
            self.parked.try_remove(place.key);
        }
    }

    /// Ends the round: everyone who is parked, to be woken once the log's lock is released.
    pub(crate) fn take_all(&mut self) -> Slab<Waker> {
        self.round += 1;
        std::mem::replace(&mut self.parked, std::mem::take(&mut self.spare))
    }

    /// Gives the memory of an emptied list back for the next round.
    pub(crate) fn give_back(&mut self, emptied: Slab<Waker>) {
        debug_assert!(emptied.is_empty());
        self.spare = emptied;
    }

    /// Number of parked tasks.
    pub(crate) fn len(&self) -> usize {
        self.parked.len()
    }
}
