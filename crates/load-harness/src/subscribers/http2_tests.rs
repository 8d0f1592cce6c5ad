//! Subscribers over HTTP/2, tested against small fake servers.

use std::{future::poll_fn, thread, time::Duration};

use bytes::Bytes;
use contract::Transport;
use h2::{RecvStream, server};
use http::{Method, Request, Response};
use tokio::{
    net::TcpStream,
    task::{spawn_local, yield_now},
};
use tokio_rustls::server::TlsStream;

use super::{
    http2_client::Http2Client,
    tls_peer_tests::{Peer, subscribers},
    *,
};

const PLACE: &str = r#"{"cursor":"k3v9qa.0","resume":"live"}"#;
const EVENT: &str = r#"{"id":"k3v9qa.1","data":"hello"}"#;
const EMPTY_BODY: &str = r#"{"cursor":"k3v9qa.0","resume":"live","events":[],"more":false}"#;

fn ok() -> Response<()> {
    Response::new(())
}

fn event_stream() -> Response<()> {
    Response::builder().header("content-type", "text/event-stream").body(()).unwrap()
}

fn with_websocket(builder: &mut server::Builder) {
    builder.enable_connect_protocol();
}

/// Three polls: an empty answer, an event, the end of the connection.
#[tokio::test(flavor = "local")]
async fn a_poll_over_http_2_takes_its_answer_and_its_bytes() {
    let peer = Peer::good("h2").await;
    let worker = peer.worker(Pattern::LongPolling, Transport::Http2, "");
    let subscriber = &subscribers(&worker, 1)[0];
    let server = async {
        let mut connection = peer.accept_http2(10, |_| {}).await;
        let mut asked = Vec::new();
        while asked.len() < 3 {
            let (request, mut answer) = connection.accept().await.unwrap().unwrap();
            let body = match asked.len() {
                0 => EMPTY_BODY.to_owned(),
                1 => EMPTY_BODY.replace("[]", &format!("[{EVENT}]")).replace("qa.0", "qa.1"),
                _ => {
                    asked.push(request.uri().to_string());
                    break;
                }
            };
            asked.push(request.uri().to_string());
            answer.send_response(ok(), false).unwrap().send_data(body.into(), true).unwrap();
        }
        asked
    };
    let run = read(subscriber);
    let (asked, outcome) = tokio::join!(server, run);
    assert!(matches!(outcome, Err(SubscriberError::Http2(_))), "{outcome:?}");
    let host = worker.host.as_str();
    let urls = ["", "?after=k3v9qa.0&hold=1.5", "?after=k3v9qa.1&hold=1.5"];
    assert_eq!(asked, urls.map(|query| format!("https://{host}/long-polling{query}")));
    let shared = subscriber.http2().unwrap().counters();
    let counters = subscriber.counters();
    assert_eq!((counters.requests.get(), shared.connections.get()), (3, 1));
    assert_eq!(counters.stream.total(), 0, "all bytes are the connection's");
    assert_eq!(counters.payload.get(), 5);
    let reported = counters.headers.get() + shared.headers.get() + counters.empty_polls.get();
    assert!(reported > 0 && reported < shared.stream.total(), "{reported} of {}", shared.stream.total());
}

/// Head and missed events in one write, as a server answers a stream that resumes.
#[tokio::test(flavor = "local")]
async fn over_http_2_too_events_that_come_with_the_head_are_no_headers() {
    for events in [0, 1, 200] {
        let peer = Peer::good("h2").await;
        let worker = peer.worker(Pattern::Sse, Transport::Http2, "");
        let subscriber = &subscribers(&worker, 1)[0];
        subscriber.place("k3v9qa.0".parse().unwrap());
        let text: String = (1..=events).map(|seq| format!("id: k3v9qa.{seq}\ndata: hello\n\n")).collect();
        let server = async {
            let mut connection = peer.accept_http2(10, |_| {}).await;
            let (_, mut answer) = connection.accept().await.unwrap().unwrap();
            let mut stream = answer.send_response(event_stream(), false).unwrap();
            if !text.is_empty() {
                stream.send_data(text.clone().into(), false).unwrap();
            }
            let counters = subscriber.counters();
            let has_all = || counters.headers.get() > 0 && subscriber.cursor().unwrap().seq == events;
            drive(&mut connection, has_all).await;
            stream
        };
        let run = read(subscriber);
        let (_stream, outcome) = tokio::join!(server, run);
        assert!(outcome.is_err(), "the peer is gone");
        let (heads, payload) = (subscriber.counters().headers.get(), subscriber.counters().payload.get());
        assert_eq!(payload, 5 * events);
        // Request and head, with the framing and the tickets of TLS.
        assert!((60..600).contains(&heads), "{heads} bytes of heads with {events} events");
    }
}

