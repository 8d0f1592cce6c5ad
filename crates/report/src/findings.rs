//! What a run found out: everything that any output prints, computed once.

use contract::{
    Arrivals, Calibration, Environment, Outcome, Params, Pattern, Scenario, ServerName, TargetNote,
    TrialRecord,
};

use crate::{
    answers::{self, Answer},
    comparisons::{PointComparison, comparisons},
    limits::calibration_disturbances,
    number::counted,
    point::Point,
    quantity::QuantityName,
    read::{CALIBRATION, Run},
    setting::served,
    threshold_verdict::{ThresholdFinding, threshold_findings},
    verdict::{Verdict, ended},
    words::few_blocks,
};

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
    /// Servers of other makes, as they were found there.
    pub targets: Vec<TargetNote>,
    /// Trials planned, calibration left out.
    pub trials_planned: u32,
    /// Trials that completed, a browser's tasks among them, calibration left out.
    pub trials_completed: u32,
    /// Whether the run can be trusted.
    pub verdict: Verdict,
    /// Why.
    pub verdict_reason: String,
    /// Doubts about the run as a whole, in words.
    pub warnings: Vec<String>,
    /// One answer a scenario, in the order of the report.
    pub answers: Vec<Answer>,
    /// The scenarios in the order of the report, those without any trial left out.
    pub scenarios: Vec<ScenarioFinding>,
    /// What the calibration trials found out.
    pub calibrations: Vec<CalibrationFinding>,
    /// Every trial that could not be finished, calibration included.
    pub failures: Vec<Failure>,
    /// The schedules that the trials name by hash.
    pub schedules: Vec<ScheduleFact>,
}

/// A scenario and its points.
#[derive(Debug, Clone)]
pub struct ScenarioFinding {
    /// The question and its settings.
    pub scenario: Scenario,
    /// Its points: patterns in their order, within a pattern by the swept value, and at one value by
    /// server: the lab's own, its floor, then the others as the scenario lists them.
    pub points: Vec<Point>,
    /// Its points compared with each other, block by block.
    pub comparisons: Vec<PointComparison>,
    /// Its thresholds, each at every point that it speaks of.
    pub thresholds: Vec<ThresholdFinding>,
    /// The command that reproduces it.
    pub command: String,
}

impl ScenarioFinding {
    /// The quantity that the question is about.
    pub(crate) fn primary(&self) -> Option<QuantityName> {
        QuantityName::ALL.into_iter().find(|name| name.key() == self.scenario.primary)
    }

    /// The quantities that at least one of its points has or is predicted to have.
    pub(crate) fn known_quantities(&self) -> Vec<QuantityName> {
        let known = |name: &QuantityName| {
            self.points.iter().map(|point| point.quantity_of(*name)).any(|quantity| {
                quantity.measured.is_some() || quantity.predicted.is_some() || quantity.closed_form.is_some()
            })
        };
        QuantityName::ALL.into_iter().filter(known).collect()
    }

    /// Whether servers were measured that the lab did not build.
    pub(crate) fn has_foreign(&self) -> bool {
        self.points.iter().any(|point| point.server.is_foreign())
    }

    /// The cost that its servers are told apart by: what the question is about if that is a cost, the
    /// server's CPU per event otherwise; up to the knee where the rate grows.
    pub(crate) fn main_cost(&self) -> QuantityName {
        if self.is_ramp() {
            return QuantityName::SaturationCpuPerEvent;
        }
        let is_cost = |name: &QuantityName| matches!(name.unit(), "us" | "bytes");
        self.primary().filter(is_cost).unwrap_or(QuantityName::CpuPerEvent)
    }

    /// Whether the rate of events grows until a server can do no more.
    pub(crate) const fn is_ramp(&self) -> bool {
        matches!(self.scenario.events, Arrivals::Ramp { .. })
    }

    /// Most blocks that one of its points has.
    pub(crate) fn blocks(&self) -> usize {
        self.points.iter().map(Point::blocks).max().unwrap_or(0)
    }

