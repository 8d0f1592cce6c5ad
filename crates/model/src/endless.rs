//! What a subscription costs in the long run: the closed form for events that no schedule lists.

use contract::{Arrivals, Calibration, Params, Pattern, PublishedSchedule, Window};

use crate::{Inputs, NotApplicable, Prediction, closed_form};

/// Events of the stand-in schedule. Its length decides only how many digits a cursor has, three.
const EVENTS: u32 = 1_000;

/// The closed form for Poisson events at the rate of the settings. The window is so long that its edges do not
/// count.
///
/// # Errors
/// If there is no formula, or if the server's CPU cannot keep up.
pub fn endless(
    pattern: Pattern,
    params: &Params,
    calibration: Calibration,
) -> Result<Prediction, NotApplicable> {
    let gap_ns = 1e9 / params.rate_hz;
    let instant_ns = |event: u32| (f64::from(event) * gap_ns) as u64;
    let each = |value: u32| vec![value; EVENTS as usize];
    let schedule = PublishedSchedule {
        length_ns: instant_ns(EVENTS),
        due_ns: (0..EVENTS).map(instant_ns).collect(),
        data_bytes: each(params.payload_bytes),
        type_bytes: each(0),
        escape_bytes: each(0),
        lines: each(1),
        ..PublishedSchedule::default()
    };
    let inputs = Inputs {
        params,
        arrivals: &Arrivals::Poisson { rate_hz: params.rate_hz },
        schedule: &schedule,
        // It begins after an event.
        window: Window { start_ns: instant_ns(1), end_ns: instant_ns(EVENTS) },
        poll_phase: 0.0,
        calibration,
    };
    inputs.check(pattern)?;
    closed_form(pattern, &inputs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params() -> Params {
        Params { poll_interval_ms: Some(1_000.0), hold_ms: Some(25_000.0), ..Params::of(10, 100, 2.0) }
    }

    #[test]
    fn a_poll_a_second_brings_two_events_a_second_in_half_a_request_each() {
        let found = endless(Pattern::ShortPolling, &params(), Calibration::default()).unwrap();
        assert!((found.requests_per_event - 0.5).abs() < 1e-9);
        assert!((found.empty_ratio - (-2.0_f64).exp()).abs() < 1e-9);
        assert!((found.age.quantile_ms(0.5) - 500.0).abs() < 1e-6);
    }

    #[test]
    fn every_pattern_has_a_closed_form_at_rare_and_at_frequent_events() {
        for rate_hz in [0.001, 0.03, 1.0, 10_000.0] {
            for pattern in Pattern::ALL {
                let params = Params { rate_hz, ..params() };
                let found = endless(pattern, &params, Calibration::default());
                assert!(found.is_ok_and(|found| found.bytes.is_ok()), "{pattern} at {rate_hz}");
            }
        }
    }
}
