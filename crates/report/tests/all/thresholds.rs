//! Thresholds: their syntax, their outcome with and without an interval, and the verdict.

use contract::{Measurements, Pattern, Scenario, Sweep, TrialRecord};
use report::{Findings, ThresholdFinding, ThresholdOutcome, Verdict, check_thresholds};

use crate::{
    synthetic::{change, failed, in_blocks, manifest, params, record, scenario},
    written::{content, judged},
};

fn question(thresholds: &[&str]) -> Scenario {
    let mut question = scenario("ticker", "Who is first?", &[Pattern::ShortPolling, Pattern::Sse]);
    question.thresholds = thresholds.iter().map(|text| (*text).to_owned()).collect();
    question
}

fn trials() -> [TrialRecord; 2] {
    [Pattern::ShortPolling, Pattern::Sse].map(|pattern| {
        record("ticker", pattern, params(pattern, 1_000.0, 50), u32::from(pattern == Pattern::Sse))
    })
}

fn run_of(question: Scenario, records: Vec<TrialRecord>) -> Findings {
    let planned = records.len() as u32;
    judged(manifest(vec![question], &[], planned), records)
}

/// Five blocks in which the server's CPU per event is 19 to 21 µs for SSE, and four times that for
/// short polling, in step.
fn five_blocks() -> Vec<TrialRecord> {
    in_blocks(&trials(), 5, |block, pattern, measured| {
        let per_event = 19.0 + 0.5 * f64::from(block);
        let factor = if pattern == Pattern::Sse { 1.0 } else { 4.0 };
        cpu(measured, per_event * factor);
    })
}

fn cpu(measured: &mut Measurements, per_event_us: f64) {
    measured.cpu.server_us = per_event_us * measured.window_deliveries as f64;
}

fn only(question: Scenario, records: Vec<TrialRecord>) -> ThresholdFinding {
    let findings = run_of(question, records);
    let found: Vec<&ThresholdFinding> = findings.thresholds().collect();
    assert_eq!(found.len(), 1, "{found:?}");
    found[0].clone()
}

#[test]
fn what_cannot_be_read_is_named_with_what_is_allowed() {
    for (text, words) in [
        ("age_p99_ms 250", "there is no operator"),
        ("age_p99_ms != 250", "`!=` is not an operator"),
        ("age_p99_ms => 250", "`=>` is not an operator"),
        ("age_p99_ms = 250", "`=` is not an operator"),
        ("age_p99_ms < 250ms", "`250ms` is not a number"),
        ("age_p99_ms < inf", "`inf` is not a number"),
        ("age_p99_ms <", "`` is not a number"),
        ("age_p98_ms < 2", "`age_p98_ms` is not a quantity; allowed are age_mean_ms, age_p50_ms"),
        ("age_p98_ms < 2", "lost, duplicated, reordered, received, expected"),
        ("< 2", "`` is not a quantity"),
        ("websocket.age_p99_ms < 2", "`websocket` is not one of its patterns; these are: short-polling, sse"),
        ("ws.age_p99_ms < 2", "`ws` is not one of its patterns"),
        ("lost / expected / received < 2", "divides more than once"),
        ("sse.age_p99_ms / sse.age_p99_ms < 2", "divided by itself"),
        ("lost / lost < 2", "divided by itself"),
    ] {
        let error = check_thresholds(&question(&[text])).expect_err(text).to_string();
        assert!(error.contains(words), "{words} is missing in: {error}");
        assert!(error.contains(text) && error.contains("scenario ticker"), "{error}");
    }
    let good =
        ["lost == 0", "sse.age_p99_ms<250", " short-polling . bytes_per_event / sse.bytes_per_event >= 1.5 "];
    assert_eq!(check_thresholds(&question(&good)), Ok(()));
    let swept = Scenario {
        sweep: Some(Sweep { subscribers: vec![50, 200], ..Sweep::default() }),
        ..question(&["sse[50].reconnects == 0", "sse[200].age_p99_ms / sse[50].age_p99_ms < 3"])
    };
    assert_eq!(check_thresholds(&swept), Ok(()), "brackets select a swept value, and trials count more");
    for (text, words) in [
        ("sse[60].lost == 0", "`[60]` is not a swept value of ticker; these are: 50, 200"),
        ("ticker: sse.lost == 0", "`ticker:` names a scenario; a threshold is of its own scenario"),
        ("sse[50.lost == 0", "has a bracket at the wrong place"),
        ("sse]50[.lost == 0", "has a bracket at the wrong place"),
        ("sse[[50]].lost == 0", "has a bracket at the wrong place"),
        ("check[].lost == 0", "`check` is not one of its patterns"),
        ("check[] == 0", "`check[]` is not a quantity"),
        ("\u{2265}\u{202f}sse[\u{e9}].lost == 0", "is not one of its patterns"),
    ] {
        let error = check_thresholds(&Scenario { thresholds: vec![text.to_owned()], ..swept.clone() });
        let error = error.expect_err(text).to_string();
        assert!(error.contains(words), "{words} is missing in: {error}");
    }
    let mut primary = question(&[]);
    primary.primary = "speed".to_owned();
    let error = check_thresholds(&primary).expect_err("no quantity").to_string();
    assert!(error.contains("`primary` of scenario ticker is `speed`"), "{error}");
}

