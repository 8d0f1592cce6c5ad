//! `pushlab doctor`: checks this machine and says how it affects a measurement.

mod exactness;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
    time::{Duration, Instant},
};

use clap::Args;
use contract::{Scenario, Selection};
use load_harness::{BrowserPrograms, Cores, NoBrowser, TargetFolder, fitting_subscribers};
use schedule::monotonic_ns;

use crate::{
    exit::Failure,
    middlebox::descriptors,
    say::{counted, say, table, table_text},
    scenarios::{self, Loaded},
};

/// Largest good excess over the delay of the middlebox, at the 99th percentile.
const GOOD_EXCESS: Duration = Duration::from_millis(1);
/// Largest good lateness of a sleep, at the 99th percentile.
const GOOD_LATENESS: Duration = Duration::from_millis(1);
const CLOCK_READS: u32 = 100_000;

/// Check this machine: what it can measure, and what to do about the rest.
///
/// Takes a few seconds. Close other programs first: they affect the checks as they affect a measurement. Exits
/// with 1 only if the lab cannot run on this machine.
#[derive(Debug, Args)]
pub(crate) struct DoctorArguments {
    /// Folder with the scenario files
    #[arg(long = "scenarios", value_name = "DIR", default_value = "scenarios")]
    folder: PathBuf,
}

/// The result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing to do.
    Good,
    /// The lab runs, but some measurements are worse or impossible.
    Warning,
    /// The lab cannot run.
    Broken,
}

impl State {
    const fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Warning => "warning",
            Self::Broken => "broken",
        }
    }

    const fn good_if(good: bool) -> Self {
        if good { Self::Good } else { Self::Warning }
    }
}

/// A check: its subject, its result, what it found, and what to do.
struct Check {
    what: &'static str,
    state: State,
    found: String,
    advice: String,
}

pub(crate) fn run(arguments: &DoctorArguments) -> Result<ExitCode, Failure> {
    let cores = Cores::of_this_machine();
    let scenarios = scenarios::all(&arguments.folder);
    let mut checks = vec![
        core_check(&cores),
        scenario_check(&scenarios, &arguments.folder),
        descriptor_check(&scenarios.unwrap_or_default()),
        timer_check(),
        clock_check(),
        loopback_check(),
        middlebox_check(),
        swap_check(),
    ];
    checks.extend(browser_checks(BrowserPrograms::find()));
    checks.extend(target_checks(&arguments.folder.join("targets")));

    let mut table = table(&["", "check", "found", "what it means, and what to do"]);
    for Check { what, state, found, advice } in &checks {
        table.add_row([state.word(), what, found, advice]);
    }
    say(table_text(&table));
    let count = |state| checks.iter().filter(|check| check.state == state).count();
    let (warnings, broken) = (count(State::Warning), count(State::Broken));
    if broken > 0 {
        say(format!("\nthe lab cannot run here: {broken} broken, {}", counted(warnings, "warning")));
        return Ok(ExitCode::from(1));
    }
    say(format!("\nthe lab can run here: {}", counted(warnings, "warning")));
    Ok(ExitCode::SUCCESS)
}

fn core_check(cores: &Cores) -> Check {
    let found = match (cores.server, cores.harness.as_slice(), cores.relay) {
        (Some(server), harness, relay) => format!(
            "{} allowed; server on core {server}, harness on {harness:?}, middlebox {}",
            cores.allowed,
            relay.map_or_else(|| "on any core".to_owned(), |core| format!("on core {core}")),
        ),
        (None, _, _) => format!("{} allowed; server, harness and middlebox share it", cores.allowed),
    };
    let advice = match cores.allowed {
        0 | 1 => "server and harness delay each other: ages are longer, CPU figures hold; use 2 cores",
        2..=4 => "enough; a middlebox takes time from server and harness, with 5 cores it would not",
        _ => "each has its own",
    };
    Check { what: "cores", state: State::good_if(cores.allowed > 1), found, advice: advice.to_owned() }
}

/// Whether every scenario of the folder can be read: a run without names reads all of them.
fn scenario_check(scenarios: &Result<Vec<Loaded>, Failure>, folder: &Path) -> Check {
    let (state, found, advice) = match scenarios {
        Ok(all) if all.is_empty() => {
            let found = format!("there are none in {}", folder.display());
            (State::Warning, found, "give their folder with --scenarios")
        }
        Ok(all) => (State::Good, format!("{} in {}", all.len(), folder.display()), "all can be read"),
        Err(failure) => {
            (State::Warning, failure.to_string(), "until this is corrected, only named scenarios can run")
        }
    };
    Check { what: "scenarios", state, found, advice: advice.to_owned() }
}

