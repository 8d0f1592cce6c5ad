//! How riders leave when the log is closed: each is told in the way of its pattern.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::{
    Lane,
    frames::whole,
    rider::{Framing, Gone, Rider, State},
};
use crate::long_polling;

/// Longest wait for the other side to close after the last word.
pub(super) const FAREWELL: Duration = Duration::from_secs(1);
const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Lane<S> {
    /// The log is closed: everybody is told in the way of its pattern.
    pub(super) fn close_all(&mut self) {
        self.is_closing = true;
        for key in 0..self.riders.capacity() {
            self.close(key);
        }
    }

    /// Says the last word to a rider that has got everything; the others get theirs first, and are looked
    /// at again when their socket has taken it.
    pub(super) fn close(&mut self, key: usize) {
        let head = self.app.log().head().seq;
        let Some(rider) = self.riders.get_mut(key) else { return };
        if matches!(rider.state, State::Leaving) {
            return;
        }
        if !rider.is_clear() || rider.waits_below(head) {
            return self.set_due(key, self.app.limits().shutdown);
        }
        let said = match &rider.state {
            State::Stream { framing: Framing::Sse, .. } => {
                rider.say(&Bytes::from_static(LAST_CHUNK)).and_then(|()| rider.shut_if_clear())
            }
            State::Stream { framing: Framing::WebSocket, .. } => {
                let goodbye = rider.goodbye(&self.app, CloseCode::Away, "the server is shutting down");
                rider.say(&goodbye)
            }
            State::Held { .. } => self
                .end_hold(key, StatusCode::NO_CONTENT, &whole(long_polling::no_content()))
                .and_then(|()| self.riders.get_mut(key).map_or(Ok(()), Rider::shut_if_clear)),
            State::Idle(_) => Err(Gone),
            State::Leaving => return,
        };
        match said {
            Ok(()) if self.riders.contains(key) => self.see_off(key),
            Ok(()) => {}
            Err(Gone) => self.remove(key),
        }
    }

    /// The last word is said: the other side has a moment to take it and to close.
    pub(super) fn see_off(&mut self, key: usize) {
        self.set_state(key, State::Leaving);
        self.set_due(key, FAREWELL);
    }
}
