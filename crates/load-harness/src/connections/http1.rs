//! An HTTP/1.1 connection, plain or over TLS. A request is one write; answers are read into a buffer that all
//! connections of a worker share, and parsed there without a copy.

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
    connections::{
        context::{ConnectionContext, READ_BYTES},
        counted_stream::CountedStream,
        ledger::add,
        tls::TimedStream,
    },
    data::{
        error::SubscriberError::{self, Ended, Unanswered},
        framing_sizes::chunk,
        parsed::Parsed,
        reading::{BodyReader, Head, LONGEST_BYTES, Piece, read_head},
    },
};

/// Longest wait for the server to close a connection that it was asked to close.
const LONGEST_CLOSE: Duration = Duration::from_secs(1);

/// A connection. Dropping it closes the socket.
pub(crate) struct Http1Connection {
    socket: Socket,
    /// The start of an incomplete message, and any bytes after the message that was awaited. Empty, and
    /// without memory, between messages.
    rest: Vec<u8>,
    /// When the last bytes came; 0 before the first.
    read_ns: u64,
}

/// An answer that continues, on its own connection.
pub(crate) struct Http1Stream {
    connection: Http1Connection,
    /// The reader of its body; none after an upgrade.
    body: Option<BodyReader>,
}

/// What carries the bytes.
enum Socket {
    Plain(CountedStream),
    /// Boxed, because otherwise plain connections would pay for its size.
    Tls(Box<TlsStream<TimedStream>>),
}

impl Http1Connection {
    /// Takes a newly connected socket; for an encrypted connection it does the TLS handshake first.
    pub(crate) async fn over(
        stream: CountedStream,
        context: &ConnectionContext,
    ) -> Result<Self, SubscriberError> {
        let socket = match context.tls() {
            None => Socket::Plain(stream),
            Some(tls) => {
                let counters = &context.counters;
                let before_bytes = counters.stream.total();
                let encrypted = Box::pin(tls.encrypt(stream, context.clock())).await?;
                // The whole handshake counts as heads. The records after it count as framing.
                add(&counters.headers, counters.stream.total() - before_bytes);
                Socket::Tls(Box::new(encrypted))
            }
        };
        Ok(Self { socket, rest: Vec::new(), read_ns: 0 })
    }

    /// Sends the request that `write` composes: an exchange begins.
    pub(crate) async fn ask(
        &mut self,
        context: &ConnectionContext,
        write: impl FnOnce(&mut String),
    ) -> Result<(), SubscriberError> {
        let counters = &context.counters;
        counters.begin();
        let unsent = {
            let mut text = context.request();
            write(&mut text);
            let taken = match &mut self.socket {
                Socket::Plain(stream) => stream.write_now(text.as_bytes()),
                Socket::Tls(_) => Ok(0),
            };
            let written = taken.inspect_err(|_| add(&counters.unsent_requests, 1))?;
            add(&counters.computed_sent, text.len() as u64);
            (written < text.len()).then(|| text.as_bytes()[written..].to_vec())
        };
        if let Some(unsent) = unsent {
            let sent = self.send(&unsent).await;
            sent.inspect_err(|_| add(&counters.unsent_requests, 1))?;
        }
        Ok(())
    }

    /// Waits for the head of an answer and counts it, together with the bytes sent after the first
    /// `sent_before`. Bytes behind the head in the same read, such as missed events or the body of a redirect,
    /// do not count as head, and are left for the next read.
    pub(crate) async fn head<T>(
        &mut self,
        context: &ConnectionContext,
        sent_before: u64,
        mut accept: impl FnMut(&Head<'_>) -> Result<T, SubscriberError>,
    ) -> Result<T, SubscriberError> {
        self.read(context, |bytes, _| {
            let Some(head) = read_head(bytes)? else { return Ok(Parsed::NOTHING) };
            let counters = &context.counters;
            let asked_bytes = counters.stream.sent() - sent_before;
            add(&counters.headers, asked_bytes + head.used as u64);
            add(&counters.computed_received, head.rule_bytes);
            Ok(Parsed { used: head.used, found: Some(accept(&head)?) })
        })
        .await
    }

    /// Notes that this many read bytes will not be decoded, because their message broke off. Over TLS there is
    /// no ledger of decoded bytes.
    pub(crate) fn break_off(&self, bytes: u64) {
        match &self.socket {
            Socket::Plain(stream) => stream.break_off(bytes),
            Socket::Tls(_) => {}
        }
    }

    /// Whether a kept connection can carry another request: it is open, and no unexpected bytes have come.
    pub(crate) fn is_idle(&mut self) -> bool {
        self.rest.is_empty()
            && match &mut self.socket {
                Socket::Plain(stream) => stream.is_idle(),
                // Pending bytes may be a ticket for a later handshake, which does not matter here, or a
                // `close_notify` (RFC 8446 §4.6.1 and §6.1): a read shows which.
                Socket::Tls(stream) => {
                    let mut byte = [0];
                    let mut context = Context::from_waker(Waker::noop());
                    Pin::new(stream).poll_read(&mut context, &mut ReadBuf::new(&mut byte)).is_pending()
                }
            }
    }

    /// Sends bytes that are not a request.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> Result<(), SubscriberError> {
        match &mut self.socket {
            Socket::Plain(stream) => stream.write_all(bytes).await?,
            Socket::Tls(stream) => {
                stream.write_all(bytes).await?;
                // The bytes may still be in memory, encrypted.
                stream.flush().await?;
            }
        }
        Ok(())
    }

