//! The lane: one task that owns the sockets of all subscribers who wait, and writes to each what waits
//! for it.
//!
//! # Why
//!
//! An event for ten thousand subscribers is ten thousand times the same bytes. With a task for each of
//! them, as an HTTP library has it, every delivery is a task woken, scheduled and polled, a waker parked
//! again under the log's lock, and buffers held for what will never come. Here the event is framed once
//! and written to one socket after the other: a delivery is a comparison of two numbers and a system
//! call. What that is worth shows the scenario `cost-ladder`; how near it comes to what the kernel alone
//! costs shows `limit-wide`.
//!
//! # How
//!
//! A connection begins with hyper and axum, and the pattern's file answers its request whole. If the
//! answer is one that goes on, the file says so in the response's extensions
//! ([`Ride`](crate::takeover::Ride)); on a plain HTTP/1.1 connection the serve loop then takes the socket
//! out of hyper's hands (`takeover`) and it *boards* the lane. From then on:
//!
//! - **An event** wakes the lane once. It goes through the riders and gives each all that waits after
//!   *its own* place, in one write. Most wait at one place, so the bytes are made once ([`Frames`]).
//! - **A slow reader** does not hold up anybody: what its socket does not take stays with it, a slice of
//!   the shared bytes (a batch, 1 MiB of text at most), and it is passed over until its socket has room.
//!   Its place in the log falls behind, and nothing else grows. One that takes nothing at all for as long
//!   as a request's head may take is given up.
//! - **Something to read** rings the rider's bell ([`Bells`]): the end of the connection, a frame of a
//!   WebSocket ([`Talk`]), the next poll ([`Ask`]).
//! - **Time** is one wheel for all ([`Wheel`]): signs of life, the end of a hold, a connection that has
//!   been silent for too long.
//!
//! A poll's connection rides between two requests as well. The next request is read here if it looks
//! like the one before; anything else goes back to hyper, with the bytes that were read. So whatever
//! HTTP allows is still answered by an HTTP library, and what is the same a million times is not.
//!
//! # What does not ride
//!
//! HTTP/1.0, HTTP/2, TLS, a filtered stream, a request with a body or with headers that would change the
//! answer: there the response is used as it is, and the same conformance tests hold for both ways.

mod bell;
mod board;
mod farewell;
mod frames;
mod hear;
mod request;
mod rider;
mod talk;
mod time;
mod wheel;

use std::{
    future::poll_fn,
    mem,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    task::Poll,
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use event_log::{BatchLimit, Follow};
use slab::Slab;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::mpsc,
    task::yield_now,
    time::{Sleep, sleep, sleep_until},
};

use self::{
    bell::Bells,
    frames::Frames,
    rider::{Framing, Gone, Rider, State},
    wheel::Wheel,
};
pub(crate) use self::{frames::whole, request::is_plain};
use crate::{App, meter::Meter, takeover::Boarding};

/// After so many sockets the rest of the server has its turn: about a millisecond.
const SOCKETS_A_TURN: usize = 256;
/// Reads of one socket before the others have their turn: a client that never stops must not be the only
/// one that is heard.
const READS_A_TURN: usize = 4;
/// Read from a socket at a time; what comes is short.
const SCRATCH_BYTES: usize = 16 << 10;

/// The riders and what serves them.
pub(crate) struct Lane<S> {
    app: Arc<App>,
    meter: Arc<Meter>,
    boarding: mpsc::UnboundedReceiver<Boarding<S>>,
    /// Takes a socket back to hyper, with what has been read from it.
    hand_back: Box<dyn Fn(S, Bytes) + Send>,
    riders: Slab<Rider<S>>,
    bells: Arc<Bells>,
    wheel: Wheel,
    alarm: Pin<Box<Sleep>>,
    follow: Follow,
    frames: Frames,
    scratch: Box<[u8]>,
    is_closing: bool,
    /// A rider was put off that could have gone on: the rest of the server has its turn before it.
    owes_a_turn: bool,
}

