//! When two values count as different.

use super::comparisons::{compare, within_clocks};
use crate::{
    findings::{Point, PointComparison, ScenarioFinding, between},
    quantities::{Bound, QuantityName, Unit},
    statistics::blocks::few_blocks,
    text::number::{interval_after, setting, three_digits, times, with_setting},
};

/// By how much values of single trials differ by chance alone.
struct Scatter {
    /// The larger ÷ the smaller.
    factor: f64,
    /// For times: added to that.
    more_ms: f64,
}

/// For timed or metered quantities. Two valid runs of the same command have had these ages at p99: 4.70 and
/// 12.9 ms, 6.84 and 22.2 ms (a factor of 3.2), and 8.46 and 0.754 ms (a factor of 11, and 7.7 ms). A factor
/// alone would have to be large, so a few milliseconds are added to a smaller one.
const MEASURED: Scatter = Scatter { factor: 3.0, more_ms: 10.0 };

/// For counts: the exchanges at the window's edges change them by some percent.
const COUNTED: Scatter = Scatter { factor: 1.1, more_ms: 0.0 };

/// Whether two values without an interval differ by more than single trials scatter.
pub(crate) fn beyond_scatter(name: QuantityName, left: f64, right: f64) -> bool {
    let scatter = if name.is_counted() { COUNTED } else { MEASURED };
    let more = if name.unit() == Unit::Milliseconds { scatter.more_ms } else { 0.0 };
    left.max(right) > left.min(right) * scatter.factor + more
}

/// The same rule as a sentence.
pub(crate) fn scatter_words() -> String {
    format!(
        "Without an interval, values are told apart only where one is more than {} times the other (times: plus {}). Counts (requests, bytes, packets) are told apart if they differ by more than a tenth.",
        setting(MEASURED.factor),
        with_setting(MEASURED.more_ms, "ms")
    )
}

/// Whether the blocks tell two values apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TestResult {
    /// A difference is shown or, with fewer than four blocks, exceeds the scatter of single trials.
    Apart,
    /// They are not told apart.
    Alike(Alike),
}

/// Why two values are not told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Alike {
    /// Four blocks or more were judged and show no difference.
    NoDifference,
    /// This many blocks are too few for a judgement.
    NotJudged(usize),
}

impl Alike {
    /// `no difference shown`, or `not told apart by one run`.
    pub(crate) fn words(self) -> String {
        match self {
            Self::NoDifference => "no difference shown".to_owned(),
            Self::NotJudged(blocks) => format!("not told apart{}", by_so_few(blocks)),
        }
    }

    /// `no difference from SSE shown`, or `not told apart from SSE by one run`.
    pub(crate) fn words_from(self, other: &str) -> String {
        match self {
            Self::NoDifference => format!("no difference from {other} shown"),
            Self::NotJudged(blocks) => format!("not told apart from {other}{}", by_so_few(blocks)),
        }
    }
}

/// ` by one run`; empty if there are enough blocks, and something else prevents a judgement.
fn by_so_few(blocks: usize) -> String {
    few_blocks(blocks).map_or_else(String::new, |few| format!(" by {few}"))
}

/// Decides by a scenario's comparisons.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DifferenceTest<'a> {
    comparisons: &'a [PointComparison],
}

impl<'a> DifferenceTest<'a> {
    pub(crate) const fn of(finding: &'a ScenarioFinding) -> Self {
        Self { comparisons: finding.comparisons.as_slice() }
    }

    /// Whether two points are not told apart.
    pub(crate) fn same(self, name: QuantityName, left: &Point, right: &Point) -> bool {
        match self.result(name, left, right) {
            TestResult::Apart => false,
            TestResult::Alike(_) => true,
        }
    }

    /// Whether two points are told apart: by their comparison; by the interval of their blocks where they
    /// are no pair of the scenario's comparisons; by what single trials scatter by with fewer than four
    /// common blocks.
    pub(crate) fn result(self, name: QuantityName, left: &Point, right: &Point) -> TestResult {
        let paired = compare(name, left, right);
        let blocks = paired.map_or_else(|| left.blocks().min(right.blocks()), |paired| paired.blocks);
        let alike = |is_judged: bool| {
            TestResult::Alike(if is_judged { Alike::NoDifference } else { Alike::NotJudged(blocks) })
        };
        let is_judged = paired.is_some_and(|paired| paired.p.is_some());
        if std::ptr::eq(left, right) || within_clocks(name, left, right) {
            return alike(is_judged);
        }
        let listed = between(self.comparisons, name, left, right).filter(|found| found.is_judged());
        let is_apart = match (listed, paired.filter(|_| is_judged)) {
            (Some(found), _) => found.shown,
            (None, Some(paired)) => paired.apart,
            (None, None) => {
                let of = |point: &Point| point.measured(name).unwrap_or(f64::MAX);
                beyond_scatter(name, of(left), of(right))
            }
        };
        if is_apart { TestResult::Apart } else { alike(listed.is_some() || is_judged) }
    }

