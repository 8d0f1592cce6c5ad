//! Subscribers, tested against small fake servers that do what the lab's own server rarely or never does.

use std::sync::Arc;

use contract::{Scenario, Selection, stamp};
use schedule::{EpochClock, Schedule};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::{http_client::HttpClient, worker_context::WorkerContext, *};
use crate::{
    connections::http1::Http1Connection,
    data::{parsed::Parsed, server_protocol::ServerProtocol, started::Started},
};

async fn subscriber_before(listener: &TcpListener, pattern: Pattern) -> Subscriber {
    subscriber_at(listener, pattern, None)
}

/// A subscriber of the server at this listener, in a trial that has begun or not.
pub(super) fn subscriber_at(listener: &TcpListener, pattern: Pattern, begun: Option<Started>) -> Subscriber {
    Subscriber::new(Rc::new(worker_before(listener, pattern, "", begun)), 0, None)
}

/// A worker for one trial with the server at this listener; `more` holds additional lines of the scenario.
pub(super) fn worker_before(
    listener: &TcpListener,
    pattern: Pattern,
    more: &str,
    begun: Option<Started>,
) -> WorkerContext {
    let scenario = "name = \"s\"\nquestion = \"q\"\nsetting = \"s\"\nlook_at = \"l\"\nsubscribers = 1\n\
                    measure = \"9s\"\n";
    let scenario = format!("{scenario}{more}\n[events]\narrivals = \"silence\"\n");
    let plan = Scenario::from_toml("s.toml", &scenario).unwrap().trials(Selection::Everything).remove(0);
    let (_, started) = watch::channel(begun);
    let target = listener.local_addr().unwrap();
    let clock = EpochClock::start_now();
    let schedule = Schedule::build(&plan.settings.events, None, 1, plan.settings.measure, 40).unwrap();
    let protocol = (ServerProtocol::ours(pattern, *plan.settings.hold), Arc::new(schedule));
    WorkerContext::new(target, 1_460, (pattern, plan.settings), 0.0, clock, started, protocol)
}

pub(super) async fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

fn switching(key: &str) -> String {
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-accept: {}\r\n\r\n",
        derive_accept_key(key.as_bytes())
    )
}

/// In one read, and in pieces.
#[tokio::test]
async fn a_ping_is_answered_with_its_payload_wherever_the_network_cuts() {
    for piece_bytes in [7, 100_000] {
        a_ping_between_two_events(piece_bytes).await;
    }
}

async fn a_ping_between_two_events(piece_bytes: usize) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let subscriber = subscriber_before(&listener, Pattern::WebSocket).await;
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let head = head(&mut stream).await;
        let key = head.lines().find_map(|line| line.strip_prefix("sec-websocket-key: ")).unwrap();
        let answer = switching(key);
        let place = r#"{"cursor":"k3v9qa.0","resume":"live"}"#;
        let event = r#"{"id":"k3v9qa.1","data":"hello"}"#;
        let next = r#"{"id":"k3v9qa.2","data":"hello"}"#;
        let mut wire = answer.into_bytes();
        for (opcode, payload) in [(0x81, place), (0x81, event), (0x89, "ping"), (0x81, next), (0x88, "")] {
            wire.extend_from_slice(&[opcode, payload.len() as u8]);
            wire.extend_from_slice(payload.as_bytes());
        }
        for piece in wire.chunks(piece_bytes) {
            stream.write_all(piece).await.unwrap();
            tokio::task::yield_now().await;
        }
        let (mut pong, mut close) = ([0; 10], [0; 6]);
        stream.read_exact(&mut pong).await.unwrap();
        stream.read_exact(&mut close).await.unwrap();
        assert_eq!(close[..2], [0x88, 0x80], "a close is answered with one (RFC 6455 §5.5.1)");
        (head.len() + pong.len() + close.len(), pong)
    };
    let (outcome, (sent, pong)) = tokio::join!(read(&subscriber), server);
    assert!(matches!(outcome, Err(SubscriberError::Closed)), "{outcome:?}");
    assert_eq!(pong[..2], [0x8a, 0x84]);
    let unmasked: Vec<u8> = (0..4).map(|place| pong[6 + place] ^ pong[2 + place]).collect();
    assert_eq!(unmasked, b"ping");
    assert_eq!(subscriber.cursor().unwrap().seq, 2);
    assert!(subscriber.missing_in(1, 3).is_empty(), "an event beside a ping is lost");
    let counters = subscriber.counters();
    assert_eq!((counters.computed_sent.get(), counters.stream.sent()), (sent as u64, sent as u64));
    assert_eq!(counters.computed_received.get(), counters.stream.received());
}

