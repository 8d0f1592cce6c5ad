//! Warnings about a measurement that only the harness can give. The report adds those that follow from the
//! record itself (losses, ledgers that disagree, an instrument beyond its limits).

use contract::{Client, Measurements, Warning};

use crate::data::trial_spec::TrialSpec;

/// The warnings about a completed trial that only the harness can give. `refusal` is why the last refused event
/// was refused, if the harness published.
pub(crate) fn warnings(order: &TrialSpec, measured: &Measurements, refusal: Option<&str>) -> Vec<Warning> {
    let settings = &order.plan.settings;
    let (foreign, requests) = (measured.delivery.foreign, &measured.requests);
    // Behind an obstacle failures are expected, and the table of errors shows them.
    let failed = if settings.is_hindered() { 0 } else { requests.failed };
    let refusal = refusal.filter(|_| measured.publisher.refused > 0);
    let (most_frequent, never_connected) = (measured.error_counts.first(), measured.never_connected);
    let is_reqwest = settings.client == Client::Reqwest && !order.plan.pattern.upgrades();
    let lacks_streams = never_connected > 0 && settings.streams_per_connection > settings.max_streams;
    [
        (foreign > 0).then_some(Warning::ForeignDeliveries { deliveries: foreign }),
        (requests.window_skipped > 0).then_some(Warning::PollsSkipped { polls: requests.window_skipped }),
        (failed > 0).then(|| Warning::RequestsFailed {
            requests: failed,
            most_frequent_error: most_frequent.map(|error| error.what.clone()),
            other_errors: measured.error_counts.len().saturating_sub(1) as u64,
        }),
        refusal.map(|reason| Warning::EventsRefused {
            events: measured.publisher.refused,
            last_reason: reason.to_owned(),
        }),
        is_reqwest.then_some(Warning::ReqwestClients),
        (settings.streams_per_connection > 1)
            .then_some(Warning::SharedConnections { most_subscribers: settings.streams_per_connection }),
        lacks_streams.then_some(Warning::StreamsLacking {
            never_connected,
            subscribers: settings.subscribers,
            max_streams: settings.max_streams,
        }),
    ]
    .into_iter()
    .flatten()
    .collect()
}
