//! The model's sizes are the real ones: each is compared with bytes read from a real server, with exactly the
//! requests that the harness sends (`load-harness/src/data/server_protocol.rs`).

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use contract::{Client, Pattern};
use model::bytes::{self, EventText, PollSizes};

use crate::lab::process::Serving;

/// A text of this many bytes that no framing has to escape.
fn text(bytes: usize) -> String {
    "x".repeat(bytes)
}

/// One kept connection, like a subscriber's.
struct Wire {
    stream: TcpStream,
    host: String,
    /// Bytes that are read but not yet decoded.
    ahead: Vec<u8>,
}

/// An answer in its parts, as they arrived.
struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Wire {
    fn to(serving: &Serving) -> Self {
        let host = serving.announcement.data.to_string();
        // The model's transcripts have `127.0.0.1:40000`; the system's own ports have five digits too.
        assert_eq!(host.len(), "127.0.0.1:40000".len());
        Self { stream: serving.connect(), host, ahead: Vec::new() }
    }

    /// Sends a GET and returns its size.
    fn ask(&mut self, target: &str, lines: &str) -> usize {
        let request = format!("GET {target} HTTP/1.1\r\nhost: {}\r\n{lines}\r\n", self.host);
        self.stream.write_all(request.as_bytes()).unwrap();
        request.len()
    }

    /// Reads up to and including this end.
    fn until(&mut self, end: &[u8]) -> Vec<u8> {
        loop {
            let found = self.ahead.windows(end.len()).position(|window| window == end);
            if let Some(place) = found {
                return self.ahead.drain(..place + end.len()).collect();
            }
            self.read_more();
        }
    }

    fn exactly(&mut self, count: usize) -> Vec<u8> {
        while self.ahead.len() < count {
            self.read_more();
        }
        self.ahead.drain(..count).collect()
    }

    fn read_more(&mut self) {
        let mut buffer = [0; 8 << 10];
        let count = self.stream.read(&mut buffer).unwrap();
        assert_ne!(count, 0, "closed after {:?}", String::from_utf8_lossy(&self.ahead));
        self.ahead.extend_from_slice(&buffer[..count]);
    }

    fn head(&mut self) -> String {
        String::from_utf8(self.until(b"\r\n\r\n")).unwrap()
    }

    fn answer(&mut self) -> Answer {
        let head = self.head();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let body = self.exactly(length.map_or(0, |length| length.parse().unwrap()));
        assert!(self.ahead.is_empty(), "nothing follows an answer");
        Answer { status, head, body }
    }

    /// The next chunk with its frame (RFC 9112 §7.1), and its content.
    fn chunk(&mut self) -> (usize, String) {
        let size = self.until(b"\r\n");
        let content = usize::from_str_radix(std::str::from_utf8(&size).unwrap().trim_end(), 16).unwrap();
        let rest = self.exactly(content + 2);
        assert!(rest.ends_with(b"\r\n"));
        (size.len() + rest.len(), String::from_utf8(rest[..content].to_vec()).unwrap())
    }

    /// The next frame of a WebSocket, its header read as RFC 6455 §5.2 has it: size, first byte and
    /// payload.
    fn frame(&mut self) -> (usize, u8, Vec<u8>) {
        let start = self.exactly(2);
        let (extra, length) = match start[1] {
            126 => {
                let long = self.exactly(2);
                (2, usize::from(u16::from_be_bytes([long[0], long[1]])))
            }
            127 => {
                let long = self.exactly(8);
                (8, u64::from_be_bytes(long.try_into().unwrap()) as usize)
            }
            short => (0, usize::from(short)),
        };
        (2 + extra + length, start[0], self.exactly(length))
    }
}

/// Bytes of the cursor `epoch.seq` as the model counts them.
fn cursor(seq: u64) -> usize {
    bytes::cursor(seq)
}

/// Whether an answer with events is as large as the model says.
fn check_batch(sizes: &PollSizes, answer: &Answer, first: u64, texts: &[usize]) {
    let last = first + texts.len() as u64 - 1;
    let objects: usize =
        (first..).zip(texts).map(|(seq, &size)| EventText::plain(size).json(cursor(seq))).sum();
    let body = sizes.empty_body(cursor(last)) + objects + texts.len() - 1;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body.len(), body, "{}", String::from_utf8_lossy(&answer.body));
    assert_eq!(answer.head.len(), sizes.answer_head(cursor(last), body), "{}", answer.head);
}

