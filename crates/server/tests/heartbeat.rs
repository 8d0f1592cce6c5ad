//! Heartbeats: steady, only after silence, or none, by every driver and over every transport. The unit tests of
//! the drivers check the exact instants, with tokio's clock paused.
#![allow(clippy::unwrap_used, reason = "a test may end where its premise fails")]

mod live;

use std::time::{Duration, Instant};

use contract::{Ablation, Heartbeat, Pattern, Period, Transport};
use futures_util::StreamExt;
use live::{Live, PATIENCE, Subscriber};
use server::AppSettings;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::Message;

const PERIOD: Duration = Duration::from_millis(150);

/// The shared writer, the task per connection, and the same over TLS and HTTP/2.
const WAYS: [(Ablation, Transport); 4] = [
    (Ablation::Best, Transport::Http1),
    (Ablation::OwnTasks, Transport::Http1),
    (Ablation::Best, Transport::Http1Tls),
    (Ablation::Best, Transport::Http2),
];

fn period() -> Period {
    Period::from_millis(PERIOD.as_millis() as u64)
}

/// The next item on a stream.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    Beat,
    Event(String),
}

async fn next(subscriber: &mut Subscriber) -> Next {
    if let Subscriber::WebSocket { socket } = subscriber {
        return match socket.next().await.unwrap().unwrap() {
            Message::Ping(payload) => {
                assert!(payload.is_empty());
                Next::Beat
            }
            Message::Text(text) => Next::Event(text.to_string()),
            other @ (Message::Binary(_) | Message::Pong(_) | Message::Close(_) | Message::Frame(_)) => {
                panic!("{other:?}")
            }
        };
    }
    match subscriber.block().await.unwrap() {
        comment if comment == ":" => Next::Beat,
        block => Next::Event(block),
    }
}

async fn for_each_way(heartbeat: Heartbeat, check: impl AsyncFn(Live, Subscriber)) {
    for (ablation, transport) in WAYS {
        for pattern in [Pattern::Sse, Pattern::WebSocket] {
            let live = Live::with(AppSettings { heartbeat, ablation, transport, ..AppSettings::default() });
            let (subscriber, _) = Subscriber::open(&live, pattern, None).await;
            check(live, subscriber).await;
        }
    }
}

#[tokio::test]
async fn off_means_that_nothing_is_sent_but_events() {
    for_each_way(Heartbeat::Off, async |live, mut subscriber| {
        sleep(PERIOD * 2).await;
        live.publish(["a"]);
        assert!(matches!(next(&mut subscriber).await, Next::Event(_)), "a heartbeat would have come first");
    })
    .await;
}

#[tokio::test]
async fn a_steady_heartbeat_comes_between_events_too() {
    for_each_way(Heartbeat::Every(period()), async |live, mut subscriber| {
        let published = async {
            loop {
                live.publish(["a"]);
                sleep(PERIOD / 5).await;
            }
        };
        let beaten = async { while next(&mut subscriber).await != Next::Beat {} };
        tokio::select! {
            () = published => {}
            beaten = timeout(PATIENCE, beaten) => beaten.expect("no heartbeat"),
        }
    })
    .await;
}

#[tokio::test]
async fn a_steady_heartbeat_is_never_early() {
    for pattern in [Pattern::Sse, Pattern::WebSocket] {
        let heartbeat = Heartbeat::Every(period());
        let live = Live::with(AppSettings { heartbeat, ..AppSettings::default() });
        let before = Instant::now();
        let (mut subscriber, _) = Subscriber::open(&live, pattern, None).await;
        for beats in 1..=10 {
            assert_eq!(timeout(PATIENCE, next(&mut subscriber)).await.unwrap(), Next::Beat);
            assert!(before.elapsed() >= PERIOD * beats, "{pattern}: {beats} after {:?}", before.elapsed());
        }
    }
}

#[tokio::test]
async fn an_idle_heartbeat_comes_only_after_a_whole_silent_period() {
    for_each_way(Heartbeat::WhenIdle(period()), async |live, mut subscriber| {
        let mut last_published = Instant::now();
        live.publish(["a"]);
        assert!(matches!(next(&mut subscriber).await, Next::Event(_)));
        for _ in 0..8 {
            sleep(PERIOD / 3).await;
            // On a busy machine an earlier heartbeat may have been sent, but never within a period of the
            // previous one.
            let mut silent_since = std::mem::replace(&mut last_published, Instant::now());
            live.publish(["a"]);
            while next(&mut subscriber).await == Next::Beat {
                assert!(silent_since.elapsed() >= PERIOD);
                silent_since += PERIOD;
            }
        }
        for beats in 1..=2 {
            assert_eq!(timeout(PATIENCE, next(&mut subscriber)).await.unwrap(), Next::Beat);
            assert!(last_published.elapsed() >= PERIOD * beats, "one a silent period");
        }
    })
    .await;
}