/// Head and missed events in one write, as a server answers after a reconnection; the second event breaks off.
#[tokio::test]
async fn events_that_come_with_the_head_are_no_headers() {
    let event = "id: k3v9qa.2\ndata: hello\n\n";
    let chunks = format!("{:x}\r\n{event}\r\n{:x}\r\n{}", event.len(), event.len(), &event[..9]);
    let sse =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n".to_owned();
    let frame = r#"{"id":"k3v9qa.2","data":"hello"}"#;
    let frames = format!("\u{1}{frame}\u{1}{}", &frame[..9]);
    for (pattern, follows, broken_off) in
        [(Pattern::Sse, chunks, "1a\r\n".len() + 9), (Pattern::WebSocket, frames, 2 + 9)]
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let subscriber = subscriber_before(&listener, pattern).await;
        subscriber.place("k3v9qa.1".parse().unwrap());
        let server = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let asked = head(&mut stream).await;
            let key = asked.lines().find_map(|line| line.strip_prefix("sec-websocket-key: "));
            let answer = key.map_or_else(|| sse.clone(), switching);
            let mut wire = answer.clone().into_bytes();
            for byte in follows.bytes() {
                match byte {
                    1 => wire.extend_from_slice(&[0x81, frame.len() as u8]),
                    byte => wire.push(byte),
                }
            }
            stream.write_all(&wire).await.unwrap();
            (asked.len() + answer.len(), wire.len())
        };
        let (outcome, (heads, received)) = tokio::join!(read(&subscriber), server);
        assert!(matches!(outcome, Err(SubscriberError::Ended)), "{pattern}: {outcome:?}");
        let counters = subscriber.counters();
        assert_eq!(counters.headers.get(), heads as u64, "{pattern}: the request and the head");
        assert_eq!(counters.payload.get(), 5, "{pattern}");
        assert_eq!(counters.stream.received(), received as u64, "{pattern}");
        assert_eq!(counters.stream.broken_off(), broken_off as u64, "{pattern}");
        let decoded = counters.computed_received.get();
        assert_eq!(decoded + counters.stream.broken_off(), received as u64, "{pattern}");
    }
}

/// The head of a refusal and of a redirect counts as head, its body does not.
#[tokio::test]
async fn the_body_of_a_refusal_and_of_a_redirect_is_no_head() {
    let body = "not here\n";
    let refusal = format!("HTTP/1.1 403 Forbidden\r\ncontent-length: {}\r\n\r\n", body.len());
    let redirect = format!("HTTP/1.1 307 T\r\nlocation: /x\r\ncontent-length: {}\r\n\r\n", body.len());
    for (pattern, answers) in
        [(Pattern::WebSocket, vec![&refusal]), (Pattern::Sse, vec![&redirect, &redirect, &refusal])]
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let subscriber = subscriber_before(&listener, pattern).await;
        let server = async {
            let mut heads = 0;
            for answer in &answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                heads += head(&mut stream).await.len() + answer.len();
                stream.write_all(format!("{answer}{body}").as_bytes()).await.unwrap();
            }
            heads
        };
        let (outcome, heads) = tokio::join!(read(&subscriber), server);
        assert!(matches!(outcome, Err(SubscriberError::Status(_))), "{pattern}: {outcome:?}");
        let counters = subscriber.counters();
        assert_eq!(counters.headers.get(), heads as u64, "{pattern}");
        assert_eq!(counters.stream.broken_off(), (answers.len() * body.len()) as u64, "{pattern}");
        let reported = counters.computed_received.get() + counters.stream.broken_off();
        assert_eq!(reported, counters.stream.received(), "{pattern}");
    }
}

