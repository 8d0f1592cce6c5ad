//! The validity of a trial: what makes its numbers invalid, and what is only a warning.

use contract::{
    Arrivals, ByteCounts, Client, Manifest, Measurements, Params, Pattern, Scenario, Transport, TrialRecord,
};

use super::{
    books::{Unseen, unbalanced, unseen_requests, unseen_streams},
    ledgers::disagreements,
    limits::beyond_limits,
    predictions::PointPrediction,
};
use crate::text::number::{self, count};

/// The bytes of the window may differ by this share from the sum of their parts.
const LEDGER_TOLERANCE: f64 = 0.01;

/// From this share of its core a server falls behind, because nothing is left to catch up.
const SERVER_FULL: f64 = 0.95;

/// The objections to a trial.
#[derive(Debug, Default)]
pub(crate) struct TrialWarnings {
    /// Why its numbers cannot be trusted.
    pub(crate) invalid: Vec<String>,
    /// Such reasons without an obstacle, and findings about it with one.
    pub(crate) findings: Vec<String>,
    /// Notes on how it was judged.
    pub(crate) notes: Vec<String>,
}

/// Why the numbers of a trial cannot be trusted, and what an obstacle did to it.
pub(crate) fn trial_warnings(
    record: &TrialRecord,
    measurements: &Measurements,
    scenario: &Scenario,
) -> TrialWarnings {
    let arrivals = &scenario.events;
    let mut trial_warnings = TrialWarnings::default();
    let delivery = &measurements.delivery;
    if delivery.lost > 0 {
        trial_warnings.findings.push(format!(
            "{} of {} deliveries were lost",
            count(delivery.lost),
            count(delivery.expected)
        ));
    }
    if measurements.never_connected > 0 {
        trial_warnings.findings.push(format!(
            "{} of {} subscribers never had a connection",
            count(measurements.never_connected),
            count(u64::from(record.params.subscribers))
        ));
    }
    // An obstacle causes losses. It does not cause unexplained bytes, because it counts all it does.
    if !record.params.is_hindered() {
        trial_warnings.invalid.append(&mut trial_warnings.findings);
    }
    trial_warnings.invalid.extend(ledger_problems(measurements));
    trial_warnings.invalid.extend(unbalanced(measurements, &scenario.limits));
    trial_warnings.invalid.extend(disagreements(measurements, &scenario.limits));
    let unseen = match record.params.transport {
        Transport::Http1 | Transport::Http1Tls => unseen_requests(measurements),
        Transport::Http2 => unseen_streams(measurements),
    };
    match unseen {
        Unseen::None => {}
        Unseen::Explained(words) | Unseen::NotCompared(words) => trial_warnings.notes.push(words),
        Unseen::Contradiction(words) => trial_warnings.invalid.push(words),
    }
    let problems = &mut trial_warnings.invalid;
    for (number, word) in
        [(delivery.duplicated, "delivered more than once"), (delivery.reordered, "delivered out of order")]
    {
        if number > 0 {
            problems.push(format!(
                "{} of {} deliveries were {word}",
                count(number),
                count(delivery.expected)
            ));
        }
    }
    if delivery.foreign > 0 {
        problems.push(format!(
            "{} deliveries were of events from another publisher: so losses and disorder cannot be counted",
            count(delivery.foreign)
        ));
    }
    if measurements.window_deliveries == 0 && *arrivals != Arrivals::Silence {
        problems.push("no event was due in the measured window".to_owned());
    }
    // The number of ages follows from the deliveries that were due, not from those that arrived. Otherwise a
    // stalled server would look fast.
    let ages = measurements.age.arrived.count + measurements.age.censored;
    if ages != measurements.window_deliveries {
        problems.push(format!(
            "there are {} ages of {} deliveries due in the window: some are missing",
            count(ages),
            count(measurements.window_deliveries)
        ));
    }
    problems.extend(server_full(measurements, arrivals));
    problems.extend(beyond_limits(measurements, scenario));
    trial_warnings
}

