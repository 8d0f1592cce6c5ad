//! `summary.csv` and `trials.csv`: the findings as tables (RFC 4180).

use contract::PublisherHost;
use csv::Writer;

use super::{summary::points, terminal::layout::plain};
use crate::{
    findings::{Findings, Point, PointComparison, Trial},
    judgement::floor,
    quantities::{Quantity, QuantityName, Reading},
    text::{network_words::network_text, number::six_digits},
};

/// The head of a column, and its cell in a row.
type Column<Row> = (&'static str, fn(&Row) -> String);

/// Columns that identify the point of a row.
const POINT: [Column<Point>; 24] = [
    ("scenario", |point| cell(&point.scenario)),
    ("pattern", |point| point.pattern.slug().to_owned()),
    ("server", |point| cell(point.server.as_str())),
    ("subscribers", |point| point.params.subscribers.to_string()),
    ("payload_bytes", |point| point.params.payload_bytes.to_string()),
    ("rate_hz", |point| value(Some(point.params.rate_hz))),
    ("poll_interval_ms", |point| value(point.params.poll_interval_ms)),
    ("hold_ms", |point| value(point.params.hold_ms)),
    ("turnaround_ms", |point| value(point.params.turnaround_ms)),
    ("request_timeout_ms", |point| value(point.params.request_timeout_ms)),
    ("client", |point| point.params.client.to_string()),
    ("keep_alive", |point| text(point.params.keep_alive)),
    ("delivery_delay_ms", |point| value(point.params.delivery_delay_ms)),
    ("side", |point| text(point.params.side)),
    ("ablation", |point| text(point.params.ablation)),
    ("publisher", |point| {
        match point.params.publisher {
            PublisherHost::Server => "server",
            PublisherHost::Harness => "harness",
        }
        .to_owned()
    }),
    ("rtt_ms", |point| value(point.params.rtt_ms)),
    // Words, with plain spaces: it has too many parts for columns.
    ("network", |point| text(point.params.network.map(|network| cell(&plain(&network_text(&network)))))),
    ("transport", |point| point.params.transport.to_string()),
    ("certificate", |point| point.params.certificate.to_string()),
    ("streams_per_connection", |point| text(point.params.streams_per_connection)),
    ("max_streams", |point| text(point.params.max_streams)),
    // An absent heartbeat is the default, if the pattern has heartbeats.
    ("heartbeat", |point| {
        text(point.pattern.has_heartbeats().then(|| point.params.heartbeat.unwrap_or_default()))
    }),
    ("browser", |point| text(point.params.browser.map(|browser| browser.task.slug()))),
];

/// A row of `summary.csv`: a quantity of a point.
struct SummaryRow<'a> {
    point: &'a Point,
    quantity: &'a Quantity,
    /// The quantity divided by that of the floor.
    floor: Option<&'a PointComparison>,
}

impl SummaryRow<'_> {
    const COLUMNS: [Column<Self>; 18] = [
        ("trials", |row| row.point.trials.len().to_string()),
        ("set_aside", |row| row.point.set_aside.len().to_string()),
        ("valid", |row| row.point.valid.to_string()),
        ("quantity", |row| row.quantity.name.key().to_owned()),
        ("unit", |row| row.quantity.name.unit().to_string()),
        ("measured", |row| value(row.quantity.measured)),
        ("bound", |row| text(row.quantity.bound.key())),
        ("low", |row| value(row.quantity.low)),
        ("high", |row| value(row.quantity.high)),
        ("predicted", |row| value(row.quantity.predicted)),
        ("predicted_low", |row| value(row.quantity.predicted_low)),
        ("predicted_high", |row| value(row.quantity.predicted_high)),
        ("added", |row| value(row.quantity.added_ms)),
        ("closed_form", |row| value(row.quantity.closed_form)),
        ("times_floor", |row| value(row.floor.and_then(|found| found.ratio))),
        ("times_floor_low", |row| value(row.floor.and_then(|found| found.low))),
        ("times_floor_high", |row| value(row.floor.and_then(|found| found.high))),
        ("clock_bound_ms", |row| value(row.quantity.clock_bound_ms)),
    ];
}

