//! The closed forms against a simulator that uses none of them: it advances event by event and request by
//! request. Seeded, so it fails always or never.
//!
//! Tolerances are tight where a quantile is smooth, and 4 % at the knee, where 1 − p is near the delayed
//! fraction and a quantile needs many events.

use std::collections::VecDeque;

use model::{Gaps, deaf_window, fan_out, rearm, short_polling};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Exp};

use crate::trial::assert_within;

const EVENTS: usize = 500_000;

/// The findings of a simulated subscriber. Waits come on top of the one-way delay of an answer.
#[derive(Default)]
struct Seen {
    waits_s: Vec<f64>,
    requests: u64,
    empty: u64,
}

impl Seen {
    fn sort(mut self) -> Self {
        self.waits_s.sort_by(f64::total_cmp);
        self
    }

    fn mean_s(&self) -> f64 {
        self.waits_s.iter().sum::<f64>() / self.waits_s.len() as f64
    }

    /// Of sorted waits.
    fn quantile_s(&self, quantile: f64) -> f64 {
        self.waits_s[(quantile * self.waits_s.len() as f64) as usize]
    }

    fn requests_per_event(&self) -> f64 {
        self.requests as f64 / self.waits_s.len() as f64
    }

    fn empty_ratio(&self) -> f64 {
        self.empty as f64 / self.requests as f64
    }
}

