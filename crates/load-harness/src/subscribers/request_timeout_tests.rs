//! Polls without an answer, tested against small fake servers. Where the clock is paused except for sleeps, a
//! timeout takes no real time and is exact.

use std::time::Duration;

use bytes::Bytes;
use contract::Transport;
use h2::server;
use http::Response;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::spawn_local,
    time::{Instant, sleep, timeout},
};
use tokio_rustls::server::TlsStream;

use super::{
    fake_server_tests::{head, worker_before},
    http2_client::Http2Client,
    reconnection_tests::{BEGUN, error_met, errors_met, listener, polled},
    tls_peer_tests::{Peer, subscribers},
    *,
};

const POLLS: [Pattern; 2] = [Pattern::ShortPolling, Pattern::LongPolling];
/// The default timeout of scenarios; the default hold is 1.5 s.
const TIMEOUT: Duration = Duration::from_secs(5);
const HOLD: Duration = Duration::from_millis(1_500);
/// Tolerance for the steps of a test with a paused clock, and for the resolution of timers.
const AT_ONCE: Duration = Duration::from_millis(50);

fn limit(pattern: Pattern) -> Duration {
    if pattern == Pattern::LongPolling { HOLD + TIMEOUT } else { TIMEOUT }
}

/// Longest wait before the next attempt: a tick of the timetable, or the first wait of a polling loop.
fn pause(pattern: Pattern) -> Duration {
    if pattern == Pattern::LongPolling { Duration::from_millis(250) } else { Duration::from_secs(1) }
}

fn subscriber(listener: &TcpListener, pattern: Pattern, more: &str) -> Rc<Subscriber> {
    Rc::new(Subscriber::new(Rc::new(worker_before(listener, pattern, more, BEGUN)), 0, None))
}

/// Waits for the next connection and its request.
async fn asked(listener: &TcpListener) -> (TcpStream, String) {
    let (mut stream, _) = listener.accept().await.unwrap();
    let head = head(&mut stream).await;
    (stream, head)
}

async fn is_closed(stream: &mut TcpStream) -> bool {
    matches!(timeout(AT_ONCE, stream.read(&mut [0])).await, Ok(Ok(0) | Err(_)))
}

/// Answers the first poll, never the second, and the third on the next connection. Returns the time from the
/// second poll until the third, and the request of the third.
async fn leave_the_second_unanswered(listener: &TcpListener, is_kept: bool) -> (Duration, String) {
    let (mut stream, _) = asked(listener).await;
    stream.write_all(polled("").as_bytes()).await.unwrap();
    if is_kept {
        head(&mut stream).await;
    } else {
        stream = asked(listener).await.0;
    }
    let unanswered = Instant::now();
    let (mut next, again) = asked(listener).await;
    let waited = unanswered.elapsed();
    assert!(is_closed(&mut stream).await, "an answer could still come there");
    next.write_all(polled("").as_bytes()).await.unwrap();
    // Its answer has been taken when there is another request.
    if is_kept {
        head(&mut next).await
    } else {
        asked(listener).await.1
    };
    (waited, again)
}

#[tokio::test(start_paused = true)]
async fn a_poll_that_nobody_answers_is_given_up_and_asked_again_on_a_new_connection() {
    for pattern in POLLS {
        for (more, is_kept) in [("", true), ("keep_alive = false", false), ("client = \"reqwest\"", true)] {
            let what = format!("{pattern} {more}");
            let listener = listener().await;
            let subscriber = subscriber(&listener, pattern, more);
            let (waited, again) = tokio::select! {
                seen = leave_the_second_unanswered(&listener, is_kept) => seen,
                () = subscribe(Rc::clone(&subscriber)) => panic!("it gave up: {:?}", errors_met(&subscriber)),
            };
            let least = limit(pattern);
            assert!(waited >= least && waited <= least + pause(pattern) + AT_ONCE, "{what}: {waited:?}");
            assert!(again.contains("after=k3v9qa.3"), "{what}: it continues at its cursor: {again}");
            let words = format!("no answer within {} s", least.as_secs_f64());
            assert_eq!(errors_met(&subscriber), [error_met(&words, 1, false)], "{what}");
            let counters = subscriber.counters();
            assert_eq!((counters.failures.get(), counters.requests.get()), (1, 4), "{what}");
            assert_eq!(counters.connections.get(), if is_kept { 2 } else { 4 }, "{what}");
            assert_eq!(subscriber.worker.recovery.borrow().count(), 1, "{what}");
            if !more.contains("reqwest") {
                assert_eq!(counters.computed_sent.get(), counters.stream.sent(), "{what}");
                assert_eq!(counters.computed_received.get(), counters.stream.received(), "{what}");
            }
        }
    }
}