#[test]
fn a_short_poll_has_the_modelled_size() {
    let serving = Serving::start(&["--pattern", "short-polling"]);
    let sizes = PollSizes::short_polling(Client::Lean);
    let epoch = &serving.announcement.epoch;
    let mut wire = Wire::to(&serving);
    let mut poll = |seq: u64| {
        let cursor = format!("{epoch}.{seq}");
        let size =
            wire.ask(&format!("/short-polling?after={cursor}"), &format!("if-none-match: \"{cursor}\"\r\n"));
        assert_eq!(size, sizes.request(cursor.len()));
        wire.answer()
    };
    let empty = poll(0);
    assert_eq!((empty.status, empty.head.len()), (304, sizes.empty_answer(cursor(0))), "{}", empty.head);
    serving.publish(&text(100));
    check_batch(&sizes, &poll(0), 1, &[100]);
    for size in [100, 16, 3_000] {
        serving.publish(&text(size));
    }
    check_batch(&sizes, &poll(1), 2, &[100, 16, 3_000]);
    // From the tenth event on a cursor has one more byte, and the request contains it twice.
    for _ in 5..=10 {
        serving.publish(&text(20));
    }
    check_batch(&sizes, &poll(4), 5, &[20; 6]);
    let empty = poll(10);
    assert_eq!((empty.status, empty.head.len()), (304, sizes.empty_answer(cursor(10))), "{}", empty.head);
    assert_eq!(sizes.request(cursor(10)), sizes.request(cursor(9)) + 2);
}

#[test]
fn a_long_poll_has_the_modelled_size() {
    let serving = Serving::start(&["--pattern", "long-polling"]);
    let epoch = &serving.announcement.epoch;
    let mut wire = Wire::to(&serving);
    // The harness writes a hold as the shortest form of its seconds.
    let ask = |wire: &mut Wire, seq: u64, hold_s: f64| {
        let cursor = format!("{epoch}.{seq}");
        let size = wire.ask(&format!("/long-polling?after={cursor}&hold={hold_s}"), "");
        assert_eq!(size, PollSizes::long_polling(Client::Lean, hold_s).request(cursor.len()));
    };
    let sizes = PollSizes::long_polling(Client::Lean, 25.0);
    ask(&mut wire, 0, 0.05);
    let empty = wire.answer();
    assert_eq!((empty.status, empty.head.len()), (204, sizes.empty_answer(cursor(0))), "{}", empty.head);
    ask(&mut wire, 0, 25.0);
    serving.publish(&text(100));
    check_batch(&sizes, &wire.answer(), 1, &[100]);
    for size in [100, 16, 3_000] {
        serving.publish(&text(size));
    }
    ask(&mut wire, 1, 1.5);
    check_batch(&sizes, &wire.answer(), 2, &[100, 16, 3_000]);
}

#[test]
fn a_poll_on_a_fresh_connection_has_the_modelled_size() {
    const CLOSE: &str = "connection: close\r\n";
    let serving = Serving::start(&[]);
    let cursor = format!("{}.0", serving.announcement.epoch);
    let short = PollSizes::short_polling(Client::Lean).with_fresh_connections();
    let long = PollSizes::long_polling(Client::Lean, 0.05).with_fresh_connections();
    let ask = |sizes: &PollSizes, target: &str, lines: &str| {
        let mut wire = Wire::to(&serving);
        assert_eq!(wire.ask(target, lines), sizes.request(cursor.len()));
        let answer = wire.answer();
        assert_eq!(wire.stream.read(&mut [0]).unwrap(), 0, "the server closes");
        answer
    };
    let (short_target, known) =
        (format!("/short-polling?after={cursor}"), format!("if-none-match: \"{cursor}\"\r\n{CLOSE}"));
    let long_target = format!("/long-polling?after={cursor}&hold=0.05");
    for (sizes, target, lines) in [(&short, &short_target, known.as_str()), (&long, &long_target, CLOSE)] {
        let empty = ask(sizes, target, lines);
        assert_eq!(empty.head.len(), sizes.empty_answer(cursor.len()), "{}", empty.head);
    }
    serving.publish(&text(100));
    check_batch(&short, &ask(&short, &short_target, &known), 1, &[100]);
    check_batch(&long, &ask(&long, &long_target, CLOSE), 1, &[100]);
}

