//! What waits for a connection, as it goes onto the wire: made once, written to all who wait at one place.

use std::{collections::VecDeque, sync::Arc};

use bytes::Bytes;
use contract::{After, Cursor, Pattern, Resume};
use event_log::{Batch, BatchLimit, Start};
use http::{Response, StatusCode};

use crate::{app::App, drivers::http1_stream::Http1Stream, http1};

/// Encodings kept: most connections wait at one place, a few are a step behind.
const KEPT: usize = 4;

/// Bytes on the wire: of batches by stream and place, of answers, and of heartbeats.
#[derive(Debug)]
pub(super) struct WireCache {
    batches: VecDeque<(Http1Stream, Arc<Batch>, Bytes)>,
    answers: VecDeque<(AnswerKey, StatusCode, Bytes)>,
    sse_heartbeat: Bytes,
    websocket_heartbeat: Bytes,
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

impl WireCache {
    pub(super) fn new() -> Self {
        Self {
            batches: VecDeque::new(),
            answers: VecDeque::new(),
            sse_heartbeat: Http1Stream::Sse.heartbeat(),
            websocket_heartbeat: Http1Stream::WebSocket.heartbeat(),
        }
    }

    /// All that waits for a stream at `after`, and the place after it. `head` is the place
    /// of the newest event, which lies behind.
    pub(super) fn after(&mut self, app: &App, stream: Http1Stream, after: u64, head: u64) -> (Bytes, u64) {
        let known = self.batches.iter().find(|(known, batch, _)| {
            *known == stream && batch.after.seq == after && (batch.more || batch.cursor.seq >= head)
        });
        if let Some((_, batch, bytes)) = known {
            return (bytes.clone(), batch.cursor.seq);
        }
        let after = Cursor { epoch: app.log().epoch(), seq: after };
        let (start, batch) = app.log().read(After::Cursor(after), BatchLimit::default());
        if start.resume != Resume::Live {
            // Events that this subscriber had not read are gone. It learns that, and goes on from the oldest.
            return (stream.reset(&start), start.cursor.seq);
        }
        let bytes = stream.batch(app.encodings(), &batch);
        let cursor = batch.cursor.seq;
        self.batches.truncate(KEPT - 1);
        self.batches.push_front((stream, batch, bytes.clone()));
        (bytes, cursor)
    }

    /// The whole answer to a poll, head and body, and its status; `make` gives it if no connection got the
    /// same before.
    pub(super) fn answer(
        &mut self,
        (pattern, is_known): (Pattern, bool),
        (start, batch): (&Start, &Batch),
        make: impl FnOnce() -> Response<Bytes>,
    ) -> (StatusCode, Bytes) {
        let second = http1::this_second();
        let key = AnswerKey {
            pattern,
            after: batch.after.seq,
            cursor: batch.cursor.seq,
            more: batch.more,
            is_known,
            second,
        };
        // Only a live answer is the same for everyone at the same place.
        let is_shared = start.resume == Resume::Live;
        if let Some((_, status, bytes)) = self.answers.iter().find(|(known, ..)| is_shared && *known == key) {
            return (*status, bytes.clone());
        }
        let answer = make();
        let (status, bytes) = (answer.status(), http1::whole(&answer, second));
        if is_shared {
            self.answers.truncate(KEPT - 1);
            self.answers.push_front((key, status, bytes.clone()));
        }
        (status, bytes)
    }

    /// A heartbeat.
    pub(super) fn heartbeat(&self, stream: Http1Stream) -> Bytes {
        match stream {
            Http1Stream::Sse => self.sse_heartbeat.clone(),
            Http1Stream::WebSocket => self.websocket_heartbeat.clone(),
        }
    }
}