/// Setting up has the same timeout; a first long poll is not held, so its timeout does not include the hold.
#[tokio::test(start_paused = true)]
async fn a_first_poll_that_nobody_answers_is_asked_again_as_one_that_failed() {
    for pattern in POLLS {
        for more in ["", "client = \"reqwest\""] {
            let listener = listener().await;
            let subscriber =
                Rc::new(Subscriber::new(Rc::new(worker_before(&listener, pattern, more, None)), 0, None));
            let waits = async {
                let (_silent, _) = asked(&listener).await;
                let first = Instant::now();
                let (_silent, _) = asked(&listener).await;
                let second = Instant::now();
                let (mut stream, _) = asked(&listener).await;
                let waits = (second - first, second.elapsed());
                stream.write_all(polled("").as_bytes()).await.unwrap();
                while !subscriber.is_set_up() {
                    tokio::task::yield_now().await;
                }
                waits
            };
            let (first, second) = tokio::select! {
                waits = waits => waits,
                () = subscribe(Rc::clone(&subscriber)) => panic!("it gave up: {:?}", errors_met(&subscriber)),
            };
            for (wait, pause_ms) in [(first, 250), (second, 500)] {
                let least = TIMEOUT + Duration::from_millis(pause_ms);
                assert!(wait >= least && wait < least + AT_ONCE, "{pattern} {more}: {wait:?}");
            }
            assert_eq!(errors_met(&subscriber), [error_met("no answer within 5 s", 2, false)]);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_long_poll_is_waited_for_through_its_whole_hold() {
    for more in ["hold = \"20s\"", "hold = \"20s\"\nclient = \"reqwest\""] {
        for (held_ms, failures) in [(20_000, 0), (24_900, 0), (25_100, 1)] {
            let listener = listener().await;
            let subscriber = subscriber(&listener, Pattern::LongPolling, more);
            let server = async {
                let (mut stream, _) = asked(&listener).await;
                stream.write_all(polled("").as_bytes()).await.unwrap();
                head(&mut stream).await;
                let before = subscriber.counters().empty_answers.get();
                sleep(Duration::from_millis(held_ms)).await;
                // This fails if the subscriber has closed the connection after its timeout.
                let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await;
                tokio::select! {
                    _ = head(&mut stream), if failures == 0 => {}
                    _ = asked(&listener) => {}
                }
                subscriber.counters().empty_answers.get() - before
            };
            let taken = tokio::select! {
                taken = server => taken,
                () = subscribe(Rc::clone(&subscriber)) => panic!("it gave up: {:?}", errors_met(&subscriber)),
            };
            let counters = subscriber.counters();
            let seen = (counters.failures.get(), counters.connections.get(), taken);
            assert_eq!(seen, (failures, 1 + failures, 1 - failures), "{held_ms} ms {more}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn streams_are_waited_for_without_end() {
    for pattern in [Pattern::Sse, Pattern::WebSocket] {
        let listener = listener().await;
        let subscriber = subscriber(&listener, pattern, "");
        let server = async {
            let (stream, _) = asked(&listener).await;
            let _ = timeout(Duration::from_secs(3_600), listener.accept()).await;
            drop(stream);
        };
        tokio::select! {
            () = server => {}
            () = subscribe(Rc::clone(&subscriber)) => panic!("it gave up: {:?}", errors_met(&subscriber)),
        }
        assert_eq!(
            (subscriber.counters().connections.get(), subscriber.counters().failures.get()),
            (1, 0),
            "{pattern}"
        );
    }
}

/// Bytes that are in flight when the trial is over are counted on both sides.
#[tokio::test(start_paused = true)]
async fn once_the_trial_is_over_nothing_is_given_up_and_nothing_asked() {
    for pattern in POLLS {
        let listener = listener().await;
        let subscriber = subscriber(&listener, pattern, "");
        let server = async {
            let (mut stream, _) = asked(&listener).await;
            stream.write_all(polled("").as_bytes()).await.unwrap();
            head(&mut stream).await;
            subscriber.worker.close();
            let more = timeout(Duration::from_secs(60), listener.accept()).await;
            assert!(more.is_err(), "{pattern}: it sent another request");
            let before = subscriber.counters().stream.received();
            stream.write_all(polled("").as_bytes()).await.unwrap();
            while subscriber.counters().stream.received() == before {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            () = server => {}
            () = subscribe(Rc::clone(&subscriber)) => panic!("it gave up: {:?}", errors_met(&subscriber)),
        }
        let counters = subscriber.counters();
        assert_eq!((counters.requests.get(), counters.failures.get()), (2, 0), "{pattern}");
        assert_eq!((counters.empty_answers.get(), counters.connections.get()), (2, 1), "{pattern}");
    }
}

/// A TLS handshake without an answer has the same timeout as a poll.
#[tokio::test(start_paused = true)]
async fn a_tls_handshake_that_nobody_answers_is_given_up() {
    for transport in [Transport::Http1Tls, Transport::Http2] {
        let peer = Peer::good("h2").await;
        let worker = peer.worker(Pattern::LongPolling, transport, "");
        let subscriber = &subscribers(&worker, 1)[0];
        // The kernel accepts the connection, but the peer never does.
        let watch = async {
            while subscriber.counters().failures.get() < 2 {
                sleep(Duration::from_millis(10)).await;
            }
        };
        let begun = Instant::now();
        tokio::select! {
            () = watch => {}
            () = subscribe(Rc::clone(subscriber)) => panic!("it gave up: {:?}", errors_met(subscriber)),
        }
        let least = 2 * TIMEOUT + Duration::from_millis(250);
        assert!(begun.elapsed() >= least && begun.elapsed() < least + AT_ONCE, "{:?}", begun.elapsed());
        assert_eq!(errors_met(subscriber), [error_met("no answer within 5 s", 2, false)], "{transport}");
        assert_eq!(subscriber.counters().requests.get(), 0, "no request was sent");
    }
}

type Http2 = server::Connection<TlsStream<TcpStream>, Bytes>;

const EMPTY: &str = r#"{"cursor":"k3v9qa.0","resume":"live","events":[],"more":false}"#;

async fn next_request(connection: &mut Http2) -> server::SendResponse<Bytes> {
    connection.accept().await.unwrap().unwrap().1
}

fn answer(mut request: server::SendResponse<Bytes>) {
    request.send_response(Response::new(()), false).unwrap().send_data(EMPTY.into(), true).unwrap();
}

#[tokio::test(flavor = "local")]
async fn a_poll_over_http_2_that_nobody_answers_is_given_up_with_its_connection() {
    let peer = Peer::good("h2").await;
    let worker = peer.worker(Pattern::LongPolling, Transport::Http2, "request_timeout = \"200ms\"");
    let subscriber = &subscribers(&worker, 1)[0];
    let task = spawn_local(subscribe(Rc::clone(subscriber)));
    let mut first = peer.accept_http2(10, |_| {}).await;
    answer(next_request(&mut first).await);
    let _unanswered = next_request(&mut first).await;
    let begun = Instant::now();
    let closed = spawn_local(async move { while first.accept().await.is_some() {} });
    let mut second = peer.accept_http2(10, |_| {}).await;
    let waited = begun.elapsed();
    let _again = next_request(&mut second).await;
    assert!(waited >= HOLD + Duration::from_millis(200 + 250), "{waited:?}");
    closed.await.unwrap();
    assert_eq!(errors_met(subscriber), [error_met("no answer within 1.7 s", 1, false)]);
    let shared = subscriber.http2().unwrap().counters();
    assert_eq!((subscriber.counters().requests.get(), shared.connections.get()), (3, 2));
    task.abort();
}

#[tokio::test(flavor = "local")]
async fn who_gives_up_a_shared_connection_leaves_the_others_what_they_wait_for() {
    let peer = Peer::good("h2").await;
    let worker = peer.worker(Pattern::LongPolling, Transport::Http2, "streams_per_connection = 2");
    let subscribers = subscribers(&worker, 2);
    let shared = subscribers[0].http2().unwrap();
    let client = Http2Client::new(Rc::clone(shared));
    let server = async {
        let mut connection = peer.accept_http2(10, |_| {}).await;
        let requests = [next_request(&mut connection).await, next_request(&mut connection).await];
        (connection, requests)
    };
    let asking = async {
        let mine = client.stream(&subscribers[0]).await.unwrap();
        let other = client.stream(&subscribers[1]).await.unwrap();
        let connection = mine.connection();
        let given_up = timeout(AT_ONCE, client.ask(&subscribers[0], "", mine));
        let asked = async {
            let mut answer = client.ask(&subscribers[1], "", other).await.unwrap();
            answer.content.next(subscribers[1].connection()).await.unwrap().unwrap()
        };
        let gives_up = async {
            assert!(given_up.await.is_err());
            shared.give_up(&connection);
        };
        tokio::join!(gives_up, asked).1
    };
    let answering = async {
        let (mut connection, [_unanswered, other]) = server.await;
        let carried = spawn_local(async move { while connection.accept().await.is_some() {} });
        sleep(2 * AT_ONCE).await;
        answer(other);
        let _next = peer.accept_http2(10, |_| {}).await;
        carried.await.unwrap();
    };
    let opening = async {
        assert_eq!(asking.await, EMPTY, "it came on the connection that was given up");
        client.connect(&subscribers[0]).await.unwrap();
    };
    tokio::join!(opening, answering);
    assert_eq!(shared.counters().connections.get(), 2);
}
