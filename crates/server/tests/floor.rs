//! The floor on real sockets: it sends the bytes of the real server, loses nothing and waits for no reader.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test may end where its premise fails")]

mod live;

use std::time::Duration;

use contract::{Pattern, ServerStats};
use event_log::Retention;
use live::{Answer, Live, PATIENCE, read_until};
use server::{AppSettings, CertificateSource, Server, ServerSettings};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::timeout,
};

fn settings(pattern: Pattern) -> AppSettings {
    AppSettings { patterns: vec![pattern], floor: true, ..AppSettings::default() }
}

fn floor(pattern: Pattern) -> Live {
    Live::with(settings(pattern))
}

async fn connect(live: &Live) -> TcpStream {
    TcpStream::connect(live.data).await.unwrap()
}

/// The request that a subscriber of the pattern sends.
fn request(pattern: Pattern, query: &str) -> String {
    let lines = match pattern {
        Pattern::ShortPolling | Pattern::LongPolling | Pattern::Sse => "",
        Pattern::WebSocket => {
            "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
             sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        }
    };
    format!("GET /{pattern}{query} HTTP/1.1\r\nhost: x\r\n{lines}\r\n")
}

async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.expect("it stayed open").unwrap();
    text(&bytes)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The bytes without the parts that differ between two servers: the log's epoch and the date.
fn comparable(live: &Live, bytes: &[u8]) -> String {
    let named = text(bytes).replace(&live.app.log().epoch().to_string(), "EPOCH");
    let lines = named.split_inclusive("\r\n");
    lines.map(|line| if line.starts_with("date: ") { "date: TODAY\r\n" } else { line }).collect()
}

/// All bytes that a subscriber receives: events with every length at which a frame or a chunk changes its form,
/// and a typed event.
async fn conversation(live: &Live, pattern: Pattern) -> String {
    let mut stream = connect(live).await;
    let mut seen = Vec::new();
    let texts =
        ["a".to_owned(), "two\nlines".to_owned(), "x".repeat(300), "y".repeat(70_000), "end".to_owned()];
    let is_polling = matches!(pattern, Pattern::ShortPolling | Pattern::LongPolling);
    stream.write_all(request(pattern, "").as_bytes()).await.unwrap();
    let first = if is_polling { "\"more\":false}" } else { &format!("{}.0", live.app.log().epoch()) };
    seen.extend(read_until(&mut stream, first).await);
    for (seq, text) in (1..).zip(&texts) {
        if pattern == Pattern::LongPolling {
            let query = format!("?after={}&hold=20", live.cursor(seq - 1));
            stream.write_all(request(pattern, &query).as_bytes()).await.unwrap();
            // Both servers hold it; they count that differently.
            live.until(|stats| stats.requests_of(pattern).arrived == seq + 1).await;
        }
        let event_type = (seq == 3).then(|| "trade".parse().unwrap());
        live.app.log().append(event_type, text).unwrap();
        if pattern == Pattern::ShortPolling {
            let cursor = live.cursor(seq - 1);
            for expected in ["\"more\":false}", "304 Not Modified"] {
                let after = if expected.starts_with("304") { live.cursor(seq) } else { cursor };
                let line = format!("if-none-match: \"{after}\"\r\nhost: x");
                let ask = request(pattern, &format!("?after={after}")).replace("host: x", &line);
                stream.write_all(ask.as_bytes()).await.unwrap();
                seen.extend(read_until(&mut stream, expected).await);
                if expected.starts_with("304") {
                    seen.extend(read_until(&mut stream, "GMT\r\n\r\n").await);
                }
            }
            continue;
        }
        let last = match pattern {
            Pattern::Sse => "\n\n\r\n",
            Pattern::WebSocket => "\"}",
            Pattern::ShortPolling | Pattern::LongPolling => "\"more\":false}",
        };
        seen.extend(read_until(&mut stream, last).await);
    }
    comparable(live, &seen)
}

#[tokio::test]
async fn every_byte_is_one_that_the_real_server_sends() {
    for pattern in Pattern::ALL {
        let of_floor = conversation(&floor(pattern), pattern).await;
        let real = Live::with(AppSettings { patterns: vec![pattern], ..AppSettings::default() });
        assert_eq!(of_floor, conversation(&real, pattern).await, "{pattern}");
    }
}

async fn slow_reader(live: &Live) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4 << 10).unwrap();
    socket.connect(live.data).await.unwrap()
}

