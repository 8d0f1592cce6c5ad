//! Compares every pair of points that the question is about, block by block.

use contract::{Arrivals, Scenario};

use super::floor::floor_of;
use crate::{
    findings::{ComparedPoint, Point, PointComparison, at_same_value},
    quantities::{Compared, QuantityName},
    statistics::paired::{Paired, holm, paired},
    text::swept::{SweepParameter, Topic},
};

/// Chance of a false "difference shown" in a family of comparisons.
const LEVEL: f64 = 0.05;

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

/// The quantities, including the primary one.
fn compared(scenario: &Scenario) -> Vec<QuantityName> {
    let groups = [
        (Compared::Always, true),
        (Compared::WithMemorySteps, !scenario.memory_steps.is_empty()),
        (Compared::OnRamps, matches!(scenario.events, Arrivals::Ramp { .. })),
    ];
    let applying = groups.into_iter().filter_map(|(group, applies)| applies.then_some(group));
    let names =
        applying.flat_map(|group| QuantityName::ALL.into_iter().filter(move |name| name.compared() == group));
    with_primary(names, scenario)
}

/// The costs that are given as multiples of the floor, and the primary quantity.
fn floored(scenario: &Scenario) -> Vec<QuantityName> {
    with_primary(QuantityName::ALL.into_iter().filter(|name| name.has_floor()), scenario)
}

/// Some quantities, and the one that the question is about.
fn with_primary(names: impl Iterator<Item = QuantityName>, scenario: &Scenario) -> Vec<QuantityName> {
    let mut names: Vec<QuantityName> = names.collect();
    let primary = QuantityName::named(&scenario.primary);
    names.extend(primary.filter(|primary| !names.contains(primary)));
    names
}

/// Compares two points block by block; none if they have no common block, or one has only a bound.
pub(crate) fn compare(quantity: QuantityName, left: &Point, right: &Point) -> Option<Paired> {
    let (left, right) = (left.by_block(quantity)?, right.by_block(quantity)?);
    let values: Vec<(f64, f64)> =
        left.into_iter().filter_map(|(block, value)| Some((value, *right.get(&block)?))).collect();
    paired(&values)
}

/// Patterns at the same swept value, swept values within a pattern if the question compares them, and servers
/// of the same pattern. Patterns are compared only on the lab's own server: no scenario asks for more, and
/// each further comparison makes the others harder to show.
fn pairs<'a>(scenario: &Scenario, points: &'a [Point]) -> Vec<(&'a Point, &'a Point)> {
    let swept = SweepParameter::of(scenario);
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
                swept.is_some_and(|swept| swept.has(Topic::ValuesCompared))
            } else {
                // Only the two sides are compared with each other, not the patterns.
                swept != Some(SweepParameter::Side) && at_same_value(left, right)
            };
            // Invalid points are not compared.
            if wanted && left.valid && right.valid {
                pairs.push((left, right));
            }
        }
    }
    pairs
}

/// Every point with its floor.
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

/// Whether two ages differ by less than the clock errors of the browsers that measured them: that is not a
/// result, even if the blocks show it.
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
