//! What the floor says, known by heart: every answer is a few constant lines around bytes that the
//! real server would send, too.

use std::{sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use contract::{After, Cursor, Pattern, Resume};
use event_log::{Batch, BatchLimit, Event, Start};
use jiff::{Timestamp, fmt::rfc2822::DateTimePrinter};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::{App, framing};

/// Answers a client's close frame: FIN and opcode 8, no payload.
pub(super) const CLOSE_ANSWER: Bytes = Bytes::from_static(&[0x88, 0]);
/// Answers a handshake that no client would go on after.
pub(super) const NO_KEY: Bytes =
    Bytes::from_static(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
/// The same words as the real server's when it shuts down, after the code 1001 (RFC 6455 §7.4.1).
const AWAY: &[u8] = b"\x03\xe9the server is shutting down";

const ONE_EVENT: BatchLimit = BatchLimit { events: 1, bytes: 1 << 20 };

/// The words for one pattern.
pub(super) struct Rote {
    app: Arc<App>,
    pattern: Pattern,
    /// The second that `date` names.
    second: i64,
    date: String,
    /// The last answer to a poll: all who stand at the same place get the same bytes.
    answer: Option<Answer>,
    /// The last answer that there is nothing new, and the place that it confirms.
    nothing_new: Option<(u64, Bytes)>,
}

struct Answer {
    after: u64,
    upto: u64,
    /// It was cut: what is newer comes with the next one, however much that is.
    more: bool,
    bytes: Bytes,
}

impl Rote {
    pub(super) fn new(app: Arc<App>, pattern: Pattern) -> Self {
        let mut rote =
            Self { app, pattern, second: i64::MIN, date: String::new(), answer: None, nothing_new: None };
        rote.look_at_the_clock();
        rote
    }

    /// Every head names the time to the second (RFC 9110 §6.6.1). Looked at once for all that one turn
    /// of the loop answers.
    pub(super) fn look_at_the_clock(&mut self) {
        let now = Timestamp::now();
        if now.as_second() != self.second {
            self.second = now.as_second();
            // It fails only for years that do not have four digits.
            self.date = DateTimePrinter::new().timestamp_to_rfc9110_string(&now).unwrap_or_default();
            self.answer = None;
            self.nothing_new = None;
        }
    }

    /// The head and the first bytes of a stream, and the place that it starts from. `key` is what a
    /// WebSocket's handshake asked to be accepted.
    pub(super) fn subscription(&self, key: Option<&str>) -> (Bytes, u64) {
        let start = self.app.log().resume(After::Now);
        let bytes = match key {
            Some(key) => {
                let accept = format!("sec-websocket-accept: {}", derive_accept_key(key.as_bytes()));
                let lines = ["connection: upgrade", "upgrade: websocket", &accept];
                let head = self.head("101 Switching Protocols", &lines);
                [head, text_frame(framing::place_json(&start).as_bytes())].concat()
            }
            None => {
                let lines = [
                    "content-type: text/event-stream",
                    "cache-control: no-store, no-transform",
                    "x-accel-buffering: no",
                    "transfer-encoding: chunked",
                ];
                [self.head("200 OK", &lines), chunk(&framing::sse_prelude(&start))].concat()
            }
        };
        (bytes.into(), start.cursor.seq)
    }

    /// An event as all subscribers of a stream get it.
    pub(super) fn event(&self, event: &Event) -> Bytes {
        match self.pattern {
            Pattern::WebSocket => text_frame(&self.app.framings().json(event)).into(),
            Pattern::Sse | Pattern::ShortPolling | Pattern::LongPolling => {
                chunk(&self.app.framings().sse(event)).into()
            }
        }
    }

    /// What a stream that fell behind gets next, and where it stands then; none if nothing is newer.
    pub(super) fn next_after(&self, seq: u64) -> Option<(Bytes, u64)> {
        let (start, batch) = self.app.log().read(self.place(seq), ONE_EVENT);
        if start.resume != Resume::Live {
            // What it has not read is gone: told, never silent.
            let bytes = match self.pattern {
                Pattern::WebSocket => text_frame(framing::place_json(&start).as_bytes()),
                Pattern::Sse | Pattern::ShortPolling | Pattern::LongPolling => {
                    chunk(framing::sse_reset(&start).as_bytes())
                }
            };
            return Some((bytes.into(), start.cursor.seq));
        }
        batch.events.first().map(|event| (self.event(event), event.seq))
    }

    /// The answer to the first poll of a connection: where it stands.
    pub(super) fn first_answer(&self) -> (Bytes, u64) {
        let (start, batch) = self.app.log().read(After::Now, BatchLimit::default());
        (self.poll_answer(&start, &batch), batch.cursor.seq)
    }

    /// The answer to a poll that has been sent everything up to `seq`, where `head` is newer.
    pub(super) fn answer(&mut self, seq: u64, head: u64) -> (Bytes, u64) {
        if let Some(Answer { after, upto, more, bytes }) = &self.answer
            && *after == seq
            && (*more || *upto >= head)
        {
            return (bytes.clone(), *upto);
        }
        let (start, batch) = self.app.log().read(self.place(seq), BatchLimit::default());
        let bytes = self.poll_answer(&start, &batch);
        let upto = batch.cursor.seq;
        self.answer = Some(Answer { after: seq, upto, more: batch.more, bytes: bytes.clone() });
        (bytes, upto)
    }

    fn poll_answer(&self, start: &Start, batch: &Batch) -> Bytes {
        let body = self.app.framings().poll_body(start, batch);
        let length = format!("content-length: {}", body.len());
        let etag = format!("etag: \"{}\"", batch.cursor);
        let mut lines = vec!["content-type: application/json"];
        if self.pattern == Pattern::ShortPolling {
            lines.push("cache-control: no-cache");
            if start.resume == Resume::Live && !batch.more {
                lines.push(&etag);
            }
        } else {
            lines.push("cache-control: no-store");
        }
        lines.push(&length);
        let head = self.head("200 OK", &lines);
        let mut answer = BytesMut::with_capacity(head.len() + body.len());
        answer.extend_from_slice(&head);
        answer.extend_from_slice(&body);
        answer.freeze()
    }

    /// The answer to a poll that has been sent everything: 304, or 204 for one that was held.
    pub(super) fn nothing_new(&mut self, seq: u64) -> Bytes {
        if let Some((known, bytes)) = &self.nothing_new
            && *known == seq
        {
            return bytes.clone();
        }
        let bytes: Bytes = match self.pattern {
            Pattern::ShortPolling => {
                let etag = format!("etag: \"{}\"", self.cursor(seq));
                self.head("304 Not Modified", &["cache-control: no-cache", &etag])
            }
            Pattern::LongPolling | Pattern::Sse | Pattern::WebSocket => {
                self.head("204 No Content", &["cache-control: no-store"])
            }
        }
        .into();
        self.nothing_new = Some((seq, bytes.clone()));
        bytes
    }

    /// The last bytes of a stream; empty where there is none.
    pub(super) fn farewell(&self) -> Bytes {
        match self.pattern {
            Pattern::ShortPolling | Pattern::LongPolling => Bytes::new(),
            // The chunk of no bytes ends the answer (RFC 9112 §7.1).
            Pattern::Sse => Bytes::from_static(b"0\r\n\r\n"),
            Pattern::WebSocket => frame(0x88, AWAY).into(),
        }
    }

    /// A head as hyper writes it: the length, if any, after the other lines, and the date last.
    fn head(&self, status: &str, lines: &[&str]) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {status}\r\n");
        for line in lines {
            head.push_str(line);
            head.push_str("\r\n");
        }
        head.push_str("date: ");
        head.push_str(&self.date);
        head.push_str("\r\n\r\n");
        head.into_bytes()
    }

    fn cursor(&self, seq: u64) -> Cursor {
        Cursor { epoch: self.app.log().epoch(), seq }
    }

    fn place(&self, seq: u64) -> After {
        After::Cursor(self.cursor(seq))
    }
}

/// The key of a WebSocket's handshake; names of header lines are written as one likes (RFC 9110 §5.1).
pub(super) fn key_of(head: &[u8]) -> Option<String> {
    let head = std::str::from_utf8(head).ok()?;
    head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("sec-websocket-key").then(|| value.trim().to_owned())
    })
}

