//! What a rider's client says: a frame, the next poll, or something for hyper.

use bytes::Bytes;
use contract::{After, Cursor, Pattern};
use event_log::BatchLimit;
use http::StatusCode;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{
    Lane, join,
    request::Ask,
    rider::{Framing, Gone, State},
    talk::{Next, Talk},
};
use crate::{long_polling, short_polling};

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Lane<S> {
    /// Takes what a client said.
    pub(super) fn hear(&mut self, key: usize, bytes: &[u8]) -> Result<(), Gone> {
        let rider = &mut self.riders[key];
        let is_clear = rider.is_clear();
        match &rider.state {
            State::Stream { framing: Framing::Sse, .. } => Ok(()),
            State::Leaving => {
                // The server closes first, as soon as both have said goodbye (RFC 6455 §7.1.1).
                let is_over = rider.talk.as_mut().is_some_and(|talk| talk.is_over(bytes));
                if is_over && rider.is_clear() { Err(Gone) } else { Ok(()) }
            }
            // The answer to a ping of the lane, which has no payload. Whoever says nothing else needs no
            // state for it.
            State::Stream { framing: Framing::WebSocket, .. }
                if rider.talk.is_none() && matches!(bytes, [0x8a, 0x80, _, _, _, _]) =>
            {
                Ok(())
            }
            State::Stream { framing: Framing::WebSocket, .. } => {
                let talk = rider.talk.get_or_insert_with(|| Box::new(Talk::new(&self.app)));
                let (answer, next) = talk.hear(&self.app, bytes);
                rider.say(&answer)?;
                if !answer.is_empty() {
                    self.note_write(key);
                }
                let rider = &mut self.riders[key];
                match next {
                    Next::More => Ok(()),
                    Next::Closing => {
                        self.see_off(key);
                        Ok(())
                    }
                    Next::Closed if rider.is_clear() => Err(Gone),
                    Next::Closed => {
                        self.see_off(key);
                        Ok(())
                    }
                }
            }
            State::Held { .. } => {
                keep(&mut rider.early, bytes);
                Ok(())
            }
            // The answer before it is not out yet.
            State::Idle(_) if !is_clear => {
                keep(&mut rider.early, bytes);
                Ok(())
            }
            &State::Idle(pattern) => match Ask::read(pattern, bytes) {
                Some(ask) => self.answer(key, pattern, ask),
                None => {
                    let rider = self.riders.remove(key);
                    (self.hand_back)(rider.into_stream(), Bytes::copy_from_slice(bytes));
                    Ok(())
                }
            },
        }
    }

    /// Answers a poll, or holds it.
    fn answer(&mut self, key: usize, pattern: Pattern, ask: Ask<'_>) -> Result<(), Gone> {
        let route = self.meter.pattern(pattern);
        route.arrive();
        let (start, batch) = self.app.log().read(After::Cursor(ask.after), BatchLimit::default());
        let is_known = ask.known.is_some_and(|known| short_polling::names(known, batch.cursor));
        let (status, bytes) = match pattern {
            Pattern::LongPolling if long_polling::must_wait(&start, &batch) => {
                if self.is_closing {
                    return Err(Gone);
                }
                self.set_state(key, State::Held { seq: ask.after.seq });
                self.set_due(key, ask.hold);
                return Ok(());
            }
            Pattern::LongPolling => {
                let make = || long_polling::answer(&self.app, &start, &batch);
                (StatusCode::OK, self.frames.answer((pattern, false), (&start, &batch), make))
            }
            Pattern::ShortPolling => {
                let unchanged = short_polling::is_unchanged(&start, &batch, is_known);
                let make = || short_polling::answer(&self.app, &start, &batch, is_known);
                let status = if unchanged { StatusCode::NOT_MODIFIED } else { StatusCode::OK };
                (status, self.frames.answer((pattern, is_known), (&start, &batch), make))
            }
            Pattern::Sse | Pattern::WebSocket => return Ok(()),
        };
        route.answer(status);
        self.set_due(key, self.app.limits().head_timeout);
        self.riders[key].say(&bytes)
    }

    /// Answers a held request with what has come.
    pub(super) fn release(&mut self, key: usize) -> Result<(), Gone> {
        let State::Held { seq } = self.riders[key].state else { return Ok(()) };
        let after = After::Cursor(Cursor { epoch: self.app.log().epoch(), seq });
        let (start, batch) = self.app.log().read(after, BatchLimit::default());
        let make = || long_polling::answer(&self.app, &start, &batch);
        let bytes = self.frames.answer((Pattern::LongPolling, false), (&start, &batch), make);
        self.end_hold(key, StatusCode::OK, &bytes)
    }

    pub(super) fn end_hold(&mut self, key: usize, status: StatusCode, bytes: &Bytes) -> Result<(), Gone> {
        self.meter.pattern(Pattern::LongPolling).answer(status);
        self.set_state(key, State::Idle(Pattern::LongPolling));
        self.set_due(key, self.app.limits().head_timeout);
        let rider = &mut self.riders[key];
        rider.say(bytes)?;
        if rider.early.is_some() {
            // Reading was broken off when this had come: nobody waits for the socket.
            self.bells.ring(key);
        }
        Ok(())
    }
}

/// Keeps what came before its turn.
fn keep(early: &mut Option<Box<Bytes>>, bytes: &[u8]) {
    let before = early.take().unwrap_or_default();
    *early = Some(Box::new(join(&before, bytes)));
}
