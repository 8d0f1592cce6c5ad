//! The log itself, kept in memory.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use contract::{After, Cursor, Epoch, EventType, Resume};

use crate::waiters::Waiters;

/// One event of the log.
#[derive(Debug, PartialEq, Eq)]
pub struct Event {
    /// Its number, from 1.
    pub seq: u64,
    /// Its type; none means `message`.
    pub event_type: Option<EventType>,
    /// The published text.
    pub data: Box<str>,
}

impl Event {
    fn bytes(&self) -> usize {
        self.data.len() + self.event_type.as_ref().map_or(0, |name| name.as_str().len())
    }
}

/// How many events the log keeps. When either limit is exceeded, the oldest events are evicted; the newest
/// event is always kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Most events.
    pub events: usize,
    /// Most bytes of text and type names.
    pub bytes: usize,
}

impl Default for Retention {
    fn default() -> Self {
        Self { events: 100_000, bytes: 64 << 20 }
    }
}

/// Limits of one batch. The first event always fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchLimit {
    /// Most events.
    pub events: usize,
    /// Most bytes of text and type names.
    pub bytes: usize,
}

/// The batch of the wire contract: 1,000 events or 1 MiB.
impl Default for BatchLimit {
    fn default() -> Self {
        Self { events: 1_000, bytes: 1 << 20 }
    }
}

/// Consecutive events after a cursor. All readers at the same cursor share one batch.
#[derive(Debug, PartialEq, Eq)]
pub struct Batch {
    /// The cursor before the batch.
    pub after: Cursor,
    /// The cursor after it; the same if it is empty.
    pub cursor: Cursor,
    /// The events, oldest first.
    pub events: Vec<Arc<Event>>,
    /// Whether a limit cut it: more events can be read at once.
    pub more: bool,
}

/// Where a subscriber starts, and what became of the requested cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Start {
    /// The subscriber gets the events after this cursor.
    pub cursor: Cursor,
    /// What became of the requested cursor.
    pub resume: Resume,
    /// Number of lost events; `None` if it is unknown or none are lost.
    pub lost: Option<u64>,
}

/// The log refused an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// The log is closed.
    #[error("the log is closed: the server is shutting down")]
    Closed,
}

/// Counters of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogStats {
    /// The place after the newest event.
    pub head: Cursor,
    /// Events kept.
    pub events: u64,
    /// Bytes of text and type names kept.
    pub bytes: u64,
    /// Tasks that wait for the next event.
    pub waiting: u64,
}

/// A handle to an append-only log; cloning it is cheap.
///
/// The mutex is a `std` one and not an async one because it is never held across an await: every operation is a
/// few lookups in memory.
#[derive(Debug, Clone)]
pub struct EventLog {
    epoch: Epoch,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
pub(crate) struct State {
    retention: Retention,
    kept: VecDeque<Arc<Event>>,
    kept_bytes: usize,
    pub(crate) head: u64,
    pub(crate) closed: bool,
    pub(crate) waiters: Waiters,
    /// The last batch read. One look-up serves all subscribers that wait at the same cursor (nchan calls this a
    /// spool).
    last_batch: Option<(BatchLimit, Arc<Batch>)>,
}

impl EventLog {
    /// An empty log.
    #[must_use]
    pub fn new(epoch: Epoch, retention: Retention) -> Self {
        let state = State {
            retention,
            kept: VecDeque::new(),
            kept_bytes: 0,
            head: 0,
            closed: false,
            waiters: Waiters::default(),
            last_batch: None,
        };
        Self { epoch, state: Arc::new(Mutex::new(state)) }
    }

    /// The identity of this log.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Appends an event and wakes all waiting tasks. Returns the cursor after it.
    ///
    /// The amortised cost does not depend on the number of events kept: each event is evicted once.
    ///
    /// # Errors
    /// [`AppendError::Closed`] after [`EventLog::close`].
    pub fn append(&self, event_type: Option<EventType>, data: &str) -> Result<Cursor, AppendError> {
        let mut state = self.lock();
        if state.closed {
            return Err(AppendError::Closed);
        }
        let seq = state.head + 1;
        let event = Arc::new(Event { seq, event_type, data: data.into() });
        state.head = seq;
        state.kept_bytes += event.bytes();
        state.kept.push_back(event);
        state.evict();
        self.wake_all(state);
        Ok(self.cursor(seq))
    }

