//! Subscribers in TLS and over HTTP/2, against peers of a few lines.

use std::{future::poll_fn, sync::Arc, thread};

use bytes::Bytes;
use contract::Transport;
use h2::{RecvStream, server};
use http::{Method, Request, Response};
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::{spawn_local, yield_now},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use super::{fake_server_tests::desk_before, *};
use crate::{poller::Poller, tls::TlsClient};

const PLACE: &str = r#"{"cursor":"k3v9qa.0","resume":"live"}"#;
const EVENT: &str = r#"{"id":"k3v9qa.1","data":"hello"}"#;
const EMPTY_BODY: &str = r#"{"cursor":"k3v9qa.0","resume":"live","events":[],"more":false}"#;

/// A listener with a certificate.
struct Peer {
    listener: TcpListener,
    acceptor: TlsAcceptor,
    certificate: CertificateDer<'static>,
}

impl Peer {
    async fn new(name: &str, ends_in: i32, protocol: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        (params.not_before, params.not_after) = (date_time_ymd(2001, 1, 1), date_time_ymd(ends_in, 1, 1));
        let certificate = params.self_signed(&key).unwrap().der().clone();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], key)
            .unwrap();
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self { listener, acceptor: TlsAcceptor::from(Arc::new(config)), certificate }
    }

    async fn good(protocol: &str) -> Self {
        Self::new("127.0.0.1", 4001, protocol).await
    }

    /// A desk whose subscribers trust its certificate.
    fn desk(&self, pattern: Pattern, transport: Transport, more: &str) -> Rc<Desk> {
        let target = self.listener.local_addr().unwrap();
        let pem = Self::pem(&self.certificate);
        let tls = TlsClient::of(transport, Some(&pem), target).unwrap();
        let more = format!("hold = \"1500ms\"\ntransport = \"{transport}\"\n{more}");
        Rc::new(desk_before(&self.listener, pattern, &more, None).encrypted(tls))
    }

    fn pem(certificate: &CertificateDer<'_>) -> String {
        use base64::{Engine, engine::general_purpose::STANDARD};
        let text = STANDARD.encode(certificate);
        format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
    }

    async fn accept(&self) -> io::Result<TlsStream<TcpStream>> {
        let (stream, _) = self.listener.accept().await?;
        self.acceptor.accept(stream).await
    }

    /// An HTTP/2 connection that allows so many streams, and WebSockets if it is told to.
    async fn accept_http2(
        &self,
        streams: u32,
        configure: impl FnOnce(&mut server::Builder),
    ) -> server::Connection<TlsStream<TcpStream>, Bytes> {
        let mut builder = server::Builder::new();
        configure(builder.max_concurrent_streams(streams));
        builder.handshake(self.accept().await.unwrap()).await.unwrap()
    }
}

fn seats(desk: &Rc<Desk>, count: u32) -> Vec<Rc<Seat>> {
    (0..count).map(|index| Rc::new(Seat::new(Rc::clone(desk), index, None))).collect()
}

fn ok() -> Response<()> {
    Response::new(())
}

fn with_websocket(builder: &mut server::Builder) {
    builder.enable_connect_protocol();
}

async fn head(stream: &mut TlsStream<TcpStream>) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

#[tokio::test]
async fn an_exchange_in_tls_is_counted_at_the_socket_with_the_goodbye_of_a_connection_that_closes() {
    for (more, closing) in [("", ""), ("keep_alive = false", "connection: close\r\n")] {
        let peer = Peer::good("http/1.1").await;
        let desk = peer.desk(Pattern::LongPolling, Transport::Http1Tls, more);
        let seat = &seats(&desk, 1)[0];
        let answer = format!("HTTP/1.1 200 OK\r\n{closing}content-length: 5\r\n\r\nhello");
        let server = async {
            let mut stream = peer.accept().await.unwrap();
            assert!(head(&mut stream).await.starts_with("GET /long-polling HTTP/1.1\r\n"));
            stream.write_all(answer.as_bytes()).await.unwrap();
            stream.flush().await.unwrap();
            if !closing.is_empty() {
                stream.shutdown().await.unwrap();
            }
            stream
        };
        let client = async {
            let mut poller = Poller::open(seat).await.unwrap();
            let exchange = poller.ask(seat, |answer| {
                assert_eq!(answer.body, b"hello");
                Ok(answer.exchange_bytes)
            });
            (exchange.await.unwrap(), poller)
        };
        let (stream, (exchange_bytes, _poller)) = tokio::join!(server, client);
        let counters = &seat.counters;
        let said = u64::try_from(head_length(closing) + answer.len()).unwrap();
        assert!(exchange_bytes > said, "records take more than what they hold: {exchange_bytes}");
        assert!(counters.headers.get() > 0, "the handshake");
        #[cfg(all(target_os = "linux", target_env = "gnu"))]
        {
            use std::os::fd::AsRawFd;
            let kernel = crate::libc_calls::tcp_info(stream.get_ref().0.as_raw_fd()).unwrap();
            // A FIN may count as a byte.
            assert!(kernel.bytes_received.abs_diff(counters.stream.sent()) <= 1, "{kernel:?}");
            let near = counters.stream.kernel().unwrap().all;
            assert_eq!(near.bytes_received, counters.stream.received(), "nothing is left unread");
        }
        drop(stream);
    }
}

