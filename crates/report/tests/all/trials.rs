//! Reports on single trials: contradicting ledgers, seconds with lost events, bounds of ages.

use contract::{Client, ConnectionCost, IdleStretch, Pattern, Period, Sweep, TrialRecord, Warning};
use report::{Findings, Run, Verdict};

use crate::{
    synthetic::{change, files, manifest, params, record, scenario, ten_trials, write},
    written::{findings, page},
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

#[test]
fn events_of_somebody_else_make_a_trial_invalid() {
    let mut foreign = one(Pattern::Sse);
    change(&mut foreign, |measured| measured.delivery.foreign = 3);
    let findings = run_of(&[foreign]);
    assert_eq!(findings.verdict, Verdict::Invalid);
    assert!(findings.verdict_reason.contains("3 deliveries were of events from another publisher"));
}

#[test]
fn the_warnings_of_the_harness_are_worded_with_their_phase() {
    let mut warned = one(Pattern::Sse);
    change(&mut warned, |measured| {
        measured.warnings = vec![Warning::MiddleboxStderr { line: "it rained".to_owned() }];
        let idle =
            IdleStretch { warnings: vec![Warning::PollsSkipped { polls: 1 }], ..IdleStretch::default() };
        measured.connections = Some(ConnectionCost { idle, ..ConnectionCost::default() });
    });
    let findings = run_of(&[warned]);
    let warnings = &findings.scenarios[0].points[0].warnings;
    for words in [
        "the middlebox wrote: it rained",
        "while idle: 1 poll was skipped because the last one was still in flight",
    ] {
        assert!(warnings.iter().any(|warning| warning == words), "{words}: {warnings:?}");
    }
}

#[test]
fn parts_larger_than_the_whole_make_a_trial_invalid() {
    let mut overdrawn = one(Pattern::Sse);
    change(&mut overdrawn, |measured| measured.bytes.payload = measured.bytes.total() + 10_000);
    let findings = run_of(&[overdrawn]);
    assert_eq!(findings.verdict, Verdict::Invalid);
    assert!(findings.verdict_reason.contains("more than the 217,500 bytes"), "{}", findings.verdict_reason);
    // An exchange under way at an edge of the window is no contradiction; over the whole life it is.
    let mut edge = one(Pattern::Sse);
    change(&mut edge, |measured| {
        measured.bytes.payload = measured.bytes.total() - measured.bytes.headers + 200;
    });
    assert_eq!(run_of(&[edge.clone()]).verdict, Verdict::Passed);
    change(&mut edge, |measured| measured.bytes_life = measured.bytes);
    assert_eq!(run_of(&[edge]).verdict, Verdict::Invalid);
}

#[test]
fn bytes_of_reqwest_are_not_checked_against_themselves() {
    let mut reqwest = one(Pattern::LongPolling);
    reqwest.params.client = Client::Reqwest;
    change(&mut reqwest, |measured| {
        measured.server_bytes_life.as_mut().unwrap().received *= 2;
        measured.left_behind = None;
    });
    let findings = run_of(&[reqwest.clone()]);
    assert_eq!(findings.verdict, Verdict::Passed);
    assert!(findings.verdict_reason.contains("counted the same requests; bytes of reqwest subscribers"));
    let findings = run_of(&[reqwest, one(Pattern::Sse)]);
    assert!(findings.verdict_reason.contains("counted the same requests and bytes; bytes of reqwest"));
    assert!(run_of(&[one(Pattern::Sse)]).verdict_reason.ends_with("the same requests and bytes"));
}

/// Where blocks differ, the title is about the block that is drawn: the one with the oldest second.
#[test]
fn the_title_of_the_seconds_is_about_the_block_that_is_drawn() {
    let block = |number: u32, level_us: u64, peak: (usize, u64)| {
        let mut record = one(Pattern::Sse);
        (record.block, record.order) = (number, number);
        change(&mut record, |measured| {
            measured.age_seconds.iter_mut().for_each(|second| second.p99_us = level_us);
            measured.age_seconds[peak.0].p99_us = peak.1;
        });
        record
    };
    let title = |records: &[TrialRecord]| {
        page(&run_of(records), "figures/stock-ticker-time.svg").replace('\u{202f}', " ")
    };
    let peaked = title(&[block(1, 2_000, (7, 10_000)), block(2, 8_000, (9, 16_000))]);
    let words = "Ages peaked in second 9 of SSE, with 16.0 ms at p99, 2.00 times its trial's median second";
    assert!(peaked.contains(words), "{peaked}");
    let level = title(&[block(1, 2_000, (7, 2_900))]);
    assert!(level.contains("Ages stayed level: no second has a p99 of 1.50 times"), "{level}");
}

#[test]
fn seconds_that_lost_events_are_told_first() {
    let mut lossy = one(Pattern::Sse);
    change(&mut lossy, |measured| {
        measured.age_seconds[5].censored = 40;
        measured.age_seconds[6].censored = 200;
        measured.age_seconds[6].count = 0;
        measured.age_seconds[8].censored = 3;
        measured.age_seconds[12].censored = 1;
        measured.delivery.lost = 244;
        measured.age.censored = 244;
        measured.age.censored_min_us = 2_000_000;
    });
    let findings = run_of(&[lossy, one(Pattern::WebSocket)]);
    let time = page(&findings, "figures/stock-ticker-time.svg");
    let words = "In second 6 of SSE 200 of 200 deliveries never came, and 2 more seconds lost too many for a p99. Ages peaked, of the seconds with a p99, in second";
    assert!(time.contains(words), "{time}");
    assert!(time.contains(">\nlost"), "{time}");
    write("lossy", &report::render(&findings));
}

#[test]
fn every_trial_shows_what_the_instrument_may_have_added_to_its_age() {
    // 0.081 ms of lateness with the worst of 34 events left out, and 0.9 ms of waiting for 34 events.
    let findings = run_of(&[one(Pattern::Sse)]);
    for path in ["report.md", "report.html"] {
        let page = page(&findings, path);
        assert!(page.contains("0.107\u{202f}ms of 1.82\u{202f}ms"), "{path}");
    }
}

#[test]
fn the_command_of_a_scenario_is_the_manifests() {
    let (mut manifest, records) = ten_trials();
    manifest.commands[1] = "just bench poll-interval --seed 7 --subscribers 200".to_owned();
    manifest.commands.truncate(2);
    let (manifest, records) = files(&manifest, &records);
    let findings = report::findings(&Run::parse(&manifest, &records).expect("it can be read"));
    let commands: Vec<&str> = findings.scenarios.iter().map(|found| found.command.as_str()).collect();
    assert_eq!(commands[1], "just bench poll-interval --seed 7 --subscribers 200");
    assert_eq!(commands[2], "just bench --seed 7");
}

#[test]
fn the_note_on_intervals_follows_the_number_of_trials() {
    let note = |records: &[TrialRecord]| page(&run_of(records), "report.md");
    let alone = note(&[one(Pattern::Sse)]);
    assert!(alone.contains("One block: every trial was run once. That is too few for an interval."));
    let rule = "told apart only where one is more than 3 times the other (times: plus 10\u{202f}ms)";
    assert!(alone.contains(rule) && !alone.contains("same schedule: intervals"));
    let blocks = |count: u32| (0..count).map(|block| TrialRecord { block, ..one(Pattern::Sse) });
    let five = note(&blocks(5).collect::<Vec<_>>());
    assert!(five.contains("5 blocks, each with every trial once"));
    assert!(five.contains("not another draw of the schedule") && !five.contains(rule));
    let mixed = note(&blocks(4).chain([one(Pattern::WebSocket)]).collect::<Vec<_>>());
    assert!(mixed.contains("1 to 4 blocks") && mixed.contains("fewer than four blocks there is no interval"));
    assert!(mixed.contains(rule), "{mixed}");
}

#[test]
fn prices_that_are_not_told_apart_share_the_title() {
    let with_sum = |pattern: Pattern, subscribers: u32, sum: u64| {
        let mut record = record("stock-ticker", pattern, params(pattern, 1_000.0, subscribers), 0);
        change(&mut record, |measured| {
            measured.bytes.received = sum * measured.window_deliveries - measured.bytes.sent;
        });
        record
    };
    let findings = run_of(&[
        one(Pattern::ShortPolling),
        with_sum(Pattern::Sse, 50, 151),
        with_sum(Pattern::WebSocket, 50, 150),
    ]);
    let figure = page(&findings, "figures/stock-ticker-freshness.svg");
    assert!(
        figure.contains("The freshest and the cheapest (not told apart by one run) are SSE and WebSocket: "),
        "{figure}"
    );
}

#[test]
fn figures_say_what_they_leave_out_and_whose_numbers_differ() {
    let mut interval = scenario("interval", "How fresh?", &[Pattern::ShortPolling]);
    let intervals: Vec<u64> = (1..=14).map(|tenth| tenth * 100).collect();
    interval.sweep = Some(Sweep {
        poll_interval: intervals.iter().copied().map(Period::from_millis).collect(),
        ..Sweep::default()
    });
    let ticker = scenario("stock-ticker", "Who is first?", &[Pattern::Sse]);
    let mut records = vec![one(Pattern::Sse)];
    for interval_ms in intervals {
        let params = params(Pattern::ShortPolling, interval_ms as f64, 200);
        records.push(record("interval", Pattern::ShortPolling, params, records.len() as u32));
    }
    let (manifest, records) = files(&manifest(vec![interval, ticker], &["a1b2c3d4e5f60718"], 15), &records);
    let page =
        page(&report::findings(&Run::parse(&manifest, &records).expect("it can be read")), "report.md");
    let nines = page.lines().find(|line| line.starts_with("Look at where a line bends")).expect("drawn");
    assert!(nines.contains("Shown are 12 of 14 points; the table has all."), "{nines}");
    assert!(page.contains("differs: interval with 200 subscribers, stock-ticker with 50."), "{page}");
}
