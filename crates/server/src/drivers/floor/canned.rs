//! The responses of the floor, made in advance of any request: the bytes of the pattern files around constant
//! heads, and the last ones kept.

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
    /// The second that `date` names.
    second: u64,
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

impl CannedResponses {
    pub(super) fn new(app: Arc<App>, pattern: Pattern) -> Self {
        Self { app, pattern, second: http1::this_second(), answer: None, nothing_new: None }
    }

    /// Every head names the time to the second (RFC 9110 §6.6.1). Looked at once for all that one turn
    /// of the loop answers.
    pub(super) fn look_at_the_clock(&mut self) {
        let second = http1::this_second();
        if second != self.second {
            self.second = second;
            self.answer = None;
            self.nothing_new = None;
        }
    }

    /// The head and the first bytes of a stream, and the place that it starts from. `key` is what a
    /// WebSocket's handshake asked to be accepted; none if it had none, and then none is opened.
    pub(super) fn subscription(&self, stream: Http1Stream, key: Option<&str>) -> Option<(Bytes, u64)> {
        let start = self.app.log().resume(After::Now);
        let response = match stream {
            Http1Stream::Sse => sse::head(),
            Http1Stream::WebSocket => websocket::head(Some(accept_of(key?.as_bytes())?)),
        };
        let bytes = [&http1::head(&response, None, self.second)[..], &stream.first(&start)[..]].concat();
        Some((bytes.into(), start.cursor.seq))
    }

    /// An event as all subscribers of a stream get it.
    pub(super) fn event(&self, stream: Http1Stream, event: &Event) -> Bytes {
        stream.event(self.app.encodings(), event)
    }

    /// What a stream that fell behind gets next, and where it stands then; none if nothing is newer.
    pub(super) fn next_after(&self, stream: Http1Stream, seq: u64) -> Option<(Bytes, u64)> {
        let (start, batch) = self.app.log().read(self.place(seq), ONE_EVENT);
        if start.resume != Resume::Live {
            // What it has not read is gone, and it learns that.
            return Some((stream.reset(&start), start.cursor.seq));
        }
        batch.events.first().map(|event| (self.event(stream, event), event.seq))
    }

    /// The answer to the first poll of a connection: where it stands.
    pub(super) fn first_answer(&self) -> (Bytes, u64) {
        let (start, batch) = self.app.log().read(After::Now, BatchLimit::default());
        let seq = batch.cursor.seq;
        (self.poll_answer(start, batch), seq)
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
        let (upto, more) = (batch.cursor.seq, batch.more);
        let bytes = self.poll_answer(start, batch);
        self.answer = Some(Answer { after: seq, upto, more, bytes: bytes.clone() });
        (bytes, upto)
    }

    fn poll_answer(&self, start: Start, batch: Arc<Batch>) -> Bytes {
        let encodings = self.app.encodings();
        self.whole(&match self.pattern {
            Pattern::ShortPolling => {
                let found = short_polling::Found { start, batch, is_known: false };
                short_polling::answer(encodings, &found)
            }
            Pattern::LongPolling | Pattern::Sse | Pattern::WebSocket => {
                long_polling::answer(encodings, &start, &batch)
            }
        })
    }

    /// The answer to a poll that has been sent everything: 304, or 204 for one that was held.
    pub(super) fn nothing_new(&mut self, seq: u64) -> Bytes {
        if let Some((known, bytes)) = &self.nothing_new
            && *known == seq
        {
            return bytes.clone();
        }
        let bytes = self.whole(&match self.pattern {
            Pattern::ShortPolling => short_polling::unchanged(self.cursor(seq)),
            Pattern::LongPolling | Pattern::Sse | Pattern::WebSocket => long_polling::no_content(),
        });
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

/// Answers a handshake that no client would go on after.
pub(super) fn no_key() -> Bytes {
    http1::refusal(StatusCode::BAD_REQUEST, None)
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
