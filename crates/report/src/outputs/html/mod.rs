//! `report.html`: one file that loads nothing and needs no script.

use maud::{DOCTYPE, Markup, PreEscaped, html};

mod first_screen;
mod marks;
pub(super) mod method;
mod panel;
pub(super) mod scenario;
mod servers;
pub(super) mod validity;

use crate::{
    charts::Figure,
    findings::{Findings, Point, ScenarioFinding, unmeasured},
    judgement::{
        best::{BEST_EXPLAINED, Best, is_best},
        floor::multiple_text,
    },
    outputs::words::interval_note,
    quantities::QuantityName,
    style,
    text::setting,
};
use first_screen::FirstScreen;
use marks::{figure_markup, point_name};

const STYLE: &str = include_str!("page.css");

/// Colours that no figure uses. The light ones come before the dark ones, as in [`style::variables`].
const PAGE_COLOURS: &str = ":root{--good:#0A6B3D;--bad:#B3261E;--warning:#8A5A00;--shadow:#00000038}\n@media screen and (prefers-color-scheme:dark){:root{--good:#6FD6A2;--bad:#FF8A80;--warning:#F2B632;--shadow:#FFFFFF40}}\n";

/// Columns that the table of all points always has.
const TABLE: [QuantityName; 6] = [
    QuantityName::AgeP50,
    QuantityName::AgeP99,
    QuantityName::RequestsPerEvent,
    QuantityName::BytesPerEvent,
    QuantityName::CpuPerEvent,
    QuantityName::SocketsHeld,
];

/// The columns of the table of all points: memory only where it was measured.
pub(crate) fn table_columns(findings: &Findings) -> Vec<QuantityName> {
    let mut columns = TABLE.to_vec();
    let known = |name: QuantityName| {
        findings
            .scenarios
            .iter()
            .flat_map(|scenario| &scenario.points)
            .any(|point| point.measured(name).is_some())
    };
    if known(QuantityName::SaturationDeliveries) {
        columns.push(QuantityName::SaturationDeliveries);
    }
    columns.extend(
        [QuantityName::MemoryUser, QuantityName::MemoryKernel].into_iter().filter(|name| known(*name)),
    );
    columns
}

/// The whole page.
pub(crate) fn page(findings: &Findings, figures: &[Figure]) -> String {
    let figures = each_once(figures);
    let first = FirstScreen::of(findings, &figures);
    let parts = html! {
        (first.answers(&figures))
        (contents(findings, &first, &figures))
        (one_table(findings))
        (across_scenarios(&figures))
        @for (finding, answer) in findings.scenarios.iter().zip(&findings.answers) {
            (scenario::section(finding, answer, &first, &figures))
        }
        (method::section(findings))
    };
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width,initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (first.title()) " – " (findings.verdict_words()) }
                style { (PreEscaped(style::variables())) (PreEscaped(PAGE_COLOURS)) (PreEscaped(STYLE)) }
            }
            body {
                header { (first.header()) }
                main { (parts) (method::glossary(findings, &parts.0)) }
            }
        }
    }
    .into_string()
    // A server's stderr output may contain control characters, which HTML does not allow.
    .replace(|letter: char| letter.is_control() && letter != '\n', " ")
}

/// Without a scenario's figure whose title is that of a figure across scenarios: that one has its points, too.
fn each_once(figures: &[Figure]) -> Vec<&Figure> {
    let across = || figures.iter().filter(|figure| figure.scenario.is_none());
    let is_repeated =
        |figure: &&Figure| figure.scenario.is_some() && across().any(|other| other.title == figure.title);
    figures.iter().filter(|figure| !is_repeated(figure)).collect()
}

/// The parts of the page as links.
fn contents(findings: &Findings, first: &FirstScreen<'_>, figures: &[&Figure]) -> Markup {
    html! {
        nav #contents aria-label="contents" {
            ul {
                @if has_values(findings) { li { a href="#table" { (TABLE_HEADING) } } }
                @if figures.iter().any(|figure| figure.scenario.is_none()) {
                    li { a href="#choice" { (ACROSS_HEADING) } }
                }
                @for finding in &findings.scenarios {
                    li { a href=(format!("#{}", finding.scenario.name)) { (first.heading(finding)) } }
                }
                li { a href="#method" { (method::HEADING) } }
                li { a href="#words" { (method::GLOSSARY_HEADING) } }
            }
        }
    }
}

/// Heading of the table of all points.
const TABLE_HEADING: &str = "All points in one table";
/// Heading of the figures that belong to more than one question.
const ACROSS_HEADING: &str = "What freshness costs";

/// The reasons for grey cells, with letters in the order of their first use: a number would read as a power.
#[derive(Default)]
struct Notes(Vec<String>);