#[tokio::test]
async fn what_a_read_has_left_was_received_when_it_was_read() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let subscriber = subscriber_before(&listener, Pattern::WebSocket).await;
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"ab").await.unwrap();
        stream
    };
    let reading = async {
        let context = subscriber.connection();
        let stream = subscriber.connect().await.unwrap();
        let mut connection = Http1Connection::over(stream, context).await.unwrap();
        let mut next = async || {
            let look = |bytes: &[u8], _| {
                let found = (bytes[0], context.received_ns());
                Ok(Parsed { used: 1, found: Some(found) })
            };
            connection.read(context, look).await.unwrap()
        };
        let (first, read_ns) = next().await;
        // Another subscriber of the same worker reads in between.
        while context.note_read() == read_ns {}
        assert_eq!((first, next().await), (b'a', (b'b', read_ns)));
    };
    tokio::join!(reading, server);
}

#[tokio::test]
async fn a_server_that_closes_after_an_answer_is_asked_again_on_a_new_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let subscriber = subscriber_before(&listener, Pattern::LongPolling).await;
    let server = async {
        for _ in 0..2 {
            let (mut stream, _) = listener.accept().await.unwrap();
            assert!(head(&mut stream).await.starts_with("GET /long-polling HTTP/1.1\r\n"));
            stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhello").await.unwrap();
        }
    };
    let asking = async {
        let mut client = HttpClient::of(&subscriber);
        client.connect(&subscriber).await.unwrap();
        for _ in 0..2 {
            let body = client.poll(&subscriber, |answer| Ok(answer.body.to_vec())).await.unwrap();
            assert_eq!(body, b"hello");
        }
    };
    tokio::join!(asking, server);
    assert_eq!(subscriber.counters().connections.get(), 2);
    assert_eq!(subscriber.counters().computed_received.get(), subscriber.counters().stream.received());
}

/// Chunks and reads whose boundaries differ from those of the events: bytes per chunk, bytes per write.
#[tokio::test]
async fn events_are_counted_whatever_chunks_and_reads_they_come_in() {
    const EVENTS: u64 = 7;
    let text = stamp(1, "hello");
    let body: String = (4..4 + EVENTS).map(|seq| format!("id: k3v9qa.{seq}\ndata: {text}\n\n")).collect();
    let mut wakeups = Vec::new();
    for (chunk_bytes, write_bytes) in [(10_000, 10_000), (10_000, 3), (5, 10_000), (50, 70)] {
        let what = format!("chunks of {chunk_bytes}, writes of {write_bytes} bytes");
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let subscriber = subscriber_at(&listener, Pattern::Sse, reconnection_tests::BEGUN);
        let server = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            head(&mut stream).await;
            let mut wire = String::from(
                "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n",
            );
            let place = "id: k3v9qa.3\n\n";
            for chunk in [place.as_bytes()].into_iter().chain(body.as_bytes().chunks(chunk_bytes)) {
                wire += &format!("{:x}\r\n{}\r\n", chunk.len(), std::str::from_utf8(chunk).unwrap());
            }
            wire += "0\r\n\r\n";
            for piece in wire.as_bytes().chunks(write_bytes) {
                stream.write_all(piece).await.unwrap();
                // Lets the subscriber read.
                tokio::task::yield_now().await;
            }
        };
        let (outcome, ()) = tokio::join!(read(&subscriber), server);
        assert!(matches!(outcome, Err(SubscriberError::Ended)), "{what}: {outcome:?}");
        let tally = &subscriber.worker.tally;
        assert_eq!(
            (tally.received.get(), tally.duplicated.get(), tally.foreign.get()),
            (EVENTS, 0, 0),
            "{what}"
        );
        assert_eq!(subscriber.worker.recorder.borrow().ages().arrived.count, EVENTS, "{what}: an age each");
        assert_eq!(subscriber.counters().payload.get(), EVENTS * text.len() as u64, "{what}");
        wakeups.push(subscriber.counters().stream.wakeups());
    }
    assert!(wakeups[0] < EVENTS && EVENTS < wakeups[1], "reads are not events: {wakeups:?}");
}
