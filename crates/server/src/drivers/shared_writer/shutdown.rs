//! How connections end when the log is closed: each as its pattern defines it.

use tokio::io::{AsyncRead, AsyncWrite};

use super::{
    SharedWriter,
    connection::{Connection, Gone, State},
};
use crate::{drivers::http1_stream::Http1Stream, limits::CLOSE_WAIT, websocket};

impl<S: AsyncRead + AsyncWrite + Unpin + Send> SharedWriter<S> {
    /// Ends every connection because the log is closed.
    pub(super) fn shut_down(&mut self) {
        self.is_closing = true;
        for key in 0..self.connections.capacity() {
            self.end(key);
        }
    }

    /// Ends a connection that has got everything. Any other first gets its remaining events, and is ended when
    /// its socket has taken them.
    pub(super) fn end(&mut self, key: usize) {
        let head = self.app.log().head().seq;
        let Some(connection) = self.connections.get_mut(key) else { return };
        if matches!(connection.state, State::Closing) {
            return;
        }
        if !connection.is_drained() || connection.waits_below(head) {
            return self.set_due(key, self.app.limits().shutdown);
        }
        let ended = match &connection.state {
            State::Stream { stream: Http1Stream::Sse, .. } => {
                connection.send(&Http1Stream::Sse.end()).and_then(|()| connection.shut_if_drained())
            }
            // The codec remembers that this side has closed.
            State::Stream { stream: Http1Stream::WebSocket, .. } => {
                let close = connection.close(&self.app, websocket::end());
                connection.send(&close)
            }
            State::Held { .. } => self.end_hold(key).and_then(|()| self.shut_if_drained(key)),
            State::Lingering { .. } => self.release(key).and_then(|()| self.shut_if_drained(key)),
            State::Idle(_) => Err(Gone),
            State::Closing => return,
        };
        match ended {
            Ok(()) if self.connections.contains(key) => self.wait_for_close(key),
            Ok(()) => {}
            Err(Gone) => self.remove(key),
        }
    }

    fn shut_if_drained(&mut self, key: usize) -> Result<(), Gone> {
        self.connections.get_mut(key).map_or(Ok(()), Connection::shut_if_drained)
    }

    /// The last bytes are written or queued: waits `CLOSE_WAIT` for the other side to close.
    pub(super) fn wait_for_close(&mut self, key: usize) {
        self.set_state(key, State::Closing);
        self.set_due(key, CLOSE_WAIT);
    }
}
