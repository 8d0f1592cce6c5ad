//! Every pair of points that a question is about, compared block by block.

use std::collections::BTreeMap;

use contract::{Arrivals, Params, Pattern, Scenario, ServerName};

use crate::{
    floor::{FLOORED, floor_of},
    number::three_digits,
    paired::{Paired, holm, paired},
    point::Point,
    quantity::{Bound, QuantityName},
    setting::Swept,
    words::few_blocks,
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

/// One point of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct ComparedPoint {
    /// Which pattern.
    pub pattern: Pattern,
    /// Its settings.
    pub params: Params,
    /// Which server.
    pub server: ServerName,
    /// The point in words.
    pub label: String,
}

impl ComparedPoint {
    fn of(point: &Point) -> Self {
        Self {
            pattern: point.pattern,
            params: point.params,
            server: point.server.clone(),
            label: point.label(),
        }
    }

    fn is(&self, point: &Point) -> bool {
        self.pattern == point.pattern && self.params == point.params && self.server == point.server
    }
}

/// Two points of a scenario, compared block by block in one quantity.
#[derive(Debug, Clone, PartialEq)]
pub struct PointComparison {
    /// Name of the scenario.
    pub scenario: String,
    /// One of the two.
    pub left: ComparedPoint,
    /// The other.
    pub right: ComparedPoint,
    /// In what they are compared.
    pub quantity: QuantityName,
    /// Left ÷ right, the geometric mean over the blocks that both have; none where a value is zero.
    pub ratio: Option<f64>,
    /// Low end of the ratio's 95 % interval; none with fewer than four common blocks.
    pub low: Option<f64>,
    /// High end of it.
    pub high: Option<f64>,
    /// Blocks that both have.
    pub blocks: usize,
    /// Probability of such a difference by chance, adjusted for the other comparisons of its family
    /// (Holm); none with fewer than four common blocks.
    pub p_adjusted: Option<f64>,
    /// Whether it is of the scenario's primary quantity, which has a family of its own.
    pub primary: bool,
    /// Whether a difference is shown: the interval leaves out "the same", the adjusted probability is
    /// at most 0.05, and it is more than the clocks of browsers that told ages may be off.
    pub shown: bool,
    /// Whether the difference is smaller than the clock of a browser that told the ages may be off.
    pub is_within_clocks: bool,
}

impl PointComparison {
    /// Whether it tells a value as a multiple of the floor: an estimate, which claims no difference and
    /// so belongs to no family.
    #[must_use]
    pub fn is_floor_ratio(&self) -> bool {
        self.right.server.is_floor()
    }

    /// Whether there are blocks enough to judge by; never of a floor ratio.
    #[must_use]
    pub const fn is_judged(&self) -> bool {
        self.p_adjusted.is_some()
    }

    /// `2.90 times (2.70–3.10)` or `no difference shown (0.970–1.05)`; without the interval where both
    /// ends print as the ratio does. `2.90 times by one run` where so few blocks are not judged.
    #[must_use]
    pub fn words(&self) -> String {
        let ends = self.low.zip(self.high).map(|(low, high)| [low, high].map(three_digits));
        let ratio = self.ratio.map(three_digits).unwrap_or_default();
        let seen = ends.filter(|ends| ends.iter().any(|end| *end != ratio));
        let interval = seen.map_or_else(String::new, |ends| format!(" ({})", ends.join("–")));
        match (self.is_judged(), self.shown, self.ratio) {
            (true, false, _) => format!("no difference shown{interval}"),
            (true, true, Some(ratio)) => format!("{} times{interval}", three_digits(ratio)),
            (false, _, Some(ratio)) => {
                let few = few_blocks(self.blocks).map_or_else(String::new, |few| format!(" by {few}"));
                format!("{} times{interval}{few}", three_digits(ratio))
            }
            (true, true, None) => "a difference is shown, for which there is no ratio".to_owned(),
            (false, _, None) => "not told".to_owned(),
        }
    }
}

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

/// The comparison of two points in a quantity, in either order; the ratio is `left` ÷ `right` then.
pub(crate) fn between<'a>(
    comparisons: &'a [PointComparison],
    quantity: QuantityName,
    left: &Point,
    right: &Point,
) -> Option<&'a PointComparison> {
    comparisons.iter().find(|comparison| {
        let sides = (&comparison.left, &comparison.right);
        comparison.quantity == quantity
            && comparison.scenario == left.scenario
            && ((sides.0.is(left) && sides.1.is(right)) || (sides.0.is(right) && sides.1.is(left)))
    })
}

/// Compares two points block by block; none if they have no block in common, or one gives a bound.
pub(crate) fn compare(quantity: QuantityName, left: &Point, right: &Point) -> Option<Paired> {
    let (left, right) = (by_block(quantity, left)?, by_block(quantity, right)?);
    let values: Vec<(f64, f64)> =
        left.into_iter().filter_map(|(block, value)| Some((value, *right.get(&block)?))).collect();
    paired(&values)
}

/// The value of each block; none if one of them is only a bound, or if those without one would be
/// missed.
pub(crate) fn by_block(quantity: QuantityName, point: &Point) -> Option<BTreeMap<u32, f64>> {
    if point.missing(quantity).is_some() {
        return None;
    }
    let mut values = BTreeMap::new();
    for trial in &point.trials {
        let Some(reading) = trial.reading(quantity) else { continue };
        if reading.bound == Bound::AtLeast {
            return None;
        }
        values.entry(trial.block).or_insert(reading.value);
    }
    Some(values)
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

/// A pattern that the swept setting does not concern stands for every value of it.
pub(crate) fn at_same_value(left: &Point, right: &Point) -> bool {
    match (left.swept_key(), right.swept_key()) {
        (Some(left), Some(right)) => left == right,
        _ => true,
    }
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