#[tokio::test]
async fn a_slow_reader_loses_nothing_and_nobody_waits_for_it() {
    for pattern in [Pattern::Sse, Pattern::WebSocket] {
        let live = floor(pattern);
        let (mut slow, mut fast) = (slow_reader(&live).await, connect(&live).await);
        for stream in [&mut slow, &mut fast] {
            stream.write_all(request(pattern, "").as_bytes()).await.unwrap();
        }
        live.until(|stats| stats.requests_of(pattern).answered == 2).await;
        let name = |seq: u64| format!("event {seq} ");
        for seq in 1..=100 {
            live.publish([name(seq) + &"x".repeat(90_000)]);
        }
        // Nine megabytes are more than any socket buffer holds: the slow connection is stuck by now.
        for stream in [&mut fast, &mut slow] {
            let mut bytes = read_until(stream, &name(100)).await;
            let seen = text(&std::mem::take(&mut bytes));
            let mut rest = seen.as_str();
            for seq in 1..=100 {
                rest = rest.split_once(&name(seq)).unwrap_or_else(|| panic!("{pattern}: no event {seq}")).1;
            }
            assert_eq!(seen.matches("event ").count(), 100, "{pattern}: each once");
        }
        live.publish(["afterwards"]);
        read_until(&mut slow, "afterwards").await;
    }
}

#[tokio::test]
async fn a_long_poll_that_is_too_large_for_one_write_arrives_whole() {
    let live = floor(Pattern::LongPolling);
    let mut slow = slow_reader(&live).await;
    // All three in one write: the second is held, the third gets the newer events.
    let thrice = request(Pattern::LongPolling, "").repeat(3);
    slow.write_all(thrice.as_bytes()).await.unwrap();
    live.until(|stats| stats.requests_of(Pattern::LongPolling).arrived == 3).await;
    // A capital letter, because the random epoch may contain any small letter.
    live.publish(["X".repeat(8 << 20), "last".to_owned()]);
    assert_eq!(Answer::read(&mut slow, false).await.status, 200);
    let seen = text(&read_until(&mut slow, "\"last\"}],\"more\":false}").await);
    assert_eq!(seen.matches('X').count(), 8 << 20, "nothing was cut");
}

#[tokio::test]
async fn who_falls_out_of_the_log_is_told_so() {
    let live = Live::with(AppSettings {
        retention: Retention { events: 5, bytes: 1 << 30 },
        ..settings(Pattern::Sse)
    });
    let mut slow = slow_reader(&live).await;
    slow.write_all(request(Pattern::Sse, "").as_bytes()).await.unwrap();
    live.until(|stats| stats.requests_of(Pattern::Sse).answered == 1).await;
    live.publish((0..200).map(|_| "x".repeat(100_000)));
    let seen = text(&read_until(&mut slow, &format!("id: {}\ndata", live.cursor(200))).await);
    assert!(seen.contains("event: reset\n") && seen.contains("\"resume\":\"expired\""));
}

#[tokio::test]
async fn a_subscriber_that_leaves_is_noticed() {
    for pattern in Pattern::ALL {
        let live = floor(pattern);
        let mut streams = Vec::new();
        for _ in 0..3 {
            let mut stream = connect(&live).await;
            stream.write_all(request(pattern, "").repeat(2).as_bytes()).await.unwrap();
            streams.push(stream);
        }
        let open = live.until(|stats| stats.requests_of(pattern).arrived == 6).await;
        assert_eq!((open.connections_open, open.connections_opened), (3, 3), "{pattern}");
        drop(streams);
        let left = live.until(|stats| stats.connections_open == 0).await;
        assert_eq!(left.connections_opened, 3, "{pattern}");
        live.publish(["to nobody"]);
    }
}

#[tokio::test]
async fn requests_in_one_packet_and_in_several_are_told_apart() {
    let live = floor(Pattern::ShortPolling);
    let mut stream = connect(&live).await;
    let ask = request(Pattern::ShortPolling, "");
    stream.write_all(ask.repeat(3).as_bytes()).await.unwrap();
    let seen = text(&read_until(&mut stream, "304").await) + &text(&read_until(&mut stream, "304").await);
    assert_eq!(seen.matches("HTTP/1.1 200 OK").count(), 1, "{seen}");
    let (start, end) = ask.split_at(ask.len() - 3);
    stream.write_all(start.as_bytes()).await.unwrap();
    let bytes_in = (ask.len() * 3 + start.len()) as u64;
    let before = live.until(|stats| stats.bytes_in == bytes_in).await;
    assert_eq!(before.requests_of(Pattern::ShortPolling).arrived, 3);
    stream.write_all(end.as_bytes()).await.unwrap();
    live.until(|stats| stats.requests_of(Pattern::ShortPolling).empty == 3).await;
}

