//! The floor: the lower bound of a server's cost, measured by a server that only writes.
//!
//! It is not a competitor. If a scenario has points of it, every other server's costs are given as
//! multiples of the floor of the same pattern and setting, block by block.

use contract::PublisherHost;

use crate::{
    findings::{Point, PointComparison, ScenarioFinding, at_same_value, between},
    quantities::QuantityName,
    text::number::{interval_after, three_digits},
};

/// Explains the floor's line in a figure.
pub(crate) const FLOOR_KEY: &str = "floor: what the kernel alone costs";

/// Appears next to tables.
pub(crate) fn floor_explained(finding: &ScenarioFinding) -> String {
    let posted = match finding.scenario.publisher {
        PublisherHost::Server => "",
        // Its control port is in the same process, so the answers' cost is included.
        PublisherHost::Harness => {
            " Here the publisher is in the harness, so the floor also answers one POST an event."
        }
    };
    format!(
        "The floor (lower bound) is what the kernel alone costs: one thread writes a ready-made frame to each socket and skips all optional reads.{posted} “× floor” is a value ÷ the floor's value for the same pattern, taken block by block, with its 95 % interval. It is an estimate, not a test against 1, and not part of the comparisons' error rates."
    )
}

/// The floor of a point: the same pattern at the same setting.
pub(crate) fn floor_of<'a>(points: &'a [Point], point: &Point) -> Option<&'a Point> {
    let is_floor = |other: &&Point| other.server.is_floor() && other.pattern == point.pattern;
    points
        .iter()
        .filter(|_| !point.server.is_floor())
        .filter(is_floor)
        .find(|floor| at_same_value(point, floor))
}

/// Whether a scenario measured the floor.
pub(crate) fn has_floor(finding: &ScenarioFinding) -> bool {
    finding.points.iter().any(|point| point.server.is_floor())
}

/// A point's value ÷ the floor's; none if either is missing.
pub(crate) fn ratio<'a>(
    finding: &'a ScenarioFinding,
    point: &Point,
    name: QuantityName,
) -> Option<&'a PointComparison> {
    let floor = floor_of(&finding.points, point)?;
    between(&finding.comparisons, name, point, floor)
}

/// `1.08 × floor (1.05–1.11)`; none without a ratio.
pub(crate) fn multiple_text(finding: &ScenarioFinding, point: &Point, name: QuantityName) -> Option<String> {
    let (value, interval) = ratio_and_interval(finding, point, name)?;
    Some(format!("{value} × floor{interval}"))
}

/// `1.08 (1.05–1.11)`; none without a ratio.
pub(crate) fn ratio_text(finding: &ScenarioFinding, point: &Point, name: QuantityName) -> Option<String> {
    let (value, interval) = ratio_and_interval(finding, point, name)?;
    Some(value + &interval)
}

/// The ratio, and its interval in brackets after a space; the latter is empty where it cannot be seen.
fn ratio_and_interval(
    finding: &ScenarioFinding,
    point: &Point,
    name: QuantityName,
) -> Option<(String, String)> {
    let found = ratio(finding, point, name)?;
    let value = three_digits(found.ratio?);
    let ends = found.low.zip(found.high).map(|(low, high)| [low, high].map(three_digits));
    let interval = interval_after(&value, ends);
    Some((value, interval))
}
