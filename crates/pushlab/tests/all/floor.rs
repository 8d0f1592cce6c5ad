//! Trials of the floor: its records must be like those of any other server, with all ledgers equal.
#![cfg(target_os = "linux")]

use contract::{Pattern, ServerName, TrialRecord};

use crate::lab::{Lab, records, summary};

const SUBSCRIBERS: u64 = 20;

fn judged(lab: &Lab) -> Vec<TrialRecord> {
    records(&lab.only_run()).into_iter().filter(|record| record.scenario != "calibration").collect()
}

#[test]
fn every_ledger_of_a_floor_trial_agrees() {
    let lab = Lab::new();
    let changes = [
        ("patterns", r#"["short-polling", "long-polling", "sse", "websocket"]"#),
        ("servers", r#"["pushlab", "floor"]"#),
        ("subscribers", "20"),
        ("hold", "\"300ms\""),
        ("measure", "\"2s\""),
        (
            "[events]",
            "arrivals = \"bursts\"\nburst_events = 5\nevent_spacing = \"20ms\"\nburst_every = \"900ms\"",
        ),
    ];
    lab.scenario("both", &changes);
    lab.run(&["bench", "both"]).exits(0);
    assert_eq!(summary(&lab.only_run())["run"]["verdict"], "passed");
    let records = judged(&lab);
    assert_eq!(records.len(), 8);
    for pattern in Pattern::ALL {
        let of = |name: &str| {
            let found =
                records.iter().find(|record| record.pattern == pattern && record.server.as_str() == name);
            found.unwrap().measurements().unwrap_or_else(|| panic!("{pattern} of {name} failed"))
        };
        let (floor, real) = (of(ServerName::FLOOR), of(ServerName::PUSHLAB));
        assert!(floor.delivery.expected > 5 * SUBSCRIBERS, "{pattern}");
        for measured in [floor, real] {
            let delivery = &measured.delivery;
            assert_eq!(delivery.received, delivery.expected, "{pattern}");
            assert_eq!((delivery.lost, delivery.duplicated, delivery.reordered), (0, 0, 0), "{pattern}");
            assert_eq!(Some(measured.requests.life), measured.server_requests_life, "{pattern}");
            assert_eq!((measured.requests.failed, measured.requests.reconnects), (0, 0), "{pattern}");
            let (life, computed) = (&measured.bytes_life, measured.computed_life.unwrap());
            assert_eq!((computed.received, computed.sent), (life.received, life.sent), "{pattern}: by rule");
            // A hold may end at the moment when the subscribers disconnect.
            let of_server = measured.server_bytes_life.unwrap().total() as f64 / life.total() as f64;
            assert!((of_server - 1.0).abs() <= 0.01, "{pattern}: the server's sockets say {of_server} of it");
            assert_eq!(measured.sockets_held, SUBSCRIBERS as f64, "{pattern}");
            assert!(measured.cpu.server_us > 0.0 && measured.warnings.is_empty(), "{:?}", measured.warnings);
        }
        // The same payload, and the same number of requests unless a clock decides their number.
        assert_eq!(floor.bytes_life.payload, real.bytes_life.payload, "{pattern}");
        if matches!(pattern, Pattern::Sse | Pattern::WebSocket) {
            assert_eq!(floor.requests.life, SUBSCRIBERS, "{pattern}");
        }
        if pattern == Pattern::LongPolling {
            assert!(floor.requests.window_empty > 0, "holds end in the gaps between bursts");
        }
    }
}

/// With a growing rate the costs are read every second.
#[test]
fn a_ramp_has_its_cpu_time_by_second() {
    let lab = Lab::new();
    let changes = [
        ("servers", r#"["pushlab", "floor"]"#),
        ("warm_up", "\"1s\""),
        ("measure", "\"3s\""),
        ("[events]", "arrivals = \"ramp\"\nfrom_hz = 10.0\nto_hz = 200.0"),
    ];
    lab.scenario("rising", &changes);
    lab.run(&["bench", "rising"]).exits(0);
    let records = judged(&lab);
    assert_eq!(records.len(), 2);
    for record in records {
        let measured = record.measurements().unwrap();
        let seconds = &measured.cpu_seconds;
        let numbers: Vec<u32> = seconds.iter().map(|second| second.second).collect();
        assert_eq!(numbers, [0, 1, 2, 3], "{}", record.server);
        for second in seconds {
            // A busy machine reads late, and then the next interval is shorter.
            assert!(second.wall_us > 0.0 && second.server_us > 0.0 && second.harness_us > 0.0, "{second:?}");
        }
        let wall_us: f64 = seconds.iter().map(|second| second.wall_us).sum();
        assert!((wall_us / 4e6 - 1.0).abs() < 0.5, "together the whole schedule: {wall_us}");
    }
}

#[test]
fn an_ordinary_trial_has_no_seconds() {
    let lab = Lab::new();
    lab.scenario("steady", &[]);
    lab.run(&["bench", "steady"]).exits(0);
    assert!(judged(&lab)[0].measurements().unwrap().cpu_seconds.is_empty());
}

#[test]
fn the_floor_says_what_it_needs() {
    let lab = Lab::new();
    for arguments in
        [&["serve", "--floor"][..], &["serve", "--floor", "--pattern=sse", "--pattern=websocket"]]
    {
        let said = lab.run(arguments).exits(1);
        assert!(said.stderr.contains("exactly one pattern"), "{}", said.stderr);
    }
    lab.scenario(
        "fresh",
        &[("patterns", r#"["long-polling"]"#), ("servers", r#"["floor"]"#), ("keep_alive", "false")],
    );
    let said = lab.run(&["bench", "fresh"]).exits(2);
    assert!(said.stderr.contains("keep_alive"), "{}", said.stderr);
}
