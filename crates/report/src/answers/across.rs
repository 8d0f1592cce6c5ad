//! Where two patterns swap ranks in a cost from one question to another.

use super::words::present_and_varying;
use crate::{
    findings::{Answer, Point, ScenarioFinding},
    judgement::difference_test::DifferenceTest,
    quantities::QuantityName,
    text::number::list,
};

/// The costs that may change the order of the patterns, the one that says most first.
const COSTS: [QuantityName; 3] =
    [QuantityName::CpuPerEvent, QuantityName::BytesPerEvent, QuantityName::RequestsPerEvent];

/// Adds a condition to the answers where a pattern costs more than another one, although it costs less in the run's
/// first question.
pub(crate) fn add_reversals(findings: &[ScenarioFinding], answers: &mut [Answer]) {
    let Some((first, others)) = findings.split_first().filter(|(first, _)| compares_patterns(first)) else {
        return;
    };
    let others = others.iter().zip(answers.iter_mut().skip(1));
    for (finding, answer) in others.filter(|(finding, _)| compares_patterns(finding)) {
        let found = COSTS.into_iter().find_map(|cost| reversal(cost, first, finding));
        // The question's own first sentence comes before.
        let place = answer.conditions.len().min(1);
        answer.conditions.splice(place..place, found.into_iter().flatten());
    }
}

/// Whether the question is about patterns: all of them at one setting, or with one setting that only one of them has.
fn compares_patterns(finding: &ScenarioFinding) -> bool {
    let own: Vec<&Point> = finding.points.iter().filter(|point| point.server.is_pushlab()).collect();
    let (present, varying) = present_and_varying(&own);
    present > 1 && varying <= 1
}

/// The lab's own points that have the cost, the lowest first.
fn known(cost: QuantityName, finding: &ScenarioFinding) -> Vec<&Point> {
    let has_cost =
        |point: &&Point| point.valid && point.server.is_pushlab() && point.measured(cost).is_some();
    let mut points: Vec<&Point> = finding.points.iter().filter(has_cost).collect();
    points.sort_by(|left, right| value(cost, left).total_cmp(&value(cost, right)));
    points
}

fn value(cost: QuantityName, point: &Point) -> f64 {
    point.measured(cost).unwrap_or(f64::MAX)
}

/// Whether the first point is shown to cost less than the second.
fn is_cheaper(cost: QuantityName, test: DifferenceTest<'_>, left: &Point, right: &Point) -> bool {
    value(cost, left) < value(cost, right) && !test.same(cost, left, right)
}

/// `In stock-ticker short polling is cheaper than long polling in bytes per event, 160 B against 404 B.` and what
/// both cost in the other question; none where no two patterns are shown to swap ranks.
fn reversal(cost: QuantityName, first: &ScenarioFinding, finding: &ScenarioFinding) -> Option<[String; 2]> {
    let (there, here) = (known(cost, first), known(cost, finding));
    let (test_there, test_here) = (DifferenceTest::of(first), DifferenceTest::of(finding));
    let pairs = there.iter().flat_map(|left| there.iter().rev().map(move |right| (*left, *right)));
    let mut cheaper_there = pairs.filter(|(left, right)| is_cheaper(cost, test_there, left, right));
    cheaper_there.find_map(|(left, right)| {
        let of = |side: &Point| {
            let same = |point: &&&Point| point.pattern == side.pattern;
            here.iter().filter(same).copied().collect::<Vec<&Point>>()
        };
        let (own, rivals) = (of(left), of(right));
        // The lowest is the first.
        let rival = rivals.first()?;
        own.iter().find(|point| is_cheaper(cost, test_here, rival, point))?;
        let text = |point: &Point| point.quantity_of(cost).measured_text();
        let costs = own.iter().chain(&rivals).map(|point| format!("{} for {}", text(point), point.label()));
        Some([
            format!(
                "In {} {} is cheaper than {} in {}, {} against {}.",
                first.scenario.name,
                left.pattern.label(),
                right.pattern.label(),
                cost.label(),
                text(left),
                text(right)
            ),
            format!("In {} these are {}.", finding.scenario.name, list(&costs.collect::<Vec<_>>())),
        ])
    })
}