#[tokio::test(flavor = "local")]
async fn what_was_read_before_a_pause_is_as_old_as_its_read() {
    let peer = Peer::good("h2").await;
    let worker = peer.worker(Pattern::Sse, Transport::Http2, "");
    let subscriber = &subscribers(&worker, 1)[0];
    let context = subscriber.connection();
    let server = async {
        let mut connection = peer.accept_http2(10, |_| {}).await;
        let (_, mut answer) = connection.accept().await.unwrap().unwrap();
        let mut stream = answer.send_response(ok(), false).unwrap();
        stream.send_data("first".into(), false).unwrap();
        spawn_local(async move { poll_fn(|context| connection.poll_closed(context)).await });
        stream
    };
    let client = async {
        let client = Http2Client::new(Rc::clone(subscriber.http2().unwrap()));
        let permit = client.stream(subscriber).await.unwrap();
        let answer = client.ask(subscriber, "", permit).await.unwrap();
        let mut content = answer.content;
        assert_eq!(content.next(context).await.unwrap().unwrap(), "first");
        content
    };
    let (mut stream, mut content) = tokio::join!(server, client);
    let before_ns = context.received_ns();
    let carried = || subscriber.http2().unwrap().counters().stream.received();
    let before_bytes = carried();
    stream.send_data("second".into(), false).unwrap();
    while carried() == before_bytes {
        yield_now().await;
    }
    // The read is done; the sleep delays the subscriber that parses it.
    let read_by_ns = worker.clock.now_ns();
    thread::sleep(Duration::from_millis(30));
    assert_eq!(content.next(context).await.unwrap().unwrap(), "second");
    assert!(context.received_ns() > before_ns);
    assert!(context.received_ns() <= read_by_ns, "{} after the read", context.received_ns() - read_by_ns);
}

