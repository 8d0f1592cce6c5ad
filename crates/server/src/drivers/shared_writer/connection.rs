//! One connection in the shared writer: its socket, its unwritten bytes, and the state it is in.

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
    /// For the next event after `seq`, on a stream that takes no other request.
    Stream { stream: Http1Stream, seq: u64 },
    /// For the next event after `seq`, as the answer to a held request. Without one a 204 is due at the end of
    /// the hold.
    Held { seq: u64 },
    /// For more events after `seq`: the first one has arrived, and the answer is due soon.
    Lingering { seq: u64 },
    /// For the next poll of this pattern.
    Idle(Pattern),
    /// For the other side to close: the last bytes are written or queued.
    Closing,
}

/// A connection in the shared writer. It is small because a fan-out to ten thousand connections is bound by
/// the memory that it touches: rare parts are boxed, and slots are 32 bits wide.
#[derive(Debug)]
pub(super) struct Connection<S> {
    stream: S,
    /// Called when a socket that was empty or full can be read or written again.
    waker: Waker,
    /// Bytes that the socket has not taken yet: the rest of a frame, then whole frames.
    rest: Option<Box<Bytes>>,
    pub(super) state: State,
    /// Polling: bytes of the next request, received before the answer was sent, at most one read. While there
    /// are any, the socket is not read, so a client that leaves is noticed only when the hold ends.
    pub(super) early: Option<Box<Bytes>>,
    /// WebSocket: present once the client has sent anything but pongs to empty heartbeats.
    pub(super) codec: Option<Box<WebSocketCodec>>,
    /// The next deadline: a heartbeat, the end of a hold or a timeout.
    pub(super) due: Slot,
    /// The slot in which the connection is entered in the deadlines; never after `due`.
    pub(super) entered: Slot,
    /// When the connection was first found with unwritten bytes of which the socket has taken none since.
    stalled: Slot,
}

/// The socket is closed or broken.
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

    /// Whether the socket has taken all bytes of earlier writes.
    pub(super) fn is_drained(&self) -> bool {
        self.rest.is_none()
    }

    /// Whether it waits for events that a log with this `head` has.
    pub(super) fn waits_below(&self, head: u64) -> bool {
        match &self.state {
            State::Stream { seq, .. } | State::Held { seq } => *seq < head,
            State::Lingering { .. } | State::Idle(_) | State::Closing => false,
        }
    }

    /// For how many slots the socket has taken none of the unwritten bytes.
    pub(super) fn stalled_for(&mut self, now: Slot) -> Slot {
        if self.is_drained() {
            return 0;
        }
        // A write that makes any progress resets this.
        self.stalled = self.stalled.min(now);
        now - self.stalled
    }

    /// Writes bytes, after the unwritten ones. One system call if the socket has room.
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

    /// The bytes of a WebSocket's close frame, for the caller to write. From now on the codec reads what the
    /// client sends.
    pub(super) fn close(&mut self, app: &App, frame: CloseFrame) -> Bytes {
        self.codec.get_or_insert_with(|| Box::new(WebSocketCodec::new(app))).close(frame)
    }

    /// Writes the unwritten bytes, as far as the socket takes them.
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

    /// One write. `Ok(0)`: the socket is full, and the waker is called when it has room.
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

    /// One read into `scratch`. `Ok(0)`: the socket is empty, and the waker is called when bytes arrive.
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

    /// Shuts down the sending direction once everything is written. Reading goes on.
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

    /// A socket that takes `room` more bytes.
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
            "counted from the first check"
        );
        // It takes the rest, and then as much of the next write as of the first.
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
