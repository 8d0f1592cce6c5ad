//! Every pair of points that a question is about, compared block by block.

use contract::{Arrivals, Scenario};

use super::floor::{FLOORED, floor_of};
use crate::{
    findings::{ComparedPoint, Point, PointComparison, at_same_value},
    quantities::QuantityName,
    statistics::paired::{Paired, holm, paired},
    text::swept::Swept,
};

/// Chance of a false "difference shown" in a family of comparisons.
const LEVEL: f64 = 0.05;

/// Quantities worth comparing: what a reader may prefer less of. Each one more makes the others'
/// differences harder to show.
const COMPARED: [QuantityName; 9] = [
    QuantityName::AgeMean,
    QuantityName::AgeP50,
    QuantityName::AgeP99,
    QuantityName::RequestsPerEvent,
    QuantityName::BytesPerEvent,
    QuantityName::PacketsPerEvent,
    QuantityName::CpuPerEvent,
    QuantityName::SubscriberCpuPerEvent,
    QuantityName::WakeupsPerEvent,
];

/// Further ones where the question is what connections cost.
const COMPARED_WITH_STAIRS: [QuantityName; 10] = [
    QuantityName::CpuAboveIdlePerEvent,
    QuantityName::ConnectP50,
    QuantityName::ConnectP99,
    QuantityName::ConnectBytes,
    QuantityName::ConnectPackets,
    QuantityName::MemoryUser,
    QuantityName::MemoryUserActive,
    QuantityName::MemoryKernel,
    QuantityName::MemorySubscriber,
    QuantityName::CpuIdlePerSubscriberHour,
];

/// Further ones where the rate grows until a server can do no more.
const COMPARED_ON_RAMPS: [QuantityName; 2] =
    [QuantityName::SaturationDeliveries, QuantityName::SaturationCpuPerEvent];

/// Compares the points of a scenario.
pub(crate) fn comparisons(scenario: &Scenario, points: &[Point]) -> Vec<PointComparison> {
    let mut found = Vec::new();
    for (left, right) in pairs(scenario, points) {
        for quantity in compared(scenario) {
            if let Some(paired) = compare(quantity, left, right) {
                found.push((paired, comparison(scenario, left, right, quantity, &paired)));
            }
        }
    }
    for (left, floor) in upon_floors(points) {
        for quantity in floored(scenario) {
            if let Some(paired) = compare(quantity, left, floor) {
                found.push((paired, comparison(scenario, left, floor, quantity, &paired)));
            }
        }
    }
    for primary in [true, false] {
        let family: Vec<usize> = (0..found.len())
            .filter(|place| {
                let (paired, comparison) = &found[*place];
                comparison.primary == primary && paired.p.is_some() && !comparison.is_floor_ratio()
            })
            .collect();
        let adjusted = holm(&family.iter().filter_map(|place| found[*place].0.p).collect::<Vec<_>>());
        for (place, p) in family.into_iter().zip(adjusted) {
            let (paired, comparison) = &mut found[place];
            comparison.p_adjusted = Some(p);
            comparison.shown = paired.apart && p <= LEVEL && !comparison.is_within_clocks;
        }
    }
    found.into_iter().map(|(_, comparison)| comparison).collect()
}

/// The quantities, the one that the question is about among them.
fn compared(scenario: &Scenario) -> Vec<QuantityName> {
    let mut names = COMPARED.to_vec();
    if !scenario.stairs.is_empty() {
        names.extend(COMPARED_WITH_STAIRS);
    }
    if matches!(scenario.events, Arrivals::Ramp { .. }) {
        names.extend(COMPARED_ON_RAMPS);
    }
    let primary = QuantityName::ALL.into_iter().find(|name| name.key() == scenario.primary);
    names.extend(primary.filter(|primary| !names.contains(primary)));
    names
}

/// The costs that are told as multiples of the floor, and what the question is about.
fn floored(scenario: &Scenario) -> Vec<QuantityName> {
    let mut names = FLOORED.to_vec();
    let primary = QuantityName::ALL.into_iter().find(|name| name.key() == scenario.primary);
    names.extend(primary.filter(|primary| !names.contains(primary)));
    names
}

/// Compares two points block by block; none if they have no block in common, or one gives a bound.
pub(crate) fn compare(quantity: QuantityName, left: &Point, right: &Point) -> Option<Paired> {
    let (left, right) = (left.by_block(quantity)?, right.by_block(quantity)?);
    let values: Vec<(f64, f64)> =
        left.into_iter().filter_map(|(block, value)| Some((value, *right.get(&block)?))).collect();
    paired(&values)
}

/// Patterns at the same swept value, swept values within a pattern where they are what the question
/// compares, and servers of the same pattern. Patterns are compared on the lab's own server alone:
/// between others they are no question of a scenario, and each more comparison hides the others.
fn pairs<'a>(scenario: &Scenario, points: &'a [Point]) -> Vec<(&'a Point, &'a Point)> {
    let swept = Swept::of(scenario);
    let mut pairs = Vec::new();
    for (index, left) in points.iter().enumerate() {
        for right in &points[index + 1..] {
            if left.server.is_floor() || right.server.is_floor() {
                continue;
            }
            let wanted = if left.server != right.server {
                left.pattern == right.pattern && at_same_value(left, right)
            } else if left.server.is_foreign() {
                false
            } else if left.pattern == right.pattern {
                matches!(
                    swept,
                    Some(
                        Swept::Side
                            | Swept::Client
                            | Swept::KeepAlive
                            | Swept::Rung
                            | Swept::Transport
                            | Swept::Heartbeat
                    )
                )
            } else {
                // Sides are compared with each other; what the patterns differ in is no news there.
                swept != Some(Swept::Side) && at_same_value(left, right)
            };
            // What is not to be believed is not to be compared.
            if wanted && left.valid && right.valid {
                pairs.push((left, right));
            }
        }
    }
    pairs
}

/// Every point with the floor it stands on.
fn upon_floors(points: &[Point]) -> Vec<(&Point, &Point)> {
    let valid = |point: &&Point| point.valid;
    points
        .iter()
        .filter(valid)
        .filter_map(|point| Some((point, floor_of(points, point).filter(valid)?)))
        .collect()
}

fn comparison(
    scenario: &Scenario,
    left: &Point,
    right: &Point,
    quantity: QuantityName,
    paired: &Paired,
) -> PointComparison {
    let (low, high) = paired.interval.unzip();
    PointComparison {
        scenario: scenario.name.clone(),
        left: ComparedPoint::of(left),
        right: ComparedPoint::of(right),
        quantity,
        ratio: paired.ratio,
        low,
        high,
        blocks: paired.blocks,
        p_adjusted: None,
        primary: quantity.key() == scenario.primary,
        shown: false,
        is_within_clocks: within_clocks(quantity, left, right),
    }
}

/// Whether two ages differ by less than the clocks of the browsers that told them may be off: that is
/// no result, whatever the blocks say.
pub(crate) fn within_clocks(quantity: QuantityName, left: &Point, right: &Point) -> bool {
    let error = |point: &Point| point.quantity_of(quantity).clock_bound_ms;
    if error(left).is_none() && error(right).is_none() {
        return false;
    }
    let both = error(left).unwrap_or(0.0) + error(right).unwrap_or(0.0);
    let apart =
        left.measured(quantity).zip(right.measured(quantity)).map(|(left, right)| (left - right).abs());
    apart.is_some_and(|apart| apart <= both)
}
