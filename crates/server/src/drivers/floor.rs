//! The floor: what the kernel alone costs. No fifth pattern, but the limit of each.
//!
//! A server that pushes an event to a thousand subscribers has to hand the same bytes to the kernel a
//! thousand times. No server that sends each event by itself can be cheaper than these calls; this
//! one does nothing else, so that every figure of the four patterns can be held against it:
//!
//! ```text
//! publisher ── append ──▶ log ── wakes ──▶ one plain thread
//!                                            encode once
//!                                            for every socket: one write of the same bytes
//! ```
//!
//! One thread, one epoll loop, no asynchronous runtime and no HTTP library. It parses nothing: a
//! request is read until its blank line and gets the canned response of the one pattern that the process
//! serves, whatever it asks for. Two things are looked for, each once: the key of a WebSocket's
//! handshake, without which no client goes on, and the `hold` of the first long poll that names one,
//! which then counts for all. Where a subscriber stands is not read from its request either: the floor
//! knows what it has sent on each connection, so a subscription begins at now and lasts as long as its
//! connection does.
//!
//! What it shares with the real server is what the comparison must not depend on: the log, the
//! encodings, the socket options, and the bytes on the wire to the last one. So the subscribers and
//! their ledgers cannot tell the two apart.
//!
//! What it leaves out is the difference between a limit and a server: resuming, heartbeats, origins,
//! errors that explain themselves, several patterns on one port. It never waits for a slow reader and
//! loses nothing: the rest of a cut write is kept with the socket, and what comes after it is read from
//! the log once the kernel takes bytes again.

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
    complain::complain,
    drivers::http1_stream::Http1Stream,
    meter::{Meter, TurnCounters},
};

/// Marks of the two descriptors that are no connection's.
const LISTENER: u64 = u64::MAX;
const LOG_WAKER: u64 = u64::MAX - 1;
/// Ready descriptors that one call returns at most.
const EVENTS_AT_A_TIME: usize = 1_024;
/// Requests are a few hundred bytes; a longer one takes two reads.
const READ_BYTES: usize = 4 << 10;

/// Serves one pattern until the log is closed and everything was sent that the sockets take.
pub(crate) async fn serve(pattern: Pattern, app: Arc<App>, meter: Arc<Meter>, listener: TcpListener) {
    let (ended, end) = oneshot::channel();
    let floor = match Floor::open(pattern, app, meter, listener) {
        Ok(floor) => floor,
        Err(error) => return complain(format!("the floor cannot be opened: {error}")),
    };
    let thread = thread::Builder::new().name("floor".to_owned()).spawn(move || {
        // Nobody listens where the server was stopped first.
        let _ = ended.send(floor.run());
    });
    match (thread, end.await) {
        (Ok(_), Ok(Ok(()))) => {}
        (Err(error), _) | (Ok(_), Ok(Err(error))) => complain(format!("the floor failed: {error}")),
        (Ok(_), Err(_)) => complain("the floor's thread ended without a word"),
    }
}

/// The waker of the log: makes the epoll loop return when something was appended.
struct LogWaker(OwnedFd);

impl Wake for LogWaker {
    fn wake(self: Arc<Self>) {
        // It fails only after 2^64 wake-ups that the loop has not taken.
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
    /// How long requests are held, once one has said it.
    hold: Option<Duration>,
    next_look: Instant,
    /// When the polls that are held get their answer, once an event has come for them.
    answer_due: Option<Instant>,
    began: Instant,
    /// Time since it began, read once a turn.
    now_ms: u32,
    /// What this turn counted: the shared counters are touched once a turn, not once a write.
    counters: TurnCounters,
    buffer: Box<[u8; READ_BYTES]>,
    /// The last connection could not be accepted for want of descriptors.
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
        // A stream gets one event a turn: between two fan-outs newcomers are accepted. A poll gets all
        // that there is.
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
        // The log may have grown before anybody listened for it.
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
            // The log first: a poll that comes in this turn must get what was there before.
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

    /// Writes to one connection and notes up to where it has been sent.
    fn send(&mut self, key: usize, bytes: &Bytes, seq: u64) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        connection.sent = Some(seq);
        match connection.send(bytes, &mut self.counters) {
            Ok(true) => {}
            Ok(false) => listen_for(&self.epoll, key, connection, EventFlags::IN | EventFlags::OUT),
            Err(_) => self.forget(key),
        }
    }

    /// Gives every subscriber its next event.
    fn fan_out(&mut self, followed: &Followed) {
        let events: &[Arc<Event>] = match followed {
            Followed::Events(batch) => &batch.events,
            // So far behind that the log has given events up: each connection learns that when it is its
            // turn to catch up.
            Followed::Expired(_) => &[],
        };
        self.head = self.follow.cursor().seq;
        match self.pattern {
            // A client that polls by the clock learns it at the next poll.
            Pattern::ShortPolling => {}
            Pattern::LongPolling => self.begin_answers(),
            Pattern::Sse => self.push_all(Http1Stream::Sse, events),
            Pattern::WebSocket => self.push_all(Http1Stream::WebSocket, events),
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
            // Others have subscribed after the event, or are catching up at their own pace.
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

    /// The log is closed, and everything was sent that the sockets took: ends as the real server does.
    fn end(mut self) {
        if self.pattern == Pattern::LongPolling {
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
    // The descriptor is open and was added: there is nothing that could be wrong with it.
    let _ = epoll::modify(epoll, connection.as_fd(), EventData::new_u64(key as u64), flags);
}