#[test]
fn the_whole_interval_decides() {
    use ThresholdOutcome::{Failed, Inconclusive, Passed};
    // Mean 20 µs, interval about 19.0–21.0 µs.
    for (text, outcome) in [
        ("sse.cpu_us_per_event < 22", Passed),
        ("sse.cpu_us_per_event < 20.2", Inconclusive),
        ("sse.cpu_us_per_event < 18", Failed),
        ("sse.cpu_us_per_event <= 22", Passed),
        ("sse.cpu_us_per_event <= 18", Failed),
        ("sse.cpu_us_per_event > 18", Passed),
        ("sse.cpu_us_per_event > 20.2", Inconclusive),
        ("sse.cpu_us_per_event >= 22", Failed),
        ("sse.cpu_us_per_event == 20", Inconclusive),
        ("sse.cpu_us_per_event == 25", Failed),
        // In step: block by block the ratio is exactly 4.
        ("short-polling.cpu_us_per_event / sse.cpu_us_per_event < 4.01", Passed),
        ("sse.cpu_us_per_event / short-polling.cpu_us_per_event == 0.25", Passed),
        ("sse.lost == 0", Passed),
        ("sse.received / sse.expected >= 1", Passed),
        ("sse.lost > 0", Failed),
    ] {
        let found = only(question(&[text]), five_blocks());
        assert_eq!(found.outcome, outcome, "{text}: {found:?}");
        assert_eq!(found.low.is_some(), !text.contains("lost"), "{text}");
    }
}

#[test]
fn without_an_interval_the_value_decides_and_that_is_said() {
    let alone = trials().to_vec();
    for (text, outcome) in [
        ("sse.cpu_us_per_event < 9.5", ThresholdOutcome::Passed),
        ("sse.cpu_us_per_event < 9", ThresholdOutcome::Failed),
        ("sse.cpu_us_per_event <= 9", ThresholdOutcome::Passed),
    ] {
        let found = only(question(&[text]), alone.clone());
        assert_eq!(found.outcome, outcome, "{found:?}");
        assert_eq!(found.reason, "by the value alone: fewer than four blocks");
    }
}

#[test]
fn a_bare_name_holds_at_every_point_and_a_ratio_at_every_swept_value() {
    let mut question = question(&["age_p99_ms < 5000", "short-polling.age_p99_ms / sse.age_p99_ms > 1"]);
    question.sweep = Some(Sweep { subscribers: vec![50, 200], ..Sweep::default() });
    let mut records = Vec::new();
    for pattern in [Pattern::ShortPolling, Pattern::Sse] {
        for subscribers in [50, 200] {
            let params = params(pattern, 1_000.0, subscribers);
            records.push(record("ticker", pattern, params, records.len() as u32));
        }
    }
    let findings = run_of(question, records);
    let of: Vec<&str> = findings.thresholds().map(|found| found.of.as_str()).collect();
    assert_eq!(of.len(), 4 + 2, "{of:?}");
    assert_eq!(of[5], "short polling every 1\u{202f}s, 200 subscribers ÷ SSE, 200 subscribers");
    assert_eq!(findings.verdict, Verdict::Passed);
    assert!(findings.verdict_reason.ends_with("6 thresholds are kept"), "{}", findings.verdict_reason);
}

fn lossy(record: &mut TrialRecord) {
    change(record, |measured| {
        measured.age.censored = 30;
        measured.window_deliveries += 30;
        measured.age.censored_min_us = 2_000_000;
    });
}

#[test]
fn a_bound_cannot_pass_below_and_a_missing_value_decides_nothing() {
    let mut records = trials().to_vec();
    lossy(&mut records[1]);
    for (text, outcome) in [
        ("sse.age_p99_ms < 2500", ThresholdOutcome::Inconclusive),
        ("sse.age_p99_ms < 1500", ThresholdOutcome::Failed),
        ("sse.age_p99_ms > 1500", ThresholdOutcome::Passed),
        ("sse.age_p99_ms > 2500", ThresholdOutcome::Inconclusive),
        ("short-polling.age_p99_ms / sse.age_p99_ms < 9", ThresholdOutcome::Inconclusive),
        ("sse.packets_per_event < 3", ThresholdOutcome::Inconclusive),
    ] {
        let found = only(question(&[text]), records.clone());
        assert_eq!(found.outcome, outcome, "{found:?}");
        assert!(!found.reason.is_empty());
    }
    let found = only(question(&["sse.packets_per_event < 3"]), records);
    assert_eq!(found.reason, "packets_per_event was not measured");
}

