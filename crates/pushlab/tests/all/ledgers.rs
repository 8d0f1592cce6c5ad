//! Bytes are counted in four independent ways: at the subscribers' sockets, at the server's sockets, by the
//! kernel, and by rule from the requests and the decoded events. And by hand, from transcripts.

use std::sync::OnceLock;

use contract::{Client, Measurements, Pattern, TrialRecord};

use crate::lab::{Lab, records};

const SUBSCRIBERS: u64 = 3;
/// Due from 125 ms on, every 250 ms, before 2.2 s: numbers 1 to 9, so that every cursor has the same
/// length.
const EVENTS: u64 = 9;
const TEXT_BYTES: u64 = 100;
const CHANGES: [(&str, &str); 5] = [
    ("subscribers", "3"),
    ("poll_interval", "\"60ms\""),
    ("hold", "\"600ms\""),
    ("measure", "\"2s\""),
    ("[events]", "arrivals = \"steady\"\nrate_hz = 4.0"),
];

/// The trials: of each pattern, and of both polling patterns with a fresh connection each time, with
/// both clients.
fn the_records() -> &'static [TrialRecord] {
    static RECORDS: OnceLock<Vec<TrialRecord>> = OnceLock::new();
    RECORDS.get_or_init(|| {
        let lab = Lab::new();
        let all = ("patterns", r#"["short-polling", "long-polling", "sse", "websocket"]"#);
        let polling = ("patterns", r#"["short-polling", "long-polling"]"#);
        let changed = |more: &[(&'static str, &'static str)]| [&CHANGES[..], more].concat();
        lab.scenario("kept", &changed(&[all]));
        lab.scenario("fresh", &changed(&[polling, ("keep_alive", "false")]));
        // These tests do not ask whether the numbers of a shared machine are trustworthy.
        let ordinary = [polling, ("keep_alive", "false"), ("client", "\"reqwest\"")];
        lab.scenario("ordinary", &changed(&ordinary));
        lab.run(&["bench", "kept", "fresh", "ordinary"]);
        records(&lab.only_run())
    })
}

/// The trials whose clients report what their sockets do.
fn lean_records() -> impl Iterator<Item = &'static TrialRecord> {
    the_records().iter().filter(|record| record.params.client == Client::Lean)
}

fn measured(record: &TrialRecord) -> &Measurements {
    record.measurements().unwrap_or_else(|| panic!("{:?}", record.outcome))
}

fn what(record: &TrialRecord) -> String {
    format!("{} {}", record.scenario, record.pattern)
}

fn judged(scenario: &str) -> impl Iterator<Item = (Pattern, &'static Measurements)> {
    let of_it = the_records().iter().filter(move |record| record.scenario == scenario);
    of_it.map(|record| (record.pattern, measured(record)))
}

