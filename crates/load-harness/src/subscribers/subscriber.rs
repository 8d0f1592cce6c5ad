//! One logical reader: its cursor, its counters, and the context of its worker. Independent of pattern and
//! HTTP client.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Duration,
};

use contract::{Cursor, Pattern, Settings, Stamped, TraceEvent};
use http::request;
use tokio::time::{sleep, sleep_until};

use super::{
    location::Location,
    reconnection::Reconnection,
    worker_context::{ConnectionReuse, WorkerContext},
};
use crate::{
    connections::{
        context::ConnectionContext,
        counted_stream::CountedStream,
        http2::Http2Connection,
        ledger::{Counters, add},
    },
    data::{
        answer::AnswerHead,
        error::SubscriberError,
        foreign_format::nowhere,
        sequence::{Arrival, Sequence},
        server_protocol::{Message, RequestTemplate, ServerProtocol},
        sse_parser::SseParser,
        started::Started,
        trace::Trace,
    },
};

/// A subscriber, from its first attempt to connect until the trial ends.
pub(crate) struct Subscriber {
    pub(super) worker: Rc<WorkerContext>,
    /// Its number among all subscribers of the trial.
    index: u32,
    connection: ConnectionContext,
    /// The HTTP/2 connection that carries its streams, if it has no sockets of its own.
    http2: Option<Rc<Http2Connection>>,
    cursor: Cell<Option<Cursor>>,
    /// The position in the format of a foreign server.
    named_place: RefCell<Option<Box<str>>>,
    sequence: RefCell<Sequence>,
    /// The first contact was made and timed.
    pub(super) is_set_up: Cell<bool>,
    /// When the first attempt began.
    pub(super) first_attempt_ns: Cell<Option<u64>>,
    reconnection: Reconnection,
    /// Only one subscriber of a trial has it.
    trace: Option<Box<Trace>>,
}

impl Subscriber {
    pub(crate) fn new(worker: Rc<WorkerContext>, index: u32, trace: Option<Trace>) -> Self {
        Self {
            http2: worker.next_http2_connection(),
            connection: worker.connection(),
            worker,
            index,
            cursor: Cell::default(),
            named_place: RefCell::default(),
            sequence: RefCell::default(),
            is_set_up: Cell::default(),
            first_attempt_ns: Cell::default(),
            reconnection: Reconnection::default(),
            trace: trace.map(Box::new),
        }
    }

    pub(super) fn pattern(&self) -> Pattern {
        self.worker.pattern
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.worker.settings
    }

    /// The requests and answers of its server.
    pub(super) fn protocol(&self) -> &ServerProtocol {
        &self.worker.protocol
    }

    pub(super) fn reuse(&self) -> ConnectionReuse {
        self.worker.reuse()
    }

    /// The context of its connections.
    pub(crate) fn connection(&self) -> &ConnectionContext {
        &self.connection
    }

    pub(crate) fn counters(&self) -> &Counters {
        &self.connection.counters
    }

    /// The HTTP/2 connection that carries its streams, if it has no sockets of its own.
    pub(super) fn http2(&self) -> Option<&Rc<Http2Connection>> {
        self.http2.as_ref()
    }

    /// The counters of its sockets.
    pub(super) fn socket_counters(&self) -> &Counters {
        self.http2.as_ref().map_or(self.counters(), |shared| shared.counters())
    }

    /// Opens a socket to the server and counts it; the counters of a shared connection are its own.
    pub(super) async fn connect(&self) -> Result<CountedStream, SubscriberError> {
        let bytes = Rc::clone(&self.socket_counters().stream);
        let target = self.location().map_or(self.worker.target, |moved| moved.target);
        let stream = CountedStream::connect(target, self.worker.tcp_maxseg, bytes).await?;
        if !self.settings().memory_steps.is_empty() {
            stream.forget_on_close()?;
        }
        self.count_connection();
        Ok(stream)
    }

    /// Counts an opened connection.
    pub(super) fn count_connection(&self) {
        add(&self.socket_counters().connections, 1);
        self.note(|at_ns| TraceEvent::Connected { at_ns });
    }

    /// Whether it was ever set up.
    pub(crate) fn is_set_up(&self) -> bool {
        self.is_set_up.get()
    }

    /// Whether the trial is over.
    pub(super) fn is_closing(&self) -> bool {
        self.worker.closing.get()
    }

    /// Never returns once the trial is over: no further request may begin.
    pub(super) async fn may_ask(&self) {
        if self.is_closing() {
            std::future::pending::<()>().await;
        }
    }

    /// Counts a request that is about to be sent; never returns once the trial is over.
    pub(super) async fn count_request(&self) {
        self.may_ask().await;
        add(&self.counters().requests, 1);
        self.note(|at_ns| TraceEvent::Asked { at_ns });
    }

