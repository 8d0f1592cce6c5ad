//! The table of all points.

use super::{Answered, words::interval_line};
use crate::{
    document::{Block, Cell, Column, ListKind, Role, RowGroup, Style, Table, Text, Tone, note_letter},
    findings::{Findings, Point, ScenarioFinding, unmeasured},
    judgement::{
        best::{BEST_EXPLAINED, Best, is_best},
        floor::multiple_text,
    },
    quantities::QuantityName,
    tables::panel::point_name,
    text::{number::three_digits, setting},
};

/// Heading of the table.
pub(super) const HEADING: &str = "All points in one table";
/// Where it stands.
pub(super) const ANCHOR: &str = "table";

/// Columns that it always has.
const COLUMNS: [QuantityName; 6] = [
    QuantityName::AgeP50,
    QuantityName::AgeP99,
    QuantityName::RequestsPerEvent,
    QuantityName::BytesPerEvent,
    QuantityName::CpuPerEvent,
    QuantityName::SocketsHeld,
];

/// Columns only where one of their values was measured.
const MORE_COLUMNS: [QuantityName; 3] =
    [QuantityName::SaturationDeliveries, QuantityName::MemoryUser, QuantityName::MemoryKernel];

fn columns(findings: &Findings) -> Vec<QuantityName> {
    let points = || findings.scenarios.iter().flat_map(|scenario| &scenario.points);
    let known = |name: &QuantityName| points().any(|point| point.measured(*name).is_some());
    COLUMNS.into_iter().chain(MORE_COLUMNS.into_iter().filter(known)).collect()
}

/// The reasons for grey cells, in the order of their first use.
#[derive(Default)]
struct Notes(Vec<String>);

impl Notes {
    fn letter(&mut self, note: &str) -> String {
        let place = self.0.iter().position(|known| known == note);
        note_letter(place.unwrap_or_else(|| {
            self.0.push(note.to_owned());
            self.0.len() - 1
        }))
    }
}

/// Whether any point is not a browser's task: such a task has no values.
pub(super) fn has_values(findings: &Findings) -> bool {
    findings.scenarios.iter().any(|finding| !is_watched(finding))
}

/// Whether all points of a scenario are a browser's tasks.
fn is_watched(finding: &ScenarioFinding) -> bool {
    let only_watched = |point: &Point| point.completed().next().is_none() && point.watched().next().is_some();
    finding.points.iter().all(only_watched)
}

/// The table with its explanation above and its notes below; nothing if no point has a value.
pub(super) fn blocks<'a>(findings: &Findings, questions: &[Answered<'_>]) -> Vec<Block<'a>> {
    if !has_values(findings) {
        return Vec::new();
    }
    let mut notes = Notes::default();
    let names = columns(findings);
    let mut groups = Vec::new();
    for (finding, _) in questions.iter().filter(|(finding, _)| !is_watched(finding)) {
        let scenario = &finding.scenario.name;
        let title = (questions.len() > 1).then(|| Text::default().link(scenario, scenario));
        let listed = finding.listed().into_iter();
        let rows = listed.map(|point| row(finding, point, &names, &mut notes)).collect();
        groups.push(RowGroup { title, rows });
    }
    let mut columns = vec![Column::values(Text::default().link("g-point", "point"))];
    columns.extend(names.iter().map(|name| Column::values(linked(*name))));
    let mut explained = Text::from("The measured value; below it the prediction of the ")
        .link("g-model", "model")
        .plain(format!(". {BEST_EXPLAINED}"));
    explained.0.extend(interval_line(findings).0);
    if names.contains(&QuantityName::SaturationDeliveries) {
        explained = explained.plain(" For deliveries/s: the highest.");
    }
    let mut blocks = vec![
        Block::part(ANCHOR, HEADING),
        Block::with_role(Role::Quiet, explained),
        Block::table(Table { name: "all points".to_owned(), columns, groups }),
    ];
    if !notes.0.is_empty() {
        let notes = notes.0.into_iter().map(Text::from).collect();
        blocks.push(Block::list(ListKind::Notes, notes));
    }
    blocks
}

/// Heads link to their terms in the glossary.
fn linked(name: QuantityName) -> Text {
    Text::default().link(format!("g-{}", name.term()), name.label())
}

fn row(finding: &ScenarioFinding, point: &Point, names: &[QuantityName], notes: &mut Notes) -> Vec<Cell> {
    let hint = Some(setting::params_text(&point.params));
    let mut cells = vec![Cell { hint, ..Cell::name(point_name(point)) }];
    match unmeasured(point) {
        Some(words) => cells.push(Cell::across(names.len(), words)),
        None => cells.extend(names.iter().map(|name| cell(finding, point, *name, notes))),
    }
    cells
}

fn cell(finding: &ScenarioFinding, point: &Point, name: QuantityName, notes: &mut Notes) -> Cell {
    let quantity = point.quantity_of(name);
    let style = match is_best(finding, point, name) {
        Best::Yes => Style::Strong,
        Best::No => Style::Plain,
    };
    let interval = quantity.interval_text().map_or_else(String::new, |interval| format!(" ({interval})"));
    let mut text = Text::default()
        .and(style, quantity.measured_text())
        .and(Style::Small, interval + &asked(point, name));
    if let Some(warning) = &quantity.warning {
        text = text.plain(" ").and(Style::Note, notes.letter(warning));
    }
    let is_predicted = point.server.is_pushlab() && quantity.predicted.is_some();
    let mut small: Vec<String> =
        is_predicted.then(|| format!("model {}", quantity.predicted_text())).into_iter().collect();
    small.extend(multiple_text(finding, point, name));
    let tone = if quantity.warning.is_some() { Tone::Absent } else { Tone::Plain };
    Cell { small, ..Cell::value(text).toned(tone) }
}

/// How often a subscriber of a stream asked, next to its requests per event: those of the window are none.
fn asked(point: &Point, name: QuantityName) -> String {
    let is_stream = !point.pattern.polls() && !point.server.is_floor();
    let asked = point.measured(QuantityName::RequestsPerSubscriber);
    match (name, point.measured(name), asked) {
        (QuantityName::RequestsPerEvent, Some(0.0), Some(asked)) if is_stream => {
            if (asked - 1.0).abs() < 0.005 {
                " (asked once)".to_owned()
            } else {
                format!(" (asked {} times)", three_digits(asked))
            }
        }
        _ => String::new(),
    }
}
