//! Finding, checking and installing the other servers that scenarios name.

use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

use contract::{ServerName, TargetNote};
use load_harness::{TargetFolder, TrialSpec};

use crate::{
    exit::Failure,
    say::{print_warning, say},
    scenarios::Loaded,
};

/// The targets of a run, by name.
pub(crate) type Targets = BTreeMap<ServerName, Arc<TargetFolder>>;

/// Opens the targets that the scenarios name. With `install` it installs missing ones with their own commands.
/// If that fails the target stays missing, and its trials fail with the reason.
pub(crate) fn open(chosen: &[Loaded], install: bool) -> Result<Targets, Failure> {
    let mut targets = Targets::new();
    for loaded in chosen {
        let folder = loaded.folder.join("targets");
        for name in loaded.scenario.servers.iter().filter(|name| name.is_foreign()) {
            if targets.contains_key(name) {
                continue;
            }
            let own = folder.join(name.as_str());
            if !own.join("target.toml").is_file() {
                let known = known(&folder);
                return Err(Failure::Usage(anyhow::anyhow!(
                    "the scenario {} names the server `{name}`, but there is no {}; known servers: pushlab, \
                     floor{known}",
                    loaded.scenario.name,
                    own.join("target.toml").display(),
                )));
            }
            let mut target = TargetFolder::open(&own).map_err(Failure::usage)?;
            if install && let Err(error) = target.install(say) {
                print_warning(format!("pushlab: {error}"));
            }
            if let Err(problem) = &target.state {
                say(format!("not measured: {problem}"));
            }
            targets.insert(name.clone(), Arc::new(target));
        }
    }
    Ok(targets)
}

/// The targets as the manifest lists them.
pub(crate) fn notes(targets: &Targets) -> Vec<TargetNote> {
    let note = |(name, folder): (&ServerName, &Arc<TargetFolder>)| TargetNote {
        name: name.clone(),
        title: folder.target.title.clone(),
        version: folder.state.clone().ok(),
        problem: folder.state.clone().err(),
    };
    targets.iter().map(note).collect()
}

/// Refuses a schedule whose events the subscribers of a foreign server could not distinguish. Such events have
/// no sequence number, so their due must be unique, and a text must be a single line.
pub(crate) fn check(order: &TrialSpec) -> Result<(), Failure> {
    if !order.plan.settings.server.is_foreign() {
        return Ok(());
    }
    let (scenario, events) = (&order.scenario, order.schedule.events());
    if let Some(pair) = events.windows(2).find(|pair| pair[0].due_ns == pair[1].due_ns) {
        let at_ms = pair[0].due_ns as f64 * 1e-6;
        return Err(Failure::Usage(anyhow::anyhow!(
            "{scenario}: two events are due {at_ms} ms after the start, but events of other servers are \
             identified by their due: use steady or poisson arrivals or a ramp"
        )));
    }
    if order.schedule.published().lines.iter().any(|lines| *lines > 1) {
        return Err(Failure::Usage(anyhow::anyhow!(
            "{scenario}: a text has several lines, which other servers may take for several events"
        )));
    }
    Ok(())
}

/// The targets of a folder, for an error message.
fn known(folder: &Path) -> String {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter(|entry| entry.path().join("target.toml").is_file())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    names.into_iter().map(|name| format!(", {name}")).collect()
}
