//! The subscribers: one file per pattern, and what they all have.

pub(crate) mod long_polling;
pub(crate) mod reqwest;
pub(crate) mod short_polling;
pub(crate) mod sse;
mod timetable;
pub(crate) mod websocket;

use std::{
    cell::{Cell, RefCell},
    convert::Infallible,
    io,
    net::SocketAddr,
    rc::Rc,
    time::Duration,
};

use contract::{Client, Cursor, Pattern, SetUp, Settings, Stamped, TimeHistogram, TraceEvent, Window};
use schedule::EpochClock;
use tokio::{
    sync::{Semaphore, watch},
    time::{Instant, sleep, sleep_until},
};

use crate::{
    counted_stream::CountedStream,
    dialect::Dialect,
    ledger::{Counters, add},
    poller::Use,
    reading::Unreadable,
    recorder::Recorder,
    sequence::{Arrival, Sequence},
    trace::Trace,
    wire::READ_BYTES,
};

/// Connections that one worker opens at a time: more would only queue in the server's backlog and
/// make set-up look slow.
const CONNECTING_AT_A_TIME: usize = 32;

/// Why a subscriber lost its connection. Counted, and told if the trial fails; never a panic.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SubscriberError {
    #[error("the socket failed: {0}")]
    Socket(#[from] io::Error),
    #[error("reqwest failed: {0}")]
    Reqwest(#[from] ::reqwest::Error),
    #[error("the server answered {0}")]
    Status(http::StatusCode),
    #[error("the answer cannot be read: {0}")]
    Unreadable(#[from] Unreadable),
    #[error("the server broke the contract: {0}")]
    Protocol(String),
    #[error("the server ended the stream")]
    Ended,
}

impl From<serde_json::Error> for SubscriberError {
    fn from(error: serde_json::Error) -> Self {
        Self::Protocol(format!("unreadable JSON: {error}"))
    }
}

/// The schedule's place on the epoch's clock, known once it has been started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Started {
    /// Instant 0 of the schedule, nanoseconds since the epoch began.
    pub(crate) start_ns: u64,
    /// The measured stretch, from instant 0.
    pub(crate) window: Window,
    /// Numbers of its events: the first, and one past the last.
    pub(crate) numbers: (u64, u64),
}

/// What all subscribers of a worker share. One thread, so no locks.
pub(crate) struct Desk {
    pub(crate) target: SocketAddr,
    pub(crate) tcp_maxseg: u32,
    pub(crate) pattern: Pattern,
    pub(crate) settings: Settings,
    pub(crate) poll_phase: f64,
    pub(crate) clock: EpochClock,
    pub(crate) started: watch::Receiver<Option<Started>>,
    pub(crate) recorder: RefCell<Recorder>,
    pub(crate) connect: RefCell<TimeHistogram>,
    /// What the subscribers took to be set up, so far.
    pub(crate) set_up: Cell<SetUp>,
    pub(crate) tally: Tally,
    /// The last failure, to be told if subscribers cannot connect.
    pub(crate) last_error: RefCell<Option<String>>,
    /// How the server is spoken to, and what it is called in `host`.
    pub(crate) dialect: Dialect,
    pub(crate) host: String,
    /// What every subscriber reads into; nothing stays in it.
    pub(crate) read_buffer: RefCell<Box<[u8]>>,
    /// Where every subscriber writes its request down; nothing stays in it.
    pub(crate) request: RefCell<String>,
    /// When the last read of any subscriber came back.
    received_ns: Cell<u64>,
    /// What `started` holds, once it does: looking there takes a lock.
    known_start: Cell<Option<Started>>,
    connecting: Semaphore,
    /// The trial is over: nobody may ask again.
    closing: Cell<bool>,
}

/// Deliveries of a worker, counted as they come.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) connected: Cell<u64>,
    pub(crate) received: Cell<u64>,
    pub(crate) duplicated: Cell<u64>,
    pub(crate) reordered: Cell<u64>,
    pub(crate) foreign: Cell<u64>,
}

