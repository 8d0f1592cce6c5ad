//! The shipped scenarios: each can be read and predicted and is in the README, and the default run takes
//! about as long as the README says.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use contract::{
    Arrivals, BrowserTask, Calibration, Limits, Pattern, Scenario, Selection, Transport, TrialPlan, Window,
};
use load_harness::{CalibrationKey, TrialSpec};
use model::Inputs;
use schedule::Schedule;

use crate::lab::Lab;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn shipped() -> Vec<Scenario> {
    let files = fs::read_dir(root().join("scenarios")).unwrap().map(|entry| entry.unwrap().path());
    let tomls = files.filter(|path| path.extension().is_some_and(|extension| extension == "toml"));
    tomls
        .filter(|path| !path.ends_with("claims.toml"))
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            Scenario::from_toml(path.to_str().unwrap(), &text).unwrap_or_else(|error| panic!("{error}"))
        })
        .collect()
}

fn schedule_of(plan: &TrialPlan) -> Schedule {
    let settings = &plan.settings;
    let csv = match &settings.events {
        Arrivals::Replay { file } => Some(fs::read_to_string(root().join("scenarios").join(file)).unwrap()),
        Arrivals::Steady { .. }
        | Arrivals::Poisson { .. }
        | Arrivals::Bursts { .. }
        | Arrivals::Ramp { .. }
        | Arrivals::Silence => None,
    };
    let length = settings.schedule_length();
    Schedule::build(&settings.events, csv.as_deref(), 1, length, settings.payload_bytes).unwrap()
}

/// The events that are due in a trial's window, and the window.
fn counted(plan: &TrialPlan, schedule: &Schedule) -> (usize, Window) {
    let start_ns = plan.settings.warm_up.as_nanos() as u64;
    let window = Window { start_ns, end_ns: start_ns + plan.settings.measure.as_nanos() as u64 };
    (schedule.events().iter().filter(|event| window.contains(event.due_ns)).count(), window)
}

#[test]
fn the_model_speaks_of_every_trial_of_every_scenario() {
    // The model does not predict scenarios with memory steps, which have holds of a practical length, nor
    // trials that a browser only observes.
    let is_predicted = |scenario: &Scenario| {
        let watches = scenario.browser.is_some_and(|browser| browser.task != BrowserTask::Ages);
        scenario.memory_steps.is_empty() && !watches
    };
    for scenario in shipped().into_iter().filter(is_predicted) {
        // Nor trials in which connections are ended, refused or held back, or some subscribers get no stream.
        let is_free = |plan: &TrialPlan| {
            let settings = &plan.settings;
            !settings.lacks_streams() && settings.network.is_none_or(|network| !network.is_obstacle())
        };
        let plans = [Selection::Everything, Selection::Default].map(|selection| scenario.trials(selection));
        for plan in plans.into_iter().flatten().filter(is_free) {
            let schedule = schedule_of(&plan);
            let (events, window) = counted(&plan, &schedule);
            let rate_hz = events as f64 / window.seconds();
            let params = plan.settings.params(plan.pattern, rate_hz, plan.settings.payload_bytes);
            let predicted = model::predict(
                plan.pattern,
                &Inputs {
                    params: &params,
                    arrivals: &plan.settings.events,
                    schedule: &schedule.published(),
                    window,
                    poll_phase: 0.3,
                    calibration: Calibration::default(),
                },
            );
            if let Err(reason) = predicted.replayed {
                panic!("{} with {} at {params:?}: {reason}", scenario.name, plan.pattern);
            }
        }
    }
}

/// A trial as the run will make it.
fn order_of(scenario: &Scenario, plan: TrialPlan) -> TrialSpec {
    let schedule = schedule_of(&plan);
    TrialSpec { poll_phase: 0.3, ..TrialSpec::new(&scenario.name, plan, schedule) }
}

