//! What only a terminal shows: each question with its answer, its numbers in one table, and the verdict at the
//! end.

use contract::{Params, Pattern};

use super::words::threshold_words;
use crate::{
    document::{Block, Cell, Column, Document, Place, Style, Table, Text, Tone},
    findings::{Answer, Findings, Point, ScenarioFinding, ThresholdOutcome, Verdict, unmeasured},
    quantities::{Bound, Quantity, QuantityName},
    tables::{left_out, watched},
    text::{
        number::{count, rounded_down, three_digits, with_interval},
        sentence::capitalised,
        setting,
        swept::{SweepParameter, Topic},
    },
};

/// Quantities that have a column for every scenario.
const SHOWN: [QuantityName; 4] =
    [QuantityName::AgeP50, QuantityName::AgeP99, QuantityName::RequestsPerEvent, QuantityName::BytesPerEvent];

/// Most invalid points whose reasons are listed; the report has all.
const REASONS: usize = 4;

/// The judgement that a verdict is.
pub(super) const fn tone(verdict: Verdict) -> Tone {
    match verdict {
        Verdict::Passed => Tone::Good,
        Verdict::Failed | Verdict::Invalid | Verdict::ThresholdFailed => Tone::Bad,
        Verdict::Interrupted | Verdict::Inconclusive => Tone::Doubt,
    }
}