/// Subscribers that most scenarios need at least.
const FEWEST_SUBSCRIBERS: u32 = 200;

fn descriptor_check(scenarios: &[Loaded]) -> Check {
    let fitting = fitting_subscribers();
    let needs = |scenario: &Scenario| {
        let trials = scenario.trials(Selection::Everything);
        trials.iter().map(|plan| descriptors(&plan.settings)).max().unwrap_or(0)
    };
    let scenarios = scenarios.iter().map(|loaded| &loaded.scenario);
    let most = scenarios.map(|scenario| (needs(scenario), scenario.name.as_str())).max();
    let (needed, by) = most.unwrap_or((0, "none"));
    let found = format!("{fitting} subscribers fit, {} behind a middlebox", fitting / 2);
    let (state, advice) = if fitting < FEWEST_SUBSCRIBERS {
        (State::Broken, format!("fewer than {FEWEST_SUBSCRIBERS}: raise the limit with `ulimit -n 4096`"))
    } else if fitting < needed {
        let limit = needed + 200;
        (State::Warning, format!("the scenario {by} takes {needed}: raise it with `ulimit -n {limit}`"))
    } else {
        (State::Good, format!("enough; the largest scenario, {by}, takes {needed}"))
    };
    Check { what: "file descriptors", state, found, advice }
}

fn microseconds(time: Duration) -> String {
    format!("{:.0} µs", time.as_secs_f64() * 1e6)
}

fn timer_check() -> Check {
    let (median, tail) = exactness::sleeps();
    let good = tail <= GOOD_LATENESS;
    let advice = if good {
        "schedules can be kept"
    } else {
        "the publisher will be late, and every age contains its lateness: end other programs, or measure on \
         a machine that is not shared"
    };
    Check {
        what: "timers",
        state: State::good_if(good),
        found: format!("late by {}, p99 {}", microseconds(median), microseconds(tail)),
        advice: advice.to_owned(),
    }
}

fn clock_check() -> Check {
    let source = fs::read_to_string("/sys/devices/system/clocksource/clocksource0/current_clocksource");
    let source = source.map_or_else(|_| "unknown".to_owned(), |source| source.trim().to_owned());
    let (mut backwards, before) = (0, Instant::now());
    let mut last_ns = monotonic_ns();
    for _ in 0..CLOCK_READS {
        let now_ns = monotonic_ns();
        backwards += u32::from(now_ns < last_ns);
        last_ns = now_ns;
    }
    let each_ns = before.elapsed().as_nanos() as f64 / f64::from(CLOCK_READS);
    let (state, advice) = if backwards > 0 {
        (State::Broken, "the monotonic clock went backwards: no time measured here is meaningful")
    } else if each_ns > 500.0 {
        (State::Warning, "reading the clock is a system call, and every delivery pays for it: prefer tsc")
    } else {
        (State::Good, "it only goes forward, and reading it costs almost nothing")
    };
    let found = format!("{source}; {each_ns:.0} ns a read, {backwards} steps back");
    Check { what: "clock", state, found, advice: advice.to_owned() }
}

fn loopback_check() -> Check {
    match exactness::loopback() {
        Ok((median, tail)) => Check {
            what: "loopback",
            state: State::Good,
            found: format!("round trip {}, p99 {}", microseconds(median), microseconds(tail)),
            advice: "the round trip of a byte without any server: no age can be shorter than half of it"
                .to_owned(),
        },
        Err(error) => Check {
            what: "loopback",
            state: State::Broken,
            found: error.to_string(),
            advice: "every measurement uses 127.0.0.1: bring the interface lo up and allow its traffic"
                .to_owned(),
        },
    }
}

fn middlebox_check() -> Check {
    let (state, found, advice) = match exactness::middlebox() {
        Ok((median, tail)) => {
            let found = format!(
                "{} ms each way took {} more, p99 {}",
                exactness::ONE_WAY.as_millis(),
                microseconds(median),
                microseconds(tail)
            );
            if tail <= GOOD_EXCESS {
                (State::Good, found, "a scenario's round-trip time is exact within a millisecond")
            } else {
                let advice = "the network is slower than the scenarios say: end other programs; on two cores \
                              a busy server and harness delay the middlebox";
                (State::Warning, found, advice)
            }
        }
        Err(error) => (State::Broken, error.to_string(), "scenarios with [network] cannot be measured"),
    };
    Check { what: "middlebox", state, found, advice: advice.to_owned() }
}

