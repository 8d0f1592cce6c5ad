//! One accepted connection, served by its transport.
//!
//! Delivery paths, from the shared bytes of an event to the socket:
//!
//! - **HTTP/1.1 without TLS**: the [shared writer](crate::drivers::shared_writer) writes the shared bytes to
//!   each socket, without a copy. Answers that it cannot serve go through hyper, which copies them into the
//!   buffer of the connection.
//! - **HTTP/1.1 in TLS**: hyper copies the shared bytes into the buffer of the connection, and rustls encrypts
//!   them into its own records.
//! - **HTTP/2 in TLS**: the shared bytes are queued by reference on the stream, as far as its client's
//!   window allows. h2 inserts the frame headers, and rustls encrypts. WebSocket frames are copied once more,
//!   from the frame's buffer into the stream.
//!
//! So each event is encoded once with every transport, but encrypted separately for each connection.

use std::{
    convert::Infallible,
    future::poll_fn,
    pin::{Pin, pin},
    sync::Arc,
    task::Poll,
};

use axum::body::Bytes;
use contract::Pattern;
use http::Request;
use hyper::{
    body::Incoming,
    rt::Executor,
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    sync::mpsc::error::SendError,
    time::timeout,
};
use tokio_rustls::server::TlsStream;
use tokio_util::task::TaskTracker;

use super::Listener;
use crate::{
    drivers::{http1_stream::LAST_CHUNK, shared_writer::join},
    handoff::{Handoff, HandoffRequest},
    http1::{this_second, whole},
    hyper_io::{HandoffCell, HyperIo},
    long_polling,
    meter::Metered,
    print_warning::print_warning,
    streams::{StreamBody, Streams},
    tls::{Tls, is_http2},
};

/// HTTP/2: bytes that a client may send on a stream before the server reads them; more than the longest event.
const STREAM_WINDOW_BYTES: u32 = 128 << 10;
/// HTTP/2: the same for all streams of a connection together.
const CONNECTION_WINDOW_BYTES: u32 = 1 << 20;
/// HTTP/2: bytes queued on one stream before hyper stops polling its body.
const SEND_BUFFER_BYTES: usize = 64 << 10;
/// Failed handshakes that are written to stderr; the counter counts all of them.
const FAILURES_TOLD: u64 = 5;

impl Listener {
    /// Serves an unencrypted connection until it ends or is handed off to the shared writer. `unread` holds
    /// bytes that were read from it before.
    pub(crate) async fn serve(self: Arc<Self>, stream: Metered<TcpStream>, unread: Bytes) {
        let cell: Arc<HandoffCell> = Arc::default();
        let io = TokioIo::new(HyperIo::new(stream, unread, Arc::clone(&cell)));
        let Some(shared_writer) = &self.shared_writer else { return self.serve_http1(io).await };
        let (listener, service_cell) = (Arc::clone(&self), Arc::clone(&cell));
        let service = service_fn(move |request| {
            let (listener, cell) = (Arc::clone(&listener), Arc::clone(&service_cell));
            Box::pin(async move { Ok::<_, Infallible>(listener.answer(request, &cell).await) })
        });
        let mut connection = self.http1().serve_connection(io, service);
        let mut stopping = pin!(self.stopping.cancelled());
        let mut is_stopping = false;
        let handed_off = poll_fn(|context| {
            if !is_stopping && stopping.as_mut().poll(context).is_ready() {
                is_stopping = true;
                Pin::new(&mut connection).graceful_shutdown();
            }
            let ended = Pin::new(&mut connection).poll(context);
            if let Poll::Ready(handed_off) = cell.poll_take() {
                return Poll::Ready(Some(handed_off));
            }
            // An error is the client's fault: it left or did not send HTTP, and hyper has answered.
            ended.map(|_| None)
        })
        .await;
        let Some((first, handoff)) = handed_off else { return };
        let parts = connection.into_parts();
        let (stream, unread) = parts.io.into_inner().into_parts();
        // Copied, because even an empty slice of hyper's buffer would keep its 8 KiB alive.
        let early = join(&parts.read_buf, &unread);
        let request = HandoffRequest { stream, early, first, handoff };
        if let Err(SendError(request)) = shared_writer.send(request) {
            self.end_handoff(request).await;
        }
    }

    /// Serves a TLS connection: HTTP/2 if both sides support it, HTTP/1.1 otherwise.
    pub(crate) async fn serve_encrypted(self: Arc<Self>, stream: Metered<TcpStream>) {
        let Some(tls) = &self.tls else { return };
        match self.shake_hands(tls, stream).await {
            Some(stream) if is_http2(&stream) => self.serve_http2(stream).await,
            Some(stream) => self.serve_http1(TokioIo::new(stream)).await,
            None => {}
        }
    }

