//! The shared writer on real sockets: it loses, mixes up and keeps nothing, and hands unusual requests back to
//! hyper.
#![allow(clippy::unwrap_used, reason = "a test may end where its premise fails")]

mod live;

use std::time::Duration;

use contract::{Ablation, Pattern, Transport};
use event_log::Retention;
use futures_util::StreamExt;
use live::{Answer, Live, PATIENCE, Subscriber, read_until};
use server::AppSettings;
use socket2::SockRef;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::timeout,
};
use tokio_tungstenite::tungstenite::Message;

/// A client with a small receive buffer, so that the server's socket is full soon.
async fn slow_client(live: &Live, request: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(64 << 10).unwrap();
    let mut stream = socket.connect(live.data).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

fn handshake() -> &'static str {
    "GET /websocket HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
     sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
}

/// Numbers of the events `<number>;xxxx…` in the order of the bytes.
fn numbers(bytes: &[u8]) -> Vec<u32> {
    let text = String::from_utf8_lossy(bytes);
    let starts = text.match_indices("number ").map(|(at, word)| &text[at + word.len()..]);
    starts.map(|rest| rest.split(';').next().unwrap().parse().unwrap()).collect()
}

fn event(number: u32) -> String {
    format!("number {number};{}", "x".repeat(4_000))
}

