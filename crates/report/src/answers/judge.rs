//! When two values count as different.

use crate::{
    comparisons::{PointComparison, between, compare, within_clocks},
    findings::ScenarioFinding,
    number::{three_digits, times},
    point::Point,
    quantity::{Bound, QuantityName},
};

/// Ages closer than this are not told apart by one trial.
pub(crate) const SAME_AGE_MS: f64 = 5.0;
/// Nor are values whose ratio is below this.
const SAME_RATIO: f64 = 1.1;

/// Whether so few blocks do not tell two values apart: a rule of thumb, where there is no interval.
pub(crate) fn same(name: QuantityName, left: f64, right: f64) -> bool {
    let (small, large) = (left.min(right), left.max(right));
    (name.unit() == "ms" && large - small < SAME_AGE_MS) || large <= small * SAME_RATIO
}

/// Decides by a scenario's comparisons.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Judge<'a> {
    comparisons: &'a [PointComparison],
}

impl<'a> Judge<'a> {
    pub(crate) const fn of(finding: &'a ScenarioFinding) -> Self {
        Self { comparisons: finding.comparisons.as_slice() }
    }

    /// Whether no difference between two points is shown.
    ///
    /// By their comparison; by the interval of their blocks where they are no pair of the scenario's
    /// comparisons; by the rule of thumb with fewer than four common blocks.
    pub(crate) fn same(self, name: QuantityName, left: &Point, right: &Point) -> bool {
        if std::ptr::eq(left, right) {
            return true;
        }
        if within_clocks(name, left, right) {
            return true;
        }
        let listed = between(self.comparisons, name, left, right).filter(|found| found.is_judged());
        if let Some(found) = listed {
            return !found.shown;
        }
        if let Some(found) = compare(name, left, right).filter(|found| found.p.is_some()) {
            return !found.apart;
        }
        let of = |point: &Point| point.measured(name).unwrap_or(f64::MAX);
        same(name, of(left), of(right))
    }

    /// `high` ÷ `low` in words: `2.90 times`, and its interval where there is one.
    pub(crate) fn times(self, name: QuantityName, high: &Point, low: &Point) -> Option<Times> {
        let paired = compare(name, high, low);
        if let Some((ratio, (from, to))) = paired.and_then(|paired| Some((paired.ratio?, paired.interval?))) {
            let ends = [from, to].map(three_digits);
            let seen = ends.iter().any(|end| *end != three_digits(ratio));
            return Some(Times { text: times(ratio), interval: seen.then(|| ends.join("–")) });
        }
        let exact = |point: &Point| point.quantity_of(name).bound == Bound::Exact;
        let (high_value, low_value) = (high.measured(name)?, low.measured(name)?);
        (exact(high) && exact(low) && low_value > 0.0)
            .then(|| Times { text: times(high_value / low_value), interval: None })
    }
}

/// A ratio in words.
pub(crate) struct Times {
    text: String,
    interval: Option<String>,
}

impl Times {
    /// `(2.90 times as long)`, or `(2.90 times as long, 2.70–3.10)`.
    pub(crate) fn bracketed(&self, words: &str) -> String {
        let interval = self.interval.as_ref().map_or_else(String::new, |interval| format!(", {interval}"));
        format!("({} {words}{interval})", self.text)
    }

    /// `2.90 times that`, or `2.90 times that (2.70–3.10)`.
    pub(crate) fn followed_by(&self, words: &str) -> String {
        let interval = self.interval.as_ref().map_or_else(String::new, |interval| format!(" ({interval})"));
        format!("{} {words}{interval}", self.text)
    }
}
