//! The cost of a delivery on each server, one chart per pattern: bars by server with the floor's line.

use contract::Pattern;

use super::{
    axis::quantity_title,
    bars::{self, Bar},
    figure::Figure,
    shown,
};
use crate::{
    findings::{Point, ScenarioFinding},
    quantities::{Bound, QuantityName},
    text::sentence::capitalised,
};

/// Bars that one figure can hold.
const MOST_BARS: usize = 12;

/// One figure per pattern; none without a third-party server.
pub(super) fn figures(finding: &ScenarioFinding, points: &[&Point]) -> Vec<Figure> {
    if !finding.has_foreign() {
        return Vec::new();
    }
    let name = finding.main_cost();
    Pattern::ALL.into_iter().filter_map(|pattern| figure(finding, pattern, name, points)).collect()
}

fn figure(
    finding: &ScenarioFinding,
    pattern: Pattern,
    name: QuantityName,
    points: &[&Point],
) -> Option<Figure> {
    let mut shown: Vec<&Point> = points
        .iter()
        .copied()
        .filter(|point| point.pattern == pattern && point.quantity_of(name).bound == Bound::Exact)
        .filter(|point| point.measured(name).is_some())
        .collect();
    let cost = |point: &Point| point.measured(name).unwrap_or(f64::MAX);
    shown.sort_by(|left, right| cost(left).total_cmp(&cost(right)));
    let all = shown.len();
    if all > MOST_BARS {
        // The cheapest and the most expensive, which the title names.
        shown.drain(MOST_BARS - 1..all - 1);
    }
    let bars: Vec<Bar<'_>> = shown
        .iter()
        .filter_map(|point| Some(Bar::of_quantity(point, name)?.upon_floor(finding, name)))
        .collect();
    if bars.len() < 2 {
        return None;
    }
    let drawing = bars::upon_floor(&bars, &quantity_title(name));
    let ends = bars
        .first()
        .zip(bars.last())
        .map(|(least, most)| format!("{} to {}", least.named_number(), most.named_number()));
    Some(Figure {
        slug: format!("{}-servers-{}", finding.scenario.name, pattern.slug()),
        scenario: Some(finding.scenario.name.clone()),
        title: format!("{}: {}", capitalised(name.label()), ends.unwrap_or_default()),
        caption: format!(
            "The cheapest comes first. Open marks and faint bars are third-party servers.{}{}{}{}",
            bars::scale_words(&bars),
            if bars::have_floor(&bars) {
                " The grey line is the floor (lower bound). At the right: a server's cost as a multiple of it."
            } else {
                ""
            },
            bars::whisker_words(&bars),
            shown::left_out(shown.len(), all)
        ),
        description: format!(
            "Bar chart of {} for {} by server: {}.",
            name.label(),
            pattern.label(),
            bars.iter().map(Bar::words).collect::<Vec<_>>().join("; ")
        ),
        elements: drawing.elements,
        width: drawing.width,
        height: drawing.height,
    })
}
