//! Doubts about a trial: what makes its numbers invalid, and what only has to be said.

use contract::{Arrivals, Manifest, Measurements, TrialRecord};
use model::Predicted;

use crate::number::{self, count};

/// Payload per event may differ this much from the texts before it is said.
const EDGE_TOLERANCE: f64 = 0.02;

/// Ledgers of subscribers and server may differ by this much before the trial is invalid.
const LEDGER_TOLERANCE: f64 = 0.01;

/// Why the numbers of a trial cannot be trusted.
pub(crate) fn invalidities(measurements: &Measurements, arrivals: &Arrivals) -> Vec<String> {
    let delivery = &measurements.delivery;
    let mut problems = Vec::new();
    for (number, word) in [
        (delivery.lost, "lost"),
        (delivery.duplicated, "delivered more than once"),
        (delivery.reordered, "delivered out of order"),
    ] {
        if number > 0 {
            problems.push(format!(
                "{} of {} deliveries were {word}",
                count(number),
                count(delivery.expected)
            ));
        }
    }
    if measurements.window_deliveries == 0 && *arrivals != Arrivals::Silence {
        problems.push("no event was due in the measured window".to_owned());
    }
    if measurements.server_requests_life != measurements.requests.life {
        problems.push(format!(
            "the server counted {} requests, the subscribers {}",
            count(measurements.server_requests_life),
            count(measurements.requests.life)
        ));
    }
    let server = measurements.server_bytes_life as f64;
    let subscribers = measurements.bytes_life.total() as f64;
    if (server - subscribers).abs() > LEDGER_TOLERANCE * subscribers {
        problems.push(format!(
            "the server's sockets counted {} bytes, the subscribers' {}",
            count(measurements.server_bytes_life),
            count(measurements.bytes_life.total())
        ));
    }
    problems
}

/// Bytes are counted between the window's edges, deliveries by their due. Where polls are rare the
/// two do not belong to quite the same events.
pub(crate) fn edge_warning(manifest: &Manifest, record: &TrialRecord, payload: f64) -> Option<String> {
    let window = record.measurements()?.window;
    let schedule = manifest.schedule(&record.schedule_hash)?;
    let texts: Vec<f64> = schedule
        .due_ns
        .iter()
        .zip(&schedule.data_bytes)
        .filter(|(due_ns, _)| window.contains(**due_ns))
        .map(|(_, bytes)| f64::from(*bytes))
        .collect();
    let expected = texts.iter().sum::<f64>() / texts.len() as f64;
    ((payload / expected - 1.0).abs() > EDGE_TOLERANCE).then(|| {
        format!(
            "the window's bytes hold {} of payload per event, its events {}: the polls at its edges brought other events than those due in it, so bytes per event are off by about as much",
            number::bytes(payload),
            number::bytes(expected)
        )
    })
}

/// Why a trial has no schedule to be predicted from, or the model does not apply to it.
pub(crate) fn prediction_warnings(
    manifest: &Manifest,
    records: &[&TrialRecord],
    predicted: &[Predicted],
) -> Vec<String> {
    let mut reasons: Vec<String> = records
        .iter()
        .filter(|record| manifest.schedule(&record.schedule_hash).is_none())
        .map(|record| {
            format!("no prediction: the manifest does not hold the schedule {}", record.schedule_hash)
        })
        .collect();
    for both in predicted {
        let forms = [("no prediction", &both.replayed), ("no closed form", &both.closed_form)];
        for (form, outcome) in forms {
            if let Err(reason) = outcome {
                reasons.push(format!("{form}: {reason}"));
            }
        }
    }
    reasons.sort();
    reasons.dedup();
    reasons
}
