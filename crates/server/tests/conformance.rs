//! Conformance tests: run for every pattern over every transport, and for the streams also with every ablation.
#![allow(clippy::unwrap_used, reason = "a test may end where its premise fails")]

mod live;

use contract::{Ablation, Pattern, Resume, Transport};
use event_log::Retention;
use live::{End, Live, Place, Subscriber};
use server::AppSettings;

/// The transport and the ablation of a server.
#[derive(Debug, Clone, Copy)]
struct Way {
    transport: Transport,
    ablation: Ablation,
}

impl Way {
    /// All transports with these ablations.
    fn all(ablations: &[Ablation]) -> impl Iterator<Item = Self> {
        let ways =
            |ablation: &Ablation| Transport::ALL.map(|transport| Self { transport, ablation: *ablation });
        ablations.iter().flat_map(ways)
    }

    fn live(self) -> Live {
        self.keeping(Retention::default().events)
    }

    fn keeping(self, events: usize) -> Live {
        let retention = Retention { events, ..Retention::default() };
        let Self { transport, ablation } = self;
        Live::with(AppSettings { retention, ablation, transport, ..AppSettings::default() })
    }
}

fn numbers(range: std::ops::RangeInclusive<u32>) -> Vec<String> {
    range.map(|number| format!("event {number}")).collect()
}

async fn in_order_and_once(pattern: Pattern, way: Way) {
    let live = way.live();
    let (mut subscriber, place) = Subscriber::open(&live, pattern, None).await;
    assert_eq!(place, Place { cursor: live.cursor(0), resume: Resume::Live, lost: None });
    for start in (1..=200).step_by(7) {
        live.publish(numbers(start..=(start + 6).min(200)));
        tokio::task::yield_now().await;
    }
    for seq in 1..=200 {
        let event = subscriber.next().await;
        assert_eq!((event.cursor, event.data), (live.cursor(seq), format!("event {seq}")));
    }
}

async fn every_text_arrives_unchanged(pattern: Pattern, way: Way) {
    let live = way.live();
    let (mut subscriber, _) = Subscriber::open(&live, pattern, None).await;
    let long = "long ".repeat(50_000);
    let texts = [
        &long,
        "a\nb",
        "quote \" backslash \\",
        "ünïcödé 🦀 \u{2028}",
        ": colon",
        " leading space",
        "tab\there",
    ];
    live.publish(texts);
    assert_eq!(subscriber.texts(texts.len()).await, texts);
    live.app.log().append(Some("trade".parse().unwrap()), "typed").unwrap();
    assert_eq!(subscriber.next().await.event_type.unwrap().as_str(), "trade");
}

async fn resumes_after_a_cursor(pattern: Pattern, way: Way) {
    let live = way.live();
    live.publish(numbers(1..=20));
    let after = live.cursor(12).to_string();
    let (mut subscriber, place) = Subscriber::open(&live, pattern, Some(&after)).await;
    assert_eq!((place.cursor, place.resume), (live.cursor(12), Resume::Live));
    assert_eq!(subscriber.texts(8).await, numbers(13..=20));
}

async fn last_event_id_wins_over_after(pattern: Pattern, way: Way) {
    let live = way.live();
    live.publish(numbers(1..=5));
    let query = format!("?after={}", live.cursor(1));
    let line = format!("last-event-id: {}\r\n", live.cursor(3));
    let (mut subscriber, _) = Subscriber::open_with(&live, pattern, &query, &line).await;
    assert_eq!(subscriber.texts(2).await, numbers(4..=5));
}

async fn a_late_joiner_gets_what_is_new(pattern: Pattern, way: Way) {
    let live = way.live();
    live.publish(numbers(1..=5));
    let (mut subscriber, place) = Subscriber::open(&live, pattern, None).await;
    assert_eq!(place.cursor, live.cursor(5));
    live.publish(["new"]);
    assert_eq!(subscriber.texts(1).await, ["new"]);
}

async fn after_zero_is_everything_kept(pattern: Pattern, way: Way) {
    let live = way.keeping(3);
    live.publish(numbers(1..=5));
    let (mut subscriber, place) = Subscriber::open(&live, pattern, Some("0")).await;
    assert_eq!((place.cursor, place.resume), (live.cursor(2), Resume::Live));
    assert_eq!(subscriber.texts(3).await, numbers(3..=5));
}