#[test]
fn the_verdict_follows_its_order() {
    let keep = "sse.cpu_us_per_event < 1000";
    let open = "sse.cpu_us_per_event < 20.2";
    let broken = "sse.cpu_us_per_event < 1";
    let verdict = |thresholds: &[&str], records: Vec<TrialRecord>| run_of(question(thresholds), records);
    assert_eq!(verdict(&[keep], five_blocks()).verdict, Verdict::Passed);
    assert_eq!(verdict(&[keep, open], five_blocks()).verdict, Verdict::Inconclusive);
    let failing = verdict(&[keep, open, broken], five_blocks());
    assert_eq!((failing.verdict, failing.verdict.key()), (Verdict::ThresholdFailed, "threshold-failed"));
    assert!(failing.verdict_reason.starts_with("1 of 3 thresholds broken, the first in ticker: sse.cpu"));

    let mut records = five_blocks();
    change(&mut records[1], |measured| *measured.server_requests_life.as_mut().unwrap() += 1);
    let invalid = verdict(&[broken], records.clone());
    assert_eq!(invalid.verdict, Verdict::Invalid);
    let found = invalid.thresholds().next().expect("one").clone();
    assert_eq!(found.outcome, ThresholdOutcome::NotJudged);
    assert!(found.reason.starts_with("not judged: invalid, block 1: the server counted"), "{}", found.reason);
    records[0] = failed(records[0].clone(), "the port was taken", &[]);
    assert_eq!(verdict(&[broken], records).verdict, Verdict::Failed);

    let early = |threshold: &str| {
        let manifest = manifest(vec![question(&[threshold])], &[], 99);
        judged(manifest, five_blocks())
    };
    assert_eq!(early(open).verdict, Verdict::Interrupted, "the trials to come may decide it");
    assert_eq!(early(broken).verdict, Verdict::ThresholdFailed, "nothing to come can mend it");
    assert!(
        early(broken).verdict_reason.ends_with("of 99 planned trials completed, the others were not run")
    );
}

#[test]
fn a_count_is_judged_where_it_is_why_the_point_is_invalid() {
    let mut records = five_blocks();
    change(&mut records[1], |measured| {
        measured.delivery.lost = 3;
        measured.delivery.received -= 3;
    });
    let found = run_of(question(&["sse.lost == 0", "sse.cpu_us_per_event < 1000"]), records);
    assert_eq!(found.verdict, Verdict::Invalid);
    let outcomes: Vec<ThresholdOutcome> = found.thresholds().map(|finding| finding.outcome).collect();
    assert_eq!(outcomes, [ThresholdOutcome::Failed, ThresholdOutcome::NotJudged]);
}

#[test]
fn thresholds_stand_in_every_output() {
    let findings = run_of(question(&["sse.cpu_us_per_event < 18", "lost == 0"]), five_blocks());
    let files = report::render(&findings);
    let content = |path: &str| content(&files, path);
    let terminal = crate::written::terminal(&findings);
    assert!(
        terminal.contains("threshold failed: thresholds at all points: 2 kept and 1 broken\n"),
        "{terminal}"
    );
    assert!(terminal.contains("threshold failed: sse.cpu_us_per_event < 18 (SSE): ticker: 20.0 (19.0–21.0)"));
    let page = content("report.html");
    for words in [
        "class=\"verdict failed\"",
        "Thresholds at all points: 2 kept and 1 broken.",
        "<code>sse.cpu_us_per_event &lt; 18</code>",
    ] {
        assert!(page.contains(words), "{words}");
    }
    assert!(content("report.md").contains("by its 95 % interval"));
    let json: serde_json::Value = serde_json::from_str(content("summary.json")).expect("JSON");
    assert_eq!(json["run"]["verdict"], "threshold-failed");
    assert_eq!(json["thresholds"][0]["verdict"], "fail");
    assert_eq!(json["thresholds"][0]["threshold"], "sse.cpu_us_per_event < 18");
    assert!(json["thresholds"][0]["low"].is_f64() && json["thresholds"][1]["low"].is_null());
}

#[test]
fn what_was_not_measured_is_not_judged() {
    let sse = trials()[1].clone();
    let found = only(question(&["short-polling.age_p99_ms < 5"]), vec![sse]);
    assert_eq!((found.outcome, found.of.as_str()), (ThresholdOutcome::NotJudged, ""));
    assert_eq!(found.reason, "none of its points was measured in this run");
}