#[test]
fn all_ledgers_of_a_whole_life_agree() {
    assert_eq!(the_records().len(), 12, "four calibrations and eight trials");
    for record in lean_records() {
        let (measured, what) = (measured(record), what(record));
        let stream = &measured.bytes_life;
        // A hold may end at the moment when the subscribers disconnect.
        let of_server = measured.server_bytes_life.unwrap().total() as f64 / stream.total() as f64;
        assert!((of_server - 1.0).abs() <= 0.01, "{what}: the server's sockets say {of_server} of it");
        let computed = measured.computed_life.expect("the lean client reports them");
        assert_eq!(
            (computed.received, computed.sent),
            (stream.received, stream.sent),
            "{what}: computed by rule"
        );
        assert_eq!(Some(measured.requests.life), measured.server_requests_life, "{what}");
        assert_eq!(measured.requests.failed, 0, "{what}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn the_kernel_counted_the_same() {
    for record in lean_records() {
        let (measured, what) = (measured(record), what(record));
        let life = measured.kernel_life.expect("Linux reports them");
        let stream = &measured.bytes_life;
        // The last answer of a long poll may not have been read, and its request may not be acknowledged.
        assert_eq!(life.bytes_received - life.bytes_unread, stream.received, "{what}");
        assert_eq!(life.bytes_acked + life.bytes_unacked, stream.sent, "{what}");
        let connections = u64::from(record.params.subscribers) + measured.requests.reconnects;
        assert_eq!(life.connections, connections, "{what}");
        assert!(life.segments() >= life.data_segments_sent + life.data_segments_received, "{what}");
        assert!(life.data_segments_received >= measured.delivery.received / 10, "{what}");
        assert!(life.rtt_sum_us > 0.0, "{what}");

        let window = measured.kernel_window.expect("Linux reports them");
        assert!(window.bytes() < life.bytes() && window.segments() < life.segments(), "{what}");
        assert!(window.data_segments_received > 0, "{what}");
        assert!(measured.wakeups > 0, "{what}");

        let set_up = measured.set_up.expect("the lean client reports them");
        assert_eq!(set_up.subscribers, u64::from(record.params.subscribers), "{what}");
        assert!(set_up.bytes > 0 && set_up.bytes < stream.total(), "{what}");
        // SYN, SYN-ACK and ACK; request and answer.
        assert!(set_up.segments.expect("Linux reports them") >= 5 * set_up.subscribers, "{what}");
    }
}

/// An address as long as the server's own: a port that the system chose has five digits.
const HOST: &str = "host: 127.0.0.1:40000\r\n";
const DATE: &str = "date: Sat, 21 Nov 2026 05:21:16 GMT\r\n";
const JSON_EVENT: &str = r#"{"id":"k3v9qa.1","data":""}"#;
const EMPTY_BODY: &str = r#"{"cursor":"k3v9qa.1","resume":"live","events":[],"more":false}"#;

fn length(parts: &[&str]) -> u64 {
    parts.iter().map(|part| part.len() as u64).sum()
}

/// Sizes of a polling pattern's messages.
struct Poll {
    first_request: u64,
    first_answer: u64,
    request: u64,
    answer_head: u64,
    empty_answer: u64,
}

/// With `close` in every head, a connection lasts one exchange.
fn polls(pattern: &str, close: &str) -> Poll {
    let (query, known, caching, tag, empty) = match pattern {
        "short-polling" => (
            "?after=k3v9qa.1",
            "if-none-match: \"k3v9qa.1\"\r\n",
            "cache-control: no-cache\r\n",
            "etag: \"k3v9qa.1\"\r\n",
            "HTTP/1.1 304 Not Modified\r\n",
        ),
        _ => {
            ("?after=k3v9qa.1&hold=0.6", "", "cache-control: no-store\r\n", "", "HTTP/1.1 204 No Content\r\n")
        }
    };
    let json = "content-type: application/json\r\n";
    let head = |content_length: &str| {
        length(&["HTTP/1.1 200 OK\r\n", json, caching, tag, content_length, close, DATE, "\r\n"])
    };
    let request = |query: &str, known: &str| {
        length(&["GET /", pattern, query, " HTTP/1.1\r\n", HOST, known, close, "\r\n"])
    };
    Poll {
        first_request: request("", ""),
        first_answer: head("content-length: 62\r\n") + EMPTY_BODY.len() as u64,
        request: request(query, known),
        answer_head: head("content-length: 189\r\n"),
        empty_answer: length(&[empty, caching, tag, close, DATE, "\r\n"]),
    }
}

/// All bytes of a polling trial, from its number of exchanges that brought events.
fn polling_bytes(poll: &Poll, measured: &Measurements) -> u64 {
    let deliveries = SUBSCRIBERS * EVENTS;
    // Every exchange with events has the same heads, so their bytes give the number of exchanges.
    let heads = poll.request + poll.answer_head;
    let full = measured.bytes_life.headers / heads;
    assert_eq!(measured.bytes_life.headers % heads, 0, "{} bytes of heads", measured.bytes_life.headers);
    // If the machine stands still for two events, one answer holds both.
    assert!((1..=deliveries).contains(&full));
    let unanswered = measured.bytes_life.total()
        - (SUBSCRIBERS * (poll.first_request + poll.first_answer))
        - full * (heads + EMPTY_BODY.len() as u64)
        - deliveries * (JSON_EVENT.len() as u64 + TEXT_BYTES)
        - (deliveries - full);
    // The rest are the exchanges without events, and requests that are held at the end.
    let others = measured.requests.life - SUBSCRIBERS - full;
    let answered = (unanswered - others * poll.request) / poll.empty_answer;
    assert!(answered <= others && others - answered <= SUBSCRIBERS, "{answered} of {others}");
    measured.bytes_life.total() - unanswered + others * poll.request + answered * poll.empty_answer
}

#[test]
fn the_bytes_of_every_pattern_are_those_of_its_transcript() {
    let deliveries = SUBSCRIBERS * EVENTS;
    for (pattern, measured) in judged("kept") {
        assert_eq!(measured.delivery.received, deliveries, "{pattern}");
        let by_hand = match pattern {
            Pattern::ShortPolling | Pattern::LongPolling => {
                polling_bytes(&polls(pattern.slug(), ""), measured)
            }
            Pattern::Sse => {
                let set_up = length(&[
                    "GET /sse HTTP/1.1\r\n",
                    HOST,
                    "accept: text/event-stream\r\n\r\n",
                    "HTTP/1.1 200 OK\r\n",
                    "content-type: text/event-stream\r\n",
                    "cache-control: no-store, no-transform\r\n",
                    "x-accel-buffering: no\r\n",
                    "transfer-encoding: chunked\r\n",
                    DATE,
                    "\r\n",
                    "1d\r\nretry: 3000\nid: k3v9qa.0\n\n\r\n",
                ]);
                let event = length(&["7d\r\n", "id: k3v9qa.1\ndata: ", "\n\n", "\r\n"]) + TEXT_BYTES;
                SUBSCRIBERS * set_up + deliveries * event
            }
            Pattern::WebSocket => {
                let set_up = length(&[
                    "GET /websocket HTTP/1.1\r\n",
                    HOST,
                    "connection: Upgrade\r\n",
                    "upgrade: websocket\r\n",
                    "sec-websocket-version: 13\r\n",
                    "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
                    "HTTP/1.1 101 Switching Protocols\r\n",
                    "connection: upgrade\r\n",
                    "upgrade: websocket\r\n",
                    "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n",
                    DATE,
                    "\r\n",
                    "\u{1}\u{26}",
                    r#"{"cursor":"k3v9qa.0","resume":"live"}"#,
                ]);
                // 127 bytes of JSON need the header of four.
                let event = 4 + JSON_EVENT.len() as u64 + TEXT_BYTES;
                SUBSCRIBERS * set_up + deliveries * event
            }
        };
        assert_eq!(measured.bytes_life.total(), by_hand, "{pattern}");
    }
}

#[test]
fn a_fresh_connection_for_every_poll_costs_a_line_in_both_heads() {
    for (pattern, measured) in judged("fresh") {
        assert_eq!(measured.delivery.received, SUBSCRIBERS * EVENTS, "{pattern}");
        let poll = polls(pattern.slug(), "connection: close\r\n");
        assert_eq!(measured.bytes_life.total(), polling_bytes(&poll, measured), "{pattern}");
        let opened = SUBSCRIBERS + measured.requests.reconnects;
        // A connection that was being opened at the end may not have sent a request.
        assert!((0..=SUBSCRIBERS).contains(&(opened - measured.requests.life)), "{pattern}");
    }
}

/// An ordinary client adds its line, and the server sees as many connections as requests.
#[test]
fn an_ordinary_client_opens_fresh_connections_too() {
    for (pattern, measured) in judged("ordinary") {
        assert_eq!(measured.delivery.received, SUBSCRIBERS * EVENTS, "{pattern}");
        assert_eq!(Some(measured.requests.life), measured.server_requests_life, "{pattern}");
        assert_eq!(measured.requests.reconnects + SUBSCRIBERS, measured.requests.life, "{pattern}");
        assert_eq!(measured.requests.failed, 0, "{pattern}");
        assert_eq!((measured.computed_life, measured.kernel_life, measured.set_up), (None, None, None));
    }
}
