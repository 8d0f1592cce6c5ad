//! One connection in the shared writer: its socket, what waits to be written, and what it is waiting for.

use std::{
    pin::Pin,
    task::{Context, Poll, Waker},
};

use bytes::{Buf, Bytes};
use contract::Pattern;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use super::{deadlines::Slot, join, websocket_codec::WebSocketCodec};
use crate::{app::App, drivers::http1_stream::Http1Stream};

/// What a connection is waiting for.
#[derive(Debug)]
pub(super) enum State {
    /// The next event after `seq`, and no other request.
    Stream { stream: Http1Stream, seq: u64 },
    /// The next event after `seq`, as the answer to a held request; until then a 204 is due at the end
    /// of the hold.
    Held { seq: u64 },
    /// More events after `seq` than the first one, which has come; the answer is due soon.
    Lingering { seq: u64 },
    /// The next poll of this pattern.
    Idle(Pattern),
    /// Nothing: the last bytes are written or will be, and the other side is to close.
    Closing,
}

/// A connection in the shared writer. Small, because a fan-out to ten thousand of them waits for the memory
/// that it touches: what is rarely there is boxed, and slots are 32 bits wide.
#[derive(Debug)]
pub(super) struct Connection<S> {
    stream: S,
    /// Called when the socket, once it was found empty or full, can be read or written again.
    waker: Waker,
    /// Whole frames, and at the front the rest of one, that the socket has not taken yet.
    rest: Option<Box<Bytes>>,
    pub(super) state: State,
    /// Of a poller: what it sent before its turn, one read at most. While there is some, nothing more is
    /// read, so that it has left shows only when the hold ends.
    pub(super) early: Option<Box<Bytes>>,
    /// Of a WebSocket whose client has sent something.
    pub(super) codec: Option<Box<WebSocketCodec>>,
    /// When something is to happen without an event.
    pub(super) due: Slot,
    /// Where the deadlines have it; never after `due`.
    pub(super) entered: Slot,
    /// When it was first found with something to be written, of which nothing has been taken since.
    stalled: Slot,
}

/// The socket is of no use any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Gone;

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    pub(super) fn new(stream: S, waker: Waker, state: State) -> Self {
        Self {
            stream,
            waker,
            rest: None,
            state,
            early: None,
            codec: None,
            due: Slot::MAX,
            entered: Slot::MAX,
            stalled: Slot::MAX,
        }
    }

    /// The socket, to go back to hyper.
    pub(super) fn into_stream(self) -> S {
        self.stream
    }

    /// Whether the socket takes more: nothing is left of what was written before.
    pub(super) fn is_drained(&self) -> bool {
        self.rest.is_none()
    }

    /// Whether an event at `head` would be news for it.
    pub(super) fn waits_below(&self, head: u64) -> bool {
        match &self.state {
            State::Stream { seq, .. } | State::Held { seq } => *seq < head,
            State::Lingering { .. } | State::Idle(_) | State::Closing => false,
        }
    }

    /// For how many slots its client has taken nothing of what is to be written.
    pub(super) fn stalled_for(&mut self, now: Slot) -> Slot {
        if self.is_drained() {
            return 0;
        }
        // A write of which anything is taken lets it begin anew.
        self.stalled = self.stalled.min(now);
        now - self.stalled
    }

    /// Writes, after what is still to be written. One system call if the socket has room.
    pub(super) fn send(&mut self, bytes: &Bytes) -> Result<(), Gone> {
        if bytes.is_empty() {
            return Ok(());
        }
        if let Some(rest) = &mut self.rest {
            **rest = join(rest, bytes);
            return Ok(());
        }
        let written = self.write(bytes)?;
        if written < bytes.len() {
            self.rest = Some(Box::new(bytes.slice(written..)));
            self.write_rest()?;
        }
        Ok(())
    }

    /// A WebSocket's close, which is still to be written; what its client sends goes to the codec from here.
    pub(super) fn close(&mut self, app: &App, frame: CloseFrame) -> Bytes {
        self.codec.get_or_insert_with(|| Box::new(WebSocketCodec::new(app))).close(frame)
    }

    /// Goes on with what is still to be written, as far as the socket takes it.
    pub(super) fn write_rest(&mut self) -> Result<(), Gone> {
        while let Some(mut rest) = self.rest.take() {
            let written = self.write(&rest)?;
            rest.advance(written);
            if !rest.is_empty() {
                self.rest = Some(rest);
            }
            if written == 0 {
                break;
            }
        }
        Ok(())
    }

    /// One write. Nothing written means that the waker will be called when there is room.
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Gone> {
        let mut context = Context::from_waker(&self.waker);
        match Pin::new(&mut self.stream).poll_write(&mut context, bytes) {
            Poll::Pending => Ok(0),
            Poll::Ready(Ok(0) | Err(_)) => Err(Gone),
            Poll::Ready(Ok(written)) => {
                self.stalled = Slot::MAX;
                Ok(written)
            }
        }
    }

    /// One read into `scratch`. Nothing read means that the waker will be called when something has come.
    pub(super) fn read(&mut self, scratch: &mut [u8]) -> Result<usize, Gone> {
        let mut buffer = ReadBuf::new(scratch);
        let mut context = Context::from_waker(&self.waker);
        match Pin::new(&mut self.stream).poll_read(&mut context, &mut buffer) {
            Poll::Pending => Ok(0),
            Poll::Ready(Err(_)) => Err(Gone),
            Poll::Ready(Ok(())) if buffer.filled().is_empty() => Err(Gone),
            Poll::Ready(Ok(())) => Ok(buffer.filled().len()),
        }
    }

    /// Closes the way to the client once everything is written; what it still sends is read on.
    pub(super) fn shut_if_drained(&mut self) -> Result<(), Gone> {
        if !self.is_drained() {
            return Ok(());
        }
        let mut context = Context::from_waker(&self.waker);
        match Pin::new(&mut self.stream).poll_shutdown(&mut context) {
            Poll::Pending | Poll::Ready(Ok(())) => Ok(()),
            Poll::Ready(Err(_)) => Err(Gone),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    /// A socket that takes so many bytes more.
    struct Socket {
        room: usize,
    }

    impl AsyncRead for Socket {
        fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            Poll::Pending
        }
    }

    impl AsyncWrite for Socket {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            let written = bytes.len().min(self.room);
            self.room -= written;
            if written == 0 { Poll::Pending } else { Poll::Ready(Ok(written)) }
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[test]
    fn a_connection_is_small() {
        assert_eq!(size_of::<Connection<()>>(), 72, "bytes beside the socket");
    }

    #[test]
    fn who_takes_anything_has_not_stalled_even_if_as_much_is_left_as_before() {
        let state = State::Stream { stream: Http1Stream::Sse, seq: 0 };
        let mut connection = Connection::new(Socket { room: 4 }, Waker::noop().clone(), state);
        let ten = Bytes::from_static(b"0123456789");
        assert_eq!(connection.stalled_for(10), 0, "nothing is to be written");
        connection.send(&ten).unwrap();
        assert_eq!(
            (connection.stalled_for(90), connection.stalled_for(95)),
            (0, 5),
            "since it was first looked at"
        );
        // It takes all that is left, and then as much of the next as of the first.
        connection.stream.room = 10;
        connection.write_rest().unwrap();
        connection.send(&ten).unwrap();
        assert_eq!((connection.stalled_for(100), connection.stalled_for(107)), (0, 7));
        connection.stream.room = 100;
        connection.write_rest().unwrap();
        assert!(connection.is_drained());
        assert_eq!(connection.stalled_for(200), 0);
    }
}
