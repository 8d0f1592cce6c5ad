//! Two subscribers and three events, small enough to be computed by hand.

use contract::{Arrivals, Calibration, Heartbeat, PHASE_STEP, Pattern};
use model::{Prediction, bytes::HEARTBEAT_EVERY_S, long_polling, predict, short_polling, sse, websocket};

use crate::trial::{Trial, assert_within};

const EXACT: f64 = 1e-9;

const SHORT_POLL: &str = "GET /short-polling?after=k3v9qa.1 HTTP/1.1\r\nhost: 127.0.0.1:40000\r\nif-none-match: \"k3v9qa.1\"\r\n\r\n";
const SHORT_POLL_HEAD_3_DIGITS: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncache-control: no-cache\r\netag: \"k3v9qa.2\"\r\ncontent-length: 123\r\ndate: Sat, 21 Nov 2026 05:21:16 GMT\r\n\r\n";
const NOT_MODIFIED: &str = "HTTP/1.1 304 Not Modified\r\ncache-control: no-cache\r\netag: \"k3v9qa.2\"\r\ndate: Sat, 21 Nov 2026 05:21:16 GMT\r\n\r\n";
const LONG_POLL: &str = "GET /long-polling?after=k3v9qa.1&hold=1 HTTP/1.1\r\nhost: 127.0.0.1:40000\r\n\r\n";
const LONG_POLL_HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncache-control: no-store\r\ncontent-length: 123\r\ndate: Sat, 21 Nov 2026 05:21:16 GMT\r\n\r\n";
const NO_CONTENT: &str =
    "HTTP/1.1 204 No Content\r\ncache-control: no-store\r\ndate: Sat, 21 Nov 2026 05:21:16 GMT\r\n\r\n";
const ONE_EVENT: &str = r#"{"cursor":"k3v9qa.2","resume":"live","events":[{"id":"k3v9qa.2","data":"0000000000001;abcde!"}],"more":false}"#;
const TWO_EVENTS: &str = r#"{"cursor":"k3v9qa.2","resume":"live","events":[{"id":"k3v9qa.1","data":"0000000000001;abcde!"},{"id":"k3v9qa.2","data":"0000000000001;abcde!"}],"more":false}"#;
/// Bytes of each event's text.
const DATA: f64 = 20.0;

fn assert_bytes(prediction: &Prediction, deliveries: f64, parts: [f64; 4]) {
    let bytes = prediction.bytes.as_ref().expect("HTTP/1.1 in clear has no unknown bytes");
    for (what, found, expected) in [
        ("payload", bytes.payload, parts[0]),
        ("framing", bytes.framing, parts[1]),
        ("headers", bytes.headers, parts[2]),
        ("empty polls", bytes.empty_polls, parts[3]),
    ] {
        assert_within(EXACT, what, found * deliveries, expected);
    }
    assert_within(EXACT, "total", bytes.total() * deliveries, parts.iter().sum());
}

fn sum(texts: &[&str]) -> f64 {
    texts.iter().map(|text| text.len()).sum::<usize>() as f64
}

/// Polls at 0.25, 1.25, 2.25, 3.25 s and at 0.868, 1.868, 2.868, 3.868 s; the window is 1 s to 3 s.
#[test]
fn short_polling_with_both_edges_of_the_window() {
    let mut trial = Trial::new(&[900.0, 1_500.0, 2_950.0], 20, 1_000.0, 3_000.0);
    trial.calibration.transit_us = 10_000.0;
    let prediction = short_polling::replayed(&trial.inputs()).unwrap();

    // First subscriber: 1.5 s → 2.26 s, 2.95 s → 3.26 s. Second: 1.5 s → 1.878 s, 2.95 s → 3.878 s.
    let second = 0.25 + PHASE_STEP;
    let ages_ms = [760.0, 310.0, (second + 1.01 - 1.5) * 1e3, (second + 3.01 - 2.95) * 1e3];
    let mean_ms = ages_ms.iter().sum::<f64>() / 4.0;
    assert_within(EXACT, "mean age", prediction.age.mean_ms(), mean_ms);
    assert_within(EXACT, "oldest", prediction.age.quantile_ms(1.0), ages_ms[3]);
    assert_within(EXACT, "median", prediction.age.quantile_ms(0.5), ages_ms[2]);

    // Sent within the window: 1.25, 2.25, 1.868 and 2.868 s; the last one is empty.
    assert_within(EXACT, "requests", prediction.requests_per_event, 1.0);
    assert_within(EXACT, "empty", prediction.empty_ratio, 0.25);
    // The first one before the schedule, then four each, since the last delivery is at 3.878 s.
    assert_eq!(prediction.requests_per_subscriber, Some(5.0));

    // The event of the warm-up is answered within the window, that of 2.95 s after it.
    let bodies = sum(&[ONE_EVENT, ONE_EVENT, TWO_EVENTS]);
    let parts = [
        4.0 * DATA,
        bodies - 4.0 * DATA,
        3.0 * sum(&[SHORT_POLL, SHORT_POLL_HEAD_3_DIGITS]),
        sum(&[SHORT_POLL, NOT_MODIFIED]),
    ];
    assert_bytes(&prediction, 4.0, parts);
}

