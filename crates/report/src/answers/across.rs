//! Where the cheapest pattern of one question is not the cheapest of another.

use crate::{
    findings::{Answer, Point, ScenarioFinding},
    judgement::difference_test::DifferenceTest,
    quantities::QuantityName,
    text::{number::list, sentence::capitalised},
};

/// The cost that the questions are compared by.
const COST: QuantityName = QuantityName::CpuPerEvent;

/// Takes the first question that has a cheapest pattern. The answers to the others get a condition where another
/// pattern is cheaper than that one.
pub(crate) fn add_reversals(findings: &[ScenarioFinding], answers: &mut [Answer]) {
    let Some((first, winner)) = findings.iter().find_map(|finding| Some((finding, cheapest(finding)?)))
    else {
        return;
    };
    for (finding, answer) in findings.iter().zip(answers) {
        answer.conditions.splice(0..0, reversal(first, winner, finding).into_iter().flatten());
    }
}

/// The lab's own points that have the cost.
fn known(finding: &ScenarioFinding) -> Vec<&Point> {
    let has_cost = |point: &&Point| point.server.is_pushlab() && point.measured(COST).is_some();
    finding.points.iter().filter(has_cost).collect()
}

fn cost(point: &Point) -> f64 {
    point.measured(COST).unwrap_or(f64::MAX)
}

/// The point with the lowest cost, if it is told apart from those of two other patterns or more.
fn cheapest(finding: &ScenarioFinding) -> Option<&Point> {
    let points = known(finding);
    let lowest = points.iter().copied().min_by(|left, right| cost(left).total_cmp(&cost(right)))?;
    let test = DifferenceTest::of(finding);
    let others: Vec<&Point> = points.into_iter().filter(|point| point.pattern != lowest.pattern).collect();
    let mut patterns: Vec<_> = others.iter().map(|point| point.pattern).collect();
    patterns.dedup();
    let is_apart = others.iter().all(|other| !test.same(COST, lowest, other));
    (patterns.len() > 1 && is_apart).then_some(lowest)
}

/// `Short polling costs the least server CPU per event in stock-ticker, 2.19 µs.` and what it costs here beside
/// the cheapest other pattern; none where it is not shown to cost more than that.
fn reversal(first: &ScenarioFinding, winner: &Point, finding: &ScenarioFinding) -> Option<[String; 2]> {
    let (own, others): (Vec<&Point>, Vec<&Point>) =
        known(finding).into_iter().partition(|point| point.pattern == winner.pattern);
    let rival = others.into_iter().min_by(|left, right| cost(left).total_cmp(&cost(right)))?;
    let test = DifferenceTest::of(finding);
    let is_dearer = |point: &&Point| cost(point) > cost(rival) && !test.same(COST, point, rival);
    if !own.iter().any(is_dearer) {
        return None;
    }
    let text = |point: &Point| point.quantity_of(COST).measured_text();
    let costs: Vec<String> = std::iter::once(rival)
        .chain(own)
        .map(|point| format!("{} for {}", text(point), point.label()))
        .collect();
    Some([
        format!(
            "{} costs the least {} in {}, {}.",
            capitalised(winner.pattern.label()),
            COST.label(),
            first.scenario.name,
            text(winner)
        ),
        format!("Here it is {}.", list(&costs)),
    ])
}