#[test]
fn an_event_of_a_stream_has_the_modelled_size() {
    let serving = Serving::start(&["--pattern", "sse"]);
    let mut wire = Wire::to(&serving);
    wire.ask("/sse", "accept: text/event-stream\r\n");
    assert!(wire.head().starts_with("HTTP/1.1 200 OK\r\n"));
    let (_, prelude) = wire.chunk();
    assert!(prelude.contains(&format!("id: {}.0\n", serving.announcement.epoch)), "{prelude}");
    // Blocks of 15 bytes or fewer are impossible; above 255 and 4,095 bytes the size has one more digit.
    let around = EventText::plain(0).sse_block(cursor(1));
    for (seq, size) in (1..).zip([16, 100, 255 - around, 256 - around, 4_095 - around, 4_096 - around]) {
        serving.publish(&text(size));
        let (bytes, block) = wire.chunk();
        assert_eq!(bytes, EventText::plain(size).sse(cursor(seq)), "{block}");
    }
    serving.publish_as("trade", "one\ntwo\n");
    let lines = EventText { data: 8, type_name: "trade".len(), escape: 2, lines: 3 };
    assert_eq!(wire.chunk().0, lines.sse(cursor(7)));
}

/// The client's side of the handshake of RFC 6455 §1.3.
const UPGRADE: &str = "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
                       sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
const TEXT_FRAME: u8 = 0x81;
const PING_FRAME: u8 = 0x89;

#[test]
fn an_event_of_a_websocket_has_the_modelled_size() {
    let serving = Serving::start(&["--pattern", "websocket"]);
    let mut wire = Wire::to(&serving);
    wire.ask("/websocket", UPGRADE);
    assert!(wire.head().starts_with("HTTP/1.1 101 Switching Protocols\r\n"));
    let (_, first, place) = wire.frame();
    assert_eq!(first, TEXT_FRAME);
    assert!(place.starts_with(br#"{"cursor":""#));
    // A payload of 125 bytes has the short header, one of 126 bytes the long one.
    let around = EventText::plain(0).json(cursor(1));
    for (seq, size) in (1..).zip([16, 125 - around, 126 - around, 3_000, 65_535 - around, 65_536 - around]) {
        serving.publish(&text(size));
        let (bytes, first, payload) = wire.frame();
        assert_eq!(first, TEXT_FRAME);
        assert_eq!(bytes, EventText::plain(size).websocket(cursor(seq)), "{} bytes", payload.len());
    }
    serving.publish_as("trade", "one\n\"two\"");
    let escaped = EventText { data: 9, type_name: "trade".len(), escape: 3, lines: 2 };
    assert_eq!(wire.frame().0, escaped.websocket(cursor(7)));
}

#[test]
fn heartbeats_have_the_modelled_size() {
    let contract::Heartbeat::Every(usual) = server::AppSettings::default().heartbeat else {
        panic!("the usual heartbeat does not wait for an idle stream");
    };
    assert_eq!(usual.as_secs_f64(), bytes::HEARTBEAT_EVERY_S);
    let serving = Serving::start(&["--heartbeat", "200ms"]);
    let mut stream = Wire::to(&serving);
    stream.ask("/sse", "accept: text/event-stream\r\n");
    stream.head();
    stream.chunk();
    let mut socket = Wire::to(&serving);
    socket.ask("/websocket", UPGRADE);
    socket.head();
    socket.frame();
    for _ in 0..2 {
        assert_eq!(stream.chunk(), (bytes::SSE_HEARTBEAT, ":\n\n".to_owned()));
        assert_eq!(socket.frame(), (bytes::WEBSOCKET_PING, PING_FRAME, Vec::new()));
        // FIN and opcode 10, masked as a client's frames are, no payload (RFC 6455 §5.5.3).
        let pong = [0x8a, 0x80, 1, 2, 3, 4];
        assert_eq!(pong.len(), bytes::WEBSOCKET_PONG);
        socket.stream.write_all(&pong).unwrap();
    }
}

/// A server that serves one pattern leaves the others' paths empty.
#[test]
fn only_the_pattern_asked_for_is_served() {
    for pattern in Pattern::ALL {
        let serving = Serving::start(&["--pattern", pattern.slug()]);
        for other in Pattern::ALL.into_iter().filter(|other| *other != pattern) {
            let mut wire = Wire::to(&serving);
            wire.ask(&format!("/{other}"), "");
            assert_eq!(wire.answer().status, 404, "{other} on a server for {pattern}");
        }
    }
}
