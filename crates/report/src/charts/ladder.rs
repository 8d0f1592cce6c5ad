//! What each optimisation saves: bars of cost, first the shared writer, then the ordinary task per connection,
//! then that with one more optimisation removed each time.

use contract::{Ablation, Pattern};

use super::{
    axis::quantity_title,
    bars::{self, Bar},
    figure::Figure,
};
use crate::{
    findings::{Point, ScenarioFinding},
    judgement::ladder::{Step, above, costs_words, step, with_ablation},
    quantities::{Bound, QuantityName},
    text::{sentence::capitalised, setting::ablation_words},
};

/// The figures of an ablation: its cost, then its age at p99.
const SHOWN: [(QuantityName, &str); 2] =
    [(QuantityName::CpuPerEvent, "ladder-cpu"), (QuantityName::AgeP99, "ladder-age")];

/// One figure per pattern and quantity.
pub(super) fn figures(finding: &ScenarioFinding, points: &[&Point]) -> Vec<Figure> {
    Pattern::ALL
        .into_iter()
        .flat_map(|pattern| SHOWN.map(|(name, slug)| figure(finding, points, pattern, name, slug)))
        .flatten()
        .collect()
}

fn figure(
    finding: &ScenarioFinding,
    points: &[&Point],
    pattern: Pattern,
    name: QuantityName,
    slug: &str,
) -> Option<Figure> {
    let best = with_ablation(points, pattern, Ablation::Best)?;
    let bars: Vec<Bar<'_>> = Ablation::ALL
        .into_iter()
        .filter_map(|ablation| {
            let point = with_ablation(points, pattern, ablation)?;
            let bar =
                Bar::of_quantity(point, name).filter(|_| point.quantity_of(name).bound == Bound::Exact)?;
            let bar = bar.without_model().upon_floor(finding, name).called(ablation_words(ablation));
            Some(if ablation == Ablation::Best {
                bar
            } else {
                bar.followed_by(step(name, point, best).map(|step| step.signed_text()).unwrap_or_default())
            })
        })
        .collect();
    if bars.len() < 2 {
        return None;
    }
    let drawing = bars::upon_floor(&bars, &quantity_title(name));
    Some(Figure {
        slug: format!("{}-{slug}-{}", finding.scenario.name, pattern.slug()),
        scenario: Some(finding.scenario.name.clone()),
        title: title(points, pattern, name, best),
        caption: format!(
            "The first bar is the shared writer, the second the ordinary task per connection with hyper and axum. Each further bar removes one more optimisation from the second. After a number: its difference from the first bar, taken block by block, with the 95 % interval. A cost in the title is the largest that one ablation adds to the bar that it is compared with.{}{}{}{}",
            bars::scale_words(&bars),
            if bars::have_floor(&bars) {
                " The grey line is the floor (lower bound): what the kernel alone costs."
            } else {
                ""
            },
            if pattern != Pattern::WebSocket
                && with_ablation(points, pattern, Ablation::LargeBuffers).is_some()
            {
                " Only a WebSocket has those buffers, so here that bar shows how much two equal trials differ."
            } else {
                ""
            },
            bars::whisker_words(&bars)
        ),
        description: format!(
            "Bar chart of {} for {}, each with its difference from the first: {}.",
            name.label(),
            pattern.label(),
            bars.iter().map(Bar::words).collect::<Vec<_>>().join("; ")
        ),
        elements: drawing.elements,
        width: drawing.width,
        height: drawing.height,
    })
}

/// The most expensive ablation, if one is shown to cost more than the variant that it is compared with.
fn title(points: &[&Point], pattern: Pattern, name: QuantityName, best: &Point) -> String {
    let label = capitalised(name.label());
    let first = best.quantity_of(name).measured_text();
    let steps: Vec<(Ablation, Step)> = Ablation::ALL
        .into_iter()
        .filter_map(|ablation| {
            let than = with_ablation(points, pattern, above(ablation)?).unwrap_or(best);
            Some((ablation, step(name, with_ablation(points, pattern, ablation)?, than)?))
        })
        .collect();
    let is_judged = steps.iter().any(|(_, step)| step.interval.is_some());
    let dearest = steps
        .into_iter()
        .filter(|(_, step)| step.is_shown() && step.more > 0.0)
        .max_by(|(_, left), (_, right)| left.more.total_cmp(&right.more));
    match dearest {
        Some((ablation, step)) => format!(
            "{label} of {}: {first} with the shared writer; {} adds up to {}",
            pattern.label(),
            costs_words(ablation),
            name.text(step.more)
        ),
        None if is_judged => {
            format!(
                "{label} of {}: {first} with the shared writer; no ablation is shown to add to it",
                pattern.label()
            )
        }
        // Too few blocks to say what an ablation adds.
        None => format!("{label} of {}: {first} with the shared writer", pattern.label()),
    }
}
