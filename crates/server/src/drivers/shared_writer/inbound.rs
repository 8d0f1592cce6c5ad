//! Bytes from a client: a frame, the next poll, or a request for hyper.

use bytes::Bytes;
use contract::{After, Cursor, Pattern};
use event_log::{Batch, BatchLimit, Start};
use http::StatusCode;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{
    SharedWriter,
    connection::{Gone, State},
    join,
    poll_request::PollRequest,
    websocket_codec::{Next, WebSocketCodec},
};
use crate::{drivers::http1_stream::Http1Stream, http1, long_polling, short_polling};

impl<S: AsyncRead + AsyncWrite + Unpin + Send> SharedWriter<S> {
    /// Handles bytes that a client has sent.
    pub(super) fn receive(&mut self, key: usize, bytes: &[u8]) -> Result<(), Gone> {
        let connection = &mut self.connections[key];
        let is_drained = connection.is_drained();
        match &connection.state {
            State::Stream { stream: Http1Stream::Sse, .. } => Ok(()),
            State::Closing => {
                // The server closes first, as soon as both have sent their close (RFC 6455 §7.1.1).
                let is_over = connection.codec.as_mut().is_some_and(|codec| codec.is_over(bytes));
                if is_over && connection.is_drained() { Err(Gone) } else { Ok(()) }
            }
            // A pong without payload, which answers a heartbeat. A client that sends nothing else needs no
            // codec.
            State::Stream { stream: Http1Stream::WebSocket, .. }
                if connection.codec.is_none() && matches!(bytes, [0x8a, 0x80, _, _, _, _]) =>
            {
                Ok(())
            }
            State::Stream { stream: Http1Stream::WebSocket, .. } => {
                let codec = connection.codec.get_or_insert_with(|| Box::new(WebSocketCodec::new(&self.app)));
                let (answer, next) = codec.receive(&self.app, bytes);
                connection.send(&answer)?;
                if !answer.is_empty() {
                    self.note_write(key);
                }
                match next {
                    Next::More => Ok(()),
                    Next::Closed if self.connections[key].is_drained() => Err(Gone),
                    Next::Closing | Next::Closed => {
                        self.wait_for_close(key);
                        Ok(())
                    }
                }
            }
            State::Held { .. } | State::Lingering { .. } => {
                keep(&mut connection.early, bytes);
                Ok(())
            }
            // The previous answer is not written yet.
            State::Idle(_) if !is_drained => {
                keep(&mut connection.early, bytes);
                Ok(())
            }
            &State::Idle(pattern) => match PollRequest::read(pattern, bytes) {
                Some(request) => self.poll(key, pattern, request),
                None => {
                    let connection = self.connections.remove(key);
                    (self.hand_back)(connection.into_stream(), Bytes::copy_from_slice(bytes));
                    Ok(())
                }
            },
        }
    }

    /// Answers a poll, or holds it.
    fn poll(&mut self, key: usize, pattern: Pattern, request: PollRequest<'_>) -> Result<(), Gone> {
        let route = self.meter.pattern(pattern);
        route.arrive();
        let after = After::Cursor(request.after);
        let (status, bytes) = match pattern {
            Pattern::ShortPolling => {
                let found = short_polling::look(self.app.log(), after, request.known);
                let make = || short_polling::answer(self.app.encodings(), &found);
                self.wire.answer((pattern, found.is_known), (&found.start, &found.batch), make)
            }
            Pattern::LongPolling => match long_polling::look(self.app.log(), after) {
                long_polling::Found::State(start, batch) => self.long_poll_answer(&start, &batch),
                long_polling::Found::Nothing { .. } if self.is_closing => return Err(Gone),
                long_polling::Found::Nothing { after } => {
                    self.set_state(key, State::Held { seq: after.seq });
                    self.set_due(key, request.hold);
                    return Ok(());
                }
            },
            Pattern::Sse | Pattern::WebSocket => return Ok(()),
        };
        self.meter.pattern(pattern).answer(status);
        self.set_due(key, self.app.limits().head_timeout);
        self.connections[key].send(&bytes)
    }

    fn long_poll_answer(&mut self, start: &Start, batch: &Batch) -> (StatusCode, Bytes) {
        let make = || long_polling::answer(self.app.encodings(), start, batch);
        self.wire.answer((Pattern::LongPolling, false), (start, batch), make)
    }

    /// An event has arrived for a held poll: answers it now, or lets it wait for more events.
    pub(super) fn end_wait(&mut self, key: usize) -> Result<(), Gone> {
        if long_polling::LINGER.is_zero() || self.is_closing {
            return self.release(key);
        }
        if let State::Held { seq } = self.connections[key].state {
            self.set_state(key, State::Lingering { seq });
            self.set_due(key, long_polling::LINGER);
        }
        Ok(())
    }

    /// Answers a held poll with the events that have arrived.
    pub(super) fn release(&mut self, key: usize) -> Result<(), Gone> {
        let (State::Held { seq } | State::Lingering { seq }) = self.connections[key].state else {
            return Ok(());
        };
        let after = After::Cursor(Cursor { epoch: self.app.log().epoch(), seq });
        let (start, batch) = self.app.log().read(after, BatchLimit::default());
        let (status, bytes) = self.long_poll_answer(&start, &batch);
        self.answer_held(key, status, &bytes)
    }

    /// Answers a held poll whose hold ended without an event.
    pub(super) fn end_hold(&mut self, key: usize) -> Result<(), Gone> {
        let answer = long_polling::no_content();
        self.answer_held(key, answer.status(), &http1::whole(&answer, http1::this_second()))
    }

    fn answer_held(&mut self, key: usize, status: StatusCode, bytes: &Bytes) -> Result<(), Gone> {
        self.meter.pattern(Pattern::LongPolling).answer(status);
        self.set_state(key, State::Idle(Pattern::LongPolling));
        self.set_due(key, self.app.limits().head_timeout);
        let connection = &mut self.connections[key];
        connection.send(bytes)?;
        if connection.early.is_some() {
            // Reading stopped when these bytes arrived, so the socket calls no waker for them.
            self.ready.push(key);
        }
        Ok(())
    }
}

/// Keeps bytes of a request that cannot be answered yet.
fn keep(early: &mut Option<Box<Bytes>>, bytes: &[u8]) {
    let before = early.take().unwrap_or_default();
    *early = Some(Box::new(join(&before, bytes)));
}
