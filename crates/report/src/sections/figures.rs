//! Figures in the document.

use crate::{
    charts::Figure,
    document::{Block, Content, Group, Place, Text},
    findings::ScenarioFinding,
};

/// Heading of the figures that belong to more than one question.
pub(super) const ACROSS_HEADING: &str = "What freshness costs";
/// Where they stand.
pub(super) const ACROSS_ANCHOR: &str = "choice";

/// Without a scenario's figure whose title is that of a figure across scenarios: that one has its points, too.
pub(super) fn each_once(figures: &[Figure]) -> Vec<&Figure> {
    let across = || figures.iter().filter(|figure| figure.scenario.is_none());
    let is_repeated =
        |figure: &&Figure| figure.scenario.is_some() && across().any(|other| other.title == figure.title);
    figures.iter().filter(|figure| !is_repeated(figure)).collect()
}

/// Where the numbers of a scenario stand.
pub(super) fn numbers_anchor(finding: &ScenarioFinding) -> String {
    format!("{}-numbers", finding.scenario.name)
}

/// Whether a figure belongs to a scenario.
pub(super) fn is_of(figure: &Figure, finding: &ScenarioFinding) -> bool {
    figure.scenario.as_deref() == Some(finding.scenario.name.as_str())
}

/// A figure with a link to its numbers. A title or a caption that an earlier figure has does not stand there
/// again, nor does a title that the texts `beside` the figure contain.
pub(super) fn block<'a>(
    figure: &'a Figure,
    numbers: &str,
    figures: &[&'a Figure],
    beside: &[String],
) -> Block<'a> {
    let earlier = || figures.iter().take_while(|other| other.slug != figure.slug);
    let title = if earlier().any(|other| other.title == figure.title) {
        Some("The same, other points".to_owned())
    } else {
        let is_beside = beside.iter().any(|text| text.contains(&figure.title));
        (!is_beside).then(|| figure.title.clone())
    };
    let caption = match earlier().find(|other| other.caption == figure.caption) {
        Some(other) => Text::default().link(&other.slug, "How to read it"),
        None => Text::from(figure.caption.as_str()),
    };
    let caption = caption.plain(" ").link(numbers, "Numbers");
    Block { place: Place::Page, content: Content::Figure { figure, title, caption } }
}

/// The figures that belong to more than one question.
pub(super) fn across_scenarios<'a>(figures: &[&'a Figure]) -> Vec<Block<'a>> {
    let shown = figures.iter().filter(|figure| figure.scenario.is_none());
    let blocks: Vec<Block<'_>> =
        shown.map(|figure| block(figure, super::points::ANCHOR, figures, &[])).collect();
    if blocks.is_empty() {
        return blocks;
    }
    vec![Block::part(ACROSS_ANCHOR, ACROSS_HEADING), Block::group(Group::Figures, blocks)]
}
