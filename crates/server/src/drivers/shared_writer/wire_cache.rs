//! Bytes of the wire, made once and written to all connections that wait at the same cursor.

use std::{collections::VecDeque, sync::Arc};

use bytes::Bytes;
use contract::{After, Cursor, Pattern, Resume};
use event_log::{Batch, BatchLimit, Start};
use http::{Response, StatusCode};

use crate::{app::App, drivers::http1_stream::Http1Stream, http1};

/// Entries kept: most connections wait at one cursor, and a few are slightly behind.
const KEPT: usize = 4;

/// Bytes of the wire: of batches by stream and cursor, of answers, and of heartbeats.
#[derive(Debug)]
pub(super) struct WireCache {
    batches: VecDeque<(Http1Stream, Arc<Batch>, Bytes)>,
    answers: VecDeque<(AnswerKey, StatusCode, Bytes)>,
    sse_heartbeat: Bytes,
    websocket_heartbeat: Bytes,
}

/// Two answers to polls with equal keys have the same bytes.
#[derive(Debug, PartialEq, Eq)]
struct AnswerKey {
    pattern: Pattern,
    after: u64,
    cursor: u64,
    more: bool,
    /// Whether the client sent the `ETag` of this state.
    is_known: bool,
    /// The second in the `date` header.
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

    /// The bytes of all events after `after` on a stream, up to the batch limit, and the sequence number of
    /// the last of them. `head` is the newest event's.
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
            // Events that this subscriber had not read fell out of retention. It gets a reset and continues
            // from the oldest event.
            return (stream.reset(&start), start.cursor.seq);
        }
        let bytes = stream.batch(app.encodings(), &batch);
        let cursor = batch.cursor.seq;
        self.batches.truncate(KEPT - 1);
        self.batches.push_front((stream, batch, bytes.clone()));
        (bytes, cursor)
    }

    /// The whole answer to a poll, head and body, and its status. `make` is called if the cache does not have
    /// it.
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
        // Only a live answer is the same for all subscribers at the same cursor.
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
