//! Trials through a middlebox: delayed bytes are never early, passed bytes are complete, and its costs are in
//! no other process's figures.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::{Command, Stdio},
    sync::OnceLock,
};

use contract::{
    BothWays, DirectionCounts, Measurements, Outcome, Pattern, RelayAnnouncement, RelayCounts, TraceEvent,
    TrialRecord,
};

use crate::lab::{
    Lab, PATIENCE, PUSHLAB,
    process::{Running, Serving, children_of, signal},
    records, summary, until,
};

const SUBSCRIBERS: u64 = 3;
const ALL: (&str, &str) = ("patterns", r#"["short-polling", "long-polling", "sse", "websocket"]"#);

/// All patterns with a round trip of 20 ms and jitter, and with one of 300 ms.
fn the_records() -> &'static [TrialRecord] {
    static RECORDS: OnceLock<Vec<TrialRecord>> = OnceLock::new();
    RECORDS.get_or_init(|| {
        let lab = Lab::new();
        let behind = |name: &str, events: &str| {
            lab.scenario(
                name,
                &[
                    ALL,
                    ("subscribers", "3"),
                    ("poll_interval", "\"450ms\""),
                    ("hold", "\"300ms\""),
                    ("measure", "\"2s\""),
                    ("[events]", events),
                ],
            );
        };
        behind(
            "near",
            "arrivals = \"steady\"\nrate_hz = 5.0\n[network]\njitter = \"3ms\"\n[sweep]\nrtt = [\"20ms\"]",
        );
        behind("far", "arrivals = \"steady\"\nrate_hz = 5.0\n[sweep]\nrtt = [\"300ms\"]");
        lab.run(&["bench", "near", "far"]);
        records(&lab.only_run())
    })
}

/// The judged trials with their round trips in microseconds.
fn judged() -> impl Iterator<Item = (u64, Pattern, &'static Measurements)> {
    the_records().iter().filter(|record| record.scenario != "calibration").map(|record| {
        let rtt_us = (record.params.rtt_ms.unwrap() * 1e3) as u64;
        let measured = record.measurements();
        (rtt_us, record.pattern, measured.unwrap_or_else(|| panic!("{:?}", record.outcome)))
    })
}

#[test]
fn nothing_is_delivered_before_half_a_round_trip() {
    assert_eq!(judged().count(), 8);
    for (rtt_us, pattern, measured) in judged() {
        assert_eq!(measured.delivery.lost, 0, "{pattern} at {rtt_us} us");
        assert_eq!(measured.delivery.received, measured.delivery.expected, "{pattern} at {rtt_us} us");
        let youngest_us = measured.age.arrived.histogram().unwrap().quantile_us(0.0);
        // The histogram keeps three digits.
        assert!(youngest_us * 1_000 >= rtt_us / 2 * 998, "{pattern} at {rtt_us} us: {youngest_us} us");
        let fastest_us = measured.connect.histogram().unwrap().quantile_us(0.0);
        assert!(fastest_us * 1_000 >= 2 * rtt_us * 998, "{pattern}: set up in {fastest_us} us");
    }
}

/// A direction in which all bytes arrived.
fn passed(bytes: u64) -> DirectionCounts {
    DirectionCounts { taken: bytes, delivered: bytes, ..DirectionCounts::default() }
}

#[test]
fn the_ledgers_of_harness_server_and_middlebox_agree() {
    for (rtt_us, pattern, measured) in judged() {
        let what = format!("{pattern} at {rtt_us} us");
        let relay = measured.relay.unwrap();
        assert_eq!(measured.server_requests_life, Some(measured.requests.life), "{what}");
        assert_eq!(
            measured.server_bytes_life.map(BothWays::total),
            Some(measured.bytes_life.total()),
            "{what}"
        );
        let expected = RelayCounts {
            relayed: SUBSCRIBERS,
            up: passed(measured.bytes_life.sent),
            down: passed(measured.bytes_life.received),
            ..RelayCounts::default()
        };
        assert_eq!(relay.counts, expected, "{what}");
        assert!(relay.cpu_us > 0.0, "{what}");
    }
}

#[test]
fn long_polling_asks_again_after_every_answer() {
    for (rtt_us, pattern, measured) in judged() {
        match pattern {
            Pattern::LongPolling => assert!(measured.requests.window >= 4, "at {rtt_us} us"),
            Pattern::ShortPolling | Pattern::Sse | Pattern::WebSocket => {}
        }
    }
}

