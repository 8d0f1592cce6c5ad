//! An HTTP/2 connection (RFC 9113) that one subscriber has for itself or several share, each with a stream.
//!
//! Its own task reads and writes the socket; the subscribers' tasks run on the same thread. So that an event
//! is as old as its read and no older, the connection takes one read at a time: whoever was woken by it looks
//! at what it brought before there is another.

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
use contract::{Pattern, SetUp};
use h2::{
    RecvStream, SendStream,
    client::{Builder, Connection, SendRequest},
};
use http::{HeaderMap, Method, Request, StatusCode, header};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::{Mutex, OwnedSemaphorePermit, Semaphore},
    task::spawn_local,
};

use crate::{
    connections::ledger::{Counters, add},
    data::error::SubscriberError,
    subscribers::Seat,
};

/// Flow-control windows (RFC 9113 §5.2), of a stream and of the connection that all its streams share: so
/// wide that they are never what a subscriber waits for. They reserve no memory.
const STREAM_WINDOW_BYTES: u32 = 16 << 20;
const CONNECTION_WINDOW_BYTES: u32 = (1 << 31) - 1;
/// Header of a frame (RFC 9113 §4.1).
const FRAME_HEADER_BYTES: u64 = 9;
/// Stands for a limit of streams that the server has not told yet.
const UNTOLD_STREAMS: usize = usize::MAX - 1;

/// A way to the server for so many subscribers: at any time it is one connection, opened again by whoever
/// finds it gone.
#[derive(Default)]
pub(crate) struct Trunk {
    /// What its sockets carried.
    pub(crate) counters: Counters,
    subscribers: Cell<u32>,
    /// What was told of setting up until now.
    told: Cell<SetUp>,
    /// One opens it, the others wait for that.
    current: Mutex<Option<Open>>,
}

/// A connection that was opened.
#[derive(Clone)]
struct Open {
    requests: SendRequest<Bytes>,
    /// As many as the server allows streams at a time; closed when the connection has ended.
    places: Arc<Semaphore>,
    /// When its socket was read last.
    read_ns: Rc<Cell<u64>>,
    /// The server has said what it offers, and WebSocket is not among it.
    refuses_websocket: Rc<Cell<bool>>,
}

/// A stream that a subscriber may open, and on which connection.
pub(crate) struct Place {
    open: Open,
    permit: OwnedSemaphorePermit,
}

/// Tells one connection of a trunk from another.
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
    _place: OwnedSemaphorePermit,
}

impl Trunk {
    /// Subscribers that it is for.
    pub(crate) fn subscribers(&self) -> u32 {
        self.subscribers.get()
    }