fn head_length(closing: &str) -> usize {
    "GET /long-polling HTTP/1.1\r\nhost: 127.0.0.1:40000\r\n\r\n".len() + closing.len()
}

#[tokio::test]
async fn a_certificate_that_is_not_to_be_trusted_is_named_with_its_fault() {
    for (name, ends_in, words) in [
        ("127.0.0.1", 2002, "TLS: the certificate has expired"),
        ("other-host.invalid", 4001, "TLS: the certificate is not for 127.0.0.1"),
    ] {
        for transport in [Transport::Http1Tls, Transport::Http2] {
            let protocol = if transport == Transport::Http2 { "h2" } else { "http/1.1" };
            let peer = Peer::new(name, ends_in, protocol).await;
            let desk = peer.desk(Pattern::Sse, transport, "");
            let seat = &seats(&desk, 1)[0];
            let contact = async {
                match &seat.trunk {
                    Some(trunk) => trunk.ready(seat).await,
                    None => Poller::open(seat).await.map(drop),
                }
            };
            let (_, outcome) = tokio::join!(peer.accept(), contact);
            assert_eq!(outcome.unwrap_err().to_string(), words);
        }
    }
    let (known, unknown) = (Peer::good("h2").await, Peer::good("h2").await);
    let target = unknown.listener.local_addr().unwrap();
    let tls = TlsClient::of(Transport::Http2, Some(&Peer::pem(&known.certificate)), target).unwrap().unwrap();
    let desk =
        desk_before(&unknown.listener, Pattern::Sse, "transport = \"http2\"", None).encrypted(Some(tls));
    let seat = &seats(&Rc::new(desk), 1)[0];
    let contact = seat.trunk.as_ref().unwrap().ready(seat);
    let (_, outcome) = tokio::join!(unknown.accept(), contact);
    let told = outcome.unwrap_err().to_string();
    assert!(told.starts_with("TLS: the handshake failed: "), "{told}");
    assert!(TlsClient::of(Transport::Http2, None, target).is_err());
    assert!(TlsClient::of(Transport::Http2, Some("no certificate"), target).is_err());
}

#[tokio::test(flavor = "local")]
async fn a_server_that_speaks_no_http_2_is_told_so() {
    let peer = Peer::good("http/1.1").await;
    let desk = peer.desk(Pattern::Sse, Transport::Http2, "");
    let seat = &seats(&desk, 1)[0];
    let (_, outcome) = tokio::join!(peer.accept(), seat.trunk.as_ref().unwrap().ready(seat));
    let told = outcome.unwrap_err().to_string();
    assert!(told.starts_with("TLS: "), "{told}");
}

/// Three polls: nothing, an event, the connection's end.
#[tokio::test(flavor = "local")]
async fn a_poll_over_http_2_takes_its_answer_and_its_bytes() {
    let peer = Peer::good("h2").await;
    let desk = peer.desk(Pattern::LongPolling, Transport::Http2, "");
    let seat = &seats(&desk, 1)[0];
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
    let run = http2::run(seat, seat.trunk.as_ref().unwrap());
    let (asked, outcome) = tokio::join!(server, run);
    assert!(matches!(outcome, Err(SubscriberError::Http2(_))), "{outcome:?}");
    let host = desk.host.as_str();
    let urls = ["", "?after=k3v9qa.0&hold=1.5", "?after=k3v9qa.1&hold=1.5"];
    assert_eq!(asked, urls.map(|query| format!("https://{host}/long-polling{query}")));
    let trunk = &seat.trunk.as_ref().unwrap().counters;
    let counters = &seat.counters;
    assert_eq!((counters.requests.get(), trunk.connections.get()), (3, 1));
    assert_eq!(counters.stream.total(), 0, "all bytes are the connection's");
    assert_eq!(counters.payload.get(), 5);
    let told = counters.headers.get() + trunk.headers.get() + counters.empty_polls.get();
    assert!(told > 0 && told < trunk.stream.total(), "{told} of {}", trunk.stream.total());
}

