//! What the model says of a point's trials.

use contract::{Manifest, Scenario, TrialRecord};
use model::{Inputs, NotApplicable, Predicted, Prediction};

use crate::{
    measured::{mean, prediction},
    quantity::QuantityName,
    setting,
};

/// Mean of what the predictions say of a quantity; the poll phases of the blocks differ, and with
/// them the predictions.
pub(crate) fn mean_of<'a>(
    name: QuantityName,
    predicted: impl Iterator<Item = &'a Result<Prediction, NotApplicable>>,
) -> Option<f64> {
    let values: Vec<f64> =
        predicted.filter_map(|form| form.as_ref().ok().and_then(|of| prediction(name, of))).collect();
    mean(&values)
}

/// A prediction a completed trial. Blocks repeat all inputs but the poll phase, which only short
/// polling has: what is predicted already is not predicted again.
pub(crate) fn predictions(
    manifest: &Manifest,
    scenario: &Scenario,
    records: &[&TrialRecord],
) -> Vec<Predicted> {
    let same_inputs = |left: &TrialRecord, right: &TrialRecord| {
        (left.params.poll_interval_ms.is_none() || left.poll_phase == right.poll_phase)
            && left.schedule_hash == right.schedule_hash
            && left.calibration == right.calibration
            && left.measurements().map(|of| of.window) == right.measurements().map(|of| of.window)
    };
    let mut made: Vec<(&TrialRecord, Predicted)> = Vec::new();
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

fn predict(manifest: &Manifest, scenario: &Scenario, record: &TrialRecord) -> Option<Predicted> {
    // The model is of the lab's own server; of others nobody told it anything.
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
    Some(model::predict(record.pattern, &inputs))
}
