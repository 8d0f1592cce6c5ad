//! The predictions for a network against a simulator that sends every request and every answer. It uses no
//! formula and no deaf window. Seeded, so it fails always or never.

use contract::{Arrivals, Calibration, Network, Pattern, Period};
use model::{Prediction, predict};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Exp};

use crate::trial::{Trial, assert_within};

const EVENTS: usize = 40_000;
const RATE_HZ: f64 = 5.0;
/// The delay on loopback: from publication to reception, and half of it for a request.
const TRANSIT_S: f64 = 0.000_4;

/// One direction of a connection: half the round trip, and jitter that never lets one overtake another.
struct Leg {
    s: f64,
    jitter_s: f64,
    random: ChaCha8Rng,
    last_s: f64,
}

impl Leg {
    fn new(s: f64, jitter_s: f64, seed: u64) -> Self {
        Self { s, jitter_s, random: ChaCha8Rng::seed_from_u64(seed), last_s: 0.0 }
    }

    fn arrives(&mut self, sent_s: f64) -> f64 {
        self.last_s = self.last_s.max(sent_s + self.s + self.jitter_s * self.random.random_range(0.0..1.0));
        self.last_s
    }
}

#[derive(Default)]
struct Seen {
    ages_s: Vec<f64>,
    requests: u64,
    empty: u64,
}

impl Seen {
    fn take(&mut self, events_s: &[f64], looks_s: f64, received_s: f64) {
        let waiting = &events_s[self.ages_s.len()..];
        let news = waiting.iter().take_while(|&&event_s| event_s <= looks_s).count();
        self.requests += 1;
        self.empty += u64::from(news == 0);
        self.ages_s.extend(waiting[..news].iter().map(|event_s| received_s - event_s));
    }

    fn mean_ms(&self) -> f64 {
        self.ages_s.iter().sum::<f64>() / self.ages_s.len() as f64 * 1e3
    }

    fn quantile_ms(&self, quantile: f64) -> f64 {
        let mut ages_s = self.ages_s.clone();
        ages_s.sort_by(f64::total_cmp);
        ages_s[(quantile * ages_s.len() as f64) as usize] * 1e3
    }

    fn requests_per_event(&self) -> f64 {
        self.requests as f64 / self.ages_s.len() as f64
    }
}

fn short_poll(events_s: &[f64], trial: &Trial, up: &mut Leg, down: &mut Leg) -> Seen {
    let interval_s = trial.params.poll_interval_ms.expect("it polls") / 1e3;
    let mut seen = Seen::default();
    let mut tick_s = trial.poll_phase * interval_s;
    while seen.ages_s.len() < events_s.len() {
        let looks_s = up.arrives(tick_s) + TRANSIT_S / 2.0;
        let received_s = down.arrives(looks_s) + TRANSIT_S / 2.0;
        seen.take(events_s, looks_s, received_s);
        tick_s += interval_s;
        while tick_s < received_s {
            tick_s += interval_s;
        }
    }
    seen
}

fn long_poll(events_s: &[f64], trial: &Trial, up: &mut Leg, down: &mut Leg) -> Seen {
    let [hold_s, turnaround_s] =
        [trial.params.hold_ms, trial.params.turnaround_ms].map(|ms| ms.expect("it is held") / 1e3);
    let mut seen = Seen::default();
    let mut arrives_s = 0.0_f64;
    while let Some(&next_s) = events_s.get(seen.ages_s.len()) {
        let looks_s = next_s.max(arrives_s).min(arrives_s + hold_s);
        let received_s = down.arrives(looks_s) + TRANSIT_S;
        seen.take(events_s, looks_s, received_s);
        arrives_s = up.arrives(received_s + turnaround_s) + TRANSIT_S / 2.0;
    }
    seen
}

fn push(events_s: &[f64], down: &mut Leg) -> Seen {
    let ages_s = events_s.iter().map(|&event_s| down.arrives(event_s) + TRANSIT_S - event_s);
    Seen { ages_s: ages_s.collect(), ..Seen::default() }
}

fn simulate(pattern: Pattern, trial: &Trial, network: Network) -> Seen {
    let events_s: Vec<f64> = trial.schedule.due_ns.iter().map(|&ns| ns as f64 * 1e-9).collect();
    let (leg_s, jitter_s) = (network.rtt.as_secs_f64() / 2.0, network.jitter.as_secs_f64());
    let mut up = Leg::new(leg_s, jitter_s, 1);
    let mut down = Leg::new(leg_s, jitter_s, 2);
    match pattern {
        Pattern::ShortPolling => short_poll(&events_s, trial, &mut up, &mut down),
        Pattern::LongPolling => long_poll(&events_s, trial, &mut up, &mut down),
        Pattern::Sse | Pattern::WebSocket => push(&events_s, &mut down),
    }
}