#[tokio::test(flavor = "local")]
async fn what_was_read_before_a_pause_is_as_old_as_its_read() {
    let peer = Peer::good("h2").await;
    let desk = peer.desk(Pattern::Sse, Transport::Http2, "");
    let seat = &seats(&desk, 1)[0];
    let server = async {
        let mut connection = peer.accept_http2(10, |_| {}).await;
        let (_, mut answer) = connection.accept().await.unwrap().unwrap();
        let mut stream = answer.send_response(ok(), false).unwrap();
        stream.send_data("first".into(), false).unwrap();
        spawn_local(async move { poll_fn(|context| connection.poll_closed(context)).await });
        stream
    };
    let client = async {
        let answer = seat.trunk.as_ref().unwrap().ask(seat, &Method::GET).await.unwrap();
        let mut content = answer.content;
        assert_eq!(content.next(seat).await.unwrap().unwrap(), "first");
        content
    };
    let (mut stream, mut content) = tokio::join!(server, client);
    let before_ns = desk.received_ns();
    let carried = || seat.trunk.as_ref().unwrap().counters.stream.received();
    let before_bytes = carried();
    stream.send_data("second".into(), false).unwrap();
    while carried() == before_bytes {
        yield_now().await;
    }
    // The read is done, and everybody who could look is kept from it.
    let read_by_ns = desk.clock.now_ns();
    thread::sleep(Duration::from_millis(30));
    assert_eq!(content.next(seat).await.unwrap().unwrap(), "second");
    assert!(desk.received_ns() > before_ns);
    assert!(desk.received_ns() <= read_by_ns, "{} after the read", desk.received_ns() - read_by_ns);
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
        let desk = peer.desk(Pattern::WebSocket, Transport::Http2, "");
        let seat = &seats(&desk, 1)[0];
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
        let run = http2::run(seat, seat.trunk.as_ref().unwrap());
        let ((pong, _), outcome) = tokio::join!(server, run);
        assert!(matches!(outcome, Err(SubscriberError::Ended)), "{outcome:?}");
        assert_eq!(pong[..2], [0x8a, 0x84]);
        let unmasked: Vec<u8> = (0..4).map(|place| pong[6 + place] ^ pong[2 + place]).collect();
        assert_eq!(unmasked, b"ping");
        assert_eq!(seat.cursor().unwrap().seq, 1);
        assert_eq!(seat.counters.requests.get(), 1);
    }
}

#[tokio::test(flavor = "local")]
async fn a_server_without_extended_connect_is_told_so_and_never_asked() {
    let peer = Peer::good("h2").await;
    let desk = peer.desk(Pattern::WebSocket, Transport::Http2, "");
    let seat = &seats(&desk, 1)[0];
    let server = async {
        let mut connection = peer.accept_http2(10, |_| {}).await;
        poll_fn(|context| connection.poll_closed(context)).await
    };
    let outcome = tokio::select! {
        outcome = http2::run(seat, seat.trunk.as_ref().unwrap()) => outcome,
        _ = server => panic!("it was not told"),
    };
    assert!(matches!(outcome, Err(SubscriberError::NoExtendedConnect)), "{outcome:?}");
    assert_eq!(seat.counters.requests.get(), 0);
}

/// Answers every request as the start of an event stream, until so many have come.
async fn serve_streams(
    connection: &mut server::Connection<TlsStream<TcpStream>, Bytes>,
    count: usize,
) -> Vec<(Request<RecvStream>, h2::SendStream<Bytes>)> {
    let mut open = Vec::new();
    while open.len() < count {
        let (request, mut answer) = connection.accept().await.unwrap().unwrap();
        let mut stream = answer.send_response(ok(), false).unwrap();
        stream.send_data("id: k3v9qa.0\n\n".into(), false).unwrap();
        open.push((request, stream));
    }
    open
}

#[tokio::test(flavor = "local")]
async fn subscribers_share_a_connection_and_whoever_is_beyond_its_limit_waits_unasked() {
    let peer = Peer::good("h2").await;
    let desk = peer.desk(Pattern::Sse, Transport::Http2, "streams_per_connection = 3");
    let seats = seats(&desk, 3);
    let tasks: Vec<_> = seats.iter().map(|seat| spawn_local(Rc::clone(seat).subscribe())).collect();
    let mut connection = peer.accept_http2(2, |_| {}).await;
    let mut open = serve_streams(&mut connection, 2).await;
    let set_up = || seats.iter().filter(|seat| seat.is_set_up()).count();
    let asked = || seats.iter().map(|seat| seat.counters.requests.get()).sum::<u64>();
    drive(&mut connection, || set_up() == 2).await;
    assert_eq!((set_up(), asked()), (2, 2));
    let trunks = desk.trunks().len();
    assert_eq!((trunks, desk.trunks()[0].counters.connections.get()), (1, 1));
    assert_eq!(desk.set_up.get().bytes, desk.trunks()[0].counters.stream.total(), "each byte once");

    // One leaves, and there is a place.
    open.remove(0).1.send_data(Bytes::new(), true).unwrap();
    open.extend(serve_streams(&mut connection, 1).await);
    drive(&mut connection, || set_up() == 3).await;
    assert_eq!(asked(), 3);

    // With the connection all streams are gone, and one connection is opened again for all.
    drop((connection, open));
    let mut connection = peer.accept_http2(9, |_| {}).await;
    let open = serve_streams(&mut connection, 3).await;
    let resumed = |(request, _): &(Request<_>, _)| request.headers()["last-event-id"] == "k3v9qa.0";
    assert!(open.iter().all(resumed));
    assert_eq!(desk.trunks()[0].counters.connections.get(), 2);
    assert!(seats.iter().all(|seat| seat.counters.failures.get() > 0));
    for task in tasks {
        task.abort();
    }
}

/// Lets a connection do its work until something holds.
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
