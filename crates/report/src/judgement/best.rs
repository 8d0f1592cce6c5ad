//! Which values of a table are bold.

use super::difference_test::{DifferenceTest, TestResult};
use crate::{
    findings::{Point, ScenarioFinding, at_same_value, between},
    quantities::{Bound, QuantityName},
    statistics::blocks::few_blocks,
};

/// Appears next to the table.
pub(crate) const BEST_EXPLAINED: &str = "Bold: the lowest at its setting, and told apart from all others.";

/// Whether a value is the lowest and told apart from all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Best {
    Yes,
    No,
}

/// Whether a value is the best of the patterns at the same swept value and told apart from each of them; if
/// servers are compared, the best of the servers of its pattern. The floor is not a competitor.
pub(crate) fn is_best(finding: &ScenarioFinding, point: &Point, name: QuantityName) -> Best {
    let value = |point: &Point| {
        let quantity = point.quantity_of(name);
        quantity.measured.filter(|_| quantity.bound == Bound::Exact && point.valid)
    };
    // What was not delivered costs nothing.
    let is_ranked = |point: &Point| !point.server.is_floor() && point.delivery.lost == 0;
    if !is_ranked(point) {
        return Best::No;
    }
    let servers = finding.has_foreign();
    let competes = |other: &&Point| {
        is_ranked(other)
            && if servers {
                other.pattern == point.pattern && other.server != point.server
            } else {
                other.pattern != point.pattern
            }
    };
    let mut others = finding
        .points
        .iter()
        .filter(competes)
        .filter(|other| at_same_value(point, other) && other.measured(name).is_some())
        .peekable();
    let beaten = |other: &Point| {
        let better = value(point)
            .zip(value(other))
            .is_some_and(|(own, other)| if name.more_is_better() { own > other } else { own < other });
        better && is_distinguished(finding, name, point, other)
    };
    if others.peek().is_some() && others.all(beaten) { Best::Yes } else { Best::No }
}

/// By the comparison of the two; with fewer than four blocks only if the difference exceeds the scatter of
/// single trials.
fn is_distinguished(finding: &ScenarioFinding, name: QuantityName, point: &Point, other: &Point) -> bool {
    let judged = between(&finding.comparisons, name, point, other).filter(|found| found.is_judged());
    let is_few = few_blocks(point.blocks().min(other.blocks())).is_some();
    judged.map_or_else(
        || is_few && DifferenceTest::of(finding).result(name, point, other) == TestResult::Apart,
        |found| found.shown,
    )
}
