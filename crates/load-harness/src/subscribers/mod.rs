//! The subscribers: one file per pattern, and what they all have.

pub(crate) mod error_counts;
mod event_source;
pub(crate) mod http2;
pub(crate) mod long_polling;
pub(crate) mod poller;
mod reconnection;
mod request_timeout;
pub(crate) mod reqwest;
pub(crate) mod short_polling;
pub(crate) mod sse;
mod timetable;
pub(crate) mod websocket;
pub(crate) mod worker_context;

use std::{
    cell::{Cell, RefCell},
    convert::Infallible,
    net::SocketAddr,
    rc::Rc,
    time::Duration,
};

use contract::{Client, Cursor, Pattern, SetUp, Stamped, TraceEvent};
use tokio::time::{sleep, sleep_until};

use reconnection::Reconnection;

use crate::{
    connections::{
        counted_stream::CountedStream,
        http2::Trunk,
        ledger::{Counters, add},
    },
    data::{
        error::SubscriberError,
        foreign_format::nowhere,
        reading::Head,
        sequence::{Arrival, Sequence},
        server_protocol::Question,
        started::Started,
        trace::Trace,
    },
    subscribers::{poller::Answered, worker_context::Desk},
};

/// Why reading a WebSocket's frames stopped, over whichever transport.
enum Stop {
    Enough,
    /// A frame must be answered, by this one.
    Answer(Vec<u8>),
    /// The same; nothing follows.
    Farewell(Vec<u8>),
}

/// One subscriber: its place in the log, its counters, and a way to its worker's desk.
pub(crate) struct Seat {
    pub(crate) desk: Rc<Desk>,
    /// Its number among all subscribers of the trial.
    pub(crate) index: u32,
    pub(crate) counters: Counters,
    /// The connection that carries its streams, if it has no sockets of its own.
    trunk: Option<Rc<Trunk>>,
    cursor: Cell<Option<Cursor>>,
    /// The place as a server names it that knows no cursor of ours.
    named_place: RefCell<Option<Box<str>>>,
    sequence: RefCell<Sequence>,
    /// The first contact was made and timed.
    is_set_up: Cell<bool>,
    /// When it was tried first.
    first_attempt_ns: Cell<Option<u64>>,
    reconnection: Reconnection,
    /// Only one subscriber of a trial has it.
    trace: Option<Trace>,
}

impl Seat {
    pub(crate) fn new(desk: Rc<Desk>, index: u32, trace: Option<Trace>) -> Self {
        Self {
            trunk: desk.next_trunk(),
            desk,
            index,
            counters: Counters::default(),
            cursor: Cell::default(),
            named_place: RefCell::default(),
            sequence: RefCell::default(),
            is_set_up: Cell::default(),
            first_attempt_ns: Cell::default(),
            reconnection: Reconnection::default(),
            trace,
        }
    }

    pub(crate) fn target(&self) -> SocketAddr {
        self.desk.target
    }

    /// Reads until the trial ends, or the server has ended the subscription for good; reconnects from
    /// its cursor when the connection is lost.
    pub(crate) async fn subscribe(self: Rc<Self>) {
        loop {
            let outcome: Result<Infallible, SubscriberError> =
                // A task is as large as the largest of these. Those that are seldom run are boxed.
                match (&self.trunk, self.desk.settings.client, self.desk.pattern) {
                    (Some(trunk), _, _) => Box::pin(http2::run(&self, trunk)).await,
                    (None, Client::Lean, Pattern::ShortPolling) => short_polling::run(&self).await,
                    (None, Client::Lean, Pattern::LongPolling) => long_polling::run(&self).await,
                    (None, Client::Lean, Pattern::Sse) => sse::run(&self).await,
                    (None, _, Pattern::WebSocket) => websocket::run(&self).await,
                    (None, Client::Reqwest, Pattern::ShortPolling) => {
                        Box::pin(reqwest::short_polling(&self)).await
                    }
                    (None, Client::Reqwest, Pattern::LongPolling) => {
                        Box::pin(reqwest::long_polling(&self)).await
                    }
                    (None, Client::Reqwest, Pattern::Sse) => Box::pin(reqwest::sse(&self)).await,
                };
            let Err(error) = outcome;
            let Some(wait) = self.lose(&error) else { return };
            self.pause(wait).await;
        }
    }

    /// Opens a socket to the server, counted; for a connection that is shared, by that.
    pub(crate) async fn connect(&self) -> Result<CountedStream, SubscriberError> {
        let bytes = Rc::clone(&self.line_counters().stream);
        let target = self.reconnection.moved().map_or(self.desk.target, |moved| moved.target);
        let stream = CountedStream::connect(target, self.desk.tcp_maxseg, bytes).await?;
        if !self.desk.settings.stairs.is_empty() {
            stream.forget_on_close()?;
        }
        self.count_connection();
        Ok(stream)
    }

    /// Where its sockets are counted.
    fn line_counters(&self) -> &Counters {
        self.trunk.as_ref().map_or(&self.counters, |trunk| &trunk.counters)
    }

    /// Counts a connection that was opened.
    pub(crate) fn count_connection(&self) {
        add(&self.line_counters().connections, 1);
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
        let outcome = contact.await;
        drop(permit);
        // Its place may have come together with the connection's end.
        let has_place = outcome.is_ok() || self.cursor().is_some();
        if has_place && !self.is_set_up.replace(true) {
            self.desk.connect.borrow_mut().record_ns(self.desk.clock.now_ns() - first_ns);
            self.desk.set_up.set(add_set_up(self.desk.set_up.get(), self.taken_so_far()));
            add(&self.desk.tally.connected, 1);
        }
        outcome
    }