fn trials() -> [Trial; 2] {
    let mut random = ChaCha8Rng::seed_from_u64(29);
    let poisson = Exp::new(RATE_HZ).expect("a positive rate");
    let mut now_ms = 0.0;
    let mut random_ms = || {
        now_ms += 1e3 * poisson.sample(&mut random);
        now_ms
    };
    let random_ms: Vec<f64> = (0..EVENTS).map(|_| random_ms()).collect();
    let steady_ms: Vec<f64> = (0..EVENTS).map(|event| 100.0 + event as f64 * 1e3 / RATE_HZ).collect();
    let trial = |arrivals: Arrivals, due_ms: &[f64]| {
        let mut trial = Trial::new(due_ms, 32, 0.0, due_ms[EVENTS - 1] + 1.0);
        trial.arrivals = arrivals;
        trial.params.subscribers = 1;
        // Neither locks to 5 events a second.
        trial.params.poll_interval_ms = Some(618.034);
        trial.params.turnaround_ms = Some(23.7);
        trial.calibration = Calibration { transit_us: TRANSIT_S * 1e6, ..Calibration::default() };
        trial
    };
    [
        trial(Arrivals::Poisson { rate_hz: RATE_HZ }, &random_ms),
        trial(Arrivals::Steady { rate_hz: RATE_HZ }, &steady_ms),
    ]
}

fn compare(what: &str, tolerance: f64, found: &Prediction, seen: &Seen) {
    assert_within(tolerance, &format!("{what}: mean"), found.age.mean_ms(), seen.mean_ms());
    for quantile in [0.5, 0.99] {
        let what = format!("{what}: quantile {quantile}");
        assert_within(1.5 * tolerance, &what, found.age.quantile_ms(quantile), seen.quantile_ms(quantile));
    }
    if seen.requests > 0 {
        assert_within(
            tolerance,
            &format!("{what}: requests"),
            found.requests_per_event,
            seen.requests_per_event(),
        );
        let empty = seen.empty as f64 / seen.requests as f64;
        assert!((found.empty_ratio - empty).abs() < tolerance, "{what}: empty {} {empty}", found.empty_ratio);
    }
}

fn check(trial: &mut Trial, network: Network, closed: f64, replayed: f64) {
    trial.params.network = Some(network);
    for pattern in Pattern::ALL {
        let seen = simulate(pattern, trial, network);
        let predicted = predict(pattern, &trial.inputs());
        let what = format!("{pattern}, {network:?}, {:?}", trial.arrivals);
        compare(
            &format!("replay of {what}"),
            replayed,
            &predicted.replayed.expect("the server keeps up"),
            &seen,
        );
        match predicted.closed_form {
            Ok(prediction) => compare(&format!("closed form of {what}"), closed, &prediction, &seen),
            // Between the shortest and the longest deaf window a steady schedule has no formula.
            Err(reason) => assert!(reason.0.contains("depends on the jitter"), "{what}: {reason}"),
        }
    }
}

#[test]
fn round_trips_of_20_100_and_300_ms() {
    for mut trial in trials() {
        for rtt_ms in [0, 20, 100, 300] {
            let network = Network { rtt: Period::from_millis(rtt_ms), ..Network::default() };
            check(&mut trial, network, 0.015, 0.000_5);
        }
    }
}

#[test]
fn polls_that_outlast_their_interval_are_skipped() {
    let [mut poisson, mut steady] = trials();
    for trial in [&mut poisson, &mut steady] {
        trial.params.poll_interval_ms = Some(123.607);
        let network = Network { rtt: Period::from_millis(300), ..Network::default() };
        check(trial, network, 0.015, 0.000_5);
        let prediction = predict(Pattern::ShortPolling, &trial.inputs()).replayed.unwrap();
        // Every third tick.
        assert_within(0.01, "requests", prediction.requests_per_event, 1.0 / (RATE_HZ * 3.0 * 0.123_607));
        // Chance decides whether a poll of 100.4 ms is over at a tick after 100.5 ms.
        trial.params.poll_interval_ms = Some(100.5);
        trial.params.network = Some(Network { rtt: Period::from_millis(100), ..Network::default() });
        let reason = predict(Pattern::ShortPolling, &trial.inputs()).replayed.unwrap_err();
        assert!(reason.0.contains("chance decides"), "{reason}");
    }
}

#[test]
fn jitter_without_reordering() {
    let [mut poisson, mut steady] = trials();
    for (rtt_ms, jitter_ms) in [(100, 10), (100, 40), (20, 60)] {
        let network = Network {
            rtt: Period::from_millis(rtt_ms),
            jitter: Period::from_millis(jitter_ms),
            ..Network::default()
        };
        check(&mut poisson, network, 0.025, 0.015);
        check(&mut steady, network, 0.025, 0.015);
    }
}
