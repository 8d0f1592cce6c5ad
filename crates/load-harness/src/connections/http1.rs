//! A subscriber's connection: what it asks goes out in one write, what comes is read into a buffer that
//! all subscribers of a worker share, and taken where it lies. In clear or in TLS, which the patterns need
//! not know.

use std::{
    future::poll_fn,
    io, mem,
    pin::Pin,
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf},
    time::timeout,
};
use tokio_rustls::client::TlsStream;

use crate::{
    connections::{counted_stream::CountedStream, ledger::add, tls::TimedStream},
    data::{
        error::SubscriberError::{self, Ended, Unanswered},
        reading::LONGEST_BYTES,
        server_protocol::Question,
    },
    subscribers::Seat,
};

/// Bytes that one read takes at most; there is one such buffer a worker.
pub(crate) const READ_BYTES: usize = 64 << 10;

/// Longest wait for the end of a connection that the server was asked to close.
const LONGEST_GOODBYE: Duration = Duration::from_secs(1);

/// A connection. Dropping it closes the socket.
pub(crate) struct Wire {
    line: Line,
    /// The start of a message whose end has not come, and whatever follows what was waited for. Empty,
    /// and without memory, between messages.
    rest: Vec<u8>,
    /// When the last bytes came; 0 before the first.
    read_ns: u64,
}

/// What carries the bytes.
enum Line {
    Plain(CountedStream),
    /// Boxed, for all subscribers in clear would pay for its size.
    Tls(Box<TlsStream<TimedStream>>),
}

/// What a look at the bytes that have come found.
pub(crate) struct Step<T> {
    /// Bytes that need not be shown again.
    pub(crate) used: usize,
    /// What was waited for, if it was there.
    pub(crate) found: Option<T>,
}

impl Wire {
    /// Connects a subscriber to its server.
    pub(crate) async fn open(seat: &Seat) -> Result<Self, SubscriberError> {
        let before_bytes = seat.counters.stream.total();
        let stream = seat.connect().await?;
        let line = match &seat.desk.tls {
            None => Line::Plain(stream),
            Some(tls) => {
                let encrypted = Box::pin(tls.encrypt(stream, seat.desk.clock)).await?;
                // All of the handshake are heads. The records around what follows are framing.
                add(&seat.counters.headers, seat.counters.stream.total() - before_bytes);
                Line::Tls(Box::new(encrypted))
            }
        };
        Ok(Self { line, rest: Vec::new(), read_ns: 0 })
    }

    /// Sends a GET, counted. `more` are header lines that do not come from the question.
    pub(crate) async fn ask(
        &mut self,
        seat: &Seat,
        question: &Question,
        more: &str,
    ) -> Result<(), SubscriberError> {
        if seat.desk.closing.get() {
            // It was opened for nothing; but the server has counted what it said at its beginning.
            self.hear_out().await;
        }
        seat.count_request().await;
        seat.counters.begin();
        let unsent = {
            let mut text = seat.desk.request.borrow_mut();
            text.clear();
            seat.write_question(question, more, &mut text);
            let taken = match &mut self.line {
                Line::Plain(stream) => stream.write_now(text.as_bytes()),
                Line::Tls(_) => Ok(0),
            };
            let written = taken.inspect_err(|_| add(&seat.counters.unsent_requests, 1))?;
            add(&seat.counters.computed_sent, text.len() as u64);
            (written < text.len()).then(|| text.as_bytes()[written..].to_vec())
        };
        if let Some(unsent) = unsent {
            let sent = self.send(&unsent).await;
            sent.inspect_err(|_| add(&seat.counters.unsent_requests, 1))?;
        }
        Ok(())
    }

    /// Notes that so many bytes that were looked at will not be decoded: their message has broken off. In
    /// TLS no ledger is kept of what is decoded.
    pub(crate) fn break_off(&self, bytes: u64) {
        match &self.line {
            Line::Plain(stream) => stream.break_off(bytes),
            Line::Tls(_) => {}
        }
    }

    /// Whether a kept connection can carry another request: it is open, and nothing has come unasked.
    pub(crate) fn is_idle(&mut self) -> bool {
        self.rest.is_empty()
            && match &mut self.line {
                Line::Plain(stream) => stream.is_idle(),
                // What has come may be a ticket for a later handshake, which is nothing to this one, or
                // that it closes (RFC 8446 §4.6.1 and §6.1): who reads is told which.
                Line::Tls(stream) => {
                    let mut byte = [0];
                    let mut context = Context::from_waker(Waker::noop());
                    Pin::new(stream).poll_read(&mut context, &mut ReadBuf::new(&mut byte)).is_pending()
                }
            }
    }

