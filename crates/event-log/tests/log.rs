//! Tests of the log: order, retention, typed resume, waking, and readers that join and leave.
#![allow(clippy::unwrap_used, reason = "a test may end where its premise fails")]

use std::time::Duration;

use contract::{After, Cursor, Epoch, Resume};
use event_log::{AppendError, BatchLimit, EventLog, Followed, Retention, Start, Waited};
use proptest::prelude::*;
use tokio::{task::yield_now, time::timeout};

fn log_keeping(events: usize) -> EventLog {
    EventLog::new(Epoch::from_random_bits(42), Retention { events, bytes: 1 << 20 })
}

fn fill(log: &EventLog, count: u64) {
    for number in 1..=count {
        log.append(None, &format!("event {number}")).unwrap();
    }
}

fn at(log: &EventLog, seq: u64) -> Cursor {
    Cursor { epoch: log.epoch(), seq }
}

fn seqs(log: &EventLog, after: After) -> Vec<u64> {
    let (_, batch) = log.read(after, BatchLimit::default());
    batch.events.iter().map(|event| event.seq).collect()
}

#[test]
fn events_are_numbered_from_one_and_kept_in_order() {
    let log = log_keeping(10);
    assert_eq!(log.head(), at(&log, 0));
    fill(&log, 3);
    assert_eq!(log.head(), at(&log, 3));
    assert_eq!(seqs(&log, After::Oldest), [1, 2, 3]);
    assert_eq!(seqs(&log, After::Cursor(at(&log, 2))), [3]);
    assert!(seqs(&log, After::Now).is_empty());
}

#[test]
fn retention_by_count_evicts_the_oldest() {
    let log = log_keeping(2);
    fill(&log, 5);
    assert_eq!(seqs(&log, After::Oldest), [4, 5]);
    assert_eq!(log.stats().events, 2);
}

#[test]
fn retention_by_bytes_evicts_the_oldest_but_never_the_newest() {
    let log = EventLog::new(Epoch::from_random_bits(1), Retention { events: 100, bytes: 10 });
    for text in ["aaaa", "bbbb", "cccc"] {
        log.append(None, text).unwrap();
    }
    assert_eq!((log.stats().events, log.stats().bytes), (2, 8));
    log.append(None, &"d".repeat(50)).unwrap();
    assert_eq!((log.stats().events, log.stats().bytes), (1, 50));
    log.append(Some("trade".parse().unwrap()), "e").unwrap();
    assert_eq!((log.stats().events, log.stats().bytes), (1, 6), "type names count");
}

#[test]
fn every_resume_is_typed() {
    let log = log_keeping(2);
    fill(&log, 5);
    let other = Cursor { epoch: Epoch::from_random_bits(43), seq: 4 };
    let oldest = at(&log, 3);
    for (after, resume, cursor, lost) in [
        (After::Now, Resume::Live, at(&log, 5), None),
        (After::Oldest, Resume::Live, oldest, None),
        (After::Cursor(at(&log, 5)), Resume::Live, at(&log, 5), None),
        (After::Cursor(oldest), Resume::Live, oldest, None),
        (After::Cursor(at(&log, 1)), Resume::Expired, oldest, Some(2)),
        (After::Cursor(at(&log, 6)), Resume::Ahead, oldest, None),
        (After::Cursor(other), Resume::Reset, oldest, None),
        (After::Unreadable, Resume::Reset, oldest, None),
    ] {
        assert_eq!(log.resume(after), Start { cursor, resume, lost }, "{after:?}");
        assert_eq!(log.read(after, BatchLimit::default()).0.resume, resume);
    }
}

#[test]
fn a_batch_is_cut_by_count_and_by_bytes_and_says_more() {
    let log = log_keeping(100);
    for _ in 0..10 {
        log.append(None, "0123456789").unwrap();
    }
    let cut = |events, bytes, after| {
        let (_, batch) = log.read(After::Cursor(at(&log, after)), BatchLimit { events, bytes });
        (batch.events.len(), batch.cursor.seq, batch.more)
    };
    assert_eq!(cut(3, 1_000, 0), (3, 3, true));
    assert_eq!(cut(100, 45, 0), (4, 4, true));
    assert_eq!(cut(100, 5, 0), (1, 1, true), "the first event always fits");
    assert_eq!(cut(3, 1_000, 7), (3, 10, false));
    assert_eq!(cut(3, 1_000, 10), (0, 10, false));
}

#[test]
fn readers_at_the_same_place_share_one_batch() {
    let log = log_keeping(100);
    fill(&log, 3);
    let after = After::Cursor(at(&log, 1));
    let (_, first) = log.read(after, BatchLimit::default());
    let (_, second) = log.read(after, BatchLimit::default());
    assert!(std::sync::Arc::ptr_eq(&first, &second));
    log.append(None, "new").unwrap();
    let (_, third) = log.read(after, BatchLimit::default());
    assert_eq!(third.events.len(), 3, "a shared batch must not hide a newer event");
}

