//! An EventSource when its stream ends, when the answer is not a stream, and when it is redirected. As in
//! [`super::reconnection_tests`] the clock is paused except for the sleeps of subscribers.

use std::{collections::VecDeque, rc::Rc, time::Duration};

use contract::Pattern;
use tokio::net::TcpListener;

use super::{
    fake_server_tests::subscriber_at,
    reconnection_tests::{Asked, PLACE, answer_each, asked_of, error_met, errors_met, listener, stream},
    subscribe,
    subscriber::Subscriber,
};

/// The same for a subscriber that must not send another request after these answers.
async fn asked_for_the_last_time(
    subscriber: &Rc<Subscriber>,
    listener: &TcpListener,
    answers: &[String],
) -> Vec<Asked> {
    let both = async { tokio::join!(answer_each(listener, answers), subscribe(Rc::clone(subscriber))) };
    let (asked, ()) = both.await;
    let more = tokio::time::timeout(Duration::from_secs(3_600), listener.accept()).await;
    assert!(more.is_err(), "it sent another request");
    asked
}

fn moved(status: u16, location: &str) -> String {
    format!("HTTP/1.1 {status} Moved\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n")
}

/// C04, P20 and B03: three seconds, or the time that the stream sets; never earlier, and the same for every
/// connection until the stream sets another.
#[tokio::test(start_paused = true)]
async fn a_stream_is_asked_for_again_after_its_retry_time_and_never_earlier() {
    for (retry, wait_ms) in [
        ("", 3_000),
        ("retry: 700\n", 700),
        ("retry: 12x\n", 3_000),
        ("retry: 0\n", 0),
        ("retry: 7000\n", 7_000),
    ] {
        let listener = listener().await;
        let subscriber = Rc::new(subscriber_at(&listener, Pattern::Sse, None));
        let answers = [stream(&format!("{retry}{PLACE}")), stream("retry: -1\n"), stream("")];
        let asked = asked_of(&subscriber, &listener, &answers).await;
        let wait = Duration::from_millis(wait_ms);
        for again in &asked[1..] {
            assert!(again.after >= wait, "{retry:?}: {:?}", again.after);
            assert!(again.after < wait + Duration::from_millis(50), "{retry:?}: {:?}", again.after);
        }
        assert_eq!(errors_met(&subscriber), [error_met("the stream ended", 2, false)]);
        assert_eq!(subscriber.counters().connections.get(), 3);
    }
}

/// C05 and C01.
#[tokio::test(start_paused = true)]
async fn a_reconnecting_stream_repeats_its_url_and_names_the_last_event_id() {
    let listener = listener().await;
    let subscriber = Rc::new(subscriber_at(&listener, Pattern::Sse, None));
    let answers = [
        // The block that is cut off does not count (P19).
        stream("id: k3v9qa.3\n\nid: k3v9qa.4\ndata: hello\n\nid: k3v9qa.5\ndata: cu"),
        stream("id: k3v9qa.4\n\n"),
        stream(""),
    ];
    let asked = asked_of(&subscriber, &listener, &answers).await;
    assert!(asked.iter().all(|asked| asked.line() == "GET /sse HTTP/1.1"), "{asked:?}");
    assert!(asked.iter().all(|asked| asked.has("accept: text/event-stream")));
    let ids: Vec<bool> = asked.iter().map(|asked| asked.has("last-event-id: k3v9qa.4")).collect();
    assert_eq!(ids, [false, true, true]);
    assert!(!asked[0].head.contains("last-event-id"));
    assert_eq!(subscriber.cursor().unwrap().seq, 4);
    let counters = subscriber.counters();
    assert_eq!(counters.computed_sent.get(), counters.stream.sent(), "the ledger counts the line");
    // The second answer came after the first was lost, the third has not been read.
    assert!(subscriber.worker.recovery.borrow().count() >= 1);
}