/// A document that only a terminal shows.
pub(super) const fn in_terminal(title: String, main: Vec<Block<'_>>) -> Document<'_> {
    Document { title, header: Vec::new(), main }
}

/// A line of a terminal.
pub(super) fn line<'a>(text: impl Into<Text>) -> Block<'a> {
    Block::paragraph(text).at(Place::Terminal)
}

/// A head of two lines, the second often a unit.
pub(super) fn two_lines(head: &str, more: &str) -> Text {
    Text::from(head).new_line().plain(more)
}

/// The question, the answer, and what is beneath it.
pub(super) fn answer<'a>(finding: &ScenarioFinding, answer: &Answer) -> Vec<Block<'a>> {
    let few = finding.few_blocks().map_or_else(String::new, |few| format!(" ({few})"));
    let question = format!("{}{few}: {}", finding.scenario.name, finding.scenario.question);
    let mut blocks = vec![Block::heading(2, question).at(Place::Terminal)];
    blocks.push(line(Text::default().strong(&answer.headline)));
    let beneath = answer.beneath();
    blocks.extend((!beneath.is_empty()).then(|| line(beneath)));
    blocks
}

/// The numbers of a scenario, and what has none.
pub(super) fn results<'a>(finding: &ScenarioFinding) -> Vec<Block<'a>> {
    let mut points = finding.listed();
    points.retain(|point| unmeasured(point).is_none());
    let mut blocks = Vec::new();
    if !points.is_empty() {
        blocks.push(Block::table(table(finding, &points)).at(Place::Terminal));
    }
    let not_run = |point: &Point| Some(format!("{}: not run: {}", point.label(), point.not_run()?));
    blocks.extend(finding.points.iter().filter_map(not_run).map(line));
    blocks.extend(watched::lines(finding).into_iter().map(line));
    blocks
}

/// Why values are missing, and what to do about rows that are not valid.
pub(super) fn remarks<'a>(finding: &ScenarioFinding) -> Vec<Block<'a>> {
    let mut blocks: Vec<Block<'_>> = left_out::lines(finding, asked(finding)).into_iter().map(line).collect();
    let invalid: Vec<&Point> = finding.points.iter().filter(|point| !point.valid).collect();
    blocks.extend(invalid.iter().take(REASONS).map(|point| {
        let reason = point.invalid_because.first().map_or("no trial was completed", String::as_str);
        line(Text::default().and(Style::Judged('✗'), point.label()).plain(format!(" is not valid: {reason}")))
    }));
    if !invalid.is_empty() {
        let command = &finding.command;
        blocks.push(line(format!(
            "Do not use the rows with ✗. Stop other programs and measure again: {command}"
        )));
    }
    blocks
}

/// The verdict on the run, broken thresholds, notes and failures.
pub(super) fn verdict<'a>(findings: &Findings) -> Vec<Block<'a>> {
    let counts = threshold_words(findings);
    // The thresholds that decide are listed below it.
    let (reason, counts) = match (findings.verdict, counts) {
        (Verdict::ThresholdFailed | Verdict::Inconclusive, Some(counts)) => (counts, None),
        (_, counts) => (findings.verdict_reason.clone(), counts),
    };
    let verdict = Text::default()
        .and(Style::Verdict(tone(findings.verdict)), findings.verdict_words())
        .plain(format!(": {reason}"));
    let mut blocks = vec![line(verdict)];
    blocks.extend(counts.map(|counts| line(capitalised(&format!("{counts}.")))));
    for threshold in findings.thresholds().filter(|found| found.outcome != ThresholdOutcome::Passed) {
        let of = if threshold.of.is_empty() { String::new() } else { format!(" ({})", threshold.of) };
        blocks.push(line(format!(
            "threshold {}: {}{of}: {}: {}, {}",
            threshold.outcome.word(),
            threshold.text,
            threshold.scenario,
            threshold.value_text(),
            threshold.reason
        )));
    }
    blocks.extend(to_decide(findings).map(line));
    blocks.extend(findings.warnings.iter().map(|warning| line(format!("note: {warning}"))));
    blocks.extend(findings.failures.iter().map(|failure| {
        let pattern = setting::served(failure.pattern.label(), &failure.server);
        line(format!("trial {} ({}, {pattern}) failed: {}", failure.order, failure.scenario, failure.reason))
    }));
    blocks
}

/// What decides an open threshold where there are too few blocks.
fn to_decide(findings: &Findings) -> Option<String> {
    let is_open = |finding: &&ScenarioFinding| {
        let mut thresholds = finding.thresholds.iter();
        finding.few_blocks().is_some()
            && thresholds.any(|found| found.outcome == ThresholdOutcome::Inconclusive)
    };
    let open = findings.scenarios.iter().find(is_open)?;
    Some(format!("Four blocks give an interval: just bench {} --blocks 4", open.scenario.name))
}

/// The primary quantity, if the other columns do not show it.
fn asked(scenario: &ScenarioFinding) -> Option<QuantityName> {
    scenario.primary().filter(|name| !SHOWN.contains(name))
}

/// Ages predicted and measured, requests and bytes per event, losses; the units are in the heads.
fn table(finding: &ScenarioFinding, points: &[&Point]) -> Table {
    let measured = |name: QuantityName| move |point: &Point| bare_measured(point.quantity_of(name));
    let predicted = |name: QuantityName| move |point: &Point| bare(point.quantity_of(name).predicted);
    let interval = |name: QuantityName| move |point: &Point| bare_interval(point.quantity_of(name));
    let is_lossless =
        points.iter().all(|point| point.completed().next().is_some() && point.delivery.lost == 0);
    type Value<'a> = Box<dyn Fn(&Point) -> String + 'a>;
    let mut shown: Vec<(&str, &str, usize, Value<'_>)> = vec![
        ("age p50", "ms", 3, Box::new(measured(QuantityName::AgeP50))),
        ("predicted", "p50", 5, Box::new(predicted(QuantityName::AgeP50))),
        ("age p99", "ms", 0, Box::new(interval(QuantityName::AgeP99))),
        ("predicted", "p99", 4, Box::new(predicted(QuantityName::AgeP99))),
        ("requests", "per event", 1, Box::new(measured(QuantityName::RequestsPerEvent))),
        ("bytes", "per event", 0, Box::new(measured(QuantityName::BytesPerEvent))),
        ("lost", "in all", if is_lossless { 2 } else { 0 }, Box::new(lost)),
    ];
    if let Some(name) = asked(finding) {
        shown.push((name.label(), name.unit().word(), 0, Box::new(interval(name))));
    }
    let column = |(head, unit, rank, _): &(&str, &str, usize, Value<'_>)| {
        Column::values(two_lines(head, unit)).ranked(*rank)
    };
    let mut columns = vec![Column::values("pattern")];
    columns.extend(shown.iter().map(column));
    let row = |point: &&Point| {
        let values = shown.iter().map(|(_, _, _, value)| Cell::value(value(point)));
        std::iter::once(name(point)).chain(values).collect()
    };
    Table::new("points", columns, points.iter().map(row).collect())
}

/// The pattern with its setting; marked if the point is not valid.
fn name(point: &Point) -> Cell {
    let text = setting::served(&row_label(point.pattern, &point.params, point.swept), &point.server);
    if point.valid {
        return Cell::name(text);
    }
    Cell::name(Text::default().and(Style::Judged('✗'), text)).toned(Tone::Bad)
}

/// A pattern with its setting, as short as a row needs.
pub(super) fn row_label(pattern: Pattern, params: &Params, swept: Option<SweepParameter>) -> String {
    let value = swept.map_or_else(String::new, |swept| swept.text(params));
    if value.is_empty() || swept.is_some_and(|swept| swept.has(Topic::InName)) {
        setting::pattern_text(pattern, params)
    } else {
        format!("{}, {value}", pattern.label())
    }
}

/// A value without its unit, which is in the head.
pub(super) fn bare(value: Option<f64>) -> String {
    value.map_or_else(|| "—".to_owned(), three_digits)
}

fn bare_measured(quantity: &Quantity) -> String {
    let error = quantity.clock_bound_text();
    match quantity.bound {
        Bound::Exact => format!("{}{error}", bare(quantity.measured)),
        Bound::AtLeast => format!("> {}{error}", bare(quantity.measured.map(rounded_down))),
    }
}

fn bare_interval(quantity: &Quantity) -> String {
    let ends = quantity.low.zip(quantity.high).map(|(low, high)| [low, high].map(three_digits));
    with_interval(&bare_measured(quantity), ends)
}

fn lost(point: &Point) -> String {
    if point.completed().next().is_none() {
        return "failed".to_owned();
    }
    count(point.delivery.lost)
}
