//! The floor: the lower bound of each pattern's cost, which is what the kernel alone costs.
//!
//! A server that pushes an event to a thousand subscribers has to hand the same bytes to the kernel a
//! thousand times. No server that sends each event separately can be cheaper than these calls. The floor
//! does nothing else, so that the cost of each pattern can be compared with it:
//!
//! ```text
//! publisher ── append ──▶ log ── wakes ──▶ one plain thread
//!                                            encode once
//!                                            for every socket: one write of the same bytes
//! ```
//!
//! It has one thread, one epoll loop, no asynchronous runtime and no HTTP library. It does not parse
//! requests: it reads until the blank line and sends the canned response of the one pattern that the process
//! serves. It searches a request for two things only: the key of a WebSocket's handshake, which every client
//! checks, and the `hold` of the first long poll that has one, which then applies to all. It reads no cursor
//! either: the floor knows what it has sent on each connection, so a subscription starts at the head of the
//! log and ends with its connection.
//!
//! It shares with the real server everything that must not affect the comparison: the log, the encodings, the
//! socket options, and every byte on the wire. Subscribers and their ledgers cannot distinguish the two.
//!
//! It lacks what a real server needs: resuming, heartbeats, origin checks, errors with explanations, several
//! patterns on one port. It never waits for a slow reader and loses no event: the rest of a partial write is
//! kept with the connection, and later events are read from the log once the kernel takes bytes again.

mod canned;
mod clients;
mod connection;
mod polls;

use std::{
    io,
    net::TcpListener,
    os::fd::{AsFd, OwnedFd},
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread,
    time::{Duration, Instant},
};

use bytes::Bytes;
use contract::Pattern;
use event_log::{BatchLimit, Event, Follow, Followed};
use rustix::{
    event::{
        EventfdFlags,
        epoll::{self, CreateFlags, EventData, EventFlags},
        eventfd,
    },
    io::Errno,
    time::Timespec,
};
use slab::Slab;
use tokio::sync::oneshot;

use self::{canned::CannedResponses, connection::Connection};
use crate::{
    app::App,
    drivers::http1_stream::Http1Stream,
    meter::{Meter, TurnCounters},
    print_warning::print_warning,
};

/// Keys of the two descriptors that belong to no connection.
const LISTENER: u64 = u64::MAX;
const LOG_WAKER: u64 = u64::MAX - 1;
/// Most ready descriptors that one call returns.
const EVENTS_AT_A_TIME: usize = 1_024;
/// Bytes of one read. Requests are a few hundred bytes; a longer one takes two reads.
const READ_BYTES: usize = 4 << 10;

/// Serves one pattern until the log is closed and the sockets have been sent what they take.
pub(crate) async fn serve(pattern: Pattern, app: Arc<App>, meter: Arc<Meter>, listener: TcpListener) {
    let (ended, end) = oneshot::channel();
    let floor = match Floor::open(pattern, app, meter, listener) {
        Ok(floor) => floor,
        Err(error) => return print_warning(format!("the floor cannot be opened: {error}")),
    };
    let thread = thread::Builder::new().name("floor".to_owned()).spawn(move || {
        // An error means that the server was stopped first.
        let _ = ended.send(floor.run());
    });
    match (thread, end.await) {
        (Ok(_), Ok(Ok(()))) => {}
        (Err(error), _) | (Ok(_), Ok(Err(error))) => print_warning(format!("the floor failed: {error}")),
        (Ok(_), Err(_)) => print_warning("the floor's thread ended without a result"),
    }
}

/// The log's waker: makes the epoll loop return when an event was appended.
struct LogWaker(OwnedFd);

impl Wake for LogWaker {
    fn wake(self: Arc<Self>) {
        // It fails only after 2^64 wake-ups that the loop has not read.
        let _ = rustix::io::write(&self.0, &1_u64.to_ne_bytes());
    }
}

/// The thread's state.
struct Floor {
    pattern: Pattern,
    meter: Arc<Meter>,
    epoll: OwnedFd,
    listener: TcpListener,
    log_waker: Arc<LogWaker>,
    waker: Waker,
    follow: Follow,
    canned: CannedResponses,
    connections: Slab<Connection>,
    most_connections: u64,
    /// The newest event that was fanned out.
    head: u64,
    /// How long requests are held, once a request has said so.
    hold: Option<Duration>,
    next_look: Instant,
    /// When the held polls are answered, once an event has arrived.
    answer_due: Option<Instant>,
    began: Instant,
    /// Time since `began`, read once a turn.
    now_ms: u32,
    /// The counts of this turn. They are added to the shared counters once a turn, not once a write.
    counters: TurnCounters,
    buffer: Box<[u8; READ_BYTES]>,
    /// The last connection was not accepted because no descriptors were left.
    is_starved: bool,
}