    /// Reads what a TLS server sends unasked: session tickets and `close_notify` (RFC 8446 §4.6.1 and §6.1).
    /// The server has counted these bytes, so they must be counted here, too.
    pub(crate) async fn drain_until_close(&mut self) {
        match &mut self.socket {
            Socket::Plain(_) => {}
            Socket::Tls(stream) => {
                // The outcome does not matter: no content is expected.
                let _ = timeout(LONGEST_CLOSE, stream.read_u8()).await;
            }
        }
    }

    /// The rest of the connection as a stream, whose body is read by `body`; none after an upgrade.
    pub(crate) const fn into_stream(self, body: Option<BodyReader>) -> Http1Stream {
        Http1Stream { connection: self, body }
    }

    /// Calls `look` with the received bytes until it finds what it waits for; each time with the bytes that it
    /// has not used, and more. The second argument says that no more will come.
    ///
    /// The instant of every read is noted right after it: deliveries from its bytes were received then, even
    /// if other subscribers read before the bytes are parsed.
    pub(crate) async fn read<T>(
        &mut self,
        context: &ConnectionContext,
        mut look: impl FnMut(&[u8], bool) -> Result<Parsed<T>, SubscriberError>,
    ) -> Result<T, SubscriberError> {
        if !self.rest.is_empty() {
            context.look_back(self.read_ns);
            if let Some(found) = self.look_at_rest(context, false, &mut look)? {
                return Ok(found);
            }
        }
        poll_fn(|task| {
            loop {
                let mut shared = context.read_buffer();
                let mut buffer = ReadBuf::new(&mut shared);
                let read_ns = ready!(self.socket.poll_read(context, task, &mut buffer))?;
                let before_ns = mem::replace(&mut self.read_ns, read_ns);
                let found = match buffer.filled() {
                    [] => {
                        let last = self.look_at_rest(context, true, &mut look)?;
                        let ended = if before_ns == 0 { Unanswered } else { Ended };
                        return last.ok_or(ended).into();
                    }
                    bytes if self.rest.is_empty() => {
                        let Parsed { used, found } = self.show(context, bytes, false, &mut look)?;
                        self.rest.extend_from_slice(&bytes[used..]);
                        found
                    }
                    bytes => {
                        self.rest.extend_from_slice(bytes);
                        self.look_at_rest(context, false, &mut look)?
                    }
                };
                if let Some(found) = found {
                    return Ok(found).into();
                }
            }
        })
        .await
    }

    /// Calls `look` with some bytes. If it fails, the bytes that it has not decoded are counted as broken off.
    fn show<T>(
        &self,
        context: &ConnectionContext,
        bytes: &[u8],
        is_end: bool,
        look: &mut impl FnMut(&[u8], bool) -> Result<Parsed<T>, SubscriberError>,
    ) -> Result<Parsed<T>, SubscriberError> {
        let decoded = &context.counters.computed_received;
        let before = decoded.get();
        look(bytes, is_end).inspect_err(|_| {
            self.break_off((bytes.len() as u64).saturating_sub(decoded.get() - before));
        })
    }

    fn look_at_rest<T>(
        &mut self,
        context: &ConnectionContext,
        is_end: bool,
        look: &mut impl FnMut(&[u8], bool) -> Result<Parsed<T>, SubscriberError>,
    ) -> Result<Option<T>, SubscriberError> {
        // If `look` fails, its bytes are already counted as broken off, so they must not stay in `rest`.
        let rest = mem::take(&mut self.rest);
        let Parsed { used, found } = self.show(context, &rest, is_end, look)?;
        self.rest = rest;
        if used == self.rest.len() {
            self.rest = Vec::new();
        } else {
            self.rest.drain(..used);
        }
        // The limit is one message and one read.
        if self.rest.len() > LONGEST_BYTES + READ_BYTES {
            return Err(SubscriberError::Protocol(format!("a message of more than {LONGEST_BYTES} bytes")));
        }
        Ok(found)
    }
}

impl Drop for Http1Connection {
    fn drop(&mut self) {
        self.break_off(self.rest.len() as u64);
    }
}

impl Http1Stream {
    /// Calls `look` with the received content, without the chunk framing; of a body it must use every byte.
    pub(crate) async fn read<T>(
        &mut self,
        context: &ConnectionContext,
        mut look: impl FnMut(&[u8]) -> Result<Parsed<T>, SubscriberError>,
    ) -> Result<T, SubscriberError> {
        let Self { connection, body } = self;
        connection
            .read(context, |bytes, _| {
                let Some(body) = body else { return look(bytes) };
                let (mut rest, mut found) = (bytes, None);
                while let Some(piece) = body.next(&mut rest)? {
                    match piece {
                        Piece::Content(content) => found = look(content)?.found.or(found),
                        Piece::ChunkEnd { content } => {
                            add(&context.counters.computed_received, chunk(content));
                        }
                        Piece::End => return Err(Ended),
                    }
                }
                Ok(Parsed { used: bytes.len() - rest.len(), found })
            })
            .await
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) -> Result<(), SubscriberError> {
        self.connection.send(bytes).await
    }
}

impl Drop for Http1Stream {
    fn drop(&mut self) {
        if let Some(body) = &self.body {
            self.connection.break_off(body.begun());
        }
    }
}

impl Socket {
    /// Reads, and returns when the socket was read.
    fn poll_read(
        &mut self,
        context: &ConnectionContext,
        task: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<u64>> {
        match self {
            Self::Plain(stream) => {
                ready!(Pin::new(stream).poll_read(task, buffer))?;
                Poll::Ready(Ok(context.note_read()))
            }
            Self::Tls(stream) => {
                ready!(Pin::new(&mut **stream).poll_read(task, buffer))?;
                // Decryption is not part of the one-way delay.
                let read_ns = stream.get_ref().0.read_ns();
                context.look_back(read_ns);
                Poll::Ready(Ok(read_ns))
            }
        }
    }
}
