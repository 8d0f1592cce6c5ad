//! The same trials over HTTP/1.1 in clear, HTTP/1.1 in TLS, and HTTP/2: all events arrive, and the counts of
//! subscribers, server and kernel agree. And the effect of certificates and stream limits on a trial.

use std::sync::OnceLock;

use contract::{Measurements, Outcome, Pattern, Transport, TrialRecord, Warning};

use crate::lab::{Lab, process::Running, records};

const SUBSCRIBERS: u64 = 3;
const FOUR: (&str, &str) = ("patterns", r#"["short-polling", "long-polling", "sse", "websocket"]"#);
const CHANGES: [(&str, &str); 6] = [
    ("poll_interval", "\"60ms\""),
    ("hold", "\"600ms\""),
    // Long enough for the last holds to end and for their answers to be read.
    ("drain", "\"700ms\""),
    ("delivery_delay", "\"150ms\""),
    ("measure", "\"2s\""),
    ("[events]", "arrivals = \"steady\"\nrate_hz = 4.0"),
];
/// Due from 125 ms on, every 250 ms, before 2.2 s.
const EVENTS: u64 = 9;

fn with<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    [&CHANGES[..], more].concat()
}

/// All patterns over all transports, both kinds of polls with a fresh connection each time in TLS, and
/// twenty subscribers on one connection.
fn the_records() -> &'static [TrialRecord] {
    static RECORDS: OnceLock<Vec<TrialRecord>> = OnceLock::new();
    RECORDS.get_or_init(|| {
        // Three runs at a time: most of a trial is waiting.
        let labs = [Lab::alone(), Lab::alone(), Lab::alone()];
        let three = ("subscribers", "3");
        for lab in &labs {
            for transport in Transport::ALL {
                let name = format!("\"{transport}\"");
                lab.scenario(transport.slug(), &with(&[FOUR, three, ("transport", &name)]));
            }
            let polling = ("patterns", r#"["short-polling", "long-polling"]"#);
            let encrypted = ("transport", "\"http1-tls\"");
            lab.scenario("fresh", &with(&[polling, three, encrypted, ("keep_alive", "false")]));
            let one = ("streams_per_connection", "100");
            lab.scenario("shared", &with(&[FOUR, ("subscribers", "20"), ("transport", "\"http2\""), one]));
        }
        let runs: [&[&str]; 3] =
            [&["bench", "http1", "shared"], &["bench", "http1-tls", "fresh"], &["bench", "http2"]];
        let started = [0, 1, 2].map(|run| Running::start(labs[run].command(runs[run])));
        for run in started {
            run.finish();
        }
        labs.iter().flat_map(|lab| records(&lab.only_run())).collect()
    })
}

fn measured(record: &TrialRecord) -> &Measurements {
    record.measurements().unwrap_or_else(|| panic!("{:?}", record.outcome))
}

fn what(record: &TrialRecord) -> String {
    format!("{} {} {}", record.scenario, record.pattern, record.params.transport)
}

fn judged() -> impl Iterator<Item = &'static TrialRecord> {
    the_records().iter().filter(|record| record.scenario != "calibration")
}

#[test]
fn nothing_is_lost_and_nothing_is_younger_than_it_can_be() {
    assert_eq!(judged().count(), 12 + 2 + 4);
    for record in judged() {
        let (measured, what) = (measured(record), what(record));
        let expected = u64::from(record.params.subscribers) * EVENTS;
        assert_eq!((measured.delivery.expected, measured.delivery.received), (expected, expected), "{what}");
        assert_eq!((measured.delivery.lost, measured.delivery.duplicated), (0, 0), "{what}");
        assert_eq!(measured.delivery.reordered, 0, "{what}");
        assert_eq!((measured.requests.failed, measured.never_connected), (0, 0), "{what}");
        // The server holds each event back for this time.
        let youngest_us = measured.age.arrived.histogram().unwrap().quantile_us(0.0);
        assert!(youngest_us >= 149_000, "{what}: {youngest_us} us");
    }
}

#[test]
fn every_way_is_calibrated_by_itself() {
    let calibrations: Vec<_> =
        the_records().iter().filter(|record| record.scenario == "calibration").collect();
    // Three subscribers over each transport, and twenty over HTTP/2.
    assert_eq!(calibrations.len(), 4 * 3 + 4);
    for record in judged() {
        let of_its_way = |calibration: &&&TrialRecord| {
            let of =
                |record: &TrialRecord| (record.pattern, record.params.transport, record.params.subscribers);
            of(calibration) == of(record)
        };
        let its = calibrations.iter().find(of_its_way).unwrap();
        assert_eq!(record.calibration, its.calibration, "{}", what(record));
        assert!(record.calibration.is_some(), "{}", what(record));
    }
}

