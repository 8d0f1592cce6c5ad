//! The control plane: it publishes a schedule as requested, and its counters are right.
#![allow(clippy::unwrap_used, reason = "a test may end where its premise fails")]

mod live;

use contract::{Arrivals, Pattern, Period, PublisherReport, Stamped, StartSchedule, StartedSchedule};
use live::{Answer, Live, Subscriber};
use tokio::{io::AsyncWriteExt, net::TcpStream};

async fn ask(live: &Live, line: &str, body: &str) -> Answer {
    let mut stream = TcpStream::connect(live.control).await.unwrap();
    let length = body.len();
    let request = format!(
        "{line} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    Answer::read(&mut stream, true).await
}

fn order() -> StartSchedule {
    StartSchedule {
        arrivals: Arrivals::Steady { rate_hz: 100.0 },
        replay_csv: None,
        seed: 7,
        length: Period::from_millis(300),
        payload_bytes: 64,
        start_in: Period::from_millis(20),
        delivery_delay: Period::default(),
        delivery_jitter: Period::default(),
        counted_from: Period::default(),
    }
}

#[tokio::test]
async fn a_schedule_is_published_as_it_was_ordered() {
    let live = Live::start();
    live.publish(["somebody else's"]);
    let (mut subscriber, _) = Subscriber::open(&live, Pattern::Sse, None).await;
    assert_eq!(ask(&live, "GET /schedule", "").await.status, 404);
    // The schedule must still run when the second request arrives, even on a slow machine.
    let order = StartSchedule { start_in: Period::from_millis(2_000), ..order() };
    let answer = ask(&live, "POST /schedule", &serde_json::to_string(&order).unwrap()).await;
    let started: StartedSchedule = serde_json::from_str(&answer.body).unwrap();
    let schedule =
        schedule::Schedule::build(&order.arrivals, None, 7, order.length, order.payload_bytes).unwrap();
    assert_eq!((started.hash.as_str(), started.events, started.first_seq), (schedule.hash(), 30, 2));
    let again = ask(&live, "POST /schedule", &serde_json::to_string(&order).unwrap()).await;
    assert_eq!(again.status, 409, "one schedule at a time");

    for planned in schedule.events() {
        let event = subscriber.next().await;
        assert_eq!(event.data, planned.text(started.start_ns));
        assert_eq!(Stamped::parse(&event.data).unwrap().due_ns, started.start_ns + planned.due_ns);
        assert!(live.app.clock().now_ns() >= started.start_ns + planned.due_ns, "never before it is due");
    }
    let report = loop {
        let answer = ask(&live, "GET /schedule", "").await;
        let report: PublisherReport = serde_json::from_str(&answer.body).unwrap();
        if report.finished {
            break report;
        }
    };
    assert_eq!((report.published, report.refused, report.lateness.count), (30, 0, 30));
}

#[tokio::test]
async fn events_are_held_back_as_ordered_and_the_rest_stays() {
    let live = Live::start();
    let (mut subscriber, _) = Subscriber::open(&live, Pattern::WebSocket, None).await;
    let at_once = order();
    let delay = Period::from_millis(120);
    let held_back =
        StartSchedule { delivery_delay: delay, delivery_jitter: Period::from_millis(30), ..at_once.clone() };
    let answer = ask(&live, "POST /schedule", &serde_json::to_string(&held_back).unwrap()).await;
    let started: StartedSchedule = serde_json::from_str(&answer.body).unwrap();
    let schedule =
        schedule::Schedule::build(&at_once.arrivals, None, 7, at_once.length, at_once.payload_bytes).unwrap();
    assert_eq!(started.hash, schedule.hash(), "the schedule is the same");
    for planned in schedule.events() {
        let event = subscriber.next().await;
        assert_eq!(event.data, planned.text(started.start_ns), "in order, stamped with the due");
        let due_ns = started.start_ns + planned.due_ns;
        assert!(live.app.clock().now_ns() >= due_ns + delay.as_nanos() as u64);
    }
    let too_long = StartSchedule { delivery_jitter: Period::from_millis(60_001), ..at_once };
    let answer = ask(&live, "POST /schedule", &serde_json::to_string(&too_long).unwrap()).await;
    assert_eq!(answer.status, 400);
    assert!(answer.body.contains("held back"), "{answer:?}");
}

#[tokio::test]
async fn the_counters_equal_what_passed() {
    let live = Live::start();
    let before = live.stats().await;
    assert_eq!((before.bytes_in, before.bytes_out, before.connections_opened), (0, 0, 0));
    let request = format!("GET /short-polling HTTP/1.1\r\nhost: {}\r\n\r\n", live.data);
    let first = live.exchange(&request).await;
    let second = live.exchange("GET /nowhere HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let wire = |answer: &Answer| (answer.head.len() + 4 + answer.body.len()) as u64;
    let after = live.stats().await;
    assert_eq!(after.bytes_in, (request.len() + "GET /nowhere HTTP/1.1\r\nhost: x\r\n\r\n".len()) as u64);
    assert_eq!(after.bytes_out, wire(&first) + wire(&second));
    assert_eq!(after.connections_opened, 2);
    let polls = after.requests_of(Pattern::ShortPolling);
    assert_eq!((polls.arrived, polls.answered), (1, 1));
    assert_eq!((after.other_requests.arrived, after.other_requests.refused), (1, 1));
    assert!(after.cpu_us >= before.cpu_us && after.monotonic_ns > before.monotonic_ns);
}

#[tokio::test]
async fn metrics_are_prometheus_text() {
    let live = Live::start();
    live.publish(["a", "b"]);
    let (_subscriber, _) = Subscriber::open(&live, Pattern::WebSocket, None).await;
    let answer = ask(&live, "GET /metrics", "").await;
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4"));
    for line in answer.body.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').unwrap();
        assert!(name.starts_with("pushlab_") && value.parse::<f64>().is_ok(), "{line}");
    }
    for line in [
        "pushlab_events_published_total 2",
        "pushlab_connections_open 1",
        "pushlab_requests_total{route=\"websocket\",answer=\"answered\"} 1",
    ] {
        assert!(answer.body.lines().any(|found| found == line), "{line} is missing in:\n{}", answer.body);
    }
}

#[tokio::test]
async fn the_control_plane_is_not_on_the_measured_port_and_refuses_nonsense() {
    let live = Live::start();
    for path in ["/stats", "/metrics", "/schedule"] {
        assert_eq!(live.get(path).await.status, 404, "{path}");
    }
    for body in ["", "{", "{}", r#"{"arrivals":{"arrivals":"steady"}}"#] {
        let status = ask(&live, "POST /schedule", body).await.status;
        assert!((400..500).contains(&status), "{body}: {status}");
    }
    let mut replay = order();
    replay.arrivals = Arrivals::Replay { file: "ticks.csv".to_owned() };
    let answer = ask(&live, "POST /schedule", &serde_json::to_string(&replay).unwrap()).await;
    assert_eq!(answer.status, 400);
    assert!(answer.body.contains("ticks.csv"), "{answer:?}");
}
