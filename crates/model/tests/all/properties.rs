//! With any settings, the numbers of a prediction are plausible.

use contract::{Arrivals, Calibration, Client, Heartbeat, Network, Pattern, Period, Transport};
use model::{Prediction, predict};
use proptest::prelude::*;

use crate::trial::Trial;

fn arrivals() -> impl Strategy<Value = Arrivals> {
    let rate_hz = 0.1..50.0;
    prop_oneof![
        rate_hz.clone().prop_map(|rate_hz| Arrivals::Steady { rate_hz }),
        rate_hz.prop_map(|rate_hz| Arrivals::Poisson { rate_hz }),
        (1_u32..40, 0_u64..40, 1_u64..20).prop_map(|(burst_events, spacing_ms, slack)| {
            let burst_ms = u64::from(burst_events) * spacing_ms;
            Arrivals::Bursts {
                burst_events,
                event_spacing: Period::from_millis(spacing_ms),
                burst_every: Period::from_millis(2 * burst_ms + 100 * slack),
            }
        }),
        Just(Arrivals::Replay { file: "x.csv".to_owned() }),
    ]
}

prop_compose! {
    fn calibration()(
        pace_us in 0.0..200.0,
        transit_us in 0.0..5_000.0,
        timer_late_us in 0.0..2_000.0,
        lateness_mean_us in 0.0..500.0,
    ) -> Calibration {
        Calibration { pace_us, transit_us, timer_late_us, lateness_mean_us, ..Calibration::default() }
    }
}

fn networks() -> impl Strategy<Value = Option<Network>> {
    let network = (0_u64..400, 0_u64..100, prop::option::of(5_000_u64..1_000_000));
    prop::option::of(network.prop_map(|(rtt_ms, jitter_ms, bytes_per_second)| Network {
        rtt: Period::from_millis(rtt_ms),
        jitter: Period::from_millis(jitter_ms),
        bytes_per_second,
        ..Network::default()
    }))
}

fn heartbeats() -> impl Strategy<Value = Option<Heartbeat>> {
    let period = (100_u64..20_000).prop_map(Period::from_millis);
    prop_oneof![
        Just(None),
        Just(Some(Heartbeat::Off)),
        period.clone().prop_map(|period| Some(Heartbeat::Every(period))),
        period.prop_map(|period| Some(Heartbeat::WhenIdle(period))),
    ]
}

prop_compose! {
    fn trials()(
        mut due_ms in prop::collection::vec(0.0..19_900.0, 30..120),
        data_bytes in 16_u32..5_000,
        warm_up_ms in 0.0..2_000.0,
        subscribers in 1_u32..30,
        poll_interval_ms in 10.0..8_000.0,
        hold_ms in 100.0..2_000.0,
        turnaround_ms in prop_oneof![Just(0.0), 1.0..100.0],
        poll_phase in 0.0..1.0,
        reqwest: bool,
        arrivals in arrivals(),
        calibration in calibration(),
        network in networks(),
        heartbeat in heartbeats(),
        transport in prop::sample::select(Transport::ALL.as_slice()),
        keep_alive: bool,
    ) -> Trial {
        due_ms.sort_by(f64::total_cmp);
        let mut trial = Trial::new(&due_ms, data_bytes, warm_up_ms, 20_000.0);
        trial.params.subscribers = subscribers;
        trial.params.poll_interval_ms = Some(poll_interval_ms);
        trial.params.hold_ms = Some(hold_ms);
        trial.params.turnaround_ms = Some(turnaround_ms);
        trial.params.client = if reqwest { Client::Reqwest } else { Client::Lean };
        trial.poll_phase = poll_phase;
        trial.arrivals = arrivals;
        trial.calibration = calibration;
        trial.params.network = network;
        trial.params.heartbeat = heartbeat;
        trial.params.transport = transport;
        trial.params.keep_alive = Some(keep_alive);
        trial
    }
}

fn check(pattern: Pattern, prediction: &Prediction) -> Result<(), TestCaseError> {
    // If they are not predicted there is nothing to check.
    let bytes = prediction.bytes.clone().unwrap_or_default();
    let numbers = [
        prediction.age.mean_ms(),
        prediction.requests_per_event,
        prediction.requests_per_subscriber.unwrap_or(1.0),
        prediction.empty_ratio,
        bytes.payload,
        bytes.framing,
        bytes.headers,
        bytes.empty_polls,
        prediction.sockets_held,
    ];
    for number in numbers {
        prop_assert!(number.is_finite() && number >= 0.0, "{pattern}: {prediction:?}");
    }
    prop_assert!(prediction.empty_ratio <= 1.0);
    prop_assert!(prediction.requests_per_subscriber.is_none_or(|requests| requests >= 1.0));

    let age = &prediction.age;
    let mut younger_ms = age.quantile_ms(0.0);
    prop_assert!(younger_ms >= 0.0);
    prop_assert!(younger_ms <= age.mean_ms() + 1e-6 && age.mean_ms() <= age.quantile_ms(1.0) + 1e-6);
    for step in 0..=3_000 {
        let quantile = f64::from(step) / 3_000.0;
        let age_ms = age.quantile_ms(quantile);
        prop_assert!(age_ms >= younger_ms - 1e-9, "{pattern}: {age_ms} after {younger_ms}");
        let fraction = age.fraction_up_to_ms(age_ms);
        prop_assert!((0.0..=1.0).contains(&fraction));
        prop_assert!(fraction >= quantile - 1.0 / 2_000.0, "{pattern}: {fraction} at {quantile}");
        younger_ms = age_ms;
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_prediction_is_possible(trial in trials()) {
        for pattern in Pattern::ALL {
            let predicted = predict(pattern, &trial.inputs());
            for prediction in [predicted.closed_form, predicted.replayed].into_iter().flatten() {
                check(pattern, &prediction)?;
            }
        }
    }

    #[test]
    fn more_bytes_of_text_cost_more_bytes(trial in trials()) {
        let mut larger = Trial { params: trial.params, ..trial };
        // On a link of limited bandwidth larger answers lead to fewer requests.
        larger.params.network = larger.params.network.map(|network| Network { bytes_per_second: None, ..network });
        let before = Pattern::ALL.map(|pattern| predict(pattern, &larger.inputs()).replayed);
        larger.schedule.data_bytes.iter_mut().for_each(|bytes| *bytes += 100);
        for (pattern, before) in Pattern::ALL.into_iter().zip(before) {
            let after = predict(pattern, &larger.inputs()).replayed;
            let (Ok(before), Ok(after)) = (before, after) else { continue };
            prop_assert_eq!(after.requests_per_event, before.requests_per_event);
            if let (Ok(before), Ok(after)) = (before.bytes, after.bytes) {
                prop_assert!(after.total() >= before.total(), "{pattern}");
            }
        }
    }
}
