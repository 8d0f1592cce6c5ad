//! HTTP/2 on the data plane: many streams on one connection, and their effect on each other.
#![allow(clippy::unwrap_used, reason = "a test may end where its premise fails")]

mod live;

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use contract::{Pattern, Transport};
use event_log::Retention;
use http_body_util::BodyExt;
use live::{Answer, Http2, Live, PATIENCE, Subscriber};
use server::{AppSettings, Limits};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::watch,
    time::{sleep, timeout},
};

fn settings() -> AppSettings {
    AppSettings { transport: Transport::Http2, ..AppSettings::default() }
}

fn is_problem(answer: &Answer) {
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{answer:?}");
    let problem: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(problem["status"], answer.status, "{answer:?}");
}

/// Header lines that HTTP/2 does not allow (RFC 9113 §8.2.2).
fn is_free_of_the_connection(answer: &Answer) {
    for name in ["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"] {
        assert_eq!(answer.header(name), None, "{answer:?}");
    }
}

#[tokio::test]
async fn all_patterns_share_one_connection_and_each_request_is_counted_once() {
    let live = Live::with(settings());
    let connection = live.door.http2().await;
    let mut subscribers = Vec::new();
    for pattern in Pattern::ALL {
        for _ in 0..5 {
            subscribers.push(Subscriber::open_stream(connection.clone(), pattern, "?after=0", "").await.0);
        }
    }
    live.publish(["a", "b"]);
    for subscriber in &mut subscribers {
        assert_eq!(subscriber.texts(2).await, ["a", "b"]);
    }
    assert_eq!(live.app.encodings().made(), 4, "each event once as JSON and once for SSE, for all readers");
    let stats = live.stats().await;
    assert_eq!((stats.connections_opened, stats.connections_open), (1, 1));
    for pattern in [Pattern::Sse, Pattern::WebSocket] {
        let requests = stats.requests_of(pattern);
        assert_eq!((requests.arrived, requests.answered), (5, 5), "{pattern}");
    }
    drop((subscribers, connection));
    live.until(|stats| stats.connections_open == 0 && stats.waiting == 0).await;
}

#[tokio::test]
async fn one_stream_more_than_allowed_waits_for_another_to_end() {
    let live = Live::with(AppSettings { max_streams: 2, ..settings() });
    let mut connection = live.door.http2().await;
    // The client gets the limit with the server's settings, which arrive before any answer.
    assert_eq!(connection.get("/clock").await.status, 200);
    let (first, _) = Subscriber::open_stream(connection.clone(), Pattern::Sse, "", "").await;
    let (mut second, _) = Subscriber::open_stream(connection.clone(), Pattern::Sse, "", "").await;
    let is_answered = Arc::new(AtomicBool::default());
    let answered = Arc::clone(&is_answered);
    let mut impatient = connection.clone();
    let third = tokio::spawn(async move {
        let answer = impatient.get("/short-polling?after=0").await;
        answered.store(true, Relaxed);
        answer
    });
    // The other streams continue meanwhile: within a hundred round trips an answer would have arrived.
    for number in 0..100 {
        live.publish([number.to_string()]);
        assert_eq!(second.texts(1).await, [number.to_string()]);
    }
    assert!(!is_answered.load(Relaxed), "both streams are taken");
    assert_eq!(live.stats().await.requests_of(Pattern::ShortPolling).arrived, 0, "it waits in the client");
    drop(first);
    let answer = timeout(PATIENCE, third).await.expect("its turn never came").unwrap();
    assert_eq!(answer.poll().events.len(), 100);
}

const STREAM_WINDOW: u32 = 65_535;
const EVENT_BYTES: usize = 10_000;
const EVENTS: usize = 400;

/// A connection whose client has small stream windows and a large connection window.
async fn with_small_streams(live: &Live) -> Http2 {
    live.door
        .http2_with(|client| {
            client.initial_stream_window_size(STREAM_WINDOW).initial_connection_window_size(32 << 20);
        })
        .await
}

