//! Every obstacle with every pattern, in short trials: behind each obstacle the parts of the bytes add up to
//! the total, and the counts of the middlebox explain all bytes that one side sent and the other did not get.

use std::thread;

use contract::{Measurements, Pattern, TrialRecord};

use crate::lab::{Lab, records, summary};

const POLLS: &str = r#"["short-polling", "long-polling"]"#;
const PUSHES: &str = r#"["sse", "websocket"]"#;

/// Obstacles that end connections: the subscribers of streams need some seconds to reconnect.
const ENDING: &str = r#"{ idle_timeout = "100ms" }, { cut_after = "900ms" }, { cut_after_bytes = 900 }"#;
/// The other obstacles.
const OTHER: &str = r#"{}, { buffer = { bytes = 2048, pause = "300ms" } }, { refuse_upgrade = true },
    { connections = 2 }, { black_hole_after = "900ms" }, { bytes_per_second = 2000 }"#;
/// Obstacles that also work on encrypted connections.
const UNREADABLE: &str = r#"{ idle_timeout = "100ms" }, { buffer = { bytes = 2048, pause = "300ms" } },
    { cut_after = "900ms" }, { black_hole_after = "900ms" }"#;

/// Trials that run concurrently: a name, patterns, transport, seconds, obstacles.
const RUNS: [(&str, &str, &str, &str, &str); 9] = [
    ("polls-end", POLLS, "http1", "1500ms", ENDING),
    ("sse-ends", r#"["sse"]"#, "http1", "4s", ENDING),
    ("websocket-ends", r#"["websocket"]"#, "http1", "4s", ENDING),
    ("polls", POLLS, "http1", "1s", OTHER),
    ("pushes", PUSHES, "http1", "1s", OTHER),
    ("polls-tls", POLLS, "http1-tls", "1s", UNREADABLE),
    ("pushes-tls", PUSHES, "http1-tls", "1s", UNREADABLE),
    ("polls-http2", POLLS, "http2", "1s", UNREADABLE),
    ("pushes-http2", PUSHES, "http2", "1s", UNREADABLE),
];

/// The records of a run without the calibration, and the invalid points of its report.
fn run(lab: &Lab, (name, patterns, transport, measure, obstacles): (&str, &str, &str, &str, &str)) -> Run {
    let [transport, measure] = [transport, measure].map(|text| format!("\"{text}\""));
    lab.scenario(
        name,
        &[
            ("patterns", patterns),
            ("subscribers", "4"),
            ("poll_interval", "\"150ms\""),
            ("hold", "\"400ms\""),
            ("transport", &transport),
            ("measure", &measure),
            ("[events]", &format!("arrivals = \"steady\"\nrate_hz = 4.0\n[sweep]\nnetwork = [{obstacles}]")),
        ],
    );
    lab.run(&["bench", name]);
    let folder = lab.only_run();
    let reported = summary(&folder);
    let invalid = reported["points"].as_array().unwrap().iter().filter_map(|point| {
        let reasons = (point["valid"] == false).then_some(&point["warnings"])?;
        Some(format!("{name}, {} {}: {reasons:?}", point["pattern"], point["params"]["network"]))
    });
    let judged = records(&folder).into_iter().filter(|record| record.scenario != "calibration");
    Run { records: judged.collect(), invalid: invalid.collect() }
}

struct Run {
    records: Vec<TrialRecord>,
    invalid: Vec<String>,
}

/// One side sent what the other got, within 1 %, except bytes that a reset side may or may not have got.
fn assert_balanced(what: &str, sent: u64, got: u64, unacknowledged: u64) {
    let one_percent = sent.max(got) / 100;
    assert!(got <= sent + one_percent, "{what}: {got} of {sent}");
    assert!(got + unacknowledged + one_percent >= sent, "{what}: {got} and {unacknowledged} of {sent}");
}

fn check(what: &str, of: &Measurements) {
    let relay = of.relay.unwrap().counts;
    for way in [relay.up, relay.down] {
        assert_eq!(way.taken + way.made, way.delivered + way.discarded + way.held, "{what}: {way:?}");
    }
    let (life, server) = (of.bytes_life, of.server_bytes_life.unwrap());
    let left = of.left_behind.unwrap();
    let balanced = |stretch: &str, sent, got, unacknowledged| {
        assert_balanced(&format!("{what}, {stretch}"), sent, got, unacknowledged);
    };
    balanced("up to the middlebox", life.sent, relay.up.taken + relay.up.unread, left.unacknowledged);
    balanced("up to the server", relay.up.delivered, server.sent, relay.up.unacknowledged);
    balanced("down to the middlebox", server.received, relay.down.taken + relay.down.unread, 0);
    let arrived = life.received + left.unread;
    balanced("down to the subscribers", relay.down.delivered, arrived, relay.down.unacknowledged);

    let parts = life.payload + life.headers + life.empty_polls;
    assert!(parts <= life.total(), "{what}: {life:?}");
    let window = of.bytes;
    let parts = window.payload + window.headers + window.empty_polls;
    let edges = of.bytes_under_way + window.total() / 100;
    assert!(parts <= window.total() + edges, "{what}: {window:?}, {} under way", of.bytes_under_way);
    if let Some(computed) = of.computed_life {
        let computed = computed.total() + of.broken_off_life;
        assert_balanced(&format!("{what}, computed"), life.total(), computed, 0);
    }
    if let Some(kernel) = of.kernel_life {
        assert_balanced(&format!("{what}, kernel"), life.total(), kernel.bytes(), 0);
    }
    let missing = of.requests.life - of.server_requests_life.unwrap();
    let lost = relay.up.broken + left.unheard + left.unsent_requests;
    if !what.contains("http2") {
        assert!(missing <= lost, "{what}: {missing} requests, {lost} explained");
    }
}

#[test]
fn behind_every_obstacle_parts_add_up_and_the_books_balance() {
    let labs = RUNS.map(|_| Lab::alone());
    let runs: Vec<Run> = thread::scope(|scope| {
        let orders = labs.iter().zip(RUNS);
        let started: Vec<_> = orders.map(|(lab, order)| scope.spawn(move || run(lab, order))).collect();
        started.into_iter().map(|run| run.join().unwrap()).collect()
    });
    let records: Vec<&TrialRecord> = runs.iter().flat_map(|run| &run.records).collect();
    assert_eq!(records.len(), Pattern::ALL.len() * (3 + 6 + 2 * 4));
    let invalid: Vec<&String> = runs.iter().flat_map(|run| &run.invalid).collect();
    for record in records {
        let network = serde_json::to_string(&record.params.network).unwrap();
        let what = format!("{} over {} behind {network}", record.pattern, record.params.transport);
        let of = record.measurements().unwrap_or_else(|| panic!("{what}: {:?}", record.outcome));
        check(&what, of);
    }
    assert!(invalid.is_empty(), "{invalid:#?}");
}