    /// What this subscriber's connections have taken until now; of a shared one, since the subscriber before.
    fn taken_so_far(&self) -> SetUp {
        let stream = &self.line_counters().stream;
        let segments = stream.kernel().map(|kernel| kernel.all.segments());
        let taken = SetUp { subscribers: 1, bytes: stream.total(), segments };
        self.trunk.as_ref().map_or(taken, |trunk| trunk.since_last(taken))
    }

    /// Whether it ever had its place.
    pub(crate) fn is_set_up(&self) -> bool {
        self.is_set_up.get()
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

    /// Counts what was sent since `before_bytes`, and the head that answers it. What came in the same read
    /// behind the head, such as the events that a stream missed, or the body of a redirect, is none of it.
    fn count_heads(&self, before_bytes: u64, head: &Head<'_>) {
        let asked_bytes = self.counters.stream.sent() - before_bytes;
        add(&self.counters.headers, asked_bytes + head.used as u64);
        add(&self.counters.computed_received, head.rule_bytes);
    }

    /// Counts a poll that brought nothing new, and the bytes it took.
    pub(crate) fn count_empty_poll(&self, exchange_bytes: u64) {
        add(&self.counters.empty_answers, 1);
        add(&self.counters.empty_polls, exchange_bytes);
        self.note_answer(0);
    }

    /// Notes that the answer to a poll is there, or a stream open.
    pub(crate) fn note_answer(&self, events: usize) {
        self.line_counters().end();
        self.found_again();
        // At the instant of the read, as what it delivers.
        self.note_at(self.desk.received_ns(), |at_ns| TraceEvent::Answered { at_ns, events: events as u32 });
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

    /// Notes the place that the server named. The first one is where this subscriber starts; whoever
    /// comes after the first event has missed what is before.
    pub(crate) fn place(&self, cursor: Cursor) {
        if self.cursor.get().is_none() {
            let before = self.desk.start().map_or(u64::MAX, |started| started.numbers.0.saturating_sub(1));
            *self.sequence.borrow_mut() = Sequence::starting_after(cursor.seq.min(before));
        }
        self.cursor.set(Some(cursor));
    }

    /// Writes a request from this subscriber's place on.
    pub(crate) fn write_question(&self, question: &Question, more: &str, request: &mut String) {
        let moved = self.reconnection.moved();
        let host = moved.as_ref().map_or(&*self.desk.host, |moved| &moved.host);
        match &*self.named_place.borrow() {
            None => question.write(host, self.cursor().as_ref(), more, request),
            Some(place) => question.write(host, Some(place), more, request),
        }
    }

    /// The same request for HTTP/2.
    pub(crate) fn request(&self) -> http::request::Builder {
        let (question, host) = (self.desk.dialect.question(self.cursor()), &self.desk.host);
        match &*self.named_place.borrow() {
            None => question.request(host, self.cursor().as_ref()),
            Some(place) => question.request(host, Some(place)),
        }
    }

    /// Notes the place that a poll's answer names, if its server knows no cursor of ours.
    pub(crate) fn place_as_named(&self, answer: &Answered<'_>) -> Result<(), SubscriberError> {
        if let Some(place) = self.desk.dialect.foreign_place(answer.head, answer.body)? {
            self.named_place.replace(Some(place));
            self.place(nowhere());
        }
        Ok(())
    }

    /// Notes that a stream's head is there, which is all the place that some servers give.
    pub(crate) fn place_by_head(&self) {
        if let Some(place) = self.desk.dialect.place_of_head() {
            self.place(place);
        }
    }

    /// Takes a delivery out of the bytes that were read last: checks its number and records its age.
    pub(crate) fn deliver(&self, cursor: Cursor, text: &str) {
        let received_ns = self.desk.received_ns();
        self.cursor.set(Some(cursor));
        add(&self.counters.payload, text.len() as u64);
        // Beside its text, so that payload per delivery is the text's length whatever the window cuts off.
        add(&self.counters.deliveries, 1);
        let tally = &self.desk.tally;
        let Some(Stamped { due_ns, .. }) = Stamped::parse(text) else {
            if self.desk.dialect.numbers_events() {
                self.sequence.borrow_mut().receive(cursor.seq);
            }
            return add(&tally.foreign, 1);
        };
        // On a stair there was traffic before the schedule; it belongs to no ledger of deliveries.
        let Some(seq) = self.desk.number(cursor, due_ns) else { return };
        match self.sequence.borrow_mut().receive(seq) {
            Arrival::New => {}
            Arrival::Reordered => add(&tally.reordered, 1),
            Arrival::Duplicate => return add(&tally.duplicated, 1),
        }
        let Some(Started { start_ns, window, numbers: (first, end) }) = self.desk.start() else {
            return;
        };
        if (first..end).contains(&seq) {
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

#[cfg(test)]
mod event_source_tests;
#[cfg(test)]
mod fake_server_tests;
#[cfg(test)]
mod http2_tests;
#[cfg(test)]
mod reconnection_tests;
#[cfg(test)]
mod request_timeout_tests;
#[cfg(test)]
mod tls_peer_tests;
