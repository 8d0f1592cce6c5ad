//! What an event looks like in each framing, encoded once and shared by all its readers.
//!
//! The log keeps texts; here each event becomes a JSON object (polling bodies and WebSocket
//! frames) and an SSE block, once, however many read it. A batch that several subscribers wait
//! for is joined once, too.

use std::{
    collections::VecDeque,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::{BufMut, Bytes, BytesMut};
use contract::{Cursor, Epoch, Resume, Rung, WireEvent};
use event_log::{Batch, Event, Start};
use tokio_tungstenite::tungstenite::protocol::frame::{
    Frame,
    coding::{Data, OpCode},
};

/// Encoded events kept per framing: enough for every subscriber that is not hopelessly behind.
const KEPT_EVENTS: usize = 4_096;
const KEPT_BYTES: usize = 8 << 20;

/// The encodings of one log's events.
#[derive(Debug)]
pub struct Framings {
    epoch: Epoch,
    json: Mutex<Encoded>,
    sse: Mutex<Encoded>,
    encodings: AtomicU64,
}

/// Encoded events in the order of the log, and the last things joined from them.
#[derive(Debug)]
struct Encoded {
    /// Off for one rung of the ladder only: what sharing is worth shows without it.
    is_shared: bool,
    first_seq: u64,
    events: VecDeque<Bytes>,
    bytes: usize,
    last_joined: Option<((u64, u64, bool), Bytes)>,
}

impl Framings {
    /// Framings for the log of this epoch.
    #[must_use]
    pub fn new(epoch: Epoch) -> Self {
        Self::on_rung(epoch, Rung::Best)
    }

    /// Framings on a rung of the ladder: `encode-each` encodes and joins again for every reader.
    #[must_use]
    pub fn on_rung(epoch: Epoch, rung: Rung) -> Self {
        let encoded = || Mutex::new(Encoded::on_rung(rung));
        Self { epoch, json: encoded(), sse: encoded(), encodings: AtomicU64::new(0) }
    }

    /// The event as a JSON object: an element of a poll's `events`, or a WebSocket text message.
    #[must_use]
    pub fn json(&self, event: &Event) -> Bytes {
        lock(&self.json).event(event, |event| self.encode_json(event))
    }

    /// The event as an SSE block (WHATWG HTML §9.2.6).
    #[must_use]
    pub fn sse(&self, event: &Event) -> Bytes {
        lock(&self.sse).event(event, |event| self.encode_sse(event))
    }

    /// The SSE blocks of a batch, to be written at once.
    #[must_use]
    pub fn sse_batch(&self, batch: &Batch) -> Bytes {
        let mut sse = lock(&self.sse);
        if let [event] = batch.events.as_slice() {
            return sse.event(event, |event| self.encode_sse(event));
        }
        sse.joined(batch, |sse| {
            let mut blocks = BytesMut::new();
            for event in &batch.events {
                blocks.put(sse.event(event, |event| self.encode_sse(event)));
            }
            blocks.freeze()
        })
    }

    /// The text frames of a batch, to be written at once.
    #[must_use]
    pub fn websocket_batch(&self, batch: &Batch) -> Bytes {
        let mut json = lock(&self.json);
        let mut frames = Vec::new();
        for event in &batch.events {
            put_text_frame(&mut frames, json.event(event, |event| self.encode_json(event)));
        }
        frames.into()
    }

    /// The body of a polling answer, the same for long and short polling.
    #[must_use]
    pub fn poll_body(&self, start: &Start, batch: &Batch) -> Bytes {
        let mut json = lock(&self.json);
        let write = |json: &mut Encoded| {
            let mut body = BytesMut::new();
            let (cursor, resume) = (batch.cursor, start.resume.as_str());
            body.put(format!(r#"{{"cursor":"{cursor}","resume":"{resume}","#).as_bytes());
            if let Some(lost) = start.lost {
                body.put(format!(r#""lost":{lost},"#).as_bytes());
            }
            body.put(&br#""events":["#[..]);
            for (index, event) in batch.events.iter().enumerate() {
                if index > 0 {
                    body.put_u8(b',');
                }
                body.put(json.event(event, |event| self.encode_json(event)));
            }
            body.put(format!(r#"],"more":{}}}"#, batch.more).as_bytes());
            body.freeze()
        };
        // Only a live answer is the same for everyone at the same place.
        if start.resume == Resume::Live { json.joined(batch, write) } else { write(&mut json) }
    }

    /// How many encodings were made so far: at most one per event and framing that was read, unless
    /// each reader has its own.
    #[must_use]
    pub fn encodings(&self) -> u64 {
        self.encodings.load(Ordering::Relaxed)
    }

    fn encode_json(&self, event: &Event) -> Bytes {
        self.encodings.fetch_add(1, Ordering::Relaxed);
        let object = WireEvent {
            id: Cursor { epoch: self.epoch, seq: event.seq },
            event_type: event.event_type.clone(),
            data: (&*event.data).into(),
        };
        serde_json::to_vec(&object).expect("an event is plain strings").into()
    }

    fn encode_sse(&self, event: &Event) -> Bytes {
        self.encodings.fetch_add(1, Ordering::Relaxed);
        let mut block = format!("id: {}.{}\n", self.epoch, event.seq);
        if let Some(event_type) = &event.event_type {
            block.push_str("event: ");
            block.push_str(event_type.as_str());
            block.push('\n');
        }
        // `split` and not `lines`: a text that ends in a newline must come back with it, and an
        // empty text still needs its `data:`, or nothing would be dispatched.
        for line in event.data.split('\n') {
            block.push_str("data: ");
            block.push_str(line);
            block.push('\n');
        }
        block.push('\n');
        block.into()
    }
}

/// The first bytes of a stream: how long to wait before reconnecting, the place it starts from, and
/// what became of the place asked for if it is another.
pub(crate) fn sse_prelude(start: &Start) -> Bytes {
    let mut text = format!("retry: 3000\n{}", sse_place(start.cursor));
    if start.resume != Resume::Live {
        text.push_str(&sse_reset(start));
    }
    text.into()
}

/// A block with an id and no data: it sets the last event ID and dispatches nothing.
pub(crate) fn sse_place(cursor: Cursor) -> String {
    format!("id: {cursor}\n\n")
}

/// Tells that the stream goes on from another place than the subscriber's own.
pub(crate) fn sse_reset(start: &Start) -> String {
    let news = serde_json::json!({ "resume": start.resume, "cursor": start.cursor, "lost": start.lost });
    format!("event: reset\nid: {}\ndata: {news}\n\n", start.cursor)
}

/// The JSON object that a WebSocket gets first, and when it goes on from another place.
pub(crate) fn place_json(start: &Start) -> String {
    let lost = start.lost.map_or(String::new(), |lost| format!(r#","lost":{lost}"#));
    let (cursor, resume) = (start.cursor, start.resume.as_str());
    format!(r#"{{"cursor":"{cursor}","resume":"{resume}"{lost}}}"#)
}

/// A WebSocket text frame (RFC 6455 §5.2).
pub(crate) fn websocket_text(text: Bytes) -> Bytes {
    let mut frame = Vec::new();
    put_text_frame(&mut frame, text);
    frame.into()
}

fn put_text_frame(frames: &mut Vec<u8>, text: Bytes) {
    let frame = Frame::message(text, OpCode::Data(Data::Text), true);
    frame.format(frames).expect("a vector takes every frame");
}

impl Encoded {
    fn on_rung(rung: Rung) -> Self {
        let is_shared = rung != Rung::EncodeEach;
        Self { is_shared, first_seq: 0, events: VecDeque::new(), bytes: 0, last_joined: None }
    }

    fn event(&mut self, event: &Event, encode: impl FnOnce(&Event) -> Bytes) -> Bytes {
        let next = self.first_seq + self.events.len() as u64;
        if !self.is_shared || event.seq < self.first_seq {
            // Not shared, or so far behind that it was given up: made again, for this reader alone.
            return encode(event);
        }
        if event.seq < next {
            return self.events[(event.seq - self.first_seq) as usize].clone();
        }
        if event.seq > next {
            // Nobody read the events between in this framing.
            self.events.clear();
            (self.first_seq, self.bytes) = (event.seq, 0);
        }
        let encoded = encode(event);
        self.bytes += encoded.len();
        self.events.push_back(encoded.clone());
        while self.events.len() > KEPT_EVENTS || (self.bytes > KEPT_BYTES && self.events.len() > 1) {
            self.bytes -= self.events.pop_front().map_or(0, |oldest| oldest.len());
            self.first_seq += 1;
        }
        encoded
    }

    fn joined(&mut self, batch: &Batch, join: impl FnOnce(&mut Self) -> Bytes) -> Bytes {
        if !self.is_shared {
            return join(self);
        }
        let stretch = (batch.after.seq, batch.cursor.seq, batch.more);
        if let Some((last_stretch, joined)) = &self.last_joined
            && *last_stretch == stretch
        {
            return joined.clone();
        }
        let joined = join(self);
        self.last_joined = Some((stretch, joined.clone()));
        joined
    }
}

/// Every change under the lock leaves the lists sound, so a poisoned lock is not a broken one.
fn lock(encoded: &Mutex<Encoded>) -> MutexGuard<'_, Encoded> {
    encoded.lock().unwrap_or_else(PoisonError::into_inner)
}
