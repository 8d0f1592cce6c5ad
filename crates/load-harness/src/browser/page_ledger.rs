//! Converts what a page noted by its own clock into the counts of a trial: ages, deliveries, requests.

use contract::{Cursor, Delivery, RequestLedger, Stamped, Window};
use schedule::Schedule;
use serde::Deserialize;

use super::clock::PageClock;
use crate::data::{
    recorder::Recorder,
    sequence::{Arrival, Sequence},
    started::Started,
};

/// The page's notes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Notes {
    deliveries: Vec<Noted>,
    asks: Vec<Ask>,
    /// Ticks of the poll timer that came while the previous poll was still in flight.
    skipped_ms: Vec<f64>,
    /// When the notes were collected.
    now_ms: f64,
}

/// An event that the page received.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Noted {
    id: String,
    data: String,
    at_ms: f64,
}

/// A request, or the opening of a stream.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ask {
    asked_ms: f64,
    /// None while it is in flight.
    answered_ms: Option<f64>,
    events: u32,
    is_poll: bool,
    failed: bool,
}

/// The counts of the notes.
#[derive(Debug, Default)]
pub(super) struct Counted {
    pub(super) recorder: Recorder,
    pub(super) delivery: Delivery,
    pub(super) requests: RequestLedger,
    /// Events that arrived in the window.
    pub(super) window_received: u64,
    /// Bytes of their texts.
    pub(super) window_payload: u64,
    /// Bytes of all texts.
    pub(super) payload: u64,
    /// Events that arrived before they were due, by more than the clocks' error bound.
    pub(super) too_early: u64,
}

impl Notes {
    /// Counts the notes for a published schedule, on the server's clock.
    pub(super) fn count(&self, clock: PageClock, started: Started, schedule: &Schedule) -> Counted {
        let Started { start_ns, window, numbers: (first, end) } = started;
        let mut counted = Counted::default();
        counted.delivery.expected = end - first;
        let mut sequence = Sequence::starting_after(first.saturating_sub(1));
        for noted in &self.deliveries {
            let bytes = noted.data.len() as u64;
            let at_ns = clock.server_ns(noted.at_ms);
            counted.payload += bytes;
            if is_within(window, start_ns, at_ns) {
                counted.window_received += 1;
                counted.window_payload += bytes;
            }
            let cursor = noted.id.parse::<Cursor>().ok().filter(|cursor| (first..end).contains(&cursor.seq));
            let (Some(cursor), Some(Stamped { due_ns, .. })) = (cursor, Stamped::parse(&noted.data)) else {
                counted.delivery.foreign += 1;
                continue;
            };
            match sequence.receive(cursor.seq) {
                Arrival::New => {}
                Arrival::Reordered => counted.delivery.reordered += 1,
                Arrival::Duplicate => {
                    counted.delivery.duplicated += 1;
                    continue;
                }
            }
            counted.delivery.received += 1;
            let age_ns = at_ns - due_ns as i64;
            if (age_ns as f64) < -clock.bound_us * 1e3 {
                counted.too_early += 1;
            }
            let due_ns = due_ns.saturating_sub(start_ns);
            counted.recorder.record(window, due_ns, u64::try_from(age_ns).unwrap_or(0));
        }
        let now_ns = clock.server_ns(self.now_ms);
        for seq in sequence.missing_in(first, end) {
            counted.delivery.lost += 1;
            if let Some(event) = schedule.events().get((seq - first) as usize) {
                let age_ns = now_ns - (start_ns + event.due_ns) as i64;
                counted.recorder.censor(window, event.due_ns, u64::try_from(age_ns).unwrap_or(0));
            }
        }
        counted.requests = self.requests(clock, started);
        counted
    }

    fn requests(&self, clock: PageClock, Started { start_ns, window, .. }: Started) -> RequestLedger {
        let is_in_window = |at_ms: f64| is_within(window, start_ns, clock.server_ns(at_ms));
        let mut requests = RequestLedger { life: self.asks.len() as u64, ..RequestLedger::default() };
        let first_stream = self.asks.iter().position(|ask| !ask.is_poll);
        for (number, ask) in self.asks.iter().enumerate() {
            requests.failed += u64::from(ask.failed);
            requests.reconnects += u64::from(!ask.is_poll && first_stream != Some(number));
            if !is_in_window(ask.asked_ms) {
                continue;
            }
            requests.window += 1;
            if let (Some(answered_ms), true) = (ask.answered_ms, ask.is_poll) {
                requests.window_empty += u64::from(ask.events == 0 && !ask.failed);
                requests.exchanges += 1;
                requests.exchange_sum_us += (answered_ms - ask.asked_ms).max(0.0) * 1e3;
            }
        }
        requests.window_skipped = self.skipped_ms.iter().filter(|at_ms| is_in_window(**at_ms)).count() as u64;
        requests
    }
}

/// Whether an instant of the epoch lies in the window of a schedule.
fn is_within(window: Window, start_ns: u64, at_ns: i64) -> bool {
    u64::try_from(at_ns - start_ns as i64).is_ok_and(|since_start_ns| window.contains(since_start_ns))
}

#[cfg(test)]
mod tests {
    use contract::{Arrivals, Period, stamp};
    use serde_json::{Value, json};

    use super::*;
    use crate::browser::clock::Trip;

    const SECOND_NS: u64 = 1_000_000_000;
    /// Instant 0 of the schedule, when the page's clock is 1 s.
    const START_NS: u64 = 5 * SECOND_NS;

