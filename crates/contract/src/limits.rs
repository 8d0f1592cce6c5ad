//! Beyond what a trial's numbers are not to be believed.

use std::time::Duration;

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
    /// What the instrument may have added to the age that the question is about, as a fraction of that
    /// age: the publisher's lateness, the time that server and harness waited for a core, and the stalls
    /// of the harness's event loops together. It holds where the scenario's primary quantity is an age;
    /// elsewhere ages beyond it are only marked.
    pub added_age_share: f64,
    /// What the instrument may have added whatever the age is; the larger of the two bounds counts.
    pub added_age: Period,
    /// How often a trial that the machine disturbed is run again at the end of its block, before its point
    /// is called invalid.
    pub repeats: u32,
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
            added_age_share: 0.1,
            added_age: Period(Duration::from_micros(500)),
            repeats: 2,
            harness_cpu: 0.95,
            clock_step: Period::from_millis(50),
            swapped_pages: 256,
            tail_samples: 10,
            ledger_difference: 0.01,
        }
    }
}