    /// That it has too few blocks to judge by, in words; none with enough, and where nothing was measured.
    pub(crate) fn few_blocks(&self) -> Option<&'static str> {
        few_blocks(self.blocks()).filter(|_| self.blocks() > 0)
    }

    /// `valid`, `valid, one run`, or `not valid`.
    pub(crate) fn validity_words(&self) -> String {
        match (self.points.iter().all(|point| point.valid), self.few_blocks()) {
            (false, _) => "not valid".to_owned(),
            (true, None) => "valid".to_owned(),
            (true, Some(few)) => format!("valid, {few}"),
        }
    }
}

/// What a calibration trial found out, or that it failed.
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
    pub server_last_words: Vec<String>,
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

impl Findings {
    /// The verdict as the reports print it: a valid run that has too few blocks for any interval says so.
    #[must_use]
    pub fn verdict_words(&self) -> String {
        let word = self.verdict.word();
        let measured = self.scenarios.iter().map(ScenarioFinding::blocks).filter(|blocks| *blocks > 0);
        // The most blocks of all: one scenario with intervals is enough.
        let few = measured.max().and_then(few_blocks).filter(|_| self.verdict == Verdict::Passed);
        few.map_or_else(|| word.to_owned(), |few| format!("{word}, {few}"))
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

/// Computes everything that the outputs print.
#[must_use]
pub fn findings(run: &Run) -> Findings {
    let manifest = &run.manifest;
    let judged: Vec<&TrialRecord> =
        run.records.iter().filter(|record| record.scenario != CALIBRATION).collect();
    let scenarios: Vec<ScenarioFinding> =
        manifest.scenarios.iter().filter_map(|scenario| scenario_finding(run, scenario, &judged)).collect();
    let failures: Vec<Failure> = run.records.iter().filter_map(failure).collect();
    let points: Vec<&Point> = scenarios.iter().flat_map(|scenario| &scenario.points).collect();
    let thresholds: Vec<&ThresholdFinding> =
        scenarios.iter().flat_map(|scenario| &scenario.thresholds).collect();
    let (verdict, verdict_reason) = Verdict::of(&points, &thresholds, &failures, manifest.trials_planned);
    let trials_completed = points.iter().map(|point| ended(point)).sum::<usize>();
    let answers = scenarios.iter().map(answers::answer).collect();
    let mut warnings = run.warnings.clone();
    warnings.extend(
        manifest
            .scenarios
            .iter()
            .filter(|planned| scenarios.iter().all(|found| found.scenario.name != planned.name))
            .map(|planned| format!("no trial of {} was recorded", planned.name)),
    );
    let absent = manifest.targets.iter().filter_map(|target| target.problem.as_ref());
    warnings.extend(absent.map(|problem| format!("not measured: {problem}")));
    warnings.extend(disturbed_calibrations(run, &judged));
    if manifest.environment.build == "debug" {
        warnings.push("measured with a debug build: CPU figures and ages are too high".to_owned());
    }
    if manifest.environment.commit.ends_with("-dirty") {
        warnings.push("measured with uncommitted changes: the commit alone does not reproduce it".to_owned());
    }
    Findings {
        name: manifest.name.clone(),
        command: manifest.command.clone(),
        seed: manifest.seed,
        started_at: manifest.started_at.clone(),
        environment: manifest.environment.clone(),
        targets: manifest.targets.clone(),
        trials_planned: manifest.trials_planned,
        trials_completed: u32::try_from(trials_completed).unwrap_or(u32::MAX),
        verdict,
        verdict_reason,
        warnings,
        answers,
        scenarios,
        calibrations: calibrations(&judged),
        failures,
        schedules: schedules(run, &judged),
    }
}

fn scenario_finding(run: &Run, scenario: &Scenario, judged: &[&TrialRecord]) -> Option<ScenarioFinding> {
    let mut groups: Vec<Vec<&TrialRecord>> = Vec::new();
    for &record in judged.iter().filter(|record| record.scenario == scenario.name) {
        let same = |group: &&mut Vec<&TrialRecord>| {
            group[0].pattern == record.pattern
                && group[0].params == record.params
                && group[0].server == record.server
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.push(record),
            None => groups.push(vec![record]),
        }
    }
    if groups.is_empty() {
        return None;
    }
    let mut points: Vec<Point> =
        groups.iter().map(|group| Point::gather(&run.manifest, scenario, group)).collect();
    points.sort_by(|left, right| {
        let swept = |point: &Point| point.swept_key().map_or(0.0, |key| key.place_in(scenario));
        let server = |point: &Point| {
            let listed = scenario.servers.iter().position(|server| *server == point.server);
            (!point.server.is_pushlab(), !point.server.is_floor(), listed.unwrap_or(usize::MAX))
        };
        left.pattern
            .cmp(&right.pattern)
            .then(swept(left).total_cmp(&swept(right)))
            .then(server(left).cmp(&server(right)))
    });
    Some(ScenarioFinding {
        comparisons: comparisons(scenario, &points),
        thresholds: threshold_findings(scenario, &points),
        scenario: scenario.clone(),
        points,
        command: command(run, scenario),
    })
}

/// The manifest's own command for a scenario; that of the whole run where the manifest has none.
fn command(run: &Run, scenario: &Scenario) -> String {
    let manifest = &run.manifest;
    let place = manifest.scenarios.iter().position(|known| known.name == scenario.name);
    place
        .and_then(|index| manifest.commands.get(index))
        .filter(|command| !command.is_empty())
        .unwrap_or(&manifest.command)
        .clone()
}

fn failure(record: &TrialRecord) -> Option<Failure> {
    match &record.outcome {
        Outcome::Completed { .. } | Outcome::Watched { .. } | Outcome::NotRun { .. } => None,
        Outcome::Failed { reason, server_last_words } => Some(Failure {
            scenario: record.scenario.clone(),
            pattern: record.pattern,
            server: record.server.clone(),
            params: record.params,
            order: record.order,
            reason: reason.clone(),
            server_last_words: server_last_words.clone(),
        }),
    }
}

/// The calibrations that the machine disturbed to the last attempt: what rests on them is in doubt.
fn disturbed_calibrations(run: &Run, judged: &[&TrialRecord]) -> Vec<String> {
    let calibrations = run.records.iter().filter(|record| record.scenario == CALIBRATION);
    let words = calibrations.filter_map(|record| {
        let first = judged.iter().find(|other| {
            other.pattern == record.pattern
                && other.calibration.is_some()
                && other.calibration == record.calibration
        })?;
        let scenario = run.manifest.scenarios.iter().find(|known| known.name == first.scenario)?;
        let reasons = calibration_disturbances(record.measurements()?, &scenario.limits);
        let (pattern, subscribers) = (record.pattern.label(), u64::from(record.params.subscribers));
        (!reasons.is_empty()).then(|| {
            format!(
                "predictions for {pattern} with {} rest on a calibration that the machine disturbed: {}",
                counted(subscribers, "subscriber", "subscribers"),
                reasons.join("; ")
            )
        })
    });
    words.collect()
}

/// The calibrations that the predictions used, each once.
fn calibrations(judged: &[&TrialRecord]) -> Vec<CalibrationFinding> {
    let mut found: Vec<CalibrationFinding> = Vec::new();
    for record in judged {
        if let Some(calibration) = record.calibration {
            let finding = CalibrationFinding { pattern: record.pattern, calibration };
            if !found.contains(&finding) {
                found.push(finding);
            }
        }
    }
    found.sort_by_key(|finding| finding.pattern);
    found
}

fn schedules(run: &Run, judged: &[&TrialRecord]) -> Vec<ScheduleFact> {
    run.manifest
        .schedules
        .iter()
        .filter(|schedule| judged.iter().any(|record| record.schedule_hash == schedule.hash))
        .map(|schedule| ScheduleFact {
            hash: schedule.hash.clone(),
            events: schedule.due_ns.len() as u64,
            length_s: schedule.length_ns as f64 * 1e-9,
        })
        .collect()
}
