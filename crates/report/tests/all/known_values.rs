//! Findings of synthetic runs: known values, and runs with failures.

use contract::{Arrivals, Distribution, Pattern, TrialRecord};
use report::{Bound, Comparison, Findings, Point, QuantityName, ReadError, Run, Verdict};

use crate::{
    synthetic::{change, failed, files, manifest, params, record, scenario, ten_trials},
    written::{content, findings},
};

/// A run of one scenario with these records.
fn run_of(records: &[TrialRecord]) -> Findings {
    let ticker = scenario("stock-ticker", "Who is first?", &Pattern::ALL);
    let planned = u32::try_from(records.len()).expect("few records");
    findings(&manifest(vec![ticker], &["a1b2c3d4e5f60718"], planned), records)
}

fn one(pattern: Pattern) -> TrialRecord {
    record("stock-ticker", pattern, params(pattern, 1_000.0, 50), 0)
}

fn point(findings: &Findings) -> &Point {
    &findings.scenarios[0].points[0]
}

fn measured(findings: &Findings, name: QuantityName) -> f64 {
    point(findings).quantity_of(name).measured.expect("it was measured")
}

#[test]
fn quantities_reproduce_known_values() {
    let findings = run_of(&[one(Pattern::ShortPolling)]);
    // 50 subscribers × 2 events/s × 15 s, one poll a second: one request for two events.
    let deliveries = 1_500.0;
    for (name, expected) in [
        (QuantityName::RequestsPerEvent, 0.5),
        (QuantityName::RequestsPerSubscriber, 750.0 / 50.0 + 1.0),
        (QuantityName::EmptyRatio, 101.0 / 750.0),
        (QuantityName::PayloadBytesPerEvent, 100.0),
        (QuantityName::FramingBytesPerEvent, 40.0),
        (QuantityName::HeaderBytesPerEvent, 142.0),
        (QuantityName::EmptyPollBytesPerEvent, 18.0),
        (QuantityName::BytesPerEvent, 300.0),
        (QuantityName::CpuPerEvent, 20.0),
        (QuantityName::SubscriberCpuPerEvent, 29.5),
        (QuantityName::SocketsHeld, 50.0),
    ] {
        let found = measured(&findings, name);
        assert!((found - expected).abs() < 1e-6 * deliveries, "{name:?}: {found}");
    }
    for (name, expected, tolerance) in [
        (QuantityName::AgeMean, 500.0, 5.0),
        (QuantityName::AgeP50, 500.0, 5.0),
        (QuantityName::AgeP99, 990.0, 5.0),
        (QuantityName::ConnectP50, 0.55, 0.02),
        (QuantityName::LatenessP99, 0.083, 0.003),
    ] {
        let found = measured(&findings, name);
        assert!((found - expected).abs() < tolerance, "{name:?}: {found}");
    }
    assert_eq!(findings.verdict, Verdict::Passed);
    assert!(point(&findings).quantities.iter().all(|quantity| quantity.low.is_none()));
}

#[test]
fn the_parts_of_the_bytes_add_up() {
    for pattern in Pattern::ALL {
        let findings = run_of(&[one(pattern)]);
        let parts: f64 = [
            QuantityName::PayloadBytesPerEvent,
            QuantityName::FramingBytesPerEvent,
            QuantityName::HeaderBytesPerEvent,
            QuantityName::EmptyPollBytesPerEvent,
        ]
        .into_iter()
        .map(|name| measured(&findings, name))
        .sum();
        let all = measured(&findings, QuantityName::BytesPerEvent);
        assert!((parts - all).abs() < 1e-6, "{pattern}: {parts} {all}");
    }
}

#[test]
fn several_trials_of_a_point_are_one_point_with_their_geometric_mean() {
    let mut records = [one(Pattern::Sse), one(Pattern::Sse), one(Pattern::Sse)];
    for (index, sockets) in [10.0, 1_000.0, 100.0].into_iter().enumerate() {
        records[index].order = index as u32;
        records[index].block = index as u32;
        change(&mut records[index], |measured| {
            measured.sockets_held = sockets;
        });
    }
    let findings = run_of(&records);
    assert_eq!(findings.scenarios[0].points.len(), 1);
    assert_eq!(point(&findings).trials.len(), 3);
    assert!((measured(&findings, QuantityName::SocketsHeld) - 100.0).abs() < 1e-9);
    assert_eq!(point(&findings).delivery.expected, 3 * 1_700);
}

