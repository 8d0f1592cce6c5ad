//! `pushlab bench`: calibrate, run every trial, write the report.

mod choice;
mod list;
mod resume;
mod steps;
mod trials;

use std::{env, path::PathBuf, process::ExitCode, sync::atomic::AtomicBool};

use anyhow::{Context, Result, bail};
use choice::Choice;
use clap::Args;
use contract::{BrowserTask, Manifest, Pattern, PublishedSchedule, RECORD_SCHEMA, Selection};
use load_harness::{
    CalibrationKey, Cores, Harness, TrialSpec, calibration_spec, ensure_descriptors, environment,
    fitting_subscribers, raise_descriptor_limit,
};
use report::Verdict;
use steps::Steps;
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    checkout,
    exit::Failure,
    results::{self, ResultsFolder},
    say::{counted, findings_text, print_warning, say},
    scenarios::{self, Loaded},
    targets,
};

/// Run scenarios over real sockets and write a report.
///
/// Without a scenario this is the default run, which takes about four minutes. It compares the four patterns
/// for frequent events in four blocks of short trials, with 95 % intervals. In one block each it compares them
/// for rare events, and two designs of the server. A named scenario runs as many blocks as its file says, five
/// by default. A block runs every trial once, in random order; the intervals are taken over the blocks.
///
/// Exit codes: 0 passed, 1 an error or a failed trial (all trials of a server that is not installed fail; the
/// report shows all others), 2 wrong usage, 3 a threshold failed, 4 the numbers cannot be trusted (the report
/// says why), 5 with --strict: the intervals leave a threshold open, 130 interrupted by Ctrl-C, 143 ended by
/// SIGTERM (the report then shows the trials that were complete). If several apply, the first of 1, 4, 3, 5.
#[derive(Debug, Args)]
pub(crate) struct BenchArguments {
    /// Scenarios, by name or by the path of a TOML file
    #[arg(value_name = "SCENARIO", conflicts_with = "all")]
    pub(crate) scenarios: Vec<String>,
    /// Every scenario of the lab's own servers, every pattern, every swept value; for scenarios with other
    /// servers see `just peers`
    #[arg(long)]
    pub(crate) all: bool,
    /// The scenarios that these claims of `claims.toml` need: ids such as K03,K09, or `all` for every claim
    #[arg(
        long,
        value_name = "IDS",
        value_delimiter = ',',
        conflicts_with_all = ["scenarios", "all", "list", "resume", "default_part"]
    )]
    pub(crate) claims: Vec<String>,
    /// List the scenarios with their questions and how long each takes, and measure nothing
    #[arg(long)]
    pub(crate) list: bool,
    /// Go on with an interrupted run: the folder of its results. Finished trials are kept; the scenarios, blocks and
    /// seed are those of the run
    #[arg(
        long,
        value_name = "DIR",
        conflicts_with_all = ["all", "list", "default_part", "folder", "results"]
    )]
    resume: Option<PathBuf>,
    /// Print what would be measured and how long it takes, and measure nothing
    #[arg(long, conflicts_with_all = ["list", "install_targets"])]
    plan: bool,
    /// Run only the part of the named scenarios that the default run takes: its patterns, swept values and
    /// blocks
    #[arg(long, requires = "scenarios", conflicts_with = "all")]
    pub(crate) default_part: bool,
    /// Number of blocks, instead of the scenarios' own; an interval needs four
    #[arg(long, value_name = "BLOCKS", value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) blocks: Option<u32>,
    /// Exit with 5 if an interval leaves a threshold open
    #[arg(long)]
    strict: bool,
    /// Stop at the first trial that fails or is invalid, and as soon as a threshold has failed: by its
    /// interval, or by its value alone if the scenario has no more blocks to run
    #[arg(long)]
    pub(crate) fail_fast: bool,
    /// First install the other servers that the scenarios name and that are missing, with the commands of
    /// their target files; prints each command before running it
    #[arg(long)]
    pub(crate) install_targets: bool,
    /// Seed of schedules, payloads, poll phases and the order of trials; the same seed publishes the
    /// same events [default: 1]
    #[arg(long)]
    seed: Option<u64>,
    /// Folder with the scenario files
    #[arg(long = "scenarios", value_name = "DIR", default_value = "scenarios")]
    pub(crate) folder: PathBuf,
    /// Folder for the results
    #[arg(long, value_name = "DIR", default_value = "results")]
    results: PathBuf,
}

impl BenchArguments {
    fn seed(&self) -> u64 {
        self.seed.unwrap_or(1)
    }
}