impl Notes {
    fn letter(&mut self, note: &str) -> String {
        let place = self.0.iter().position(|known| known == note);
        letter(place.unwrap_or_else(|| {
            self.0.push(note.to_owned());
            self.0.len() - 1
        }))
    }
}

/// `a` to `z`, then `aa`: as a list with letters counts.
fn letter(index: usize) -> String {
    let last = char::from(b'a' + (index % 26) as u8);
    if index < 26 { last.to_string() } else { format!("{}{last}", letter(index / 26 - 1)) }
}

/// Whether any point is not a browser's task: such a task has no values.
fn has_values(findings: &Findings) -> bool {
    findings.scenarios.iter().any(|finding| !is_watched(finding))
}

/// Whether all points of a scenario are a browser's tasks.
fn is_watched(finding: &ScenarioFinding) -> bool {
    let only_watched = |point: &Point| point.completed().next().is_none() && point.watched().next().is_some();
    finding.points.iter().all(only_watched)
}

fn one_table(findings: &Findings) -> Markup {
    if !has_values(findings) {
        return Markup::default();
    }
    let mut notes = Notes::default();
    let columns = table_columns(findings);
    let rows = html! {
        @for finding in findings.scenarios.iter().filter(|finding| !is_watched(finding)) {
            tbody {
                @if findings.scenarios.len() > 1 { tr.group {
                    th colspan=(columns.len() + 1) scope="rowgroup" { span.stay {
                        a href=(format!("#{}", finding.scenario.name)) { (finding.scenario.name) }
                    } }
                } }
                @for point in &finding.points { (row(finding, point, &columns, &mut notes)) }
            }
        }
    };
    html! {
        h2 #table { a href="#table" { (TABLE_HEADING) } }
        p.quiet.columns {
            "The measured value, with its " a href="#g-interval" { "interval" } " in brackets where there is one; below it the prediction of the "
            a href="#g-model" { "model" } ". " (BEST_EXPLAINED) " " (interval_note(findings))
            @if columns.contains(&QuantityName::SaturationDeliveries) { " For deliveries/s: the highest." }
        }
        div.scroll tabindex="0" role="region" aria-label="all points" {
            table {
                thead { tr {
                    th scope="col" { a href="#g-point" { "point" } }
                    @for name in &columns { th scope="col" { (linked(*name)) } }
                } }
                (rows)
            }
        }
        @if !notes.0.is_empty() {
            ol.quiet type="a" {
                @for (index, note) in notes.0.iter().enumerate() { li id=(format!("note-{}", letter(index))) { (note) } }
            }
        }
    }
}

/// Column heads link to their terms in the glossary.
fn linked(name: QuantityName) -> Markup {
    html! { a href=(format!("#g-{}", name.term())) { (name.label()) } }
}

fn row(finding: &ScenarioFinding, point: &Point, columns: &[QuantityName], notes: &mut Notes) -> Markup {
    html! {
        tr {
            th scope="row" title=(setting::params_text(&point.params)) { (point_name(point)) }
            @match unmeasured(point) {
                Some(words) => { td.words.warning colspan=(columns.len()) { (words) } },
                None => { @for &name in columns { (cell(finding, point, name, notes)) } },
            }
        }
    }
}

fn cell(finding: &ScenarioFinding, point: &Point, name: QuantityName, notes: &mut Notes) -> Markup {
    let quantity = point.quantity_of(name);
    let note = quantity.warning.as_deref().map(|warning| notes.letter(warning));
    html! {
        td class=[note.is_some().then_some("warning")] {
            @match is_best(finding, point, name) {
                Best::Yes => { strong { (quantity.measured_text()) } },
                Best::No => { (quantity.measured_text()) },
            }
            @if let Some(interval) = quantity.interval_text() { small { " (" (interval) ")" } }
            @if let Some(letter) = note { " " a.note href=(format!("#note-{letter}")) { (letter) } }
            @if point.server.is_pushlab() && quantity.predicted.is_some() {
                span.model { "model " (quantity.predicted_text()) }
            }
            @if let Some(multiple) = multiple_text(finding, point, name) { span.model { (multiple) } }
        }
    }
}

fn across_scenarios(figures: &[&Figure]) -> Markup {
    let shown: Vec<&Figure> = figures.iter().copied().filter(|figure| figure.scenario.is_none()).collect();
    html! {
        @if !shown.is_empty() {
            h2 #choice { a href="#choice" { (ACROSS_HEADING) } }
            div.figures { @for figure in shown { (figure_markup(figure, "#table", figures, "")) } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_have_letters_as_a_list_counts_them() {
        let mut notes = Notes::default();
        assert_eq!(["x", "y", "x"].map(|note| notes.letter(note)), ["a", "b", "a"]);
        assert_eq!([0, 25, 26, 51, 52].map(letter), ["a", "z", "aa", "az", "ba"]);
    }
}