    /// The point with the lowest value, and all that are not told apart from it, in the order of the points; none if
    /// no point has a value.
    pub(crate) fn lowest<'p>(
        self,
        name: QuantityName,
        points: &[&'p Point],
    ) -> Option<(&'p Point, Vec<&'p Point>)> {
        let known: Vec<(&Point, f64)> =
            points.iter().filter_map(|point| Some((*point, point.measured(name)?))).collect();
        let (lowest, _) = *known.iter().min_by(|(_, left), (_, right)| left.total_cmp(right))?;
        let near = known.into_iter().map(|(point, _)| point).filter(|point| self.same(name, lowest, point));
        Some((lowest, near.collect()))
    }

    /// Why points are not told apart from a first one; the fewest blocks say it.
    pub(crate) fn alike(self, name: QuantityName, first: &Point, others: &[&Point]) -> Alike {
        let others = others.iter().filter(|other| !std::ptr::eq(first, **other));
        let found = others.filter_map(|other| match self.result(name, first, other) {
            TestResult::Alike(Alike::NotJudged(blocks)) => Some(blocks),
            TestResult::Alike(Alike::NoDifference) | TestResult::Apart => None,
        });
        found.min().map_or(Alike::NoDifference, Alike::NotJudged)
    }

    /// The largest `high` ÷ `low` that the interval of their ratio leaves possible; none without one.
    pub(crate) fn most(self, name: QuantityName, high: &Point, low: &Point) -> Option<f64> {
        Some(compare(name, high, low)?.interval?.1)
    }

    /// `high` ÷ `low` in words: `2.90 times`, and its interval where there is one.
    pub(crate) fn times(self, name: QuantityName, high: &Point, low: &Point) -> Option<Times> {
        let paired = compare(name, high, low);
        if let Some((ratio, (from, to))) = paired.and_then(|paired| Some((paired.ratio?, paired.interval?))) {
            let interval = interval_after(&three_digits(ratio), Some([from, to].map(three_digits)));
            return Some(Times { text: times(ratio), interval });
        }
        let exact = |point: &Point| point.quantity_of(name).bound == Bound::Exact;
        let (high_value, low_value) = (high.measured(name)?, low.measured(name)?);
        (exact(high) && exact(low) && low_value > 0.0)
            .then(|| Times { text: times(high_value / low_value), interval: String::new() })
    }
}

/// A ratio in words.
pub(crate) struct Times {
    text: String,
    /// ` (2.70–3.10)`; empty without one.
    interval: String,
}

impl Times {
    /// `2.90 times that`, or `2.90 times that (2.70–3.10)`.
    pub(crate) fn followed_by(&self, words: &str) -> String {
        format!("{} {words}{}", self.text, self.interval)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_run_tells_apart_what_two_runs_of_one_command_have_never_been() {
        for (small_ms, large_ms) in [(4.70, 12.9), (6.84, 22.2), (0.754, 8.46), (0.768, 4.88), (495.0, 990.0)]
        {
            assert!(
                !beyond_scatter(QuantityName::AgeP99, small_ms, large_ms),
                "{small_ms} and {large_ms} ms"
            );
        }
        for (small_ms, large_ms) in [(4.70, 990.0), (250.0, 990.0), (2.11, 47.9)] {
            assert!(beyond_scatter(QuantityName::AgeP99, large_ms, small_ms), "{small_ms} and {large_ms} ms");
        }
        assert!(!beyond_scatter(QuantityName::CpuPerEvent, 3.8, 6.6));
        assert!(beyond_scatter(QuantityName::CpuPerEvent, 3.8, 12.0));
        assert!(!beyond_scatter(QuantityName::BytesPerEvent, 129.0, 133.0));
        assert!(beyond_scatter(QuantityName::BytesPerEvent, 129.0, 161.0));
        assert!(beyond_scatter(QuantityName::RequestsPerEvent, 0.0, 0.1));
    }

    #[test]
    fn so_few_blocks_are_named() {
        let words = [1, 2, 3, 5].map(|blocks| Alike::NotJudged(blocks).words());
        let few = ["one run", "two blocks", "three blocks"].map(|few| format!("not told apart by {few}"));
        assert_eq!(words[..3], few);
        assert_eq!(words[3], "not told apart");
        assert_eq!(Alike::NoDifference.words_from("SSE"), "no difference from SSE shown");
        assert_eq!(Alike::NotJudged(1).words_from("SSE"), "not told apart from SSE by one run");
    }
}
