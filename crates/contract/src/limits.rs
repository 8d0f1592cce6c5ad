//! The limits beyond which a trial's numbers are not trustworthy.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Period;

/// Limits on the errors of the instrument itself. A trial beyond one of them is invalid: its numbers are
/// shown in grey, with the reason.
///
/// Losses, request ledgers that disagree and an incomplete schedule have no limit: they always make a trial
/// invalid.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Most that the instrument may add to the age that the question is about, as a fraction of that age: the
    /// sum of the publisher's lateness, the time that server and harness waited for a core, and the stalls
    /// of the harness's event loops. It applies if the scenario's primary quantity is an age. In other
    /// scenarios, ages beyond it are only marked.
    pub added_age_share: f64,
    /// Most that the instrument may add to any age; the larger of the two limits applies.
    pub added_age: Period,
    /// How often a trial that the machine disturbed is repeated at the end of its block, before its point
    /// becomes invalid.
    pub repeats: u32,
    /// Largest share of the workers' cores that the harness may use in the window. Above it the trial measures
    /// the harness.
    pub harness_cpu: f64,
    /// Largest difference between the wall clock and the monotonic clock over a trial. A larger one means a
    /// stepped clock or a suspended machine.
    pub clock_step: Period,
    /// Most pages that the whole machine may swap in and out during the trial.
    pub swapped_pages: u64,
    /// Fewest deliveries beyond the 99th percentile. With fewer, a few stragglers decide it.
    pub tail_samples: u32,
    /// Largest difference between the three byte ledgers, as a fraction.
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
