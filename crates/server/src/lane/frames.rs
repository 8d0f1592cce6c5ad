//! What waits for a rider, as it goes onto the wire: made once, written to all who wait at one place.

use std::{collections::VecDeque, sync::Arc, time::SystemTime};

use bytes::{BufMut, Bytes, BytesMut};
use contract::{After, Cursor, Pattern, Resume};
use event_log::{Batch, BatchLimit, Start};
use http::Response;

use super::rider::Framing;
use crate::{App, framing, takeover::head};

/// Encodings kept: most riders wait at one place, a few are a step behind.
const KEPT: usize = 4;

/// Batches on the wire, by framing and place.
#[derive(Debug, Default)]
pub(super) struct Frames {
    kept: VecDeque<(Framing, Arc<Batch>, Bytes)>,
    answers: VecDeque<(AnswerKey, Bytes)>,
}

/// What makes two answers to a poll the same.
#[derive(Debug, PartialEq, Eq)]
struct AnswerKey {
    pattern: Pattern,
    after: u64,
    cursor: u64,
    more: bool,
    /// Whether the client knew the state.
    is_known: bool,
    /// The second that the `date` line names.
    second: u64,
}

impl Frames {
    /// All that waits in the stream of a rider at `after`, and the place after it. `head` is the place
    /// of the newest event, which lies behind.
    pub(super) fn after(&mut self, app: &App, framing: Framing, after: u64, head: u64) -> (Bytes, u64) {
        let known = self.kept.iter().find(|(known, batch, _)| {
            *known == framing && batch.after.seq == after && (batch.more || batch.cursor.seq >= head)
        });
        if let Some((_, batch, bytes)) = known {
            return (bytes.clone(), batch.cursor.seq);
        }
        let after = Cursor { epoch: app.log().epoch(), seq: after };
        let (start, batch) = app.log().read(After::Cursor(after), BatchLimit::default());
        if start.resume != Resume::Live {
            // Events that this rider had not read are gone. It is told, and goes on from the oldest.
            return (framing.reset(&start), start.cursor.seq);
        }
        let bytes = framing.batch(app, &batch);
        let cursor = batch.cursor.seq;
        self.kept.truncate(KEPT - 1);
        self.kept.push_front((framing, batch, bytes.clone()));
        (bytes, cursor)
    }

    /// The whole answer to a poll, head and body; `make` gives it if no rider got the same before.
    pub(super) fn answer(
        &mut self,
        (pattern, is_known): (Pattern, bool),
        (start, batch): (&Start, &Batch),
        make: impl FnOnce() -> Response<Bytes>,
    ) -> Bytes {
        let second = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |now| now.as_secs());
        let key = AnswerKey {
            pattern,
            after: batch.after.seq,
            cursor: batch.cursor.seq,
            more: batch.more,
            is_known,
            second,
        };
        // Only a live answer is the same for everyone at the same place.
        if start.resume != Resume::Live {
            return whole(make());
        }
        if let Some((_, bytes)) = self.answers.iter().find(|(known, _)| *known == key) {
            return bytes.clone();
        }
        let bytes = whole(make());
        self.answers.truncate(KEPT - 1);
        self.answers.push_front((key, bytes.clone()));
        bytes
    }
}

/// A response as it goes onto the wire.
pub(crate) fn whole(response: Response<Bytes>) -> Bytes {
    let (parts, body) = response.into_parts();
    let mut bytes = head(&parts, Some(body.len()));
    bytes.extend_from_slice(&body);
    bytes.into()
}

impl Framing {
    fn batch(self, app: &App, batch: &Batch) -> Bytes {
        match self {
            Self::Sse => chunk(&app.framings().sse_batch(batch)),
            Self::WebSocket => app.framings().websocket_batch(batch),
        }
    }

    /// Tells a rider that it goes on from another place.
    fn reset(self, start: &Start) -> Bytes {
        match self {
            Self::Sse => chunk(framing::sse_reset(start).as_bytes()),
            Self::WebSocket => framing::websocket_text(framing::place_json(start).into()),
        }
    }

    /// The first bytes after the head of the response.
    pub(super) fn prelude(self, start: &Start) -> Bytes {
        match self {
            Self::Sse => chunk(&framing::sse_prelude(start)),
            Self::WebSocket => framing::websocket_text(framing::place_json(start).into()),
        }
    }

    /// A sign of life: a comment in a chunk of its own, or a ping without payload.
    pub(super) const fn beat(self) -> &'static [u8] {
        match self {
            Self::Sse => b"3\r\n:\n\n\r\n",
            Self::WebSocket => &[0x89, 0],
        }
    }
}

/// A chunk of a response body (RFC 9112 §7.1).
fn chunk(bytes: &[u8]) -> Bytes {
    let mut chunk = BytesMut::with_capacity(bytes.len() + 20);
    chunk.put_slice(format!("{:X}\r\n", bytes.len()).as_bytes());
    chunk.put_slice(bytes);
    chunk.put_slice(b"\r\n");
    chunk.freeze()
}
