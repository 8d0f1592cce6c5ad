//! An HTTP/2 connection (RFC 9113) for one subscriber, or shared by several, each with its own stream.
//!
//! A task of its own reads and writes the socket; the subscribers' tasks run on the same thread. So that each
//! event gets the instant of its own read, the connection does one read at a time: the subscribers that it
//! wakes parse the bytes before the next read.

use std::{
    cell::Cell,
    collections::VecDeque,
    future::poll_fn,
    io::{self, IoSlice},
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, Waker, ready},
};

use bytes::Bytes;
use contract::SetUp;
use h2::{
    RecvStream, SendStream,
    client::{Builder, Connection, SendRequest},
};
use http::{HeaderMap, Method, Request, StatusCode};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::{Mutex, OwnedSemaphorePermit, Semaphore},
    task::spawn_local,
};

use crate::{
    connections::{
        context::{ConnectionContext, SharedContext},
        counted_stream::CountedStream,
        ledger::{Counters, add},
    },
    data::error::SubscriberError,
};

/// Flow-control windows (RFC 9113 §5.2) of a stream and of the whole connection: so wide that no subscriber
/// ever waits for them. They reserve no memory.
const STREAM_WINDOW_BYTES: u32 = 16 << 20;
const CONNECTION_WINDOW_BYTES: u32 = (1 << 31) - 1;
/// Header of a frame (RFC 9113 §4.1).
const FRAME_HEADER_BYTES: u64 = 9;
/// Stands for a stream limit that the server has not sent yet.
const UNTOLD_STREAMS: usize = usize::MAX - 1;

/// The shared connection of a group of subscribers: one connection at a time, opened again by the first
/// subscriber that finds it closed.
pub(crate) struct Http2Connection {
    /// Counts the bytes of its sockets, apart from the counters of each subscriber.
    context: ConnectionContext,
    subscribers: Cell<u32>,
    /// What has been counted as set-up until now.
    reported: Cell<SetUp>,
    /// One subscriber opens it, the others wait.
    current: Mutex<Option<Open>>,
}

/// An open connection.
#[derive(Clone)]
pub(crate) struct Open {
    requests: SendRequest<Bytes>,
    /// One permit per stream that the server allows at a time; closed when the connection has ended.
    permits: Arc<Semaphore>,
    /// When its socket was read last.
    read_ns: Rc<Cell<u64>>,
    /// The server's SETTINGS do not offer WebSocket.
    refuses_websocket: Rc<Cell<bool>>,
}

/// What a connection's streams are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// HTTP requests and their answers.
    Http,
    /// WebSockets, by extended CONNECT (RFC 8441).
    WebSocket,
}

/// The permission to open a stream, and its connection.
pub(crate) struct StreamPermit {
    open: Open,
    permit: OwnedSemaphorePermit,
}

/// Identifies one connection among those of the same subscribers.
pub(crate) struct ConnectionName(Arc<Semaphore>);

/// An answer whose content is still to come.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) content: Content,
    /// When the request was sent.
    pub(crate) asked_ns: u64,
    bytes_before: u64,
}

/// The content of an answer as it comes, and the sending side of its stream. Dropping it frees the stream.
pub(crate) struct Content {
    stream: RecvStream,
    sending: SendStream<Bytes>,
    read_ns: Rc<Cell<u64>>,
    /// Content that came in one read with the head, not parsed yet.
    with_head: VecDeque<Bytes>,
    _permit: OwnedSemaphorePermit,
}

impl Http2Connection {
    /// Without any subscriber yet.
    pub(crate) fn new(shared: Rc<SharedContext>) -> Self {
        Self {
            context: ConnectionContext::new(shared),
            subscribers: Cell::default(),
            reported: Cell::default(),
            current: Mutex::default(),
        }
    }

    /// The counters of its sockets.
    pub(crate) fn counters(&self) -> &Counters {
        &self.context.counters
    }