/// A stream that is not read does not delay the others on its connection. The server keeps nothing for it; in
/// the end it gets a reset with the number of lost events.
async fn a_slow_stream_beside_others(pattern: Pattern) {
    let retention = Retention { events: 20, ..Retention::default() };
    let live = Live::with(AppSettings { retention, ..settings() });
    let connection = with_small_streams(&live).await;
    let (mut slow, _) = Subscriber::open_stream(connection.clone(), pattern, "", "").await;
    let (mut swift, _) = Subscriber::open_stream(connection.clone(), Pattern::Sse, "", "").await;
    let (mut conversing, _) = Subscriber::open_stream(connection.clone(), Pattern::WebSocket, "", "").await;
    for number in 0..EVENTS {
        let text = format!("{number:0EVENT_BYTES$}");
        live.publish([&text]);
        assert_eq!(swift.texts(1).await, [text.as_str()]);
        assert_eq!(conversing.texts(1).await, [text.as_str()]);
    }
    assert_eq!(connection.clone().get("/clock").await.status, 200);
    let sent = live.stats().await.bytes_out;
    let read_by_others = (2 * EVENTS * EVENT_BYTES) as u64;
    // The slow stream's window, and the framing of all streams.
    let most = read_by_others + u64::from(STREAM_WINDOW) + read_by_others / 10;
    assert!(sent < most, "{sent} bytes were sent, {most} at most");
    // The events that were sent to the slow stream before it stalled, and then the reset.
    let mut held = 0;
    loop {
        let text = match &mut slow {
            Subscriber::WebSocket { .. } => slow.frame().await.unwrap(),
            Subscriber::Sse { .. } | Subscriber::Poll { .. } => slow.block().await.unwrap(),
        };
        if text.contains(r#""resume":"expired""#) {
            break;
        }
        held += text.len();
    }
    assert!(held < EVENTS * EVENT_BYTES / 4, "{held} bytes were kept for the unread stream");
    let last = format!("{:0EVENT_BYTES$}", EVENTS - 1);
    while slow.next().await.data != last {}
}

#[tokio::test]
async fn a_slow_sse_stream_stalls_nobody_and_nothing_grows() {
    a_slow_stream_beside_others(Pattern::Sse).await;
}

