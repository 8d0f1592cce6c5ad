//! Reconnection, tested against small fake servers. The clock is paused except for the sleeps of subscribers:
//! a wait takes no real time and is exact.

use std::{collections::VecDeque, rc::Rc, time::Duration};

use contract::{ErrorCount, Pattern, Window};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
    time::Instant,
};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::{
    fake_server_tests::{head, subscriber_at},
    subscribe,
    subscriber::Subscriber,
};
use crate::data::started::Started;

const STREAM: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";
pub(super) const PLACE: &str = "id: k3v9qa.3\n\n";
const POLLED: &str = r#"{"cursor":"k3v9qa.3","resume":"live","events":[],"more":false}"#;

/// A trial whose schedule has begun long ago.
pub(super) const BEGUN: Option<Started> =
    Some(Started { start_ns: 0, window: Window { start_ns: 0, end_ns: 1_000_000_000 }, numbers: (1, 11) });

/// A request that a server received, and the time since it had closed the previous connection.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) head: String,
    pub(super) after: Duration,
}

impl Asked {
    pub(super) fn line(&self) -> &str {
        self.head.lines().next().unwrap()
    }

    pub(super) fn has(&self, field: &str) -> bool {
        self.head.lines().any(|line| line == field)
    }
}

pub(super) async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

/// Answers once on each connection and closes it.
pub(super) async fn answer_each(listener: &TcpListener, answers: &[String]) -> Vec<Asked> {
    let (mut asked, mut closed) = (Vec::new(), Instant::now());
    for answer in answers {
        let (mut stream, _) = listener.accept().await.unwrap();
        let after = closed.elapsed();
        asked.push(Asked { head: head(&mut stream).await, after });
        stream.write_all(answer.as_bytes()).await.unwrap();
        closed = Instant::now();
    }
    asked
}

/// The requests of a subscriber that gets these answers, each on a new connection.
pub(super) async fn asked_of(
    subscriber: &Rc<Subscriber>,
    listener: &TcpListener,
    answers: &[String],
) -> Vec<Asked> {
    tokio::select! {
        asked = answer_each(listener, answers) => asked,
        () = subscribe(Rc::clone(subscriber)) => panic!("it gave up: {:?}", errors_met(subscriber)),
    }
}

pub(super) fn errors_met(subscriber: &Subscriber) -> Vec<ErrorCount> {
    subscriber.worker.error_counts.borrow().ranked()
}

pub(super) fn error_met(what: &str, times: u64, is_final: bool) -> ErrorCount {
    ErrorCount { what: what.to_owned(), times, subscribers: 1, is_final }
}

pub(super) fn stream(body: &str) -> String {
    format!("{STREAM}{body}")
}

pub(super) fn polled(headers: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n{headers}\r\n{POLLED}", POLLED.len())
}

/// Until the schedule begins, a subscriber that was never set up retries after short waits.
#[tokio::test(start_paused = true)]
async fn a_first_connect_is_tried_again_quickly_and_a_late_one_as_its_pattern_does() {
    for pattern in Pattern::ALL {
        let listener = listener().await;
        let subscriber = Rc::new(subscriber_at(&listener, pattern, None));
        let asked = asked_of(&subscriber, &listener, &vec![String::new(); 7]).await;
        for (again, wait_ms) in asked[1..].iter().zip([250, 500, 1_000, 2_000, 4_000, 4_000]) {
            let wait = Duration::from_millis(wait_ms);
            assert!(again.after >= wait && again.after < wait + Duration::from_millis(50), "{asked:?}");
        }
        let what = "the connection was closed before an answer";
        assert!(errors_met(&subscriber)[0].what == what, "{:?}", errors_met(&subscriber));
        assert_eq!(subscriber.worker.recovery.borrow().count(), 0, "it never had a connection to lose");
    }
    let listener = listener().await;
    let subscriber = Rc::new(subscriber_at(&listener, Pattern::Sse, BEGUN));
    let asked = asked_of(&subscriber, &listener, &[String::new(), stream("")]).await;
    assert!(asked[1].after >= Duration::from_secs(3), "{asked:?}");
    let subscriber = Rc::new(subscriber_at(&listener, Pattern::WebSocket, BEGUN));
    let asked = asked_of(&subscriber, &listener, &vec![String::new(); 3]).await;
    assert!(asked[1].after < Duration::from_secs(6), "the random time of a first attempt: {asked:?}");
    assert!(asked[2].after >= Duration::from_secs(5), "{asked:?}");
}