#[tokio::test]
async fn a_slow_reader_loses_nothing_and_holds_up_nobody() {
    const EVENTS: u32 = 3_000;
    let sse = "GET /sse HTTP/1.1\r\nhost: x\r\n\r\n";
    for request in [sse, handshake()] {
        let live = Live::start();
        let mut slow = slow_client(&live, request).await;
        let mut quick = slow_client(&live, request).await;
        live.parked(2).await;
        // Twelve megabytes: more than both ends of a socket hold. The quick client reads meanwhile.
        let reading = tokio::spawn(async move {
            let bytes = read_until(&mut quick, &format!("number {EVENTS};")).await;
            (quick, bytes)
        });
        for number in 1..=EVENTS {
            live.publish([event(number)]);
            if number % 16 == 0 {
                tokio::task::yield_now().await;
            }
        }
        let (_quick, bytes) = timeout(PATIENCE, reading).await.expect("delayed by the slow client").unwrap();
        assert_eq!(numbers(&bytes), (1..=EVENTS).collect::<Vec<_>>());
        // Only now does the slow client begin to read.
        live.publish(["the last"]);
        let bytes = read_until(&mut slow, "the last").await;
        assert_eq!(numbers(&bytes), (1..=EVENTS).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_reader_that_is_too_slow_is_told_what_it_lost() {
    let retention = Retention { events: 10, bytes: 1 << 20 };
    for (request, word) in
        [("GET /sse HTTP/1.1\r\nhost: x\r\n\r\n", "event: reset"), (handshake(), r#""resume":"expired""#)]
    {
        let live = Live::with(AppSettings { retention, ..AppSettings::default() });
        let mut slow = slow_client(&live, request).await;
        live.parked(1).await;
        for number in 1..=8_000 {
            live.publish([event(number)]);
            if number % 16 == 0 {
                tokio::task::yield_now().await;
            }
        }
        let bytes = read_until(&mut slow, "number 8000;").await;
        assert!(String::from_utf8_lossy(&bytes).contains(word), "{word} is missing");
        let got = numbers(&bytes);
        assert!(got.is_sorted() && got.len() < 8_000, "{} events", got.len());
    }
}

#[tokio::test]
async fn a_client_that_leaves_in_the_middle_of_a_write_is_forgotten() {
    for request in ["GET /sse HTTP/1.1\r\nhost: x\r\n\r\n", handshake()] {
        let live = Live::start();
        let slow = slow_client(&live, request).await;
        let mut other = Subscriber::open(&live, Pattern::Sse, None).await.0;
        live.parked(2).await;
        for number in 1..=3_000 {
            live.publish([event(number)]);
        }
        // The client leaves with a reset while the server holds bytes for it.
        SockRef::from(&slow).set_linger(Some(Duration::ZERO)).unwrap();
        drop(slow);
        assert_eq!(other.texts(3_000).await.len(), 3_000);
        live.parked(1).await;
        drop(other);
        live.parked(0).await;
        live.stopped().await;
    }
}

#[tokio::test]
async fn at_shutdown_a_slow_reader_still_gets_its_end() {
    let mut live = Live::start();
    let mut slow = slow_client(&live, "GET /sse HTTP/1.1\r\nhost: x\r\n\r\n").await;
    live.parked(1).await;
    for number in 1..=2_000 {
        live.publish([event(number)]);
    }
    tokio::task::yield_now().await;
    live.stop();
    let mut bytes = Vec::new();
    timeout(PATIENCE, slow.read_to_end(&mut bytes)).await.unwrap().unwrap();
    assert_eq!(numbers(&bytes).last(), Some(&2_000));
    assert!(bytes.ends_with(b"0\r\n\r\n"), "the last chunk is missing");
}

#[tokio::test]
async fn polls_stay_on_one_connection_and_others_among_them_are_answered_too() {
    let allowed_origins = vec!["http://page.example".to_owned()];
    let live = Live::with(AppSettings { allowed_origins, ..AppSettings::default() });
    live.publish(["first"]);
    let mut stream = TcpStream::connect(live.data).await.unwrap();
    let mut ask = async |request: String| {
        stream.write_all(request.as_bytes()).await.unwrap();
        Answer::read(&mut stream, !request.starts_with("HEAD")).await
    };
    let cursor = live.cursor(1);
    let poll = |after: &str, lines: &str| {
        format!("GET /short-polling{after} HTTP/1.1\r\nhost: {}\r\n{lines}\r\n", live.data)
    };
    assert_eq!(ask(poll("?after=0", "")).await.poll().events[0].data, "first");
    let known = ask(poll(&format!("?after={cursor}"), &format!("if-none-match: \"{cursor}\"\r\n"))).await;
    assert_eq!(known.status, 304);
    assert_eq!(known.lines()[1..], ["cache-control: no-cache", &format!("etag: \"{cursor}\"")]);
    // Each of these goes back to hyper, and the shared writer reads the next ordinary poll again.
    let options = format!("OPTIONS /short-polling HTTP/1.1\r\nhost: {}\r\n\r\n", live.data);
    assert_eq!(ask(options).await.status, 204);
    let head = format!("HEAD /short-polling HTTP/1.1\r\nhost: {}\r\n\r\n", live.data);
    assert_eq!(ask(head).await.header("content-length").unwrap(), "62");
    assert_eq!(ask(poll(&format!("?after={cursor}"), "")).await.poll().cursor, cursor);
    let page = ask(poll(&format!("?after={cursor}"), "origin: http://page.example\r\n")).await;
    assert_eq!(page.header("access-control-allow-origin"), Some("http://page.example"));
    assert_eq!(ask(poll("?after=nonsense", "")).await.status, 400);
    assert_eq!(ask(poll(&format!("?after={cursor}"), "last-event-id: junk\r\n")).await.status, 200);
    let other = format!("GET /clock HTTP/1.1\r\nhost: {}\r\n\r\n", live.data);
    assert_eq!(ask(other).await.status, 200);
    live.publish(["second"]);
    assert_eq!(ask(poll(&format!("?after={cursor}"), "")).await.poll().events[0].data, "second");
}

#[tokio::test]
async fn requests_in_one_packet_and_in_pieces_are_answered_in_order() {
    let live = Live::start();
    live.publish(["a", "b"]);
    let poll = |path: &str, seq: u64| {
        format!("GET /{path}?after={} HTTP/1.1\r\nhost: {}\r\n\r\n", live.cursor(seq), live.data)
    };
    for path in ["short-polling", "long-polling"] {
        let mut stream = TcpStream::connect(live.data).await.unwrap();
        // Three at once: the second and the third are already buffered when the connection leaves hyper.
        let three = format!("{}{}GET /clock HTTP/1.1\r\nhost: x\r\n\r\n", poll(path, 0), poll(path, 1));
        stream.write_all(three.as_bytes()).await.unwrap();
        let text = String::from_utf8(read_until(&mut stream, "Z\"}").await).unwrap();
        let order: Vec<&str> = text.split("HTTP/1.1 200 OK").skip(1).collect();
        assert!(order[0].contains(r#""data":"a""#) && order[0].contains(r#""data":"b""#), "{text}");
        assert!(!order[1].contains(r#""data":"a""#) && order[1].contains(r#""data":"b""#), "{text}");
        // A request that arrives byte by byte.
        for letter in poll(path, 1).bytes() {
            stream.write_all(&[letter]).await.unwrap();
            tokio::task::yield_now().await;
        }
        let text = String::from_utf8(read_until(&mut stream, r#""more":false}"#).await).unwrap();
        assert!(text.contains(r#""data":"b""#), "{text}");
    }
}

#[tokio::test]
async fn a_hundred_requests_at_once_are_all_answered() {
    let live = Live::start();
    live.publish(["a"]);
    let line = format!("GET /short-polling?after={} HTTP/1.1\r\nhost: {}\r\n\r\n", live.cursor(1), live.data);
    // More than hyper reads at once, so that the handoff happens in the middle of them.
    let last = "GET /clock HTTP/1.1\r\nhost: x\r\n\r\n";
    let requests = format!("{}{last}", line.repeat(300));
    let mut stream = TcpStream::connect(live.data).await.unwrap();
    let (mut reading, mut writing) = stream.split();
    let (write, read) = tokio::join!(writing.write_all(requests.as_bytes()), async {
        let mut bytes = Vec::new();
        while !bytes.ends_with(b"Z\"}") {
            timeout(PATIENCE, reading.read_buf(&mut bytes)).await.expect("answers are missing").unwrap();
        }
        String::from_utf8(bytes).unwrap()
    });
    write.unwrap();
    assert_eq!(read.matches("HTTP/1.1 200 OK").count(), 301);
    assert_eq!(read.matches(r#""events":[],"more":false}"#).count(), 300);
}

#[tokio::test]
async fn an_answer_that_the_socket_does_not_take_is_not_cut_by_the_next() {
    let live = Live::start();
    for number in 1..=240 {
        live.publish([event(number)]);
    }
    // A megabyte for a client that does not read yet, followed by a request for hyper.
    let polls = "GET /short-polling?after=0 HTTP/1.1\r\nhost: x\r\n\r\n".repeat(12);
    let both = format!("{polls}GET /clock HTTP/1.1\r\nhost: x\r\n\r\n");
    let mut slow = slow_client(&live, &both).await;
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    let text = String::from_utf8(read_until(&mut slow, "Z\"}").await).unwrap();
    let parts: Vec<&str> = text.split("HTTP/1.1 200 OK").skip(1).collect();
    assert_eq!(parts.len(), 13);
    for part in &parts[..12] {
        let (head, body) = part.split_once("\r\n\r\n").unwrap();
        assert!(
            head.contains(&format!("content-length: {}", body.len())),
            "{} bytes after {head}",
            body.len()
        );
        assert_eq!(numbers(body.as_bytes()), (1..=240).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_client_that_never_stops_sending_does_not_keep_others_waiting() {
    use std::{io::Write, net, thread};

    let sse = "GET /sse HTTP/1.1\r\nhost: x\r\n\r\n";
    let text_frame = [&[0x81, 0x80 + 100, 0, 0, 0, 0][..], &[b'x'; 100]].concat();
    for (request, noise) in [(handshake(), text_frame), (sse, vec![b'x'; 64])] {
        let live = Live::start();
        let mut other = Subscriber::open(&live, Pattern::Sse, None).await.0;
        // On its own thread, so that it can continue while the server is busy with it.
        let loud = net::TcpStream::connect(live.data).unwrap();
        let mut mouth = loud.try_clone().unwrap();
        let shouting = thread::spawn(move || {
            mouth.write_all(request.as_bytes()).unwrap();
            let noise = noise.repeat(1_000);
            while mouth.write_all(&noise).is_ok() {}
        });
        let mut ear = loud.try_clone().unwrap();
        let swallowing = thread::spawn(move || {
            let mut scratch = vec![0; 1 << 16];
            while std::io::Read::read(&mut ear, &mut scratch).is_ok_and(|read| read > 0) {}
        });
        live.parked(2).await;
        live.publish(["in the middle of it"]);
        let hearing = async {
            // A new client is accepted, the control plane answers, and the other client gets its event.
            assert_eq!(live.get("/clock").await.status, 200);
            live.stats().await;
            while other.texts(1).await != ["in the middle of it"] {}
        };
        timeout(PATIENCE, hearing).await.expect("the other clients are not served");
        loud.shutdown(net::Shutdown::Both).unwrap();
        shouting.join().unwrap();
        swallowing.join().unwrap();
    }
}

#[tokio::test]
async fn a_handshake_that_names_more_than_the_upgrade_is_taken() {
    let live = Live::start();
    let more = handshake().replace("connection: upgrade", "connection: upgrade, close");
    let mut stream = TcpStream::connect(live.data).await.unwrap();
    stream.write_all(more.as_bytes()).await.unwrap();
    read_until(&mut stream, r#""resume":"live"}"#).await;
    live.publish(["hello"]);
    read_until(&mut stream, "hello").await;
}

#[tokio::test]
async fn a_held_request_keeps_what_comes_behind_it() {
    let live = Live::start();
    let mut stream = TcpStream::connect(live.data).await.unwrap();
    let poll = |seq: u64| {
        format!(
            "GET /long-polling?after={}&hold=20 HTTP/1.1\r\nhost: {}\r\n\r\n",
            live.cursor(seq),
            live.data
        )
    };
    stream.write_all(poll(0).as_bytes()).await.unwrap();
    live.parked(1).await;
    stream.write_all(poll(1).as_bytes()).await.unwrap();
    live.publish(["one"]);
    read_until(&mut stream, r#""data":"one"}],"more":false}"#).await;
    live.parked(1).await;
    live.publish(["two"]);
    read_until(&mut stream, r#""data":"two"}],"more":false}"#).await;
    // That request was read early; the next one must be read, too.
    stream.write_all(poll(2).as_bytes()).await.unwrap();
    live.parked(1).await;
    live.publish(["three"]);
    read_until(&mut stream, r#""data":"three"}],"more":false}"#).await;
    let stats = live.stats().await;
    let counted = stats.requests_of(Pattern::LongPolling);
    assert_eq!((counted.arrived, counted.answered, stats.connections_open), (3, 3, 1));
}

#[tokio::test]
async fn holds_on_one_connection_end_one_after_the_other() {
    let live = Live::start();
    let mut stream = TcpStream::connect(live.data).await.unwrap();
    let before = std::time::Instant::now();
    for held in 1..=3_u32 {
        let target = format!("/long-polling?after={}&hold=0.1", live.cursor(0));
        stream.write_all(format!("GET {target} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).await.unwrap();
        let answer = Answer::read(&mut stream, true).await;
        assert_eq!(answer.lines(), ["HTTP/1.1 204 No Content", "cache-control: no-store"]);
        assert!(before.elapsed() >= held * Duration::from_millis(100), "never early");
    }
}

#[tokio::test]
async fn what_a_websockets_client_sends_is_answered_between_the_frames() {
    let live = Live::start();
    let mut stream = TcpStream::connect(live.data).await.unwrap();
    stream.write_all(handshake().as_bytes()).await.unwrap();
    read_until(&mut stream, r#""resume":"live"}"#).await;
    // A ping in two pieces, masked with zeros (RFC 6455 §5.3).
    stream.write_all(&[0x89, 0x83, 0, 0]).await.unwrap();
    live.publish(["between"]);
    read_until(&mut stream, r#""data":"between"}"#).await;
    stream.write_all(&[0, 0, b'a', b'b', b'c']).await.unwrap();
    assert!(read_until(&mut stream, "abc").await.starts_with(&[0x8a, 3]));
    // An event that this client publishes comes back to it.
    stream.write_all(&[&[0x81, 0x85, 0, 0, 0, 0][..], b"hello"].concat()).await.unwrap();
    read_until(&mut stream, r#""data":"hello"}"#).await;
    // The client sends a close frame; the server echoes the code and closes.
    stream.write_all(&[0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8]).await.unwrap();
    let mut rest = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut rest)).await.unwrap().unwrap();
    assert_eq!(rest, [0x88, 2, 0x03, 0xe8]);
    live.parked(0).await;
}

#[tokio::test]
async fn the_unguarded_websocket_sends_its_frame_by_every_driver_and_closes() {
    const TARGET: &str = "/pages/unguarded-websocket";
    let live = |ablation, transport| {
        Live::with(AppSettings { pages: true, ablation, transport, ..AppSettings::default() })
    };
    for (ablation, transport) in [
        (Ablation::Best, Transport::Http1),
        (Ablation::OwnTasks, Transport::Http1),
        (Ablation::Best, Transport::Http1Tls),
    ] {
        let live = live(ablation, transport);
        let mut stream = live.door.connect().await;
        let origin = "host: x\r\norigin: http://evil.example\r\n";
        let request = handshake().replace("/websocket", TARGET).replace("host: x\r\n", origin);
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut bytes = Vec::new();
        timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.unwrap().unwrap();
        let head_end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
        assert!(bytes.starts_with(b"HTTP/1.1 101 "), "{ablation:?} {transport}");
        let said = b"\x81\x12open to every page\x88\x0e\x03\xe8that was all";
        assert_eq!(&bytes[head_end..], said, "{ablation:?} {transport}");
        live.parked(0).await;
    }
    let live = live(Ablation::Best, Transport::Http2);
    let mut socket = live.door.http2().await.websocket(TARGET, "").await;
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::text("open to every page"));
    let Message::Close(Some(closed)) = socket.next().await.unwrap().unwrap() else { panic!("not closed") };
    assert_eq!((u16::from(closed.code), closed.reason.as_str()), (1_000, "that was all"));
}

#[tokio::test]
async fn a_client_that_asks_for_pongs_and_never_reads_them_is_not_read_for_ever() {
    let live = Live::start();
    let mut stream = slow_client(&live, handshake()).await;
    live.parked(1).await;
    let ping = [&[0x89, 0x80 + 125, 0, 0, 0, 0][..], &[b'p'; 125]].concat().repeat(1_000);
    // The client's socket becomes full because the server has stopped reading.
    let flood = async {
        loop {
            stream.write_all(&ping).await.unwrap();
        }
    };
    let stopped = timeout(Duration::from_secs(3), flood).await.is_err();
    assert!(stopped, "a loop without an end");
    let stats = live.stats().await;
    // The server has read at most one buffer more than it has answered.
    assert!(stats.bytes_in < stats.bytes_out + (256 << 10), "{} in, {} out", stats.bytes_in, stats.bytes_out);
}

#[tokio::test]
async fn http_1_0_and_a_connection_that_is_to_be_closed_are_hypers() {
    let live = Live::start();
    live.publish(["first"]);
    let mut old = TcpStream::connect(live.data).await.unwrap();
    old.write_all(b"GET /sse?after=0 HTTP/1.0\r\n\r\n").await.unwrap();
    let text = String::from_utf8(read_until(&mut old, "data: first\n\n").await).unwrap();
    assert!(!text.contains("chunked"), "HTTP/1.0 has no chunks: {text}");
    let request = "GET /short-polling?after=0 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let mut once = TcpStream::connect(live.data).await.unwrap();
    once.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    timeout(PATIENCE, once.read_to_end(&mut bytes)).await.unwrap().unwrap();
    assert!(String::from_utf8_lossy(&bytes).contains("connection: close"));
}

/// The bytes of a whole connection, without the date and the epoch.
async fn conversation(ablation: Ablation, request: &str, until: &str) -> String {
    let live = Live::on(ablation);
    let mut stream = TcpStream::connect(live.data).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    live.parked(1).await;
    live.publish(["the only one"]);
    let bytes = read_until(&mut stream, until).await;
    let text = String::from_utf8_lossy(&bytes).replace(&live.app.log().epoch().to_string(), "EPOCHX");
    text.split("\r\n").filter(|line| !line.starts_with("date: ")).collect::<Vec<_>>().join("\r\n")
}

#[tokio::test]
async fn it_writes_the_very_bytes_that_hyper_writes() {
    for (request, until) in [
        ("GET /sse HTTP/1.1\r\nhost: x\r\norigin: http://x\r\n\r\n", "one\n\n\r\n"),
        (handshake(), r#"one"}"#),
    ] {
        let shared = conversation(Ablation::Best, request, until).await;
        assert_eq!(shared, conversation(Ablation::OwnTasks, request, until).await);
        assert!(shared.starts_with("HTTP/1.1 "), "{shared}");
    }
}
