//! The bytes on the wire: each pattern file's transcript must be true, and the tests contain every head in
//! full.
#![allow(clippy::unwrap_used, reason = "a test may end where its premise fails")]

mod live;

use contract::{Heartbeat, Period};
use live::{Answer, Live, read_until};
use server::AppSettings;
use tokio::{io::AsyncWriteExt, net::TcpStream};

/// The transcript of a pattern file for this live server: the request and the expected answer.
struct Transcript {
    request: String,
    expected: Vec<String>,
}

impl Transcript {
    fn of(source: &str, live: &Live) -> Self {
        let block: Vec<String> = source
            .lines()
            .skip_while(|line| *line != "//! ```text")
            .skip(1)
            .take_while(|line| *line != "//! ```")
            .map(|line| line.trim_start_matches("//!").trim_start().to_owned())
            .collect();
        assert!((6..=10).contains(&block.len()), "a transcript has six to ten lines: {}", block.len());
        let epoch = live.app.log().epoch().to_string();
        let lines = |mark: &str| -> Vec<String> {
            block
                .iter()
                .filter_map(|line| line.strip_prefix(mark))
                .map(|line| line.strip_prefix(' ').unwrap_or(line).replace("k3v9qa", &epoch))
                .collect()
        };
        Self { request: lines(">").join("\r\n") + "\r\n\r\n", expected: lines("<") }
    }

    /// The answer must contain every expected line, in this order.
    fn check(&self, answer: &str) {
        let mut rest = answer.lines();
        for expected in &self.expected {
            assert!(
                rest.any(|line| line.trim_end() == expected),
                "`{expected}` is missing, or out of order, in:\n{answer}"
            );
        }
    }
}

