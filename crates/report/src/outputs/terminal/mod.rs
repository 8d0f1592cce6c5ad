//! Tables for the terminal: the same findings in eighty columns or a little more.

use std::fmt::Write as _;

use comfy_table::Table;
use contract::{Params, Pattern, Scenario};
use model::Predicted;

pub(crate) mod layout;
mod panel;

use layout::{align, plain, table};

use crate::{
    findings::{Findings, Point, ScenarioFinding, ThresholdOutcome, unmeasured},
    outputs::words::threshold_words,
    quantities::{Bound, Quantity, QuantityName},
    tables::left_out,
    text::{
        number::{self, count, three_digits},
        setting,
        swept::Swept,
    },
    trials::measured,
};

/// Quantities that have a column for every scenario.
const SHOWN: [QuantityName; 4] =
    [QuantityName::AgeP50, QuantityName::AgeP99, QuantityName::RequestsPerEvent, QuantityName::BytesPerEvent];

/// A group of rows per scenario: ages predicted and measured, requests and bytes per event, losses.
#[must_use]
pub fn terminal_table(findings: &Findings) -> String {
    let mut text = String::new();
    for scenario in &findings.scenarios {
        let few = scenario.few_blocks().map_or_else(String::new, |few| format!(" ({few})"));
        let _ = writeln!(text, "{}{few}: {}", scenario.scenario.name, plain(&scenario.scenario.question));
        if scenario.points.iter().any(|point| unmeasured(point).is_none()) {
            let _ = writeln!(text, "{}\n", measured_block(scenario));
        }
        for point in &scenario.points {
            if let Some(reason) = point.not_run() {
                let _ = writeln!(text, "{}: not run: {}\n", plain(&point.label()), plain(reason));
            }
        }
        text.push_str(&panel::text(scenario));
        for line in left_out::lines(scenario, asked(scenario)) {
            let _ = writeln!(text, "{}\n", plain(&line));
        }
    }
    let _ = writeln!(text, "{}: {}", findings.verdict_words(), plain(&findings.verdict_reason));
    if let Some(words) = threshold_words(findings) {
        let _ = writeln!(text, "{words}");
    }
    for threshold in findings.thresholds().filter(|found| found.outcome != ThresholdOutcome::Passed) {
        let of = if threshold.of.is_empty() { String::new() } else { format!(" ({})", threshold.of) };
        let _ = writeln!(
            text,
            "threshold {}: {}{}: {}: {}, {}",
            threshold.outcome.word(),
            plain(&threshold.text),
            plain(&of),
            plain(&threshold.scenario),
            threshold.value_text(),
            plain(&threshold.reason)
        );
    }
    for warning in &findings.warnings {
        let _ = writeln!(text, "note: {}", plain(warning));
    }
    for failure in &findings.failures {
        let _ = writeln!(
            text,
            "trial {} ({}, {}) failed: {}",
            failure.order,
            failure.scenario,
            setting::served(failure.pattern.slug(), &failure.server),
            plain(&failure.reason)
        );
    }
    text
}

/// The model's predictions for a scenario, without any measurement.
#[must_use]
pub fn prediction_table(scenario: &Scenario, predictions: &[(Pattern, Params, Predicted)]) -> String {
    let mut table = table(&[
        "pattern",
        "age p50\nms",
        "age p99\nms",
        "requests\nper event",
        "empty\nratio",
        "bytes\nper event",
        "sockets\nheld",
    ]);
    let mut reasons: Vec<String> = Vec::new();
    for (pattern, params, predicted) in predictions {
        let mut row =
            vec![row_label(*pattern, params, Swept::of(scenario).filter(|swept| swept.concerns(*pattern)))];
        for name in [
            QuantityName::AgeP50,
            QuantityName::AgeP99,
            QuantityName::RequestsPerEvent,
            QuantityName::EmptyRatio,
            QuantityName::BytesPerEvent,
            QuantityName::SocketsHeld,
        ] {
            row.push(bare(predicted.replayed.as_ref().ok().and_then(|of| measured::prediction(name, of))));
        }
        if let Err(reason) = &predicted.replayed {
            reasons.push(format!("{}: no prediction: {reason}", row[0]));
        }
        table.add_row(row);
    }
    align(&mut table);
    let mut text = format!("{}: {}\n{table}\n", scenario.name, plain(&scenario.question));
    for reason in reasons {
        let _ = writeln!(text, "{}", plain(&reason));
    }
    text
}

/// The primary quantity, if the other columns do not show it.
fn asked(scenario: &ScenarioFinding) -> Option<QuantityName> {
    scenario.primary().filter(|name| !SHOWN.contains(name))
}

fn measured_block(scenario: &ScenarioFinding) -> Table {
    let mut heads = vec![
        "pattern",
        "age p50, ms\npredicted",
        "\nmeasured",
        "age p99, ms\npredicted",
        "\nmeasured",
        "requests\nper event",
        "bytes\nper event",
        "lost",
    ];
    let asked = asked(scenario);
    let asked_head = asked.map_or_else(String::new, |name| format!("{}\n{}", name.label(), name.unit()));
    if asked.is_some() {
        heads.push(&asked_head);
    }
    let mut table = table(&heads);
    for point in scenario.points.iter().filter(|point| unmeasured(point).is_none()) {
        let p50 = point.quantity_of(QuantityName::AgeP50);
        let p99 = point.quantity_of(QuantityName::AgeP99);
        let label = row_label(point.pattern, &point.params, point.swept);
        let server = if point.server.is_pushlab() { String::new() } else { format!(" · {}", point.server) };
        let mut row = vec![
            format!("{label}{server}"),
            bare(p50.predicted),
            measured(p50),
            bare(p99.predicted),
            with_interval(p99),
            measured(point.quantity_of(QuantityName::RequestsPerEvent)),
            measured(point.quantity_of(QuantityName::BytesPerEvent)),
            lost(point),
        ];
        row.extend(asked.map(|name| with_interval(point.quantity_of(name))));
        table.add_row(row);
    }
    align(&mut table);
    table
}

fn row_label(pattern: Pattern, params: &Params, swept: Option<Swept>) -> String {
    let value = swept.map_or_else(String::new, |swept| swept.text(params));
    let text = if value.is_empty() || swept == Some(Swept::PollInterval) {
        setting::pattern_text(pattern, params)
    } else {
        format!("{}, {value}", pattern.label())
    };
    plain(&text)
}

fn bare(value: Option<f64>) -> String {
    value.map_or_else(|| "—".to_owned(), three_digits)
}

fn measured(quantity: &Quantity) -> String {
    let error = plain(&quantity.clock_bound_text());
    match quantity.bound {
        Bound::Exact => format!("{}{error}", bare(quantity.measured)),
        Bound::AtLeast => format!("> {}{error}", bare(quantity.measured.map(number::rounded_down))),
    }
}

/// A quantity with its interval where there is one.
fn with_interval(quantity: &Quantity) -> String {
    let interval = quantity.interval_text().map_or_else(String::new, |text| plain(&format!(" ({text})")));
    format!("{}{interval}", measured(quantity))
}

fn lost(point: &Point) -> String {
    if point.completed().next().is_none() {
        return "failed".to_owned();
    }
    count(point.delivery.lost)
}
