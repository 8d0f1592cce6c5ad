//! The ablations of `cost-ladder` in memory: a thousand readers read each published event, and nothing is
//! written to a socket. The difference to the scenario `cost-ladder` is the cost of the sockets.

use std::{
    hint::black_box,
    task::{Context, Poll, Waker},
    time::Duration,
};

use contract::{Ablation, Epoch};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use event_log::{Batch, BatchLimit, EventLog, Follow, Followed, Retention};
use server::{Encodings, sse, websocket};

const SUBSCRIBERS: usize = 1_000;
const TEXT: &str =
    "0000000000000;abcdefghijklmnopqrstuvwxyz012345abcdefghijklmnopqrstuvwxyz012345abcdefghijklmnopqrst";

/// A log, its encodings, and all its followers.
struct Audience {
    log: EventLog,
    encodings: Encodings,
    follows: Vec<Follow>,
}

impl Audience {
    fn new(ablation: Ablation, limit: BatchLimit) -> Self {
        let log = EventLog::new(Epoch::from_random_bits(1), Retention { events: 1_000, bytes: 1 << 20 });
        let follows = (0..SUBSCRIBERS).map(|_| log.follow(log.head(), limit)).collect();
        Self { encodings: Encodings::with_ablation(log.epoch(), ablation), log, follows }
    }

    /// Publishes events and lets all followers read them; returns the number of bytes that would be written.
    fn deliver(&mut self, events: usize, encode: impl Fn(&Encodings, &Batch) -> usize) -> usize {
        for _ in 0..events {
            self.log.append(None, black_box(TEXT)).expect("the log is open");
        }
        let context = Context::from_waker(Waker::noop());
        let mut bytes = 0;
        for follow in &mut self.follows {
            while let Poll::Ready(Some(Followed::Events(batch))) = follow.poll_next(&context) {
                bytes += encode(&self.encodings, &batch);
            }
        }
        bytes
    }
}

/// From the slowest to the fastest: one encoding per reader, one event at a time; shared encodings, one event
/// at a time; shared encodings, in batches.
fn ladder(criterion: &mut Criterion, form: &str, encode: impl Fn(&Encodings, &Batch) -> usize) {
    let one = BatchLimit { events: 1, ..BatchLimit::default() };
    let mut group = criterion.benchmark_group(format!("fan-out, {form}"));
    for events in [1, 10] {
        group.throughput(Throughput::Elements((events * SUBSCRIBERS) as u64));
        for (name, ablation, limit) in [
            ("encoded per subscriber", Ablation::EncodeEach, one),
            ("encoded once", Ablation::Best, one),
            ("encoded once, batched", Ablation::Best, BatchLimit::default()),
        ] {
            let mut audience = Audience::new(ablation, limit);
            group.bench_function(BenchmarkId::new(name, events), |bencher| {
                bencher.iter(|| audience.deliver(events, &encode));
            });
        }
    }
    group.finish();
}

fn sse_blocks(criterion: &mut Criterion) {
    ladder(criterion, "SSE", |encodings, batch| sse::batch(encodings, batch).len());
}

fn websocket_frames(criterion: &mut Criterion) {
    ladder(criterion, "WebSocket", |encodings, batch| websocket::batch(encodings, batch).len());
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2));
    targets = sse_blocks, websocket_frames
}
criterion_main!(benches);
