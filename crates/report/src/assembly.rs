//! From a run to its findings: everything that any output prints, computed once.

use contract::{Outcome, Scenario, TrialRecord};

use crate::{
    answers,
    claims::verdict::claim_findings,
    findings::{
        Answer, CalibrationFinding, Failure, Findings, PartFinding, Point, ScenarioFinding, ScheduleFact,
        ThresholdFinding,
    },
    judgement::{
        comparisons::comparisons,
        gather::gather,
        threshold_verdict::threshold_findings,
        verdict::{ended, verdict},
    },
    read::{CALIBRATION, Run},
    text::{number::counted, sentence::further},
    trials::limits::calibration_disturbances,
};

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
    let (verdict, verdict_reason) = verdict(&points, &thresholds, &failures, manifest.trials_planned);
    let trials_completed = points.iter().map(|point| ended(point)).sum::<usize>();
    let mut answers: Vec<Answer> = scenarios.iter().map(answers::answer).collect();
    answers::across::add_reversals(&scenarios, &mut answers);
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
    let parts = PartFinding::of(manifest, &run.records);
    warnings.extend((1..).zip(&parts).filter_map(|(number, part)| part.warning(number)));
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
        parts,
        targets: manifest.targets.clone(),
        trials_planned: manifest.trials_planned,
        trials_completed: u32::try_from(trials_completed).unwrap_or(u32::MAX),
        verdict,
        verdict_reason,
        warnings,
        answers,
        claims: claim_findings(run, &scenarios),
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
    let mut points: Vec<Point> = groups.iter().map(|group| gather(&run.manifest, scenario, group)).collect();
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

/// The manifest's own command for a scenario; that of the whole run if the manifest has none.
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
        Outcome::Completed { .. } | Outcome::BrowserRun { .. } | Outcome::NotRun { .. } => None,
        Outcome::Failed { reason, server_stderr_tail } => Some(Failure {
            scenario: record.scenario.clone(),
            pattern: record.pattern,
            server: record.server.clone(),
            params: record.params,
            order: record.order,
            reason: reason.clone(),
            server_stderr_tail: server_stderr_tail.clone(),
        }),
    }
}

/// Warnings about calibrations that the machine disturbed even in the last attempt.
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
                "predictions for {pattern} with {} use a calibration that the machine disturbed{}",
                counted(subscribers, "subscriber", "subscribers"),
                further(&reasons)
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