/// With 10 ms for an answer, a turnaround of 20 ms and 5 ms for a request, the deaf window is 35 ms. The
/// second subscriber is woken 1 ms after the first.
#[test]
fn long_polling_with_time_outs_and_a_deaf_window() {
    let mut trial = Trial::new(&[500.0, 1_800.0, 1_810.0], 20, 1_000.0, 3_000.0);
    trial.calibration = Calibration { transit_us: 10_000.0, pace_us: 1_000.0, ..Calibration::default() };
    let prediction = long_polling::replayed(&trial.inputs()).unwrap();

    // At 1.8 s both are parked; at 1.81 s both are in deaf windows, until 1.835 and 1.836 s.
    assert_within(EXACT, "mean age", prediction.age.mean_ms(), (10.0 + 11.0 + 35.0 + 36.0) / 4.0);
    assert_within(EXACT, "oldest", prediction.age.quantile_ms(1.0), 36.0);

    // First subscriber: answered 0.5 s, sent 0.53 s, timed out 1.535 s, sent 1.565 s, answered
    // 1.8 s, sent 1.83 s, answered 1.835 s, sent 1.865 s, timed out 2.87 s, sent 2.9 s.
    assert_within(EXACT, "requests", prediction.requests_per_event, 8.0 / 4.0);
    assert_within(EXACT, "empty", prediction.empty_ratio, 4.0 / 8.0);
    assert_eq!(prediction.requests_per_subscriber, Some(7.0));

    // The request of the first empty exchange was sent before the window, and the answer of the last one comes
    // after it: together they count as one exchange.
    let each = [
        2.0 * DATA,
        2.0 * (sum(&[ONE_EVENT]) - DATA),
        2.0 * sum(&[LONG_POLL, LONG_POLL_HEAD]),
        2.0 * sum(&[LONG_POLL, NO_CONTENT]),
    ];
    assert_bytes(&prediction, 4.0, each.map(|bytes| 2.0 * bytes));
}

/// The event of the warm-up arrives within the window; the last is published while the second
/// subscriber still waits for the one before it, and gets both in one write.
#[test]
fn sse_and_websocket_with_events_that_are_written_together() {
    let mut trial = Trial::new(&[998.5, 2_000.0, 2_001.0], 20, 1_000.0, 31_000.0);
    trial.calibration = Calibration {
        transit_us: 10_000.0,
        pace_us: 1_000.0,
        lateness_mean_us: 2_000.0,
        ..Calibration::default()
    };
    let block = "id: k3v9qa.1\ndata: 0000000000001;abcde!\n\n";
    let chunk = format!("{:x}\r\n{block}\r\n", block.len());
    let heartbeat = "3\r\n:\n\n\r\n";
    let frame = 2 + r#"{"id":"k3v9qa.1","data":"0000000000001;abcde!"}"#.len();
    let shared_chunk = chunk.len() - block.len();
    for (replayed, event, shared, heartbeat) in [
        (sse::replayed(&trial.inputs()), chunk.len(), shared_chunk, heartbeat.len()),
        (websocket::replayed(&trial.inputs()), frame, 0, 2 + 6),
    ] {
        let prediction = replayed.unwrap();
        assert_within(EXACT, "mean age", prediction.age.mean_ms(), 12.5);
        assert_within(EXACT, "youngest", prediction.age.quantile_ms(0.0), 12.0);
        assert_within(EXACT, "oldest", prediction.age.quantile_ms(1.0), 13.0);
        assert_eq!(prediction.requests_per_event, 0.0);
        assert_eq!(prediction.requests_per_subscriber, Some(1.0));
        assert_eq!(prediction.sockets_held, 2.0);
        // Three events and two heartbeats for each of the two subscribers.
        let payload = 6.0 * DATA;
        let wire = (6 * event - shared + 4 * heartbeat) as f64;
        assert_bytes(&prediction, 6.0, [payload, wire - payload, 0.0, 0.0]);
    }
}

