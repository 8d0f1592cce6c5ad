//! The floor: what the kernel alone costs, measured by a server that does nothing but write.
//!
//! It is no competitor. Where a scenario has points of it, every other server's costs are told as
//! multiples of the floor of the same pattern and setting, block by block.

use contract::PublisherSeat;

use crate::{
    findings::{Point, PointComparison, ScenarioFinding, at_same_value, between},
    quantities::QuantityName,
    text::number::three_digits,
};

/// The costs that are told as multiples of the floor.
pub(crate) const FLOORED: [QuantityName; 14] = [
    QuantityName::AgeP50,
    QuantityName::AgeP99,
    QuantityName::BytesPerEvent,
    QuantityName::CpuPerEvent,
    QuantityName::CpuAboveIdlePerEvent,
    QuantityName::CpuPerRequest,
    QuantityName::SaturationDeliveries,
    QuantityName::SaturationCpuPerEvent,
    QuantityName::SubscriberCpuPerEvent,
    QuantityName::MemoryUser,
    QuantityName::MemoryUserActive,
    QuantityName::MemoryKernel,
    QuantityName::MemoryKernelActive,
    QuantityName::CpuIdlePerSubscriberHour,
];

/// What a limit line in a figure is.
pub(crate) const FLOOR_KEY: &str = "floor: what the kernel alone costs";

/// Said beside tables.
pub(crate) fn floor_explained(finding: &ScenarioFinding) -> String {
    let posted = match finding.scenario.publisher {
        PublisherSeat::Server => "",
        // Its control port belongs to the same process, and so does what the answer costs.
        PublisherSeat::Harness => {
            " Here the publisher sits in the harness, so the floor also answers one POST an event, over HTTP."
        }
    };
    format!(
        "The floor is what the kernel alone costs: one thread that writes a ready frame to each socket and reads nothing it could leave out.{posted} “× floor” is a value ÷ that of the floor of the same pattern, taken block by block, with its 95 % interval. It is an estimate, not a test against 1, and shares no error rate with the comparisons."
    )
}

/// The floor that a point stands on: the same pattern at the same setting.
pub(crate) fn floor_of<'a>(points: &'a [Point], point: &Point) -> Option<&'a Point> {
    let is_floor = |other: &&Point| other.server.is_floor() && other.pattern == point.pattern;
    points
        .iter()
        .filter(|_| !point.server.is_floor())
        .filter(is_floor)
        .find(|floor| at_same_value(point, floor))
}

/// Whether a scenario has a floor to tell costs by.
pub(crate) fn has_floor(finding: &ScenarioFinding) -> bool {
    finding.points.iter().any(|point| point.server.is_floor())
}

/// A point's value ÷ the floor's; none where either is missing.
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
    let ratio = ratio_text(finding, point, name)?;
    Some(match ratio.split_once(' ') {
        Some((value, interval)) => format!("{value} × floor {interval}"),
        None => format!("{ratio} × floor"),
    })
}

/// `1.08 (1.05–1.11)`; none without a ratio.
pub(crate) fn ratio_text(finding: &ScenarioFinding, point: &Point, name: QuantityName) -> Option<String> {
    let found = ratio(finding, point, name)?;
    let value = three_digits(found.ratio?);
    let ends = found.low.zip(found.high).map(|(low, high)| [low, high].map(three_digits));
    let seen = ends.filter(|ends| ends.iter().any(|end| *end != value));
    Some(seen.map_or_else(|| value.clone(), |ends| format!("{value} ({})", ends.join("–"))))
}