/// What woke the lane.
struct Turn<S> {
    boarding: Vec<Boarding<S>>,
    rung: Vec<usize>,
    has_news: bool,
}

/// Number of riders that wait for an event, for the counters.
#[derive(Debug, Default)]
pub(crate) struct Waiting(AtomicU64);

impl Waiting {
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Lane<S> {
    /// An empty lane, and the way into it.
    pub(crate) fn new(
        app: Arc<App>,
        meter: Arc<Meter>,
        boarding: mpsc::UnboundedReceiver<Boarding<S>>,
        hand_back: impl Fn(S, Bytes) + Send + 'static,
    ) -> Self {
        Self {
            follow: app.log().follow(app.log().head(), BatchLimit::default()),
            app,
            meter,
            boarding,
            hand_back: Box::new(hand_back),
            riders: Slab::new(),
            bells: Arc::default(),
            wheel: Wheel::new(),
            alarm: Box::pin(sleep(Duration::ZERO)),
            frames: Frames::default(),
            scratch: vec![0; SCRATCH_BYTES].into(),
            is_closing: false,
            owes_a_turn: false,
        }
    }

    /// Serves until the log is closed and everybody has left.
    pub(crate) async fn run(mut self) {
        let mut turn = Turn { boarding: Vec::new(), rung: Vec::new(), has_news: false };
        while !(self.is_closing && self.riders.is_empty()) {
            poll_fn(|context| self.poll_turn(context, &mut turn)).await;
            for boarding in turn.boarding.drain(..) {
                self.board(boarding);
            }
            for (done, key) in (1..).zip(turn.rung.drain(..)) {
                self.attend(key);
                if done % SOCKETS_A_TURN == 0 {
                    yield_now().await;
                }
            }
            if mem::take(&mut turn.has_news) {
                self.fan_out().await;
            }
            while let Some((slot, keys)) = self.wheel.take() {
                for (done, key) in (1..).zip(keys) {
                    self.look_at_the_time(key, slot);
                    if done % SOCKETS_A_TURN == 0 {
                        yield_now().await;
                    }
                }
            }
            if mem::take(&mut self.owes_a_turn) {
                yield_now().await;
            }
            if self.is_closing && self.riders.is_empty() {
                // Who comes from here on is told by the serve loop.
                self.boarding.close();
                while let Ok(boarding) = self.boarding.try_recv() {
                    self.board(boarding);
                }
            }
        }
    }

    /// Ready when there is anything to do.
    fn poll_turn(&mut self, context: &mut std::task::Context<'_>, turn: &mut Turn<S>) -> Poll<()> {
        let mut is_ready = false;
        while turn.boarding.len() < SOCKETS_A_TURN
            && let Poll::Ready(Some(boarding)) = self.boarding.poll_recv(context)
        {
            turn.boarding.push(boarding);
            is_ready = true;
        }
        is_ready |= self.bells.poll_rung(context, &mut turn.rung).is_ready();
        if !self.is_closing {
            match self.follow.poll_next(context) {
                Poll::Ready(Some(_)) => {
                    turn.has_news = true;
                    is_ready = true;
                }
                Poll::Ready(None) => {
                    self.close_all();
                    is_ready = true;
                }
                Poll::Pending => {}
            }
        }
        if let Some(next) = self.wheel.next() {
            if self.alarm.deadline() != next {
                self.alarm.set(sleep_until(next));
            }
            is_ready |= self.alarm.as_mut().poll(context).is_ready();
        }
        if is_ready { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Goes on with a rider whose socket has stirred.
    fn attend(&mut self, key: usize) {
        if self.riders.contains(key) && self.go_on(key).is_err() {
            self.remove(key);
        }
        if self.is_closing {
            self.close(key);
        }
    }

    fn go_on(&mut self, key: usize) -> Result<(), Gone> {
        let rider = &mut self.riders[key];
        rider.write_rest()?;
        if matches!(rider.state, State::Leaving) && rider.talk.is_none() {
            rider.shut_if_clear()?;
        }
        self.give(key, self.follow.cursor().seq)?;
        let rider = &mut self.riders[key];
        if matches!(rider.state, State::Idle(_))
            && rider.is_clear()
            && let Some(early) = rider.early.take()
        {
            self.hear(key, &early)?;
        }
        for _ in 0..READS_A_TURN {
            let Some(rider) = self.riders.get_mut(key) else { return Ok(()) };
            let takes_more = match &rider.state {
                State::Stream { framing: Framing::Sse, .. } | State::Leaving => true,
                // Whoever asks for pongs has to read them.
                State::Stream { framing: Framing::WebSocket, .. } => rider.is_clear(),
                // One request at a time; the socket's buffer holds the next.
                State::Held { .. } => rider.early.is_none(),
                State::Idle(_) => rider.is_clear(),
            };
            if !takes_more {
                return Ok(());
            }
            let mut scratch = mem::take(&mut self.scratch);
            let read = rider.read(&mut scratch);
            let heard = match read {
                Ok(0) => Ok(()),
                Ok(length) => self.hear(key, &scratch[..length]),
                Err(gone) => Err(gone),
            };
            self.scratch = scratch;
            heard?;
            if read == Ok(0) {
                return Ok(());
            }
        }
        // There may be more, and nobody waits for the socket: after the others' turn.
        self.put_off(key);
        Ok(())
    }

    /// Lets a rider go on later that could go on now.
    fn put_off(&mut self, key: usize) {
        self.bells.ring(key);
        self.owes_a_turn = true;
    }

    /// Goes through the riders after an event.
    async fn fan_out(&mut self) {
        let mut head = self.app.log().head().seq;
        let mut written = 0;
        for key in 0..self.riders.capacity() {
            let Some(rider) = self.riders.get(key) else { continue };
            if !rider.is_clear() || !rider.waits_below(head) {
                continue;
            }
            if self.give(key, head).is_err() {
                self.remove(key);
            }
            written += 1;
            if written % SOCKETS_A_TURN == 0 {
                yield_now().await;
                // What has been published meanwhile goes to the others in the same write.
                head = self.app.log().head().seq;
            }
        }
    }

    /// Gives a rider what waits for it, if its socket takes anything.
    fn give(&mut self, key: usize, head: u64) -> Result<(), Gone> {
        let rider = &mut self.riders[key];
        if !rider.is_clear() || !rider.waits_below(head) {
            return Ok(());
        }
        match &mut rider.state {
            State::Stream { framing, seq } => {
                let (bytes, next) = self.frames.after(&self.app, *framing, *seq, head);
                *seq = next;
                rider.say(&bytes)?;
                if rider.is_clear() && next < head {
                    // A batch has its limits; others have their turn before the next one.
                    self.put_off(key);
                }
                self.note_write(key);
                Ok(())
            }
            State::Held { .. } => self.release(key),
            State::Idle(_) | State::Leaving => Ok(()),
        }
    }

    fn remove(&mut self, key: usize) {
        if let Some(rider) = self.riders.try_remove(key) {
            self.count(&rider.state, -1);
        }
    }

    fn set_state(&mut self, key: usize, state: State) -> State {
        self.count(&state, 1);
        let before = mem::replace(&mut self.riders[key].state, state);
        self.count(&before, -1);
        before
    }

    /// Keeps the number of those who wait for an event.
    fn count(&self, state: &State, change: i64) {
        if matches!(state, State::Stream { .. } | State::Held { .. }) {
            self.app.waiting_in_lane().0.fetch_add(change as u64, Relaxed);
        }
    }
}

/// One after the other.
pub(crate) fn join(first: &[u8], second: &[u8]) -> Bytes {
    let mut both = BytesMut::with_capacity(first.len() + second.len());
    both.extend_from_slice(first);
    both.extend_from_slice(second);
    both.freeze()
}