#[test]
fn trials_behind_a_middlebox_are_calibrated_behind_one_without_its_delay() {
    let calibrations: Vec<_> =
        the_records().iter().filter(|record| record.scenario == "calibration").collect();
    assert_eq!(calibrations.len(), 4);
    for record in calibrations {
        assert_eq!(record.params.rtt_ms, Some(0.0), "{}", record.pattern);
        assert!(record.measurements().unwrap().relay.is_some());
    }
}

/// The use of a request timeout: a black hole reports no error to a subscriber.
#[test]
fn polls_get_through_a_black_hole_because_they_are_given_up_and_streams_do_not() {
    let lab = Lab::new();
    lab.scenario(
        "swallowed",
        &[
            ALL,
            ("hold", "\"150ms\""),
            ("request_timeout", "\"300ms\""),
            ("measure", "\"2s\""),
            ("drain", "\"3s\""),
            ("[events]", "arrivals = \"steady\"\nrate_hz = 20.0\n[network]\nblack_hole_after = \"500ms\""),
        ],
    );
    lab.run(&["bench", "swallowed"]);
    let records = records(&lab.only_run());
    let judged = records.iter().filter(|record| record.scenario != "calibration");
    for record in judged {
        let measured = record.measurements().unwrap_or_else(|| panic!("{:?}", record.outcome));
        let (pattern, delivery, requests) = (record.pattern, measured.delivery, measured.requests);
        let words = match pattern {
            Pattern::ShortPolling => "no answer within 0.3 s",
            Pattern::LongPolling => "no answer within 0.45 s",
            Pattern::Sse | Pattern::WebSocket => {
                assert!(delivery.lost > 0, "{pattern}: {delivery:?}");
                assert_eq!((requests.failed, requests.reconnects), (0, 0), "{pattern}: they met no error");
                continue;
            }
        };
        assert_eq!((delivery.received, delivery.lost), (delivery.expected, 0), "{pattern}");
        assert_eq!((delivery.duplicated, delivery.reordered), (0, 0), "{pattern}");
        // At the end one of the two subscribers may be about to reconnect.
        assert!(requests.reconnects > 0, "{pattern}: {requests:?}");
        assert!((0..=2).contains(&(requests.failed - requests.reconnects)), "{pattern}: {requests:?}");
        let [error_count] = &measured.error_counts[..] else {
            panic!("{pattern}: {:?}", measured.error_counts)
        };
        assert_eq!(
            (error_count.what.as_str(), error_count.times, error_count.is_final),
            (words, requests.failed, false)
        );
        assert_eq!(measured.computed_life.unwrap().sent, measured.bytes_life.sent, "{pattern}");
        // Requests within the black hole never arrived; those that were held when it began did.
        assert!(measured.server_requests_life <= Some(requests.life), "{pattern}");
    }
}

/// The median gap between two arrivals at the traced subscriber, and the median age, in milliseconds.
fn gap_and_age_ms(measured: &Measurements) -> (f64, f64) {
    let arrived: Vec<i64> = measured
        .trace
        .iter()
        .filter_map(|event| if let TraceEvent::Delivered { at_ns, .. } = event { Some(*at_ns) } else { None })
        .collect();
    let mut gaps: Vec<i64> = arrived.windows(2).map(|pair| pair[1] - pair[0]).collect();
    gaps.sort_unstable();
    let age_us = measured.age.arrived.histogram().unwrap().quantile_us(0.5);
    (gaps[gaps.len() / 2] as f64 * 1e-6, age_us as f64 * 1e-3)
}

/// c8s issue 140: behind a buffer the gaps between arrivals shrink, so a tool that measures gaps calls it
/// faster. The ages here are from each event's own stamp.
#[test]
fn behind_a_buffer_gaps_shrink_and_ages_grow() {
    let lab = Lab::new();
    lab.scenario(
        "buffered",
        &[(
            "[events]",
            "arrivals = \"steady\"\nrate_hz = 20.0\n[sweep]\nnetwork = [{}, { buffer = { bytes = 1500, \
             pause = \"5s\" } }]",
        )],
    );
    lab.run(&["bench", "buffered"]);
    let run = lab.only_run();
    let records = records(&run);
    let of = |has_buffer: bool| {
        let is_it = |record: &&TrialRecord| {
            record.scenario != "calibration"
                && record.params.network.is_some_and(|network| network.buffer.is_some() == has_buffer)
        };
        gap_and_age_ms(records.iter().find(is_it).unwrap().measurements().unwrap())
    };
    let ((clear_gap_ms, clear_age_ms), (held_gap_ms, held_age_ms)) = (of(false), of(true));
    assert!((40.0..60.0).contains(&clear_gap_ms), "an event every 50 ms: {clear_gap_ms}");
    assert!(held_gap_ms < 5.0, "several at once: {held_gap_ms}");
    assert!(held_age_ms > clear_age_ms + 50.0, "{clear_age_ms} and {held_age_ms}");
    let summary = summary(&run).to_string();
    assert!(summary.contains("age_p50_ms") && !summary.contains("gap"), "no gap is a quantity");
}