    fn notes(deliveries: &[Value], asks: &[Value]) -> Notes {
        let notes =
            json!({ "deliveries": deliveries, "asks": asks, "skipped_ms": [1_500.0], "now_ms": 6_000.0 });
        serde_json::from_value(notes).unwrap()
    }

    /// Four events, one per second from 0.5 s; the last three are in the window.
    fn count(notes: &Notes) -> Counted {
        let trip: Trip = serde_json::from_value(
            json!({ "asked_ms": 0.0, "server_ns": 4 * SECOND_NS, "answered_ms": 0.0 }),
        )
        .unwrap();
        let clock = PageClock::of(&[trip]).unwrap();
        let length = Period::from_millis(4_000);
        let schedule = Schedule::build(&Arrivals::Steady { rate_hz: 1.0 }, None, 1, length, 40).unwrap();
        let window = Window { start_ns: SECOND_NS, end_ns: 4 * SECOND_NS };
        notes.count(clock, Started { start_ns: START_NS, window, numbers: (1, 5) }, &schedule)
    }

    /// An event that is due `due_ms` after the schedule's start and came `age_ms` later.
    fn event(seq: u64, due_ms: u64, age_ms: f64) -> Value {
        let data = stamp(START_NS + due_ms * 1_000_000, "text");
        json!({ "id": format!("k3v9qa.{seq}"), "data": data, "at_ms": 1_000.0 + due_ms as f64 + age_ms })
    }

    #[test]
    fn ages_are_told_on_the_servers_clock_and_what_never_came_is_censored() {
        let counted = count(&notes(
            &[event(1, 500, 3.0), event(3, 2_500, 5.0), event(2, 1_500, 1_010.0), event(3, 2_500, 9.0)],
            &[],
        ));
        let Delivery { expected, received, lost, duplicated, reordered, foreign } = counted.delivery;
        assert_eq!((expected, received, lost, duplicated, reordered, foreign), (4, 3, 1, 1, 1, 0));
        let ages = counted.recorder.ages();
        assert_eq!((ages.arrived.count, ages.arrived.mean_us().map(f64::round)), (2, Some(507_500.0)));
        assert_eq!((ages.censored, ages.censored_min_us), (1, 1_500_000), "the fourth, due at 3.5 s of 5");
        assert_eq!(counted.too_early, 0);
    }

    /// The window is from 1 to 4 s: an event of the warm-up arrives in it, and the last one after it.
    #[test]
    fn what_the_page_got_in_the_window_counts_beside_its_text_whatever_its_due() {
        let events =
            [event(1, 500, 600.0), event(2, 1_500, 3.0), event(3, 2_500, 1_490.0), event(4, 3_500, 600.0)];
        let counted = count(&notes(&events, &[]));
        let bytes = stamp(START_NS + 500_000_000, "text").len() as u64;
        assert_eq!((counted.window_received, counted.window_payload), (3, 3 * bytes));
        assert_eq!((counted.delivery.received, counted.payload), (4, 4 * bytes));
    }

    #[test]
    fn an_event_before_its_due_is_doubtful_and_others_events_are_foreign() {
        let foreign = json!({ "id": "k3v9qa.2", "data": "no stamp", "at_ms": 1_600.0 });
        let odd = json!({ "id": "nonsense", "data": stamp(1, "x"), "at_ms": 1_600.0 });
        let counted = count(&notes(&[event(1, 500, -3.0), foreign, odd], &[]));
        assert_eq!((counted.too_early, counted.delivery.foreign, counted.delivery.received), (1, 2, 1));
    }

    #[test]
    fn requests_are_counted_in_the_window_and_in_the_whole_life() {
        let ask = |asked_ms: f64, took_ms: Option<f64>, events: u32, is_poll: bool, failed: bool| {
            json!({ "asked_ms": asked_ms, "answered_ms": took_ms.map(|took| asked_ms + took), "events": events,
                    "is_poll": is_poll, "failed": failed })
        };
        let polls = [
            ask(1_100.0, Some(2.0), 0, true, false),
            ask(2_100.0, Some(2.0), 0, true, false),
            ask(3_100.0, Some(4.0), 1, true, false),
            ask(4_900.0, None, 0, true, false),
        ];
        let requests = count(&notes(&[], &polls)).requests;
        assert_eq!((requests.life, requests.window, requests.window_empty, requests.exchanges), (4, 3, 1, 2));
        assert_eq!((requests.exchange_sum_us.round(), requests.window_skipped), (6_000.0, 0));
        let streams = [ask(900.0, Some(1.0), 0, false, true), ask(2_500.0, Some(1.0), 0, false, false)];
        let requests = count(&notes(&[], &streams)).requests;
        assert_eq!((requests.life, requests.reconnects, requests.failed), (2, 1, 1));
    }

    #[test]
    fn what_the_page_tells_is_read_strictly() {
        for odd in [
            json!({}),
            json!({ "deliveries": [], "asks": [], "skipped_ms": [] }),
            json!({ "deliveries": [{ "id": "x" }], "asks": [], "skipped_ms": [], "now_ms": 1.0 }),
            json!({ "deliveries": [], "asks": [null], "skipped_ms": [], "now_ms": 1.0 }),
            json!({ "deliveries": [], "asks": [], "skipped_ms": [], "now_ms": "soon" }),
        ] {
            assert!(serde_json::from_value::<Notes>(odd.clone()).is_err(), "{odd}");
        }
    }
}
