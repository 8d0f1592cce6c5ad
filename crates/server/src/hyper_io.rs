//! A socket that can be taken out of hyper after its request was read and before any byte of the answer is
//! written.
//!
//! In hyper each waiting subscriber needs a buffer of 8 KiB and a task, for bytes that are the same for all
//! subscribers. So if the shared writer can give the answer, hyper never sends a response: the service puts a
//! handoff into the [`HandoffCell`] and stays pending. The task of the connection then takes the socket out of
//! hyper and hands it off. hyper allows this whenever no bytes of an earlier answer wait to be written
//! (`Connection::into_parts`), and [`HyperIo`] tracks whether any do.
//!
//! hyper itself answers everything that the shared writer cannot: TLS, HTTP/1.0, a request with a body, a
//! connection to be closed, a filtered stream, a poll from another origin.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use http::{HeaderMap, Method, Request, Version, header};
use http_body::Body;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use crate::{handoff::Handoff, meter::Metered};

/// Whether the connection of this request may be taken out of hyper.
pub(crate) fn may_leave<B: Body>(request: &Request<B>) -> bool {
    request.version() == Version::HTTP_11
        && request.method() == Method::GET
        && request.body().is_end_stream()
        && !request.headers().contains_key(header::EXPECT)
}

/// Whether the client wants the connection closed after the answer. This does not apply to a WebSocket.
pub(crate) fn is_last(headers: &HeaderMap) -> bool {
    headers.get_all(header::CONNECTION).iter().any(|value| {
        let mut words = value.as_bytes().split(|byte| *byte == b',');
        words.any(|word| word.trim_ascii().eq_ignore_ascii_case(b"close"))
    })
}

/// Passes a handoff and its first bytes from a request's service to the task of the connection, and reports
/// whether hyper has flushed the socket.
#[derive(Debug, Default)]
pub(crate) struct HandoffCell {
    handoff: Mutex<Option<(Bytes, Handoff)>>,
    /// Everything that hyper wrote has reached the socket.
    is_flushed: AtomicBool,
}

impl HandoffCell {
    /// Stores the handoff.
    pub(crate) fn put(&self, first: Bytes, handoff: Handoff) {
        *self.handoff.lock().unwrap_or_else(PoisonError::into_inner) = Some((first, handoff));
    }

    /// Takes the handoff, if there is one and no bytes of an earlier answer wait to be written.
    pub(crate) fn poll_take(&self) -> Poll<(Bytes, Handoff)> {
        if !self.is_flushed.load(Relaxed) {
            return Poll::Pending;
        }
        let handoff = self.handoff.lock().unwrap_or_else(PoisonError::into_inner).take();
        handoff.map_or(Poll::Pending, Poll::Ready)
    }
}

/// A socket that hyper uses.
#[derive(Debug)]
pub(crate) struct HyperIo {
    stream: Metered<TcpStream>,
    /// Bytes that were read before hyper got the socket.
    unread: Bytes,
    cell: Arc<HandoffCell>,
}

impl HyperIo {
    /// Wraps a socket for hyper, with bytes that were already read from it.
    pub(crate) fn new(stream: Metered<TcpStream>, unread: Bytes, cell: Arc<HandoffCell>) -> Self {
        cell.is_flushed.store(true, Relaxed);
        Self { stream, unread, cell }
    }

    /// Returns the socket, and the bytes given to `new` that hyper has not read.
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
        self.cell.is_flushed.store(false, Relaxed);
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.cell.is_flushed.store(false, Relaxed);
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// hyper flushes the socket after the last byte of its own buffer has been written.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        self.cell.is_flushed.store(true, Relaxed);
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
