//! The verdict on a run, in one word.

/// The verdict on a run, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Every planned trial completed or could not be run here, what was measured is valid, and every
    /// threshold is kept.
    Passed,
    /// At least one trial could not be finished, or nothing at all could be run.
    Failed,
    /// Every trial completed, but the numbers of at least one cannot be trusted.
    Invalid,
    /// The run ended before all planned trials did.
    Interrupted,
    /// The numbers can be trusted, and they break a threshold.
    ThresholdFailed,
    /// The numbers can be trusted, but do not decide whether a threshold is kept.
    Inconclusive,
}

impl Verdict {
    /// The word in `summary.json`.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Invalid => "invalid",
            Self::Interrupted => "interrupted",
            Self::ThresholdFailed => "threshold-failed",
            Self::Inconclusive => "inconclusive",
        }
    }

    /// The word at the top of the report.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Passed => "valid",
            Self::Failed => "failed",
            Self::Invalid => "invalid",
            Self::Interrupted => "interrupted",
            Self::ThresholdFailed => "threshold failed",
            Self::Inconclusive => "inconclusive",
        }
    }
}