    /// Writes the request of its pattern, which asks for what comes after its cursor; `more` holds
    /// additional header lines.
    pub(super) fn write_request(&self, more: &str, text: &mut String) {
        let moved = self.location();
        let (template, host) = match &moved {
            Some(moved) => (&moved.template, &*moved.host),
            None => (self.template(), &*self.worker.host),
        };
        match &*self.named_place.borrow() {
            None => template.write(host, self.cursor().as_ref(), more, text),
            Some(place) => template.write(host, Some(place), more, text),
        }
    }

    /// The same for clients that take a request as fields and not as text.
    pub(super) fn fill_request(
        &self,
        scheme: &str,
        more: &str,
        request: request::Builder,
    ) -> request::Builder {
        let origin = format!("{scheme}://{}", self.worker.host);
        match &*self.named_place.borrow() {
            None => self.template().fill(request, &origin, self.cursor().as_ref(), more),
            Some(place) => self.template().fill(request, &origin, Some(place), more),
        }
    }

    fn template(&self) -> &RequestTemplate {
        self.protocol().template(self.cursor())
    }

    /// Counts a poll that brought nothing new, and the bytes it took.
    pub(super) fn count_empty_poll(&self, exchange_bytes: u64) {
        add(&self.counters().empty_answers, 1);
        add(&self.counters().empty_polls, exchange_bytes);
        self.note_answer(0);
    }

    /// Notes that a poll was answered or a stream opened, so the subscriber has recovered.
    pub(super) fn note_answer(&self, events: usize) {
        self.socket_counters().end();
        // The instant of the read, as for its deliveries.
        let received_ns = self.connection.received_ns();
        if let Some(lost_ns) = self.reconnection.find_again() {
            self.worker.recovery.borrow_mut().record_ns(received_ns.saturating_sub(lost_ns));
        }
        self.note_at(received_ns, |at_ns| TraceEvent::Answered { at_ns, events: events as u32 });
    }

    fn note(&self, what: impl FnOnce(i64) -> TraceEvent) {
        if self.trace.is_some() {
            self.note_at(self.now_ns(), what);
        }
    }

    fn note_at(&self, at_ns: u64, what: impl FnOnce(i64) -> TraceEvent) {
        let Some(trace) = &self.trace else { return };
        let start_ns = self.start().map(|started| started.start_ns);
        trace.note(at_ns, start_ns, what(at_ns as i64));
    }

    /// The trace of the traced subscriber, relative to the schedule's instant 0; empty for all others.
    pub(crate) fn traced_from(&self, start_ns: u64) -> Vec<TraceEvent> {
        self.trace.as_ref().map_or(Vec::new(), |trace| trace.finish(start_ns))
    }

    /// The cursor after the last delivery, if the subscriber has one yet.
    pub(crate) fn cursor(&self) -> Option<Cursor> {
        self.cursor.get()
    }

    /// Notes the cursor that the server sent. The first one is where this subscriber starts; if the schedule
    /// has begun by then, the events before it count as missed.
    pub(crate) fn place(&self, cursor: Cursor) {
        if self.cursor.get().is_none() {
            let before = self.start().map_or(u64::MAX, |started| started.numbers.0.saturating_sub(1));
            *self.sequence.borrow_mut() = Sequence::starting_after(cursor.seq.min(before));
        }
        self.cursor.set(Some(cursor));
    }

    /// Notes the position in a poll's answer, if the server has its own format for it.
    pub(super) fn place_as_named(&self, head: &AnswerHead<'_>, body: &[u8]) -> Result<(), SubscriberError> {
        if let Some(place) = self.protocol().foreign_place(head, body)? {
            self.named_place.replace(Some(place));
            self.place(nowhere());
        }
        Ok(())
    }

    /// Notes that a stream is open. Some servers give no cursor: there the head itself marks the start.
    pub(super) fn note_stream(&self) {
        self.note_answer(0);
        if let Some(place) = self.protocol().place_of_head() {
            self.place(place);
        }
    }

    /// Handles a message of the server.
    pub(super) fn take(&self, message: &Message<'_>) {
        match message {
            Message::Place(cursor) => self.place(*cursor),
            Message::Event(cursor, text) => self.deliver(*cursor, text),
        }
    }

