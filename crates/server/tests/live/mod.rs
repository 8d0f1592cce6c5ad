//! A live server on a free port, and its subscribers: raw bytes over HTTP/1.1, plain or in TLS, and a client's
//! frames over HTTP/2.
#![allow(dead_code, reason = "each test binary uses its part of this module")]
#![allow(clippy::unwrap_used, reason = "a test may end where its premise fails")]

mod door;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use contract::{Ablation, Cursor, EventType, Pattern, PollBody, Resume, ServerStats, Transport};
pub(crate) use door::{Door, Http2, Socket};
use event_log::Retention;
use futures_util::StreamExt;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde::Deserialize;
use server::{App, AppSettings, CertificateSource, Server, ServerSettings};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::oneshot,
    task::JoinHandle,
    time::timeout,
};
use tokio_tungstenite::{WebSocketStream, tungstenite::Message};

/// Longest wait for anything; only a hang reaches it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Live {
    pub(crate) data: SocketAddr,
    pub(crate) control: SocketAddr,
    pub(crate) app: Arc<App>,
    /// How subscribers reach the data plane.
    pub(crate) door: Door,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Live {
    pub(crate) fn start() -> Self {
        Self::with(AppSettings::default())
    }

    pub(crate) fn on(ablation: Ablation) -> Self {
        Self::with(AppSettings { ablation, ..AppSettings::default() })
    }

    pub(crate) fn keeping(events: usize, ablation: Ablation) -> Self {
        let retention = Retention { events, bytes: 1 << 20 };
        Self::with(AppSettings { retention, ablation, ..AppSettings::default() })
    }

    pub(crate) fn with(app: AppSettings) -> Self {
        Self::showing(CertificateSource::default(), app)
    }

    pub(crate) fn showing(certificate: CertificateSource, app: AppSettings) -> Self {
        let any = "127.0.0.1:0".parse().unwrap();
        let transport = app.transport;
        let settings = ServerSettings { data: any, control: any, tcp_maxseg: 1_460, certificate, app };
        let server = Server::bind(settings).unwrap();
        let announcement = server.announcement().unwrap();
        assert_eq!(announcement.certificate_pem.is_some(), transport.is_encrypted());
        let door = Door::new(announcement.data, transport, announcement.certificate_pem.as_deref());
        let app = server.app();
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(server.run_until(async move { drop(stopped.await) }));
        Self { data: announcement.data, control: announcement.control, app, door, stop: Some(stop), task }
    }

    /// Publishes events with these texts.
    pub(crate) fn publish(&self, texts: impl IntoIterator<Item = impl AsRef<str>>) {
        for text in texts {
            self.app.log().append(None, text.as_ref()).unwrap();
        }
    }

    pub(crate) fn cursor(&self, seq: u64) -> Cursor {
        Cursor { epoch: self.app.log().epoch(), seq }
    }

    /// Waits until this number of subscribers wait for an event.
    pub(crate) async fn parked(&self, subscribers: u64) {
        let reached = async {
            while self.app.waiting() != subscribers {
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, reached).await.expect("subscribers did not park");
    }

    pub(crate) fn stop(&mut self) {
        drop(self.stop.take());
    }

    pub(crate) async fn stopped(mut self) {
        self.stop();
        timeout(PATIENCE, self.task).await.expect("the server did not stop").unwrap();
    }

    /// Sends raw bytes on a new connection and reads one answer.
    pub(crate) async fn exchange(&self, request: impl AsRef<[u8]>) -> Answer {
        let mut stream = self.door.connect().await;
        stream.write_all(request.as_ref()).await.unwrap();
        Answer::read(&mut stream, true).await
    }

    /// The counters, from the control plane.
    pub(crate) async fn stats(&self) -> ServerStats {
        let mut stream = TcpStream::connect(self.control).await.unwrap();
        stream.write_all(b"GET /stats HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        serde_json::from_str(&Answer::read(&mut stream, true).await.body).unwrap()
    }

    /// Waits until the counters satisfy a condition.
    pub(crate) async fn until(&self, reached: impl Fn(&ServerStats) -> bool) -> ServerStats {
        let search = async {
            loop {
                let stats = self.stats().await;
                if reached(&stats) {
                    return stats;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        match timeout(PATIENCE, search).await {
            Ok(stats) => stats,
            Err(_) => panic!("never so: {:?}", self.stats().await),
        }
    }

    pub(crate) async fn get(&self, target: &str) -> Answer {
        self.exchange(format!("GET {target} HTTP/1.1\r\nhost: {}\r\n\r\n", self.data)).await
    }
}

/// Reads until these bytes have arrived; returns all bytes.
pub(crate) async fn read_until(stream: &mut (impl AsyncRead + Unpin), until: impl AsRef<[u8]>) -> Vec<u8> {
    let until = until.as_ref();
    let (mut bytes, mut searched) = (Vec::new(), 0_usize);
    while !bytes[searched..].windows(until.len()).any(|window| window == until) {
        searched = bytes.len().saturating_sub(until.len());
        let read = timeout(PATIENCE, stream.read_buf(&mut bytes)).await;
        let came = || String::from_utf8_lossy(&bytes[..bytes.len().min(1_000)]).into_owned();
        let read = read.unwrap_or_else(|_| panic!("only {} bytes came: {}", bytes.len(), came())).unwrap();
        assert_ne!(read, 0, "closed after {} bytes: {}", bytes.len(), came());
    }
    bytes
}

/// A received HTTP answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) async fn read(stream: &mut (impl AsyncRead + Unpin), with_body: bool) -> Self {
        let mut bytes = Vec::new();
        let end = loop {
            if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                break end;
            }
            let read = timeout(PATIENCE, stream.read_buf(&mut bytes)).await.expect("no answer").unwrap();
            assert_ne!(read, 0, "closed without an answer after {:?}", String::from_utf8_lossy(&bytes));
        };
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let mut answer = Self { status, head, body: String::new() };
        let length = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
        let mut body = bytes[end + 4..].to_vec();
        while with_body && body.len() < length {
            let read = timeout(PATIENCE, stream.read_buf(&mut body)).await.expect("no body").unwrap();
            assert_ne!(read, 0, "the body was cut");
        }
        answer.body = String::from_utf8_lossy(&body).into_owned();
        answer
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    /// The head's lines without the date.
    pub(crate) fn lines(&self) -> Vec<&str> {
        self.head.lines().filter(|line| !line.starts_with("date: ")).collect()
    }

    pub(crate) fn poll(&self) -> PollBody<'_> {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// What the server reported about the cursor that a subscriber starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) struct Place {
    pub(crate) cursor: Cursor,
    pub(crate) resume: Resume,
    #[serde(default)]
    pub(crate) lost: Option<u64>,
}

/// A delivered event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Delivered {
    pub(crate) cursor: Cursor,
    pub(crate) event_type: Option<EventType>,
    pub(crate) data: String,
}

/// A subscriber of any pattern.
pub(crate) enum Subscriber {
    Poll { asker: Asker, target: String, cursor: Cursor, ready: Vec<Delivered> },
    Sse { stream: EventStream, text: String },
    WebSocket { socket: Box<WebSocketStream<Socket>> },
}

/// A polling client.
pub(crate) enum Asker {
    /// On a new connection for each poll.
    Afresh(Door),
    /// On one HTTP/2 connection.
    Http2(Http2),
}

/// The body of a streamed answer.
pub(crate) enum EventStream {
    /// HTTP/1.1 chunks, with the bytes that are not decoded yet.
    Chunks(Socket, Vec<u8>),
    /// An HTTP/2 stream.
    Frames(Incoming),
}

impl Asker {
    async fn ask(&mut self, target: &str) -> Answer {
        match self {
            Self::Afresh(door) => {
                let mut stream = door.connect().await;
                let request = format!("GET {target} HTTP/1.1\r\nhost: {}\r\n\r\n", door.server);
                stream.write_all(request.as_bytes()).await.unwrap();
                Answer::read(&mut stream, true).await
            }
            Self::Http2(connection) => connection.get(target).await,
        }
    }
}

impl EventStream {
    /// Reads once and appends to `text`; `false` at the end.
    async fn read_on(&mut self, text: &mut String) -> bool {
        match self {
            Self::Frames(body) => match body.frame().await {
                Some(frame) => {
                    let data = frame.unwrap().into_data().unwrap();
                    text.push_str(std::str::from_utf8(&data).unwrap());
                    true
                }
                None => false,
            },
            Self::Chunks(stream, raw) => loop {
                if let Some(line_end) = raw.windows(2).position(|two| two == b"\r\n") {
                    let size = std::str::from_utf8(&raw[..line_end]).unwrap();
                    let size = usize::from_str_radix(size, 16).unwrap();
                    if size == 0 {
                        return false;
                    }
                    if raw.len() >= line_end + 2 + size + 2 {
                        text.push_str(std::str::from_utf8(&raw[line_end + 2..][..size]).unwrap());
                        raw.drain(..line_end + 2 + size + 2);
                        return true;
                    }
                }
                if stream.read_buf(raw).await.unwrap() == 0 {
                    return false;
                }
            },
        }
    }
}

/// How a subscription ended when the server shut down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    NoContent,
    StreamEnded,
    Closed(u16),
}

impl Subscriber {
    /// Subscribes; returns what the server reported about the cursor.
    pub(crate) async fn open(live: &Live, pattern: Pattern, after: Option<&str>) -> (Self, Place) {
        let query = after.map_or(String::new(), |after| format!("?after={after}"));
        Self::open_with(live, pattern, &query, "").await
    }

    /// Subscribes with a query and extra header lines.
    pub(crate) async fn open_with(live: &Live, pattern: Pattern, query: &str, lines: &str) -> (Self, Place) {
        let server = live.data;
        if live.door.transport == Transport::Http2 {
            return Self::open_stream(live.door.http2().await, pattern, query, lines).await;
        }
        let request = format!("GET /{pattern}{query} HTTP/1.1\r\nhost: {server}\r\n{lines}");
        match pattern {
            Pattern::ShortPolling | Pattern::LongPolling => {
                let answer = live.exchange(format!("{request}\r\n")).await;
                Self::polling(Asker::Afresh(live.door.clone()), pattern, &answer)
            }
            Pattern::Sse => {
                let mut stream = live.door.connect().await;
                stream.write_all(format!("{request}\r\n").as_bytes()).await.unwrap();
                let answer = Answer::read(&mut stream, false).await;
                assert_eq!(answer.status, 200, "{answer:?}");
                Self::streaming(EventStream::Chunks(stream, answer.body.into_bytes())).await
            }
            Pattern::WebSocket => {
                let stream = live.door.connect().await;
                let mut handshake =
                    tokio_tungstenite::tungstenite::client::IntoClientRequest::into_client_request(format!(
                        "ws://{server}/websocket{query}"
                    ))
                    .unwrap();
                for (name, value) in door::headers(lines) {
                    handshake.headers_mut().insert(name, value);
                }
                let (socket, _) = tokio_tungstenite::client_async(handshake, stream).await.unwrap();
                Self::conversing(socket).await
            }
        }
    }

    /// Subscribes on a stream of a connection that others may use, too.
    pub(crate) async fn open_stream(
        mut connection: Http2,
        pattern: Pattern,
        query: &str,
        lines: &str,
    ) -> (Self, Place) {
        let target = format!("/{pattern}{query}");
        match pattern {
            Pattern::ShortPolling | Pattern::LongPolling => {
                let answer = connection.ask(connection.request("GET", &target, lines)).await;
                Self::polling(Asker::Http2(connection), pattern, &answer)
            }
            Pattern::Sse => {
                let response = connection.send(connection.request("GET", &target, lines)).await.unwrap();
                assert_eq!(response.status(), 200, "{response:?}");
                Self::streaming(EventStream::Frames(response.into_body())).await
            }
            Pattern::WebSocket => Self::conversing(connection.websocket(&target, lines).await).await,
        }
    }

    fn polling(asker: Asker, pattern: Pattern, answer: &Answer) -> (Self, Place) {
        assert_eq!(answer.status, 200, "{answer:?}");
        let body = answer.poll();
        let place = Place { cursor: start_of(&body), resume: body.resume, lost: body.lost };
        let hold = if pattern == Pattern::LongPolling { "&hold=20" } else { "" };
        let target = format!("/{pattern}?after=CURSOR{hold}");
        (Self::Poll { asker, target, cursor: body.cursor, ready: delivered(&body) }, place)
    }

    async fn streaming(stream: EventStream) -> (Self, Place) {
        let mut subscriber = Self::Sse { stream, text: String::new() };
        let place = subscriber.sse_place().await;
        (subscriber, place)
    }

    async fn conversing(socket: WebSocketStream<Socket>) -> (Self, Place) {
        let mut subscriber = Self::WebSocket { socket: Box::new(socket) };
        let place = serde_json::from_str(&subscriber.frame().await.unwrap()).unwrap();
        (subscriber, place)
    }

    /// The next event.
    pub(crate) async fn next(&mut self) -> Delivered {
        timeout(PATIENCE, self.next_or_end()).await.expect("no event came").expect("an event, not the end")
    }

    /// The next `count` texts.
    pub(crate) async fn texts(&mut self, count: usize) -> Vec<String> {
        let mut texts = Vec::new();
        while texts.len() < count {
            texts.push(self.next().await.data);
        }
        texts
    }

    /// How it ended; events before the end are skipped.
    pub(crate) async fn end(&mut self) -> End {
        let end = async {
            loop {
                if let Err(end) = self.next_or_end().await {
                    return end;
                }
            }
        };
        timeout(PATIENCE, end).await.expect("it did not end")
    }

    async fn next_or_end(&mut self) -> Result<Delivered, End> {
        if let Self::Poll { asker, target, cursor, ready } = self {
            while ready.is_empty() {
                let answer = asker.ask(&target.replace("CURSOR", &cursor.to_string())).await;
                if answer.status == 204 {
                    return Err(End::NoContent);
                }
                let body = answer.poll();
                assert_eq!(body.resume, Resume::Live);
                *cursor = body.cursor;
                *ready = delivered(&body);
                tokio::task::yield_now().await;
            }
            return Ok(ready.remove(0));
        }
        if let Self::WebSocket { .. } = self {
            let text = self.frame().await?;
            let event: contract::WireEvent<'_> = serde_json::from_str(&text).unwrap();
            return Ok(Delivered {
                cursor: event.id,
                event_type: event.event_type.clone(),
                data: event.data.clone().into_owned(),
            });
        }
        loop {
            let block = self.block().await.ok_or(End::StreamEnded)?;
            let field = |name: &str| {
                let values: Vec<&str> =
                    block.lines().filter_map(|line| line.strip_prefix(&format!("{name}: "))).collect();
                (!values.is_empty()).then(|| values.join("\n"))
            };
            if let Some(data) = field("data") {
                return Ok(Delivered {
                    cursor: field("id").unwrap().parse().unwrap(),
                    event_type: field("event").map(|name| name.parse().unwrap()),
                    data,
                });
            }
        }
    }

    async fn sse_place(&mut self) -> Place {
        let first = self.block().await.unwrap();
        let cursor: Cursor =
            first.lines().find_map(|line| line.strip_prefix("id: ")).unwrap().parse().unwrap();
        let Self::Sse { text, .. } = self else { unreachable!("only SSE has blocks") };
        if !text.starts_with("event: reset\n") {
            return Place { cursor, resume: Resume::Live, lost: None };
        }
        let reset = self.block().await.unwrap();
        let data = reset.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
        let place: Place = serde_json::from_str(data).unwrap();
        assert_eq!(place.cursor, cursor, "the first block and the reset name the same place");
        place
    }

    /// The next SSE block, without chunk framing; `None` at the end of the stream.
    pub(crate) async fn block(&mut self) -> Option<String> {
        let Self::Sse { stream, text } = self else { unreachable!("only SSE has blocks") };
        loop {
            if let Some(end) = text.find("\n\n") {
                let block = text[..end].to_owned();
                text.drain(..end + 2);
                return Some(block);
            }
            if !timeout(PATIENCE, stream.read_on(text)).await.expect("the stream hangs") {
                return None;
            }
        }
    }

    /// The next text frame.
    pub(crate) async fn frame(&mut self) -> Result<String, End> {
        let Self::WebSocket { socket } = self else { unreachable!("only WebSocket has frames") };
        loop {
            match timeout(PATIENCE, socket.next()).await.expect("the socket hangs") {
                Some(Ok(Message::Text(text))) => return Ok(text.to_string()),
                Some(Ok(Message::Close(frame))) => {
                    return Err(End::Closed(frame.map_or(1_005, |frame| frame.code.into())));
                }
                Some(Ok(_)) => {}
                other => panic!("the socket ended without a close: {other:?}"),
            }
        }
    }
}

/// The cursor before a body's events.
fn start_of(body: &PollBody<'_>) -> Cursor {
    Cursor { seq: body.cursor.seq - body.events.len() as u64, ..body.cursor }
}

fn delivered(body: &PollBody<'_>) -> Vec<Delivered> {
    body.events
        .iter()
        .map(|event| Delivered {
            cursor: event.id,
            event_type: event.event_type.clone(),
            data: event.data.clone().into_owned(),
        })
        .collect()
}
