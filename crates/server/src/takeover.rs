//! How a connection leaves hyper: with its request read, and not a byte of the answer written.
//!
//! hyper is made for answers that come once. A subscriber that stays needs a buffer of 8 KiB from it
//! and a task of its own, for bytes that are the same for everyone. So where the answer is one that the
//! [lane](crate::lane) can give, the request never gets a response from hyper: the service keeps it and
//! stays pending, the serve loop sees that, takes the socket out of hyper's hands and writes the head
//! itself. hyper promises that this is possible whenever nothing of an earlier answer is waiting to be
//! written (`Connection::into_parts`), and [`HyperIo`] watches that nothing is.
//!
//! What the lane cannot serve never comes here and is answered by hyper: TLS, HTTP/1.0, a request with a body,
//! a connection that is to be closed, a filtered stream, a poll from another origin.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Context, Poll, ready},
    time::{Duration, SystemTime},
};

use bytes::{Buf, Bytes};
use contract::{Cursor, Pattern};
use event_log::Start;
use http::{HeaderMap, Method, Request, StatusCode, Version, header, response::Parts};
use http_body::Body;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use crate::meter::Metered;

/// What a handler says about its response, in the response's extensions: how the lane could go on with
/// it. Whoever cannot follow the hint answers with the response as it is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Ride {
    /// A stream of Server-Sent Events; the response's body would be the same.
    Sse(Start),
    /// A WebSocket; the 101 is the response.
    WebSocket(Start),
    /// A WebSocket that says one sentence and closes; the 101 is the response.
    Sentence(&'static str),
    /// A poll that has been answered; the next one will follow on the same connection.
    Polled(Pattern),
    /// A long poll that has no answer yet. The response says nothing: [`crate::long_polling::hold`] waits.
    Held(Held),
}

/// A request that waits for an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Held {
    /// The place after which an event must come.
    pub(crate) after: Cursor,
    /// How long it may take.
    pub(crate) hold: Duration,
}

/// A connection on its way into the lane.
#[derive(Debug)]
pub(crate) struct Boarding<S> {
    /// The socket.
    pub(crate) stream: S,
    /// What the client sent behind its request.
    pub(crate) early: Bytes,
    /// What to write before anything else: the head of the response, or all of it.
    pub(crate) first: Bytes,
    /// How to go on.
    pub(crate) ride: Ride,
}

/// What must hold of a request for its connection to leave hyper.
pub(crate) fn may_leave<B: Body>(request: &Request<B>) -> bool {
    request.version() == Version::HTTP_11
        && request.method() == Method::GET
        && request.body().is_end_stream()
        && !request.headers().contains_key(header::EXPECT)
}

/// Whether the client wants the connection closed after the answer. A WebSocket has no such end.
pub(crate) fn is_last(headers: &HeaderMap) -> bool {
    headers.get_all(header::CONNECTION).iter().any(|value| {
        let mut words = value.as_bytes().split(|byte| *byte == b',');
        words.any(|word| word.trim_ascii().eq_ignore_ascii_case(b"close"))
    })
}

/// The head of a response as hyper would write it. `length` is that of the body; none for one that is
/// chunked.
pub(crate) fn head(parts: &Parts, length: Option<usize>) -> Vec<u8> {
    let mut head = Vec::with_capacity(256);
    let reason = parts.status.canonical_reason().unwrap_or_default();
    head.extend_from_slice(format!("HTTP/1.1 {} {reason}\r\n", parts.status.as_str()).as_bytes());
    put_headers(&mut head, &parts.headers);
    // RFC 9110 §8.6 and RFC 9112 §6.1: neither line stands in a 101, 204 or 304.
    let is_bare = matches!(
        parts.status,
        StatusCode::SWITCHING_PROTOCOLS | StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED
    );
    match length {
        _ if is_bare => {}
        Some(length) => head.extend_from_slice(format!("content-length: {length}\r\n").as_bytes()),
        None => head.extend_from_slice(b"transfer-encoding: chunked\r\n"),
    }
    head.extend_from_slice(
        format!("date: {}\r\n\r\n", httpdate::HttpDate::from(SystemTime::now())).as_bytes(),
    );
    head
}

fn put_headers(head: &mut Vec<u8>, headers: &HeaderMap) {
    // axum has put in the length of its own body, and hyper would take it out where it must not stand.
    for (name, value) in headers.iter().filter(|(name, _)| *name != header::CONTENT_LENGTH) {
        head.extend_from_slice(name.as_str().as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
}

/// Where a request's service leaves what the serve loop is to do, and what the loop must know of the
/// socket while hyper has it.
#[derive(Debug, Default)]
pub(crate) struct Exit {
    leaving: Mutex<Option<(Bytes, Ride)>>,
    /// Everything that hyper wrote has reached the socket.
    is_flushed: AtomicBool,
}

impl Exit {
    /// Says how to go on without hyper.
    pub(crate) fn leave(&self, first: Bytes, ride: Ride) {
        *self.leaving.lock().unwrap_or_else(PoisonError::into_inner) = Some((first, ride));
    }

    /// Takes the word, if there is one and nothing of an earlier answer is still to be written.
    pub(crate) fn poll_leave(&self) -> Poll<(Bytes, Ride)> {
        if !self.is_flushed.load(Relaxed) {
            return Poll::Pending;
        }
        let leaving = self.leaving.lock().unwrap_or_else(PoisonError::into_inner).take();
        leaving.map_or(Poll::Pending, Poll::Ready)
    }
}

/// A socket in hyper's hands.
#[derive(Debug)]
pub(crate) struct HyperIo {
    stream: Metered<TcpStream>,
    /// Bytes that were read before hyper got the socket.
    unread: Bytes,
    exit: Arc<Exit>,
}

impl HyperIo {
    /// Hands a socket to hyper, with what has been read from it already.
    pub(crate) fn new(stream: Metered<TcpStream>, unread: Bytes, exit: Arc<Exit>) -> Self {
        exit.is_flushed.store(true, Relaxed);
        Self { stream, unread, exit }
    }

    /// The socket again, and what hyper has not read of what was read before it.
    pub(crate) fn into_parts(self) -> (Metered<TcpStream>, Bytes) {
        (self.stream, self.unread)
    }
}

impl AsyncRead for HyperIo {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.unread.is_empty() {
            let length = self.unread.len().min(buffer.remaining());
            buffer.put_slice(&self.unread[..length]);
            self.unread.advance(length);
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for HyperIo {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.exit.is_flushed.store(false, Relaxed);
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.exit.is_flushed.store(false, Relaxed);
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// hyper flushes the socket after the last byte of its own buffer has been written.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        self.exit.is_flushed.store(true, Relaxed);
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