    /// Number of subscribers that use it.
    pub(crate) fn subscribers(&self) -> u32 {
        self.subscribers.get()
    }

    /// Adds a subscriber.
    pub(crate) fn add_subscriber(&self) {
        self.subscribers.set(self.subscribers.get() + 1);
    }

    /// The difference to the totals when the previous subscriber was set up. It includes what the others did
    /// meanwhile: on one connection that cannot be separated.
    pub(crate) fn since_last(&self, taken: SetUp) -> SetUp {
        let reported = self.reported.replace(taken);
        SetUp {
            bytes: taken.bytes - reported.bytes,
            segments: taken.segments.zip(reported.segments.or(Some(0))).map(|(now, then)| now - then),
            ..taken
        }
    }

    /// The open connection; opened by `opening` if there is none.
    pub(crate) async fn open(
        &self,
        opening: impl Future<Output = Result<Open, SubscriberError>>,
    ) -> Result<Open, SubscriberError> {
        let mut current = self.current.lock().await;
        if let Some(open) = current.as_ref().filter(|open| !open.permits.is_closed()) {
            return Ok(open.clone());
        }
        let open = opening.await?;
        Ok(current.insert(open).clone())
    }

    /// The handshakes of TLS and HTTP/2 on a newly connected socket.
    pub(crate) async fn handshake(
        &self,
        stream: CountedStream,
        purpose: Purpose,
    ) -> Result<Open, SubscriberError> {
        let Some(tls) = self.context.tls() else {
            return Err(SubscriberError::Protocol("HTTP/2 needs TLS".to_owned()));
        };
        let counters = self.counters();
        let bytes_before = counters.stream.total();
        let stream = tls.encrypt(stream, self.context.clock()).await?;
        let read_ns = stream.get_ref().0.last_read();
        let (requests, connection) = Builder::new()
            .enable_push(false)
            .initial_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .initial_max_send_streams(UNTOLD_STREAMS)
            .handshake(OneRead { stream, has_read: false })
            .await?;
        add(&counters.headers, counters.stream.total() - bytes_before);
        let may_ask_at_once = match purpose {
            Purpose::Http => 1,
            // Extended CONNECT is allowed only after the server's SETTINGS offer it (RFC 8441 §3).
            Purpose::WebSocket => 0,
        };
        let open = Open {
            requests,
            permits: Arc::new(Semaphore::new(may_ask_at_once)),
            read_ns,
            refuses_websocket: Rc::default(),
        };
        spawn_local(carry(connection, open.clone(), may_ask_at_once, purpose));
        Ok(open)
    }

    /// Sends a request and waits for the head of the answer.
    pub(crate) async fn ask(
        &self,
        request: Request<()>,
        permit: StreamPermit,
    ) -> Result<Answer, SubscriberError> {
        let StreamPermit { open, permit } = permit;
        let (bytes_before, asked_ns) = (self.counters().stream.total(), self.context.now_ns());
        if self.is_of_one() {
            self.counters().begin();
        }
        let has_no_more = request.method() != Method::CONNECT;
        let sent = open.requests.clone().send_request(request, has_no_more);
        let (response, sending) = sent.inspect_err(|_| {
            // The connection takes no more requests, though its streams may continue: open another one.
            open.permits.close();
        })?;
        let (head, stream) = response.await?.into_parts();
        self.context.look_back(open.read_ns.get());
        let content =
            Content { stream, sending, read_ns: open.read_ns, with_head: VecDeque::new(), _permit: permit };
        Ok(Answer { status: head.status, headers: head.headers, content, asked_ns, bytes_before })
    }

    /// Sends no more requests on a connection on which an answer timed out: the next request opens another.
    /// It is closed when the last of its subscribers has its answer, or has timed out as well.
    pub(crate) fn give_up(&self, connection: &ConnectionName) {
        connection.0.close();
        // If the lock is held, another subscriber is already opening the next connection.
        if let Ok(mut current) = self.current.try_lock() {
            current.take_if(|open| Arc::ptr_eq(&open.permits, &connection.0));
        }
    }