#[tokio::test]
async fn a_slow_websocket_stream_stalls_nobody_and_nothing_grows() {
    a_slow_stream_beside_others(Pattern::WebSocket).await;
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_answered_on_its_stream() {
    let live = Live::with(settings());
    let mut connection = live.door.http2().await;
    let (mut witness, _) = Subscriber::open_stream(connection.clone(), Pattern::WebSocket, "", "").await;
    let json = "content-type: application/json\r\n";
    for (line, lines, body, status) in [
        ("GET /short-polling?after=garbage", "", "", 400),
        ("GET /long-polling?hold=56", "", "", 400),
        ("GET /sse?after=1.2.3", "", "", 400),
        ("GET /clock", "host: elsewhere.example\r\n", "", 400),
        ("GET /clock", "host: elsewhere.example\r\nhost: elsewhere.example\r\n", "", 400),
        ("GET /nowhere", "", "", 404),
        ("DELETE /sse", "", "", 405),
        ("GET /websocket", "sec-websocket-version: 13\r\n", "", 405),
        ("POST /websocket", "", "", 405),
        ("POST /sse", json, "{", 400),
        ("POST /sse", "content-type: text/plain\r\n", "{}", 415),
        ("POST /events", "content-type: text/plain\r\n", "a\rb", 400),
    ] {
        let (method, target) = line.split_once(' ').unwrap();
        let request = connection.request(method, target, lines).map(|_| body.into());
        let answer = connection.ask(request).await;
        assert_eq!(answer.status, status, "{line}: {answer:?}");
        is_problem(&answer);
        is_free_of_the_connection(&answer);
        assert_eq!(answer.header("allow").is_some(), status == 405, "{line}: {answer:?}");
    }
    let large = connection.request("POST", "/events", "").map(|_| "x".repeat((64 << 10) + 1).into());
    assert_eq!(connection.ask(large).await.status, 413);
    live.publish(["still here"]);
    assert_eq!(witness.texts(1).await, ["still here"]);
    assert_eq!(live.stats().await.connections_opened, 1, "the connection stays open");
}

#[tokio::test]
async fn a_head_that_is_too_large_ends_its_stream_only() {
    let live = Live::with(settings());
    let mut connection = live.door.http2().await;
    assert_eq!(connection.get("/clock").await.status, 200);
    let lines = format!("filler: {}\r\n", "x".repeat(20 << 10));
    match connection.send(connection.request("GET", "/sse", &lines)).await {
        Ok(response) => assert_eq!(response.status(), 431),
        // The client may have read the server's settings and refuse to send the request.
        Err(error) => assert!(error.is_user() || !error.is_closed(), "{error:?}"),
    }
    assert_eq!(connection.get("/clock").await.status, 200);
}

#[tokio::test]
async fn connect_is_for_websockets_only() {
    let live = Live::with(settings());
    let mut connection = live.door.http2().await;
    let version = "sec-websocket-version: 13\r\n";
    let foreign = format!("{version}origin: https://evil.example\r\n");
    for (protocol, target, lines, status) in [
        ("connect-udp", "/websocket", version, 501),
        ("websocket", "/sse", version, 405),
        ("websocket", "/nowhere", version, 404),
        ("websocket", "/websocket", "", 400),
        ("websocket", "/websocket", "sec-websocket-version: 8\r\n", 400),
        ("websocket", "/websocket?after=x", version, 400),
        ("websocket", "/websocket", foreign.as_str(), 403),
    ] {
        let response = connection.connect(protocol, target, lines).await;
        assert_eq!(response.status(), status, "{protocol} {target} {lines}");
        let reported = response.headers().contains_key("sec-websocket-version");
        assert_eq!(reported, target == "/websocket" && status == 400, "{protocol} {target} {lines}");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert!(String::from_utf8_lossy(&body).contains("detail"), "a reason in words");
    }
    let mut tunnel = connection.request("CONNECT", "", "");
    *tunnel.uri_mut() = "elsewhere.example:443".parse().unwrap();
    let answer = connection.ask(tunnel).await;
    assert_eq!(answer.status, 405, "{answer:?}");
    is_problem(&answer);
    // A page of the server's own origin is allowed.
    let own = format!("{version}origin: https://{}\r\n", live.data);
    assert_eq!(connection.connect("websocket", "/websocket", &own).await.status(), 200);
}

#[tokio::test]
async fn heads_are_those_of_http1_without_what_belongs_to_its_connection() {
    let live =
        Live::with(AppSettings { allowed_origins: vec!["https://a.example".to_owned()], ..settings() });
    live.publish(["a"]);
    let mut connection = live.door.http2().await;
    let cursor = live.cursor(1);
    let answer = connection.get("/short-polling?after=0").await;
    assert_eq!(answer.header("etag"), Some(format!("\"{cursor}\"").as_str()));
    assert_eq!(answer.header("content-length"), Some(answer.body.len().to_string().as_str()));
    is_free_of_the_connection(&answer);
    let known = format!("if-none-match: \"{cursor}\"\r\n");
    let target = format!("/short-polling?after={cursor}");
    let answer = connection.ask(connection.request("GET", &target, &known)).await;
    assert_eq!((answer.status, answer.body.as_str()), (304, ""));
    let answer = connection.get(&format!("/long-polling?after={cursor}&hold=0.05")).await;
    assert_eq!((answer.status, answer.header("cache-control")), (204, Some("no-store")));
    let from = "origin: https://a.example\r\n";
    let answer = connection.ask(connection.request("GET", "/short-polling", from)).await;
    assert_eq!(answer.header("access-control-allow-origin"), Some("https://a.example"));
    assert_eq!(answer.header("vary"), Some("origin"));
    let response =
        connection.send(connection.request("GET", "/sse", "connection-less: x\r\n")).await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    assert!(!response.headers().contains_key("content-length"));
    let answer = connection.ask(connection.request("OPTIONS", "/websocket", "")).await;
    assert_eq!((answer.status, answer.header("allow")), (204, Some("GET, OPTIONS")));
    let answer = connection.ask(connection.request("HEAD", "/short-polling", "")).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, ""));
}