#[test]
fn the_default_run_takes_about_four_minutes_and_compares_in_four_blocks() {
    let mut expected = Duration::ZERO;
    let mut calibrations: Vec<(Pattern, u32)> = Vec::new();
    for scenario in shipped() {
        let plans = scenario.trials(Selection::Default);
        let blocks = scenario.blocks(Selection::Default);
        let patterns = Pattern::ALL.map(|pattern| plans.iter().any(|plan| plan.pattern == pattern));
        if patterns.iter().filter(|has| **has).count() > 1 {
            // Bytes are counts: they are told apart without intervals.
            let compares_counts = scenario.primary == "bytes_per_event";
            assert!(
                blocks >= 4 || compares_counts,
                "{} compares patterns, and has no intervals",
                scenario.name
            );
            assert_eq!(patterns, [true; 4], "{} leaves a pattern out", scenario.name);
        }
        for plan in plans {
            let settings = &plan.settings;
            let schedule = schedule_of(&plan);
            let (events, _) = counted(&plan, &schedule);
            assert!(events > 0, "{}: no event in the window", scenario.name);
            // By the end of the warm-up every subscriber has polled, and the window holds whole intervals.
            if plan.pattern.is_timed() {
                let (interval, window) = (settings.poll_interval.as_millis(), settings.measure.as_millis());
                assert!(settings.poll_interval <= settings.warm_up, "{}: {plan:?}", scenario.name);
                assert_eq!(window % interval, 0, "{}: parts of {interval} ms", scenario.name);
            }
            let key = (plan.pattern, settings.subscribers);
            if !calibrations.contains(&key) {
                calibrations.push(key);
            }
            expected += order_of(&scenario, plan).expected_length() * blocks;
        }
    }
    // One calibration for each pattern and number of subscribers.
    for (pattern, subscribers) in calibrations {
        let key = CalibrationKey { pattern, transport: Transport::Http1, has_relay: false, subscribers };
        expected += load_harness::calibration_spec(key, &[], 1).unwrap().expected_length();
    }
    let seconds = expected.as_secs();
    assert!((225..=265).contains(&seconds), "{seconds} s are not about four minutes");
}

/// A claim names scenarios, patterns, swept values and quantities; all of them must exist.
#[test]
fn the_shipped_claims_fit_the_scenarios() {
    let text = fs::read(root().join("scenarios/claims.toml")).unwrap();
    let claims = report::read_claims("claims.toml", &text).unwrap_or_else(|error| panic!("{error}"));
    assert!(claims.len() >= 66, "{} claims", claims.len());
    report::check_claims(&claims, &shipped()).unwrap_or_else(|error| panic!("{error}"));
}

/// The example is for copying: it must be readable, and its limits must be the defaults, as it says.
#[test]
fn the_readmes_example_of_thresholds_and_limits_holds() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let example = readme.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let head = "name = \"x\"\nquestion = \"x\"\nsetting = \"x\"\nlook_at = \"x\"\nsubscribers = 1\nmeasure = \"15s\"\n";
    let events = "\n[events]\narrivals = \"steady\"\nrate_hz = 2.0\n";
    let scenario = Scenario::from_toml("x.toml", &format!("{head}{example}{events}")).unwrap();
    assert_eq!(scenario.limits, Limits::default());
    assert_eq!((scenario.blocks, scenario.thresholds.len()), (5, 4));
    report::check_thresholds(&scenario).unwrap();
}

/// The example of a network must be readable too, and must have every key.
#[test]
fn the_readmes_example_of_a_network_holds() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let example = readme.split("```toml\n").find(|block| block.starts_with("[network]")).unwrap();
    let example = example.split("```").next().unwrap();
    let head = "name = \"x\"\nquestion = \"x\"\nsetting = \"x\"\nlook_at = \"x\"\nsubscribers = 1\nmeasure = \"15s\"\n";
    let events = "\n[events]\narrivals = \"steady\"\nrate_hz = 2.0\n";
    let scenario = Scenario::from_toml("x.toml", &format!("{head}{events}{example}")).unwrap();
    let network = serde_json::to_value(scenario.network.unwrap()).unwrap();
    // `cut_after_bytes` is in a comment, as the other way to cut.
    assert_eq!(network.as_object().unwrap().len(), 9, "{network}");
}

#[test]
fn the_readme_lists_every_scenario_with_its_question() {
    let (readme, folder) = (fs::read_to_string(root().join("README.md")).unwrap(), root().join("scenarios"));
    let listed = Lab::new().run(&["bench", "--list", "--scenarios", folder.to_str().unwrap()]).exits(0);
    for scenario in shipped() {
        // The list breaks long questions, so the question comes from the file.
        let takes = listed.stdout.lines().find_map(|line| {
            let mut words = line.split_whitespace();
            let takes = (words.next()? == scenario.name).then(|| words.next())??;
            takes.contains(':').then_some(takes)
        });
        let takes = takes.unwrap_or_else(|| panic!("{} is missing in {}", scenario.name, listed.stdout));
        let row =
            format!("| [{0}](scenarios/{0}.toml) | {takes} | {1} |\n", scenario.name, scenario.question);
        assert!(readme.contains(&row), "{row} is missing in the README");
    }
    assert_eq!(readme.matches(".toml) | ").count(), shipped().len(), "a row without a scenario");
}

/// The report and the README explain the same words in the same way: both have them from one file.
#[test]
fn the_readmes_glossary_is_the_reports() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let section = readme.split("\n## Glossary\n\n").nth(1).unwrap().split("\n## ").next().unwrap();
    assert_eq!(section, report::glossary_table(), "copy crates/report/glossary.toml's terms to the README");
}