    /// Sends something else.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> Result<(), SubscriberError> {
        match &mut self.line {
            Line::Plain(stream) => stream.write_all(bytes).await?,
            Line::Tls(stream) => {
                stream.write_all(bytes).await?;
                // What was taken may still lie enciphered in memory.
                stream.flush().await?;
            }
        }
        Ok(())
    }

    /// Reads what a server says in TLS of its own accord and nobody asked for: session tickets, and that it
    /// closes (`close_notify`, RFC 8446 §4.6.1 and §6.1). It was sent, and is counted.
    pub(crate) async fn hear_out(&mut self) {
        match &mut self.line {
            Line::Plain(_) => {}
            Line::Tls(stream) => {
                // However it ends, nothing was expected.
                let _ = timeout(LONGEST_GOODBYE, stream.read_u8()).await;
            }
        }
    }

    /// Shows `look` the bytes that have come until it finds what it waits for. It is called again with
    /// what it has not used, and more; the second argument says that no more will come.
    ///
    /// The instant of every read is noted right after it: what is delivered from its bytes was received
    /// then, though other subscribers may have read before it is looked at.
    pub(crate) async fn read<T>(
        &mut self,
        seat: &Seat,
        mut look: impl FnMut(&[u8], bool) -> Result<Step<T>, SubscriberError>,
    ) -> Result<T, SubscriberError> {
        if !self.rest.is_empty() {
            seat.desk.look_back(self.read_ns);
            if let Some(found) = self.look_at_rest(seat, false, &mut look)? {
                return Ok(found);
            }
        }
        poll_fn(|context| {
            loop {
                let mut shared = seat.desk.read_buffer.borrow_mut();
                let mut buffer = ReadBuf::new(&mut shared);
                let read_ns = ready!(self.line.poll_read(seat, context, &mut buffer))?;
                let before_ns = mem::replace(&mut self.read_ns, read_ns);
                let found = match buffer.filled() {
                    [] => {
                        let last = self.look_at_rest(seat, true, &mut look)?;
                        let ended = if before_ns == 0 { Unanswered } else { Ended };
                        return last.ok_or(ended).into();
                    }
                    bytes if self.rest.is_empty() => {
                        let Step { used, found } = self.show(seat, bytes, false, &mut look)?;
                        self.rest.extend_from_slice(&bytes[used..]);
                        found
                    }
                    bytes => {
                        self.rest.extend_from_slice(bytes);
                        self.look_at_rest(seat, false, &mut look)?
                    }
                };
                if let Some(found) = found {
                    return Ok(found).into();
                }
            }
        })
        .await
    }

    /// Shows some bytes. Of a look that fails, what it has not decoded by then stays so.
    fn show<T>(
        &self,
        seat: &Seat,
        bytes: &[u8],
        is_end: bool,
        look: &mut impl FnMut(&[u8], bool) -> Result<Step<T>, SubscriberError>,
    ) -> Result<Step<T>, SubscriberError> {
        let before = seat.counters.computed_received.get();
        look(bytes, is_end).inspect_err(|_| {
            let decoded = seat.counters.computed_received.get() - before;
            self.break_off((bytes.len() as u64).saturating_sub(decoded));
        })
    }

    fn look_at_rest<T>(
        &mut self,
        seat: &Seat,
        is_end: bool,
        look: &mut impl FnMut(&[u8], bool) -> Result<Step<T>, SubscriberError>,
    ) -> Result<Option<T>, SubscriberError> {
        // Shown bytes that fail are noted there, and so are not left.
        let rest = mem::take(&mut self.rest);
        let Step { used, found } = self.show(seat, &rest, is_end, look)?;
        self.rest = rest;
        if used == self.rest.len() {
            self.rest = Vec::new();
        } else {
            self.rest.drain(..used);
        }
        // One message and one read: more is not waited for.
        if self.rest.len() > LONGEST_BYTES + READ_BYTES {
            return Err(SubscriberError::Protocol(format!("a message of more than {LONGEST_BYTES} bytes")));
        }
        Ok(found)
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.break_off(self.rest.len() as u64);
    }
}

impl Line {
    /// Reads, and tells when the socket was read.
    fn poll_read(
        &mut self,
        seat: &Seat,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<u64>> {
        match self {
            Self::Plain(stream) => {
                ready!(Pin::new(stream).poll_read(context, buffer))?;
                Poll::Ready(Ok(seat.desk.note_read()))
            }
            Self::Tls(stream) => {
                ready!(Pin::new(&mut **stream).poll_read(context, buffer))?;
                // Deciphering is no part of the way.
                let read_ns = stream.get_ref().0.read_ns();
                seat.desk.look_back(read_ns);
                Poll::Ready(Ok(read_ns))
            }
        }
    }
}
