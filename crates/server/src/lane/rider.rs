//! One connection in the lane: its socket, what waits to be written, and what it is waiting for.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use bytes::{Buf, Bytes};
use contract::Pattern;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::{join, talk::Talk, wheel::Slot};
use crate::App;

/// How the events of a stream are framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// Chunks of a response body that hold event stream blocks.
    Sse,
    /// Text frames.
    WebSocket,
}

/// What a rider is waiting for.
#[derive(Debug)]
pub(super) enum State {
    /// The next event after `seq`, and no other request.
    Stream { framing: Framing, seq: u64 },
    /// The next event after `seq`, as the answer to a held request; until then a 204 is due at the end
    /// of the hold.
    Held { seq: u64 },
    /// The next poll of this pattern.
    Idle(Pattern),
    /// Nothing: the last word is said, and the other side is to close.
    Leaving,
}

/// A connection in the lane. Small, because a fan-out to ten thousand of them waits for the memory that it
/// touches: what is rarely there is boxed, and slots are 32 bits wide.
#[derive(Debug)]
pub(super) struct Rider<S> {
    stream: S,
    /// Rings when the socket, once it was found empty or full, can be read or written again.
    bell: Waker,
    /// Whole frames, and at the front the rest of one, that the socket has not taken yet.
    rest: Option<Box<Bytes>>,
    pub(super) state: State,
    /// Of a poller: what it sent before its turn, one read at most. While there is some, nothing more is
    /// read, so that it has left shows only when the hold ends.
    pub(super) early: Option<Box<Bytes>>,
    /// Of a WebSocket whose client has said something.
    pub(super) talk: Option<Box<Talk>>,
    /// When something is to happen without an event.
    pub(super) due: Slot,
    /// Where the wheel has it; never after `due`.
    pub(super) entered: Slot,
    /// When somebody first looked and something was to be written, of which nothing has been taken since.
    stalled: Slot,
}

/// The socket is of no use any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Gone;

impl<S: AsyncRead + AsyncWrite + Unpin> Rider<S> {
    pub(super) fn new(stream: S, bell: Waker, state: State) -> Self {
        Self {
            stream,
            bell,
            rest: None,
            state,
            early: None,
            talk: None,
            due: Slot::MAX,
            entered: Slot::MAX,
            stalled: Slot::MAX,
        }
    }

    /// The socket, to be served by somebody else.
    pub(super) fn into_stream(self) -> S {
        self.stream
    }

    /// Whether the socket takes more: nothing is left of what was written before.
    pub(super) fn is_clear(&self) -> bool {
        self.rest.is_none()
    }

    /// Whether an event at `head` would be news for it.
    pub(super) fn waits_below(&self, head: u64) -> bool {
        match &self.state {
            State::Stream { seq, .. } | State::Held { seq } => *seq < head,
            State::Idle(_) | State::Leaving => false,
        }
    }

    /// For how many slots its client has taken nothing of what is to be written.
    pub(super) fn stalled_for(&mut self, now: Slot) -> Slot {
        if self.is_clear() {
            return 0;
        }
        // A write of which anything is taken lets it begin anew.
        self.stalled = self.stalled.min(now);
        now - self.stalled
    }

    /// Writes, after what is still to be written. One system call if the socket has room.
    pub(super) fn say(&mut self, bytes: &Bytes) -> Result<(), Gone> {
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

    /// A WebSocket's close frame, which is still to be said; what its client says goes to the talk from here.
    pub(super) fn goodbye(&mut self, app: &App, code: CloseCode, reason: &str) -> Bytes {
        self.talk.get_or_insert_with(|| Box::new(Talk::new(app))).say_goodbye(code, reason)
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

    /// One write. Nothing written means that the bell will ring when there is room.
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Gone> {
        let mut context = Context::from_waker(&self.bell);
        match Pin::new(&mut self.stream).poll_write(&mut context, bytes) {
            Poll::Pending => Ok(0),
            Poll::Ready(Ok(0) | Err(_)) => Err(Gone),
            Poll::Ready(Ok(written)) => {
                self.stalled = Slot::MAX;
                Ok(written)
            }
        }
    }

    /// One read into `scratch`. Nothing read means that the bell will ring when something has come.
    pub(super) fn read(&mut self, scratch: &mut [u8]) -> Result<usize, Gone> {
        let mut buffer = ReadBuf::new(scratch);
        let mut context = Context::from_waker(&self.bell);
        match Pin::new(&mut self.stream).poll_read(&mut context, &mut buffer) {
            Poll::Pending => Ok(0),
            Poll::Ready(Err(_)) => Err(Gone),
            Poll::Ready(Ok(())) if buffer.filled().is_empty() => Err(Gone),
            Poll::Ready(Ok(())) => Ok(buffer.filled().len()),
        }
    }

    /// Closes the way to the client once everything is written; what it still sends is read on.
    pub(super) fn shut_if_clear(&mut self) -> Result<(), Gone> {
        if !self.is_clear() {
            return Ok(());
        }
        let mut context = Context::from_waker(&self.bell);
        match Pin::new(&mut self.stream).poll_shutdown(&mut context) {
            Poll::Pending | Poll::Ready(Ok(())) => Ok(()),
            Poll::Ready(Err(_)) => Err(Gone),
        }
    }
}

/// What reading and writing without a system call's outcome is; for [`Talk`].
pub(super) fn would_block() -> io::Error {
    io::ErrorKind::WouldBlock.into()
}

#[cfg(test)]
mod tests {
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
    fn who_takes_anything_has_not_stalled_even_if_as_much_is_left_as_before() {
        let state = State::Stream { framing: Framing::Sse, seq: 0 };
        let mut rider = Rider::new(Socket { room: 4 }, Waker::noop().clone(), state);
        let ten = Bytes::from_static(b"0123456789");
        assert_eq!(rider.stalled_for(10), 0, "nothing is to be written");
        rider.say(&ten).unwrap();
        assert_eq!((rider.stalled_for(90), rider.stalled_for(95)), (0, 5), "since somebody looked");
        // It takes all that is left, and then as much of the next as of the first.
        rider.stream.room = 10;
        rider.write_rest().unwrap();
        rider.say(&ten).unwrap();
        assert_eq!((rider.stalled_for(100), rider.stalled_for(107)), (0, 7));
        rider.stream.room = 100;
        rider.write_rest().unwrap();
        assert!(rider.is_clear());
        assert_eq!(rider.stalled_for(200), 0);
    }
}
