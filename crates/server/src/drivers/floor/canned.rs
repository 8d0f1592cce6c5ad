//! The canned responses of the floor: constant heads, the bytes of the pattern files, and a cache of the last
//! answers. They do not depend on the request.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use contract::{After, Cursor, Pattern, Resume};
use event_log::{Batch, BatchLimit, Event, Start};
use http::{Response, StatusCode};
use tokio_tungstenite::tungstenite::protocol::frame::Frame;

use crate::{
    app::App, drivers::http1_stream::Http1Stream, handshake::accept_of, http1, long_polling, short_polling,
    sse, websocket,
};

const ONE_EVENT: BatchLimit = BatchLimit { events: 1, bytes: 1 << 20 };

/// The responses of one pattern.
pub(super) struct CannedResponses {
    app: Arc<App>,
    pattern: Pattern,
    /// The second in the `date` header.
    second: u64,
    /// The last answer to a poll: all polls at the same sequence number get the same bytes.
    answer: Option<Answer>,
    /// The last answer without events, and the sequence number that it confirms.
    nothing_new: Option<(u64, Bytes)>,
}

struct Answer {
    after: u64,
    upto: u64,
    /// The batch was cut: the subscriber gets newer events with its next poll.
    more: bool,
    bytes: Bytes,
}

impl CannedResponses {
    pub(super) fn new(app: Arc<App>, pattern: Pattern) -> Self {
        Self { app, pattern, second: http1::this_second(), answer: None, nothing_new: None }
    }

    /// Updates the second in the `date` header (RFC 9110 §6.6.1). Called once per turn of the loop.
    pub(super) fn look_at_the_clock(&mut self) {
        let second = http1::this_second();
        if second != self.second {
            self.second = second;
            self.answer = None;
            self.nothing_new = None;
        }
    }

    /// The head and the first bytes of a stream, and the sequence number that it starts from. `key` is the key
    /// of a WebSocket's handshake; `None` is returned if a WebSocket has none.
    pub(super) fn subscription(&self, stream: Http1Stream, key: Option<&str>) -> Option<(Bytes, u64)> {
        let start = self.app.log().resume(After::Now);
        let response = match stream {
            Http1Stream::Sse => sse::head(),
            Http1Stream::WebSocket => websocket::head(Some(accept_of(key?.as_bytes())?)),
        };
        let bytes = [&http1::head(&response, None, self.second)[..], &stream.first(&start)[..]].concat();
        Some((bytes.into(), start.cursor.seq))
    }

    /// An event, in the bytes that all subscribers of a stream get.
    pub(super) fn event(&self, stream: Http1Stream, event: &Event) -> Bytes {
        stream.event(self.app.encodings(), event)
    }

    /// The next bytes for a stream that fell behind, and its sequence number afterwards; `None` if nothing is
    /// newer.
    pub(super) fn next_after(&self, stream: Http1Stream, seq: u64) -> Option<(Bytes, u64)> {
        let (start, batch) = self.app.log().read(self.place(seq), ONE_EVENT);
        if start.resume != Resume::Live {
            // Events that it has not read fell out of retention: it gets a reset.
            return Some((stream.reset(&start), start.cursor.seq));
        }
        batch.events.first().map(|event| (self.event(stream, event), event.seq))
    }

    /// The answer to the first poll of a connection: its cursor.
    pub(super) fn first_answer(&self) -> (Bytes, u64) {
        let (start, batch) = self.app.log().read(After::Now, BatchLimit::default());
        let seq = batch.cursor.seq;
        (self.poll_answer(start, batch), seq)
    }

    /// The answer to a poll of a connection that was sent everything up to `seq`, with a newer `head`.
    pub(super) fn answer(&mut self, seq: u64, head: u64) -> (Bytes, u64) {
        if let Some(Answer { after, upto, more, bytes }) = &self.answer
            && *after == seq
            && (*more || *upto >= head)
        {
            return (bytes.clone(), *upto);
        }
        let (start, batch) = self.app.log().read(self.place(seq), BatchLimit::default());
        let (upto, more) = (batch.cursor.seq, batch.more);
        let bytes = self.poll_answer(start, batch);
        self.answer = Some(Answer { after: seq, upto, more, bytes: bytes.clone() });
        (bytes, upto)
    }

    fn poll_answer(&self, start: Start, batch: Arc<Batch>) -> Bytes {
        let encodings = self.app.encodings();
        let answer = if self.pattern.is_held() {
            long_polling::answer(encodings, &start, &batch)
        } else {
            short_polling::answer(encodings, &short_polling::Found { start, batch, is_known: false })
        };
        self.whole(&answer)
    }

    /// The answer to a poll of a connection that was sent everything: 304, or 204 after a hold.
    pub(super) fn nothing_new(&mut self, seq: u64) -> Bytes {
        if let Some((known, bytes)) = &self.nothing_new
            && *known == seq
        {
            return bytes.clone();
        }
        let answer = if self.pattern.is_held() {
            long_polling::no_content()
        } else {
            short_polling::unchanged(self.cursor(seq))
        };
        let bytes = self.whole(&answer);
        self.nothing_new = Some((seq, bytes.clone()));
        bytes
    }

    fn whole(&self, response: &Response<Bytes>) -> Bytes {
        http1::whole(response, self.second)
    }

    fn cursor(&self, seq: u64) -> Cursor {
        Cursor { epoch: self.app.log().epoch(), seq }
    }

    fn place(&self, seq: u64) -> After {
        After::Cursor(self.cursor(seq))
    }
}

/// Answers a client's close frame, without a code.
pub(super) fn close_answer() -> Bytes {
    websocket::bytes([Frame::close(None)])
}

/// Refuses a handshake without a key.
pub(super) fn no_key() -> Bytes {
    http1::refusal(StatusCode::BAD_REQUEST, None)
}

/// The key of a WebSocket's handshake. Header names are case-insensitive (RFC 9110 §5.1).
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
}
