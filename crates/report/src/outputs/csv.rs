//! `summary.csv` and `trials.csv`: the findings as tables (RFC 4180).

use contract::{Params, PublisherHost};
use csv::Writer;

use super::{
    summary::{bound, points},
    terminal::layout::plain,
};
use crate::{
    findings::{Findings, Point, ScenarioFinding, Trial},
    judgement::floor,
    quantities::{Quantity, QuantityName},
    text::{network_words::network_text, number::six_digits},
};

/// Columns that identify the point of a row.
const POINT: &[&str] = &[
    "scenario",
    "pattern",
    "server",
    "subscribers",
    "payload_bytes",
    "rate_hz",
    "poll_interval_ms",
    "hold_ms",
    "turnaround_ms",
    "request_timeout_ms",
    "client",
    "keep_alive",
    "delivery_delay_ms",
    "side",
    "ablation",
    "publisher",
    "rtt_ms",
    "network",
    "transport",
    "certificate",
    "streams_per_connection",
    "max_streams",
    "heartbeat",
    "browser",
];

fn point_cells(point: &Point) -> Vec<String> {
    let params: &Params = &point.params;
    vec![
        cell(&point.scenario),
        point.pattern.slug().to_owned(),
        cell(point.server.as_str()),
        params.subscribers.to_string(),
        params.payload_bytes.to_string(),
        value(Some(params.rate_hz)),
        value(params.poll_interval_ms),
        value(params.hold_ms),
        value(params.turnaround_ms),
        value(params.request_timeout_ms),
        params.client.to_string(),
        params.keep_alive.map_or_else(String::new, |kept| kept.to_string()),
        value(params.delivery_delay_ms),
        params.side.map_or_else(String::new, |side| side.to_string()),
        params.ablation.map_or_else(String::new, |ablation| ablation.to_string()),
        match params.publisher {
            PublisherHost::Server => "server".to_owned(),
            PublisherHost::Harness => "harness".to_owned(),
        },
        value(params.rtt_ms),
        // Words, with plain spaces: it has too many parts for columns.
        params.network.map_or_else(String::new, |network| cell(&plain(&network_text(&network)))),
        params.transport.to_string(),
        params.certificate.to_string(),
        params.streams_per_connection.map_or_else(String::new, |streams| streams.to_string()),
        params.max_streams.map_or_else(String::new, |streams| streams.to_string()),
        // An absent heartbeat is the usual one, if the pattern has heartbeats.
        if point.pattern.has_heartbeats() {
            params.heartbeat.unwrap_or_default().to_string()
        } else {
            String::new()
        },
        params.browser.map_or_else(String::new, |browser| browser.task.slug().to_owned()),
    ]
}

/// A table whose rows begin with the cells of [`POINT`].
fn table(heads: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let whole = "all rows are as long as the heads, and a buffer takes every byte";
    let mut writer = Writer::from_writer(Vec::new());
    writer.write_record(POINT.iter().chain(heads)).expect(whole);
    for row in rows {
        writer.write_record(&row).expect(whole);
    }
    String::from_utf8(writer.into_inner().expect(whole)).expect("the cells are text")
}

/// `summary.csv`: one row per point and quantity.
pub(crate) fn summary(findings: &Findings) -> String {
    let heads = [
        "trials",
        "set_aside",
        "valid",
        "quantity",
        "unit",
        "measured",
        "bound",
        "low",
        "high",
        "predicted",
        "predicted_low",
        "predicted_high",
        "added",
        "closed_form",
        "times_floor",
        "times_floor_low",
        "times_floor_high",
        "clock_bound_ms",
    ];
    let scenarios = findings.scenarios.iter();
    let points = scenarios.flat_map(|of| of.points.iter().map(move |point| (of, point)));
    let rows = points.flat_map(|(finding, point)| {
        point.quantities.iter().map(move |quantity| summary_row(finding, point, quantity))
    });
    table(&heads, rows)
}

fn summary_row(finding: &ScenarioFinding, point: &Point, quantity: &Quantity) -> Vec<String> {
    let floor = floor::ratio(finding, point, quantity.name);
    let mut row = point_cells(point);
    row.extend([
        point.trials.len().to_string(),
        point.set_aside.len().to_string(),
        point.valid.to_string(),
        quantity.name.key().to_owned(),
        quantity.name.unit().to_string(),
        value(quantity.measured),
        bound(quantity.bound).unwrap_or_default().to_owned(),
        value(quantity.low),
        value(quantity.high),
        value(quantity.predicted),
        value(quantity.predicted_low),
        value(quantity.predicted_high),
        value(quantity.added_ms),
        value(quantity.closed_form),
        value(floor.and_then(|found| found.ratio)),
        value(floor.and_then(|found| found.low)),
        value(floor.and_then(|found| found.high)),
        value(quantity.clock_bound_ms),
    ]);
    row
}

/// `trials.csv`: one row per completed trial and quantity that it has.
pub(crate) fn trials(findings: &Findings) -> String {
    let heads = ["block", "order", "valid", "quantity", "unit", "value", "bound"];
    let trials = points(findings).flat_map(|point| point.trials.iter().map(move |trial| (point, trial)));
    let rows = trials.flat_map(|(point, trial)| {
        QuantityName::ALL.into_iter().filter_map(move |name| trial_row(point, trial, name))
    });
    table(&heads, rows)
}

/// None for a quantity that the trial does not have, or that its point leaves out.
fn trial_row(point: &Point, trial: &Trial, name: QuantityName) -> Option<Vec<String>> {
    let reported = !name.is_per_delivery() || point.missing(name).is_none();
    let reading = trial.reading(name).filter(|_| reported)?;
    let mut row = point_cells(point);
    row.extend([
        trial.block.to_string(),
        trial.order.to_string(),
        point.valid.to_string(),
        name.key().to_owned(),
        name.unit().to_string(),
        value(Some(reading.value)),
        bound(reading.bound).unwrap_or_default().to_owned(),
    ]);
    Some(row)
}

/// Empty where there is none.
fn value(number: Option<f64>) -> String {
    number.and_then(six_digits).map_or_else(String::new, |number| number.to_string())
}

/// A text from outside. A leading `=`, `+`, `-` or `@` would be a formula to a spreadsheet.
fn cell(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@']) { format!("'{text}") } else { text.to_owned() }
}
