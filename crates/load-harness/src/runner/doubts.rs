//! Reasons to doubt a measurement, in words, next to its numbers: what only the harness knows. What
//! follows from the record itself (losses, ledgers that disagree, an instrument beyond its limits) is
//! for the report to say.

use contract::{Client, Measurements, Pattern};

use crate::data::trial_order::TrialOrder;

/// What only the harness knows of a completed trial and a reader should, before believing it.
pub(crate) fn doubts(order: &TrialOrder, measured: &Measurements, refusal: Option<&str>) -> Vec<String> {
    let mut doubts = Vec::new();
    let mut doubt = |holds: bool, words: String| {
        if holds {
            doubts.push(words);
        }
    };
    let (delivery, requests) = (&measured.delivery, &measured.requests);
    doubt(
        delivery.foreign > 0,
        format!("{} deliveries were of events that somebody else published", delivery.foreign),
    );
    doubt(
        requests.window_skipped > 0,
        format!("{} polls were skipped because the one before was still in flight", requests.window_skipped),
    );
    // Behind an obstacle this is what was asked for, and the table of troubles tells it.
    let is_fault = !order.plan.settings.is_hindered();
    doubt(
        requests.failed > 0 && is_fault,
        format!(
            "{} requests or connections failed; what the subscribers saw: {}",
            requests.failed,
            seen(measured)
        ),
    );
    let refused = measured.publisher.refused;
    doubt(
        refused > 0 && refusal.is_some(),
        format!("the server refused {refused} events, the last because: {}", refusal.unwrap_or_default()),
    );
    let reqwest = order.plan.settings.client == Client::Reqwest && order.plan.pattern != Pattern::WebSocket;
    doubt(
        reqwest,
        "the subscribers are reqwest clients: their bytes are those that the server counted, and heads \
         cannot be told from framing"
            .to_owned(),
    );
    let settings = &order.plan.settings;
    doubt(
        settings.streams_per_connection > 1,
        format!(
            "up to {} subscribers share a connection: heads and empty polls cannot be told from framing",
            settings.streams_per_connection
        ),
    );
    doubt(
        measured.never_connected > 0 && settings.streams_per_connection > settings.max_streams,
        format!(
            "{} of {} subscribers never had an answer: the server allows {} streams on a connection",
            measured.never_connected, settings.subscribers, settings.max_streams
        ),
    );
    doubts
}

/// The most frequent trouble, and how many there are besides.
fn seen(measured: &Measurements) -> String {
    let Some((first, others)) = measured.troubles.split_first() else {
        return "nothing that they could tell".to_owned();
    };
    match others.len() {
        0 => first.what.clone(),
        1 => format!("{}, and one other trouble", first.what),
        others => format!("{}, and {others} other troubles", first.what),
    }
}