    /// Bytes of the socket since a request was sent; none where other subscribers share it.
    pub(crate) fn taken_by(&self, answer: &Answer) -> Option<u64> {
        self.is_of_one().then(|| self.counters().stream.total() - answer.bytes_before)
    }

    /// Whether it has only one subscriber.
    fn is_of_one(&self) -> bool {
        self.subscribers() == 1
    }
}

impl Open {
    /// Waits until a stream may be opened. A subscriber beyond the server's stream limit waits here, before
    /// it sends its request.
    pub(crate) async fn stream(self) -> Result<StreamPermit, SubscriberError> {
        let Ok(permit) = Arc::clone(&self.permits).acquire_owned().await else {
            let refused = self.refuses_websocket.get();
            return Err(if refused { SubscriberError::NoExtendedConnect } else { SubscriberError::Ended });
        };
        Ok(StreamPermit { open: self, permit })
    }
}

impl StreamPermit {
    /// The identity of the connection, for use after the permit is consumed.
    pub(crate) fn connection(&self) -> ConnectionName {
        ConnectionName(Arc::clone(&self.open.permits))
    }
}

impl Content {
    /// The next piece; none at the end. Sets the current instant to that of the read that brought it.
    pub(crate) async fn next(
        &mut self,
        context: &ConnectionContext,
    ) -> Result<Option<Bytes>, SubscriberError> {
        let piece = match self.with_head.pop_front() {
            Some(piece) => Some(piece),
            None => self.stream.data().await.transpose()?,
        };
        context.look_back(self.read_ns.get());
        if let Some(bytes) = &piece {
            self.stream.flow_control().release_capacity(bytes.len())?;
        }
        Ok(piece)
    }

    /// Bytes of content that came in one read with the head, frame headers included.
    pub(crate) fn came_with_head(&mut self) -> Result<u64, SubscriberError> {
        let mut context = Context::from_waker(Waker::noop());
        while let Poll::Ready(Some(piece)) = self.stream.poll_data(&mut context) {
            self.with_head.push_back(piece?);
        }
        Ok(self.with_head.iter().map(|piece| piece.len() as u64 + FRAME_HEADER_BYTES).sum())
    }

    /// Sends bytes, if the request left its side of the stream open.
    pub(crate) fn send(&mut self, bytes: Vec<u8>) -> Result<(), SubscriberError> {
        Ok(self.sending.send_data(bytes.into(), false)?)
    }
}

/// Drives a connection until it ends.
async fn carry<S: AsyncRead + AsyncWrite + Unpin>(
    mut connection: Connection<S, Bytes>,
    open: Open,
    given: usize,
    purpose: Purpose,
) {
    let Open { requests, permits, refuses_websocket, .. } = open;
    // Used once, when the server's SETTINGS have come.
    let mut until_reported = Some(requests);
    // Every stream gets the connection's error by itself.
    let _ = poll_fn(|context| {
        let outcome = Pin::new(&mut connection).poll(context);
        let streams = connection.max_concurrent_send_streams();
        if streams != UNTOLD_STREAMS
            && let Some(requests) = until_reported.take()
        {
            if purpose == Purpose::WebSocket && !requests.is_extended_connect_protocol_enabled() {
                refuses_websocket.set(true);
                permits.close();
            } else {
                permits.add_permits(streams.min(Semaphore::MAX_PERMITS / 2).saturating_sub(given));
            }
        }
        outcome
    })
    .await;
    // This wakes the subscribers that wait for a stream.
    permits.close();
}

/// Passes one read through, then yields, so that its bytes are parsed before the next read.
struct OneRead<S> {
    stream: S,
    has_read: bool,
}

impl<S: AsyncRead + Unpin> AsyncRead for OneRead<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if std::mem::take(&mut self.has_read) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        self.has_read = true;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for OneRead<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