/// A row of `trials.csv`: a quantity of a trial.
struct TrialRow<'a> {
    point: &'a Point,
    trial: &'a Trial,
    name: QuantityName,
    reading: Reading,
}

impl TrialRow<'_> {
    const COLUMNS: [Column<Self>; 7] = [
        ("block", |row| row.trial.block.to_string()),
        ("order", |row| row.trial.order.to_string()),
        ("valid", |row| row.point.valid.to_string()),
        ("quantity", |row| row.name.key().to_owned()),
        ("unit", |row| row.name.unit().to_string()),
        ("value", |row| value(Some(row.reading.value))),
        ("bound", |row| text(row.reading.bound.key())),
    ];
}

fn heads<Row>(columns: &[Column<Row>]) -> impl Iterator<Item = &'static str> {
    columns.iter().map(|(head, _)| *head)
}

fn cells<Row>(columns: &[Column<Row>], row: &Row) -> impl Iterator<Item = String> {
    columns.iter().map(move |(_, cell)| cell(row))
}

/// A table whose rows begin with the columns of [`POINT`].
fn table<Row>(columns: &[Column<Row>], point: fn(&Row) -> &Point, rows: impl Iterator<Item = Row>) -> String {
    let whole = "all rows are as long as the heads, and a buffer takes every byte";
    let mut writer = Writer::from_writer(Vec::new());
    writer.write_record(heads(&POINT).chain(heads(columns))).expect(whole);
    for row in rows {
        writer.write_record(cells(&POINT, point(&row)).chain(cells(columns, &row))).expect(whole);
    }
    String::from_utf8(writer.into_inner().expect(whole)).expect("the cells are text")
}

/// `summary.csv`: one row per point and quantity.
pub(crate) fn summary(findings: &Findings) -> String {
    let points = findings.scenarios.iter().flat_map(|of| of.points.iter().map(move |point| (of, point)));
    let rows = points.flat_map(|(finding, point)| {
        point.quantities.iter().map(move |quantity| SummaryRow {
            point,
            quantity,
            floor: floor::ratio(finding, point, quantity.name),
        })
    });
    table(&SummaryRow::COLUMNS, |row| row.point, rows)
}

/// `trials.csv`: one row per completed trial and quantity that it has.
pub(crate) fn trials(findings: &Findings) -> String {
    let trials = points(findings).flat_map(|point| point.trials.iter().map(move |trial| (point, trial)));
    let rows = trials.flat_map(|(point, trial)| {
        QuantityName::ALL.into_iter().filter_map(move |name| {
            // A quantity that the point leaves out is left out here, too.
            let reported = !name.is_per_delivery() || point.missing(name).is_none();
            let reading = trial.reading(name).filter(|_| reported)?;
            Some(TrialRow { point, trial, name, reading })
        })
    });
    table(&TrialRow::COLUMNS, |row| row.point, rows)
}

/// Empty where there is none.
fn text(value: Option<impl ToString>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

/// Empty where there is none.
fn value(number: Option<f64>) -> String {
    number.and_then(six_digits).map_or_else(String::new, |number| number.to_string())
}

/// A text from outside. A leading `=`, `+`, `-` or `@` would be a formula to a spreadsheet.
fn cell(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@']) { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use contract::Params;

    use super::*;

    #[test]
    fn every_setting_has_a_column() {
        let schema = schemars::schema_for!(Params).to_value();
        let settings = schema["properties"].as_object().unwrap().keys();
        // The jitter is only in summary.json: the columns of version 1 stay.
        for name in settings.filter(|name| *name != "delivery_jitter_ms") {
            assert!(heads(&POINT).any(|head| head == name), "`{name}` has no column");
        }
    }
}