    async fn shake_hands(
        &self,
        tls: &Tls,
        stream: Metered<TcpStream>,
    ) -> Option<TlsStream<Metered<TcpStream>>> {
        let shaken = tokio::select! {
            shaken = tls.accept(stream, self.limits.head_timeout) => shaken,
            () = self.stopping.cancelled() => return None,
        };
        match shaken {
            Ok(stream) => Some(stream),
            Err(error) => {
                let failed = self.meter.fail_handshake();
                if failed <= FAILURES_TOLD {
                    print_warning(format!("a TLS handshake failed: {error}"));
                }
                if failed == FAILURES_TOLD {
                    print_warning(
                        "further failed handshakes are only counted: see /stats on the control plane",
                    );
                }
                None
            }
        }
    }

    /// HTTP/1.1 with a task per connection. An upgrade keeps the bytes that hyper has read.
    async fn serve_http1<I>(self: Arc<Self>, io: I)
    where
        I: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
    {
        let listener = Arc::clone(&self);
        let service = service_fn(move |request| {
            let listener = Arc::clone(&listener);
            Box::pin(
                async move { Ok::<_, Infallible>(listener.answer(request, &HandoffCell::default()).await) },
            )
        });
        let mut connection = pin!(self.http1().serve_connection(io, service).with_upgrades());
        tokio::select! {
            // An error is the client's fault, as above.
            _ = connection.as_mut() => {}
            () = self.stopping.cancelled() => {
                connection.as_mut().graceful_shutdown();
                let _ = connection.await;
            }
        }
    }

    /// HTTP/2 (RFC 9113). Keep-alive pings are off: the heartbeat of a stream detects a client that is gone,
    /// and an idle connection carries no bytes that no subscriber asked for.
    async fn serve_http2<S>(self: Arc<Self>, stream: S)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let streams = Streams::default();
        let (listener, begun) = (Arc::clone(&self), streams.clone());
        let service = service_fn(move |mut request: Request<Incoming>| {
            let (listener, stream) = (Arc::clone(&listener), begun.begin());
            async move {
                // A WebSocket keeps this beyond its request.
                request.extensions_mut().insert(Arc::clone(&stream));
                let response = listener.answer(request, &HandoffCell::default()).await;
                Ok::<_, Infallible>(response.map(|body| StreamBody { body, _stream: stream }))
            }
        });
        let mut builder = http2::Builder::new(Tracked(self.app.tasks().clone()));
        builder
            .timer(TokioTimer::new())
            .max_concurrent_streams(self.app.max_streams())
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .max_send_buf_size(SEND_BUFFER_BYTES)
            .max_header_list_size(u32::try_from(self.limits.head_bytes).unwrap_or(u32::MAX))
            // WebSocket on a stream (RFC 8441 §3).
            .enable_connect_protocol();
        let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
        tokio::select! {
            // An error is the client's fault, as above.
            _ = connection.as_mut() => return,
            () = self.stopping.cancelled() => connection.as_mut().graceful_shutdown(),
            () = streams.idle(self.limits.head_timeout) => {
                connection.as_mut().graceful_shutdown();
                tokio::select! {
                    _ = connection.as_mut() => return,
                    () = self.stopping.cancelled() => {}
                    // A stream that its client began before it received the GOAWAY is served to its end.
                    () = streams.idle(self.limits.shutdown) => return,
                }
            }
        }
        // GOAWAY is sent: new streams are refused, and open streams end as their patterns define it, because
        // the log is closed. After the shutdown limit the connection is dropped.
        let _ = timeout(self.limits.shutdown, connection).await;
    }

    fn http1(&self) -> http1::Builder {
        let mut builder = http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.head_timeout)
            .max_headers(self.limits.header_lines)
            .max_buf_size(self.limits.head_bytes)
            // `half_close` stays off: a client that has closed its side has left, and its held request
            // is freed at once.
            // One buffer and one write per answer: cheaper than a vectored write of two small parts.
            .writev(false);
        builder
    }

    /// Sends the answer of a connection whose handoff came after the end of the shared writer.
    async fn end_handoff(&self, request: HandoffRequest<Metered<TcpStream>>) {
        let HandoffRequest { mut stream, first, handoff, .. } = request;
        let last = match handoff {
            Handoff::Held { .. } => {
                let answer = long_polling::no_content();
                self.meter.pattern(Pattern::LongPolling).answer(answer.status());
                whole(&answer, this_second())
            }
            Handoff::Sse { .. } => Bytes::from_static(LAST_CHUNK),
            Handoff::Polled(_) | Handoff::WebSocket { .. } | Handoff::OneShot { .. } => Bytes::new(),
        };
        // An error means that the client is gone.
        let _ = stream.write_all(&join(&first, &last)).await;
        let _ = stream.shutdown().await;
    }
}

/// Runs HTTP/2 streams as tasks that shutdown waits for.
#[derive(Debug, Clone)]
struct Tracked(TaskTracker);

impl<F> Executor<F> for Tracked
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    fn execute(&self, task: F) {
        self.0.spawn(task);
    }
}