    /// Takes a delivery from the bytes that were read last: checks its number and records its age.
    pub(crate) fn deliver(&self, cursor: Cursor, text: &str) {
        let received_ns = self.connection.received_ns();
        self.cursor.set(Some(cursor));
        add(&self.counters().payload, text.len() as u64);
        // Counted where its text is, so that payload per delivery is the text's length at any window edge.
        add(&self.counters().deliveries, 1);
        let tally = &self.worker.tally;
        let Some(Stamped { due_ns, .. }) = Stamped::parse(text) else {
            if self.protocol().numbers_events() {
                self.sequence.borrow_mut().receive(cursor.seq);
            }
            return add(&tally.foreign, 1);
        };
        // With memory steps there is traffic before the schedule, which counts in no delivery ledger.
        let Some(seq) = self.worker.number(cursor, due_ns) else { return };
        match self.sequence.borrow_mut().receive(seq) {
            Arrival::New => {}
            Arrival::Reordered => add(&tally.reordered, 1),
            Arrival::Duplicate => return add(&tally.duplicated, 1),
        }
        let Some(Started { start_ns, window, numbers: (first, end) }) = self.start() else { return };
        if (first..end).contains(&seq) {
            add(&tally.received, 1);
            self.note_at(received_ns, |at_ns| TraceEvent::Delivered { due_ns: due_ns as i64, at_ns });
            let age_ns = received_ns.saturating_sub(due_ns);
            self.worker.recorder.borrow_mut().record(window, due_ns.saturating_sub(start_ns), age_ns);
        }
    }

    /// Numbers of `first..end` that never came.
    pub(crate) fn missing_in(&self, first: u64, end: u64) -> Vec<u64> {
        self.sequence.borrow().missing_in(first, end).collect()
    }

    /// A parser for the next event stream.
    pub(super) fn stream_parser(&self) -> SseParser {
        self.reconnection.parser()
    }

    /// Keeps the last event ID and the reconnection time of a stream that has ended.
    pub(super) fn remember(&self, parser: &SseParser) {
        self.reconnection.remember(parser);
    }

    /// The last event ID of its streams; empty if there is none.
    pub(super) fn last_event_id(&self) -> Box<str> {
        self.reconnection.last_event_id()
    }

    /// The target of redirects, if there were any.
    pub(super) fn location(&self) -> Option<Rc<Location>> {
        self.reconnection.location()
    }

    pub(super) fn move_to(&self, location: Option<Rc<Location>>) {
        self.reconnection.move_to(location);
    }

    /// The target of a redirect from where the stream was requested.
    pub(super) fn location_after(&self, redirect: &str) -> Result<Location, String> {
        match self.location() {
            Some(moved) => moved.follow(redirect),
            None => {
                let scheme = if self.settings().transport.is_encrypted() { "https" } else { "http" };
                Location::new(scheme, self.worker.target, self.protocol().template(None))?.follow(redirect)
            }
        }
    }

    /// Counts a failure. Returns how long to wait before the next attempt; none if the subscription has
    /// ended for good.
    pub(super) fn lose(&self, error: &SubscriberError) -> Option<Duration> {
        let worker = &self.worker;
        add(&self.counters().failures, 1);
        self.socket_counters().end();
        *worker.last_error.borrow_mut() = Some(error.to_string());
        let is_hopeless = !self.is_set_up() && error.is_hopeless();
        let is_final = error.is_final(self.pattern()) || is_hopeless;
        worker.error_counts.borrow_mut().note(error, is_final, &self.reconnection.met);
        if is_final {
            if !self.is_set_up() {
                add(&worker.tally.turned_away, 1);
                worker.tally.is_hopeless.set(is_hopeless || worker.tally.is_hopeless.get());
            }
            return None;
        }
        if self.is_set_up() {
            self.reconnection.lose(self.now_ns());
        }
        let is_first = !self.is_set_up() && self.start().is_none();
        // A subscriber that has polled before waits for its tick by itself.
        let tick = if self.is_set_up() { Duration::ZERO } else { *self.settings().poll_interval };
        let wait = self.reconnection.wait(self.pattern(), is_first, tick, (worker.poll_phase, self.index));
        Some(if let SubscriberError::Later(_, asked) = error { wait.max(*asked) } else { wait })
    }

    /// Its poll phase, as a fraction of the poll interval.
    pub(super) fn poll_phase(&self) -> f64 {
        contract::poll_phase(self.worker.poll_phase, self.index)
    }

    /// Now, on the epoch's clock.
    pub(super) fn now_ns(&self) -> u64 {
        self.connection.now_ns()
    }

    /// Waits for the schedule's start.
    pub(super) async fn started(&self) -> Started {
        self.worker.started().await
    }

    /// The schedule's start, if there is one yet.
    pub(super) fn start(&self) -> Option<Started> {
        self.worker.start()
    }

    /// Sleeps until an instant of the epoch's clock; the timer that fires wakes the subscriber.
    pub(super) async fn sleep_until(&self, at_ns: u64) {
        sleep_until(self.worker.instant(at_ns)).await;
        add(&self.counters().other_wakeups, 1);
    }

    /// Sleeps for a duration, likewise; a pause of zero sets no timer.
    pub(super) async fn pause(&self, length: Duration) {
        if length.is_zero() {
            return;
        }
        sleep(length).await;
        add(&self.counters().other_wakeups, 1);
    }
}
