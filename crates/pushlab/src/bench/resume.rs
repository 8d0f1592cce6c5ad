//! `bench --resume`: go on with a run that was interrupted.

use std::path::Path;

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
    refuse_contradictions(arguments, &manifest).map_err(Failure::Usage)?;
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

/// Refuses options that ask for another run than the one that was begun.
fn refuse_contradictions(arguments: &BenchArguments, manifest: &Manifest) -> Result<()> {
    let own: Vec<&str> = manifest.scenarios.iter().map(|scenario| scenario.name.as_str()).collect();
    if !arguments.scenarios.is_empty() {
        bail!(
            "the run goes on with its own scenarios ({}): leave out `{}`",
            own.join(", "),
            arguments.scenarios.join(" ")
        );
    }
    if let Some(blocks) = arguments.blocks
        && let Some((name, own)) = own.iter().zip(&manifest.blocks).find(|(_, own)| **own != blocks)
    {
        bail!(
            "the run has {} of {name}, and goes on with them: leave out --blocks {blocks}",
            counted(*own as usize, "block")
        );
    }
    if let Some(seed) = arguments.seed
        && seed != manifest.seed
    {
        bail!(
            "the run has seed {}, and another seed publishes other events: leave out --seed {seed}",
            manifest.seed
        );
    }
    Ok(())
}

/// The scenarios of the manifest, with the files that they replay. A manifest that does not name their files is of
/// a run whose scenarios are in the usual folder.
fn chosen(manifest: &Manifest, folder: &Path) -> Result<Vec<Loaded>, Failure> {
    let file = |at: usize, scenario: &Scenario| {
        let usual = || folder.join(format!("{}.toml", scenario.name));
        manifest.scenario_files.get(at).cloned().unwrap_or_else(usual)
    };
    let scenarios = manifest.scenarios.iter().enumerate();
    scenarios.map(|(at, scenario)| loaded(scenario, &file(at, scenario))).collect()
}

fn loaded(scenario: &Scenario, file: &Path) -> Result<Loaded, Failure> {
    let (name, shown) = (scenario.name.clone(), file.display());
    let today = scenarios::load(file).ok();
    if today.as_ref().is_none_or(|today| today.scenario != *scenario) {
        print_warning(format!(
            "pushlab: {shown} was changed or removed since the run began: the run goes on with the settings that \
             it began with"
        ));
    }
    let replay_csv = today.and_then(|today| today.replay_csv);
    if let (Arrivals::Replay { file: csv }, None) = (&scenario.events, &replay_csv) {
        return Err(Failure::Usage(anyhow!(
            "{name} replays {csv}, which the run does not keep: put it and {shown} back as they were"
        )));
    }
    let folder = file.parent().unwrap_or(Path::new("")).to_owned();
    Ok(Loaded { scenario: scenario.clone(), asked: name, replay_csv, folder })
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
