//! How a connection begins to ride.

use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::{
    Lane,
    farewell::FAREWELL,
    join,
    rider::{Framing, Gone, Rider, State},
};
use crate::{
    framing::websocket_text,
    pages::THAT_WAS_ALL,
    takeover::{Boarding, Ride},
};

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Lane<S> {
    /// Takes a connection in and writes its first bytes.
    pub(super) fn board(&mut self, boarding: Boarding<S>) {
        let Boarding { stream, early, first, ride } = boarding;
        let key = self.riders.vacant_key();
        let on_stream = |framing, seq| State::Stream { framing, seq };
        let (state, first) = match ride {
            Ride::Sse(start) => {
                (on_stream(Framing::Sse, start.cursor.seq), join(&first, &Framing::Sse.prelude(&start)))
            }
            Ride::WebSocket(start) => (
                on_stream(Framing::WebSocket, start.cursor.seq),
                join(&first, &Framing::WebSocket.prelude(&start)),
            ),
            Ride::Sentence(text) => {
                (State::Leaving, join(&first, &websocket_text(Bytes::from_static(text.as_bytes()))))
            }
            Ride::Polled(pattern) => (State::Idle(pattern), first),
            Ride::Held(held) => (State::Held { seq: held.after.seq }, first),
        };
        self.count(&state, 1);
        self.riders.insert(Rider::new(stream, self.bells.bell(key), state));
        self.set_due(key, self.patience(key, ride));
        let said = match ride {
            Ride::Sentence(_) => {
                join(&first, &self.riders[key].goodbye(&self.app, CloseCode::Normal, THAT_WAS_ALL))
            }
            Ride::Sse(_) | Ride::WebSocket(_) | Ride::Polled(_) | Ride::Held(_) => first,
        };
        let begun = self.riders[key].say(&said).and_then(|()| match early.is_empty() {
            true => Ok(()),
            false => self.hear(key, &early),
        });
        match begun {
            Ok(()) => self.attend(key),
            Err(Gone) => self.remove(key),
        }
    }

    /// How long nothing need happen to a rider that begins so.
    fn patience(&self, key: usize, ride: Ride) -> Duration {
        match (&self.riders[key].state, ride) {
            (State::Stream { .. }, _) => self.stream_patience(),
            (State::Held { .. }, Ride::Held(held)) => held.hold,
            (State::Leaving, _) => FAREWELL,
            (State::Held { .. } | State::Idle(_), _) => self.app.limits().head_timeout,
        }
    }
}