/// Events before the first cursor of a late subscriber count as lost.
#[tokio::test]
async fn a_subscriber_after_the_first_event_has_missed_the_earlier_ones() {
    let listener = listener().await;
    let cursor = "k3v9qa.3".parse().unwrap();
    let late = subscriber_at(&listener, Pattern::Sse, BEGUN);
    assert_eq!(late.missing_in(1, 11).len(), 10, "it has no cursor yet");
    late.place(cursor);
    assert_eq!(late.missing_in(1, 11).len(), 10);
    late.deliver("k3v9qa.4".parse().unwrap(), &contract::stamp(1, "payload"));
    assert_eq!(late.missing_in(1, 11), [1, 2, 3, 5, 6, 7, 8, 9, 10]);
    let early = subscriber_at(&listener, Pattern::Sse, None);
    early.place(cursor);
    assert_eq!(early.missing_in(4, 6), [4, 5]);
    assert!(early.missing_in(1, 4).is_empty());
}

fn upgraded(head: &str) -> Vec<u8> {
    let key = head.lines().find_map(|line| line.strip_prefix("sec-websocket-key: ")).unwrap();
    let accept = derive_accept_key(key.as_bytes());
    let place = r#"{"cursor":"k3v9qa.3","resume":"live"}"#;
    let mut wire = format!(
        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-accept: {accept}\r\n\r\n"
    )
    .into_bytes();
    wire.extend([0x81, place.len() as u8]);
    wire.extend(place.as_bytes());
    wire
}

/// RFC 6455 §7.2.3, W16 and W17.
#[tokio::test(start_paused = true)]
async fn a_lost_websocket_backs_off_and_a_refused_handshake_is_a_failure_like_any_other() {
    const REFUSED: &str = "HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n";
    let listener = listener().await;
    let subscriber = Rc::new(subscriber_at(&listener, Pattern::WebSocket, None));
    let server = async {
        let (mut waits, mut lines, mut closed) = (Vec::new(), Vec::new(), Instant::now());
        for is_open in [true, false, false, false, true, false] {
            let (mut stream, _): (TcpStream, _) = listener.accept().await.unwrap();
            waits.push(closed.elapsed().as_secs_f64());
            let head = head(&mut stream).await;
            lines.push(head.lines().next().unwrap().to_owned());
            let answer = if is_open { upgraded(&head) } else { REFUSED.into() };
            stream.write_all(&answer).await.unwrap();
            if is_open {
                stream.write_all(&[0x88, 0]).await.unwrap();
            }
            closed = Instant::now();
        }
        (waits, lines)
    };
    let (waits, lines) = tokio::select! {
        seen = server => seen,
        () = subscribe(Rc::clone(&subscriber)) => panic!("it gave up: {:?}", errors_met(&subscriber)),
    };
    // The random time of a first attempt, and again after a handshake that succeeded.
    let bounds = [(0.0, 5.0), (5.0, 10.0), (10.0, 20.0), (20.0, 40.0), (0.0, 5.0)];
    for (wait, (shortest, longest)) in waits[1..].iter().zip(bounds) {
        assert!((shortest..longest + 0.05).contains(wait), "{waits:?}");
    }
    assert_eq!(lines[0], "GET /websocket HTTP/1.1");
    assert!(lines[1..].iter().all(|line| line == "GET /websocket?after=k3v9qa.3 HTTP/1.1"), "{lines:?}");
    let found = errors_met(&subscriber);
    assert!(found.contains(&error_met("the server closed the WebSocket", 2, false)), "{found:?}");
    assert!(found[0].what == "the answer was 403 Forbidden" && !found[0].is_final, "{found:?}");
    assert_eq!(subscriber.worker.recovery.borrow().count(), 1);
}