#[test]
fn subscribers_and_server_count_the_same_requests_and_bytes() {
    for record in the_records() {
        let (measured, what) = (measured(record), what(record));
        assert_eq!(Some(measured.requests.life), measured.server_requests_life, "{what}");
        let stream = measured.bytes_life;
        let of_server = measured.server_bytes_life.unwrap().total() as f64 / stream.total() as f64;
        // The server sends TLS close alerts to subscribers that disconnected without one.
        assert!((of_server - 1.0).abs() <= 0.01, "{what}: the server's sockets say {of_server} of it");
        let parts = stream.payload + stream.headers + stream.empty_polls;
        assert!(parts > stream.payload && parts <= stream.total(), "{what}: {stream:?}");
        // The sizes of TLS records and compressed headers are not computed.
        assert_eq!(measured.computed_life.is_some(), record.params.transport == Transport::Http1, "{what}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn the_kernel_counts_what_tls_sends() {
    for record in the_records() {
        let (measured, what) = (measured(record), what(record));
        let (life, stream) = (measured.kernel_life.unwrap(), measured.bytes_life);
        assert_eq!(life.bytes_received - life.bytes_unread, stream.received, "{what}");
        // The last request of a long poll may not have been acknowledged.
        assert_eq!(life.bytes_acked + life.bytes_unacked, stream.sent, "{what}");
        let set_up = measured.set_up.unwrap();
        assert_eq!(set_up.subscribers, u64::from(record.params.subscribers), "{what}");
        assert!(set_up.bytes > 0 && set_up.bytes < stream.total(), "{what}");
    }
}

/// A handshake takes more bytes than its certificate, and the certificate more than a request in clear.
#[test]
fn setting_up_in_tls_takes_more_and_polls_of_http_2_have_the_shortest_heads() {
    let of = |pattern: Pattern, transport: Transport| {
        let named = |record: &&TrialRecord| record.scenario == transport.slug() && record.pattern == pattern;
        measured(judged().find(named).unwrap())
    };
    for pattern in Pattern::ALL {
        let bytes = |transport| of(pattern, transport).set_up.unwrap().bytes;
        let in_clear = bytes(Transport::Http1);
        for transport in [Transport::Http1Tls, Transport::Http2] {
            assert!(bytes(transport) > in_clear + 500 * SUBSCRIBERS, "{pattern} {transport}");
        }
    }
    // For each poll: the number of polls in the window depends on how busy the machine is.
    let heads = |transport| {
        let found = of(Pattern::LongPolling, transport);
        found.bytes.headers as f64 / found.requests.window as f64
    };
    assert!(heads(Transport::Http2) < heads(Transport::Http1), "compressed");
    assert!(heads(Transport::Http1) < heads(Transport::Http1Tls), "in records");
}

#[test]
fn twenty_subscribers_on_one_connection_are_one_connection() {
    for record in judged().filter(|record| record.scenario == "shared") {
        let (measured, what) = (measured(record), what(record));
        assert_eq!(measured.sockets_held, 1.0, "{what}");
        assert_eq!(measured.requests.reconnects, 0, "{what}");
        if let Some(life) = measured.kernel_life {
            assert_eq!(life.connections, 1, "{what}");
        }
        let warnings = &measured.warnings;
        let shared = |warning: &Warning| matches!(warning, Warning::SharedConnections { .. });
        assert!(warnings.iter().any(shared), "{what}: {warnings:?}");
    }
}

#[test]
fn a_fresh_connection_for_every_poll_pays_for_a_handshake_each() {
    for record in judged().filter(|record| record.scenario == "fresh") {
        let (measured, what) = (measured(record), what(record));
        let opened = SUBSCRIBERS + measured.requests.reconnects;
        // A connection that was being opened at the end may not have sent a request.
        let unasked = opened.checked_sub(measured.requests.life);
        assert!(
            unasked.is_some_and(|unasked| unasked <= SUBSCRIBERS),
            "{what}: {opened} opened, {unasked:?}"
        );
        assert!(measured.bytes_life.headers > 500 * opened, "{what}");
    }
}

#[test]
fn a_certificate_that_cannot_be_trusted_fails_the_trial_with_the_reason() {
    let lab = Lab::new();
    let encrypted = ("transport", "\"http1-tls\"");
    lab.scenario("expired", &[("transport", "\"http2\""), ("certificate", "\"expired\"")]);
    lab.scenario("other-host", &[encrypted, ("certificate", "\"other-host\"")]);
    lab.run(&["bench", "expired", "other-host"]).exits(1);
    let records = records(&lab.only_run());
    for (name, reason) in [
        ("expired", "TLS: the certificate has expired"),
        ("other-host", "TLS: the certificate is not for 127.0.0.1"),
    ] {
        let record = records.iter().find(|record| record.scenario == name).unwrap();
        let Outcome::Failed { reason: reported, .. } = &record.outcome else {
            panic!("{:?}", record.outcome)
        };
        assert_eq!(reported, &format!("only 0 of 2 subscribers could connect: {reason}"));
    }
}

#[test]
fn who_is_beyond_the_limit_of_streams_never_connects_and_the_others_do() {
    let lab = Lab::new();
    let limit = [("subscribers", "5"), ("streams_per_connection", "5"), ("max_streams", "3")];
    lab.scenario("limit", &[&limit[..], &[("transport", "\"http2\"")]].concat());
    lab.run(&["bench", "limit"]);
    let records = records(&lab.only_run());
    let measured = measured(records.iter().find(|record| record.scenario == "limit").unwrap());
    assert_eq!(measured.never_connected, 2);
    assert_eq!(measured.delivery.received * 5, measured.delivery.expected * 3);
    assert_eq!((measured.requests.life, measured.requests.failed), (3, 0), "the others have asked nothing");
    assert_eq!(measured.server_requests_life, Some(3));
}
