//! Malformed requests to every route: each gets the right answer with a reason, causes no panic and does not
//! disturb other subscribers.
#![allow(clippy::unwrap_used, reason = "a test may end where its premise fails")]

mod live;

use contract::{Pattern, Transport};
use futures_util::{SinkExt, StreamExt, future::join_all};
use hyper_util::rt::TokioIo;
use live::{Answer, Live, Subscriber};
use server::{AppSettings, Limits};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::tungstenite::Message;

/// A connection on which requests can be written byte by byte.
const RAW: [Transport; 2] = [Transport::Http1, Transport::Http1Tls];

fn speaking(transport: Transport) -> Live {
    Live::with(AppSettings { transport, ..AppSettings::default() })
}

fn is_problem(answer: &Answer) {
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{answer:?}");
    let problem: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(problem["status"], answer.status, "{answer:?}");
    assert!(problem["detail"].as_str().unwrap().len() > 10, "a reason in words: {answer:?}");
}

fn with_body(line: &str, content_type: &str, body: &str) -> String {
    format!(
        "{line} HTTP/1.1\r\nhost: x\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[tokio::test]
async fn each_gets_the_right_4xx_with_a_reason() {
    for transport in RAW {
        each_gets_the_right_4xx_with_a_reason_over(speaking(transport)).await;
    }
}

async fn each_gets_the_right_4xx_with_a_reason_over(live: Live) {
    let upgrade = "connection: upgrade\r\nupgrade: websocket\r\n";
    let version = "sec-websocket-version: 13\r\n";
    let key = "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let get = |target: &str, lines: &str| format!("GET {target} HTTP/1.1\r\nhost: x\r\n{lines}\r\n");
    let requests = [
        (get("/short-polling?after=", ""), 400),
        (get("/short-polling?after=garbage", ""), 400),
        (get("/long-polling?after=K3v9qa.1", ""), 400),
        (get("/long-polling?hold=56", ""), 400),
        (get("/long-polling?hold=-1", ""), 400),
        (get("/long-polling?hold=NaN", ""), 400),
        (get("/long-polling?after=%ff%fe", ""), 400),
        (get("/sse?after=1.2.3", ""), 400),
        (get("/sse?after=0&after=0", ""), 400),
        (get("/nowhere", ""), 404),
        (get("/sse/", ""), 404),
        (get("/events", ""), 405),
        (with_body("POST /short-polling", "text/plain", "x"), 405),
        (with_body("PUT /events", "text/plain", "x"), 405),
        ("DELETE /sse HTTP/1.1\r\nhost: x\r\n\r\n".to_owned(), 405),
        ("CONNECT x:80 HTTP/1.1\r\nhost: x:80\r\n\r\n".to_owned(), 405),
        ("GET /clock HTTP/1.1\r\n\r\n".to_owned(), 400),
        ("GET /clock HTTP/1.1\r\nhost: x\r\nhost: x\r\n\r\n".to_owned(), 400),
        ("GET http://y/clock HTTP/1.1\r\nhost: x\r\n\r\n".to_owned(), 400),
        (with_body("POST /events", "multipart/form-data; boundary=x", "x"), 415),
        (with_body("POST /events", "application/octet-stream", "a"), 415),
        (with_body("POST /events", "text/plain", "a\rb"), 400),
        (with_body("POST /events?type=Message", "text/plain", "x"), 400),
        (with_body("POST /events?type=reset", "text/plain", "x"), 400),
        (with_body("POST /sse", "text/plain", "{}"), 415),
        (with_body("POST /sse", "application/json", "{"), 400),
        (with_body("POST /sse", "application/json", "[]"), 400),
        (with_body("POST /sse", "application/json", r#"{"aftre":"0"}"#), 400),
        (with_body("POST /sse", "application/json", r#"{"after":"x"}"#), 400),
        (with_body("POST /sse", "application/json", r#"{"types":["Trade"]}"#), 400),
        (with_body("POST /sse", "application/json", &format!(r#"{{"types":{:?}}}"#, ["a"; 65])), 400),
        (get("/websocket", ""), 426),
        (get("/websocket", &format!("{upgrade}{key}")), 426),
        (get("/websocket", &format!("{upgrade}sec-websocket-version: 8\r\n{key}")), 426),
        (get("/websocket", &format!("connection: upgrade\r\n{version}{key}")), 426),
        (get("/websocket", &format!("{upgrade}{version}")), 400),
        (get("/websocket", &format!("{upgrade}{version}sec-websocket-key: short\r\n")), 400),
        (get("/websocket?after=x", &format!("{upgrade}{version}{key}")), 400),
        (get("/websocket", &format!("{upgrade}{version}{key}origin: http://evil.example\r\n")), 403),
        (with_body("POST /websocket", "text/plain", "x"), 405),
    ];
    let (mut witness, _) = Subscriber::open(&live, Pattern::Sse, None).await;
    for (request, status) in requests {
        let answer = live.exchange(&request).await;
        assert_eq!(answer.status, status, "{request}\n{answer:?}");
        is_problem(&answer);
        if status == 405 {
            assert!(answer.header("allow").is_some(), "{request}");
        }
    }
    let old = live.exchange(get("/websocket", &format!("{upgrade}sec-websocket-version: 8\r\n{key}"))).await;
    assert_eq!(old.header("sec-websocket-version"), Some("13"));
    live.publish(["still here"]);
    assert_eq!(witness.texts(1).await, ["still here"]);
}

#[tokio::test]
async fn too_large_and_not_text_is_refused() {
    for transport in RAW {
        too_large_and_not_text_is_refused_over(speaking(transport)).await;
    }
}

async fn too_large_and_not_text_is_refused_over(live: Live) {
    let large = with_body("POST /events", "text/plain", &"x".repeat((64 << 10) + 1));
    let answer = live.exchange(large).await;
    assert_eq!(answer.status, 413);
    is_problem(&answer);
    let mut binary = b"POST /events HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n".to_vec();
    binary.extend([0xff, 0xfe]);
    let answer = live.exchange(binary).await;
    assert_eq!(answer.status, 400);
    is_problem(&answer);
    // hyper itself answers requests that reach no route, without a body.
    let head = format!("GET /sse HTTP/1.1\r\nhost: x\r\nfiller: {}\r\n\r\n", "x".repeat(20 << 10));
    assert_eq!(live.exchange(head).await.status, 431);
    let lines = "x: y\r\n".repeat(200);
    assert_eq!(live.exchange(format!("GET /sse HTTP/1.1\r\nhost: x\r\n{lines}\r\n")).await.status, 431);
    assert_eq!(live.exchange("GARBAGE\r\n\r\n").await.status, 400);
    assert_eq!(live.app.log().head().seq, 0, "nothing of this was published");
}

#[tokio::test]
async fn options_and_head_answer_where_they_should() {
    for transport in RAW {
        options_and_head_answer_where_they_should_over(speaking(transport)).await;
    }
}

async fn options_and_head_answer_where_they_should_over(live: Live) {
    for (path, allow) in [
        ("/short-polling", "GET, HEAD, OPTIONS"),
        ("/long-polling", "GET, OPTIONS"),
        ("/sse", "GET, POST, OPTIONS"),
        ("/websocket", "GET, OPTIONS"),
        ("/events", "POST, OPTIONS"),
        ("/clock", "GET, HEAD, OPTIONS"),
    ] {
        let answer = live.exchange(format!("OPTIONS {path} HTTP/1.1\r\nhost: x\r\n\r\n")).await;
        assert_eq!((answer.status, answer.header("allow")), (204, Some(allow)), "{path}");
        let mut stream = live.door.connect().await;
        stream.write_all(format!("HEAD {path} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).await.unwrap();
        let head = Answer::read(&mut stream, false).await;
        let expected = if allow.contains("HEAD") { 200 } else { 405 };
        assert_eq!(head.status, expected, "HEAD {path}");
    }
}

#[tokio::test]
async fn a_page_of_an_allowed_origin_may_read_and_no_other() {
    let live = Live::with(AppSettings {
        allowed_origins: vec!["http://a.example".to_owned()],
        ..AppSettings::default()
    });
    let from = |origin: &str, lines: &str| {
        format!("GET /short-polling HTTP/1.1\r\nhost: x\r\norigin: {origin}\r\n{lines}\r\n")
    };
    let allowed = live.exchange(from("http://a.example", "")).await;
    assert_eq!(allowed.header("access-control-allow-origin"), Some("http://a.example"));
    assert_eq!(allowed.header("access-control-expose-headers"), Some("etag, retry-after"));
    assert_eq!(allowed.header("vary"), Some("origin"));
    let other = live.exchange(from("http://b.example", "")).await;
    assert_eq!((other.header("access-control-allow-origin"), other.header("vary")), (None, Some("origin")));
    assert_eq!(live.get("/short-polling").await.header("vary"), None);
    let preflight = "OPTIONS /sse HTTP/1.1\r\nhost: x\r\norigin: http://a.example\r\naccess-control-request-method: POST\r\naccess-control-request-headers: content-type\r\n\r\n";
    let answer = live.exchange(preflight).await;
    assert_eq!(answer.header("access-control-allow-methods"), Some("GET, POST, OPTIONS"));
    assert!(answer.header("access-control-allow-headers").unwrap().contains("content-type"));
    let publish =
        "POST /events HTTP/1.1\r\nhost: x\r\norigin: http://b.example\r\ncontent-length: 1\r\n\r\nx";
    assert_eq!(live.exchange(publish).await.status, 403);
}

#[tokio::test]
async fn publishing_gives_the_cursor_and_reaches_everyone() {
    for transport in RAW {
        publishing_gives_the_cursor_and_reaches_everyone_over(speaking(transport)).await;
    }
}

async fn publishing_gives_the_cursor_and_reaches_everyone_over(live: Live) {
    let (mut subscriber, _) = Subscriber::open(&live, Pattern::WebSocket, None).await;
    let as_curl_does = with_body("POST /events", "application/x-www-form-urlencoded", "hello");
    assert_eq!(live.exchange(as_curl_does).await.status, 201);
    assert_eq!(subscriber.texts(1).await, ["hello"]);
    let answer =
        live.exchange(with_body("POST /events?type=trade", "text/plain; charset=utf-8", "ACME 1")).await;
    assert_eq!(answer.status, 201);
    assert_eq!(answer.body, format!(r#"{{"id":"{}"}}"#, live.cursor(2)));
    let event = subscriber.next().await;
    assert_eq!((event.data.as_str(), event.event_type.unwrap().as_str()), ("ACME 1", "trade"));
}

#[tokio::test]
async fn the_clock_names_its_epoch() {
    let live = Live::start();
    let answer = live.get("/clock").await;
    let reading: contract::ClockReading = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(reading.epoch, live.app.log().epoch().to_string());
    assert!(reading.monotonic_ns <= live.app.clock().now_ns());
    assert!(reading.wall.ends_with('Z') && reading.wall.contains('T'), "{}", reading.wall);
}

/// Sends raw bytes after the handshake and returns the code the server closes with.
async fn close_code_after(live: &Live, frame: &[u8]) -> u16 {
    let mut stream = match live.door.transport {
        Transport::Http1 | Transport::Http1Tls => {
            let mut stream = live.door.connect().await;
            let handshake = "GET /websocket HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\n\
                             upgrade: websocket\r\nsec-websocket-version: 13\r\n\
                             sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
            stream.write_all(handshake.as_bytes()).await.unwrap();
            Answer::read(&mut stream, false).await;
            stream
        }
        Transport::Http2 => {
            let mut connection = live.door.http2().await;
            let version = "sec-websocket-version: 13\r\n";
            let response = connection.connect("websocket", "/websocket", version).await;
            Box::new(TokioIo::new(hyper::upgrade::on(response).await.unwrap()))
        }
    };
    stream.write_all(frame).await.unwrap();
    let mut bytes = Vec::new();
    // The server closes TCP after the close frame (RFC 6455 §7.1.1).
    let _ = tokio::time::timeout(live::PATIENCE, stream.read_to_end(&mut bytes)).await.unwrap();
    let close = bytes.windows(2).rposition(|two| two[0] == 0x88 && two[1] >= 2).expect("a close frame");
    u16::from_be_bytes([bytes[close + 2], bytes[close + 3]])
}

#[tokio::test]
async fn a_broken_websocket_is_closed_with_the_code_of_its_fault() {
    for transport in Transport::ALL {
        a_broken_websocket_is_closed_with_the_code_of_its_fault_over(speaking(transport)).await;
    }
}

async fn a_broken_websocket_is_closed_with_the_code_of_its_fault_over(live: Live) {
    let mask = [0, 0, 0, 0];
    let masked = |head: &[u8], payload: &[u8]| [head, &mask, payload].concat();
    let cases = [
        ("an unmasked frame", vec![0x81, 0x01, b'x'], 1_002),
        ("a reserved bit", masked(&[0xc1, 0x81], b"x"), 1_002),
        ("a reserved opcode", masked(&[0x83, 0x81], b"x"), 1_002),
        ("a fragmented ping", masked(&[0x09, 0x80], b""), 1_002),
        ("a continuation of nothing", masked(&[0x80, 0x81], b"x"), 1_002),
        ("text that is not UTF-8", masked(&[0x81, 0x82], &[0xff, 0xfe]), 1_007),
        ("a binary frame", masked(&[0x82, 0x81], b"x"), 1_003),
        ("a carriage return", masked(&[0x81, 0x81], b"\r"), 1_008),
        ("more than the limit", masked(&[0x81, 0xff, 0, 0, 0, 0, 0, 1, 0, 1], b""), 1_009),
    ];
    let live = &live;
    // All at once, because each server connection waits a moment for the client to close.
    join_all(cases.into_iter().map(async |(what, frame, code)| {
        assert_eq!(close_code_after(live, &frame).await, code, "{what}");
    }))
    .await;
    assert_eq!(live.app.log().head().seq, 0);
}

#[tokio::test]
async fn a_websocket_frame_publishes_and_pings_are_answered() {
    for transport in Transport::ALL {
        a_websocket_frame_publishes_and_pings_are_answered_over(speaking(transport)).await;
    }
}

async fn a_websocket_frame_publishes_and_pings_are_answered_over(live: Live) {
    let (mut reader, _) = Subscriber::open(&live, Pattern::Sse, None).await;
    let (subscriber, _) = Subscriber::open(&live, Pattern::WebSocket, None).await;
    let Subscriber::WebSocket { mut socket } = subscriber else { unreachable!("asked for one") };
    socket.send(Message::text("from below")).await.unwrap();
    assert_eq!(reader.texts(1).await, ["from below"]);
    socket.send(Message::Ping("payload".into())).await.unwrap();
    loop {
        match socket.next().await.unwrap().unwrap() {
            Message::Pong(payload) => break assert_eq!(payload, "payload"),
            Message::Text(_) => {}
            other @ (Message::Binary(_) | Message::Ping(_) | Message::Close(_) | Message::Frame(_)) => {
                panic!("{other:?}")
            }
        }
    }
}

#[tokio::test]
async fn over_the_limit_is_told_to_come_back() {
    let limits = Limits { connections: 1, ..Limits::default() };
    let live = Live::with(AppSettings { limits, ..AppSettings::default() });
    let (_one, _) = Subscriber::open(&live, Pattern::Sse, None).await;
    let answer = live.get("/clock").await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")));
}
