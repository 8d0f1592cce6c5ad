//! `pushlab compare` with the real program, on folders of made-up runs.

#[path = "../../../report/tests/synthetic/mod.rs"]
pub(crate) mod synthetic;

use contract::{Measurements, Pattern};
use synthetic::{files, in_blocks, manifest, params, record, scenario};

use crate::lab::Lab;

/// Writes a run of one pattern with this many blocks.
fn run_folder(lab: &Lab, name: &str, blocks: u32, by: impl Fn(&mut Measurements)) {
    let trial = record("ticker", Pattern::Sse, params(Pattern::Sse, 0.0, 50), 0);
    let records = in_blocks(&[trial], blocks, |block, _, measured| {
        measured.cpu.server_us *= 1.0 + 0.01 * f64::from(block);
        by(measured);
    });
    let question = scenario("ticker", "Who is first?", &[Pattern::Sse]);
    let (manifest, records) = files(&manifest(vec![question], &[], blocks), &records);
    std::fs::create_dir(lab.path(name)).expect("a folder of the test's own");
    lab.write(&format!("{name}/manifest.json"), &manifest);
    lab.write(&format!("{name}/records.jsonl"), &records);
}

#[test]
fn changes_are_told_and_small_ones_hidden() {
    let lab = Lab::new();
    run_folder(&lab, "before", 5, |_| ());
    run_folder(&lab, "after", 5, |measured| {
        measured.cpu.server_us *= 1.4;
        measured.cpu.harness_us *= 1.02;
    });
    let reported = lab.run(&["compare", "before", "after"]);
    assert_eq!((reported.code, reported.stderr.as_str()), (Some(0), ""), "{reported:?}");
    let is_row = |line: &str| line.contains(" server CPU per event ") && line.contains(" higher");
    assert!(reported.stdout.lines().any(is_row), "{}", reported.stdout);
    assert!(!reported.stdout.contains("subscriber CPU per event"), "{}", reported.stdout);
    assert!(reported.stdout.contains("1 smaller than 5 %"), "{}", reported.stdout);
    let finer = lab.run(&["compare", "before", "after", "--smallest", "1%"]);
    assert!(finer.stdout.contains("subscriber CPU per event"), "{}", finer.stdout);
    let all = lab.run(&["compare", "before", "after", "--all"]);
    assert!(all.stdout.contains("no change shown") && !all.stdout.contains("hidden"), "{}", all.stdout);
}

#[test]
fn the_conclusion_comes_first() {
    let lab = Lab::new();
    for (name, factor) in [("before", 1.0), ("after", 1.4)] {
        run_folder(&lab, name, 5, |measured| measured.cpu.server_us *= factor);
    }
    let lines = |arguments: &[&str]| -> Vec<String> {
        let said = lab.run(arguments).exits(0).stdout;
        said.lines().take(4).map(str::to_owned).collect()
    };
    let [counts, largest, more, empty] =
        <[String; 4]>::try_from(lines(&["compare", "before", "after"])).unwrap();
    let largest = format!("{largest} {more}");
    assert!(counts.ends_with(" judged quantities changed by at least 5 %."), "{counts}");
    assert!(largest.starts_with("The largest change: server CPU per "), "{largest}");
    assert!(
        largest.contains(" with SSE in ticker is 1.40 times what it was (95 % interval 1.3"),
        "{largest}"
    );
    assert_eq!(empty, "");
    let equal = lines(&["compare", "before", "before"]);
    assert!(equal[0].starts_with("The two runs are equal"), "{equal:?}");
    assert_eq!(equal[1], "");
}

#[test]
fn what_cannot_be_compared_is_an_error() {
    let lab = Lab::new();
    run_folder(&lab, "run", 1, |_| ());
    std::fs::create_dir(lab.path("empty")).unwrap();
    run_folder(&lab, "damaged", 1, |_| ());
    lab.write("damaged/manifest.json", &format!("{{\"schema\":{}}}", contract::RECORD_SCHEMA));
    run_folder(&lab, "old", 1, |_| ());
    lab.write("old/manifest.json", "{\"schema\":1}");
    for (arguments, code, words) in [
        (vec!["compare", "run"], 2, "AFTER"),
        (vec!["compare", "run", "run", "--smallest", "five"], 2, "write a percentage"),
        (vec!["compare", "run", "run", "--smallest", "1%", "--all"], 2, "cannot be used with"),
        (vec!["compare", "run", "nowhere"], 1, "is nowhere the folder of a run?"),
        (vec!["compare", "empty", "run"], 1, "is empty the folder of a run?"),
        (vec!["compare", "run", "damaged"], 1, "manifest.json, line 1: missing field"),
        (vec!["compare", "old", "run"], 1, "schema 1 cannot be read"),
    ] {
        let ended = lab.run(&arguments);
        assert_eq!(ended.code, Some(code), "{arguments:?}: {ended:?}");
        assert!(ended.stderr.contains(words), "{words} is missing in: {}", ended.stderr);
    }
    let alone = lab.run(&["compare", "run", "run", "--all"]);
    assert!(alone.stdout.contains("not judged: fewer than four blocks"), "{}", alone.stdout);
}
