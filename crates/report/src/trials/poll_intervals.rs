//! What short polling would cost at other intervals, by the model: a trial has only one interval.

use contract::{Manifest, Params, Pattern, Scenario, TrialRecord};
use model::{Inputs, predict};

use crate::{quantities::QuantityName, text::setting};

/// Poll intervals at which the model is asked, shortest first.
const INTERVALS_MS: [f64; 10] =
    [50.0, 100.0, 200.0, 500.0, 1_000.0, 2_000.0, 5_000.0, 10_000.0, 20_000.0, 60_000.0];

/// Bytes per event do not depend on the number of subscribers, the work of the model does.
const SUBSCRIBERS: u32 = 10;

/// Points (interval in ms, bytes per event) of the closed form, everything but the interval as in
/// the trial. Empty for the other patterns and for a failed trial.
pub(crate) fn bytes_by_interval(
    manifest: &Manifest,
    scenario: &Scenario,
    record: &TrialRecord,
) -> Vec<(f64, f64)> {
    let (Some(measurements), Some(schedule)) =
        (record.measurements(), manifest.schedule(&record.schedule_hash))
    else {
        return Vec::new();
    };
    if record.params.poll_interval_ms.is_none() {
        return Vec::new();
    }
    let arrivals = setting::arrivals_at(scenario, &record.params);
    let bytes_at = |interval_ms: f64| {
        let params = Params {
            subscribers: SUBSCRIBERS.min(record.params.subscribers),
            poll_interval_ms: Some(interval_ms),
            ..record.params
        };
        let inputs = Inputs {
            params: &params,
            arrivals: &arrivals,
            schedule,
            window: measurements.window,
            poll_phase: record.poll_phase,
            calibration: record.calibration.unwrap_or_default(),
        };
        let closed_form = predict(Pattern::ShortPolling, &inputs).closed_form.ok()?;
        Some((interval_ms, QuantityName::BytesPerEvent.predicted(&closed_form)?))
    };
    INTERVALS_MS.into_iter().filter_map(bytes_at).collect()
}
