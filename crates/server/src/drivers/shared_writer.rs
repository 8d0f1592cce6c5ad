//! The shared writer: one task that owns the sockets of all waiting subscribers and writes the events to
//! them.
//!
//! # Why
//!
//! An event for ten thousand subscribers is the same bytes ten thousand times. An HTTP library has a task for
//! each connection. With it every delivery wakes, schedules and polls a task, parks a waker again under the
//! log's lock, and keeps a buffer per connection that is rarely used. The shared writer frames the event once
//! and writes it to one socket after the other: a delivery is a comparison of two numbers and a system call.
//! The scenario `cost-ladder` shows how much this saves, and `limit-wide` compares it with the cost of the
//! kernel alone.
//!
//! # How
//!
//! A connection begins with hyper and axum, and the pattern's handler answers its request. If more follows
//! the answer, the handler puts a [`Handoff`](crate::handoff::Handoff) into the response's extensions. On a
//! plain HTTP/1.1 connection the socket is then taken out of hyper ([`hyper_io`](crate::hyper_io)) and
//! *admitted* here. From then on:
//!
//! - **An event** wakes the shared writer once. It goes through the connections and delivers to each
//!   everything after *its own* cursor, in one write. Most connections have the same cursor, so the bytes are
//!   made once ([`WireCache`]).
//! - **A slow reader** does not delay the others. The bytes that its socket does not take stay with its
//!   connection, as a slice of the shared bytes (one batch, at most 1 MiB of text), and fan-outs skip it until
//!   the socket has room. Its cursor falls behind, and nothing else grows. A connection that takes nothing for
//!   as long as the timeout of a request's head is closed.
//! - **Received bytes** put the connection into the [`ReadyQueue`]: its end, a frame of a WebSocket
//!   ([`websocket_codec`]), the next poll ([`poll_request`]).
//! - **Deadlines** share one timer ([`Deadlines`]): heartbeats, the end of a hold, a connection that has been
//!   silent for too long.
//!
//! The connection of a poll also stays here between two requests. The shared writer reads the next request if
//! it looks like the one before. Any other request goes back to hyper, with the bytes that were read: unusual
//! requests are answered by an HTTP library, and the many identical ones are not.
//!
//! # What it does not serve
//!
//! HTTP/1.0, HTTP/2, TLS, a filtered stream, a request with a body or with headers that would change the
//! answer. A task of the connection serves those, and the same conformance tests run against both.

mod admission;
mod connection;
mod deadlines;
mod inbound;
mod poll_request;
mod ready_queue;
mod shutdown;
#[cfg(test)]
mod tests;
mod time;
mod websocket_codec;
mod wire_cache;

