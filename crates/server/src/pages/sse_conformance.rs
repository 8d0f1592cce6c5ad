//! The conformance cases of Server-Sent Events (WHATWG HTML §9.2): the bytes that the server sends, split as a
//! network may split them, and the result that a decoder must return. P means parsing, C connecting.

use std::{
    collections::VecDeque,
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    body::{Body, Bytes},
    response::Response,
};
use contract::{CuriousCase, DecodedEvent};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use http_body::Frame;
use tokio::time::{Instant, Sleep, sleep_until};

/// Pause between two pieces of a stream: long enough to cause two reads at the other end.
const PAUSE: Duration = Duration::from_millis(30);
/// Pause between the pieces of a stream whose reader must not wait for the next piece.
const LONG_PAUSE: Duration = Duration::from_millis(1_000);
const EVENT_STREAM: &str = "text/event-stream";
/// Makes a browser reconnect soon after the end of a stream.
const SOON: &str = "retry: 50\n";
const LONG_LINE: usize = 5_000_000;

/// An expected event.
struct Expected(DecodedEvent);

fn message(data: &str) -> Expected {
    Expected(DecodedEvent::of("message", data, ""))
}

impl Expected {
    fn of_type(mut self, event_type: &str) -> Self {
        event_type.clone_into(&mut self.0.event_type);
        self
    }

    fn with_id(mut self, id: &str) -> Self {
        id.clone_into(&mut self.0.id);
        self
    }
}

fn decoding(name: &str, question: &str, expected: impl IntoIterator<Item = Expected>) -> CuriousCase {
    CuriousCase {
        name: name.to_owned(),
        question: question.to_owned(),
        expected: expected.into_iter().map(|Expected(event)| event).collect(),
        gives_up: false,
        streams: 1,
        least_gap_ms: None,
        is_decoding: true,
    }
}

fn connecting(name: &str, question: &str, expected: impl IntoIterator<Item = Expected>) -> CuriousCase {
    CuriousCase { is_decoding: false, ..decoding(name, question, expected) }
}