    /// Notes that it is for one more.
    pub(crate) fn seat_one(&self) {
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

    /// Opens it unless it is open.
    pub(crate) async fn ready(&self, seat: &Seat) -> Result<(), SubscriberError> {
        self.open(seat).await.map(drop)
    }

    async fn open(&self, seat: &Seat) -> Result<Open, SubscriberError> {
        let mut current = self.current.lock().await;
        if let Some(open) = current.as_ref().filter(|open| !open.places.is_closed()) {
            return Ok(open.clone());
        }
        let open = seat.opened_in_time(self.connect(seat)).await?;
        Ok(current.insert(open).clone())
    }

    async fn connect(&self, seat: &Seat) -> Result<Open, SubscriberError> {
        let bytes_before = self.counters.stream.total();
        let stream = seat.connect().await?;
        let Some(tls) = &seat.desk.tls else {
            return Err(SubscriberError::Protocol("HTTP/2 is spoken in TLS alone".to_owned()));
        };
        let stream = tls.encrypt(stream, seat.desk.clock).await?;
        let read_ns = stream.get_ref().0.last_read();
        let (requests, connection) = Builder::new()
            .enable_push(false)
            .initial_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .initial_max_send_streams(UNTOLD_STREAMS)
            .handshake(OneRead { stream, has_read: false })
            .await?;
        add(&self.counters.headers, self.counters.stream.total() - bytes_before);
        let may_ask_at_once = match seat.desk.pattern {
            Pattern::ShortPolling | Pattern::LongPolling | Pattern::Sse => 1,
            // Its request is understood only by a server that said so (RFC 8441 §3).
            Pattern::WebSocket => 0,
        };
        let open = Open {
            requests,
            places: Arc::new(Semaphore::new(may_ask_at_once)),
            read_ns,
            refuses_websocket: Rc::default(),
        };
        let needs_websocket = seat.desk.pattern == Pattern::WebSocket;
        spawn_local(carry(connection, open.clone(), may_ask_at_once, needs_websocket));
        Ok(open)
    }

    /// Waits until a stream may be opened. A subscriber for which the server's limit leaves none waits here,
    /// and has asked nothing yet.
    pub(crate) async fn place(&self, seat: &Seat) -> Result<Place, SubscriberError> {
        let open = self.open(seat).await?;
        let Ok(permit) = Arc::clone(&open.places).acquire_owned().await else {
            let refused = open.refuses_websocket.get();
            return Err(if refused { SubscriberError::NoExtendedConnect } else { SubscriberError::Ended });
        };
        Ok(Place { open, permit })
    }

    /// Asks from the subscriber's cursor on, and waits for the head of the answer.
    pub(crate) async fn ask(
        &self,
        seat: &Seat,
        method: &Method,
        place: Place,
    ) -> Result<Answer, SubscriberError> {
        let Place { open, permit } = place;
        seat.count_request().await;
        let (bytes_before, asked_ns) = (self.counters.stream.total(), seat.desk.clock.now_ns());
        if self.is_of_one() {
            self.counters.begin();
        }
        let request = question(seat, method)?;
        let has_no_more = request.method() != Method::CONNECT;
        let sent = open.requests.clone().send_request(request, has_no_more);
        let (response, sending) = sent.inspect_err(|_| {
            // It takes no request any more, though those that it has may go on: the next ones need another.
            open.places.close();
        })?;
        let (head, stream) = response.await?.into_parts();
        seat.desk.look_back(open.read_ns.get());
        let content =
            Content { stream, sending, read_ns: open.read_ns, with_head: VecDeque::new(), _place: permit };
        Ok(Answer { status: head.status, headers: head.headers, content, asked_ns, bytes_before })
    }

    /// Asks nothing more on a connection on which an answer did not come: whoever asks next opens another.
    /// It is closed as soon as the last of its subscribers has its answer, or has given up as well.
    pub(crate) fn give_up(&self, connection: &ConnectionName) {
        connection.0.close();
        // If somebody holds it, they are about to open the next one.
        if let Ok(mut current) = self.current.try_lock() {
            current.take_if(|open| Arc::ptr_eq(&open.places, &connection.0));
        }
    }

    /// Bytes of the socket since an answer was asked for; none where they may be others', too.
    pub(crate) fn taken_by(&self, answer: &Answer) -> Option<u64> {
        self.is_of_one().then(|| self.counters.stream.total() - answer.bytes_before)
    }

    /// Whether what passes is one subscriber's alone.
    fn is_of_one(&self) -> bool {
        self.subscribers() == 1
    }
}

impl Place {
    /// The connection, to be named once the place has been used.
    pub(crate) fn connection(&self) -> ConnectionName {
        ConnectionName(Arc::clone(&self.open.places))
    }
}

fn question(seat: &Seat, method: &Method) -> Result<Request<()>, SubscriberError> {
    let mut builder = seat.request().method(method);
    if *method == Method::CONNECT {
        builder = builder.extension(h2::ext::Protocol::from_static("websocket"));
        builder = builder.header(header::SEC_WEBSOCKET_VERSION, 13);
    }
    builder
        .body(())
        .map_err(|error| SubscriberError::Protocol(format!("no such request can be sent: {error}")))
}

impl Content {
    /// The next piece; none when it has ended. The read that brought it is the one that is looked at now.
    pub(crate) async fn next(&mut self, seat: &Seat) -> Result<Option<Bytes>, SubscriberError> {
        let piece = match self.with_head.pop_front() {
            Some(piece) => Some(piece),
            None => self.stream.data().await.transpose()?,
        };
        seat.desk.look_back(self.read_ns.get());
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
    needs_websocket: bool,
) {
    let Open { requests, places, refuses_websocket, .. } = open;
    // Asked once, when the server has told what it offers and allows.
    let mut until_told = Some(requests);
    // Why it ended, every stream hears by itself.
    let _ = poll_fn(|context| {
        let outcome = Pin::new(&mut connection).poll(context);
        let streams = connection.max_concurrent_send_streams();
        if streams != UNTOLD_STREAMS
            && let Some(requests) = until_told.take()
        {
            if needs_websocket && !requests.is_extended_connect_protocol_enabled() {
                refuses_websocket.set(true);
                places.close();
            } else {
                places.add_permits(streams.min(Semaphore::MAX_PERMITS / 2).saturating_sub(given));
            }
        }
        outcome
    })
    .await;
    // Those who wait for a stream hear it here.
    places.close();
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