#[test]
fn a_middlebox_that_dies_fails_its_trial_and_the_next_one_still_runs() {
    let lab = Lab::new();
    lab.scenario(
        "relayed",
        &[("[events]", "arrivals = \"steady\"\nrate_hz = 40.0\n[network]\nrtt = \"2ms\"")],
    );
    let bench = Running::start(lab.command(&["bench", "relayed"]));
    bench.publishing_server(&[]);
    let middlebox = until("a middlebox", || children_of(bench.pid(), "middlebox").first().copied());
    signal(middlebox, "KILL");
    bench.finish().exits(1);
    let records = records(&lab.only_run());
    let Outcome::Failed { reason, .. } = &records[0].outcome else { unreachable!("not failed") };
    assert!(reason.starts_with("the middlebox ended during the trial"), "{reason}");
    assert!(records[1].measurements().is_some(), "{:?}", records[1].outcome);
}

#[test]
fn the_program_relays_announces_itself_and_tells_what_it_counted() {
    let server = Serving::start(&[]);
    let to = server.announcement.data.to_string();
    let mut child = Command::new(PUSHLAB)
        .args(["middlebox", "--to", &to, "--rtt", "10ms", "--until-stdin-closes"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let stdin = child.stdin.take();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    let announcement: RelayAnnouncement = serde_json::from_str(&line).unwrap();
    assert_eq!(announcement.pid, child.id());

    let mut stream = TcpStream::connect(announcement.listen).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let request = b"GET /clock HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    stream.write_all(request).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");

    drop(stdin);
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    let counts: RelayCounts = serde_json::from_str(&rest).unwrap();
    let expected = (1, request.len() as u64, answer.len() as u64);
    assert_eq!((counts.relayed, counts.up.taken, counts.down.delivered), expected);
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_middlebox_without_descriptors_says_so_and_does_not_blame_the_server() {
    let lab = Lab::new();
    let server = Serving::start(&[]);
    let to = server.announcement.data.to_string();
    let arguments = ["middlebox", "--to", &to, "--until-stdin-closes"];
    let mut command = lab.command_after("ulimit -n 40", &arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let stdin = child.stdin.take();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    let announcement: RelayAnnouncement = serde_json::from_str(&line).unwrap();
    let _streams: Vec<_> = (0..60).map(|_| TcpStream::connect(announcement.listen).unwrap()).collect();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut reported = String::new();
    stderr.read_line(&mut reported).unwrap();
    assert!(reported.contains("Too many open files") && reported.contains("ulimit -n"), "{reported}");

    drop(stdin);
    let (mut rest, mut more) = (String::new(), String::new());
    stdout.read_to_string(&mut rest).unwrap();
    stderr.read_to_string(&mut more).unwrap();
    let counts: RelayCounts = serde_json::from_str(&rest).unwrap();
    assert_eq!((counts.unreachable, more.as_str()), (0, ""), "reported once, and without blaming others");
    assert!(child.wait().unwrap().success());
}

#[test]
fn an_address_that_cannot_be_is_told_in_words() {
    let lab = Lab::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    lab.run(&["middlebox", "--to", "127.0.0.1:1", "--listen", &address]).exits(1).complains(&[
        &address,
        "taken by another process",
        "port 0",
    ]);
    lab.run(&["middlebox", "--to", "192.0.2.1:80"]).exits(1).complains(&["192.0.2.1:80 is not on loopback"]);
    for (option, value, word) in [
        ("--rtt", "50", "with its unit"),
        ("--buffer", "4096", "4096,500ms"),
        ("--connections", "0", "1.."),
        ("--tcp-maxseg", "1", "536"),
    ] {
        lab.run(&["middlebox", "--to", "127.0.0.1:1", option, value]).exits(2).complains(&[word]);
    }
}