/// Every case with its expected outcome.
#[rustfmt::skip]
pub(super) fn cases() -> Vec<CuriousCase> {
    let numbered = (1..=100).map(|number| message(&number.to_string()));
    vec![
        decoding("P01", "a byte order mark at the start is not data; a later one is", [message("1"), message("\u{feff}3")]),
        decoding("P01b", "the second of two byte order marks at the start makes its line invalid", [message("2")]),
        decoding("P02", "LF, CR and CRLF each end a line, mixed in one stream", [message("a\nb\nc"), message("d"), message("e")]),
        decoding("P03", "a CRLF split between two reads is one line end", [message("a\nb"), message("c")]),
        CuriousCase {
            least_gap_ms: Some(500.0),
            ..decoding("P04", "a lone CR ends its line at once, without waiting for the next byte", [message("a"), message("later")])
        },
        decoding("P05", "a character split between two reads is decoded", [message("€"), message("🦀")]),
        decoding("P06", "bytes that are not UTF-8 become U+FFFD", [message("a\u{fffd}b"), message("\u{fffd}z"), message("\u{fffd}\u{fffd}")]),
        decoding("P07", "a line that begins with a colon is a comment, also within a block", [message("a\nb")]),
        decoding("P08", "exactly one space after the colon is removed, and no other character", [message("a"), message(" b"), message("\tc")]),
        decoding("P09", "a line without a colon is a field without a value", [message(""), message("\n")]),
        decoding("P10", "several lines of data are joined by line feeds, and the last line feed is removed", [message("a\n\nb\n")]),
        decoding("P11", "unknown fields are ignored; names differ by case and spaces", [message("ok")]),
        decoding("P12", "a type applies to one event; an empty type is `message`; the last type counts", [
            message("1").of_type("alpha"), message("2"), message("3"), message("4").of_type("beta"),
        ]),
        decoding("P13", "a block without data dispatches nothing and resets the type", [message("1")]),
        decoding("P14", "empty data is dispatched", [message(""), message("")]),
        decoding("P15", "an id applies to later events without an id", [message("a").with_id("7"), message("b").with_id("7")]),
        decoding("P16", "an id with a NULL is ignored", [message("a").with_id("7"), message("b").with_id("7")]),
        decoding("P17", "an empty id resets the last event ID", [
            message("a").with_id("7"), message("b"), message("c").with_id("8"), message("d"),
        ]),
        decoding("P18", "a block with only an id sets the last event ID", [message("a").with_id("5")]),
        CuriousCase {
            streams: 2,
            ..decoding("P19", "the id of an unfinished block is ignored", [message("a").with_id("1"), message("asked after 1").with_id("1")])
        },
        CuriousCase {
            streams: 2,
            least_gap_ms: Some(690.0),
            ..decoding("P20", "`retry` is used only if it is all digits: 700 is, 10x, -1, +5 and 1.5 are not", [
                message("a").with_id("1"), message("asked after 1").with_id("1"),
            ])
        },
        decoding("P21", "an incomplete block at the end is dropped", [message("a")]),
        decoding("P22", "the order of the fields does not matter", [
            message("a").of_type("alpha").with_id("1"), message("b").of_type("alpha").with_id("2"),
        ]),
        decoding("P23", "a line of five million bytes is accepted", [message(&"x".repeat(LONG_LINE))]),
        decoding("P24", "a hundred events in one write keep their order", numbered),
        connecting("C01", "the request accepts an event stream and bypasses caches", [message("accept text/event-stream, cache-control no-cache")]),
        CuriousCase { gives_up: true, ..connecting("C02", "another content type ends the stream for good", []) },
        CuriousCase { gives_up: true, ..connecting("C02b", "a status other than 200 ends the stream for good", []) },
        connecting("C02c", "parameters of the content type are ignored", [message("é")]),
        CuriousCase {
            gives_up: true,
            streams: 2,
            ..connecting("C03", "204 ends the stream for good", [message("a").with_id("1")])
        },
        CuriousCase {
            streams: 2,
            least_gap_ms: Some(499.0),
            ..connecting("C04", "after the end it reconnects, with `retry: 500` after at least 500 ms", [
                message("a").with_id("1"), message("asked after 1").with_id("1"),
            ])
        },
        CuriousCase {
            streams: 2,
            ..connecting("C05", "without an id it reconnects without Last-Event-ID", [
                message("asked after nothing").with_id("1"), message("reset"),
                message("asked after nothing").with_id("1"), message("reset"),
            ])
        },
        CuriousCase {
            streams: 2,
            ..connecting("C06", "a redirect is followed, and reconnections use the new address", [
                message("at the new address").with_id("1"), message("at the new address").with_id("1"),
            ])
        },
        connecting("K24", "EventSource has no option for a method, header or body", [message("GET, no header of the page, no body")]),
    ]
}

