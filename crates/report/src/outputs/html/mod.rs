//! `report.html`: one file that loads nothing and needs no script.

use maud::{DOCTYPE, Markup, PreEscaped, html};

mod marks;
pub(super) mod method;
mod panel;
pub(super) mod scenario;
mod servers;
pub(super) mod validity;

use crate::{
    charts::Figure,
    findings::{Findings, Judged, Point, ScenarioFinding, unmeasured},
    judgement::{
        best::{BEST_EXPLAINED, Best, is_best},
        floor::multiple_text,
    },
    outputs::words::{driver_words, interval_note, threshold_words},
    quantities::QuantityName,
    style,
    text::{
        number::{count, instant},
        setting,
    },
};
use marks::{figure_markup, point_name};

const STYLE: &str = include_str!("page.css");

/// Colours that no figure uses. The light ones come before the dark ones, as in [`style::variables`].
const VERDICT_COLOURS: &str = ":root{--good:#0A6B3D;--bad:#B3261E;--warning:#8A5A00}\n@media screen and (prefers-color-scheme:dark){:root{--good:#6FD6A2;--bad:#FF8A80;--warning:#F2B632}}\n";

/// Answers at the top; the others are only at their scenarios.
pub(crate) const ANSWERS_AT_THE_TOP: usize = 4;

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

/// Appears once in every report.
pub(crate) const AGE_EXPLAINED: &str = "of an event is received − due: how old it was when a subscriber received it. It counts from the planned instant of the event, so waiting for a poll is part of it.";

/// The whole page.
pub(crate) fn page(findings: &Findings, figures: &[Figure]) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width,initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "pushlab: " (findings.name) " – " (findings.verdict_words()) }
                style { (PreEscaped(style::variables())) (PreEscaped(VERDICT_COLOURS)) (PreEscaped(STYLE)) }
            }
            body {
                header { (title_line(findings)) }
                main {
                    (answer(findings))
                    (one_table(findings))
                    (beside_the_answer(figures))
                    @for (finding, answer) in findings.scenarios.iter().zip(&findings.answers) {
                        (scenario::section(finding, answer, figures))
                    }
                    (method::section(findings))
                }
            }
        }
    }
    .into_string()
    // A server's stderr output may contain control characters, which HTML does not allow.
    .replace(|letter: char| letter.is_control() && letter != '\n', " ")
}

fn title_line(findings: &Findings) -> Markup {
    let environment = &findings.environment;
    html! {
        h1 { "pushlab: " (findings.name) }
        p {
            span class=(format!("verdict {}", findings.verdict.key())) { (findings.verdict_words()) }
            " " (findings.verdict_reason) "."
        }
        (thresholds(findings))
        p.quiet {
            (instant(&findings.started_at)) ", on " (environment.system) ", " (environment.cpu) ", "
            (count(u64::from(environment.cores))) " cores, commit "
            code { (environment.commit) } ". " (driver_words(findings))
        }
        @for warning in &findings.warnings { p { strong { "Note: " } (warning) "." } }
    }
}

/// How many thresholds passed, next to the verdict; the scenarios have the details.
fn thresholds(findings: &Findings) -> Markup {
    let words = threshold_words(findings);
    html! {
        @if let Some(words) = words { p { (words) } }
    }
}

fn answer(findings: &Findings) -> Markup {
    html! {
        h2 #answer { a href="#answer" { "The answer" } }
        @if findings.answers.is_empty() { p { "No trial was recorded, so there is no answer." } }
        ul.answer {
            @for answer in findings.answers.iter().take(ANSWERS_AT_THE_TOP) {
                li {
                    strong { (answer.headline) }
                    br;
                    span.quiet { (answer.beneath()) } " "
                    a href=(format!("#{}", answer.scenario)) { (answer.scenario) }
                }
            }
        }
        @if findings.answers.len() > ANSWERS_AT_THE_TOP {
            nav aria-label="other questions" {
                p { "Answers to the other questions are further down:" }
                ul {
                    @for answer in findings.answers.iter().skip(ANSWERS_AT_THE_TOP) {
                        li { a href=(format!("#{}", answer.scenario)) { (answer.scenario) } }
                    }
                }
            }
        }
        p.quiet { "The " a href="#g-age" { "age" } " " (AGE_EXPLAINED) " " (interval_note(findings)) }
        (method::failures("Failed trials", &findings.failures_of(Judged::Yes)))
    }
}

/// The reasons for grey cells, numbered in the order of their first use.
#[derive(Default)]
struct Notes(Vec<String>);

impl Notes {
    fn number(&mut self, note: &str) -> usize {
        let place = self.0.iter().position(|known| known == note);
        place.unwrap_or_else(|| {
            self.0.push(note.to_owned());
            self.0.len() - 1
        }) + 1
    }
}

fn one_table(findings: &Findings) -> Markup {
    let mut notes = Notes::default();
    let columns = table_columns(findings);
    let rows = html! {
        @for finding in &findings.scenarios {
            tbody {
                tr.group {
                    th colspan=(columns.len() + 1) scope="rowgroup" { span.stay {
                        a href=(format!("#{}", finding.scenario.name)) { (finding.scenario.name) }
                        ": " (finding.scenario.question)
                    } }
                }
                @for point in &finding.points { (row(finding, point, &columns, &mut notes)) }
            }
        }
    };
    html! {
        h2 #table { a href="#table" { "All points in one table" } }
        p.quiet {
            "The measured value, with its " a href="#g-interval" { "interval" } " in brackets where there is one; below it, smaller, the prediction of the "
            a href="#g-model" { "model" } ". " (BEST_EXPLAINED)
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
            ol.quiet { @for note in &notes.0 { li { (note) } } }
        }
    }
}

/// Column heads link to their terms in the glossary.
fn linked(name: QuantityName) -> Markup {
    let anchor = match name.unit() {
        "ms" => "#g-percentile",
        "bytes" if matches!(name, QuantityName::MemoryUser | QuantityName::MemoryKernel) => "#g-memory",
        "bytes" | "requests" | "us" | "deliveries/s" => "#g-delivery",
        _ => "#g-socket",
    };
    html! { a href=(anchor) { (name.label()) } }
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
    let note = quantity.warning.as_deref().map(|warning| notes.number(warning));
    html! {
        td class=[note.map(|_| "warning")] {
            @match is_best(finding, point, name) {
                Best::Yes => { strong { (quantity.measured_text()) } },
                Best::No => { (quantity.measured_text()) },
            }
            @if let Some(number) = note { sup { (number) } }
            @if let Some(interval) = quantity.interval_text() { small { " (" (interval) ")" } }
            @if point.server.is_pushlab() { span.model { (quantity.predicted_text()) } }
            @if let Some(multiple) = multiple_text(finding, point, name) { span.model { (multiple) } }
        }
    }
}

fn beside_the_answer(figures: &[Figure]) -> Markup {
    let shown: Vec<&Figure> = figures.iter().filter(|figure| figure.scenario.is_none()).collect();
    html! {
        @if !shown.is_empty() {
            h2 #choice { a href="#choice" { "What freshness costs" } }
            div.figures { @for figure in shown { (figure_markup(figure, "#table")) } }
        }
    }
}