    /// The place after the newest event.
    #[must_use]
    pub fn head(&self) -> Cursor {
        self.cursor(self.lock().head)
    }

    /// Decides where a subscriber that asks for `after` starts.
    #[must_use]
    pub fn resume(&self, after: After) -> Start {
        self.lock().resume(self.epoch, after)
    }

    /// Reads the events after a cursor without waiting, and reports what became of that cursor.
    #[must_use]
    pub fn read(&self, after: After, limit: BatchLimit) -> (Start, Arc<Batch>) {
        let mut state = self.lock();
        let start = state.resume(self.epoch, after);
        let batch = state.batch(self.epoch, start.cursor.seq, limit);
        (start, batch)
    }

    /// Closes the log for good: appends fail; waits and follows end once they have read everything.
    pub fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        self.wake_all(state);
    }

    /// The counters, all read at the same moment.
    #[must_use]
    pub fn stats(&self) -> LogStats {
        let state = self.lock();
        LogStats {
            head: self.cursor(state.head),
            events: state.kept.len() as u64,
            bytes: state.kept_bytes as u64,
            waiting: state.waiters.len() as u64,
        }
    }

    fn cursor(&self, seq: u64) -> Cursor {
        Cursor { epoch: self.epoch, seq }
    }

    /// Poisoning is ignored: no code under the lock can panic in the middle of a change, so the state is always
    /// consistent.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes the tasks after releasing the lock: a woken task may run at once on another thread, and would
    /// block on the lock.
    fn wake_all(&self, mut state: MutexGuard<'_, State>) {
        let mut parked = state.waiters.take_all();
        drop(state);
        for waker in parked.drain() {
            waker.wake();
        }
        self.lock().waiters.give_back(parked);
    }
}

impl State {
    /// Number of the last evicted event; the oldest event kept follows it.
    fn evicted(&self) -> u64 {
        self.head - self.kept.len() as u64
    }

    fn evict(&mut self) {
        while self.kept.len() > 1
            && (self.kept.len() > self.retention.events || self.kept_bytes > self.retention.bytes)
        {
            let Some(oldest) = self.kept.pop_front() else {
                break;
            };
            self.kept_bytes -= oldest.bytes();
        }
    }

    pub(crate) fn resume(&self, epoch: Epoch, after: After) -> Start {
        let at = |seq, resume, lost| Start { cursor: Cursor { epoch, seq }, resume, lost };
        match after {
            After::Now => at(self.head, Resume::Live, None),
            After::Oldest => at(self.evicted(), Resume::Live, None),
            After::Unreadable => at(self.evicted(), Resume::Reset, None),
            After::Cursor(cursor) if cursor.epoch != epoch => at(self.evicted(), Resume::Reset, None),
            After::Cursor(cursor) if cursor.seq > self.head => at(self.evicted(), Resume::Ahead, None),
            After::Cursor(cursor) if cursor.seq < self.evicted() => {
                at(self.evicted(), Resume::Expired, Some(self.evicted() - cursor.seq))
            }
            After::Cursor(cursor) => at(cursor.seq, Resume::Live, None),
        }
    }

    /// The batch after `seq`, which must be from `evicted()` to `head`.
    pub(crate) fn batch(&mut self, epoch: Epoch, seq: u64, limit: BatchLimit) -> Arc<Batch> {
        if let Some((last_limit, last)) = &self.last_batch
            && *last_limit == limit
            && last.after.seq == seq
            && (last.more || last.cursor.seq == self.head)
        {
            return Arc::clone(last);
        }
        let mut bytes = 0;
        let events: Vec<Arc<Event>> = self
            .kept
            .range((seq - self.evicted()) as usize..)
            .take(limit.events.max(1))
            .enumerate()
            .take_while(|(index, event)| {
                bytes += event.bytes();
                *index == 0 || bytes <= limit.bytes
            })
            .map(|(_, event)| Arc::clone(event))
            .collect();
        let end = seq + events.len() as u64;
        let batch = Arc::new(Batch {
            after: Cursor { epoch, seq },
            cursor: Cursor { epoch, seq: end },
            events,
            more: end < self.head,
        });
        self.last_batch = Some((limit, Arc::clone(&batch)));
        batch
    }
}