async fn connect(live: &Live, request: &str) -> TcpStream {
    let mut stream = TcpStream::connect(live.data).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

#[tokio::test]
async fn short_polling_is_its_transcript() {
    let live = Live::start();
    let transcript = Transcript::of(include_str!("../src/short_polling.rs"), &live);
    live.publish(["first", "hello"]);
    let answer = live.exchange(&transcript.request).await;
    transcript.check(&format!("{}\n{}", answer.head, answer.body));
    let (epoch, length) = (live.app.log().epoch(), answer.body.len());
    assert_eq!(
        answer.lines(),
        [
            "HTTP/1.1 200 OK",
            "content-type: application/json",
            "cache-control: no-cache",
            &format!("etag: \"{epoch}.2\""),
            &format!("content-length: {length}"),
        ]
    );
}

#[tokio::test]
async fn short_polling_confirms_what_is_known_with_304() {
    let live = Live::start();
    live.publish(["first"]);
    let cursor = live.cursor(1);
    let known = [
        format!("\"{cursor}\""),
        format!("W/\"{cursor}\""),
        format!("\"other\", \"{cursor}\""),
        "*".to_owned(),
    ];
    for known in known {
        let answer = live
            .exchange(format!(
                "GET /short-polling?after={cursor} HTTP/1.1\r\nhost: x\r\nif-none-match: {known}\r\n\r\n"
            ))
            .await;
        let etag = format!("etag: \"{cursor}\"");
        assert_eq!(answer.lines(), ["HTTP/1.1 304 Not Modified", "cache-control: no-cache", &etag]);
        assert_eq!(answer.body, "");
    }
    live.publish(["second"]);
    let request = format!(
        "GET /short-polling?after={cursor} HTTP/1.1\r\nhost: x\r\nif-none-match: \"{cursor}\"\r\n\r\n"
    );
    assert_eq!(live.exchange(request).await.status, 200);
    let reset = "GET /short-polling?after=zzzzzz.1 HTTP/1.1\r\nhost: x\r\nif-none-match: *\r\n\r\n";
    let answer = live.exchange(reset).await;
    assert_eq!((answer.status, answer.header("etag")), (200, None), "a reset must be read");
}

#[tokio::test]
async fn a_long_batch_is_cut_and_has_no_etag() {
    let live = Live::start();
    live.publish((0..1_001).map(|number| number.to_string()));
    let answer = live.get("/short-polling?after=0").await;
    assert_eq!((answer.poll().events.len(), answer.poll().more), (1_000, true));
    assert_eq!(answer.header("etag"), None);
    let rest = live.get(&format!("/short-polling?after={}", answer.poll().cursor)).await;
    assert_eq!((rest.poll().events.len(), rest.poll().more), (1, false));
    assert!(rest.header("etag").is_some());

    live.publish([&"x".repeat(600 << 10), &"y".repeat(600 << 10)]);
    let large = live.get(&format!("/long-polling?after={}", rest.poll().cursor)).await;
    assert_eq!((large.poll().events.len(), large.poll().more), (1, true), "one MiB is the other limit");
}

#[tokio::test]
async fn long_polling_is_its_transcript() {
    let live = Live::start();
    let transcript = Transcript::of(include_str!("../src/long_polling.rs"), &live);
    live.publish(["first"]);
    let mut stream = connect(&live, &transcript.request).await;
    live.parked(1).await;
    live.publish(["hello"]);
    let answer = Answer::read(&mut stream, true).await;
    transcript.check(&format!("{}\n{}", answer.head, answer.body));
    let length = answer.body.len();
    assert_eq!(
        answer.lines(),
        [
            "HTTP/1.1 200 OK",
            "content-type: application/json",
            "cache-control: no-store",
            &format!("content-length: {length}"),
        ]
    );
}

#[tokio::test]
async fn a_hold_that_ends_is_answered_204_and_the_cursor_stays() {
    let live = Live::start();
    live.publish(["first"]);
    let answer = live.get(&format!("/long-polling?after={}&hold=0.05", live.cursor(1))).await;
    assert_eq!(answer.lines(), ["HTTP/1.1 204 No Content", "cache-control: no-store"]);
}

#[tokio::test]
async fn an_event_between_two_long_polls_is_not_lost() {
    let live = Live::start();
    let first = live.get("/long-polling").await;
    live.publish(["in the gap"]);
    let second = live.get(&format!("/long-polling?after={}&hold=20", first.poll().cursor)).await;
    assert_eq!(second.poll().events[0].data, "in the gap");
    let again = live.get(&format!("/long-polling?after={}&hold=20", first.poll().cursor)).await;
    assert_eq!(again.body, second.body, "the same cursor gives the same answer");
}

#[tokio::test]
async fn a_long_poll_whose_client_leaves_is_freed() {
    let live = Live::start();
    let stream = connect(
        &live,
        &format!("GET /long-polling?after={}&hold=50 HTTP/1.1\r\nhost: x\r\n\r\n", live.cursor(0)),
    )
    .await;
    live.parked(1).await;
    drop(stream);
    live.parked(0).await;
}

#[tokio::test]
async fn sse_is_its_transcript() {
    let live = Live::start();
    let transcript = Transcript::of(include_str!("../src/sse.rs"), &live);
    live.publish(["first"]);
    let mut stream = connect(&live, &transcript.request).await;
    live.parked(1).await;
    live.publish(["hello"]);
    let text = String::from_utf8(read_until(&mut stream, b"data: hello\n\n\r\n").await).unwrap();
    transcript.check(&text);
    let epoch = live.app.log().epoch();
    let without_date: Vec<&str> = text.split("\r\n").filter(|line| !line.starts_with("date: ")).collect();
    assert_eq!(
        without_date,
        [
            "HTTP/1.1 200 OK",
            "content-type: text/event-stream",
            "cache-control: no-store, no-transform",
            "x-accel-buffering: no",
            "transfer-encoding: chunked",
            "",
            "1A",
            &format!("retry: 3000\nid: {epoch}.1\n\n"),
            "1A",
            &format!("id: {epoch}.2\ndata: hello\n\n"),
            "",
        ]
    );
}

#[tokio::test]
async fn what_waits_for_an_sse_subscriber_is_one_chunk() {
    let live = Live::start();
    let mut stream = connect(&live, "GET /sse?after=0 HTTP/1.1\r\nhost: x\r\n\r\n").await;
    live.parked(1).await;
    live.publish(["a", "b", "c"]);
    let text = String::from_utf8(read_until(&mut stream, b"data: c\n\n\r\n").await).unwrap();
    let chunks = text.split("\r\n\r\n").nth(1).unwrap().split("\r\n").count() / 2;
    assert_eq!(chunks, 2, "the first bytes, then all three events together:\n{text}");
}

#[tokio::test]
async fn a_post_subscribes_to_some_types_and_its_cursor_does_not_age() {
    let live = Live::with(AppSettings {
        heartbeat: Heartbeat::Every(Period::from_millis(50)),
        ..AppSettings::default()
    });
    let wish = r#"{"after":"0","types":["trade","message"]}"#;
    let request = format!(
        "POST /sse HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{wish}",
        wish.len()
    );
    let mut stream = connect(&live, &request).await;
    for (event_type, text) in [(Some("trade"), "wanted"), (Some("quote"), "other"), (None, "untyped")] {
        let event_type = event_type.map(|name| name.parse().unwrap());
        live.app.log().append(event_type, text).unwrap();
    }
    live.app.log().append(Some("quote".parse().unwrap()), "other again").unwrap();
    let beat = format!("id: {}\n\n\r\n", live.cursor(4));
    let text = String::from_utf8(read_until(&mut stream, beat.as_bytes()).await).unwrap();
    assert!(text.contains("event: trade\ndata: wanted\n\n") && text.contains("data: untyped\n\n"), "{text}");
    assert!(!text.contains("other"), "{text}");
}

#[tokio::test]
async fn an_idle_stream_and_an_idle_websocket_send_heartbeats() {
    let live = Live::with(AppSettings {
        heartbeat: Heartbeat::Every(Period::from_millis(50)),
        ..AppSettings::default()
    });
    let mut stream = connect(&live, "GET /sse HTTP/1.1\r\nhost: x\r\n\r\n").await;
    read_until(&mut stream, b"3\r\n:\n\n\r\n").await;
    let mut socket = connect(&live, &handshake("/websocket")).await;
    // FIN and opcode 9 (ping), no payload (RFC 6455 §5.5.2).
    read_until(&mut socket, &[0x89, 0x00]).await;
}

fn handshake(target: &str) -> String {
    format!(
        "GET {target} HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
}

#[tokio::test]
async fn websocket_is_its_transcript() {
    let live = Live::start();
    let transcript = Transcript::of(include_str!("../src/websocket.rs"), &live);
    live.publish(["first"]);
    let mut stream = connect(&live, &transcript.request).await;
    live.parked(1).await;
    live.publish(["hello"]);
    let bytes = read_until(&mut stream, br#""hello"}"#).await;
    let head_end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    let head = std::str::from_utf8(&bytes[..head_end]).unwrap();
    let mut text = head.to_owned();
    let mut rest = &bytes[head_end..];
    while let [first, length, ..] = *rest {
        let payload = std::str::from_utf8(&rest[2..2 + length as usize]).unwrap();
        text.push_str(&format!("[{first:#x} {length}] {payload}\n"));
        rest = &rest[2 + length as usize..];
    }
    transcript.check(&text);
    let lines: Vec<&str> = head.lines().filter(|line| !line.starts_with("date: ")).collect();
    assert_eq!(
        lines,
        [
            "HTTP/1.1 101 Switching Protocols",
            "connection: upgrade",
            "upgrade: websocket",
            // RFC 6455 §1.3: the accept key of the sample nonce.
            "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
            "",
        ]
    );
}

#[tokio::test]
async fn frame_lengths_are_written_in_their_shortest_form() {
    let live = Live::start();
    let mut stream = connect(&live, &handshake("/websocket")).await;
    live.parked(1).await;
    let around = format!(r#"{{"id":"{}","data":""}}"#, live.cursor(1)).len();
    for (length, header) in [
        (125, vec![0x81, 125]),
        (126, vec![0x81, 126, 0, 126]),
        (65_535, vec![0x81, 126, 0xff, 0xff]),
        (65_536, vec![0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
    ] {
        live.publish(["x".repeat(length - around)]);
        let frame = read_until(&mut stream, b"x\"}").await;
        let place = frame.windows(header.len()).position(|window| window == header);
        assert!(place.is_some(), "a frame of {length} bytes begins with {header:?}");
    }
}
