//! Warnings about a measurement that only the harness can give. The report adds those that follow from the
//! record itself (losses, ledgers that disagree, an instrument beyond its limits).

use contract::{Client, Measurements};

use crate::data::trial_spec::TrialSpec;

/// The warnings about a completed trial that only the harness can give.
pub(crate) fn warnings(order: &TrialSpec, measured: &Measurements, refusal: Option<&str>) -> Vec<String> {
    let mut warnings = Vec::new();
    let mut doubt = |holds: bool, words: String| {
        if holds {
            warnings.push(words);
        }
    };
    let (delivery, requests) = (&measured.delivery, &measured.requests);
    doubt(
        delivery.foreign > 0,
        format!("{} deliveries were of events from another publisher", delivery.foreign),
    );
    doubt(
        requests.window_skipped > 0,
        format!("{} polls were skipped because the last one was still in flight", requests.window_skipped),
    );
    // Behind an obstacle failures are expected, and the table of errors shows them.
    let is_fault = !order.plan.settings.is_hindered();
    doubt(
        requests.failed > 0 && is_fault,
        format!(
            "{} requests or connections failed; the errors of the subscribers: {}",
            requests.failed,
            seen(measured)
        ),
    );
    let refused = measured.publisher.refused;
    doubt(
        refused > 0 && refusal.is_some(),
        format!("the server refused {refused} events; the last reason: {}", refusal.unwrap_or_default()),
    );
    let reqwest = order.plan.settings.client == Client::Reqwest && !order.plan.pattern.upgrades();
    doubt(
        reqwest,
        "the subscribers are reqwest clients: their bytes are those that the server counted, and heads \
         cannot be separated from framing"
            .to_owned(),
    );
    let settings = &order.plan.settings;
    doubt(
        settings.streams_per_connection > 1,
        format!(
            "up to {} subscribers share a connection: heads and empty polls cannot be separated from framing",
            settings.streams_per_connection
        ),
    );
    doubt(
        measured.never_connected > 0 && settings.streams_per_connection > settings.max_streams,
        format!(
            "{} of {} subscribers never got an answer: the server allows {} streams per connection",
            measured.never_connected, settings.subscribers, settings.max_streams
        ),
    );
    warnings
}

/// The most frequent error, and the number of other errors.
fn seen(measured: &Measurements) -> String {
    let Some((first, others)) = measured.error_counts.split_first() else {
        return "none recorded".to_owned();
    };
    match others.len() {
        0 => first.what.clone(),
        1 => format!("{}, and one other error", first.what),
        others => format!("{}, and {others} other errors", first.what),
    }
}