/// One subscriber: its place in the log, its counters, and a way to its worker's desk.
pub(crate) struct Seat {
    pub(crate) desk: Rc<Desk>,
    /// Its number among all subscribers of the trial.
    pub(crate) index: u32,
    pub(crate) counters: Counters,
    cursor: Cell<Option<Cursor>>,
    sequence: RefCell<Sequence>,
    /// The first contact was made and timed.
    is_set_up: Cell<bool>,
    /// When it was tried first.
    first_attempt_ns: Cell<Option<u64>>,
    /// Only one subscriber of a trial has it.
    trace: Option<Trace>,
}

impl Desk {
    pub(crate) fn new(
        target: SocketAddr,
        tcp_maxseg: u32,
        (pattern, settings): (Pattern, Settings),
        poll_phase: f64,
        clock: EpochClock,
        started: watch::Receiver<Option<Started>>,
    ) -> Self {
        let dialect = Dialect::ours(pattern, *settings.hold);
        Self {
            dialect,
            host: target.to_string(),
            read_buffer: RefCell::new(vec![0; READ_BYTES].into()),
            request: RefCell::default(),
            received_ns: Cell::default(),
            known_start: Cell::default(),
            target,
            tcp_maxseg,
            pattern,
            settings,
            poll_phase,
            clock,
            started,
            recorder: RefCell::default(),
            connect: RefCell::default(),
            set_up: Cell::new(SetUp { subscribers: 0, bytes: 0, segments: Some(0) }),
            tally: Tally::default(),
            last_error: RefCell::default(),
            connecting: Semaphore::new(CONNECTING_AT_A_TIME),
            closing: Cell::default(),
        }
    }

    /// What this trial's polling connections are opened for. A stream is always kept.
    pub(crate) const fn connection_use(&self) -> Use {
        match self.pattern {
            Pattern::ShortPolling | Pattern::LongPolling if !self.settings.keep_alive => Use::Once,
            Pattern::ShortPolling | Pattern::LongPolling | Pattern::Sse | Pattern::WebSocket => Use::Kept,
        }
    }

    /// Waits for the schedule's start.
    pub(crate) async fn started(&self) -> Started {
        let mut started = self.started.clone();
        match started.wait_for(Option::is_some).await {
            Ok(started) => started.unwrap_or_else(|| unreachable!("waited for a start")),
            // The trial is over before its schedule began: this task is about to be dropped.
            Err(_) => std::future::pending().await,
        }
    }

    /// The schedule's start, if there is one yet.
    pub(crate) fn start(&self) -> Option<Started> {
        self.known_start.get().or_else(|| {
            self.known_start.set(*self.started.borrow());
            self.known_start.get()
        })
    }

    /// Notes that a read has just come back: what its bytes hold was received now.
    pub(crate) fn note_read(&self) {
        self.received_ns.set(self.clock.now_ns());
    }

    /// When the bytes that are being looked at were read.
    pub(crate) fn received_ns(&self) -> u64 {
        self.received_ns.get()
    }

    /// Lets no further request begin. Without this a request could be counted here and never reach
    /// the server, whose own count must agree.
    pub(crate) fn close(&self) {
        self.closing.set(true);
    }

    /// The runtime's instant for a time on the epoch's clock.
    pub(crate) fn instant(&self, at_ns: u64) -> Instant {
        Instant::now() + Duration::from_nanos(at_ns.saturating_sub(self.clock.now_ns()))
    }
}

impl Seat {
    pub(crate) fn new(desk: Rc<Desk>, index: u32, trace: Option<Trace>) -> Self {
        Self {
            desk,
            index,
            counters: Counters::default(),
            cursor: Cell::default(),
            sequence: RefCell::default(),
            is_set_up: Cell::default(),
            first_attempt_ns: Cell::default(),
            trace,
        }
    }

    pub(crate) fn target(&self) -> SocketAddr {
        self.desk.target
    }

