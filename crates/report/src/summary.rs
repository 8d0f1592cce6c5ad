//! The files that other programs read: `summary.json` and `summary.csv`.

use contract::{Delivery, Environment, Params, Pattern};
use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::{
    findings::Findings,
    number::six_digits,
    point::Point,
    quantity::{Bound, Quantity},
};

/// Version of the shape of `summary.json`.
const SUMMARY_SCHEMA: u32 = 1;

#[derive(Serialize)]
struct Summary<'a> {
    schema: u32,
    run: RunSummary<'a>,
    points: Vec<PointSummary<'a>>,
    comparisons: [(); 0],
    thresholds: [(); 0],
}

#[derive(Serialize)]
struct RunSummary<'a> {
    name: &'a str,
    command: &'a str,
    started_at: &'a str,
    seed: u64,
    commit: &'a str,
    verdict: &'static str,
    reason: &'a str,
    trials_planned: u32,
    trials_completed: u32,
    warnings: &'a [String],
    environment: &'a Environment,
}

#[derive(Serialize)]
struct PointSummary<'a> {
    scenario: &'a str,
    pattern: Pattern,
    params: &'a Params,
    server: &'a str,
    trials: usize,
    valid: bool,
    warnings: &'a [String],
    delivery: &'a Delivery,
    quantities: Quantities<'a>,
}

/// A map in the order of the tables.
struct Quantities<'a>(&'a [Quantity]);

#[derive(Serialize)]
struct Fields {
    measured: Option<f64>,
    low: Option<f64>,
    high: Option<f64>,
    predicted: Option<f64>,
    closed_form: Option<f64>,
    /// `lower` if `measured` is only a lower bound, null if it is the value.
    bound: Option<&'static str>,
}

impl Serialize for Quantities<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for quantity in self.0 {
            let fields = Fields {
                measured: quantity.measured.and_then(six_digits),
                low: quantity.low.and_then(six_digits),
                high: quantity.high.and_then(six_digits),
                predicted: quantity.predicted.and_then(six_digits),
                closed_form: quantity.closed_form.and_then(six_digits),
                bound: bound(quantity.bound),
            };
            map.serialize_entry(quantity.name.key(), &fields)?;
        }
        map.end()
    }
}

/// The same word in both files; none for a value.
const fn bound(bound: Bound) -> Option<&'static str> {
    match bound {
        Bound::Exact => None,
        Bound::AtLeast => Some("lower"),
    }
}

/// `summary.json`.
pub(crate) fn json(findings: &Findings) -> String {
    let summary = Summary {
        schema: SUMMARY_SCHEMA,
        run: RunSummary {
            name: &findings.name,
            command: &findings.command,
            started_at: &findings.started_at,
            seed: findings.seed,
            commit: &findings.environment.commit,
            verdict: findings.verdict.key(),
            reason: &findings.verdict_reason,
            trials_planned: findings.trials_planned,
            trials_completed: findings.trials_completed,
            warnings: &findings.warnings,
            environment: &findings.environment,
        },
        points: points(findings).map(point_summary).collect(),
        comparisons: [],
        thresholds: [],
    };
    let mut text = serde_json::to_string_pretty(&summary)
        .expect("the summary has only string keys and no failing serializer");
    text.push('\n');
    text
}

fn points(findings: &Findings) -> impl Iterator<Item = &Point> {
    findings.scenarios.iter().flat_map(|scenario| &scenario.points)
}

fn point_summary(point: &Point) -> PointSummary<'_> {
    PointSummary {
        scenario: &point.scenario,
        pattern: point.pattern,
        params: &point.params,
        server: &point.server,
        trials: point.trials.len(),
        valid: point.valid,
        warnings: &point.warnings,
        delivery: &point.delivery,
        quantities: Quantities(&point.quantities),
    }
}

/// Columns of `summary.csv`, one row per point and quantity.
const COLUMNS: &str = "scenario,pattern,server,subscribers,payload_bytes,rate_hz,poll_interval_ms,hold_ms,turnaround_ms,client,trials,valid,quantity,unit,measured,bound,low,high,predicted,closed_form\n";

/// `summary.csv`.
pub(crate) fn csv(findings: &Findings) -> String {
    let mut text = COLUMNS.to_owned();
    for point in points(findings) {
        for quantity in &point.quantities {
            let params = &point.params;
            let cells = [
                cell(&point.scenario),
                point.pattern.slug().to_owned(),
                cell(&point.server),
                params.subscribers.to_string(),
                params.payload_bytes.to_string(),
                value(Some(params.rate_hz)),
                value(params.poll_interval_ms),
                value(params.hold_ms),
                value(params.turnaround_ms),
                params.client.to_string(),
                point.trials.len().to_string(),
                point.valid.to_string(),
                quantity.name.key().to_owned(),
                quantity.name.unit().to_owned(),
                value(quantity.measured),
                bound(quantity.bound).unwrap_or_default().to_owned(),
                value(quantity.low),
                value(quantity.high),
                value(quantity.predicted),
                value(quantity.closed_form),
            ];
            text.push_str(&cells.join(","));
            text.push('\n');
        }
    }
    text
}

/// Empty where there is none.
fn value(number: Option<f64>) -> String {
    number.and_then(six_digits).map_or_else(String::new, |number| number.to_string())
}

/// RFC 4180 §2: a cell with a separator, quote or line end is quoted, its quotes doubled. A leading
/// `=`, `+`, `-` or `@` would be a formula to a spreadsheet.
fn cell(text: &str) -> String {
    let text = if text.starts_with(['=', '+', '-', '@']) { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}