/// Frames of a server, with short payloads.
fn frames(messages: &[(u8, &str)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (opcode, payload) in messages {
        bytes.extend_from_slice(&[*opcode, payload.len() as u8]);
        bytes.extend_from_slice(payload.as_bytes());
    }
    bytes
}

async fn gather(content: &mut RecvStream, length: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while bytes.len() < length {
        bytes.extend_from_slice(&content.data().await.unwrap().unwrap());
    }
    bytes
}

#[tokio::test(flavor = "local")]
async fn a_websocket_over_http_2_takes_frames_and_answers_a_ping_wherever_they_are_cut() {
    for piece_bytes in [7, 1_000] {
        let peer = Peer::good("h2").await;
        let worker = peer.worker(Pattern::WebSocket, Transport::Http2, "");
        let subscriber = &subscribers(&worker, 1)[0];
        let server = async {
            let mut connection = peer.accept_http2(10, with_websocket).await;
            let (request, mut answer) = connection.accept().await.unwrap().unwrap();
            let (parts, mut content) = request.into_parts();
            assert_eq!((parts.method, parts.uri.path()), (Method::CONNECT, "/websocket"));
            let protocol = parts.extensions.get::<h2::ext::Protocol>().unwrap();
            assert_eq!(protocol.as_str(), "websocket");
            assert_eq!(parts.headers["sec-websocket-version"], "13");
            let mut stream = answer.send_response(ok(), false).unwrap();
            let wire = frames(&[(0x81, PLACE), (0x89, "ping"), (0x81, EVENT)]);
            for piece in wire.chunks(piece_bytes) {
                stream.send_data(piece.to_vec().into(), false).unwrap();
            }
            let carried =
                spawn_local(async move { poll_fn(|context| connection.poll_closed(context)).await });
            let pong = gather(&mut content, 10).await;
            stream.send_data(frames(&[(0x88, "")]).into(), true).unwrap();
            (pong, carried)
        };
        let run = read(subscriber);
        let ((pong, _), outcome) = tokio::join!(server, run);
        assert!(matches!(outcome, Err(SubscriberError::Closed)), "{outcome:?}");
        assert_eq!(pong[..2], [0x8a, 0x84]);
        let unmasked: Vec<u8> = (0..4).map(|place| pong[6 + place] ^ pong[2 + place]).collect();
        assert_eq!(unmasked, b"ping");
        assert_eq!(subscriber.cursor().unwrap().seq, 1);
        assert_eq!(subscriber.counters().requests.get(), 1);
    }
}

#[tokio::test(flavor = "local")]
async fn a_server_without_extended_connect_is_told_so_and_never_asked() {
    let peer = Peer::good("h2").await;
    let worker = peer.worker(Pattern::WebSocket, Transport::Http2, "");
    let subscriber = &subscribers(&worker, 1)[0];
    let server = async {
        let mut connection = peer.accept_http2(10, |_| {}).await;
        poll_fn(|context| connection.poll_closed(context)).await
    };
    let outcome = tokio::select! {
        outcome = read(subscriber) => outcome,
        _ = server => panic!("it was not informed"),
    };
    assert!(matches!(outcome, Err(SubscriberError::NoExtendedConnect)), "{outcome:?}");
    assert_eq!(subscriber.counters().requests.get(), 0);
}

#[tokio::test(flavor = "local")]
async fn over_http_2_too_an_event_stream_is_known_by_its_content_type() {
    let peer = Peer::good("h2").await;
    let worker = peer.worker(Pattern::Sse, Transport::Http2, "");
    let subscriber = &subscribers(&worker, 1)[0];
    let server = async {
        let mut connection = peer.accept_http2(10, |_| {}).await;
        let (_, mut answer) = connection.accept().await.unwrap().unwrap();
        let mut stream = answer.send_response(ok(), false).unwrap();
        stream.send_data("id: k3v9qa.0\n\n".into(), false).unwrap();
        poll_fn(|context| connection.poll_closed(context)).await
    };
    let outcome = tokio::select! {
        outcome = read(subscriber) => outcome,
        _ = server => panic!("it was not informed"),
    };
    let Err(error) = outcome;
    assert!(error.is_final(Pattern::Sse), "{error}");
    assert!(!subscriber.is_set_up());
}

/// Answers every request with the start of an event stream, until `count` requests have come.
async fn serve_streams(
    connection: &mut server::Connection<TlsStream<TcpStream>, Bytes>,
    count: usize,
) -> Vec<(Request<RecvStream>, h2::SendStream<Bytes>)> {
    let mut open = Vec::new();
    while open.len() < count {
        let (request, mut answer) = connection.accept().await.unwrap().unwrap();
        let mut stream = answer.send_response(event_stream(), false).unwrap();
        stream.send_data("id: k3v9qa.0\n\n".into(), false).unwrap();
        open.push((request, stream));
    }
    open
}

#[tokio::test(flavor = "local")]
async fn subscribers_share_a_connection_and_those_beyond_its_limit_wait_unasked() {
    let peer = Peer::good("h2").await;
    let worker = peer.worker(Pattern::Sse, Transport::Http2, "streams_per_connection = 3");
    let subscribers = subscribers(&worker, 3);
    let tasks: Vec<_> =
        subscribers.iter().map(|subscriber| spawn_local(subscribe(Rc::clone(subscriber)))).collect();
    let mut connection = peer.accept_http2(2, |_| {}).await;
    let mut open = serve_streams(&mut connection, 2).await;
    let set_up = || subscribers.iter().filter(|subscriber| subscriber.is_set_up()).count();
    let asked = || subscribers.iter().map(|subscriber| subscriber.counters().requests.get()).sum::<u64>();
    drive(&mut connection, || set_up() == 2).await;
    assert_eq!((set_up(), asked()), (2, 2));
    assert_eq!(worker.http2_connections().len(), 1);
    let shared = Rc::clone(&worker.http2_connections()[0]);
    assert_eq!(shared.counters().connections.get(), 1);
    assert_eq!(worker.set_up.get().bytes, shared.counters().stream.total(), "each byte once");

    // One stream ends, so the waiting subscriber gets one.
    open.remove(0).1.send_data(Bytes::new(), true).unwrap();
    open.extend(serve_streams(&mut connection, 1).await);
    drive(&mut connection, || set_up() == 3).await;
    assert_eq!(asked(), 3);

    // The end of the connection ends all streams, and one new connection is opened for all.
    drop((connection, open));
    let mut connection = peer.accept_http2(9, |_| {}).await;
    let open = serve_streams(&mut connection, 3).await;
    let resumed = |(request, _): &(Request<_>, _)| request.headers()["last-event-id"] == "k3v9qa.0";
    assert!(open.iter().all(resumed));
    assert_eq!(shared.counters().connections.get(), 2);
    assert!(subscribers.iter().all(|subscriber| subscriber.counters().failures.get() > 0));
    for task in tasks {
        task.abort();
    }
}

/// Drives a connection until `holds` is true.
async fn drive(connection: &mut server::Connection<TlsStream<TcpStream>, Bytes>, holds: impl Fn() -> bool) {
    while !holds() {
        poll_fn(|context| {
            let _ = connection.poll_closed(context);
            std::task::Poll::Ready(())
        })
        .await;
        yield_now().await;
    }
}
