//! Costs per event: per delivery that arrived within the window, absent with a reason if none did, and CPU only
//! if enough did.

use contract::{KernelCounts, Manifest, Measurements, Pattern, TrialRecord};
use report::{Findings, QuantityName, ThresholdOutcome, Verdict};

use crate::{
    synthetic::{change, manifest, params, record, scenario, server_trials},
    written::{content, findings_of},
};

const PER_EVENT: [QuantityName; 10] = [
    QuantityName::RequestsPerEvent,
    QuantityName::BytesPerEvent,
    QuantityName::PayloadBytesPerEvent,
    QuantityName::FramingBytesPerEvent,
    QuantityName::HeaderBytesPerEvent,
    QuantityName::EmptyPollBytesPerEvent,
    QuantityName::PacketsPerEvent,
    QuantityName::CpuPerEvent,
    QuantityName::SubscriberCpuPerEvent,
    QuantityName::WakeupsPerEvent,
];

const NONE_ARRIVED: &str = "no event arrived within the window";
const TOO_FEW: &str =
    "fewer than 1,000 deliveries a second: the process's own idle work would be divided among them";

/// SSE as it is, and WebSocket changed; 1,500 deliveries are due in the window of each.
fn run(thresholds: &[&str], by: impl Fn(&mut Measurements)) -> (Manifest, Vec<TrialRecord>) {
    let patterns = [Pattern::Sse, Pattern::WebSocket];
    let mut question = scenario("ticker", "Who is first?", &patterns);
    question.thresholds = thresholds.iter().map(|text| (*text).to_owned()).collect();
    let records = patterns.map(|pattern| {
        let mut trial = record("ticker", pattern, params(pattern, 1_000.0, 50), 0);
        change(&mut trial, |measured| {
            measured.kernel_window =
                Some(KernelCounts { segments_received: 3_000, ..KernelCounts::default() });
            if pattern == Pattern::WebSocket {
                by(measured);
            }
        });
        trial
    });
    (manifest(vec![question], &["a1b2c3d4e5f60718"], 2), records.to_vec())
}

fn measured(findings: &Findings, name: QuantityName) -> Option<f64> {
    findings.scenarios[0].points[1].quantity_of(name).measured
}

/// Deliveries held back until after the window have ages, but no cost: their bytes came later.
#[test]
fn where_no_event_arrived_within_the_window_there_is_no_cost_per_event() {
    let keep = ["websocket.bytes_per_event < 1000", "websocket.age_p99_ms < 1000"];
    let found = findings_of(&run(&keep, |measured| {
        measured.window_received = 0;
        measured.bytes.payload = 0;
    }));
    assert_eq!(found.verdict, Verdict::Inconclusive, "{}", found.verdict_reason);
    let [sse, held] = &found.scenarios[0].points[..] else { panic!("two points") };
    for name in PER_EVENT {
        assert!(sse.quantity_of(name).measured.is_some(), "{name:?}");
        let quantity = held.quantity_of(name);
        assert_eq!((quantity.measured, quantity.warning.as_deref()), (None, Some(NONE_ARRIVED)), "{name:?}");
    }
    assert!(held.quantity_of(QuantityName::AgeP99).measured.is_some());
    let thresholds: Vec<_> = found.thresholds().map(|found| (found.outcome, found.reason.clone())).collect();
    let why = format!("bytes_per_event: {NONE_ARRIVED}");
    assert_eq!(thresholds[0], (ThresholdOutcome::Inconclusive, why));
    assert_eq!(thresholds[1].0, ThresholdOutcome::Passed);

    let files = report::render(&found);
    let json: serde_json::Value = serde_json::from_str(content(&files, "summary.json")).expect("JSON");
    for name in PER_EVENT {
        assert!(json["points"][1]["quantities"][name.key()]["measured"].is_null(), "{name:?}");
        let row = format!(",{},", name.key());
        let of_websocket = |line: &&str| line.contains(",websocket,") && line.contains(&row);
        assert_eq!(content(&files, "trials.csv").lines().find(of_websocket), None);
    }
    for path in ["report.html", "report.md"] {
        assert!(content(&files, path).contains(NONE_ARRIVED), "{path}");
    }
    let beneath = format!(" Without bytes per event: WebSocket; {NONE_ARRIVED}.");
    assert!(content(&files, "report.md").contains(&beneath), "beneath the bars of bytes");
    assert!(!content(&files, "figures/ticker-bytes.svg").contains("WebSocket"));
    let terminal = crate::written::terminal(&found);
    let line = format!("requests and bytes per event of WebSocket: {NONE_ARRIVED}\n");
    assert!(terminal.contains(&line), "{terminal}");
}