/// How long a long poll asks to be held.
pub(super) fn hold_of(head: &[u8]) -> Option<Duration> {
    let target = std::str::from_utf8(head).ok()?.split(' ').nth(1)?;
    let (_, query) = target.split_once('?')?;
    let hold = query.split('&').find_map(|parameter| parameter.strip_prefix("hold="))?;
    Duration::try_from_secs_f64(hold.parse().ok()?).ok()
}

/// One chunk of an answer (RFC 9112 §7.1), its length as hyper writes it.
fn chunk(bytes: &[u8]) -> Vec<u8> {
    [format!("{:X}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}

fn text_frame(text: &[u8]) -> Vec<u8> {
    frame(0x81, text)
}

/// A frame in one piece, its length in the shortest form (RFC 6455 §5.2). A server does not mask.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(length @ 0..=125), _) => frame.push(length),
        (_, Ok(length)) => {
            frame.push(126);
            frame.extend_from_slice(&length.to_be_bytes());
        }
        (_, Err(_)) => {
            frame.push(127);
            frame.extend_from_slice(&(payload.len() as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(payload);
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_things_that_are_looked_for_are_found() {
        let head = b"GET /websocket HTTP/1.1\r\nhost: x\r\nSec-WebSocket-KEY:  dGhlIHNhbXBsZQ== \r\n";
        assert_eq!(key_of(head).unwrap(), "dGhlIHNhbXBsZQ==");
        assert_eq!(key_of(b"GET / HTTP/1.1\r\nhost: x\r\n"), None);
        let head = b"GET /long-polling?after=k3v9qa.1&hold=0.25 HTTP/1.1\r\nhost: hold=9\r\n";
        assert_eq!(hold_of(head), Some(Duration::from_millis(250)));
        for none in
            ["/long-polling", "/long-polling?after=k3v9qa.1", "/x?hold=-1", "/x?hold=", "/x?withhold=1"]
        {
            assert_eq!(hold_of(format!("GET {none} HTTP/1.1\r\n").as_bytes()), None, "{none}");
        }
    }

    #[test]
    fn frames_and_chunks_have_the_shortest_lengths() {
        assert_eq!(chunk(&[b'x'; 26])[..4], *b"1A\r\n");
        for (length, header) in [
            (125, vec![0x81, 125]),
            (126, vec![0x81, 126, 0, 126]),
            (65_535, vec![0x81, 126, 0xff, 0xff]),
            (65_536, vec![0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
        ] {
            let frame = text_frame(&vec![b'x'; length]);
            assert_eq!((&frame[..header.len()], frame.len()), (&header[..], header.len() + length));
        }
    }
}
