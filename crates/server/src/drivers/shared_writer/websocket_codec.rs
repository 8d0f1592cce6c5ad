//! Decodes what the client of a WebSocket sends. Most clients send only pongs, so a connection has no codec
//! until its client sends something else.

use std::io::{self, Read, Write};

use bytes::{Buf, Bytes};
use tokio_tungstenite::tungstenite::{
    Error, Message,
    protocol::{CloseFrame, Role, WebSocketContext},
};

use crate::{
    app::App,
    websocket_uplink::{Reaction, config, react},
};

/// tungstenite's protocol state, without a socket. The shared writer takes the bytes that it wants to write
/// and sends them in order with the events.
#[derive(Debug)]
pub(super) struct WebSocketCodec {
    context: WebSocketContext,
    wire: Wire,
}

/// Byte buffers in place of a socket.
#[derive(Debug, Default)]
struct Wire {
    read: Bytes,
    written: Vec<u8>,
}

/// What follows on the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// More events and frames.
    More,
    /// The returned bytes end with this side's close frame. Nothing may follow it.
    Closing,
    /// Both sides have sent their close frames.
    Closed,
}

impl WebSocketCodec {
    pub(super) fn new(app: &App) -> Self {
        Self { context: WebSocketContext::new(Role::Server, Some(config(app))), wire: Wire::default() }
    }

    /// Decodes bytes from the client; returns the bytes to write back.
    pub(super) fn receive(&mut self, app: &App, bytes: &[u8]) -> (Bytes, Next) {
        self.wire.read = Bytes::copy_from_slice(bytes);
        let next = loop {
            let received = match self.context.read(&mut self.wire) {
                Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                    break if self.context.can_write() { Next::More } else { Next::Closing };
                }
                Err(Error::ConnectionClosed | Error::AlreadyClosed) => break Next::Closed,
                received => received,
            };
            let is_close = matches!(received, Ok(Message::Close(_)));
            match react(app, received) {
                Reaction::Continue if is_close => {
                    // The answer to its close frame is queued; flushing it ends the connection.
                    let _ = self.context.flush(&mut self.wire);
                    break Next::Closed;
                }
                Reaction::Continue => {}
                Reaction::Close(frame) => {
                    self.queue_close(frame);
                    break Next::Closing;
                }
                Reaction::Gone => break Next::Closed,
            }
        };
        // Pongs are queued. The next read returns an error of this flush again.
        let _ = self.context.flush(&mut self.wire);
        (std::mem::take(&mut self.wire.written).into(), next)
    }

    /// After this side's close frame: whether the client's close frame or an error ends the connection. Any
    /// other frame is dropped.
    pub(super) fn is_over(&mut self, bytes: &[u8]) -> bool {
        let mut unread = std::mem::take(&mut self.wire.read).to_vec();
        unread.extend_from_slice(bytes);
        self.wire.read = unread.into();
        loop {
            match self.context.read(&mut self.wire) {
                Ok(Message::Close(_)) => return true,
                Ok(_) => {}
                Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => return false,
                Err(_) => return true,
            }
        }
    }

    /// Closes from this side; returns the bytes to write.
    pub(super) fn close(&mut self, frame: CloseFrame) -> Bytes {
        self.queue_close(frame);
        std::mem::take(&mut self.wire.written).into()
    }

    fn queue_close(&mut self, frame: CloseFrame) {
        let _ = self.context.close(&mut self.wire, Some(frame));
        let _ = self.context.flush(&mut self.wire);
    }
}

impl Read for Wire {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.read.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let length = self.read.len().min(into.len());
        self.read.copy_to_slice(&mut into[..length]);
        Ok(length)
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.written.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
