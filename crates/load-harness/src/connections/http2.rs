//! An HTTP/2 connection (RFC 9113) that one subscriber has for itself or several share, each with a stream.
//!
//! Its own task reads and writes the socket; the subscribers' tasks run on the same thread. So that an event
//! is as old as its read and no older, the connection takes one read at a time: the subscribers that it wakes
//! look at what it brought before there is another.

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

/// Flow-control windows (RFC 9113 §5.2), of a stream and of the connection that all its streams share: so
/// wide that they are never what a subscriber waits for. They reserve no memory.
const STREAM_WINDOW_BYTES: u32 = 16 << 20;
const CONNECTION_WINDOW_BYTES: u32 = (1 << 31) - 1;
/// Header of a frame (RFC 9113 §4.1).
const FRAME_HEADER_BYTES: u64 = 9;
/// Stands for a limit of streams that the server has not told yet.
const UNTOLD_STREAMS: usize = usize::MAX - 1;

/// A way to the server for so many subscribers: at any time it is one connection, opened again by the first
/// subscriber that finds it gone.
pub(crate) struct Http2Connection {
    /// What its sockets carried is counted here, apart from what each subscriber counts.
    context: ConnectionContext,
    subscribers: Cell<u32>,
    /// What was told of setting up until now.
    told: Cell<SetUp>,
    /// One opens it, the others wait for that.
    current: Mutex<Option<Open>>,
}

/// A connection that was opened.
#[derive(Clone)]
pub(crate) struct Open {
    requests: SendRequest<Bytes>,
    /// As many as the server allows streams at a time; closed when the connection has ended.
    permits: Arc<Semaphore>,
    /// When its socket was read last.
    read_ns: Rc<Cell<u64>>,
    /// The server has said what it offers, and WebSocket is not among it.
    refuses_websocket: Rc<Cell<bool>>,
}

/// What a connection's streams are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Requests of HTTP and their answers.
    Http,
    /// WebSockets, by extended CONNECT (RFC 8441).
    WebSocket,
}

/// A stream that a subscriber may open, and on which connection.
pub(crate) struct StreamPermit {
    open: Open,
    permit: OwnedSemaphorePermit,
}

/// Tells one connection of the same subscribers from another.
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

/// The content of an answer, as it comes, and what is sent beside it. Dropping it frees its stream.
pub(crate) struct Content {
    stream: RecvStream,
    sending: SendStream<Bytes>,
    read_ns: Rc<Cell<u64>>,
    /// What came in one read with the head, and was not looked at.
    with_head: VecDeque<Bytes>,
    _permit: OwnedSemaphorePermit,
}

impl Http2Connection {
    /// For no subscriber yet.
    pub(crate) fn new(shared: Rc<SharedContext>) -> Self {
        Self {
            context: ConnectionContext::new(shared),
            subscribers: Cell::default(),
            told: Cell::default(),
            current: Mutex::default(),
        }
    }

    /// What its sockets carried.
    pub(crate) fn counters(&self) -> &Counters {
        &self.context.counters
    }

    /// Subscribers that it is for.
    pub(crate) fn subscribers(&self) -> u32 {
        self.subscribers.get()
    }

    /// Notes that it is for one more.
    pub(crate) fn add_subscriber(&self) {
        self.subscribers.set(self.subscribers.get() + 1);
    }

    /// What was taken since the subscriber that was set up before. What the others did meanwhile is in it:
    /// on one connection it cannot be told apart.
    pub(crate) fn since_last(&self, taken: SetUp) -> SetUp {
        let told = self.told.replace(taken);
        SetUp {
            bytes: taken.bytes - told.bytes,
            segments: taken.segments.zip(told.segments.or(Some(0))).map(|(now, then)| now - then),
            ..taken
        }
    }

    /// The connection that is open; by `opening`, if there is none.
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

