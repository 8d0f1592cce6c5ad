//! What all subscribers of a worker share: the trial's settings, the clock, the buffers and the tally.

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
    connections::{http1::READ_BYTES, http2::Trunk, tls::TlsClient},
    data::{recorder::Recorder, server_protocol::Dialect, started::Started},
    subscribers::{error_counts::Troubles, poller::Use},
};

/// Connections that one worker opens at a time: more would only queue in the server's backlog and
/// make set-up look slow.
const CONNECTING_AT_A_TIME: usize = 32;

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
    /// All failures, by what they were.
    pub(crate) troubles: RefCell<Troubles>,
    /// From losing a connection to the first answer on the next one.
    pub(crate) recovery: RefCell<TimeHistogram>,
    /// How the server is spoken to, and what it is called in `host`.
    pub(crate) dialect: Dialect,
    pub(crate) host: String,
    /// How connections are encrypted; none where they are in clear.
    pub(crate) tls: Option<TlsClient>,
    /// HTTP/2: the connections, each for some of the subscribers in the order in which these were seated.
    trunks: RefCell<Vec<Rc<Trunk>>>,
    /// What is published, to find the number of an event that bears none.
    schedule: Arc<Schedule>,
    /// The number that was found last.
    last_number: Cell<u64>,
    /// What every subscriber reads into; nothing stays in it.
    pub(crate) read_buffer: RefCell<Box<[u8]>>,
    /// Where every subscriber writes its request down; nothing stays in it.
    pub(crate) request: RefCell<String>,
    /// When the bytes that are being looked at were read.
    received_ns: Cell<u64>,
    /// What `started` holds, once it does: looking there takes a lock.
    known_start: Cell<Option<Started>>,
    pub(crate) connecting: Semaphore,
    /// The trial is over: nobody may ask again.
    pub(crate) closing: Cell<bool>,
}

/// Deliveries of a worker, counted as they come.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) connected: Cell<u64>,
    /// Subscribers that were turned away for good before they had a place.
    pub(crate) turned_away: Cell<u64>,
    /// Somebody met what everybody would meet, however often they tried.
    pub(crate) is_hopeless: Cell<bool>,
    pub(crate) received: Cell<u64>,
    pub(crate) duplicated: Cell<u64>,
    pub(crate) reordered: Cell<u64>,
    pub(crate) foreign: Cell<u64>,
}

impl Desk {
    pub(crate) fn new(
        target: SocketAddr,
        tcp_maxseg: u32,
        (pattern, settings): (Pattern, Settings),
        poll_phase: f64,
        clock: EpochClock,
        started: watch::Receiver<Option<Started>>,
        (dialect, schedule): (Dialect, Arc<Schedule>),
    ) -> Self {
        // Who waits for an answer that may not come must not keep the others out, and several on one
        // connection need not queue for sockets.
        let is_unqueued = settings.is_hindered() || settings.streams_per_connection > 1;
        let connecting =
            if is_unqueued { settings.subscribers.max(1) as usize } else { CONNECTING_AT_A_TIME };
        Self {
            dialect,
            tls: None,
            trunks: RefCell::default(),
            schedule,
            last_number: Cell::default(),
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
            troubles: RefCell::default(),
            recovery: RefCell::default(),
            connecting: Semaphore::new(connecting),
            closing: Cell::default(),
        }
    }

    /// The same with connections that are encrypted, if there is a way to.
    pub(crate) fn encrypted(self, tls: Option<TlsClient>) -> Self {
        Self { tls, ..self }
    }

    /// The connection that the next subscriber shares with others; none where each has sockets of its own.
    pub(crate) fn next_trunk(&self) -> Option<Rc<Trunk>> {
        match self.settings.transport {
            Transport::Http1 | Transport::Http1Tls => return None,
            Transport::Http2 => {}
        }
        let mut trunks = self.trunks.borrow_mut();
        let has_room = |trunk: &Trunk| trunk.subscribers() < self.settings.streams_per_connection;
        if !trunks.last().is_some_and(|trunk| has_room(trunk)) {
            trunks.push(Rc::new(Trunk::default()));
        }
        let trunk = trunks.last().map(Rc::clone)?;
        trunk.seat_one();
        Some(trunk)
    }

    /// The connections that subscribers share.
    pub(crate) fn trunks(&self) -> Ref<'_, Vec<Rc<Trunk>>> {
        self.trunks.borrow()
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

    /// The number of an event: that of its cursor, or where events have none, the place of its due in the
    /// schedule, from 1. None for an event of no schedule, or of another.
    pub(crate) fn number(&self, cursor: Cursor, due_ns: u64) -> Option<u64> {
        if self.dialect.numbers_events() {
            return Some(cursor.seq);
        }
        let due_ns = due_ns.checked_sub(self.start()?.start_ns)?;
        let events = self.schedule.events();
        let last = self.last_number.get();
        let is_it = |number: u64| {
            let event = events.get(usize::try_from(number.checked_sub(1)?).ok()?)?;
            (event.due_ns == due_ns).then_some(number)
        };
        // One fan-out after the other: nearly always it is the event of the delivery before, or the next.
        let found = is_it(last).or_else(|| is_it(last + 1)).or_else(|| {
            let place = events.binary_search_by_key(&due_ns, |event| event.due_ns).ok()?;
            Some(place as u64 + 1)
        })?;
        self.last_number.set(found);
        Some(found)
    }

    /// Notes that a read has just come back: what its bytes hold was received now.
    pub(crate) fn note_read(&self) -> u64 {
        self.received_ns.set(self.clock.now_ns());
        self.received_ns.get()
    }

    /// Notes that bytes are looked at which an earlier read has left.
    pub(crate) fn look_back(&self, read_ns: u64) {
        self.received_ns.set(read_ns);
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
