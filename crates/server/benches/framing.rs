//! The cost of encoding events, and what the cache saves: the first reader of an event pays for its encoding,
//! every later reader for a look-up.

use std::{sync::Arc, time::Duration};

use contract::{Ablation, After, Cursor, Epoch};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use event_log::{Batch, BatchLimit, EventLog, Retention, Start};
use server::{Encodings, json, sse, websocket};

const TEXT: &str =
    "0000000000000;abcdefghijklmnopqrstuvwxyz012345abcdefghijklmnopqrstuvwxyz012345abcdefghijklmnopqrst";

/// The batch for a new reader of a log with this number of events.
fn waiting(events: usize) -> (Start, Arc<Batch>) {
    let log = EventLog::new(Epoch::from_random_bits(1), Retention::default());
    for _ in 0..events {
        log.append(None, TEXT).expect("the log is open");
    }
    let start = After::Cursor(Cursor { epoch: log.epoch(), seq: 0 });
    log.read(start, BatchLimit::default())
}

/// One batch in one framing: encoded again for every reader, and shared by all readers.
fn compare(criterion: &mut Criterion, form: &str, encode: impl Fn(&Encodings, &Start, &Batch) -> usize) {
    let mut group = criterion.benchmark_group(form);
    for events in [1, 10, 100] {
        let (start, batch) = waiting(events);
        group.throughput(Throughput::Elements(events as u64));
        for (name, ablation) in [("first reader", Ablation::EncodeEach), ("later reader", Ablation::Best)] {
            let encodings = Encodings::with_ablation(start.cursor.epoch, ablation);
            group.bench_function(BenchmarkId::new(name, events), |bencher| {
                bencher.iter(|| encode(&encodings, &start, &batch));
            });
        }
    }
    group.finish();
}

/// An SSE block per event, joined for one write.
fn sse_blocks(criterion: &mut Criterion) {
    compare(criterion, "SSE blocks", |encodings, _, batch| sse::batch(encodings, batch).len());
}

/// A WebSocket text frame per event, joined for one write.
fn websocket_frames(criterion: &mut Criterion) {
    compare(criterion, "WebSocket frames", |encodings, _, batch| websocket::batch(encodings, batch).len());
}

/// A JSON object per event, which frames and polls share.
fn json_objects(criterion: &mut Criterion) {
    compare(criterion, "JSON objects", |encodings, _, batch| {
        batch.events.iter().map(|event| json::event(encodings, event).len()).sum()
    });
}

/// The body of a poll's answer: the same objects in one array.
fn poll_body(criterion: &mut Criterion) {
    compare(criterion, "poll body", |encodings, start, batch| json::poll_body(encodings, start, batch).len());
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = sse_blocks, websocket_frames, json_objects, poll_body
}
criterion_main!(benches);
