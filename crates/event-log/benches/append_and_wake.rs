//! What an append costs: with more and more kept (it must not grow), and with readers to wake.

use std::{hint::black_box, task::Context};

use contract::Epoch;
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use event_log::{BatchLimit, EventLog, Follow, Retention};

const TEXT: &str =
    "0000000000000;abcdefghijklmnopqrstuvwxyz012345abcdefghijklmnopqrstuvwxyz012345abcdefghijklmnopqrst";

fn log_keeping(events: usize) -> EventLog {
    EventLog::new(Epoch::from_random_bits(1), Retention { events, bytes: usize::MAX })
}

fn append(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("append, events kept");
    for kept in [100, 10_000, 1_000_000] {
        let log = log_keeping(kept);
        for _ in 0..kept {
            log.append(None, TEXT).expect("the log is open");
        }
        group.bench_function(BenchmarkId::from_parameter(kept), |bencher| {
            bencher.iter(|| log.append(None, black_box(TEXT)));
        });
    }
    group.finish();
}

/// One append, then every follower reads it and parks again: the log's share of a fan-out.
fn append_and_read(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("append and read by all, subscribers");
    for subscribers in [1, 100, 10_000] {
        let log = log_keeping(1_000);
        let mut followers: Vec<Follow> =
            (0..subscribers).map(|_| log.follow(log.head(), BatchLimit::default())).collect();
        let context = Context::from_waker(std::task::Waker::noop());
        group.bench_function(BenchmarkId::from_parameter(subscribers), |bencher| {
            bencher.iter(|| {
                log.append(None, TEXT).expect("the log is open");
                for follow in &mut followers {
                    while follow.poll_next(&context).is_ready() {}
                }
            });
        });
    }
    group.finish();
}

criterion_group!(benches, append, append_and_read);
criterion_main!(benches);
