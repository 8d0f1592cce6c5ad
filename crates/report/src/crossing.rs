//! Where short polling becomes cheaper than push: a question to the model, since a trial answers
//! for one interval only.

use contract::{Manifest, Params, Pattern, Scenario, TrialRecord};
use model::{Inputs, predict};

use crate::{
    measured::prediction,
    number::{period_ms, six_digits, three_digits},
    point::Point,
    quantity::QuantityName,
    setting,
};

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
        Some((interval_ms, prediction(QuantityName::BytesPerEvent, &closed_form)?))
    };
    INTERVALS_MS.into_iter().filter_map(bytes_at).collect()
}

/// From which interval on short polling moves fewer bytes than a push pattern, in words.
pub(crate) fn bytes_flip(short: &Point, push: &Point) -> Option<String> {
    let push_bytes = push.quantity_of(QuantityName::BytesPerEvent).closed_form?;
    let label = push.pattern.label();
    let text = |value: f64| QuantityName::BytesPerEvent.text(value);
    let crossing = short.bytes_by_interval.windows(2).find_map(|pair| {
        let ((from_ms, from), (to_ms, to)) = (pair[0], pair[1]);
        (from > push_bytes && to <= push_bytes).then(|| {
            let share = (from - push_bytes) / (from - to);
            (from_ms.ln() + (to_ms / from_ms).ln() * share).exp()
        })
    });
    if let Some(interval_ms) = crossing {
        let interval_ms = six_digits(interval_ms)?;
        return Some(format!(
            "by the model short polling moves fewer bytes than {label} from an interval of about {} on, that is about {} events a poll",
            period_ms(interval_ms),
            three_digits(interval_ms * 1e-3 * short.params.rate_hz)
        ));
    }
    let (first, last) = (short.bytes_by_interval.first()?, short.bytes_by_interval.last()?);
    let fewer = last.1 <= push_bytes;
    Some(format!(
        "by the model short polling moves {} bytes than {label} at every interval from {} to {} ({} per event there, {label} {})",
        if fewer { "fewer" } else { "more" },
        period_ms(first.0),
        period_ms(last.0),
        text(last.1),
        text(push_bytes)
    ))
}
