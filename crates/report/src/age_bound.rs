//! What a pushed event's age should stay below, from the calibration and the publisher's lateness.

use contract::{Measurements, Pattern};

use crate::{
    ages::AgeView,
    measured::quantile_ms,
    number::{rounded_down, with_unit},
    point::{Point, Trial},
    quantity::Bound,
};

/// What timers and the scheduler may add, milliseconds.
const ALLOWANCE_MS: f64 = 2.0;

/// What the column means; it is information and decides nothing.
const EXPLAINED: &str = "Age p99 at most: the publisher's lateness at p99, plus N deliveries at the calibrated cost of writing and reading, plus 2\u{202f}ms. It is shown for pushed events and makes no trial invalid.";

/// The same where the way to subscribers has a length.
const EXPLAINED_WITH_ROAD: &str = "Age p99 at most: the publisher's lateness at p99, plus N deliveries at the calibrated cost of writing and reading, plus half a round trip and the jitter of the middlebox, plus 2\u{202f}ms. It is shown for pushed events where nothing else is in the way, and makes no trial invalid.";

/// The same; empty where no trial has a bound.
pub(crate) fn age_bound_words(trials: &[(&Point, &Trial)]) -> &'static str {
    let has_bound = |(point, trial): &(&Point, &Trial)| age_bound(point, trial).is_some();
    let has_road = |(point, _): &(&Point, &Trial)| point.params.network.is_some();
    match (trials.iter().any(has_bound), trials.iter().any(has_road)) {
        (false, _) => "",
        (true, false) => EXPLAINED,
        (true, true) => EXPLAINED_WITH_ROAD,
    }
}

/// Head of the column.
pub(crate) const AGE_BOUND_HEAD: &str = "age p99 at most";

/// `4.30 ms, kept` or `4.30 ms, exceeded (measured 5.10 ms)`; a dash where there is no bound.
pub(crate) fn age_bound_cell(point: &Point, trial: &Trial) -> String {
    age_bound(point, trial).unwrap_or_else(|| "—".to_owned())
}

fn age_bound(point: &Point, trial: &Trial) -> Option<String> {
    let measurements = trial.measurements.as_ref()?;
    let bound_ms = bound_ms(point, trial, measurements)?;
    let age = AgeView::merged(std::iter::once(measurements)).percentile(0.99)?;
    let bound = with_unit(bound_ms, "ms");
    Some(match age.bound {
        Bound::Exact if age.value_ms <= bound_ms => format!("{bound}, kept"),
        Bound::Exact => format!("{bound}, exceeded (measured {})", with_unit(age.value_ms, "ms")),
        Bound::AtLeast => {
            format!("{bound}, exceeded (measured over {})", with_unit(rounded_down(age.value_ms), "ms"))
        }
    })
}

fn bound_ms(point: &Point, trial: &Trial, measurements: &Measurements) -> Option<f64> {
    let pushed = match point.pattern {
        Pattern::ShortPolling | Pattern::LongPolling => false,
        Pattern::Sse | Pattern::WebSocket => true,
    };
    let calibration = trial.calibration.filter(|_| pushed && point.server.is_pushlab())?;
    let fan_out_us = f64::from(point.params.subscribers) * (calibration.server_us + calibration.harness_us);
    let bound_ms =
        quantile_ms(&measurements.lateness, 0.99)? + fan_out_us * 1e-3 + road_ms(point)? + ALLOWANCE_MS;
    bound_ms.is_finite().then_some(bound_ms)
}

/// What a middlebox adds on the way at most; none where it may add anything.
fn road_ms(point: &Point) -> Option<f64> {
    let Some(network) = point.params.network else { return Some(0.0) };
    let passable = !network.is_obstacle() && network.bytes_per_second.is_none();
    passable.then(|| network.rtt.milliseconds() / 2.0 + network.jitter.milliseconds())
}