#[test]
fn a_percentile_that_reaches_into_lost_events_is_a_bound() {
    let mut lossy = one(Pattern::Sse);
    change(&mut lossy, |measured| {
        measured.delivery.lost = 30;
        measured.delivery.received -= 30;
        measured.age.censored = 30;
        measured.age.censored_min_us = 2_000_000;
    });
    let findings = run_of(&[lossy]);
    let point = point(&findings);
    let p50 = point.quantity_of(QuantityName::AgeP50);
    let p99 = point.quantity_of(QuantityName::AgeP99);
    let mean = point.quantity_of(QuantityName::AgeMean);
    assert_eq!(p50.bound, Bound::Exact);
    assert_eq!((p99.bound, p99.measured), (Bound::AtLeast, Some(2_000.0)));
    assert_eq!(p99.measured_text(), ">\u{202f}2,000\u{202f}ms");
    assert_eq!(p99.comparison(), Comparison::None);
    assert_eq!(mean.bound, Bound::AtLeast);
    assert!(mean.measured.is_some_and(|mean| mean > 30.0));
    assert!(!point.valid);
    assert_eq!(findings.verdict, Verdict::Invalid);
    assert!(findings.verdict_reason.contains("30 of 1,700 deliveries were lost"));
    assert!(crate::written::terminal(&findings).contains("> 2,000"));
    let files = report::render(&findings);
    let content = |path: &str| content(&files, path);
    let json: serde_json::Value = serde_json::from_str(content("summary.json")).expect("JSON");
    let quantities = &json["points"][0]["quantities"];
    assert_eq!(quantities["age_p99_ms"]["bound"], "lower");
    assert!(quantities["age_p50_ms"]["bound"].is_null());
    assert!(content("summary.csv").contains("age_p99_ms,ms,2000,lower,"));
}

#[test]
fn what_never_came_ranks_above_all_that_arrived() {
    let mut lossy = one(Pattern::ShortPolling);
    change(&mut lossy, |measured| {
        measured.age.censored = 30;
        measured.age.censored_min_us = 100_000;
    });
    let findings = run_of(&[lossy]);
    let p99 = point(&findings).quantity_of(QuantityName::AgeP99);
    assert_eq!(p99.bound, Bound::AtLeast);
    assert!(p99.measured.is_some_and(|age| age > 990.0), "{p99:?}");
}

#[test]
fn ledgers_that_disagree_make_a_trial_invalid() {
    let mut requests = one(Pattern::LongPolling);
    change(&mut requests, |measured| *measured.server_requests_life.as_mut().unwrap() += 1);
    let mut bytes = one(Pattern::LongPolling);
    change(&mut bytes, |measured| {
        measured.server_bytes_life.as_mut().unwrap().received += measured.bytes_life.total() * 2 / 100;
    });
    let mut rounding = one(Pattern::LongPolling);
    change(&mut rounding, |measured| measured.server_bytes_life.as_mut().unwrap().sent += 100);
    for (record, verdict) in
        [(requests, Verdict::Invalid), (bytes, Verdict::Invalid), (rounding, Verdict::Passed)]
    {
        assert_eq!(run_of(&[record]).verdict, verdict);
    }
}

#[test]
fn a_failed_trial_is_told_with_the_servers_last_words() {
    let broken = failed(one(Pattern::Sse), "the server stopped", &["thread panicked", "at sse.rs"]);
    let findings = run_of(&[one(Pattern::ShortPolling), broken]);
    assert_eq!(findings.verdict, Verdict::Failed);
    assert_eq!(findings.failures.len(), 1);
    for file in report::render(&findings) {
        if ["report.html", "report.md"].contains(&file.path.as_str()) {
            for words in ["the server stopped", "thread panicked", "at sse.rs"] {
                assert!(file.content.contains(words), "{}: {words}", file.path);
            }
        }
    }
    assert!(crate::written::terminal(&findings).contains("the server stopped"));
}

#[test]
fn a_run_that_ended_early_says_so() {
    let (manifest, records) = ten_trials();
    let findings = findings(&manifest, &records[..6]);
    assert_eq!(findings.verdict, Verdict::Interrupted);
    assert!(findings.verdict_reason.starts_with("6 of 10 planned trials"));
    assert_eq!(findings.scenarios.len(), 2);
}

#[test]
fn runs_without_a_number_still_make_a_report() {
    let mut empty = one(Pattern::Sse);
    change(&mut empty, |measured| {
        measured.age.arrived = Distribution::default();
        measured.lateness = Distribution::default();
        measured.connect = Distribution::default();
        measured.age_seconds.clear();
        measured.lateness_seconds.clear();
        measured.window_deliveries = 0;
        measured.cpu.wall_us = 0.0;
    });
    let all_failed = Pattern::ALL.map(|pattern| failed(one(pattern), "port taken", &[]));
    for records in [vec![], vec![empty], all_failed.to_vec()] {
        let findings = run_of(&records);
        assert_ne!(findings.verdict, Verdict::Passed);
        assert!(report::render(&findings).len() >= 4);
        assert!(!crate::written::terminal(&findings).is_empty());
    }
}

#[test]
fn silence_is_not_a_fault() {
    let mut quiet = scenario("silence", "What does waiting cost?", &Pattern::ALL);
    quiet.events = Arrivals::Silence;
    let records: Vec<TrialRecord> = Pattern::ALL
        .into_iter()
        .map(|pattern| {
            let mut record = record("silence", pattern, params(pattern, 1_000.0, 50), 0);
            change(&mut record, |measured| {
                measured.age.arrived = Distribution::default();
                measured.age_seconds.clear();
                measured.window_deliveries = 0;
            });
            record
        })
        .collect();
    let findings = findings(&manifest(vec![quiet], &["a1b2c3d4e5f60718"], 4), &records);
    assert_eq!(findings.verdict, Verdict::Passed);
    assert!(findings.answers[0].headline.starts_with("Without any event"));
}