    /// The handshakes of TLS and HTTP/2 on a socket that has just been connected.
    pub(crate) async fn handshake(
        &self,
        stream: CountedStream,
        purpose: Purpose,
    ) -> Result<Open, SubscriberError> {
        let Some(tls) = self.context.tls() else {
            return Err(SubscriberError::Protocol("HTTP/2 is spoken in TLS alone".to_owned()));
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
            // Its request is understood only by a server that said so (RFC 8441 §3).
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
            // It takes no request any more, though those that it has may go on: the next ones need another.
            open.permits.close();
        })?;
        let (head, stream) = response.await?.into_parts();
        self.context.look_back(open.read_ns.get());
        let content =
            Content { stream, sending, read_ns: open.read_ns, with_head: VecDeque::new(), _permit: permit };
        Ok(Answer { status: head.status, headers: head.headers, content, asked_ns, bytes_before })
    }

    /// Asks nothing more on a connection on which an answer did not come: the next request opens another.
    /// It is closed as soon as the last of its subscribers has its answer, or has given up as well.
    pub(crate) fn give_up(&self, connection: &ConnectionName) {
        connection.0.close();
        // A subscriber that holds it is about to open the next one.
        if let Ok(mut current) = self.current.try_lock() {
            current.take_if(|open| Arc::ptr_eq(&open.permits, &connection.0));
        }
    }

    /// Bytes of the socket since an answer was asked for; none where they may be others', too.
    pub(crate) fn taken_by(&self, answer: &Answer) -> Option<u64> {
        self.is_of_one().then(|| self.counters().stream.total() - answer.bytes_before)
    }

    /// Whether what passes is one subscriber's alone.
    fn is_of_one(&self) -> bool {
        self.subscribers() == 1
    }
}

impl Open {
    /// Waits until a stream may be opened. A subscriber for which the server's limit leaves none waits here,
    /// and has asked nothing yet.
    pub(crate) async fn stream(self) -> Result<StreamPermit, SubscriberError> {
        let Ok(permit) = Arc::clone(&self.permits).acquire_owned().await else {
            let refused = self.refuses_websocket.get();
            return Err(if refused { SubscriberError::NoExtendedConnect } else { SubscriberError::Ended });
        };
        Ok(StreamPermit { open: self, permit })
    }
}

impl StreamPermit {
    /// The connection, to be named once the permit has been used.
    pub(crate) fn connection(&self) -> ConnectionName {
        ConnectionName(Arc::clone(&self.open.permits))
    }
}

impl Content {
    /// The next piece; none when it has ended. The read that brought it is the one that is looked at now.
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

    /// Bytes of content that came in one read with the head, with the headers of their frames.
    pub(crate) fn came_with_head(&mut self) -> Result<u64, SubscriberError> {
        let mut context = Context::from_waker(Waker::noop());
        while let Poll::Ready(Some(piece)) = self.stream.poll_data(&mut context) {
            self.with_head.push_back(piece?);
        }
        Ok(self.with_head.iter().map(|piece| piece.len() as u64 + FRAME_HEADER_BYTES).sum())
    }

    /// Sends beside it, where the request left its side of the stream open.
    pub(crate) fn send(&mut self, bytes: Vec<u8>) -> Result<(), SubscriberError> {
        Ok(self.sending.send_data(bytes.into(), false)?)
    }
}

/// Carries a connection to its end.
async fn carry<S: AsyncRead + AsyncWrite + Unpin>(
    mut connection: Connection<S, Bytes>,
    open: Open,
    given: usize,
    purpose: Purpose,
) {
    let Open { requests, permits, refuses_websocket, .. } = open;
    // Asked once, when the server has told what it offers and allows.
    let mut until_told = Some(requests);
    // Why it ended, every stream hears by itself.
    let _ = poll_fn(|context| {
        let outcome = Pin::new(&mut connection).poll(context);
        let streams = connection.max_concurrent_send_streams();
        if streams != UNTOLD_STREAMS
            && let Some(requests) = until_told.take()
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
    // Those who wait for a stream hear it here.
    permits.close();
}

/// Lets one read through, then has its reader come again: what was read is looked at before more is.
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
