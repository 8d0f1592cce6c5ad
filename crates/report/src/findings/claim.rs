//! What a run decides about a claim.

use super::threshold::ThresholdFinding;
use crate::claims::Heard;

/// The verdict on a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClaimVerdict {
    /// Its conditions are true at every point to which they apply.
    Holds,
    /// A condition is true at one point, and the same or another one is false at another point.
    Depends,
    /// Its conditions are false at every point to which they apply.
    Wrong,
    /// It has no conditions yet, or the run does not decide them: a point was not measured or is not valid, or
    /// the limit lies within an interval.
    Open,
}

impl ClaimVerdict {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Holds, Self::Depends, Self::Wrong, Self::Open];

    /// The word in the report.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Depends => "depends",
            Self::Wrong => "wrong",
            Self::Open => "open",
        }
    }

    /// The word in `summary.json`.
    #[must_use]
    pub const fn key(self) -> &'static str {
        self.word()
    }
}

/// A claim with its verdict in a run.
#[derive(Debug, Clone, PartialEq)]
pub struct ClaimFinding {
    /// Its id, such as `K29`.
    pub id: String,
    /// The claim as written.
    pub claim: String,
    /// Where it is heard.
    pub heard: Vec<Heard>,
    /// Its verdict.
    pub verdict: ClaimVerdict,
    /// The sentence for this verdict, with its numbers; for an open claim what is missing.
    pub sentence: String,
    /// Each condition at each point to which it applies, the points that were not measured too. `text` is the
    /// condition as written.
    pub cells: Vec<ThresholdFinding>,
    /// Whether a decided cell rests on fewer than four blocks.
    pub is_by_one_block: bool,
    /// The scenarios that its conditions name, each once, in their order; empty without conditions.
    pub scenarios: Vec<String>,
    /// For a claim that depends on a swept number: between which measured values it changes, and where the model
    /// predicts the change; none for other claims.
    pub flip: Option<String>,
}
