//! Beyond what a trial's numbers are not to be believed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Period;

/// Bounds on what the instrument itself may get wrong. A trial beyond one of them is invalid: its
/// numbers are shown in grey, with the reason.
///
/// Losses, ledgers of requests that disagree and a schedule that was not sent whole have no bound:
/// they always make a trial invalid.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// 99th percentile of the publisher's lateness in the window. Ages contain it.
    pub lateness_p99: Period,
    /// Longest stretch of the window in which a worker's event loop did not come back: whatever
    /// arrived then looks older than it was.
    pub longest_hiccup: Period,
    /// Share of the workers' cores that the harness may use in the window. Above it the harness is
    /// what is measured.
    pub harness_cpu: f64,
    /// How far wall clock and monotonic clock may drift apart in a trial: a stepped clock, or a
    /// machine that was suspended.
    pub clock_step: Period,
    /// Pages that the whole machine may swap in and out during the trial.
    pub swapped_pages: u64,
    /// Deliveries that must lie beyond the 99th percentile, or a few stragglers decide it.
    pub tail_samples: u32,
    /// How far the three ledgers of bytes may differ from one another, as a fraction.
    pub ledger_difference: f64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            lateness_p99: Period::from_millis(5),
            longest_hiccup: Period::from_millis(200),
            harness_cpu: 0.95,
            clock_step: Period::from_millis(50),
            swapped_pages: 256,
            tail_samples: 10,
            ledger_difference: 0.01,
        }
    }
}