/// Four events, of which the first and the last two may arrive on the other side of an edge than their due.
/// Costs are divided by the events that arrive in the window, from 1 s to 3 s, and not by the three that are
/// due in it.
#[test]
fn an_event_that_crosses_an_edge_counts_where_it_arrives() {
    let mut trial = Trial::new(&[900.0, 1_500.0, 2_950.0, 2_995.0], 20, 1_000.0, 3_000.0);
    trial.calibration.transit_us = 10_000.0;
    trial.params.heartbeat = Some(Heartbeat::Off);
    let [short, long, sse, websocket] = [
        short_polling::replayed(&trial.inputs()),
        long_polling::replayed(&trial.inputs()),
        sse::replayed(&trial.inputs()),
        websocket::replayed(&trial.inputs()),
    ]
    .map(Result::unwrap);
    for prediction in [&short, &long, &sse, &websocket] {
        assert_within(EXACT, "payload", prediction.bytes.as_ref().unwrap().payload, DATA);
    }
    // Each subscriber has those of 0.9 and 1.5 s within the window, the other two at 3.26 and 3.878 s. It
    // polls twice.
    assert_within(EXACT, "requests of short polling", short.requests_per_event, 2.0 / 2.0);
    // Those of 1.5 and 2.95 s are received at 1.51 and 2.96 s, the last at 3.005 s. Asked at 1.53 s, after
    // the hold at 2.565 s, and at 2.98 s.
    assert_within(EXACT, "requests of long polling", long.requests_per_event, 3.0 / 2.0);
    // The same two; the first is received at 0.91 s.
    let block = "id: k3v9qa.1\ndata: 0000000000001;abcde!\n\n";
    let chunk = format!("{:x}\r\n{block}\r\n", block.len()).len() as f64;
    assert_bytes(&sse, 1.0, [DATA, chunk - DATA, 0.0, 0.0]);
    let frame = 2.0 + r#"{"id":"k3v9qa.1","data":"0000000000001;abcde!"}"#.len() as f64;
    assert_bytes(&websocket, 1.0, [DATA, frame - DATA, 0.0, 0.0]);
}

/// The two deliveries of the last event are received 1 ms apart, before and after the end: of four due
/// deliveries three arrive in the window, and share its heartbeats.
#[test]
fn a_fan_out_across_the_edge_counts_with_the_part_that_arrives() {
    let mut trial = Trial::new(&[1_500.0, 2_989.5], 20, 1_000.0, 3_000.0);
    trial.calibration = Calibration { transit_us: 10_000.0, pace_us: 1_000.0, ..Calibration::default() };
    let bytes = websocket::replayed(&trial.inputs()).unwrap().bytes.unwrap();
    let frame = 2.0 + r#"{"id":"k3v9qa.1","data":"0000000000001;abcde!"}"#.len() as f64;
    let (subscribers, received) = (2.0, 3.0);
    let heartbeats = subscribers * 2.0 / HEARTBEAT_EVERY_S;
    assert_within(EXACT, "payload", bytes.payload, DATA);
    assert_within(EXACT, "total", bytes.total(), frame + heartbeats * (2.0 + 6.0) / received);
}

#[test]
fn nothing_is_predicted_per_event_where_none_arrives() {
    let mut trial = Trial::new(&[2_995.0], 20, 1_000.0, 3_000.0);
    trial.calibration.transit_us = 10_000.0;
    for replayed in [
        short_polling::replayed(&trial.inputs()),
        long_polling::replayed(&trial.inputs()),
        sse::replayed(&trial.inputs()),
        websocket::replayed(&trial.inputs()),
    ] {
        assert!(replayed.unwrap_err().0.starts_with("no event arrives within the window"));
    }
}

