//! `bench --resume` and `bench --plan`: a run that was cut off goes on as if it had not been.

use std::{
    fs::{self, File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    thread::sleep,
    time::Instant,
};

use contract::{Outcome, TrialRecord};

use crate::lab::{
    self, Lab, files, manifest,
    process::{Running, children_of, is_running},
    read, records, summary, until,
};

/// A run of six trials after two calibrations.
const BLOCKS: [(&str, &str); 5] = [
    ("patterns", r#"["short-polling", "sse"]"#),
    ("blocks", "3"),
    ("measure", "\"500ms\""),
    ("drain", "\"5s\""),
    (
        "[limits]",
        "added_age = \"10s\"\nharness_cpu = 1.0\nswapped_pages = 1000000\ntail_samples = 0\nrepeats = 0",
    ),
];

/// What an interruption must not change, in the order of the run.
fn plan_of(run: &Path) -> Vec<(u32, String, String, u32, u32, String, u64)> {
    let counted = |record: &TrialRecord| {
        let Outcome::Completed { measurements } = &record.outcome else { panic!("{record:?}") };
        (
            record.order,
            record.scenario.clone(),
            record.pattern.to_string(),
            record.block,
            record.attempt,
            record.schedule_hash.clone(),
            measurements.delivery.expected,
        )
    };
    let mut found: Vec<_> = records(run).iter().map(counted).collect();
    found.sort();
    found
}

#[test]
fn a_run_killed_at_any_instant_goes_on_to_the_same_counts() {
    let whole = Lab::new();
    whole.scenario("blocks", &BLOCKS);
    let begun = Instant::now();
    whole.run(&["bench", "blocks"]).exits(0);
    let (took, uninterrupted) = (begun.elapsed(), plan_of(&whole.only_run()));
    let counts = |run: &Path| {
        let summary = summary(run);
        let points = summary["points"].as_array().unwrap();
        let delivery: Vec<_> = points.iter().map(|point| point["delivery"].clone()).collect();
        (summary["run"]["trials_completed"].clone(), summary["run"]["verdict"].clone(), delivery)
    };
    let expected = counts(&whole.only_run());
    for instant in 0..10_u32 {
        // Spread over the run by the golden ratio, so that all its phases are met.
        let share = (f64::from(instant) * 0.618_034 + 0.05).fract() * 0.95;
        let lab = Lab::new();
        lab.scenario("blocks", &BLOCKS);
        let bench = Running::start(lab.command(&["bench", "blocks"]));
        let pid = bench.pid();
        let run = lab.run_with_manifest();
        sleep(took.mul_f64(share));
        let servers = children_of(pid, "serve");
        bench.kill();
        until("the end of the servers", || servers.iter().all(|server| !is_running(*server)).then_some(()));
        let kept = fs::read(run.join("records.jsonl")).unwrap().iter().filter(|byte| **byte == b'\n').count();
        let resumed = lab.run(&["bench", "--resume", run.to_str().unwrap()]);
        if resumed.code == Some(2) {
            // The kill came after the last trial.
            assert!(resumed.stderr.contains("is complete"), "{resumed:?}");
            lab.run(&["report", run.to_str().unwrap()]).exits(0);
        } else {
            assert_eq!(resumed.code, Some(0), "{resumed:?}");
            // A part without a record is none.
            let resumed = manifest(&run).resumed;
            assert_eq!(
                resumed.iter().map(|part| part.kept as usize).collect::<Vec<_>>(),
                match kept {
                    0 => vec![],
                    kept => vec![kept],
                }
            );
            assert_eq!(read(&run.join("report.md")).contains("measured in 2 parts"), kept > 0);
        }
        assert_eq!(plan_of(&run), uninterrupted, "killed after {share:.2} of the run");
        assert_eq!(counts(&run), expected, "killed after {share:.2} of the run");
    }
}

/// A run that was interrupted before its last two records.
fn interrupted(lab: &Lab) -> PathBuf {
    lab.scenario("blocks", &BLOCKS);
    lab.run(&["bench", "blocks"]).exits(0);
    let run = lab.only_run();
    let text = read(&run.join("records.jsonl"));
    let kept: Vec<&str> = text.lines().take(6).collect();
    fs::write(run.join("records.jsonl"), kept.join("\n") + "\n").unwrap();
    run
}

#[test]
fn what_cannot_be_resumed_is_an_error_and_loses_nothing() {
    let lab = Lab::new();
    let run = interrupted(&lab);
    let (path, records) = (run.to_str().unwrap().to_owned(), run.join("records.jsonl"));
    let manifest = read(&run.join("manifest.json"));
    let before = read(&records);
    let refused = |code: i32, words: &[&str]| {
        lab.run(&["bench", "--resume", &path]).exits(code).complains(words);
        assert_eq!(read(&records), before);
    };
    for (arguments, words) in [
        (&["blocks"][..], "goes on with its own scenarios (blocks): leave out `blocks`"),
        (&["--blocks", "2"], "the run has 3 blocks of blocks, and goes on with them: leave out --blocks 2"),
        (&["--seed", "2"], "the run has seed 1, and another seed publishes other events: leave out --seed 2"),
    ] {
        let arguments = [&["bench", "--resume", &path], arguments].concat();
        lab.run(&arguments).exits(2).complains(&[words]);
        assert_eq!(read(&records), before);
    }
    for arguments in [
        &["bench", "--resume", &path, "--all"][..],
        &["bench", "--resume", &path, "--scenarios", "elsewhere"],
        &["bench", "--resume", &path, "--results", "elsewhere"],
    ] {
        lab.run(arguments).exits(2).complains(&["cannot be used with"]);
    }
    lab.run(&["bench", "--resume", "nowhere"]).exits(1).complains(&["is nowhere the folder of a run?"]);
    lab.write("manifest.json", "{}");
    lab.run(&["bench", "--resume", "."])
        .exits(1)
        .complains(&["records.jsonl cannot be opened", "folder of a run?"]);
    assert!(!lab.path("records.jsonl").exists(), "nothing is written to a folder that is none of a run");

    let lock = OpenOptions::new().append(true).open(&records).unwrap();
    lock.lock().unwrap();
    refused(1, &["is being written by another pushlab", "wait for its end"]);
    drop(lock);

    for (from, to, words) in [
        (
            &format!("{{\"schema\":{}", contract::RECORD_SCHEMA)[..],
            "{\"schema\":1",
            "schema 1 cannot be read",
        ),
        ("\"selection\":\"everything\"", "\"selection\":null", "measured by a version that could not resume"),
        ("\"trials_planned\":6", "\"trials_planned\":7", "plans 7 trials, but its scenarios give 6 trials"),
        ("\"seed\":1", "\"seed\":2", "its manifest has no schedule "),
    ] {
        assert!(manifest.contains(from), "{from}");
        fs::write(run.join("manifest.json"), manifest.replacen(from, to, 1)).unwrap();
        refused(1, &[words]);
    }
    fs::write(run.join("manifest.json"), &manifest).unwrap();

    let swapped = before.replacen("\"block\":1", "\"block\":2", 1);
    fs::write(&records, &swapped).unwrap();
    lab.run(&["bench", "--resume", &path]).exits(1).complains(&["record 2 ", "should be block 1, attempt 1"]);
    assert_eq!(read(&records), swapped);

    fs::write(&records, &before).unwrap();
    let said = lab.run(&["bench", "--resume", &path]).exits(0).stdout;
    assert!(said.contains("2 trials of 8 left, 6 kept: about 0:"), "{said}");
    lab.run(&["bench", "--resume", &path]).exits(2).complains(&["is complete", "pushlab report"]);
}

#[test]
fn a_record_cut_short_is_measured_again_and_a_changed_scenario_is_not_used() {
    let lab = Lab::new();
    let run = interrupted(&lab);
    let path = run.to_str().unwrap();
    File::options()
        .append(true)
        .open(run.join("records.jsonl"))
        .unwrap()
        .write_all("{\"é".as_bytes())
        .unwrap();
    // A record in the middle is lost as well.
    let text = read(&run.join("records.jsonl"));
    let lost: Vec<&str> =
        text.lines().enumerate().filter(|(line, _)| *line != 3).map(|(_, text)| text).collect();
    fs::write(run.join("records.jsonl"), lost.join("\n")).unwrap();
    lab.scenario("blocks", &[&BLOCKS[..], &[("subscribers", "3")]].concat());
    let before = fs::read(run.join("records.jsonl")).unwrap();
    let plan = lab.run(&["bench", "--resume", path, "--plan"]).exits(0);
    assert!(plan.stdout.contains("3 trials of 8 left, 5 kept"), "{}", plan.stdout);
    assert_eq!(fs::read(run.join("records.jsonl")).unwrap(), before, "a plan writes nothing");
    let resumed = lab.run(&["bench", "--resume", "results/latest"]).exits(0);
    let link = fs::read_link(lab.path("results/latest")).unwrap();
    assert_eq!(Some(link.as_os_str()), run.file_name(), "the link still points to the run");
    let resumed =
        resumed.complains(&["line 6 of records.jsonl is cut short", "counts as not run, and runs again"]);
    assert!(
        resumed.stderr.contains("scenarios/blocks.toml was changed or removed since the run began"),
        "{}",
        resumed.stderr
    );
    let found = records(&run);
    let mut orders: Vec<u32> = found.iter().map(|record| record.order).collect();
    orders.sort_unstable();
    assert_eq!(orders, (0..8).collect::<Vec<_>>());
    assert!(found.iter().all(|record| record.params.subscribers == 2 || record.block == 0), "{found:?}");
}

/// No trial keeps these limits, so each has two attempts, the second at the end of its block.
#[test]
fn a_run_cut_between_two_attempts_goes_on_with_the_same_attempts() {
    let lab = Lab::new();
    let limits =
        "added_age = \"0s\"\nadded_age_share = 0.0\nrepeats = 1\nharness_cpu = 1.0\ntail_samples = 0";
    lab.scenario("twice", &[&BLOCKS[..], &[("blocks", "2"), ("[limits]", limits)]].concat());
    lab.run(&["bench", "twice"]).exits(4);
    let run = lab.only_run();
    let (whole, text) = (plan_of(&run), read(&run.join("records.jsonl")));
    let lines: Vec<&str> = text.lines().collect();
    let attempts = |block: u32| -> Vec<u32> {
        whole.iter().filter(|trial| trial.3 == block).map(|trial| trial.4).collect()
    };
    assert_eq!((attempts(1), attempts(2)), (vec![1, 1, 2, 2], vec![1, 1, 2, 2]));
    let keep = |count: usize| {
        let kept: String = lines[..count].iter().map(|line| format!("{line}\n")).collect();
        fs::write(run.join("records.jsonl"), kept).unwrap();
    };
    let path = run.to_str().unwrap();
    // Its plan fits wherever it was cut.
    for count in 0..lines.len() {
        keep(count);
        lab.run(&["bench", "--resume", path, "--plan"]).exits(0);
    }
    // Between the attempts of block 1, and before the last attempt of the run.
    for count in [lines.len() - 6, lines.len() - 1] {
        keep(count);
        lab.run(&["bench", "--resume", path]).exits(4);
        assert_eq!(plan_of(&run), whole, "cut after {count} records");
        let orders: Vec<u32> = records(&run).iter().map(|record| record.order).collect();
        assert_eq!(orders, (0..lines.len() as u32).collect::<Vec<_>>(), "each once, in order");
    }
    assert_eq!(manifest(&run).resumed.len(), 2, "each resumption is a part");
    assert!(read(&run.join("report.md")).contains("measured in 3 parts"));
}

#[test]
fn a_plan_measures_and_writes_nothing() {
    let lab = Lab::new();
    lab.scenario("blocks", &BLOCKS);
    let said = lab.run(&["bench", "blocks", "--plan"]).exits(0).stdout;
    let words = |start: &str| -> Vec<String> {
        let line = said.lines().find(|line| line.trim_start().starts_with(start)).expect(start);
        line.split_whitespace().map(str::to_owned).collect()
    };
    assert_eq!(words("calibration")[1], "2", "{said}");
    assert_eq!(words("blocks ")[1..3], ["3", "6"], "{said}");
    assert!(said.contains("6 trials in 3 blocks, after 2 calibrations: about 0:"), "{said}");
    assert!(said.ends_with("nothing was measured\n"), "{said}");
    let sweep = "arrivals = \"steady\"\nrate_hz = 40.0\n[sweep]\npoll_interval = [\"50ms\", \"2s\"]\n\
                 [default_run]\npatterns = [\"short-polling\"]";
    let patterns = ("patterns", r#"["short-polling", "sse", "websocket"]"#);
    let scenario = lab::scenario("swept", &[patterns, ("[events]", sweep)]);
    lab.write("swept.toml", &scenario);
    for (arguments, expected) in [
        (
            &["bench", "swept.toml", "--plan"][..],
            "short polling, SSE, WebSocket; poll_interval_ms: 50 ms, 2 s",
        ),
        (&["bench", "swept.toml", "--default-part", "--plan"], "short polling; poll_interval_ms: 50 ms, 2 s"),
    ] {
        let said = lab.run(arguments).exits(0).stdout;
        let row: Vec<&str> = said.split_whitespace().collect();
        assert!(row.join(" ").contains(expected), "{said}");
    }
    lab.run(&["bench", "--plan", "--install-targets"]).exits(2).complains(&["cannot be used with"]);
    assert!(lab.runs().is_empty() && !lab.path("results").exists());
    assert!(files(&lab.path("scenarios")).len() == 1);
}
