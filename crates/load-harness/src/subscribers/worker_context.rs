//! What all subscribers of a worker share: the trial's settings, the clock, the tally.

use std::{
    cell::{Cell, Ref, RefCell},
    net::SocketAddr,
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use contract::{Cursor, Pattern, SetUp, Settings, TimeHistogram, Transport};
use schedule::{EpochClock, Schedule};
use tokio::{
    sync::{Semaphore, watch},
    time::Instant,
};

use crate::{
    connections::{
        context::{ConnectionContext, SharedContext},
        http2::Http2Connection,
        ledger::add,
        tls::TlsClient,
    },
    data::{recorder::Recorder, server_protocol::ServerProtocol, started::Started},
    subscribers::error_counts::ErrorCounts,
};

/// Connections that one worker opens at a time: more would queue in the server's backlog and make set-up
/// look slow.
const CONNECTING_AT_A_TIME: usize = 32;

/// Whether a polling connection is reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ConnectionReuse {
    /// Request after request.
    Kept,
    /// One exchange: the request asks the server to close after it.
    Once,
}

/// What all subscribers of a worker share. One thread, so no locks.
pub(crate) struct WorkerContext {
    pub(crate) target: SocketAddr,
    pub(crate) tcp_maxseg: u32,
    pub(crate) pattern: Pattern,
    pub(crate) settings: Settings,
    pub(crate) poll_phase: f64,
    pub(crate) clock: EpochClock,
    pub(crate) started: watch::Receiver<Option<Started>>,
    pub(crate) recorder: RefCell<Recorder>,
    pub(crate) connect: RefCell<TimeHistogram>,
    /// What setting up the subscribers has taken so far.
    pub(crate) set_up: Cell<SetUp>,
    pub(crate) tally: Tally,
    /// The last failure, reported if subscribers cannot connect.
    pub(crate) last_error: RefCell<Option<String>>,
    /// All failures, by kind.
    pub(crate) error_counts: RefCell<ErrorCounts>,
    /// From losing a connection to the first answer on the next one.
    pub(crate) recovery: RefCell<TimeHistogram>,
    /// The requests and answers of the server, and the value of the `host` header.
    pub(crate) protocol: ServerProtocol,
    pub(crate) host: String,
    /// The context that the connections share.
    connections: Rc<SharedContext>,
    /// HTTP/2: the connections, each for a few consecutive subscribers.
    http2: RefCell<Vec<Rc<Http2Connection>>>,
    /// The published events, to find the number of an event that has none.
    schedule: Arc<Schedule>,
    /// The number that was found last.
    last_number: Cell<u64>,
    /// A copy of what `started` holds, because reading that takes a lock.
    known_start: Cell<Option<Started>>,
    pub(crate) connecting: Semaphore,
    /// The trial is over: no further request may begin.
    pub(crate) closing: Cell<bool>,
}

/// Deliveries of a worker, counted as they come.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) connected: Cell<u64>,
    /// Subscribers that were refused for good before they were set up.
    pub(crate) turned_away: Cell<u64>,
    /// A subscriber met an error that every subscriber meets in every attempt.
    pub(crate) is_hopeless: Cell<bool>,
    pub(crate) received: Cell<u64>,
    pub(crate) duplicated: Cell<u64>,
    pub(crate) reordered: Cell<u64>,
    pub(crate) foreign: Cell<u64>,
}

impl WorkerContext {
    pub(crate) fn new(
        target: SocketAddr,
        tcp_maxseg: u32,
        (pattern, settings): (Pattern, Settings),
        poll_phase: f64,
        clock: EpochClock,
        started: watch::Receiver<Option<Started>>,
        (protocol, schedule): (ServerProtocol, Arc<Schedule>),
    ) -> Self {
        // A subscriber whose answer may never come must not block the others, and subscribers that share a
        // connection need not queue for sockets.
        let is_unqueued = settings.is_hindered() || settings.streams_per_connection > 1;
        let connecting =
            if is_unqueued { settings.subscribers.max(1) as usize } else { CONNECTING_AT_A_TIME };
        Self {
            protocol,
            connections: Rc::new(SharedContext::new(clock, None)),
            http2: RefCell::default(),
            schedule,
            last_number: Cell::default(),
            host: target.to_string(),
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
            error_counts: RefCell::default(),
            recovery: RefCell::default(),
            connecting: Semaphore::new(connecting),
            closing: Cell::default(),
        }
    }