    /// Reads until the trial ends; reconnects from its cursor when the connection is lost.
    pub(crate) async fn subscribe(self: Rc<Self>) {
        let mut wait = Duration::from_millis(250);
        loop {
            let outcome: Result<Infallible, SubscriberError> =
                // A task is as large as the largest of these. reqwest's are boxed: they are seldom run.
                match (self.desk.settings.client, self.desk.pattern) {
                    (Client::Lean, Pattern::ShortPolling) => short_polling::run(&self).await,
                    (Client::Lean, Pattern::LongPolling) => long_polling::run(&self).await,
                    (Client::Lean, Pattern::Sse) => sse::run(&self).await,
                    (_, Pattern::WebSocket) => websocket::run(&self).await,
                    (Client::Reqwest, Pattern::ShortPolling) => Box::pin(reqwest::short_polling(&self)).await,
                    (Client::Reqwest, Pattern::LongPolling) => Box::pin(reqwest::long_polling(&self)).await,
                    (Client::Reqwest, Pattern::Sse) => Box::pin(reqwest::sse(&self)).await,
                };
            let Err(error) = outcome;
            add(&self.counters.failures, 1);
            *self.desk.last_error.borrow_mut() = Some(error.to_string());
            sleep(wait).await;
            wait = (wait * 2).min(Duration::from_secs(4));
        }
    }

    /// Opens a socket to the server, counted.
    pub(crate) async fn connect(&self) -> Result<CountedStream, SubscriberError> {
        let bytes = Rc::clone(&self.counters.stream);
        let stream = CountedStream::connect(self.desk.target, self.desk.tcp_maxseg, bytes).await?;
        if !self.desk.settings.stairs.is_empty() {
            stream.forget_on_close()?;
        }
        self.count_connection();
        Ok(stream)
    }

    /// Counts a connection that was opened.
    pub(crate) fn count_connection(&self) {
        add(&self.counters.connections, 1);
        self.note(|at_ns| TraceEvent::Connected { at_ns });
    }

    /// Runs a contact from `connect()` to the answer that gives a cursor, and records how long the
    /// first one took. Only a few subscribers of a worker do this at a time.
    pub(crate) async fn set_up<T>(
        &self,
        contact: impl Future<Output = Result<T, SubscriberError>>,
    ) -> Result<T, SubscriberError> {
        let permit = self.desk.connecting.acquire().await;
        // An attempt that fails is part of what setting up takes.
        let first_ns = self.first_attempt_ns.get().unwrap_or_else(|| self.desk.clock.now_ns());
        self.first_attempt_ns.set(Some(first_ns));
        let made = contact.await?;
        drop(permit);
        if !self.is_set_up.replace(true) {
            self.desk.connect.borrow_mut().record_ns(self.desk.clock.now_ns() - first_ns);
            self.desk.set_up.set(add_set_up(self.desk.set_up.get(), self.taken_so_far()));
            add(&self.desk.tally.connected, 1);
        }
        Ok(made)
    }

    /// What this subscriber's connections have taken until now.
    fn taken_so_far(&self) -> SetUp {
        let stream = &self.counters.stream;
        let segments = stream.kernel().map(|kernel| kernel.all.segments());
        SetUp { subscribers: 1, bytes: stream.total(), segments }
    }

    /// Never returns once the trial is over: nobody may ask any more.
    pub(crate) async fn may_ask(&self) {
        if self.desk.closing.get() {
            std::future::pending::<()>().await;
        }
    }

    /// Counts a request that is about to be sent; never returns once the trial is over.
    pub(crate) async fn count_request(&self) {
        self.may_ask().await;
        add(&self.counters.requests, 1);
        self.note(|at_ns| TraceEvent::Asked { at_ns });
    }

    /// Counts a poll that brought nothing new, and the bytes it took.
    pub(crate) fn count_empty_poll(&self, exchange_bytes: u64) {
        add(&self.counters.empty_answers, 1);
        add(&self.counters.empty_polls, exchange_bytes);
        self.note_answer(0);
    }