/// The answer of a case to a request; `None` if there is no such case.
pub(super) fn answer(case: &str, moved: Option<&str>, headers: &HeaderMap) -> Option<Response> {
    let last = headers.get("last-event-id").map(|last| String::from_utf8_lossy(last.as_bytes()));
    let asked_after = || format!("data: asked after {}\n\n", last.as_deref().unwrap_or("nothing"));
    let first = |text: &str| vec![format!("{SOON}{text}").into_bytes()];
    let again = || vec![asked_after().into_bytes()];
    let pieces: Vec<Vec<u8>> = match (case, last.is_some()) {
        ("P19", false) => first("id: 1\ndata: a\n\nid: 2\n"),
        ("P20", false) => {
            first("retry: 700\nretry: 10x\nretry: -1\nretry: +5\nretry: 1.5\nid: 1\ndata: a\n\n")
        }
        ("C03", false) => first("id: 1\ndata: a\n\n"),
        ("C03", true) => return Some(status(StatusCode::NO_CONTENT)),
        ("C04", false) => first("retry: 500\nid: 1\ndata: a\n\n"),
        ("P19" | "P20" | "C04", true) => again(),
        ("C05", _) => first(&format!("id: 1\n{}id:\ndata: reset\n\n", asked_after())),
        ("C06", asks_again) => match moved {
            None => return Some(redirect(if asks_again { "again" } else { "first" })),
            Some("first") => first("id: 1\ndata: at the new address\n\n"),
            Some(_) => first("id: 1\ndata: redirected once more\n\n"),
        },
        ("C01", _) => vec![format!("data: {}\n\n", how_it_asked(headers)).into_bytes()],
        ("K24", _) => vec![format!("data: {}\n\n", what_it_could_say(headers)).into_bytes()],
        ("C02", _) => return Some(stream(vec![b"data: a\n\n".to_vec()], "text/plain", PAUSE)),
        ("C02b", _) => return Some(status(StatusCode::INTERNAL_SERVER_ERROR)),
        ("C02c", _) => {
            let pieces = vec!["data: é\n\n".as_bytes().to_vec()];
            return Some(stream(pieces, "text/event-stream;x bogus", PAUSE));
        }
        ("P04", _) => {
            let pieces = vec![b"data: a\r\r".to_vec(), b"data: later\n\n".to_vec()];
            return Some(stream(pieces, EVENT_STREAM, LONG_PAUSE));
        }
        ("P23", _) => vec![[&b"data: "[..], &b"x".repeat(LONG_LINE), b"\n\n"].concat()],
        ("P24", _) => {
            vec![(1..=100).map(|number| format!("data: {number}\n\n")).collect::<String>().into_bytes()]
        }
        (case, _) => plain(case)?.into_iter().map(<[u8]>::to_vec).collect(),
    };
    Some(stream(pieces, EVENT_STREAM, PAUSE))
}

/// The pieces of a case whose answer does not depend on the request.
#[rustfmt::skip]
fn plain(case: &str) -> Option<Vec<&'static [u8]>> {
    Some(match case {
        "P01" => vec![b"\xef", b"\xbb\xbfdata: 1\n\n\xef\xbb\xbfdata: 2\n\n", b"data: \xef\xbb\xbf3\n\n"],
        "P01b" => vec![b"\xef\xbb\xbf\xef\xbb\xbfdata: 1\n\ndata: 2\n\n"],
        "P02" => vec![b"data: a\r\ndata: b\rdata: c\n\n", b"data: d\r\r", b"data: e\r\n\r\n"],
        "P03" => vec![b"data: a\r", b"\ndata: b\r\n\r", b"\n", b"data: c\n\n"],
        "P05" => vec![b"data: \xe2\x82", b"\xac\n\ndata: \xf0", b"\x9f\xa6", b"\x80\n\n"],
        "P06" => vec![b"data: a\xffb\n\ndata: \xe2\x82z\n\ndata: \xc0\x80\n\n"],
        "P07" => vec![b":one\ndata: a\n: two\n:data: no\ndata: b\n:\n\n"],
        "P08" => vec![b"data:a\n\ndata:  b\n\ndata:\tc\n\n"],
        "P09" => vec![b"data\n\ndata\ndata\n\n"],
        "P10" => vec![b"data: a\ndata:\ndata: b\ndata\n\n"],
        "P11" => vec![b"Data: x\ndata : y\nfoo: bar\n data: z\n\nDATA: no\ndata: ok\ndataa: no\n\n"],
        "P12" => vec![b"event: alpha\ndata: 1\n\ndata: 2\n\nevent:\ndata: 3\n\nevent: alpha\nevent: beta\ndata: 4\n\n"],
        "P13" => vec![b"event: alpha\n\ndata: 1\n\n"],
        "P14" => vec![b"data:\n\ndata: \n\n"],
        "P15" => vec![b"id: 7\ndata: a\n\ndata: b\n\n"],
        "P16" => vec![b"id: 7\ndata: a\n\nid: 8\x009\ndata: b\n\n"],
        "P17" => vec![b"id: 7\ndata: a\n\nid\ndata: b\n\nid: 8\ndata: c\n\nid:\ndata: d\n\n"],
        "P18" => vec![b"id: 5\n\ndata: a\n\n"],
        "P21" => vec![b"data: a\n\ndata: b\ndata: c"],
        "P22" => vec![b"data: a\nid: 1\nevent: alpha\n\nid: 2\nevent: alpha\ndata: b\n\n"],
        _ => return None,
    })
}

