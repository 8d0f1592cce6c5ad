//! Reasons to doubt a measurement, in words, next to its numbers. What makes the numbers invalid
//! (losses, ledgers that disagree) follows from the record itself and is for the report to say.

use contract::{Client, Measurements, Pattern, PublisherReport};

use crate::TrialOrder;

/// The publisher is late beyond this at p99: ages below it say little.
const LATENESS_US: u64 = 2_000;
/// The harness uses more than this share of one core: it may be what is measured.
const HARNESS_SHARE: f64 = 0.85;

/// What only the harness knows of a completed trial and a reader should, before believing it.
pub(crate) fn doubts(
    order: &TrialOrder,
    measured: &Measurements,
    publisher: &PublisherReport,
    workers: usize,
) -> Vec<String> {
    let mut doubts = Vec::new();
    let mut doubt = |holds: bool, words: String| {
        if holds {
            doubts.push(words);
        }
    };
    let (delivery, requests) = (&measured.delivery, &measured.requests);
    doubt(
        !publisher.finished || publisher.refused > 0,
        format!(
            "the schedule was not sent whole: {} of {} events published",
            publisher.published,
            order.schedule.events().len()
        ),
    );
    doubt(
        delivery.foreign > 0,
        format!("{} deliveries were of events that somebody else published", delivery.foreign),
    );
    let lateness_us = measured.lateness.histogram().map_or(0, |lateness| lateness.quantile_us(0.99));
    doubt(
        lateness_us > LATENESS_US,
        format!(
            "the publisher was {:.1} ms late at p99 of the window's events, and ages contain that",
            lateness_us as f64 / 1e3
        ),
    );
    let share = measured.cpu.harness_us / measured.cpu.wall_us;
    doubt(
        share > HARNESS_SHARE * workers as f64,
        format!("the harness used {:.0} % of a core: it may be the bottleneck itself", share * 100.0),
    );
    doubt(
        requests.window_skipped > 0,
        format!("{} polls were skipped because the one before was still in flight", requests.window_skipped),
    );
    doubt(requests.failed > 0, format!("{} connections failed and were opened again", requests.failed));
    let reqwest = order.plan.settings.client == Client::Reqwest && order.plan.pattern != Pattern::WebSocket;
    doubt(
        reqwest,
        "the subscribers are reqwest clients: their bytes are those that the server counted, and heads \
         cannot be told from framing"
            .to_owned(),
    );
    doubts
}
