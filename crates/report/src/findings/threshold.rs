//! The outcome of a threshold at a point.

use crate::{
    quantities::Bound,
    text::number::{rounded_down, three_digits, with_interval},
};

/// The outcome of a threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThresholdOutcome {
    /// It is kept: by the whole interval, or by the value where there is none. Against another server
    /// the nearer end of the interval is enough.
    Passed,
    /// It is broken: by the whole interval, or by the value where there is none.
    Failed,
    /// It lies within the interval, or there is no value; against another server, no interval.
    Inconclusive,
    /// Its point is invalid, or was not measured.
    NotJudged,
}

impl ThresholdOutcome {
    /// The word in the report.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Inconclusive => "inconclusive",
            Self::NotJudged => "not judged",
        }
    }

    /// The word in `summary.json`.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Passed => "pass",
            Self::Failed => "fail",
            Self::Inconclusive => "inconclusive",
            Self::NotJudged => "not-judged",
        }
    }
}

/// A threshold at one point of its scenario.
#[derive(Debug, Clone, PartialEq)]
pub struct ThresholdFinding {
    /// Name of the scenario.
    pub scenario: String,
    /// The threshold as written.
    pub text: String,
    /// The point in words; two for a ratio of patterns, empty if no point was measured.
    pub of: String,
    /// The value, a geometric mean over blocks; none if there is none.
    pub value: Option<f64>,
    /// Low end of its 95 % interval; none with fewer than four blocks, and for counts. With fewer than four
    /// blocks a condition of a claim has here the low end of the range in which a single block may lie.
    pub low: Option<f64>,
    /// High end of it.
    pub high: Option<f64>,
    /// The number after the operator; none if the text cannot be read.
    pub limit: Option<f64>,
    /// Whether it is a condition of a claim and was judged by fewer than four blocks.
    pub is_by_one_block: bool,
    /// Whether the value is only a lower bound.
    pub bound: Bound,
    /// Its outcome.
    pub outcome: ThresholdOutcome,
    /// Why, in words.
    pub reason: String,
}

impl ThresholdFinding {
    /// `4.30 (4.10–4.60)`, `> 2,000`, or a dash.
    #[must_use]
    pub fn value_text(&self) -> String {
        let Some(value) = self.value else { return "—".to_owned() };
        let ends = self.low.zip(self.high).map(|(low, high)| [low, high].map(three_digits));
        match self.bound {
            Bound::Exact => with_interval(&three_digits(value), ends),
            Bound::AtLeast => format!("> {}", three_digits(rounded_down(value))),
        }
    }
}