/// The headers of an `EventSource`'s request.
fn how_it_asked(headers: &HeaderMap) -> String {
    let said = |name| {
        headers
            .get(name)
            .map_or("-".into(), |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    format!("accept {}, cache-control {}", said(header::ACCEPT), said(header::CACHE_CONTROL))
}

/// Whether a header or body of the page arrived. The route accepts GET only.
fn what_it_could_say(headers: &HeaderMap) -> String {
    let own = if headers.contains_key("x-own") { "a header of the page" } else { "no header of the page" };
    let has_body =
        headers.contains_key(header::CONTENT_LENGTH) || headers.contains_key(header::TRANSFER_ENCODING);
    format!("GET, {own}, {}", if has_body { "a body" } else { "no body" })
}

fn status(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

fn redirect(moved: &'static str) -> Response {
    let mut response = status(StatusCode::FOUND);
    let place = format!("/pages/sse-conformance-stream?case=C06&moved={moved}");
    // The address is plain ASCII: this cannot fail.
    response.headers_mut().extend(HeaderValue::try_from(place).ok().map(|place| (header::LOCATION, place)));
    response
}

fn stream(pieces: Vec<Vec<u8>>, content_type: &'static str, pause: Duration) -> Response {
    let body = Pieces {
        left: pieces.into_iter().map(Bytes::from).collect(),
        pause,
        next: Box::pin(sleep_until(Instant::now())),
    };
    let mut response = Response::new(Body::new(body));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// A body that is sent piece by piece, each in its own write.
struct Pieces {
    left: VecDeque<Bytes>,
    pause: Duration,
    next: Pin<Box<Sleep>>,
}

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.left.is_empty() {
            return Poll::Ready(None);
        }
        ready!(self.next.as_mut().poll(context));
        let after = Instant::now() + self.pause;
        self.next.as_mut().reset(after);
        Poll::Ready(self.left.pop_front().map(|piece| Ok(Frame::data(piece))))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    // A stream's pauses are timers, which need a runtime.
    #[tokio::test]
    async fn every_case_has_a_name_of_its_own_and_an_answer() {
        let cases = cases();
        let names: BTreeSet<&str> = cases.iter().map(|case| case.name.as_str()).collect();
        assert_eq!(names.len(), cases.len());
        for name in names {
            assert!(answer(name, None, &HeaderMap::new()).is_some(), "{name}");
        }
        assert!(answer("P99", None, &HeaderMap::new()).is_none());
    }

    // A stream's pauses are timers, which need a runtime.
    #[tokio::test]
    async fn who_asks_again_gets_another_answer() {
        let mut again = HeaderMap::new();
        again.insert("last-event-id", HeaderValue::from_static("1"));
        let status = |headers: &HeaderMap| answer("C03", None, headers).unwrap().status();
        assert_eq!((status(&HeaderMap::new()), status(&again)), (StatusCode::OK, StatusCode::NO_CONTENT));
        let moved = answer("C06", None, &again).unwrap();
        assert_eq!(moved.headers()[header::LOCATION], "/pages/sse-conformance-stream?case=C06&moved=again");
    }
}