/// RFC 9112 §9.3.1: a kept connection that was closed while idle is not a failure.
#[tokio::test(start_paused = true)]
async fn a_connection_that_was_closed_while_idle_is_opened_again_without_a_failure() {
    for (pattern, is_noticed) in
        [(Pattern::ShortPolling, true), (Pattern::ShortPolling, false), (Pattern::LongPolling, false)]
    {
        let listener = listener().await;
        let subscriber = Rc::new(subscriber_at(&listener, pattern, BEGUN));
        let server = async {
            for _ in 0..3 {
                let (mut stream, _) = listener.accept().await.unwrap();
                head(&mut stream).await;
                stream.write_all(polled("").as_bytes()).await.unwrap();
                if !is_noticed {
                    // Closes only after the next request has come.
                    head(&mut stream).await;
                }
            }
        };
        tokio::select! {
            () = server => {}
            () = subscribe(Rc::clone(&subscriber)) => panic!("it gave up: {:?}", errors_met(&subscriber)),
        }
        let counters = subscriber.counters();
        assert_eq!((counters.failures.get(), counters.connections.get()), (0, 3), "{pattern}");
        assert_eq!(errors_met(&subscriber), []);
        assert_eq!(counters.computed_sent.get(), counters.stream.sent());
    }
}

/// It is a failure if a new connection is closed, or if an answer has begun.
#[tokio::test(start_paused = true)]
async fn a_fresh_connection_without_an_answer_and_an_answer_that_breaks_off_are_failures() {
    let listener = listener().await;
    let subscriber = Rc::new(subscriber_at(&listener, Pattern::LongPolling, BEGUN));
    let cut = polled("");
    let answers =
        [polled("connection: close\r\n"), String::new(), cut[..cut.len() - 1].to_owned(), String::new()];
    let asked = asked_of(&subscriber, &listener, &answers).await;
    let waits: Vec<u128> = asked[1..].iter().map(|asked| asked.after.as_millis()).collect();
    assert!(waits[0] < 50 && (250..300).contains(&waits[1]) && (500..550).contains(&waits[2]), "{waits:?}");
    assert_eq!(
        errors_met(&subscriber),
        [
            error_met("an answer broke off", 1, false),
            error_met("the connection was closed before an answer", 1, false)
        ]
    );
}

/// S05, and the next tick of a timetable.
#[tokio::test(start_paused = true)]
async fn a_poll_that_is_asked_for_patience_has_it() {
    let busy = |status: &str| format!("HTTP/1.1 {status}\r\nretry-after: 7\r\ncontent-length: 0\r\n\r\n");
    for pattern in [Pattern::ShortPolling, Pattern::LongPolling] {
        for status in ["503 Service Unavailable", "429 Too Many Requests"] {
            for is_first in [true, false] {
                let listener = listener().await;
                let subscriber = Rc::new(subscriber_at(&listener, pattern, BEGUN));
                let mut answers = VecDeque::from([busy(status), polled("connection: close\r\n")]);
                if !is_first {
                    answers.push_front(polled("connection: close\r\n"));
                }
                let asked = asked_of(&subscriber, &listener, answers.make_contiguous()).await;
                let again = asked.last().unwrap().after;
                assert!(again >= Duration::from_secs(7), "{pattern} {status}: {again:?}");
                let what = format!("the answer was {status} with Retry-After");
                assert_eq!(errors_met(&subscriber), [error_met(&what, 1, false)]);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_short_poll_that_failed_is_asked_again_at_the_next_tick() {
    let listener = listener().await;
    let subscriber = Rc::new(subscriber_at(&listener, Pattern::ShortPolling, BEGUN));
    let bad = "HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n".to_owned();
    let answers = [polled("connection: close\r\n"), bad.clone(), bad, polled("connection: close\r\n")];
    let asked = asked_of(&subscriber, &listener, &answers).await;
    let interval = subscriber.worker.settings.poll_interval.as_secs_f64();
    for again in &asked[2..] {
        // The timetable is kept by the clock that does not stand still, so it may also be sooner.
        assert!(again.after.as_secs_f64() < interval + 0.05, "{asked:?}");
    }
    assert_eq!(errors_met(&subscriber), [error_met("the answer was 500 Internal Server Error", 2, false)]);
}