#[tokio::test]
async fn a_hold_ends_with_204_and_what_comes_then_is_not_lost() {
    let live = floor(Pattern::LongPolling);
    let mut stream = connect(&live).await;
    stream.write_all(request(Pattern::LongPolling, "").as_bytes()).await.unwrap();
    assert_eq!(Answer::read(&mut stream, true).await.poll().cursor, live.cursor(0));
    for _ in 0..2 {
        stream.write_all(request(Pattern::LongPolling, "?after=x.0&hold=0.05").as_bytes()).await.unwrap();
        let answer = Answer::read(&mut stream, true).await;
        assert_eq!(answer.lines(), ["HTTP/1.1 204 No Content", "cache-control: no-store"]);
    }
    // No poll is held now, and two events are published: the next request gets both at once.
    live.publish(["one", "two"]);
    stream.write_all(request(Pattern::LongPolling, "?after=x.0&hold=0.05").as_bytes()).await.unwrap();
    let answer = Answer::read(&mut stream, true).await;
    let texts: Vec<String> = answer.poll().events.iter().map(|event| event.data.to_string()).collect();
    assert_eq!(texts, ["one", "two"]);
    let counts = live
        .until(|stats| {
            let counts = stats.requests_of(Pattern::LongPolling);
            counts.answered + counts.empty == 4
        })
        .await;
    let counts = counts.requests_of(Pattern::LongPolling);
    assert_eq!((counts.arrived, counts.answered, counts.empty), (4, 2, 2));
}

#[tokio::test]
async fn a_websocket_without_a_key_is_refused_and_a_close_is_answered() {
    let live = floor(Pattern::WebSocket);
    let mut stream = connect(&live).await;
    stream.write_all(b"GET /websocket HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    assert!(read_to_end(&mut stream).await.starts_with("HTTP/1.1 400 "));
    let mut stream = connect(&live).await;
    stream.write_all(request(Pattern::WebSocket, "").as_bytes()).await.unwrap();
    read_until(&mut stream, "\"resume\":\"live\"}").await;
    // A masked close frame without a code (RFC 6455 §5.5.1).
    stream.write_all(&[0x88, 0x80, 1, 2, 3, 4]).await.unwrap();
    let mut last = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut last)).await.unwrap().unwrap();
    assert_eq!(last, [0x88, 0x00]);
    let counts = live.until(|stats| stats.connections_open == 0).await;
    let counts = counts.requests_of(Pattern::WebSocket);
    assert_eq!((counts.arrived, counts.answered, counts.refused), (2, 1, 1));
}

#[tokio::test]
async fn it_ends_as_the_real_server_does() {
    for (pattern, last) in [
        (Pattern::LongPolling, "HTTP/1.1 204 No Content"),
        (Pattern::Sse, "0\r\n\r\n"),
        (Pattern::WebSocket, "the server is shutting down"),
    ] {
        let live = floor(pattern);
        let mut stream = connect(&live).await;
        let requests = if pattern == Pattern::LongPolling { 2 } else { 1 };
        stream.write_all(request(pattern, "").repeat(requests).as_bytes()).await.unwrap();
        let arrived = |stats: &ServerStats| stats.requests_of(pattern).arrived == requests as u64;
        live.until(arrived).await;
        live.stopped().await;
        let seen = read_to_end(&mut stream).await;
        assert!(seen.contains(last), "{pattern}: {seen}");
    }
}

#[tokio::test]
async fn events_are_posted_to_its_control_plane() {
    let live = floor(Pattern::Sse);
    let mut subscriber = connect(&live).await;
    subscriber.write_all(request(Pattern::Sse, "").as_bytes()).await.unwrap();
    read_until(&mut subscriber, ".0\n\n").await;
    let mut stream = TcpStream::connect(live.control).await.unwrap();
    stream.write_all(b"POST /events HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nhello").await.unwrap();
    assert_eq!(Answer::read(&mut stream, true).await.status, 201);
    read_until(&mut subscriber, "data: hello\n\n").await;
}

#[tokio::test]
async fn who_is_too_many_is_sent_away() {
    let mut settings = settings(Pattern::Sse);
    settings.limits.connections = 1;
    let live = Live::with(settings);
    let _first = connect(&live).await;
    live.until(|stats| stats.connections_open == 1).await;
    let mut second = connect(&live).await;
    assert!(read_to_end(&mut second).await.starts_with("HTTP/1.1 503 "));
    assert_eq!(live.until(|stats| stats.connections_refused == 1).await.connections_open, 1);
}

#[test]
fn it_serves_exactly_one_pattern() {
    let any = "127.0.0.1:0".parse().unwrap();
    let app = AppSettings { patterns: Pattern::ALL.to_vec(), ..settings(Pattern::Sse) };
    let error = Server::bind(ServerSettings {
        data: any,
        control: any,
        tcp_maxseg: 1_460,
        certificate: CertificateSource::default(),
        app,
    })
    .unwrap_err();
    let words = error.to_string();
    assert!(words.contains("exactly one pattern") && words.contains("--pattern"), "{words}");
}

#[tokio::test]
async fn an_endless_request_is_not_read_to_its_end() {
    let live = floor(Pattern::Sse);
    let mut stream = connect(&live).await;
    let endless = "x".repeat(64 << 10);
    // It may be refused before it is completely written.
    let _ = timeout(Duration::from_secs(5), stream.write_all(endless.as_bytes())).await;
    live.until(|stats| stats.connections_opened == 1 && stats.connections_open == 0).await;
}
