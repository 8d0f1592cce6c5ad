//! The findings in the terminal: each question with its answer and its table, then the verdict.

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
        swept::SweepParameter,
    },
};

/// Quantities that have a column for every scenario.
const SHOWN: [QuantityName; 4] =
    [QuantityName::AgeP50, QuantityName::AgeP99, QuantityName::RequestsPerEvent, QuantityName::BytesPerEvent];

/// For each scenario its question, its answer and its points: ages predicted and measured, requests and bytes per
/// event, losses. `width` is the number of columns that the terminal has.
#[must_use]
pub fn terminal_table(findings: &Findings, width: usize) -> String {
    let mut text = String::new();
    for scenario in &findings.scenarios {
        let few = scenario.few_blocks().map_or_else(String::new, |few| format!(" ({few})"));
        let question = plain(&scenario.scenario.question);
        let heading = format!("{}{few}: {question}", scenario.scenario.name);
        let _ = writeln!(text, "{}", textwrap::fill(&heading, width));
        for answer in findings.answers.iter().filter(|answer| answer.scenario == scenario.scenario.name) {
            for line in [answer.headline.clone(), answer.beneath()].iter().filter(|line| !line.is_empty()) {
                let _ = writeln!(text, "{}", textwrap::fill(&plain(line), width));
            }
        }
        if scenario.points.iter().any(|point| unmeasured(point).is_none()) {
            let _ = writeln!(text, "\n{}\n", measured_block(scenario, width));
        }
        for point in &scenario.points {
            if let Some(reason) = point.not_run() {
                let _ = writeln!(text, "{}: not run: {}\n", plain(&point.label()), plain(reason));
            }
        }
        text.push_str(&panel::text(scenario));
        for line in left_out::lines(scenario, asked(scenario)) {
            let _ = writeln!(text, "{}\n", textwrap::fill(&plain(&line), width));
        }
    }
    let mut rest = String::new();
    let _ = writeln!(rest, "{}: {}", findings.verdict_words(), plain(&findings.verdict_reason));
    if let Some(words) = threshold_words(findings) {
        let _ = writeln!(rest, "{words}");
    }
    for threshold in findings.thresholds().filter(|found| found.outcome != ThresholdOutcome::Passed) {
        let of = if threshold.of.is_empty() { String::new() } else { format!(" ({})", threshold.of) };
        let _ = writeln!(
            rest,
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
        let _ = writeln!(rest, "note: {}", plain(warning));
    }
    for failure in &findings.failures {
        let _ = writeln!(
            rest,
            "trial {} ({}, {}) failed: {}",
            failure.order,
            failure.scenario,
            setting::served(failure.pattern.slug(), &failure.server),
            plain(&failure.reason)
        );
    }
    for line in rest.lines() {
        let _ = writeln!(text, "{}", textwrap::fill(line, width));
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
        let mut row = vec![row_label(
            *pattern,
            params,
            SweepParameter::of(scenario).filter(|swept| swept.concerns(*pattern)),
        )];
        for name in [
            QuantityName::AgeP50,
            QuantityName::AgeP99,
            QuantityName::RequestsPerEvent,
            QuantityName::EmptyRatio,
            QuantityName::BytesPerEvent,
            QuantityName::SocketsHeld,
        ] {
            row.push(bare(predicted.replayed.as_ref().ok().and_then(|of| name.predicted(of))));
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

/// A column of the table, which is left out where the terminal is too narrow for it.
struct Column {
    head: String,
    cells: Vec<String>,
    /// The column with the largest rank is left out first; one with rank 0 never is.
    rank: u8,
}

impl Column {
    fn width(&self) -> usize {
        let lines = self.cells.iter().flat_map(|cell| cell.lines()).chain(self.head.lines());
        lines.map(|line| line.chars().count()).max().unwrap_or(0)
    }
}

/// The columns of a scenario's measured points.
fn columns(scenario: &ScenarioFinding) -> Vec<Column> {
    let points: Vec<&Point> = scenario.points.iter().filter(|point| unmeasured(point).is_none()).collect();
    let column = |head: &str, rank: u8, cell: &dyn Fn(&Point) -> String| Column {
        head: head.to_owned(),
        cells: points.iter().map(|point| cell(point)).collect(),
        rank,
    };
    let quantity = |name: QuantityName| move |point: &Point| measured(point.quantity_of(name));
    let predicted = |name: QuantityName| move |point: &Point| bare(point.quantity_of(name).predicted);
    let label = |point: &Point| {
        let server = if point.server.is_pushlab() { String::new() } else { format!(" · {}", point.server) };
        format!("{}{server}", row_label(point.pattern, &point.params, point.swept))
    };
    let is_lossless =
        points.iter().all(|point| point.completed().next().is_some() && point.delivery.lost == 0);
    let mut columns = vec![
        column("pattern", 0, &label),
        column("age p50\nms", 3, &quantity(QuantityName::AgeP50)),
        column("predicted\np50", 5, &predicted(QuantityName::AgeP50)),
        column("age p99\nms", 0, &|point| with_interval(point.quantity_of(QuantityName::AgeP99))),
        column("predicted\np99", 4, &predicted(QuantityName::AgeP99)),
        column("requests\nper event", 1, &quantity(QuantityName::RequestsPerEvent)),
        column("bytes\nper event", 0, &quantity(QuantityName::BytesPerEvent)),
        column("lost", if is_lossless { 2 } else { 0 }, &lost),
    ];
    if let Some(name) = asked(scenario) {
        let head = format!("{}\n{}", name.label(), name.unit());
        columns.push(column(&head, 0, &|point| with_interval(point.quantity_of(name))));
    }
    columns
}

/// The table of a scenario's points. Columns are left out until it fits; no cell is wrapped.
fn measured_block(scenario: &ScenarioFinding, width: usize) -> Table {
    let mut columns = columns(scenario);
    loop {
        // One space before each column but the first.
        let needed = columns.iter().map(|column| column.width() + 1).sum::<usize>() - 1;
        let widest_rank = columns.iter().map(|column| column.rank).max().unwrap_or(0);
        if needed <= width || widest_rank == 0 {
            break;
        }
        columns.retain(|column| column.rank != widest_rank);
    }
    let heads: Vec<&str> = columns.iter().map(|column| column.head.as_str()).collect();
    let mut table = table(&heads);
    for row in 0..columns[0].cells.len() {
        table.add_row(columns.iter().map(|column| column.cells[row].as_str()));
    }
    align(&mut table);
    table
}

fn row_label(pattern: Pattern, params: &Params, swept: Option<SweepParameter>) -> String {
    let value = swept.map_or_else(String::new, |swept| swept.text(params));
    let text = if value.is_empty() || swept == Some(SweepParameter::PollInterval) {
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