fn swap_check() -> Check {
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib = |key: &str| {
        let line = memory.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
        line.trim().split(' ').next()?.parse::<u64>().ok()
    };
    let (state, found, advice) = match (kib("SwapTotal"), kib("SwapFree")) {
        (Some(0), _) => (State::Good, "none".to_owned(), "no memory page can be swapped out"),
        (Some(total), Some(free)) => {
            let found = format!("{} of {} MiB used", total.saturating_sub(free) / 1_024, total / 1_024);
            let advice = "a trial reports swapped pages; `swapoff -a` before measuring rules them out";
            (State::good_if(total == free), found, advice)
        }
        (None, _) | (_, None) => {
            (State::Warning, "not reported".to_owned(), "the lab does not notice swapping during a trial")
        }
    };
    Check { what: "swap", state, found, advice: advice.to_owned() }
}

/// The browser and its driver, as the harness finds them; if one is missing, only that one.
fn browser_checks(found: Result<BrowserPrograms, NoBrowser>) -> Vec<Check> {
    let missing = match found {
        Ok(programs) => {
            return vec![
                program_check("Chromium", &programs.chromium),
                program_check("ChromeDriver", &programs.chromedriver),
            ];
        }
        Err(missing) => missing,
    };
    let (what, remedy) = match &missing {
        NoBrowser::NotOnPath { what, .. } => (what, "`pushlab setup-browser` installs it"),
        NoBrowser::NoProgram { what, .. } => (what, "correct the variable, or unset it"),
    };
    let advice = format!("scenarios with [browser] are not run; {remedy}");
    vec![Check { what, state: State::Warning, found: missing.to_string(), advice }]
}

/// A program of the browser that was found.
fn program_check(what: &'static str, file: &Path) -> Check {
    let (state, found, advice) = match version(file) {
        Some(version) => (
            State::Good,
            format!("{}: {version}", file.display()),
            "scenarios with [browser] can be measured",
        ),
        None => (
            State::Warning,
            format!("{} does not report its version", file.display()),
            "it may not start here: run it by hand with --version and read its output",
        ),
    };
    Check { what, state, found, advice: advice.to_owned() }
}

/// The first line of a program's `--version`.
fn version(file: &Path) -> Option<String> {
    let output =
        Command::new(file).arg("--version").stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().next().unwrap_or_default().trim();
    // A commit in parentheses is of no use here.
    let line = line.split(" (").next().unwrap_or_default();
    (output.status.success() && !line.is_empty()).then(|| line.to_owned())
}

/// The other servers, from the folder beside the scenarios.
fn target_checks(folder: &Path) -> Vec<Check> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> =
        entries.map(|entry| entry.path()).filter(|path| path.join("target.toml").is_file()).collect();
    folders.sort();
    let check = |folder: &PathBuf| {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let (state, found, advice) = match TargetFolder::open(folder) {
            Ok(target) => match target.state {
                Ok(version) => (State::Good, format!("{name}: {version}"), "can be measured".to_owned()),
                // One line: `just peers` prints why it is missing, and what to do about it.
                Err(_) => {
                    let by =
                        if target.target.install.as_root { "`just peers` as root" } else { "`just peers`" };
                    (State::Warning, format!("{name}: not installed"), format!("{by} installs it"))
                }
            },
            Err(error) => (State::Warning, format!("{name}: its file has an error"), error.to_string()),
        };
        Check { what: "other server", state, found, advice }
    };
    folders.iter().map(check).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_not_there_is_a_warning_that_says_what_to_do() {
        let names = &["chromedriver"];
        let variable = "PUSHLAB_CHROMEDRIVER";
        let checks = browser_checks(Err(NoBrowser::NotOnPath { what: "ChromeDriver", names, variable }));
        assert_eq!((checks.len(), checks[0].what, checks[0].state), (1, "ChromeDriver", State::Warning));
        assert!(checks[0].found.contains(variable), "{}", checks[0].found);
        assert!(checks[0].advice.contains("pushlab setup-browser"), "{}", checks[0].advice);
    }
}