impl Floor {
    fn open(pattern: Pattern, app: Arc<App>, meter: Arc<Meter>, listener: TcpListener) -> io::Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let log_waker = Arc::new(LogWaker(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?));
        // Edge-triggered: a connection that cannot be accepted must not make the loop spin.
        epoll::add(&epoll, &listener, EventData::new_u64(LISTENER), EventFlags::IN | EventFlags::ET)?;
        epoll::add(&epoll, &log_waker.0, EventData::new_u64(LOG_WAKER), EventFlags::IN)?;
        let head = app.log().head();
        // A stream gets one event a turn, so that new connections are accepted between two fan-outs. A poll
        // gets all new events.
        let is_stream = Http1Stream::of(pattern).is_some();
        let limit = BatchLimit { events: if is_stream { 1 } else { usize::MAX }, bytes: usize::MAX };
        Ok(Self {
            pattern,
            meter,
            epoll,
            listener,
            waker: Waker::from(Arc::clone(&log_waker)),
            log_waker,
            follow: app.log().follow(head, limit),
            most_connections: app.limits().connections,
            canned: CannedResponses::new(app, pattern),
            connections: Slab::new(),
            head: head.seq,
            hold: None,
            next_look: Instant::now(),
            answer_due: None,
            began: Instant::now(),
            now_ms: 0,
            counters: TurnCounters::default(),
            buffer: Box::new([0; READ_BYTES]),
            is_starved: false,
        })
    }

    fn run(mut self) -> io::Result<()> {
        let mut ready = Vec::with_capacity(EVENTS_AT_A_TIME);
        // Events may have been appended before the waker was registered.
        let mut may_have_more = true;
        loop {
            ready.clear();
            let timeout = if may_have_more { Some(Duration::ZERO) } else { self.until_next_look() };
            let timeout = timeout.map(|timeout| Timespec {
                tv_sec: timeout.as_secs() as i64,
                tv_nsec: i64::from(timeout.subsec_nanos()),
            });
            match epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut ready), timeout.as_ref()) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            self.now_ms = self.began.elapsed().as_millis() as u32;
            self.canned.look_at_the_clock();
            // The log first: a poll that arrives in this turn must get the events published before it.
            may_have_more |= ready.iter().any(|event| event.data.u64() == LOG_WAKER) && self.take_wake_up();
            if may_have_more {
                match self.follow.poll_next(&Context::from_waker(&self.waker)) {
                    Poll::Pending => may_have_more = false,
                    Poll::Ready(Some(followed)) => self.fan_out(&followed),
                    Poll::Ready(None) => break,
                }
            }
            for &epoll::Event { data, flags, .. } in &ready {
                match data.u64() {
                    LISTENER => self.accept(),
                    LOG_WAKER => {}
                    key => self.serve(key as usize, flags),
                }
            }
            self.end_waits();
            self.end_holds();
            self.count();
        }
        self.end();
        Ok(())
    }

    fn take_wake_up(&self) -> bool {
        rustix::io::read(&self.log_waker.0, &mut [0_u8; 8]).is_ok()
    }

    /// Writes to one connection and notes the last event that it was sent.
    fn send(&mut self, key: usize, bytes: &Bytes, seq: u64) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        connection.sent = Some(seq);
        match connection.send(bytes, &mut self.counters) {
            Ok(true) => {}
            Ok(false) => listen_for(&self.epoll, key, connection, EventFlags::IN | EventFlags::OUT),
            Err(_) => self.forget(key),
        }
    }

    /// Sends every subscriber its next event.
    fn fan_out(&mut self, followed: &Followed) {
        let events: &[Arc<Event>] = match followed {
            Followed::Events(batch) => &batch.events,
            // The floor fell so far behind that events fell out of retention: each connection gets a reset
            // when it catches up.
            Followed::Expired(_) => &[],
        };
        self.head = self.follow.cursor().seq;
        match Http1Stream::of(self.pattern) {
            Some(stream) => self.push_all(stream, events),
            None if self.pattern.is_held() => self.begin_answers(),
            // A client that polls on a timer gets the event with its next poll.
            None => {}
        }
    }

    fn push_all(&mut self, stream: Http1Stream, events: &[Arc<Event>]) {
        for event in events {
            self.push(stream, event);
        }
        if events.is_empty() {
            for key in self.keys() {
                self.catch_up(key, stream);
            }
        }
    }

    /// The measured loop: one write to each socket.
    fn push(&mut self, stream: Http1Stream, event: &Event) {
        let bytes = self.canned.event(stream, event);
        let mut gone = Vec::new();
        for (key, connection) in &mut self.connections {
            // The others subscribed after the event, or are still catching up.
            if connection.sent != Some(event.seq - 1) || connection.is_stuck() {
                continue;
            }
            connection.sent = Some(event.seq);
            match connection.send(&bytes, &mut self.counters) {
                Ok(true) => {}
                Ok(false) => listen_for(&self.epoll, key, connection, EventFlags::IN | EventFlags::OUT),
                Err(_) => gone.push(key),
            }
        }
        for key in gone {
            self.forget(key);
        }
    }

    fn keys(&self) -> std::ops::Range<usize> {
        0..self.connections.capacity()
    }

    /// Ends all connections as the real server does: the log is closed, and the sockets were sent what they
    /// took.
    fn end(mut self) {
        if self.pattern.is_held() {
            self.answer_all();
            self.end_holds_of(0);
        }
        let last = Http1Stream::of(self.pattern).map(Http1Stream::end).unwrap_or_default();
        for (_, connection) in &mut self.connections {
            if !last.is_empty() && connection.sent.is_some() && !connection.is_stuck() {
                // An error means that the client is gone.
                let _ = connection.send(&last, &mut self.counters);
            }
        }
        self.counters.closed += self.connections.len() as u64;
        self.connections.clear();
        self.count();
    }

    fn count(&mut self) {
        self.meter.add(self.pattern, &std::mem::take(&mut self.counters));
    }
}

fn listen_for(epoll: &OwnedFd, key: usize, connection: &Connection, flags: EventFlags) {
    // The descriptor is open and was added: this cannot fail.
    let _ = epoll::modify(epoll, connection.as_fd(), EventData::new_u64(key as u64), flags);
}
