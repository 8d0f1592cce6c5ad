//! The cost of an append: with more and more events kept (it must not grow), and with readers to wake.

use std::{
    hint::black_box,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::Context,
    time::Duration,
};

use contract::Epoch;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use event_log::{BatchLimit, EventLog, Follow, Followed, Retention};
use tokio::{runtime::Builder, task::yield_now};

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

/// One append, then every follower reads the event and parks again: the log's share of a fan-out, without
/// tasks.
fn append_and_read(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("append and read by all, subscribers");
    for subscribers in [1, 100, 10_000] {
        let log = log_keeping(1_000);
        let mut followers: Vec<Follow> =
            (0..subscribers).map(|_| log.follow(log.head(), BatchLimit::default())).collect();
        let context = Context::from_waker(std::task::Waker::noop());
        group.throughput(Throughput::Elements(subscribers));
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

/// The same with a parked task per subscriber: the append wakes the tasks, and the runtime runs them. The
/// difference to the row above is the cost of a task per subscriber.
fn append_and_wake(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("append and wake, parked tasks");
    for tasks in [1, 100, 10_000] {
        let runtime = Builder::new_current_thread().build().expect("a runtime without drivers");
        let log = log_keeping(1_000);
        let read = Arc::new(AtomicUsize::new(0));
        for _ in 0..tasks {
            let (mut follow, read) = (log.follow(log.head(), BatchLimit::default()), Arc::clone(&read));
            runtime.spawn(async move {
                while let Some(Followed::Events(batch)) = follow.next().await {
                    read.fetch_add(batch.events.len(), Ordering::Relaxed);
                }
            });
        }
        let all_parked = async || {
            while log.stats().waiting < tasks {
                yield_now().await;
            }
        };
        runtime.block_on(all_parked());
        group.throughput(Throughput::Elements(tasks));
        group.bench_function(BenchmarkId::from_parameter(tasks), |bencher| {
            bencher.iter(|| {
                log.append(None, TEXT).expect("the log is open");
                runtime.block_on(all_parked());
            });
        });
        assert!(read.load(Ordering::Relaxed) as u64 >= tasks, "every task has read");
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2));
    targets = append, append_and_read, append_and_wake
}
criterion_main!(benches);