    /// Notes that the answer to a poll is there, or a stream open.
    pub(crate) fn note_answer(&self, events: usize) {
        self.note(|at_ns| TraceEvent::Answered { at_ns, events: events as u32 });
    }

    fn note(&self, what: impl FnOnce(i64) -> TraceEvent) {
        if self.trace.is_some() {
            let at_ns = self.desk.clock.now_ns();
            self.note_at(at_ns, what);
        }
    }

    fn note_at(&self, at_ns: u64, what: impl FnOnce(i64) -> TraceEvent) {
        let Some(trace) = &self.trace else { return };
        let start_ns = self.desk.start().map(|started| started.start_ns);
        trace.note(at_ns, start_ns, what(at_ns as i64));
    }

    /// The traced subscriber's entries, relative to the schedule's instant 0; nobody else has any.
    pub(crate) fn traced_from(&self, start_ns: u64) -> Vec<TraceEvent> {
        self.trace.as_ref().map_or(Vec::new(), |trace| trace.finish(start_ns))
    }

    /// The place after the last delivery, if the subscriber has one yet.
    pub(crate) fn cursor(&self) -> Option<Cursor> {
        self.cursor.get()
    }

    /// Notes the place that the server named. The first one is where this subscriber starts.
    pub(crate) fn place(&self, cursor: Cursor) {
        if self.cursor.get().is_none() {
            *self.sequence.borrow_mut() = Sequence::starting_after(cursor.seq);
        }
        self.cursor.set(Some(cursor));
    }

    /// Takes a delivery out of the bytes that were read last: checks its number and records its age.
    pub(crate) fn deliver(&self, cursor: Cursor, text: &str) {
        let received_ns = self.desk.received_ns();
        self.cursor.set(Some(cursor));
        add(&self.counters.payload, text.len() as u64);
        let tally = &self.desk.tally;
        let Some(Stamped { due_ns, .. }) = Stamped::parse(text) else {
            self.sequence.borrow_mut().receive(cursor.seq);
            return add(&tally.foreign, 1);
        };
        match self.sequence.borrow_mut().receive(cursor.seq) {
            Arrival::New => {}
            Arrival::Reordered => add(&tally.reordered, 1),
            Arrival::Duplicate => return add(&tally.duplicated, 1),
        }
        let Some(Started { start_ns, window, numbers: (first, end) }) = self.desk.start() else {
            return;
        };
        // On a stair there was traffic before the schedule; it belongs to no ledger of deliveries.
        if (first..end).contains(&cursor.seq) {
            add(&tally.received, 1);
            self.note_at(received_ns, |at_ns| TraceEvent::Delivered { due_ns: due_ns as i64, at_ns });
            let age_ns = received_ns.saturating_sub(due_ns);
            self.desk.recorder.borrow_mut().record(window, due_ns.saturating_sub(start_ns), age_ns);
        }
    }

    /// Numbers of `first..end` that never came.
    pub(crate) fn missing_in(&self, first: u64, end: u64) -> Vec<u64> {
        self.sequence.borrow().missing_in(first, end).collect()
    }

    /// Sleeps until an instant of the epoch's clock; the timer that fires wakes the subscriber.
    pub(crate) async fn sleep_until(&self, at_ns: u64) {
        sleep_until(self.desk.instant(at_ns)).await;
        add(&self.counters.other_wakeups, 1);
    }

    /// Sleeps for a while, likewise; a pause of nothing sets no timer.
    pub(crate) async fn pause(&self, length: Duration) {
        if length.is_zero() {
            return;
        }
        sleep(length).await;
        add(&self.counters.other_wakeups, 1);
    }
}

/// What two groups of subscribers took to be set up, together.
pub(crate) fn add_set_up(left: SetUp, right: SetUp) -> SetUp {
    SetUp {
        subscribers: left.subscribers + right.subscribers,
        bytes: left.bytes + right.bytes,
        segments: left.segments.zip(right.segments).map(|(left, right)| left + right),
    }
}
