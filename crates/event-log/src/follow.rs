//! Waiting for the events after a cursor, once or repeatedly.

use std::{
    future::poll_fn,
    sync::{Arc, MutexGuard},
    task::{Context, Poll, ready},
};

use contract::{After, Cursor, Resume};

use crate::{Batch, BatchLimit, EventLog, Start, log::State, waiters::Place};

/// What ended a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waited {
    /// There is an event after the cursor.
    Newer,
    /// The log is closed, and there is none.
    Closed,
}

/// What a follower gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Followed {
    /// The next events.
    Events(Arc<Batch>),
    /// The follower was so slow that events which it had not read fell out of retention. It continues from the
    /// oldest event kept; [`Start`] has the number of lost events.
    Expired(Start),
}

impl EventLog {
    /// Waits until there is an event after `cursor` or the log is closed.
    pub async fn wait(&self, cursor: Cursor) -> Waited {
        let mut parking = Parking { log: self.clone(), place: None };
        poll_fn(move |context| parking.poll_newer(context, cursor.seq).map(|(waited, _)| waited)).await
    }

    /// Follows the log from a cursor that [`EventLog::resume`] returned.
    #[must_use]
    pub fn follow(&self, start: Cursor, limit: BatchLimit) -> Follow {
        Follow { parking: Parking { log: self.clone(), place: None }, seq: start.seq, limit }
    }
}

/// A task's entry among the waiters: at most one, removed when this is dropped.
#[derive(Debug)]
struct Parking {
    log: EventLog,
    place: Option<Place>,
}

impl Parking {
    /// Ready, with the locked state, when there is an event after `seq` or the log is closed.
    fn poll_newer(&mut self, context: &Context<'_>, seq: u64) -> Poll<(Waited, MutexGuard<'_, State>)> {
        let mut state = self.log.lock();
        if state.head > seq {
            return Poll::Ready((Waited::Newer, state));
        }
        if state.closed {
            return Poll::Ready((Waited::Closed, state));
        }
        state.waiters.park(context, &mut self.place);
        Poll::Pending
    }
}

impl Drop for Parking {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            self.log.lock().waiters.leave(place);
        }
    }
}

/// A reader that follows the log: a cursor and an entry among the waiters.
#[derive(Debug)]
pub struct Follow {
    parking: Parking,
    seq: u64,
    limit: BatchLimit,
}

impl Follow {
    /// Waits for the next batch. `None` if the log is closed and everything was read.
    pub async fn next(&mut self) -> Option<Followed> {
        poll_fn(|context| self.poll_next(context)).await
    }

    /// [`Follow::next`] for hand-written futures.
    pub fn poll_next(&mut self, context: &Context<'_>) -> Poll<Option<Followed>> {
        let epoch = self.parking.log.epoch();
        let (waited, mut state) = ready!(self.parking.poll_newer(context, self.seq));
        let followed = match waited {
            Waited::Closed => return Poll::Ready(None),
            Waited::Newer => {
                let asked = After::Cursor(Cursor { epoch, seq: self.seq });
                let start = state.resume(epoch, asked);
                if start.resume == Resume::Live {
                    Followed::Events(state.batch(epoch, self.seq, self.limit))
                } else {
                    Followed::Expired(start)
                }
            }
        };
        drop(state);
        self.seq = match &followed {
            Followed::Events(batch) => batch.cursor.seq,
            Followed::Expired(start) => start.cursor.seq,
        };
        Poll::Ready(Some(followed))
    }

    /// The cursor up to which this follower has read.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        Cursor { epoch: self.parking.log.epoch(), seq: self.seq }
    }
}