async fn two_subscribers_get_the_same(pattern: Pattern, way: Way) {
    let live = way.live();
    let (mut first, _) = Subscriber::open(&live, pattern, None).await;
    let (mut second, _) = Subscriber::open(&live, pattern, None).await;
    live.publish(numbers(1..=50));
    assert_eq!(first.texts(50).await, second.texts(50).await);
    let encodings = live.app.encodings().made();
    let is_streamed = matches!(pattern, Pattern::Sse | Pattern::WebSocket);
    if way.ablation == Ablation::EncodeEach && is_streamed {
        assert_eq!(encodings, 100, "each event is encoded for each of its two readers");
    } else {
        assert_eq!(encodings, 50, "each event is encoded once for all readers");
    }
}

async fn every_lost_place_is_told(pattern: Pattern, way: Way) {
    let live = way.keeping(2);
    live.publish(numbers(1..=5));
    let oldest = live.cursor(3);
    for (after, resume, lost) in [
        (live.cursor(1).to_string(), Resume::Expired, Some(2)),
        ("zzzzzz.4".to_owned(), Resume::Reset, None),
        (live.cursor(6).to_string(), Resume::Ahead, None),
    ] {
        let (mut subscriber, place) = Subscriber::open(&live, pattern, Some(&after)).await;
        assert_eq!(place, Place { cursor: oldest, resume, lost }, "{after}");
        assert_eq!(subscriber.texts(2).await, numbers(4..=5), "it continues from the oldest kept");
    }
    let garbage = "last-event-id: garbage\r\n";
    let (mut subscriber, place) = Subscriber::open_with(&live, pattern, "", garbage).await;
    assert_eq!((place.cursor, place.resume), (oldest, Resume::Reset));
    assert_eq!(subscriber.texts(2).await, numbers(4..=5));
}

async fn shutdown_ends_it_in_its_own_way(pattern: Pattern, way: Way) {
    let mut live = way.live();
    let (mut subscriber, _) = Subscriber::open(&live, pattern, None).await;
    let expected = match pattern {
        // A short poll is never held: it has its answer before the server stops.
        Pattern::ShortPolling => return live.stopped().await,
        Pattern::LongPolling => End::NoContent,
        Pattern::Sse => End::StreamEnded,
        Pattern::WebSocket => End::Closed(1_001),
    };
    let ended = tokio::spawn(async move { subscriber.end().await });
    live.parked(1).await;
    live.stop();
    assert_eq!(ended.await.unwrap(), expected);
    live.stopped().await;
}

async fn a_subscriber_that_leaves_leaves_nothing_behind(pattern: Pattern, way: Way) {
    let live = way.live();
    for _ in 0..20 {
        let (subscriber, _) = Subscriber::open(&live, pattern, None).await;
        drop(subscriber);
    }
    // Nothing is published: a leaked waiter would stay for ever.
    live.parked(0).await;
}

macro_rules! for_every_pattern {
    ($($promise:ident),* $(,)?) => {$(
        mod $promise {
            use contract::{Pattern, Ablation};

            use crate::Way;

            #[tokio::test]
            async fn short_polling() {
                for way in Way::all(&[Ablation::Best, Ablation::OwnTasks]) {
                    super::super::$promise(Pattern::ShortPolling, way).await;
                }
            }

            #[tokio::test]
            async fn long_polling() {
                for way in Way::all(&[Ablation::Best, Ablation::OwnTasks]) {
                    super::super::$promise(Pattern::LongPolling, way).await;
                }
            }

            #[tokio::test]
            async fn sse() {
                for way in Way::all(&Ablation::ALL) {
                    super::super::$promise(Pattern::Sse, way).await;
                }
            }

            #[tokio::test]
            async fn websocket() {
                for way in Way::all(&Ablation::ALL) {
                    super::super::$promise(Pattern::WebSocket, way).await;
                }
            }
        }
    )*};
}

mod promises {
    for_every_pattern!(
        in_order_and_once,
        every_text_arrives_unchanged,
        resumes_after_a_cursor,
        last_event_id_wins_over_after,
        a_late_joiner_gets_what_is_new,
        after_zero_is_everything_kept,
        two_subscribers_get_the_same,
        every_lost_place_is_told,
        shutdown_ends_it_in_its_own_way,
        a_subscriber_that_leaves_leaves_nothing_behind,
    );
}
