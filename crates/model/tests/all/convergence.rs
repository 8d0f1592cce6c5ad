//! On a long schedule the replay converges to the closed form: two ways to the same number.

use contract::{Arrivals, Calibration, Pattern, Period};
use model::{BytesPerEvent, Prediction, predict};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Exp};

use crate::trial::{Trial, assert_within};

const EVENTS: usize = 20_000;

fn calibration() -> Calibration {
    Calibration {
        subscribers: 10,
        pace_us: 200.0,
        transit_us: 2_000.0,
        timer_late_us: 1_000.0,
        lateness_mean_us: 50.0,
        lateness_p99_us: 100.0,
        ages: contract::CalibratedAges::default(),
        ..Calibration::default()
    }
}

/// A schedule of these arrivals, 20 subscribers, no warm-up.
fn long_trial(arrivals: Arrivals, due_ms: &[f64]) -> Trial {
    let length_ms = due_ms[due_ms.len() - 1] + 500.0;
    let mut trial = Trial::new(due_ms, 100, 0.0, length_ms);
    trial.params.subscribers = 20;
    trial.arrivals = arrivals;
    trial.calibration = calibration();
    trial
}

fn sums(gap_ms: impl FnMut() -> f64) -> Vec<f64> {
    let gaps = std::iter::repeat_with(gap_ms).take(EVENTS);
    gaps.scan(0.0, |now_ms, gap_ms| {
        *now_ms += gap_ms;
        Some(*now_ms)
    })
    .collect()
}

fn reported(prediction: &Prediction) -> &BytesPerEvent {
    prediction.bytes.as_ref().expect("HTTP/1.1 in clear has no unknown bytes")
}

fn compare(trial: &Trial) {
    let tolerance = 0.02;
    for pattern in Pattern::ALL {
        let predicted = predict(pattern, &trial.inputs());
        let closed = predicted.closed_form.expect("it has a closed form");
        let replayed = predicted.replayed.expect("the server keeps up");
        let same = |what: &str, number: fn(&Prediction) -> f64| {
            let what = format!("{what} of {pattern}");
            assert_within(tolerance, &what, number(&replayed), number(&closed));
        };
        same("mean age", |prediction| prediction.age.mean_ms());
        for quantile in [0.5, 0.99] {
            let [found_ms, expected_ms] =
                [&replayed, &closed].map(|prediction| prediction.age.quantile_ms(quantile));
            // A row of 20 subscribers has 20 ages, c apart, where the closed form is continuous;
            // and where 1 − p is near the delayed fraction the quantile depends on few events.
            let allowed_ms = 0.2 + 0.02 * expected_ms;
            assert!(
                (found_ms - expected_ms).abs() < allowed_ms,
                "quantile {quantile} of {pattern}: {found_ms} ms instead of {expected_ms} ms",
            );
        }
        same("requests per event", |prediction| prediction.requests_per_event);
        same("full answers", |prediction| 1.0 - prediction.empty_ratio);
        same("payload", |prediction| reported(prediction).payload);
        same("headers", |prediction| reported(prediction).headers);
        same("framing", |prediction| reported(prediction).framing);
        same("all bytes", |prediction| reported(prediction).total());
        same("sockets", |prediction| prediction.sockets_held);
    }
}

#[test]
fn poisson_schedules_tend_to_the_closed_form() {
    for rate_hz in [0.5, 2.0, 20.0] {
        let mut random = ChaCha8Rng::seed_from_u64(17);
        let gaps = Exp::new(rate_hz / 1e3).unwrap();
        let trial = long_trial(Arrivals::Poisson { rate_hz }, &sums(|| gaps.sample(&mut random)));
        compare(&trial);
    }
}

#[test]
fn steady_schedules_tend_to_the_closed_form() {
    // Slower than holds and polls, between them, and faster than the deaf window; all of them
    // without a common divisor with the poll interval.
    for period_s in [3.381_966, 0.381_966, 0.012_87] {
        let rate_hz = 1.0 / period_s;
        let trial = long_trial(Arrivals::Steady { rate_hz }, &sums(|| 1e3 * period_s));
        compare(&trial);
    }
}

#[test]
fn bursts_tend_to_the_closed_form() {
    let mut random = ChaCha8Rng::seed_from_u64(19);
    let mut event = 0;
    let due_ms = sums(|| {
        event += 1;
        if event % 10 == 1 { 3_000.0 * random.random_range(0.75..1.25) - 9.0 * 7.0 } else { 7.0 }
    });
    let arrivals = Arrivals::Bursts {
        burst_events: 10,
        event_spacing: Period::from_millis(7),
        burst_every: Period::from_millis(3_000),
    };
    compare(&long_trial(arrivals, &due_ms));
}

#[test]
fn a_longer_schedule_comes_closer() {
    let rate_hz = 2.0;
    let mut random = ChaCha8Rng::seed_from_u64(23);
    let gaps = Exp::new(rate_hz / 1e3).unwrap();
    let due_ms = sums(|| gaps.sample(&mut random));
    let off = |events: usize| {
        let trial = long_trial(Arrivals::Poisson { rate_hz }, &due_ms[..events]);
        let predicted = predict(Pattern::LongPolling, &trial.inputs());
        let closed = predicted.closed_form.unwrap().requests_per_event;
        (predicted.replayed.unwrap().requests_per_event / closed - 1.0).abs()
    };
    assert!(off(EVENTS) < off(100), "{} and {}", off(EVENTS), off(100));
}
