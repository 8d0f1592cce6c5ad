//! The trials of a run, one after the other; each record is on the disk before the next trial begins.

use std::path::Path;

use anyhow::Result;
use contract::{Outcome, Scenario, TrialRecord};
use load_harness::{CalibrationKey, TrialResult, TrialSpec, calibrate};
use report::{ThresholdOutcome, Verdict};

use super::{BenchArguments, Plan, steps::Steps};
use crate::{
    progress::{Display, clock},
    results::{self, ResultsFolder},
    say::{counted, say},
};

impl Plan {
    /// Runs the trials that are left: calibrations, then block after block. A trial that the machine disturbed runs
    /// again at the end of its block, when the disturbance may be over.
    pub(super) async fn run_all(
        &self,
        mut steps: Steps<'_>,
        folder: &mut ResultsFolder,
        arguments: &BenchArguments,
    ) -> Result<()> {
        let planned = self.calibrations.len() + self.orders.len();
        let mut display = Display::new(&steps.left());
        say(format!("{}: about {}", self.size(&steps), clock(display.expected())));
        while let Some(step) = steps.next() {
            let (number, is_calibration) = (step.number, steps.is_calibration(step.number));
            let scenario = self.scenario_of(&step.order).filter(|_| !is_calibration);
            display.begin(number, planned, &step.order, scenario);
            let mut record = self.run_one(&step.order, folder, &mut display).await?;
            if let (true, Some(measured)) = (is_calibration, record.measurements()) {
                record.calibration = Some(calibrate(&step.order, measured, &self.harness.cores));
            }
            folder.append(&record)?;
            if let Some((reason, again)) = steps.end(step, &record) {
                display.note(&format!("disturbed: {reason}"));
                if let Some(order) = again {
                    display.note(&format!("runs again at the end of its block, attempt {}", order.attempt));
                    display.expect_again(&order);
                }
            }
            // A trial that will run again is not bad news yet.
            if arguments.fail_fast
                && steps.has_no_repetition()
                && let Some(reason) =
                    self.bad_news(folder.path(), number.saturating_sub(self.calibrations.len()))?
            {
                display.note(&format!("stopped early: {reason}"));
                break;
            }
        }
        let (took, ran) = display.finish();
        say(format!("{} in {}", counted(ran as usize, "trial"), clock(took)));
        Ok(())
    }

    /// Runs a trial once and shows its outcome.
    async fn run_one(
        &self,
        order: &TrialSpec,
        folder: &ResultsFolder,
        display: &mut Display,
    ) -> Result<TrialRecord> {
        let result = self.harness.run(order, &mut |progress| display.tell(order, progress)).await;
        let TrialResult { record, interval_log } = result;
        let bad_news = match &record.outcome {
            Outcome::Completed { .. } | Outcome::BrowserRun { .. } => None,
            Outcome::Failed { reason, .. } => Some(format!("failed: {reason}")),
            Outcome::NotRun { reason } => Some(format!("not run: {reason}")),
        };
        display.end(order, bad_news.as_deref());
        if let Some(log) = interval_log {
            folder.add_interval_log(&record, &log)?;
        }
        Ok(record)
    }

    /// The disturbances of a trial by the machine, as far as they exceed the scenario's limits. A calibration
    /// has the limits of the first scenario that it is for.
    pub(super) fn disturbed(&self, order: &TrialSpec, record: &TrialRecord) -> Option<String> {
        let (measured, scenario) = (record.measurements()?, self.scenario_of(order)?);
        let reasons = if scenario.name == order.scenario {
            report::disturbances(measured, scenario)
        } else {
            report::calibration_disturbances(measured, &scenario.limits)
        };
        (!reasons.is_empty()).then(|| reasons.join("; "))
    }

    /// The scenario of a trial, or of the first trial that a calibration is for.
    pub(super) fn scenario_of(&self, order: &TrialSpec) -> Option<&Scenario> {
        let key = CalibrationKey::of(&order.plan);
        let named = |name: &str| self.manifest.scenarios.iter().find(|known| known.name == name);
        named(&order.scenario).or_else(|| {
            named(&self.orders.iter().find(|other| CalibrationKey::of(&other.plan) == key)?.scenario)
        })
    }

    /// Why a run with `--fail-fast` must end after `done` of its trials; none if it goes on.
    fn bad_news(&self, folder: &Path, done: usize) -> Result<Option<String>> {
        let findings = report::findings(&results::read(folder)?);
        // A value without an interval decides only when its scenario has no more blocks to run.
        let to_come = |scenario: &str| {
            let left = self.orders.iter().skip(done).any(|order| order.scenario == scenario);
            left && self.orders.iter().any(|order| order.scenario == scenario && order.block > 1)
        };
        let mut failed = findings.thresholds().filter(|finding| finding.outcome == ThresholdOutcome::Failed);
        Ok(match findings.verdict {
            // No trial could be run so far. The other trials may not need the missing program.
            Verdict::Failed if findings.failures.is_empty() => None,
            Verdict::Failed | Verdict::Invalid => Some(findings.verdict_reason.clone()),
            Verdict::ThresholdFailed => failed
                .any(|finding| finding.low.is_some() || !to_come(&finding.scenario))
                .then_some(findings.verdict_reason.clone()),
            // The remaining trials may decide it.
            Verdict::Interrupted | Verdict::Inconclusive | Verdict::Passed => None,
        })
    }
}