/// Of 1,500 due deliveries 600 arrive within the window, and 100 that were due before it.
#[test]
fn costs_are_those_of_what_arrived_within_the_window_whenever_it_was_due() {
    let found = findings_of(&run(&[], |measured| {
        measured.window_received = 700;
        measured.bytes = contract::ByteCounts { received: 98_000, payload: 70_000, ..measured.bytes };
        measured.bytes.sent = 7_000;
        measured.bytes.headers = 1_400;
        measured.requests.window = 1_400;
        measured.wakeups = 2_100;
    }));
    for (name, expected) in [
        (QuantityName::PayloadBytesPerEvent, 100.0),
        (QuantityName::BytesPerEvent, 150.0),
        (QuantityName::HeaderBytesPerEvent, 2.0),
        (QuantityName::FramingBytesPerEvent, 48.0),
        (QuantityName::RequestsPerEvent, 2.0),
        (QuantityName::WakeupsPerEvent, 3.0),
        (QuantityName::PacketsPerEvent, 3_000.0 / 700.0),
    ] {
        assert_eq!(measured(&found, name), Some(expected), "{name:?}");
    }
    let warnings = &found.scenarios[0].points[1].warnings;
    assert!(warnings.iter().all(|warning| !warning.contains("payload per event")), "{warnings:?}");
}

#[test]
fn one_block_without_an_arrival_leaves_the_point_without_a_cost() {
    let (mut manifest, trials) = run(&[], |_| ());
    manifest.blocks = vec![5];
    let mut records = crate::synthetic::in_blocks(&trials, 5, |block, pattern, measured| {
        if (block, pattern) == (2, Pattern::WebSocket) {
            measured.window_received = 0;
        }
    });
    manifest.trials_planned = 10;
    records.sort_by_key(|record| record.order);
    let found = findings_of(&(manifest, records));
    let bytes = found.scenarios[0].points[1].quantity_of(QuantityName::BytesPerEvent);
    let words = format!("{NONE_ARRIVED} in 1 of 5 blocks");
    assert_eq!((bytes.measured, bytes.warning.as_deref()), (None, Some(words.as_str())));
    assert!(found.comparisons().all(|found| found.quantity != QuantityName::BytesPerEvent));
}

/// 1,500 deliveries in 15 s are a hundred a second.
#[test]
fn cpu_per_event_is_left_out_where_few_arrive_a_second() {
    let keep = ["websocket.cpu_us_per_event < 1000", "websocket.subscriber_cpu_us_per_event < 1000"];
    let found = findings_of(&run(&keep, |measured| measured.cpu.wall_us = 15e6));
    let [sse, quiet] = &found.scenarios[0].points[..] else { panic!("two points") };
    for name in [QuantityName::CpuPerEvent, QuantityName::SubscriberCpuPerEvent] {
        assert!(sse.quantity_of(name).measured.is_some(), "{name:?}");
        let quantity = quiet.quantity_of(name);
        assert_eq!((quantity.measured, quantity.warning.as_deref()), (None, Some(TOO_FEW)), "{name:?}");
    }
    assert!(quiet.quantity_of(QuantityName::BytesPerEvent).measured.is_some());
    for threshold in found.thresholds() {
        assert_eq!(threshold.outcome, ThresholdOutcome::Inconclusive, "{threshold:?}");
        assert!(threshold.reason.ends_with(TOO_FEW), "{threshold:?}");
    }
    let files = report::render(&found);
    let json: serde_json::Value = serde_json::from_str(content(&files, "summary.json")).expect("JSON");
    assert!(json["points"][1]["quantities"]["cpu_us_per_event"]["measured"].is_null());
    for path in ["report.html", "report.md"] {
        assert!(content(&files, path).contains(TOO_FEW), "{path}");
    }
    assert!(found.comparisons().all(|found| found.quantity != QuantityName::CpuPerEvent));
}

/// A planned thousand deliveries a second may be a tenth fewer.
#[test]
fn chance_does_not_decide_whether_cpu_per_event_is_told() {
    let reported = |wall_us: f64| {
        let found = findings_of(&run(&[], |measured| measured.cpu.wall_us = wall_us));
        measured(&found, QuantityName::CpuPerEvent).is_some()
    };
    // 1,500 deliveries at 1,000, 901 and 899 a second.
    assert_eq!([1.5e6, 1.5e9 / 901.0, 1.5e9 / 899.0].map(reported), [true, true, false]);
    // The blocks of a point are taken together.
    let (mut manifest, trials) = run(&[], |_| ());
    manifest.blocks = vec![5];
    manifest.trials_planned = 10;
    let records = crate::synthetic::in_blocks(&trials, 5, |block, _, measured| {
        measured.cpu.wall_us = if block == 0 { 2.5e6 } else { 1.4e6 };
    });
    let found = findings_of(&(manifest, records));
    assert!(measured(&found, QuantityName::CpuPerEvent).is_some());
    let trials = report::render(&found);
    let rows = content(&trials, "trials.csv").lines().filter(|line| line.contains(",cpu_us_per_event,"));
    assert_eq!(rows.count(), 10);
}

#[test]
fn a_multiple_of_the_floor_is_inconclusive_where_its_cpu_is_left_out() {
    let (manifest, mut records) =
        server_trials(&["pushlab", "floor"], &["sse.cpu_us_per_event / floor <= 1.25"], 5);
    for record in &mut records {
        change(record, |measured| measured.cpu.wall_us = 15e6);
    }
    let found = findings_of(&(manifest, records));
    let threshold = found.thresholds().next().expect("one");
    assert_eq!(threshold.outcome, ThresholdOutcome::Inconclusive);
    assert_eq!(threshold.reason, format!("cpu_us_per_event of SSE: {TOO_FEW}"));
    assert!(found.comparisons().all(|found| found.quantity != QuantityName::CpuPerEvent));
}
