//! Admits a connection to the shared writer.

use bytes::Bytes;
use event_log::Start;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{
    SharedWriter,
    connection::{Connection, Gone, State},
    join,
};
use crate::{
    drivers::http1_stream::Http1Stream,
    handoff::{Handoff, HandoffRequest},
    limits::CLOSE_WAIT,
    websocket,
};

impl<S: AsyncRead + AsyncWrite + Unpin + Send> SharedWriter<S> {
    /// Admits a connection and writes its first bytes.
    pub(super) fn admit(&mut self, request: HandoffRequest<S>) {
        let HandoffRequest { stream, early, first, handoff } = request;
        let key = self.connections.vacant_key();
        let begin = |stream: Http1Stream, start: &Start, first: &Bytes| {
            let state = State::Stream { stream, seq: start.cursor.seq };
            (state, join(first, &stream.first(start)))
        };
        let ((state, mut first), wait, close) = match handoff {
            // A filtered stream is never handed off.
            Handoff::Sse { start, types: _ } => {
                (begin(Http1Stream::Sse, &start, &first), self.stream_patience(), None)
            }
            Handoff::WebSocket { start } => {
                (begin(Http1Stream::WebSocket, &start, &first), self.stream_patience(), None)
            }
            Handoff::OneShot { text, close } => {
                let first = join(&first, &websocket::bytes([text]));
                ((State::Closing, first), CLOSE_WAIT, Some(close))
            }
            Handoff::Polled(pattern) => ((State::Idle(pattern), first), self.app.limits().head_timeout, None),
            Handoff::Held { after, hold } => ((State::Held { seq: after.seq }, first), hold, None),
        };
        self.count(&state, 1);
        self.connections.insert(Connection::new(stream, self.ready.waker(key), state));
        self.set_due(key, wait);
        let connection = &mut self.connections[key];
        if let Some(close) = close {
            first = join(&first, &connection.close(&self.app, close));
        }
        let begun = connection.send(&first).and_then(|()| match early.is_empty() {
            true => Ok(()),
            false => self.receive(key, &early),
        });
        match begun {
            Ok(()) => self.on_ready(key),
            Err(Gone) => self.remove(key),
        }
    }
}
