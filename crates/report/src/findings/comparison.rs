//! Two points compared block by block, as tables and sentences print it.

use contract::{Params, Pattern, ServerName};

use super::point::Point;
use crate::{
    quantities::QuantityName,
    statistics::blocks::few_blocks,
    text::number::{interval_after, three_digits},
};

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
    pub(crate) fn of(point: &Point) -> Self {
        Self {
            pattern: point.pattern,
            params: point.params,
            server: point.server.clone(),
            label: point.label(),
        }
    }

    pub(crate) fn is(&self, point: &Point) -> bool {
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
    /// The quantity in which they are compared.
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
    /// Whether a difference is shown: the interval excludes "the same", the adjusted probability is at most
    /// 0.05, and the difference exceeds the clock error of browsers that measured the ages.
    pub shown: bool,
    /// Whether the difference is smaller than the clock error of a browser that measured the ages.
    pub is_within_clocks: bool,
}

impl PointComparison {
    /// Whether it gives a value as a multiple of the floor: an estimate, which claims no difference and so
    /// belongs to no family.
    #[must_use]
    pub fn is_floor_ratio(&self) -> bool {
        self.right.server.is_floor()
    }

    /// Whether there are enough blocks for a judgement; false for a floor ratio.
    #[must_use]
    pub const fn is_judged(&self) -> bool {
        self.p_adjusted.is_some()
    }

    /// `2.90 times (2.70–3.10)` or `no difference shown (0.970–1.05)`; without the interval where both
    /// ends print as the ratio does. `2.90 times by one run` if there are too few blocks for a judgement.
    #[must_use]
    pub fn words(&self) -> String {
        let ends = self.low.zip(self.high).map(|(low, high)| [low, high].map(three_digits));
        let ratio = self.ratio.map(three_digits).unwrap_or_default();
        let interval = interval_after(&ratio, ends);
        match (self.is_judged(), self.shown, self.ratio) {
            (true, false, _) => format!("no difference shown{interval}"),
            (true, true, Some(ratio)) => format!("{} times{interval}", three_digits(ratio)),
            (false, _, Some(ratio)) => {
                let few = few_blocks(self.blocks).map_or_else(String::new, |few| format!(" by {few}"));
                format!("{} times{interval}{few}", three_digits(ratio))
            }
            (true, true, None) => "a difference is shown; it has no ratio".to_owned(),
            (false, _, None) => "no ratio".to_owned(),
        }
    }
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