#[test]
fn a_last_line_cut_short_is_left_out_with_a_warning() {
    let (manifest, records) = ten_trials();
    let (manifest, lines) = files(&manifest, &records);
    let cut = &lines[..lines.len() - 300];
    let run = Run::parse(&manifest, cut).expect("only the last line is damaged");
    assert_eq!(run.records.len(), 9);
    assert!(run.warnings[0].contains("line 10 of records.jsonl is cut short"));
    let findings = report::findings(&run);
    assert_eq!(findings.verdict, Verdict::Interrupted);
    assert!(findings.warnings.iter().any(|warning| warning.contains("cut short")));
    // A whole record without its line end is a record.
    let run = Run::parse(&manifest, lines.trim_end()).expect("the last record is whole");
    assert_eq!((run.records.len(), run.warnings.len()), (10, 0));
}

#[test]
fn files_that_cannot_be_judged_are_refused() {
    let (manifest, records) = ten_trials();
    let (manifest_json, lines) = files(&manifest, &records);
    let refused = |manifest: &str, records: &str| Run::parse(manifest, records).expect_err("refused");

    let version = contract::RECORD_SCHEMA;
    let of_version = format!("\"schema\": {version}");
    let error = refused(&manifest_json.replacen(&of_version, "\"schema\": 9", 1), &lines);
    assert!(matches!(error, ReadError::Schema { file: "manifest.json", found: 9, .. }), "{error}");
    let of_version = format!("\"schema\":{version}");
    let error = refused(&manifest_json, &lines.replacen(&of_version, "\"schema\":1", 1));
    assert!(matches!(error, ReadError::Schema { file: "records.jsonl", line: 1, found: 1 }), "{error}");
    let error = refused("{", "");
    assert!(error.to_string().starts_with("manifest.json, line 1:"), "{error}");
}

/// A broken line costs only its own trial, wherever and however it is broken.
#[test]
fn a_broken_line_is_named_and_the_others_are_read() {
    let (manifest, records) = ten_trials();
    let (manifest_json, lines) = files(&manifest, &records);
    let with_third = |third: &[u8]| {
        let mut whole: Vec<&[u8]> = lines.lines().map(str::as_bytes).collect();
        whole[2] = third;
        [whole.join(&b'\n'), vec![b'\n']].concat()
    };
    let of_record = |change_it: &dyn Fn(&mut TrialRecord)| {
        let mut records = records.clone();
        change_it(&mut records[2]);
        files(&manifest, &records).1.lines().nth(2).expect("a line").as_bytes().to_vec()
    };
    let third = lines.lines().nth(2).expect("a line").as_bytes();
    // Cut within `€`, damaged in the middle, and filled up with zeros.
    let (cut, zeros) = ([&third[..40], &"€".as_bytes()[..2]].concat(), [&third[..40], &[0; 60]].concat());
    let mut flipped = third.to_vec();
    flipped[200] = 0xff;
    for (broken, problem) in [
        (cut, "not UTF-8 after 40 bytes"),
        (flipped, "not UTF-8 after 200 bytes"),
        (zeros, "control character"),
        (third[..third.len() - 300].to_vec(), "EOF"),
        (b"]".to_vec(), "expected value"),
        (format!("{{\"schema\":{}}}", contract::RECORD_SCHEMA).into_bytes(), "missing field"),
        (of_record(&|record| record.scenario = "elsewhere".to_owned()), "scenario `elsewhere` is not in"),
        (of_record(&|record| change(record, |measured| measured.age.arrived.count += 1)), "age.arrived: "),
    ] {
        let run = Run::parse(&manifest_json, with_third(&broken)).expect("one line is lost");
        assert_eq!((run.records.len(), run.warnings.len()), (9, 1), "{problem}");
        let warning = &run.warnings[0];
        assert!(
            warning.starts_with("line 3 of records.jsonl cannot be read and was left out ("),
            "{warning}"
        );
        assert!(warning.contains(problem), "{problem}: {warning}");
        let findings = report::findings(&run);
        assert_eq!(findings.verdict, Verdict::Interrupted);
        assert!(findings.verdict_reason.starts_with("9 of 10 planned trials completed"));
        assert!(findings.warnings.contains(warning));
    }
    // The last line, cut within a character.
    let cut = [lines.as_bytes(), &third[..40], &"€".as_bytes()[..2]].concat();
    let run = Run::parse(&manifest_json, cut).expect("one line is lost");
    assert_eq!(run.records.len(), 10);
    assert!(run.warnings[0].starts_with("line 11 of records.jsonl is cut short"), "{:?}", run.warnings);
}

#[test]
fn calibration_is_an_input_and_no_point() {
    let mut calibration = one(Pattern::Sse);
    calibration.scenario = "calibration".to_owned();
    calibration.calibration = None;
    let findings = run_of(&[calibration, one(Pattern::Sse)]);
    assert_eq!(findings.scenarios[0].points.len(), 1);
    assert_eq!(findings.calibrations.len(), 1);
}