/// C02 and C03, on the first answer and after a reconnection.
#[tokio::test(start_paused = true)]
async fn what_is_no_event_stream_ends_the_subscription_for_good() {
    let no_content = "HTTP/1.1 204 No Content\r\n\r\n";
    let error = "HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n";
    let limited = "HTTP/1.1 429 Too Many Requests\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n";
    let plain = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\ndata: x\n\n";
    let nameless = "HTTP/1.1 200 OK\r\n\r\ndata: x\n\n";
    for (answer, words) in [
        (no_content, "the answer was 204 No Content"),
        (error, "the answer was 500 Internal Server Error"),
        (limited, "the answer was 429 Too Many Requests"),
        (plain, "the answer is not an event stream: its content type is text/plain"),
        (nameless, "the answer is not an event stream: its content type is missing"),
    ] {
        for is_first in [true, false] {
            let listener = listener().await;
            let subscriber = Rc::new(subscriber_at(&listener, Pattern::Sse, None));
            let mut answers = VecDeque::from([answer.to_owned()]);
            if !is_first {
                answers.push_front(stream(PLACE));
            }
            asked_for_the_last_time(&subscriber, &listener, answers.make_contiguous()).await;
            let found = errors_met(&subscriber);
            assert!(found.contains(&error_met(words, 1, true)), "{found:?}");
            assert_eq!(subscriber.worker.tally.turned_away.get(), u64::from(is_first), "{words}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_content_type_with_parameters_is_a_stream() {
    let listener = listener().await;
    let subscriber = Rc::new(subscriber_at(&listener, Pattern::Sse, None));
    let typed = format!("HTTP/1.1 200 OK\r\nContent-Type: TEXT/Event-Stream; charset=utf-8\r\n\r\n{PLACE}");
    asked_of(&subscriber, &listener, &[typed, stream("")]).await;
    assert_eq!(errors_met(&subscriber), [error_met("the stream ended", 1, false)]);
}

/// C06: one request to the first URL, then only to the target, for every kind of redirect.
#[tokio::test(start_paused = true)]
async fn redirects_are_followed_and_kept() {
    for status in [301, 302, 303, 307, 308] {
        let (first, second) = (listener().await, listener().await);
        let other = second.local_addr().unwrap();
        let subscriber = Rc::new(subscriber_at(&first, Pattern::Sse, None));
        let answers = [moved(status, &format!("http://{other}/there/sse?x=1"))];
        let there = [moved(status, "../here?y"), stream(PLACE), stream("")];
        let servers = async { tokio::join!(answer_each(&first, &answers), answer_each(&second, &there)) };
        let (asked, asked_there) = tokio::select! {
            asked = servers => asked,
            () = subscribe(Rc::clone(&subscriber)) => panic!("it gave up: {:?}", errors_met(&subscriber)),
        };
        assert_eq!(asked[0].line(), "GET /sse HTTP/1.1");
        let lines: Vec<&str> = asked_there.iter().map(Asked::line).collect();
        assert_eq!(lines, ["GET /there/sse?x=1 HTTP/1.1", "GET /here?y HTTP/1.1", "GET /here?y HTTP/1.1"]);
        assert!(asked_there.iter().all(|asked| asked.has(&format!("host: {other}"))));
        assert!(asked_there.iter().all(|asked| asked.has("accept: text/event-stream")));
        assert!(asked_there[2].has("last-event-id: k3v9qa.3"));
        assert_eq!(subscriber.counters().requests.get(), 4, "each is a request");
        assert_eq!(errors_met(&subscriber), [error_met("the stream ended", 1, false)]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_loop_of_redirects_is_an_error_and_so_is_one_that_leaves_the_machine() {
    let looping = vec![moved(302, "/sse"); 21];
    for (answers, reported) in [
        (looping, "the server redirected more than 20 times"),
        (
            vec![moved(307, "http://192.0.2.1/sse")],
            "the server redirected to `http://192.0.2.1/sse`, which is not on this machine",
        ),
        (vec![moved(307, "ftp://x/")], "the server redirected to `ftp://x/`, but only http is allowed here"),
        (vec!["HTTP/1.1 302 Found\r\n\r\n".to_owned()], "the answer was 302 Found"),
    ] {
        let listener = listener().await;
        let subscriber = Rc::new(subscriber_at(&listener, Pattern::Sse, None));
        asked_for_the_last_time(&subscriber, &listener, &answers).await;
        assert_eq!(errors_met(&subscriber), [error_met(reported, 1, true)]);
    }
}

/// Twenty redirects are followed.
#[tokio::test(start_paused = true)]
async fn a_long_chain_of_redirects_is_followed_and_one_that_breaks_is_begun_anew() {
    let listener = listener().await;
    let subscriber = Rc::new(subscriber_at(&listener, Pattern::Sse, None));
    let mut answers = vec![moved(302, "/lost"), String::new()];
    answers.extend(vec![moved(302, "/sse"); 20]);
    answers.push(stream(PLACE));
    let asked = asked_of(&subscriber, &listener, &answers).await;
    assert_eq!((asked[1].line(), asked[2].line()), ("GET /lost HTTP/1.1", "GET /sse HTTP/1.1"));
    assert_eq!(errors_met(&subscriber), [error_met("the connection was closed before an answer", 1, false)]);
}