use std::{
    future::poll_fn,
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
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

pub(crate) use self::poll_request::is_plain;
use self::{
    connection::{Connection, Gone, State},
    deadlines::Deadlines,
    ready_queue::ReadyQueue,
    wire_cache::WireCache,
};
use crate::{app::App, drivers::http1_stream::Http1Stream, handoff::HandoffRequest, meter::Meter};

/// Sockets served before the writer yields to the rest of the server: about a millisecond.
const SOCKETS_A_TURN: usize = 256;
/// Reads of one socket before the others are served: a client that sends without a pause must not delay all
/// others.
const READS_A_TURN: usize = 4;
/// Bytes read from a socket at a time; clients send little.
const SCRATCH_BYTES: usize = 16 << 10;

/// The shared writer: its connections and the state that it needs to serve them.
pub(crate) struct SharedWriter<S> {
    app: Arc<App>,
    meter: Arc<Meter>,
    handoffs: mpsc::UnboundedReceiver<HandoffRequest<S>>,
    /// Gives a socket back to hyper, with the bytes that were read from it.
    hand_back: Box<dyn Fn(S, Bytes) + Send>,
    connections: Slab<Connection<S>>,
    ready: Arc<ReadyQueue>,
    deadlines: Deadlines,
    alarm: Pin<Box<Sleep>>,
    follow: Follow,
    wire: WireCache,
    scratch: Box<[u8]>,
    is_closing: bool,
    /// A connection with more work was rescheduled: yield to the rest of the server first.
    owes_a_turn: bool,
}

/// What woke the shared writer.
struct Turn<S> {
    handoffs: Vec<HandoffRequest<S>>,
    ready: Vec<usize>,
    has_news: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> SharedWriter<S> {
    /// A shared writer without connections; they arrive by `handoffs`.
    pub(crate) fn new(
        app: Arc<App>,
        meter: Arc<Meter>,
        handoffs: mpsc::UnboundedReceiver<HandoffRequest<S>>,
        hand_back: impl Fn(S, Bytes) + Send + 'static,
    ) -> Self {
        Self {
            follow: app.log().follow(app.log().head(), BatchLimit::default()),
            app,
            meter,
            handoffs,
            hand_back: Box::new(hand_back),
            connections: Slab::new(),
            ready: Arc::default(),
            deadlines: Deadlines::new(),
            alarm: Box::pin(sleep(Duration::ZERO)),
            wire: WireCache::new(),
            scratch: vec![0; SCRATCH_BYTES].into(),
            is_closing: false,
            owes_a_turn: false,
        }
    }

    /// Serves until the log is closed and all connections have ended.
    pub(crate) async fn run(mut self) {
        let mut turn = Turn { handoffs: Vec::new(), ready: Vec::new(), has_news: false };
        while !(self.is_closing && self.connections.is_empty()) {
            poll_fn(|context| self.poll_turn(context, &mut turn)).await;
            for request in turn.handoffs.drain(..) {
                self.admit(request);
            }
            for (done, key) in (1..).zip(turn.ready.drain(..)) {
                self.on_ready(key);
                if done % SOCKETS_A_TURN == 0 {
                    yield_now().await;
                }
            }
            if mem::take(&mut turn.has_news) {
                self.fan_out().await;
            }
            while let Some((slot, keys)) = self.deadlines.take() {
                for (done, key) in (1..).zip(keys) {
                    self.on_deadline(key, slot);
                    if done % SOCKETS_A_TURN == 0 {
                        yield_now().await;
                    }
                }
            }
            if mem::take(&mut self.owes_a_turn) {
                yield_now().await;
            }
            if self.is_closing && self.connections.is_empty() {
                // A connection that arrives later is ended by its own task.
                self.handoffs.close();
                while let Ok(request) = self.handoffs.try_recv() {
                    self.admit(request);
                }
            }
        }
    }

    /// Ready when there is anything to do.
    fn poll_turn(&mut self, context: &mut Context<'_>, turn: &mut Turn<S>) -> Poll<()> {
        let mut is_ready = false;
        while turn.handoffs.len() < SOCKETS_A_TURN
            && let Poll::Ready(Some(request)) = self.handoffs.poll_recv(context)
        {
            turn.handoffs.push(request);
            is_ready = true;
        }
        is_ready |= self.ready.poll_take(context, &mut turn.ready).is_ready();
        if !self.is_closing {
            match self.follow.poll_next(context) {
                Poll::Ready(Some(_)) => {
                    turn.has_news = true;
                    is_ready = true;
                }
                Poll::Ready(None) => {
                    self.shut_down();
                    is_ready = true;
                }
                Poll::Pending => {}
            }
        }
        if let Some(next) = self.deadlines.next() {
            if self.alarm.deadline() != next {
                self.alarm.set(sleep_until(next));
            }
            is_ready |= self.alarm.as_mut().poll(context).is_ready();
        }
        if is_ready { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Serves a connection whose socket is ready.
    fn on_ready(&mut self, key: usize) {
        if self.connections.contains(key) && self.drive(key).is_err() {
            self.remove(key);
        }
        if self.is_closing {
            self.end(key);
        }
    }

    fn drive(&mut self, key: usize) -> Result<(), Gone> {
        let connection = &mut self.connections[key];
        connection.write_rest()?;
        if matches!(connection.state, State::Closing) && connection.codec.is_none() {
            connection.shut_if_drained()?;
        }
        self.deliver(key, self.follow.cursor().seq)?;
        let connection = &mut self.connections[key];
        if matches!(connection.state, State::Idle(_))
            && connection.is_drained()
            && let Some(early) = connection.early.take()
        {
            self.receive(key, &early)?;
        }
        for _ in 0..READS_A_TURN {
            let Some(connection) = self.connections.get_mut(key) else { return Ok(()) };
            let takes_more = match &connection.state {
                State::Stream { stream: Http1Stream::Sse, .. } | State::Closing => true,
                // A client that asks for pongs has to read them.
                State::Stream { stream: Http1Stream::WebSocket, .. } => connection.is_drained(),
                // One request at a time; the socket's buffer holds the next.
                State::Held { .. } | State::Lingering { .. } => connection.early.is_none(),
                State::Idle(_) => connection.is_drained(),
            };
            if !takes_more {
                return Ok(());
            }
            let mut scratch = mem::take(&mut self.scratch);
            let read = connection.read(&mut scratch);
            let received = match read {
                Ok(0) => Ok(()),
                Ok(length) => self.receive(key, &scratch[..length]),
                Err(gone) => Err(gone),
            };
            self.scratch = scratch;
            received?;
            if read == Ok(0) {
                return Ok(());
            }
        }
        // There may be more to read, for which the socket calls no waker: try again after the others.
        self.reschedule(key);
        Ok(())
    }

    /// Serves a connection again after the others, although it has more work now.
    fn reschedule(&mut self, key: usize) {
        self.ready.push(key);
        self.owes_a_turn = true;
    }

    /// Delivers new events to all connections that wait for them.
    async fn fan_out(&mut self) {
        let mut head = self.app.log().head().seq;
        let mut written = 0;
        for key in 0..self.connections.capacity() {
            let Some(connection) = self.connections.get(key) else { continue };
            if !connection.is_drained() || !connection.waits_below(head) {
                continue;
            }
            if self.deliver(key, head).is_err() {
                self.remove(key);
            }
            written += 1;
            if written % SOCKETS_A_TURN == 0 {
                yield_now().await;
                // The remaining connections get events published meanwhile in the same write.
                head = self.app.log().head().seq;
            }
        }
    }

    /// Sends a connection the events after its cursor, unless an earlier write is unfinished.
    fn deliver(&mut self, key: usize, head: u64) -> Result<(), Gone> {
        let connection = &mut self.connections[key];
        if !connection.is_drained() || !connection.waits_below(head) {
            return Ok(());
        }
        match &mut connection.state {
            State::Stream { stream, seq } => {
                let (bytes, next) = self.wire.after(&self.app, *stream, *seq, head);
                *seq = next;
                connection.send(&bytes)?;
                if connection.is_drained() && next < head {
                    // The batch was cut at its limit: the others are served before the next one.
                    self.reschedule(key);
                }
                self.note_write(key);
                Ok(())
            }
            State::Held { .. } => self.end_wait(key),
            State::Lingering { .. } | State::Idle(_) | State::Closing => Ok(()),
        }
    }

    fn remove(&mut self, key: usize) {
        if let Some(connection) = self.connections.try_remove(key) {
            self.count(&connection.state, -1);
        }
    }

    fn set_state(&mut self, key: usize, state: State) {
        self.count(&state, 1);
        let before = mem::replace(&mut self.connections[key].state, state);
        self.count(&before, -1);
    }

    /// Updates the number of connections that wait for an event.
    fn count(&self, state: &State, change: i64) {
        if matches!(state, State::Stream { .. } | State::Held { .. }) {
            self.app.add_waiting(change);
        }
    }
}

/// Concatenates two byte strings.
pub(crate) fn join(first: &[u8], second: &[u8]) -> Bytes {
    let mut both = BytesMut::with_capacity(first.len() + second.len());
    both.extend_from_slice(first);
    both.extend_from_slice(second);
    both.freeze()
}
