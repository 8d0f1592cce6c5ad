//! `bench --resume`: go on with a run that was interrupted.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use contract::{Arrivals, Manifest, ResumedPart, Scenario, Selection, TargetNote, TrialRecord};

use super::{BenchArguments, Plan, calibrations_for, harness, orders, schedules, steps::Steps};
use crate::{
    exit::Failure,
    results::ResultsFolder,
    say::{counted, print_warning},
    scenarios::{self, Loaded},
    targets,
};

/// An interrupted run, with its folder locked.
pub(super) struct Interrupted {
    folder: ResultsFolder,
    /// Everything that was measured, calibrations included.
    pub(super) records: Vec<TrialRecord>,
}

/// Reads an interrupted run and plans it again from its manifest: today's scenario files do not count.
pub(super) fn read(path: &Path, arguments: &BenchArguments) -> Result<(Plan, Interrupted), Failure> {
    let (folder, run) = ResultsFolder::open(path)?;
    let manifest = run.manifest;
    let selection = manifest.selection.ok_or_else(|| {
        anyhow!(
            "the run in {} was measured by a version that could not resume: measure it again with `{}`",
            path.display(),
            manifest.command
        )
    })?;
    for warning in &run.warnings {
        print_warning(format!("pushlab: {warning}, and runs again"));
    }
    let chosen = chosen(&manifest, &arguments.folder)?;
    let plan = plan(manifest, &chosen, selection, arguments.install_targets)
        .with_context(|| format!("the run in {} cannot be resumed", path.display()))?;
    Ok((plan, Interrupted { folder, records: run.records }))
}

fn plan(manifest: Manifest, chosen: &[Loaded], selection: Selection, install_targets: bool) -> Result<Plan> {
    let orders = orders(chosen, selection, manifest.seed, &manifest.blocks).map_err(Failure::into_error)?;
    if orders.len() != manifest.trials_planned as usize {
        bail!(
            "its manifest plans {}, but its scenarios give {}",
            counted(manifest.trials_planned as usize, "trial"),
            counted(orders.len(), "trial")
        );
    }
    if let Some(other) =
        schedules(&orders).iter().find(|schedule| manifest.schedule(&schedule.hash).is_none())
    {
        bail!(
            "its manifest has no schedule {}: a file that a scenario replays was changed, or another version of \
             pushlab planned the run",
            other.hash.get(..8).unwrap_or_default()
        );
    }
    let harness = harness(chosen, manifest.seed, install_targets).map_err(Failure::into_error)?;
    let today = targets::notes(&harness.targets);
    if let Some((was, is)) = manifest.targets.iter().zip(&today).find(|(was, is)| was != is) {
        let words = |target: &TargetNote| target.version.clone().unwrap_or_else(|| "missing".to_owned());
        bail!(
            "the server `{}` was {} when the run began, and is {} now: a run has one version of each server",
            was.name,
            words(was),
            words(is)
        );
    }
    Ok(Plan { calibrations: calibrations_for(&orders, manifest.seed)?, manifest, harness, orders })
}

/// The scenarios of the manifest, with the files that they replay.
fn chosen(manifest: &Manifest, folder: &Path) -> Result<Vec<Loaded>, Failure> {
    manifest.scenarios.iter().map(|scenario| loaded(scenario, folder)).collect()
}

fn loaded(scenario: &Scenario, folder: &Path) -> Result<Loaded, Failure> {
    let name = &scenario.name;
    let today = scenarios::named(folder, name).ok();
    if today.as_ref().is_some_and(|today| today.scenario != *scenario) {
        print_warning(format!(
            "pushlab: {name} was changed since the run began: the run goes on with the settings that it began with"
        ));
    }
    let replays = matches!(scenario.events, Arrivals::Replay { .. });
    let replay_csv = today.and_then(|today| today.replay_csv);
    if replays && replay_csv.is_none() {
        let folder = folder.display();
        let error =
            anyhow!("{name} replays a file, and neither is in {folder}: give their folder with --scenarios");
        return Err(Failure::Usage(error));
    }
    Ok(Loaded { scenario: scenario.clone(), asked: name.clone(), replay_csv, folder: PathBuf::from(folder) })
}

impl Interrupted {
    /// Notes in the manifest that the run goes on now, and here.
    pub(super) fn go_on(mut self, plan: &Plan, steps: &Steps<'_>) -> Result<ResultsFolder, Failure> {
        if steps.left().is_empty() {
            let folder = self.folder.path().display();
            let error =
                anyhow!("the run in {folder} is complete: `pushlab report {folder}` writes its report again");
            return Err(Failure::Usage(error));
        }
        let mut manifest = plan.manifest.clone();
        let (started_at, kept) = (jiff::Timestamp::now().to_string(), self.records.len() as u32);
        let environment = plan.harness.environment.clone();
        // A part that recorded nothing is no part of the run.
        manifest.resumed.retain(|part| part.kept < kept);
        if kept == 0 {
            (manifest.started_at, manifest.environment) = (started_at, environment);
        } else {
            manifest.resumed.push(ResumedPart { started_at, environment, kept });
        }
        self.folder.go_on(&manifest)?;
        Ok(self.folder)
    }
}