/// Events every 100 ms, polled every second; a delivery delay shifts them relative to the polls.
#[test]
fn what_is_held_back_on_purpose_is_older_by_that() {
    let dues: Vec<f64> = (0..60).map(|event| 50.0 + 100.0 * f64::from(event)).collect();
    let mut trial = Trial::new(&dues, 20, 1_000.0, 6_000.0);
    let oldest =
        |trial: &Trial, pattern| predict(pattern, &trial.inputs()).replayed.unwrap().age.quantile_ms(1.0);
    assert_within(EXACT, "SSE", oldest(&trial, Pattern::Sse), 0.0);
    trial.params.hold_ms = Some(500.0);
    trial.params.delivery_delay_ms = Some(30.0);
    for pattern in [Pattern::Sse, Pattern::WebSocket, Pattern::LongPolling] {
        let age = predict(pattern, &trial.inputs()).replayed.unwrap().age;
        assert_within(EXACT, "youngest", age.quantile_ms(0.0), 30.0);
    }
    assert_within(EXACT, "SSE held back", oldest(&trial, Pattern::Sse), 30.0);
    // Polls at 1.25, 2.25 s and so on: due at 1.15 s, published at 1.18 s, polled 100 ms after it was due.
    // The other subscriber polls at 1.868 s: due at 1.85 s, published at 1.88 s, polled a second later.
    let age = predict(Pattern::ShortPolling, &trial.inputs()).replayed.unwrap().age;
    assert_within(EXACT, "youngest", age.quantile_ms(0.0), 100.0);
    let oldest_ms = (0.25 + PHASE_STEP + 2.0) * 1e3 - 1_850.0;
    assert_within(EXACT, "oldest", age.quantile_ms(1.0), oldest_ms);
    trial.params.delivery_jitter_ms = Some(5.0);
    assert!(predict(Pattern::Sse, &trial.inputs()).replayed.unwrap_err().0.contains("by chance on purpose"));
}

#[test]
fn what_cannot_be_predicted_says_why() {
    let due_ms: Vec<f64> = (0..100).map(|event| 100.0 * f64::from(event)).collect();
    let reason = |pattern, trial: &Trial| {
        let predicted = predict(pattern, &trial.inputs());
        predicted.replayed.map_err(|reason| reason.to_string()).err()
    };
    let mut trial = Trial::new(&due_ms, 20, 0.0, 10_000.0);
    for pattern in Pattern::ALL {
        assert_eq!(reason(pattern, &trial), None, "{pattern}");
    }
    let closed_form = predict(Pattern::Sse, &trial.inputs()).closed_form.unwrap_err();
    assert_eq!(closed_form.to_string(), "the times of a replayed file follow no formula");

    trial.params.hold_ms = Some(1_500.0);
    let text = reason(Pattern::LongPolling, &trial).unwrap();
    assert!(text.contains("an eighth of the window"), "{text}");
    trial.params.hold_ms = Some(1_000.0);

    trial.calibration.pace_us = 50_000.0;
    trial.params.subscribers = 19;
    let text = reason(Pattern::ShortPolling, &trial).unwrap();
    assert!(text.contains("95 %"), "{text}");
    let text = reason(Pattern::WebSocket, &trial).unwrap();
    assert!(text.contains("longer than the gap between events"), "{text}");

    let few = Trial::new(&due_ms[..29], 20, 0.0, 10_000.0);
    assert!(reason(Pattern::Sse, &few).unwrap().starts_with("29 events"));
    let silent = Trial::new(&[], 20, 0.0, 10_000.0);
    assert!(reason(Pattern::Sse, &silent).unwrap().starts_with("there are no deliveries"));
}

/// Evenly spaced events do not vary in number, and a hold that is longer than the time between two never ends.
#[test]
fn few_evenly_spaced_events_are_predicted_if_no_hold_ends() {
    let mut trial = Trial::new(&[1_000.0, 3_000.0, 5_000.0, 7_000.0], 20, 2_000.0, 8_000.0);
    trial.arrivals = Arrivals::Steady { rate_hz: 0.5 };
    trial.params.hold_ms = Some(2_500.0);
    let prediction = predict(Pattern::LongPolling, &trial.inputs()).replayed.unwrap();
    assert_within(EXACT, "requests", prediction.requests_per_event, 1.0);
    assert_within(EXACT, "empty", prediction.empty_ratio, 0.0);

    trial.params.hold_ms = Some(1_900.0);
    let reason = predict(Pattern::LongPolling, &trial.inputs()).replayed.unwrap_err().to_string();
    assert!(reason.contains("an eighth of the window"), "{reason}");

    trial.arrivals = Arrivals::Poisson { rate_hz: 0.5 };
    let reason = predict(Pattern::Sse, &trial.inputs()).replayed.unwrap_err().to_string();
    assert!(reason.contains("too few"), "{reason}");
}
