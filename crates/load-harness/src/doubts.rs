//! Reasons to doubt a measurement, in words, next to its numbers.

use contract::{Client, Measurements, Pattern, PublisherReport};

use crate::TrialOrder;

/// The publisher is late beyond this at p99: ages below it say little.
const LATENESS_US: u64 = 2_000;
/// The harness uses more than this share of one core: it may be what is measured.
const HARNESS_SHARE: f64 = 0.85;
/// Two ledgers of the same bytes differ by more than this share.
const LEDGER_SHARE: f64 = 0.01;

/// Everything about a completed trial that a reader should know before believing it.
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
    doubt(delivery.lost > 0, format!("{} deliveries were lost", delivery.lost));
    doubt(delivery.duplicated > 0, format!("{} deliveries came twice", delivery.duplicated));
    doubt(delivery.reordered > 0, format!("{} deliveries came out of order", delivery.reordered));
    doubt(
        delivery.foreign > 0,
        format!("{} deliveries were of events that somebody else published", delivery.foreign),
    );
    let lateness_us = measured.lateness.histogram().map_or(0, |lateness| lateness.quantile_us(0.99));
    doubt(
        lateness_us > LATENESS_US,
        format!(
            "the publisher was {:.1} ms late at p99, which is part of every age",
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
    doubt(
        measured.server_requests_life != requests.life,
        format!(
            "the subscribers sent {} requests, the server counted {}",
            requests.life, measured.server_requests_life
        ),
    );
    let (ours, theirs) = (measured.bytes_life.total() as f64, measured.server_bytes_life as f64);
    doubt(
        (ours - theirs).abs() > LEDGER_SHARE * theirs,
        format!("the subscribers' sockets saw {ours} bytes, the server's {theirs}"),
    );
    let reqwest = order.plan.settings.client == Client::Reqwest && order.plan.pattern != Pattern::WebSocket;
    doubt(
        reqwest,
        "the subscribers are reqwest clients: their bytes are those that the server counted, and heads \
         cannot be told from framing"
            .to_owned(),
    );
    doubts
}