#[tokio::test]
async fn waiting_ends_with_the_next_event_and_at_once_if_it_is_there() {
    let log = log_keeping(10);
    let waiter = tokio::spawn({
        let log = log.clone();
        async move { log.wait(log.head()).await }
    });
    while log.stats().waiting == 0 {
        yield_now().await;
    }
    log.append(None, "now").unwrap();
    assert_eq!(waiter.await.unwrap(), Waited::Newer);
    assert_eq!(log.wait(at(&log, 0)).await, Waited::Newer);
}

#[tokio::test]
async fn a_waiter_that_gives_up_leaves_nothing_behind() {
    let log = log_keeping(10);
    for _ in 0..100 {
        assert!(timeout(Duration::ZERO, log.wait(log.head())).await.is_err());
    }
    assert_eq!(log.stats().waiting, 0);
}

#[tokio::test]
async fn polling_twice_parks_once() {
    let log = log_keeping(10);
    let mut follow = log.follow(log.head(), BatchLimit::default());
    for _ in 0..5 {
        let parked = futures_poll_once(&mut follow).await;
        assert!(parked);
        assert_eq!(log.stats().waiting, 1);
    }
    drop(follow);
    assert_eq!(log.stats().waiting, 0);
}

async fn futures_poll_once(follow: &mut event_log::Follow) -> bool {
    std::future::poll_fn(|context| std::task::Poll::Ready(follow.poll_next(context).is_pending())).await
}

#[tokio::test]
async fn a_follower_sees_everything_in_order_while_events_come() {
    let log = log_keeping(1_000);
    let mut follow = log.follow(log.head(), BatchLimit { events: 7, bytes: 1_000 });
    let publisher = tokio::spawn({
        let log = log.clone();
        async move {
            for number in 1..=200_u32 {
                log.append(None, &number.to_string()).unwrap();
                if number % 3 == 0 {
                    yield_now().await;
                }
            }
            log.close();
        }
    });
    let mut seen = Vec::new();
    while let Some(Followed::Events(batch)) = follow.next().await {
        seen.extend(batch.events.iter().map(|event| event.seq));
    }
    publisher.await.unwrap();
    assert_eq!(seen, (1..=200).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_follower_that_is_too_slow_is_told_what_it_lost() {
    let log = log_keeping(2);
    let mut follow = log.follow(log.head(), BatchLimit::default());
    fill(&log, 5);
    let expired = Start { cursor: at(&log, 3), resume: Resume::Expired, lost: Some(3) };
    assert_eq!(follow.next().await, Some(Followed::Expired(expired)));
    let Some(Followed::Events(batch)) = follow.next().await else { panic!("events follow a gap") };
    assert_eq!(batch.events[0].seq, 4);
    assert_eq!(follow.cursor(), at(&log, 5));
}

#[tokio::test]
async fn closing_ends_waits_and_follows_after_the_last_event() {
    let log = log_keeping(10);
    let mut follow = log.follow(log.head(), BatchLimit::default());
    fill(&log, 1);
    log.close();
    assert!(matches!(follow.next().await, Some(Followed::Events(_))));
    assert_eq!(follow.next().await, None);
    assert_eq!(log.wait(log.head()).await, Waited::Closed);
    assert_eq!(log.append(None, "late"), Err(AppendError::Closed));
}

proptest! {
    #[test]
    fn reading_on_from_every_cursor_gives_every_kept_event_once(
        lengths in proptest::collection::vec(0_usize..40, 0..60),
        events in 1_usize..20,
        bytes in 1_usize..200,
        limit_events in 1_usize..5,
        limit_bytes in 1_usize..80,
    ) {
        let log = EventLog::new(Epoch::from_random_bits(9), Retention { events, bytes });
        for length in &lengths {
            log.append(None, &"x".repeat(*length)).unwrap();
        }
        let limit = BatchLimit { events: limit_events, bytes: limit_bytes };
        let mut after = After::Oldest;
        let mut seen = Vec::new();
        loop {
            let (start, batch) = log.read(after, limit);
            prop_assert_eq!(start.resume, Resume::Live);
            seen.extend(batch.events.iter().map(|event| event.seq));
            after = After::Cursor(batch.cursor);
            if !batch.more {
                break;
            }
        }
        let stats = log.stats();
        let newest = lengths.len() as u64;
        prop_assert_eq!(&seen, &(newest - stats.events + 1..=newest).collect::<Vec<_>>());
        prop_assert!(stats.events <= events as u64 && (stats.bytes <= bytes as u64 || stats.events == 1));
    }
}
