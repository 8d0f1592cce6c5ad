//! TLS on the data plane: the negotiated protocol, refused clients, and broken handshakes.
#![allow(clippy::unwrap_used, reason = "a test may end where its premise fails")]

mod live;

use std::{fs, io, time::Duration};

use contract::{Ablation, Certificate, Pattern, Transport};
use event_log::Retention;
use live::{Answer, Live, PATIENCE, Subscriber};
use rustls::{CertificateError, version::TLS12, version::TLS13};
use server::{AppSettings, CertificateSource, Limits, Server, ServerSettings};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

fn speaking(transport: Transport) -> AppSettings {
    AppSettings { transport, ..AppSettings::default() }
}

#[tokio::test]
async fn the_protocol_is_chosen_by_the_server_among_those_that_the_client_offers() {
    let cases: [(Transport, &[&str], Option<&str>); 7] = [
        (Transport::Http1Tls, &["http/1.1"], Some("http/1.1")),
        (Transport::Http1Tls, &["h2", "http/1.1"], Some("http/1.1")),
        (Transport::Http1Tls, &[], None),
        (Transport::Http2, &["h2"], Some("h2")),
        (Transport::Http2, &["http/1.1", "h2"], Some("h2")),
        (Transport::Http2, &["http/1.1"], Some("http/1.1")),
        (Transport::Http2, &[], None),
    ];
    for (transport, offered, chosen) in cases {
        let live = Live::with(speaking(transport));
        let mut stream = live.door.tls(offered).await.unwrap();
        let found = stream.get_ref().1.alpn_protocol().map(|name| String::from_utf8_lossy(name).into_owned());
        assert_eq!(found.as_deref(), chosen, "{transport} {offered:?}");
        if chosen != Some("h2") {
            stream.write_all(b"GET /clock HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
            assert_eq!(Answer::read(&mut stream, true).await.status, 200, "without h2 it is HTTP/1.1");
        }
    }
    let live = Live::with(speaking(Transport::Http1Tls));
    assert!(live.door.tls(&["h2"]).await.is_err(), "nothing in common");
    live.until(|stats| stats.handshakes_failed == 1 && stats.connections_open == 0).await;
}

#[tokio::test]
async fn both_versions_are_spoken() {
    let live = Live::with(speaking(Transport::Http2));
    for version in [&TLS12, &TLS13] {
        let stream = live.door.tls_of(&[version], &["h2"]).await.unwrap();
        assert_eq!(stream.get_ref().1.protocol_version(), Some(version.version));
    }
}

fn refusal(error: &io::Error) -> &CertificateError {
    match error.get_ref().unwrap().downcast_ref::<rustls::Error>() {
        Some(rustls::Error::InvalidCertificate(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_strict_client_refuses_what_is_expired_or_somebody_elses() {
    for transport in [Transport::Http1Tls, Transport::Http2] {
        let showing = |kind| Live::showing(CertificateSource::Made(kind), speaking(transport));
        let live = showing(Certificate::Expired);
        let error = live.door.tls(&[]).await.unwrap_err();
        let reason = refusal(&error);
        assert!(matches!(reason, CertificateError::ExpiredContext { .. }), "{reason:?}");
        live.until(|stats| stats.handshakes_failed == 1 && stats.connections_open == 0).await;
        let live = showing(Certificate::OtherHost);
        let error = live.door.tls(&[]).await.unwrap_err();
        let reason = refusal(&error);
        assert!(matches!(reason, CertificateError::NotValidForNameContext { .. }), "{reason:?}");
        let live = showing(Certificate::Valid);
        assert!(live.door.tls(&[]).await.is_ok());
    }
}

#[tokio::test]
async fn a_client_without_handshake_is_closed() {
    let limits = Limits { head_timeout: Duration::from_millis(1_500), ..Limits::default() };
    let live = Live::with(AppSettings { limits, ..speaking(Transport::Http2) });
    // The start of a handshake: it announces a record of 512 bytes that never arrives.
    let half_a_handshake = [0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3];
    let openings: [&[u8]; 5] =
        [b"", &half_a_handshake, b"GET / HTTP/1.1\r\nhost: x\r\n\r\n", &[0xff; 4_096], &[0; 4_096]];
    for (failed, opening) in (1..).zip(openings) {
        let mut stream = TcpStream::connect(live.data).await.unwrap();
        stream.write_all(opening).await.unwrap();
        // An alert may arrive before the end; a reset is an end, too.
        let mut rest = Vec::new();
        let _ = timeout(PATIENCE, stream.read_to_end(&mut rest)).await.expect("it is not closed");
        assert!(!String::from_utf8_lossy(&rest).contains("HTTP/"), "no HTTP without TLS");
        live.until(|stats| stats.handshakes_failed == failed && stats.connections_open == 0).await;
    }
    // The next connection is served normally.
    assert_eq!(live.door.http2().await.get("/clock").await.status, 200);
}

#[tokio::test]
async fn what_is_counted_is_what_passes_the_socket() {
    for transport in [Transport::Http1Tls, Transport::Http2] {
        let live = Live::with(speaking(transport));
        let before = live.stats().await;
        assert_eq!((before.bytes_in, before.bytes_out), (0, 0));
        let (mut subscriber, _) = Subscriber::open(&live, Pattern::Sse, None).await;
        let text = "x".repeat(40_000);
        live.publish([&text]);
        assert_eq!(subscriber.texts(1).await, [text]);
        let during = live.stats().await;
        assert_eq!((during.connections_opened, during.connections_open), (1, 1), "{transport}");
        // A certificate, an answer's head and the tags of three records have more bytes than this.
        assert!(during.bytes_out > 40_500, "{transport}: {}", during.bytes_out);
        assert!(during.bytes_in > 300, "{transport}: {}", during.bytes_in);
        assert_eq!(during.requests_of(Pattern::Sse).arrived, 1, "{transport}: each request once");
        drop(subscriber);
        live.until(|stats| stats.connections_open == 0 && stats.waiting == 0).await;
    }
}

#[tokio::test]
async fn over_the_limit_a_connection_is_closed_before_the_handshake() {
    let limits = Limits { connections: 1, ..Limits::default() };
    let live = Live::with(AppSettings { limits, ..speaking(Transport::Http1Tls) });
    let (_one, _) = Subscriber::open(&live, Pattern::Sse, None).await;
    assert!(live.door.tls(&[]).await.is_err());
    live.until(|stats| stats.connections_refused == 1 && stats.connections_open == 1).await;
}

#[tokio::test]
async fn a_page_of_the_same_host_in_clear_is_of_another_origin() {
    for transport in [Transport::Http1Tls, Transport::Http2] {
        let live = Live::with(speaking(transport));
        for (scheme, status) in [("https", 201), ("http", 403)] {
            let lines = format!("origin: {scheme}://{}\r\ncontent-type: text/plain\r\n", live.data);
            let answer = match transport {
                Transport::Http1 | Transport::Http1Tls => {
                    let head = format!("POST /events HTTP/1.1\r\nhost: {}\r\n{lines}", live.data);
                    live.exchange(format!("{head}content-length: 1\r\n\r\na")).await
                }
                Transport::Http2 => {
                    let mut connection = live.door.http2().await;
                    let request = connection.request("POST", "/events", &lines).map(|_| "a".into());
                    connection.ask(request).await
                }
            };
            assert_eq!(answer.status, status, "{transport} {scheme}");
        }
    }
}

fn bind(certificate: CertificateSource) -> Result<Server, String> {
    let any = "127.0.0.1:0".parse().unwrap();
    let app = speaking(Transport::Http2);
    Server::bind(ServerSettings { data: any, control: any, tcp_maxseg: 1_460, certificate, app })
        .map_err(|error| error.to_string())
}

#[tokio::test]
async fn a_certificate_from_files_is_shown_or_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let write = |name: &str, text: &str| fs::write(path(name), text).unwrap();
    let own = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let other = rcgen::KeyPair::generate().unwrap();
    write("own.pem", &own.cert.pem());
    write("own.key", &own.signing_key.serialize_pem());
    write("other.key", &other.serialize_pem());
    write("both.pem", &(own.signing_key.serialize_pem() + &own.cert.pem()));
    write("empty", "");
    write("broken", "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n");
    write("nonsense", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    let files = |certificate: &str, key: &str| CertificateSource::Files {
        certificate: path(certificate),
        key: path(key),
    };
    for (certificate, key, words) in [
        ("missing", "own.key", ["missing", "cannot be read"]),
        ("own.pem", "missing", ["missing", "cannot be read"]),
        ("empty", "own.key", ["empty", "no certificate in it"]),
        ("own.key", "own.key", ["own.key", "no certificate in it"]),
        ("own.pem", "own.pem", ["own.pem", "no private key in it"]),
        ("broken", "own.key", ["broken", "cannot be read"]),
        ("nonsense", "own.key", ["nonsense", "cannot be used together"]),
        ("own.pem", "other.key", ["other.key", "cannot be used together"]),
    ] {
        let error = bind(files(certificate, key)).unwrap_err();
        assert!(words.iter().all(|word| error.contains(word)), "{error}");
    }
    assert!(bind(files(".", "own.key")).unwrap_err().contains("cannot be read"), "a folder is no file");
    // The announcement must not contain the key from the same file.
    let server = bind(files("both.pem", "both.pem")).unwrap();
    let shown = server.announcement().unwrap().certificate_pem.unwrap();
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(lines(&shown), lines(&own.cert.pem()));
    assert!(!shown.contains("PRIVATE"));
    drop(server);
    let live = Live::showing(files("own.pem", "own.key"), speaking(Transport::Http2));
    assert_eq!(live.door.http2().await.get("/clock").await.status, 200);
}

#[tokio::test]
async fn the_floor_speaks_http1_only() {
    let any = "127.0.0.1:0".parse().unwrap();
    for transport in [Transport::Http1Tls, Transport::Http2] {
        let app = AppSettings { floor: true, patterns: vec![Pattern::Sse], ..speaking(transport) };
        let certificate = CertificateSource::default();
        let settings = ServerSettings { data: any, control: any, tcp_maxseg: 1_460, certificate, app };
        let error = Server::bind(settings).unwrap_err().to_string();
        assert!(error.contains("http1 only") && error.contains(transport.slug()), "{error}");
    }
}

/// Publishes more than an unread connection takes, and waits until the server closes it.
async fn is_given_up(live: Live, what: &str) {
    for _ in 0..512 {
        live.publish(["x".repeat(60_000)]);
        tokio::task::yield_now().await;
    }
    live.until(|stats| stats.connections_open == 0 && stats.waiting == 0).await;
    let sent = live.stats().await.bytes_out;
    assert!(sent < 28 << 20, "{what}: it did not stall: {sent} bytes were sent");
}

fn impatient(app: AppSettings) -> Live {
    let limits = Limits { head_timeout: Duration::from_secs(1), ..Limits::default() };
    let retention = Retention { events: 10_000, bytes: 64 << 20 };
    Live::with(AppSettings { limits, retention, ..app })
}

#[tokio::test]
async fn a_client_that_stops_reading_is_closed() {
    for pattern in [Pattern::Sse, Pattern::WebSocket] {
        let live = impatient(speaking(Transport::Http1Tls));
        let (_stalled, _) = Subscriber::open(&live, pattern, None).await;
        is_given_up(live, pattern.slug()).await;
    }
}

#[tokio::test]
async fn a_client_that_stops_reading_is_closed_in_clear_as_well() {
    for pattern in [Pattern::Sse, Pattern::WebSocket] {
        let live = impatient(AppSettings { ablation: Ablation::OwnTasks, ..speaking(Transport::Http1) });
        let (_stalled, _) = Subscriber::open(&live, pattern, None).await;
        is_given_up(live, pattern.slug()).await;
    }
    // Without an ablation hyper serves what the shared writer does not.
    let live = impatient(speaking(Transport::Http1));
    let mut stalled = live.door.connect().await;
    let wish = r#"{"types":["message"]}"#;
    let head = "POST /sse HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
    let request = format!("{head}content-length: {}\r\n\r\n{wish}", wish.len());
    stalled.write_all(request.as_bytes()).await.unwrap();
    live.parked(1).await;
    is_given_up(live, "a filtered stream").await;
}
