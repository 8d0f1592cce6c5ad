//! The caches of encoded events: each event is encoded once and shared by all its readers.
//!
//! The log keeps texts. The pattern files and [`json`](crate::json) encode an event; this cache keeps the
//! encodings, and the joined encodings of the last batch, which several subscribers may wait for. It knows no
//! protocol.

use std::{
    collections::VecDeque,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use bytes::{BufMut, Bytes, BytesMut};
use contract::{Ablation, Epoch};
use event_log::{Batch, Event};

/// Encoded events kept per framing: enough for every subscriber that is not far behind.
const KEPT_EVENTS: usize = 4_096;
const KEPT_BYTES: usize = 8 << 20;

/// The encodings of one log's events, with one cache per framing.
#[derive(Debug)]
pub struct Encodings {
    epoch: Epoch,
    json: EncodingCache,
    sse: EncodingCache,
}

impl Encodings {
    /// Empty caches for the log of this epoch. In the ablation `encode-each` events are encoded and joined
    /// again for every reader.
    #[must_use]
    pub fn with_ablation(epoch: Epoch, ablation: Ablation) -> Self {
        Self {
            epoch,
            json: EncodingCache::with_ablation(ablation),
            sse: EncodingCache::with_ablation(ablation),
        }
    }

    /// The epoch of the log.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Number of encodings made so far. At most one per event and framing, except in the ablation
    /// `encode-each` and for events that have left the cache.
    #[must_use]
    pub fn made(&self) -> u64 {
        self.json.made.load(Relaxed) + self.sse.made.load(Relaxed)
    }

    /// JSON objects, which polls and WebSocket share.
    pub(crate) const fn json(&self) -> &EncodingCache {
        &self.json
    }

    /// Blocks of an event stream.
    pub(crate) const fn sse(&self) -> &EncodingCache {
        &self.sse
    }
}

/// The encodings of events in one framing.
#[derive(Debug)]
pub(crate) struct EncodingCache {
    /// `false` only in the ablation `encode-each`.
    is_shared: bool,
    kept: Mutex<Kept>,
    made: AtomicU64,
}

/// Encoded events in the order of the log, and the last joined batch.
#[derive(Debug, Default)]
struct Kept {
    first_seq: u64,
    events: VecDeque<Bytes>,
    bytes: usize,
    last_joined: Option<(BatchRange, Bytes)>,
}

/// The sequence numbers before and after a batch, and whether it was cut.
type BatchRange = (u64, u64, bool);

impl EncodingCache {
    fn with_ablation(ablation: Ablation) -> Self {
        let is_shared = ablation != Ablation::EncodeEach;
        Self { is_shared, kept: Mutex::default(), made: AtomicU64::new(0) }
    }

    /// The encoding of an event, made by `encode` if it is not kept.
    pub(crate) fn event(&self, event: &Event, encode: impl FnOnce(&Event) -> Bytes) -> Bytes {
        self.encoded(&mut self.lock(), event, encode)
    }

    /// The concatenated encodings of a batch; kept for the next reader of the same batch.
    pub(crate) fn concatenated(&self, batch: &Batch, encode: impl Fn(&Event) -> Bytes) -> Bytes {
        if let [event] = batch.events.as_slice() {
            return self.event(event, encode);
        }
        self.batch(batch, encode, |encodings| {
            let mut joined = BytesMut::new();
            encodings.for_each(|encoding| joined.put(encoding));
            joined.freeze()
        })
    }

    /// The encodings of a batch, joined by `join`; kept for the next reader of the same batch.
    pub(crate) fn batch(
        &self,
        batch: &Batch,
        encode: impl Fn(&Event) -> Bytes,
        join: impl FnOnce(&mut dyn Iterator<Item = Bytes>) -> Bytes,
    ) -> Bytes {
        let mut kept = self.lock();
        let range = (batch.after.seq, batch.cursor.seq, batch.more);
        if let Some((last_range, joined)) = &kept.last_joined
            && *last_range == range
        {
            return joined.clone();
        }
        let mut encodings = batch.events.iter().map(|event| self.encoded(&mut kept, event, &encode));
        let joined = join(&mut encodings);
        if self.is_shared {
            kept.last_joined = Some((range, joined.clone()));
        }
        joined
    }

    fn encoded(&self, kept: &mut Kept, event: &Event, encode: impl FnOnce(&Event) -> Bytes) -> Bytes {
        let next = kept.first_seq + kept.events.len() as u64;
        if self.is_shared && (kept.first_seq..next).contains(&event.seq) {
            return kept.events[(event.seq - kept.first_seq) as usize].clone();
        }
        self.made.fetch_add(1, Relaxed);
        let encoded = encode(event);
        // An event that has left the cache is encoded again, for this reader only.
        if self.is_shared && event.seq >= kept.first_seq {
            if event.seq > next {
                // The events in between were not read in this framing.
                kept.events.clear();
                (kept.first_seq, kept.bytes) = (event.seq, 0);
            }
            kept.push(encoded.clone());
        }
        encoded
    }

    /// Poisoning is ignored: every change under the lock leaves the lists consistent.
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn push(&mut self, encoded: Bytes) {
        self.bytes += encoded.len();
        self.events.push_back(encoded);
        while self.events.len() > KEPT_EVENTS || (self.bytes > KEPT_BYTES && self.events.len() > 1) {
            self.bytes -= self.events.pop_front().map_or(0, |oldest| oldest.len());
            self.first_seq += 1;
        }
    }
}