fn random(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

/// Instants of events from the gaps between them.
fn instants(events: usize, mut gap_s: impl FnMut() -> f64) -> Vec<f64> {
    let mut now_s = 0.0;
    let mut next = || {
        now_s += gap_s();
        now_s
    };
    (0..events).map(|_| next()).collect()
}

fn poisson(rate_hz: f64, events: usize, random: &mut impl Rng) -> Vec<f64> {
    let gaps = Exp::new(rate_hz).expect("a positive rate");
    instants(events, || gaps.sample(random))
}

/// Bursts whose starts are `every_s` ± 25 % apart.
fn bursts(count: usize, events: u32, spacing_s: f64, every_s: f64, random: &mut impl Rng) -> Vec<f64> {
    instants(count, || every_s * random.random_range(0.75..1.25))
        .into_iter()
        .flat_map(|start_s| (0..events).map(move |event| start_s + f64::from(event) * spacing_s))
        .collect()
}

/// Polls every `interval_s`; each poll gets all events so far.
fn poll_on_a_timer(events_s: &[f64], interval_s: f64, first_s: f64) -> Seen {
    let mut seen = Seen::default();
    let mut now_s = first_s;
    while seen.waits_s.len() < events_s.len() {
        let waiting = &events_s[seen.waits_s.len()..];
        let news = waiting.iter().take_while(|&&event_s| event_s <= now_s).count();
        seen.requests += 1;
        seen.empty += u64::from(news == 0);
        seen.waits_s.extend(waiting[..news].iter().map(|event_s| now_s - event_s));
        now_s += interval_s;
    }
    seen
}

/// Sends a request, is held, gets an answer or a time-out, and has a deaf window of `gap_s` until the next.
fn long_poll(events_s: &[f64], gap_s: f64, hold_s: f64) -> Seen {
    let mut seen = Seen::default();
    let mut arrives_s = 0.0;
    while let Some(&next_s) = events_s.get(seen.waits_s.len()) {
        seen.requests += 1;
        let leaves_s = if next_s <= arrives_s {
            arrives_s
        } else if next_s < arrives_s + hold_s {
            next_s
        } else {
            seen.empty += 1;
            arrives_s + hold_s
        };
        let waiting = &events_s[seen.waits_s.len()..];
        let news = waiting.iter().take_while(|&&event_s| event_s <= leaves_s).count();
        seen.waits_s.extend(waiting[..news].iter().map(|event_s| leaves_s - event_s));
        arrives_s = leaves_s + gap_s;
    }
    seen
}

#[test]
fn short_polling_of_poisson_events() {
    for rate_hz in [0.1, 1.0, 5.0, 20.0, 100.0] {
        let mut random = random(2);
        let events_s = poisson(rate_hz, EVENTS, &mut random);
        let seen = poll_on_a_timer(&events_s, 1.0, random.random()).sort();
        let gaps = Gaps::Poisson { rate_hz };
        assert_within(0.005, "mean", seen.mean_s(), 0.5);
        assert_within(0.005, "p50", seen.quantile_s(0.5), 0.5);
        assert_within(0.005, "p99", seen.quantile_s(0.99), 0.99);
        let requests = short_polling::requests_per_event(gaps, 1.0);
        assert_within(0.005, "requests", seen.requests_per_event(), requests);
        let empty = short_polling::empty_ratio(gaps, 1.0);
        assert!((seen.empty_ratio() - empty).abs() < 0.005, "{rate_hz}/s");
    }
}

#[test]
fn short_polling_of_steady_events() {
    for (period_s, interval_s) in [(1.0, 0.618_034), (0.3, 0.618_034), (2.0, 0.161_803_4)] {
        let events_s = instants(EVENTS, || period_s);
        let seen = poll_on_a_timer(&events_s, interval_s, 0.1).sort();
        let gaps = Gaps::Steady { period_s };
        assert_within(0.005, "mean", seen.mean_s(), interval_s / 2.0);
        assert_within(0.005, "p99", seen.quantile_s(0.99), interval_s * 0.99);
        let requests = short_polling::requests_per_event(gaps, interval_s);
        assert_within(0.005, "requests", seen.requests_per_event(), requests);
        let empty = short_polling::empty_ratio(gaps, interval_s);
        assert!((seen.empty_ratio() - empty).abs() < 0.001, "every {interval_s} s");
    }
}

#[test]
fn short_polling_of_bursts() {
    // Intervals shorter than the spacing, within a burst, between bursts, and longer than some gaps.
    for interval_s in [0.02, 0.2, 1.0, 2.9] {
        let seen = poll_on_a_timer(&bursts(30_000, 10, 0.05, 3.0, &mut random(3)), interval_s, 0.01);
        let gaps = Gaps::Bursts { events: 10, spacing_s: 0.05, every_s: 3.0 };
        assert_within(0.005, "mean", seen.mean_s(), interval_s / 2.0);
        let requests = short_polling::requests_per_event(gaps, interval_s);
        assert_within(0.005, "requests", seen.requests_per_event(), requests);
        let empty = short_polling::empty_ratio(gaps, interval_s);
        assert!((seen.empty_ratio() - empty).abs() < 0.005, "every {interval_s} s");
    }
}

#[test]
fn long_polling_of_poisson_events() {
    let gap_s = 0.1;
    for rate_hz in [0.1, 1.0, 5.0, 20.0, 100.0] {
        for hold_s in [2.0, 30.0] {
            let what = |quantity: &str| format!("{quantity} at {rate_hz}/s, hold {hold_s} s");
            let events_s = poisson(rate_hz, EVENTS, &mut random(5));
            let seen = long_poll(&events_s, gap_s, hold_s).sort();
            let cycle_s = rearm::mean_cycle_s(rate_hz, gap_s, hold_s);

            // With a one-way delay of 50 ms for the answer.
            let mean_s = 0.05 + deaf_window::mean_extra_s(gap_s * gap_s, cycle_s);
            assert_within(0.01, &what("mean"), 0.05 + seen.mean_s(), mean_s);
            let p50_s = 0.05 + deaf_window::quantile_extra_s(0.5, gap_s, cycle_s);
            assert_within(0.01, &what("p50"), 0.05 + seen.quantile_s(0.5), p50_s);
            // Where 1 − p is near the delayed fraction the quantile depends on few events.
            let p99_s = 0.05 + deaf_window::quantile_extra_s(0.99, gap_s, cycle_s);
            assert_within(0.04, &what("p99"), 0.05 + seen.quantile_s(0.99), p99_s);
            assert!(seen.quantile_s(0.999_999) <= gap_s, "{}", what("oldest"));

            let delayed = seen.waits_s.iter().filter(|&&wait_s| wait_s > 0.0).count();
            let fraction = deaf_window::delayed_fraction(gap_s, cycle_s);
            assert_within(0.015, &what("delayed"), delayed as f64 / EVENTS as f64, fraction);

            let requests = 1.0 / (rate_hz * cycle_s);
            assert_within(0.01, &what("requests"), seen.requests_per_event(), requests);
            let empty = rearm::empty_ratio(rate_hz, gap_s, hold_s);
            assert!((seen.empty_ratio() - empty).abs() < 0.01 * empty.max(0.1), "{}", what("empty"));
        }
    }
}

#[test]
fn a_short_hold_costs_5_28_requests_per_event() {
    let cycle_s = rearm::mean_cycle_s(0.1, 0.1, 2.0);
    assert_within(0.001, "requests", 1.0 / (0.1 * cycle_s), 5.28);
}

#[test]
fn long_polling_of_steady_events() {
    // Farther apart than the deaf window, each finds a parked request; the hold ends twice.
    let seen = long_poll(&instants(10_000, || 5.0), 0.1, 2.0);
    assert_within(1e-9, "mean", 1.0 + seen.mean_s(), 1.0);
    let course = rearm::course(Gaps::Steady { period_s: 5.0 }, 0.1, 2.0, 0.0);
    assert_within(0.001, "requests", seen.requests_per_event(), course.answers + course.timeouts);
    assert_within(0.001, "empty", seen.empty_ratio(), 2.0 / 3.0);

    // Closer than the deaf window. A common divisor of the two leaves a term of up to its half:
    // 5 ms of 50 ms in the last case.
    for (period_s, tolerance) in [(0.061_803_4, 0.005), (0.003, 0.02), (0.03, 0.1)] {
        let seen = long_poll(&instants(10_000, || period_s), 0.1, 2.0);
        let course = rearm::course(Gaps::Steady { period_s }, 0.1, 2.0, 0.0);
        assert_within(tolerance, "requests", seen.requests_per_event(), course.answers);
        assert_within(tolerance, "mean", seen.mean_s(), 0.05);
    }
}

#[test]
fn long_polling_of_bursts() {
    for (events, spacing_s, mean_s, answers) in [(10, 0.01, 0.045, 2.0), (30, 0.010_3, 0.047_3, 4.0)] {
        let gaps = Gaps::Bursts { events, spacing_s, every_s: 3.0 };
        // A hold longer than every gap, and one that ends a few times before the next burst.
        for (hold_s, tolerance) in [(30.0, 0.003), (0.7, 0.08)] {
            let seen = long_poll(&bursts(3_000, events, spacing_s, 3.0, &mut random(7)), 0.1, hold_s);
            assert_within(tolerance, "mean", seen.mean_s(), mean_s);
            let course = rearm::course(gaps, 0.1, hold_s, 0.0);
            let extra_s: f64 = course.deaf.iter().map(|piece| piece.share * piece.from_s).sum();
            assert_within(0.002, "formula", extra_s, mean_s);
            assert_within(1e-9, "answers", course.answers * f64::from(events), answers);
            let requests = course.answers + course.timeouts;
            assert_within(tolerance, "requests", seen.requests_per_event(), requests);
            assert_within(
                tolerance.max(0.001),
                "empty",
                1.0 + seen.empty_ratio(),
                1.0 + course.timeouts / requests,
            );
        }
    }
}

/// A stream that is open for exponential times with mean 60 s and disconnected for 1 to 5 s.
#[test]
fn a_stream_that_is_cut_obeys_the_deaf_window_law() {
    let mut random = random(11);
    let events_s = poisson(0.5, 1_000_000, &mut random);
    let lives = Exp::new(1.0 / 60.0).unwrap();
    let (mut deaf_from_s, mut deaf_until_s) = (0.0, 0.0);
    let mut waits_s = Vec::new();
    for &event_s in &events_s {
        while deaf_until_s < event_s {
            deaf_from_s = deaf_until_s + lives.sample(&mut random);
            deaf_until_s = deaf_from_s + random.random_range(1.0..5.0);
        }
        waits_s.push(if event_s < deaf_from_s { 0.0 } else { deaf_until_s - event_s });
    }
    let events = waits_s.len() as f64;
    let delayed = waits_s.iter().filter(|&&wait_s| wait_s > 0.0).count() as f64;
    // E[D] = 3 s, E[D²] = 3² + 4²/12.
    let cycle_s = 63.0;
    assert_within(0.015, "delayed", delayed / events, deaf_window::delayed_fraction(3.0, cycle_s));
    let extra_s = deaf_window::mean_extra_s(9.0 + 16.0 / 12.0, cycle_s);
    assert_within(0.015, "mean", waits_s.iter().sum::<f64>() / events, extra_s);
}

/// A worker that serves waiting subscribers one after the other, each with all events so far.
#[test]
fn fan_outs_do_not_queue() {
    const SUBSCRIBERS: usize = 100;
    let write_s = 0.000_5;
    let gaps = Gaps::Poisson { rate_hz: 10.0 };
    let events_s = poisson(10.0, 5_000, &mut random(13));
    let mut cursors = [0; SUBSCRIBERS];
    let (mut waiting, mut published) = (VecDeque::new(), 0);
    let (mut now_s, mut sum_s, mut joined) = (0.0_f64, 0.0, 0);
    loop {
        if waiting.is_empty() {
            let Some(&next_s) = events_s.get(published) else {
                break;
            };
            now_s = now_s.max(next_s);
        }
        while events_s.get(published).is_some_and(|&event_s| event_s <= now_s) {
            published += 1;
            let idle = (0..SUBSCRIBERS).filter(|subscriber| !waiting.contains(subscriber));
            let woken: Vec<usize> = idle.collect();
            waiting.extend(woken);
        }
        let subscriber = waiting.pop_front().expect("a subscriber was woken");
        let batch = &events_s[cursors[subscriber]..published];
        sum_s += batch.iter().map(|event_s| now_s - event_s).sum::<f64>();
        joined += batch.len() - 1;
        cursors[subscriber] = published;
        now_s += write_s;
    }
    let deliveries = (events_s.len() * SUBSCRIBERS) as f64;
    let fan_out_s = SUBSCRIBERS as f64 * write_s;
    assert_within(0.02, "wait", sum_s / deliveries, (fan_out_s - write_s) / 2.0);
    let share = fan_out::mean_joined(gaps, fan_out_s);
    assert_within(0.02, "joined", joined as f64 / deliveries, share);
}
