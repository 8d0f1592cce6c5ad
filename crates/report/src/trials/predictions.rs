//! The model's predictions for a point's trials.

use contract::{Manifest, Scenario, TrialRecord};
use model::{AgeRange, AgeRanges, Inputs, NotApplicable, Predicted, Prediction};

use crate::{quantities::QuantityName, statistics::finite::mean, text::setting};

/// Mean of the predictions of a quantity; the blocks have different poll phases, so their predictions differ.
pub(crate) fn mean_of<'a>(
    name: QuantityName,
    predicted: impl Iterator<Item = &'a Result<Prediction, NotApplicable>>,
) -> Option<f64> {
    let values: Vec<f64> = predicted.filter_map(|form| name.predicted(form.as_ref().ok()?)).collect();
    mean(&values)
}

/// The prediction for a trial.
#[derive(Debug, Clone)]
pub(crate) struct PointPrediction {
    pub(crate) both: Predicted,
    /// The ranges of its ages, from the scatter of the calibration.
    pub(crate) ranges: Option<AgeRanges>,
}

/// The predicted range of an age over the blocks: the mean of its low ends, of its middles and of its high
/// ends. None for other quantities.
pub(crate) fn range_of(name: QuantityName, predicted: &[PointPrediction]) -> Option<AgeRange> {
    let ranges: Vec<AgeRange> = predicted.iter().filter_map(|of| name.range(of.ranges.as_ref()?)).collect();
    let over_blocks = |of: fn(&AgeRange) -> f64| mean(&ranges.iter().map(of).collect::<Vec<_>>());
    Some(AgeRange {
        low_ms: over_blocks(|range| range.low_ms)?,
        middle_ms: over_blocks(|range| range.middle_ms)?,
        high_ms: over_blocks(|range| range.high_ms)?,
    })
}

/// One prediction per completed trial. Blocks repeat all inputs but the poll phase, which only short polling
/// has, so equal inputs are predicted only once.
pub(crate) fn predictions(
    manifest: &Manifest,
    scenario: &Scenario,
    records: &[&TrialRecord],
) -> Vec<PointPrediction> {
    let same_inputs = |left: &TrialRecord, right: &TrialRecord| {
        (left.params.poll_interval_ms.is_none() || left.poll_phase == right.poll_phase)
            && left.schedule_hash == right.schedule_hash
            && left.calibration == right.calibration
            && left.measurements().map(|of| of.window) == right.measurements().map(|of| of.window)
    };
    let mut made: Vec<(&TrialRecord, PointPrediction)> = Vec::new();
    for &record in records {
        let known = made.iter().find(|(other, _)| same_inputs(record, other));
        let predicted = match known {
            Some((_, predicted)) => Some(predicted.clone()),
            None => predict(manifest, scenario, record),
        };
        made.extend(predicted.map(|predicted| (record, predicted)));
    }
    made.into_iter().map(|(_, predicted)| predicted).collect()
}

fn predict(manifest: &Manifest, scenario: &Scenario, record: &TrialRecord) -> Option<PointPrediction> {
    // The model describes only the lab's own server.
    if !record.server.is_pushlab() {
        return None;
    }
    let measurements = record.measurements()?;
    let schedule = manifest.schedule(&record.schedule_hash)?;
    let arrivals = setting::arrivals_at(scenario, &record.params);
    let inputs = Inputs {
        params: &record.params,
        arrivals: &arrivals,
        schedule,
        window: measurements.window,
        poll_phase: record.poll_phase,
        calibration: record.calibration.unwrap_or_default(),
    };
    let mut both = model::predict(record.pattern, &inputs);
    if record.pattern.polls() && !scenario.memory_steps.is_empty() {
        // Subscribers also poll during the memory steps, before the schedule that the model replays.
        for prediction in [&mut both.closed_form, &mut both.replayed].into_iter().flatten() {
            prediction.requests_per_subscriber = None;
        }
    }
    let ranges =
        both.replayed.as_ref().ok().and_then(|of| model::age_ranges(record.pattern, &inputs, &of.age));
    Some(PointPrediction { both, ranges })
}