pub(crate) fn run(arguments: &BenchArguments) -> Result<ExitCode, Failure> {
    if arguments.list {
        say(list::scenarios_table(arguments)?);
        return Ok(ExitCode::SUCCESS);
    }
    let (plan, interrupted) = match &arguments.resume {
        Some(folder) => {
            let (plan, interrupted) = resume::read(folder, arguments)?;
            (plan, Some(interrupted))
        }
        None => (Plan::make(arguments)?, None),
    };
    // They are refused before anything is measured. A run that goes on has its own.
    let claims = if interrupted.is_none() { scenarios::claims(&arguments.folder)? } else { None };
    let kept = interrupted.as_ref().map_or_else(Vec::new, |interrupted| interrupted.records.clone());
    let mut steps = Steps::of(&plan);
    steps.play_back(kept)?;
    if arguments.plan {
        say(list::plan(&plan, &steps));
        return Ok(ExitCode::SUCCESS);
    }
    let folder = match interrupted {
        Some(interrupted) => interrupted.go_on(&plan, &steps)?,
        None => {
            let folder = ResultsFolder::create(&arguments.results, &plan.manifest)?;
            if let Some((text, _)) = &claims {
                folder.add_claims(text)?;
            }
            folder
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (folder, ending) = runtime.block_on(plan.carry_out(steps, folder, arguments))?;
    // Worker threads of an interrupted trial end by themselves; the program does not wait for them.
    runtime.shutdown_background();

    let run = results::read(&folder)?;
    let findings = report::findings(&run);
    let files = report::render(&findings);
    results::write_report(&folder, &files)?;
    say(format!("\n{}", findings_text(&findings)));
    say(results::pages_text(&folder, &files));
    if let Err(error) = results::point_latest(&folder) {
        // The results are complete without it.
        print_warning(format!("pushlab: {error:#}"));
    }
    Ok(match ending {
        Ending::Interrupted(code) => {
            say(format!(
                "interrupted: the report holds the trials that were complete; `pushlab bench --resume {}` measures \
                 the others",
                folder.display()
            ));
            ExitCode::from(code)
        }
        Ending::Complete => code(findings.verdict, arguments),
    })
}

/// The verdict as an exit code.
fn code(verdict: Verdict, arguments: &BenchArguments) -> ExitCode {
    match verdict {
        // A run that ended by itself is incomplete only if something failed. Trials that were not run because
        // a program is missing do not change the verdict, unless no trial was run at all: that is a failure.
        Verdict::Failed | Verdict::Interrupted => ExitCode::from(1),
        Verdict::Invalid => ExitCode::from(Failure::INVALID),
        Verdict::ThresholdFailed => ExitCode::from(Failure::THRESHOLD),
        Verdict::Inconclusive if arguments.strict => ExitCode::from(Failure::INCONCLUSIVE),
        Verdict::Inconclusive => ExitCode::SUCCESS,
        Verdict::Passed => ExitCode::SUCCESS,
    }
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// By itself: all trials ran, or `--fail-fast` stopped it.
    Complete,
    /// By a signal; the exit code is the one that shells use.
    Interrupted(u8),
}

/// Everything that is decided before anything starts.
struct Plan {
    manifest: Manifest,
    harness: Harness,
    orders: Vec<TrialSpec>,
    calibrations: Vec<TrialSpec>,
}

impl Plan {
    fn make(arguments: &BenchArguments) -> Result<Self, Failure> {
        let Choice { chosen, selection, name } = Choice::make(arguments)?;
        let blocks: Vec<u32> = chosen
            .iter()
            .map(|loaded| arguments.blocks.unwrap_or_else(|| loaded.scenario.blocks(selection)))
            .collect();
        let orders = orders(&chosen, selection, arguments.seed(), &blocks)?;
        let harness = harness(&chosen, arguments.seed(), arguments.install_targets)?;
        let alone = |loaded: &Loaded| choice::command(arguments, selection, &[&loaded.asked]);
        Ok(Self {
            manifest: Manifest {
                schema: RECORD_SCHEMA,
                name,
                command: choice::command(arguments, selection, &arguments.scenarios),
                seed: arguments.seed(),
                started_at: jiff::Timestamp::now().to_string(),
                environment: harness.environment.clone(),
                trials_planned: orders.len() as u32,
                blocks,
                commands: chosen.iter().map(alone).collect(),
                scenario_files: chosen.iter().map(Loaded::file).collect(),
                scenarios: chosen.into_iter().map(|loaded| loaded.scenario).collect(),
                schedules: schedules(&orders),
                targets: targets::notes(&harness.targets),
                selection: Some(selection),
                resumed: Vec::new(),
            },
            harness,
            calibrations: calibrations_for(&orders, arguments.seed())?,
            orders,
        })
    }

    /// Runs the trials that are left; each record is on the disk before the next trial begins.
    async fn carry_out(
        &self,
        steps: Steps<'_>,
        mut folder: ResultsFolder,
        arguments: &BenchArguments,
    ) -> Result<(PathBuf, Ending), Failure> {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let path = folder.path().to_owned();
        let trials = self.run_all(steps, &mut folder, arguments);
        let ending = tokio::select! {
            outcome = trials => {
                outcome?;
                Ending::Complete
            }
            // Dropping the trial kills its server and lets its workers end.
            _ = interrupt.recv() => Ending::Interrupted(Failure::INTERRUPTED),
            _ = terminate.recv() => Ending::Interrupted(Failure::TERMINATED),
        };
        Ok((path, ending))
    }

    /// The number of trials and blocks that are left, in words.
    fn size(&self, steps: &Steps<'_>) -> String {
        let blocks = &self.manifest.blocks;
        let (fewest, most) = (blocks.iter().min().copied(), blocks.iter().max().copied());
        let blocks = match (fewest.unwrap_or(0), most.unwrap_or(0)) {
            (1, 1) => "one block".to_owned(),
            (fewest, most) if fewest == most => counted(most as usize, "block"),
            (fewest, most) => format!("{fewest} to {most} blocks"),
        };
        let left = steps.left();
        let planned = self.orders.len() + self.calibrations.len();
        let calibrations = left.iter().filter(|order| order.block == 0).count();
        let trials = left.len() - calibrations;
        if left.len() < planned {
            let kept = planned - left.len();
            return format!("{} of {planned} left, {kept} kept", counted(left.len(), "trial"));
        }
        format!("{} in {blocks}, after {}", counted(trials, "trial"), counted(calibrations, "calibration"))
    }
}

/// The trials of these scenarios, in the order of the run.
fn orders(
    chosen: &[Loaded],
    selection: Selection,
    seed: u64,
    blocks: &[u32],
) -> Result<Vec<TrialSpec>, Failure> {
    let fitting = fitting_subscribers();
    let mut orders = Vec::new();
    for (loaded, blocks) in chosen.iter().zip(blocks) {
        for mut order in loaded.blocks(selection, seed, *blocks)? {
            let is_relayed = order.plan.settings.network.is_some();
            order.cut_memory_steps(if is_relayed { fitting / 2 } else { fitting });
            targets::check(&order)?;
            orders.push(order);
        }
    }
    check_descriptors(&orders, fitting)?;
    Ok(orders)
}

/// The schedules of these trials, each once.
fn schedules(orders: &[TrialSpec]) -> Vec<PublishedSchedule> {
    let mut schedules: Vec<PublishedSchedule> = Vec::new();
    for order in orders {
        if schedules.iter().all(|known| known.hash != order.schedule.hash()) {
            schedules.push(order.schedule.published());
        }
    }
    schedules
}

/// What runs the trials of these scenarios on this machine.
fn harness(chosen: &[Loaded], seed: u64, install_targets: bool) -> Result<Harness, Failure> {
    let cores = Cores::of_this_machine();
    let commit = checkout::commit(&chosen.iter().flat_map(Loaded::files).collect::<Vec<_>>());
    Ok(Harness {
        server_program: own_program()?,
        environment: environment(&cores, commit),
        cores,
        seed,
        targets: targets::open(chosen, install_targets)?,
        has_climbed: AtomicBool::new(false),
    })
}

/// The program that serves and relays: this one, as it runs now. Its file may be rebuilt or deleted during the
/// run, and later trials would then start another build.
///
/// # Errors
/// If the system does not report where the program is.
fn own_program() -> Result<PathBuf> {
    if cfg!(target_os = "linux") {
        // Until its `exec` a child runs the image of its parent, and the link leads to that image, even if the
        // file was replaced or deleted (proc(5)).
        return Ok(PathBuf::from("/proc/self/exe"));
    }
    env::current_exe().context("cannot find this program's own file, which starts the servers")
}

/// Refuses trials for which this machine has too few file descriptors.
fn check_descriptors(orders: &[TrialSpec], fitting: u32) -> Result<()> {
    let most =
        |of: &mut dyn Iterator<Item = &TrialSpec>| of.map(|order| order.plan.settings.subscribers).max();
    ensure_descriptors(most(&mut orders.iter()).unwrap_or(0))?;
    let is_relayed = |order: &&TrialSpec| order.plan.settings.network.is_some();
    let Some(relayed) = most(&mut orders.iter().filter(is_relayed)) else { return Ok(()) };
    if relayed > fitting / 2 {
        let allowed = raise_descriptor_limit();
        // Descriptors that a process needs besides those of its subscribers.
        let spare = allowed.saturating_sub(u64::from(fitting));
        let needed = 2 * u64::from(relayed) + spare;
        bail!(
            "{} behind a middlebox, which holds both ends of each connection, need {needed} \
             file descriptors, but a process may open {allowed}: raise the limit (`ulimit -n {needed}`), or \
             use at most {} subscribers",
            counted(relayed as usize, "subscriber"),
            fitting / 2
        );
    }
    Ok(())
}

/// Whether a trial's numbers are predicted and so need a calibration. A trial whose browser only observes has
/// no predictions.
fn is_calibrated(order: &TrialSpec) -> bool {
    order.plan.settings.browser.is_none_or(|browser| browser.task == BrowserTask::Ages)
}

/// The calibrations that the trials need, ordered by pattern.
fn calibrations_for(orders: &[TrialSpec], seed: u64) -> Result<Vec<TrialSpec>> {
    let mut trials_by_key: Vec<(CalibrationKey, Vec<&TrialSpec>)> = Vec::new();
    for pattern in Pattern::ALL {
        for order in orders.iter().filter(|order| order.plan.pattern == pattern && is_calibrated(order)) {
            let key = CalibrationKey::of(&order.plan);
            match trials_by_key.iter_mut().find(|(known, _)| *known == key) {
                Some((_, trials)) => trials.push(order),
                None => trials_by_key.push((key, vec![order])),
            }
        }
    }
    let calibrations =
        trials_by_key.into_iter().map(|(key, trials)| Ok(calibration_spec(key, &trials, seed)?));
    calibrations.collect()
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use contract::TrialPlan;

    use super::*;
    use crate::{Arguments, Command};

    /// Relative to the folder of this crate, where its tests run.
    const SCENARIOS: &str = "../../scenarios";

    /// A plan from the arguments of `just bench`.
    fn plan(words: &[&str]) -> Plan {
        let words = ["pushlab", "bench"].into_iter().chain(words.iter().copied());
        let arguments = Arguments::try_parse_from(words).expect("a command line");
        let Command::Bench(arguments) = arguments.command else { panic!("no bench") };
        Plan::make(&arguments).expect("a plan")
    }

    /// The plan of a command that a report shows.
    fn plan_of(command: &str) -> Plan {
        let words: Vec<&str> = command.strip_prefix("just bench ").expect("a command").split(' ').collect();
        plan(&words)
    }

    /// Everything that determines what a trial measures.
    fn measured<'a>(orders: impl Iterator<Item = &'a TrialSpec>) -> Vec<(&'a TrialPlan, String, u32, f64)> {
        orders
            .map(|order| (&order.plan, order.schedule.hash().to_owned(), order.block, order.poll_phase))
            .collect()
    }

    #[test]
    fn the_commands_shown_plan_the_same_trials() {
        for (words, fewest) in [
            (&["--seed", "7"][..], 3),
            (&["--seed", "1", "--blocks", "2"], 3),
            (&["bursts", "idle-timeout", "--seed", "3"], 2),
            (&["stock-ticker", "--default-part", "--blocks", "4", "--fail-fast"], 1),
        ] {
            let words: Vec<&str> = words.iter().copied().chain(["--scenarios", SCENARIOS]).collect();
            let whole = plan(&words);
            let again = plan_of(&whole.manifest.command);
            assert_eq!(measured(again.orders.iter()), measured(whole.orders.iter()), "{words:?}");
            assert_eq!(again.manifest.blocks, whole.manifest.blocks);
            let scenarios = whole.manifest.scenarios.iter().zip(&whole.manifest.blocks);
            assert!(scenarios.len() >= fewest, "{words:?}");
            for ((scenario, blocks), command) in scenarios.zip(&whole.manifest.commands) {
                let alone = plan_of(command);
                let part = whole.orders.iter().filter(|order| order.scenario == scenario.name);
                assert_eq!(measured(alone.orders.iter()), measured(part), "{command}");
                assert_eq!(alone.manifest.blocks, [*blocks], "{command}");
                assert_eq!(alone.manifest.scenarios, std::slice::from_ref(scenario), "{command}");
                assert_eq!(&alone.manifest.command, command, "it names itself");
            }
        }
    }

    #[test]
    fn the_default_part_of_a_scenario_is_less_than_the_whole() {
        let of = |words: &[&str]| {
            let words: Vec<&str> = words.iter().copied().chain(["--scenarios", SCENARIOS]).collect();
            plan(&words).orders.len()
        };
        assert!(of(&["notifications", "--default-part"]) < of(&["notifications"]));
    }
}
