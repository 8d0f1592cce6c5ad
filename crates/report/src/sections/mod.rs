//! The documents of a run, of predictions and of two runs compared: which blocks stand in which order. Nothing here knows how they are written.

mod break_even;
mod changes;
mod choice;
pub(crate) mod claims;
mod claims_page;
mod figures;
mod first_screen;
mod method;
mod points;
mod predictions;
mod scenario;
mod terminal;
mod validity;
mod words;

use crate::{
    charts::Figure,
    document::{Block, Document, Group, ListKind, Text},
    findings::{Answer, Findings, ScenarioFinding},
    text::swept::SweepParameter,
};
pub(crate) use break_even::break_even;
pub(crate) use changes::changes;
pub(crate) use choice::choice;
pub(crate) use claims_page::page as claims_page;
use first_screen::FirstScreen;
pub use predictions::ModelPrediction;
pub(crate) use predictions::predictions;

/// A question with its answer.
type Answered<'a> = (&'a ScenarioFinding, &'a Answer);

/// The whole report.
pub(crate) fn document<'a>(findings: &'a Findings, figures: &'a [Figure]) -> Document<'a> {
    let questions = in_order(findings);
    let figures = figures::each_once(figures);
    let first = FirstScreen::of(findings, &questions, &figures);
    let mut main = first.answers(&figures);
    main.extend(claims::section(findings));
    main.push(contents(findings, &questions, &first, &figures));
    main.extend(points::blocks(findings, &questions));
    main.extend(figures::across_scenarios(&figures));
    main.extend(questions.iter().map(|question| scenario::section(*question, &first, &figures)));
    main.push(method::section(findings));
    main.push(method::glossary(findings, &main));
    main.extend(claims::summary_line(findings));
    main.extend(terminal::verdict(findings));
    let title = format!("{} – {}", first.title(), findings.verdict_words());
    Document { title, header: first.header(), main }
}

/// The questions in their order, those about ablations last: they are about this lab's own server.
fn in_order(findings: &Findings) -> Vec<Answered<'_>> {
    let mut questions: Vec<Answered<'_>> = findings.scenarios.iter().zip(&findings.answers).collect();
    questions
        .sort_by_key(|(finding, _)| SweepParameter::of(&finding.scenario) == Some(SweepParameter::Ablation));
    questions
}

/// The parts of the document as links.
fn contents<'a>(
    findings: &Findings,
    questions: &[Answered<'_>],
    first: &FirstScreen<'_>,
    figures: &[&Figure],
) -> Block<'a> {
    let mut links: Vec<(&str, String)> = Vec::new();
    if points::has_values(findings) {
        links.push((points::ANCHOR, points::HEADING.to_owned()));
    }
    if figures.iter().any(|figure| figure.scenario.is_none()) {
        links.push((figures::ACROSS_ANCHOR, figures::ACROSS_HEADING.to_owned()));
    }
    links.extend(
        questions.iter().map(|(finding, _)| (finding.scenario.name.as_str(), first.heading(finding))),
    );
    links.push((method::ANCHOR, method::HEADING.to_owned()));
    links.push((method::GLOSSARY_ANCHOR, method::GLOSSARY_HEADING.to_owned()));
    let items = links.into_iter().map(|(anchor, words)| Text::default().link(anchor, words)).collect();
    Block::group(Group::Contents, vec![Block::list(ListKind::Items, items)])
}
