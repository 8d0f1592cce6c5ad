//! The answer of a scenario that removes the server's optimisations one by one.

use contract::{Ablation, Pattern};

use super::{
    headline::headed,
    words::{fewest_blocks, patterns, verb},
};
use crate::{
    findings::{Point, ScenarioFinding},
    judgement::{
        difference_test::beyond_scatter,
        ladder::{Step, above, costs_words, step, with_ablation},
    },
    quantities::QuantityName,
    text::{
        number::{list, with_unit},
        sentence::capitalised,
    },
};

/// What each ablation of the server adds to the cost of a delivery.
pub(super) fn answer(finding: &ScenarioFinding) -> Option<(String, Vec<String>)> {
    let points: Vec<&Point> = finding.points.iter().filter(|point| point.server.is_pushlab()).collect();
    let steps: Vec<AblationStep<'_>> =
        Pattern::ALL.into_iter().flat_map(|pattern| ablations(&points, pattern)).collect();
    let first = steps.first()?;
    let shown = || steps.iter().filter(|step| step.step.is_shown() && step.step.more > 0.0);
    let dearest = shown().max_by(|left, right| left.step.more.total_cmp(&right.step.more));
    let mut parts = Vec::new();
    if let Some(dearest) = dearest {
        let size = with_unit(dearest.step.more, "µs");
        let (words, pattern) = (costs_words(dearest.ablation), dearest.point.pattern.label());
        parts.push(format!("{words} costs the most: {size} more per delivery with {pattern}"));
        let free = steps.iter().filter(|step| !shown().any(|other| other.ablation == step.ablation));
        let mut free: Vec<String> = free.map(|step| costs_words(step.ablation).to_owned()).collect();
        free.sort();
        free.dedup();
        if !free.is_empty() {
            parts.push(format!("{} {} no added cost", list(&free), verb(free.len(), "shows", "show")));
        }
    } else if first.step.interval.is_none() {
        let few = fewest_blocks(&points).unwrap_or("these blocks");
        let size = |step: &AblationStep<'_>| step.step.more.abs();
        let largest = steps.iter().max_by(|left, right| size(left).total_cmp(&size(right))).unwrap_or(first);
        let size = largest.step.size_text("µs");
        parts.push(if let [only] = steps.as_slice() {
            format!(
                "{few} cannot show what {} costs; it differs by {size} per delivery",
                costs_words(only.ablation)
            )
        } else {
            format!(
                "{few} cannot show what an optimisation saves; no step is larger than {size} per delivery"
            )
        });
    } else {
        parts.push(format!("no optimisation is shown to save anything with {}", patterns(&points)));
    }
    let mut details = Vec::new();
    for pattern in Pattern::ALL {
        let of: Vec<&AblationStep<'_>> = steps.iter().filter(|step| step.point.pattern == pattern).collect();
        let Some(best) = with_ablation(&points, pattern, Ablation::Best).filter(|_| !of.is_empty()) else {
            continue;
        };
        details.push(format!(
            "{} takes {} of server CPU per delivery with the shared writer.",
            capitalised(pattern.label()),
            best.quantity_of(QuantityName::CpuPerEvent).measured_with_interval()
        ));
        details.extend(
            of.into_iter().map(|step| format!("{}: {}.", capitalised(pattern.label()), step.words())),
        );
    }
    Some(headed(parts, details))
}

/// What an ablation adds to a point.
struct AblationStep<'a> {
    ablation: Ablation,
    point: &'a Point,
    than: &'a Point,
    step: Step,
}

impl AblationStep<'_> {
    fn words(&self) -> String {
        let name = QuantityName::CpuPerEvent;
        let (step, words) = (&self.step, costs_words(self.ablation));
        match (step.interval, step.is_shown()) {
            (None, _) => {
                let few = fewest_blocks(&[self.point, self.than]).unwrap_or("these blocks");
                let values = self.point.measured(name).zip(self.than.measured(name));
                let apart = values.is_some_and(|(own, than)| beyond_scatter(name, own, than));
                let not = if apart { "" } else { "not told apart " };
                format!("{words} changes the cost by {} µs, {not}by {few}", step.signed_text())
            }
            (Some(_), false) => format!("{words} shows no added cost, {}", step.signed_text()),
            (Some(_), true) if step.more < 0.0 => format!("{words} saves {}", step.size_text("µs")),
            (Some(_), true) => format!("{words} costs {} more", step.size_text("µs")),
        }
    }
}

fn ablations<'a>(points: &[&'a Point], pattern: Pattern) -> Vec<AblationStep<'a>> {
    let Some(best) = with_ablation(points, pattern, Ablation::Best) else {
        return Vec::new();
    };
    let step_of = |ablation: Ablation| {
        let point = with_ablation(points, pattern, ablation)?;
        let than = with_ablation(points, pattern, above(ablation)?).unwrap_or(best);
        let step = step(QuantityName::CpuPerEvent, point, than)?;
        Some(AblationStep { ablation, point, than, step })
    };
    Ablation::ALL.into_iter().filter_map(step_of).collect()
}