/// A full core hides the CPU that the events need beyond it. Where the rate grows, that is the question.
fn server_full(measurements: &Measurements, arrivals: &Arrivals) -> Option<String> {
    let share = measurements.cpu.server_us / measurements.cpu.wall_us;
    let full = share >= SERVER_FULL && !matches!(arrivals, Arrivals::Ramp { .. });
    full.then(|| {
        format!(
            "the server's core was full ({} of the window): the server fell behind, so its CPU per event is too low",
            number::with_unit(share * 100.0, "%")
        )
    })
}

/// Whether the bytes of a point's subscribers are the server's own count, because the lab cannot read the
/// sockets of reqwest. A WebSocket has no HTTP client to choose.
pub(crate) fn bytes_are_the_servers(pattern: Pattern, params: &Params) -> bool {
    params.client == Client::Reqwest && !pattern.upgrades()
}

/// The counts that cannot be checked because the server does not report them.
pub(crate) fn counts_not_reported(measurements: &Measurements) -> Option<String> {
    let (requests, bytes) = (measurements.server_requests_life, measurements.server_bytes_life);
    let what = match [requests.is_some(), bytes.is_some()] {
        [true, true] => return None,
        [false, true] => "requests",
        [true, false] => "bytes",
        [false, false] => "requests and bytes",
    };
    Some(format!("only the subscribers and the kernel counted {what}: this server does not report them"))
}

/// Contradictions between a whole and its parts.
fn ledger_problems(measurements: &Measurements) -> Vec<String> {
    let mut problems = Vec::new();
    // A message under way at the window's start has bytes before it and parts within it. Over the whole life
    // nothing is under way.
    let edges = measurements.bytes_under_way as f64 + LEDGER_TOLERANCE * measurements.bytes.total() as f64;
    problems.extend(overdrawn("the window", &measurements.bytes, edges));
    problems.extend(overdrawn("the whole life", &measurements.bytes_life, 0.0));
    problems
}

/// Framing is what remains of all bytes, so it cannot be negative.
fn overdrawn(of: &str, bytes: &ByteCounts, tolerance: f64) -> Option<String> {
    let parts = bytes.payload.saturating_add(bytes.headers).saturating_add(bytes.empty_polls);
    (parts as f64 > bytes.total() as f64 + tolerance).then(|| {
        format!(
            "payload, headers and empty polls of {of} are {} bytes together, more than the {} bytes of the sockets",
            count(parts),
            count(bytes.total())
        )
    })
}

/// Why a trial has no schedule to be predicted from, or the model does not apply to it.
pub(crate) fn prediction_warnings(
    manifest: &Manifest,
    records: &[&TrialRecord],
    predicted: &[PointPrediction],
) -> Vec<String> {
    let mut reasons: Vec<String> = records
        .iter()
        .filter(|record| record.measurements().is_some())
        .filter(|record| manifest.schedule(&record.schedule_hash).is_none())
        .map(|record| {
            format!("no prediction: the manifest does not contain the schedule {}", record.schedule_hash)
        })
        .collect();
    if records.iter().any(|record| record.params.keep_alive == Some(false) && record.server.is_pushlab()) {
        reasons.push(
            "the prediction leaves out the time to open a connection for each request: ages may be higher"
                .to_owned(),
        );
    }
    if let Some(other) = records.iter().find(|record| !record.server.is_pushlab()) {
        reasons
            .push(format!("no prediction: the model describes the lab's own server, not {}", other.server));
    }
    for of in predicted {
        let forms = [("no prediction", &of.both.replayed), ("no closed form", &of.both.closed_form)];
        for (form, outcome) in forms {
            match outcome.as_ref().map(|prediction| &prediction.bytes) {
                Err(reason) => reasons.push(format!("{form}: {reason}")),
                Ok(Err(reason)) => reasons.push(format!("{form} of bytes: {reason}")),
                Ok(Ok(_)) => {}
            }
        }
    }
    reasons.sort();
    reasons.dedup();
    reasons
}
