//! A run as a whole.

use contract::{Calibration, Environment, Params, Pattern, ServerName, TargetNote};

use super::{
    answer::Answer, claim::ClaimFinding, comparison::PointComparison, part::PartFinding,
    scenario::ScenarioFinding, threshold::ThresholdFinding, verdict::Verdict,
};
use crate::{read::CALIBRATION, statistics::blocks::few_blocks, text::setting::served};

/// All that the outputs print.
#[derive(Debug, Clone)]
pub struct Findings {
    /// Name of the run.
    pub name: String,
    /// The command that reproduces it.
    pub command: String,
    /// Seed of schedules, payloads and poll phases.
    pub seed: u64,
    /// When the run began, RFC 3339 in UTC.
    pub started_at: String,
    /// Where it was measured.
    pub environment: Environment,
    /// The parts in which it was measured; none if in one go.
    pub parts: Vec<PartFinding>,
    /// Third-party servers, as they were found there.
    pub targets: Vec<TargetNote>,
    /// Trials planned, calibration left out.
    pub trials_planned: u32,
    /// Trials that completed, a browser's tasks among them, calibration left out.
    pub trials_completed: u32,
    /// Whether the run can be trusted.
    pub verdict: Verdict,
    /// Why.
    pub verdict_reason: String,
    /// Warnings about the run as a whole, in words.
    pub warnings: Vec<String>,
    /// One answer a scenario, in the order of the report.
    pub answers: Vec<Answer>,
    /// The scenarios in the order of the report, those without any trial left out.
    pub scenarios: Vec<ScenarioFinding>,
    /// The claims of the run's folder, in their order, each with its verdict; empty without a file of claims.
    pub claims: Vec<ClaimFinding>,
    /// The results of the calibration trials.
    pub calibrations: Vec<CalibrationFinding>,
    /// Every trial that could not be finished, calibration included.
    pub failures: Vec<Failure>,
    /// The schedules that the trials name by hash.
    pub schedules: Vec<ScheduleFact>,
}

impl Findings {
    /// The verdict as the reports print it: a valid run says so if all questions, or some, have too few blocks for an
    /// interval.
    #[must_use]
    pub fn verdict_words(&self) -> String {
        let word = self.verdict.word();
        if self.verdict != Verdict::Passed {
            return word.to_owned();
        }
        let measured: Vec<usize> =
            self.scenarios.iter().map(ScenarioFinding::blocks).filter(|blocks| *blocks > 0).collect();
        let few: Vec<&str> = measured.iter().filter_map(|blocks| few_blocks(*blocks)).collect();
        let (most, fewest) = (measured.iter().max().copied(), measured.iter().min().copied());
        match (most.and_then(few_blocks), fewest.and_then(few_blocks)) {
            (Some(few), _) => format!("{word}, {few}"),
            (None, Some(fewest)) => {
                format!("{word}, {} of {} questions by {fewest}", few.len(), measured.len())
            }
            (None, None) => word.to_owned(),
        }
    }

    /// The comparisons of all scenarios.
    pub fn comparisons(&self) -> impl Iterator<Item = &PointComparison> {
        self.scenarios.iter().flat_map(|scenario| &scenario.comparisons)
    }

    /// The thresholds of all scenarios.
    pub fn thresholds(&self) -> impl Iterator<Item = &ThresholdFinding> {
        self.scenarios.iter().flat_map(|scenario| &scenario.thresholds)
    }

    /// The trials of one kind that could not be finished.
    pub(crate) fn failures_of(&self, judged: Judged) -> Vec<&Failure> {
        let calibration = |failure: &&Failure| failure.scenario == CALIBRATION;
        match judged {
            Judged::Yes => self.failures.iter().filter(|failure| !calibration(failure)).collect(),
            Judged::No => self.failures.iter().filter(calibration).collect(),
        }
    }
}

/// The result of a calibration trial.
#[derive(Debug, Clone, PartialEq)]
pub struct CalibrationFinding {
    /// Which pattern.
    pub pattern: Pattern,
    /// What was found.
    pub calibration: Calibration,
}

/// A trial that could not be finished.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// Name of the scenario.
    pub scenario: String,
    /// Which pattern.
    pub pattern: Pattern,
    /// Which server.
    pub server: ServerName,
    /// Its settings.
    pub params: Params,
    /// Position in the order of the run.
    pub order: u32,
    /// Why.
    pub reason: String,
    /// The last lines that the server wrote.
    pub server_stderr_tail: Vec<String>,
}

impl Failure {
    /// The pattern, and the server where it is not the lab's own.
    pub(crate) fn label(&self) -> String {
        served(self.pattern.label(), &self.server)
    }
}

/// A schedule as the report names it.
#[derive(Debug, Clone, PartialEq)]
pub struct ScheduleFact {
    /// SHA-256 of due times, types and texts.
    pub hash: String,
    /// Number of events.
    pub events: u64,
    /// Length in seconds.
    pub length_s: f64,
}

/// Whether a trial answers a question or only calibrates the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Judged {
    Yes,
    No,
}
