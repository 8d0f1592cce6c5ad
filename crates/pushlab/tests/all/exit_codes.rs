//! Each exit code of `bench`, from the real program. Other files have more tests of 2 and 130.

use crate::lab::{
    Lab,
    process::{Running, signal},
    records, summary,
};

/// Limits that no trial keeps: a publisher is always a little late.
const IMPOSSIBLE: &str =
    "added_age = \"0s\"\nadded_age_share = 0.0\nrepeats = 0\nharness_cpu = 1.0\ntail_samples = 0";

/// The exit code and the output of a run of one scenario with these thresholds.
fn bench(thresholds: &str, changes: &[(&str, &str)], options: &[&str], code: i32) -> (Lab, String) {
    let lab = Lab::new();
    lab.scenario("one", &[&[("thresholds", thresholds)], changes].concat());
    let said = lab.run(&[&["bench", "one"], options].concat()).exits(code);
    (lab, said.stdout)
}

#[test]
fn zero_all_thresholds_passed() {
    let thresholds = r#"["lost == 0", "age_p99_ms < 60000", "sse.payload_bytes_per_event == 100"]"#;
    let (lab, _) = bench(thresholds, &[], &["--strict"], 0);
    let summary = summary(&lab.only_run());
    assert_eq!(summary["run"]["verdict"], "passed");
    let verdicts: Vec<&str> = summary["thresholds"]
        .as_array()
        .unwrap()
        .iter()
        .map(|found| found["verdict"].as_str().unwrap())
        .collect();
    assert_eq!(verdicts, ["pass"; 3]);
}

#[test]
fn one_a_trial_failed() {
    let lab = Lab::new();
    lab.scenario("one", &[]);
    let bench = Running::start(lab.command(&["bench", "one"]));
    let calibrating = bench.publishing_server(&[]);
    let server = bench.publishing_server(&[calibrating]);
    signal(server, "KILL");
    bench.finish().exits(1);
}

#[test]
fn two_it_makes_no_sense() {
    for (thresholds, words) in [
        (r#"["age_p99 < 250"]"#, &["`age_p99 < 250`", "age_p99_ms"][..]),
        (r#"["age_p99_ms ! 250"]"#, &["<=", ">="]),
        (r#"["age_p99_ms < fast"]"#, &["fast", "number"]),
        (r#"["websocket.age_p99_ms < 250"]"#, &["websocket"]),
    ] {
        let lab = Lab::new();
        lab.scenario("one", &[("thresholds", thresholds)]);
        for command in ["bench", "predict"] {
            let said = lab.run(&[command, "one"]).exits(2).complains(words);
            said.complains(&["scenarios/one.toml"]);
        }
        assert!(!lab.path("results").exists());
    }
    let lab = Lab::new();
    lab.scenario("one", &[("primary", "\"age\"")]);
    lab.run(&["bench", "one"]).exits(2).complains(&["`age`", "age_p99_ms"]);
}

#[test]
fn three_a_threshold_failed() {
    let (lab, said) = bench(r#"["lost == 0", "sse.bytes_per_event < 1"]"#, &[], &[], 3);
    assert!(said.contains("sse.bytes_per_event < 1"), "{said}");
    let summary = summary(&lab.only_run());
    assert_eq!(summary["run"]["verdict"], "threshold-failed");
    assert_eq!(summary["thresholds"][1]["verdict"], "fail");
}

#[test]
fn four_the_numbers_cannot_be_trusted_even_where_a_threshold_failed() {
    let (lab, said) = bench(r#"["sse.bytes_per_event < 1"]"#, &[("[limits]", IMPOSSIBLE)], &[], 4);
    assert!(said.contains("invalid"), "{said}");
    assert_eq!(summary(&lab.only_run())["run"]["verdict"], "invalid");
}

#[test]
fn five_a_threshold_was_left_open_and_only_if_asked_to_be_strict() {
    // Without memory steps there are no memory figures.
    let open = r#"["memory_user_bytes_per_subscriber < 4096"]"#;
    let (lab, _) = bench(open, &[], &["--strict"], 5);
    assert_eq!(summary(&lab.only_run())["run"]["verdict"], "inconclusive");
    bench(open, &[], &[], 0);
    bench(r#"["lost > 0", "memory_user_bytes_per_subscriber < 4096"]"#, &[], &["--strict"], 3);
}

/// No trial keeps these limits, so each runs again as often as they allow: after the other trials of its block
/// and before the next block. The records keep all attempts.
#[test]
fn what_the_machine_disturbs_runs_again_and_every_attempt_is_recorded() {
    let limits = IMPOSSIBLE.replace("repeats = 0", "repeats = 2");
    let changes = [("[limits]", limits.as_str()), ("patterns", r#"["sse", "websocket"]"#), ("blocks", "2")];
    let (lab, said) = bench("[]", &changes, &[], 4);
    assert!(said.contains("runs again at the end of its block, attempt 3"), "{said}");
    assert!(!said.contains("attempt 4"), "{said}");
    let run = lab.only_run();
    let records = records(&run);
    assert!((0..).zip(&records).all(|(order, record)| record.order == order), "each has a number of its own");
    let judged = records.iter().filter(|record| record.scenario == "one");
    let attempts: Vec<(u32, u32)> = judged.map(|record| (record.block, record.attempt)).collect();
    let of_block = |block| [1, 1, 2, 2, 3, 3].map(|attempt| (block, attempt));
    assert_eq!(attempts, [of_block(1), of_block(2)].concat());
    let point = &summary(&run)["points"][0];
    assert_eq!(
        (&point["trials"], &point["set_aside"], &point["valid"]),
        (&2.into(), &4.into(), &false.into())
    );
}

#[test]
fn the_first_bad_news_ends_a_run_that_is_asked_to_fail_fast() {
    let sweep = "arrivals = \"steady\"\nrate_hz = 40.0\n[sweep]\nsubscribers = [1, 2, 3]";
    let changes = [("[events]", sweep)];
    let (lab, said) = bench(r#"["bytes_per_event < 1"]"#, &changes, &["--fail-fast"], 3);
    assert!(said.contains("stopped early"), "{said}");
    assert_eq!(records(&lab.only_run()).len(), 4, "three calibrations and one trial");
    let (lab, _) = bench(r#"["bytes_per_event < 100000"]"#, &changes, &["--fail-fast"], 0);
    assert_eq!(records(&lab.only_run()).len(), 6);
}