#[tokio::test]
async fn a_connection_that_nobody_uses_is_let_go_and_one_with_a_stream_is_not() {
    // Long enough for a handshake and a request on a busy machine.
    let head_timeout = Duration::from_millis(1_500);
    let limits = Limits { head_timeout, ..Limits::default() };
    let live = Live::with(AppSettings { limits, ..settings() });
    let begin = Instant::now();
    // One connection with a handshake only, one with a single request.
    let silent = live.door.tls(&["h2"]).await.unwrap();
    let mut idle = live.door.http2().await;
    assert_eq!(idle.get("/clock").await.status, 200);
    let mut open = Vec::new();
    for pattern in [Pattern::Sse, Pattern::WebSocket] {
        open.push(Subscriber::open(&live, pattern, None).await.0);
    }
    let mut polling = live.door.http2().await;
    let target = format!("/long-polling?after={}&hold=20", live.cursor(0));
    let held = tokio::spawn(async move { polling.get(&target).await });
    // The silent connection does not react to GOAWAY, so the server drops it after the shutdown limit.
    drop(silent);
    live.until(|stats| stats.connections_open == 3).await;
    assert!(begin.elapsed() >= head_timeout);
    assert!(idle.send(idle.request("GET", "/clock", "")).await.is_err());
    sleep(head_timeout * 3).await;
    live.publish(["a"]);
    for subscriber in &mut open {
        assert_eq!(subscriber.texts(1).await, ["a"]);
    }
    assert_eq!(held.await.unwrap().poll().events.len(), 1);
}

/// A client's stream that reads nothing while `hears` is false.
struct Deaf<S> {
    stream: S,
    hears: watch::Receiver<bool>,
    /// Ready when `hears` changes.
    change: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl<S> Deaf<S> {
    fn new(stream: S, hears: watch::Receiver<bool>) -> Self {
        let change = Self::changed(hears.clone());
        Self { stream, hears, change }
    }

    fn changed(mut hears: watch::Receiver<bool>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        hears.mark_unchanged();
        Box::pin(async move { drop(hears.changed().await) })
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Deaf<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while self.change.as_mut().poll(context).is_ready() {
            self.change = Self::changed(self.hears.clone());
        }
        if !*self.hears.borrow() {
            return Poll::Pending;
        }
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Deaf<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[tokio::test]
async fn a_stream_that_crosses_the_word_that_its_connection_is_idle_is_served() {
    let limits = Limits {
        head_timeout: Duration::from_millis(1_500),
        shutdown: Duration::from_millis(1_500),
        ..Limits::default()
    };
    let live = Live::with(AppSettings { limits, ..settings() });
    let (tell, hears) = watch::channel(true);
    let stream = Deaf::new(live.door.tls(&["h2"]).await.unwrap(), hears);
    let mut connection = live.door.http2_over(stream, |_| {}).await;
    assert_eq!(connection.get("/clock").await.status, 200);
    tell.send(false).unwrap();
    let before = live.stats().await.bytes_out;
    // The client sends no request. The server now sends GOAWAY, and a PING whose answer would prove that GOAWAY
    // was read.
    live.until(|stats| stats.bytes_out > before).await;
    let subscribing =
        tokio::spawn(async move { Subscriber::open_stream(connection, Pattern::Sse, "", "").await.0 });
    live.until(|stats| stats.requests_of(Pattern::Sse).arrived == 1).await;
    sleep(limits.shutdown * 5 / 2).await;
    tell.send(true).unwrap();
    let mut subscriber = subscribing.await.unwrap();
    live.publish(["a"]);
    assert_eq!(subscriber.texts(1).await, ["a"]);
}

#[tokio::test]
async fn shutdown_answers_what_is_held_and_takes_nothing_new() {
    let mut live = Live::with(settings());
    let mut connection = live.door.http2().await;
    let target = format!("/long-polling?after={}&hold=20", live.cursor(0));
    let mut polling = connection.clone();
    let held = tokio::spawn(async move { polling.get(&target).await });
    let (mut stream, _) = Subscriber::open_stream(connection.clone(), Pattern::Sse, "", "").await;
    let (mut socket, _) = Subscriber::open_stream(connection.clone(), Pattern::WebSocket, "", "").await;
    live.parked(3).await;
    live.stop();
    assert_eq!(held.await.unwrap().status, 204);
    assert_eq!(stream.end().await, live::End::StreamEnded);
    assert_eq!(socket.end().await, live::End::Closed(1_001));
    live.stopped().await;
    assert!(connection.send(connection.request("GET", "/clock", "")).await.is_err());
}