    /// The same with encrypted connections, if `tls` is given; to be called before there are any.
    pub(crate) fn encrypted(self, tls: Option<TlsClient>) -> Self {
        Self { connections: Rc::new(SharedContext::new(self.clock, tls)), ..self }
    }

    /// The context for the connections of one more subscriber.
    pub(crate) fn connection(&self) -> ConnectionContext {
        ConnectionContext::new(Rc::clone(&self.connections))
    }

    /// The HTTP/2 connection of the next subscriber; none where each has its own sockets.
    pub(crate) fn next_http2_connection(&self) -> Option<Rc<Http2Connection>> {
        match self.settings.transport {
            Transport::Http1 | Transport::Http1Tls => return None,
            Transport::Http2 => {}
        }
        let mut all = self.http2.borrow_mut();
        let has_room = |last: &Http2Connection| last.subscribers() < self.settings.streams_per_connection;
        if !all.last().is_some_and(|last| has_room(last)) {
            all.push(Rc::new(Http2Connection::new(Rc::clone(&self.connections))));
        }
        let last = all.last().map(Rc::clone)?;
        last.add_subscriber();
        Some(last)
    }

    /// The connections that subscribers share.
    pub(crate) fn http2_connections(&self) -> Ref<'_, Vec<Rc<Http2Connection>>> {
        self.http2.borrow()
    }

    /// Whether this trial's polling connections are reused. Streams always count as kept.
    pub(crate) const fn reuse(&self) -> ConnectionReuse {
        if self.pattern.polls() && !self.settings.keep_alive {
            ConnectionReuse::Once
        } else {
            ConnectionReuse::Kept
        }
    }

    /// Notes that a subscriber is set up: how long that took, and what its connections carried.
    pub(crate) fn note_set_up(&self, took_ns: u64, taken: SetUp) {
        self.connect.borrow_mut().record_ns(took_ns);
        self.set_up.set(add_set_up(self.set_up.get(), taken));
        add(&self.tally.connected, 1);
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

    /// The number of an event: that of its cursor, or if events have none, the position of its due in the
    /// schedule, from 1. None for an event that is not in the schedule.
    pub(crate) fn number(&self, cursor: Cursor, due_ns: u64) -> Option<u64> {
        if self.protocol.numbers_events() {
            return Some(cursor.seq);
        }
        let due_ns = due_ns.checked_sub(self.start()?.start_ns)?;
        let events = self.schedule.events();
        let last = self.last_number.get();
        let is_it = |number: u64| {
            let event = events.get(usize::try_from(number.checked_sub(1)?).ok()?)?;
            (event.due_ns == due_ns).then_some(number)
        };
        // Events fan out one after the other: nearly always it is the event of the last delivery, or the next.
        let found = is_it(last).or_else(|| is_it(last + 1)).or_else(|| {
            let place = events.binary_search_by_key(&due_ns, |event| event.due_ns).ok()?;
            Some(place as u64 + 1)
        })?;
        self.last_number.set(found);
        Some(found)
    }

    /// Stops further requests. Otherwise a request could be counted here and never reach the server, whose
    /// count must agree.
    pub(crate) fn close(&self) {
        self.closing.set(true);
    }

    /// The runtime's instant for a time on the epoch's clock.
    pub(crate) fn instant(&self, at_ns: u64) -> Instant {
        Instant::now() + Duration::from_nanos(at_ns.saturating_sub(self.clock.now_ns()))
    }
}

/// The sum of what setting up two groups of subscribers has taken.
pub(crate) fn add_set_up(left: SetUp, right: SetUp) -> SetUp {
    SetUp {
        subscribers: left.subscribers + right.subscribers,
        bytes: left.bytes + right.bytes,
        segments: left.segments.zip(right.segments).map(|(left, right)| left + right),
    }
}
