//! Subscribers over TLS, tested against small fake servers.

use std::{io, sync::Arc};

use bytes::Bytes;
use contract::Transport;
use h2::server;
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use super::{fake_server_tests::worker_before, http_client::HttpClient, worker_context::WorkerContext, *};
use crate::connections::tls::TlsClient;

/// A listener with a certificate.
pub(super) struct Peer {
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

    pub(super) async fn good(protocol: &str) -> Self {
        Self::new("127.0.0.1", 4001, protocol).await
    }

    /// A worker whose subscribers trust its certificate.
    pub(super) fn worker(&self, pattern: Pattern, transport: Transport, more: &str) -> Rc<WorkerContext> {
        let target = self.listener.local_addr().unwrap();
        let pem = Self::pem(&self.certificate);
        let tls = TlsClient::of(transport, Some(&pem), target).unwrap();
        let more = format!("hold = \"1500ms\"\ntransport = \"{transport}\"\n{more}");
        Rc::new(worker_before(&self.listener, pattern, &more, None).encrypted(tls))
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

    /// Accepts an HTTP/2 connection that allows `streams` streams, with further settings by `configure`.
    pub(super) async fn accept_http2(
        &self,
        streams: u32,
        configure: impl FnOnce(&mut server::Builder),
    ) -> server::Connection<TlsStream<TcpStream>, Bytes> {
        let mut builder = server::Builder::new();
        configure(builder.max_concurrent_streams(streams));
        builder.handshake(self.accept().await.unwrap()).await.unwrap()
    }
}

pub(super) fn subscribers(worker: &Rc<WorkerContext>, count: u32) -> Vec<Rc<Subscriber>> {
    (0..count).map(|index| Rc::new(Subscriber::new(Rc::clone(worker), index, None))).collect()
}

/// Opens a connection that is kept.
async fn contact(subscriber: &Subscriber) -> Result<(), SubscriberError> {
    HttpClient::of(subscriber).connect(subscriber).await
}

async fn head(stream: &mut TlsStream<TcpStream>) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

#[tokio::test]
async fn an_exchange_in_tls_is_counted_at_the_socket_with_the_alert_that_closes_it() {
    for (more, closing) in [("", ""), ("keep_alive = false", "connection: close\r\n")] {
        let peer = Peer::good("http/1.1").await;
        let worker = peer.worker(Pattern::LongPolling, Transport::Http1Tls, more);
        let subscriber = &subscribers(&worker, 1)[0];
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
            let mut client = HttpClient::of(subscriber);
            client.connect(subscriber).await.unwrap();
            let exchange = client.poll(subscriber, |answer| {
                assert_eq!(answer.body, b"hello");
                Ok(answer.exchange_bytes)
            });
            (exchange.await.unwrap(), client)
        };
        let (stream, (exchange_bytes, _client)) = tokio::join!(server, client);
        let counters = subscriber.counters();
        let said = u64::try_from(head_length(closing) + answer.len()).unwrap();
        assert!(exchange_bytes > said, "records are larger than their content: {exchange_bytes}");
        assert!(counters.headers.get() > 0, "the handshake");
        #[cfg(all(target_os = "linux", target_env = "gnu"))]
        {
            use std::os::fd::AsRawFd;
            let kernel = crate::system::libc_calls::tcp_info(stream.get_ref().0.as_raw_fd()).unwrap();
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
            let worker = peer.worker(Pattern::Sse, transport, "");
            let subscriber = &subscribers(&worker, 1)[0];
            let (_, outcome) = tokio::join!(peer.accept(), contact(subscriber));
            assert_eq!(outcome.unwrap_err().to_string(), words);
        }
    }
    let (known, unknown) = (Peer::good("h2").await, Peer::good("h2").await);
    let target = unknown.listener.local_addr().unwrap();
    let tls = TlsClient::of(Transport::Http2, Some(&Peer::pem(&known.certificate)), target).unwrap().unwrap();
    let worker =
        worker_before(&unknown.listener, Pattern::Sse, "transport = \"http2\"", None).encrypted(Some(tls));
    let subscriber = &subscribers(&Rc::new(worker), 1)[0];
    let (_, outcome) = tokio::join!(unknown.accept(), contact(subscriber));
    let reported = outcome.unwrap_err().to_string();
    assert!(reported.starts_with("TLS: the handshake failed: "), "{reported}");
    assert!(TlsClient::of(Transport::Http2, None, target).is_err());
    assert!(TlsClient::of(Transport::Http2, Some("no certificate"), target).is_err());
}

#[tokio::test(flavor = "local")]
async fn a_server_that_speaks_no_http_2_is_told_so() {
    let peer = Peer::good("http/1.1").await;
    let worker = peer.worker(Pattern::Sse, Transport::Http2, "");
    let subscriber = &subscribers(&worker, 1)[0];
    let (_, outcome) = tokio::join!(peer.accept(), contact(subscriber));
    let reported = outcome.unwrap_err().to_string();
    assert!(reported.starts_with("TLS: "), "{reported}");
}

/// RFC 9112 §9.3.1, and RFC 8446 §6.1 for the `close_notify` before the end.
#[tokio::test]
async fn a_kept_connection_in_tls_that_was_closed_while_idle_is_opened_again_without_a_failure() {
    for is_noticed in [true, false] {
        let peer = Peer::good("http/1.1").await;
        let worker = peer.worker(Pattern::LongPolling, Transport::Http1Tls, "");
        let subscriber = &subscribers(&worker, 1)[0];
        let (has_closed, hears) = tokio::sync::oneshot::channel();
        let server = async {
            let mut first = peer.accept().await.unwrap();
            head(&mut first).await;
            first.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
            first.flush().await.unwrap();
            if !is_noticed {
                head(&mut first).await;
            }
            first.shutdown().await.unwrap();
            let _ = has_closed.send(());
            let mut second = peer.accept().await.unwrap();
            head(&mut second).await;
            second.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
            second.flush().await.unwrap();
            (first, second)
        };
        let client = async {
            let mut client = HttpClient::of(subscriber);
            client.connect(subscriber).await.unwrap();
            client.poll(subscriber, |_| Ok(())).await.unwrap();
            if is_noticed {
                hears.await.unwrap();
            }
            client.poll(subscriber, |_| Ok(())).await.unwrap();
        };
        let (_streams, ()) = tokio::join!(server, client);
        assert_eq!(subscriber.counters().connections.get(), 2, "noticed: {is_noticed}");
    }
}

#[tokio::test]
async fn a_server_that_nobody_could_speak_to_is_tried_once() {
    for (peer, transport) in [
        (Peer::new("127.0.0.1", 2002, "http/1.1").await, Transport::Http1Tls),
        (Peer::good("http/1.1").await, Transport::Http2),
    ] {
        let worker = peer.worker(Pattern::WebSocket, transport, "");
        let subscriber = &subscribers(&worker, 1)[0];
        let listening = async {
            loop {
                // Refused, or closed by the other side.
                let _ = peer.accept().await;
            }
        };
        let local = tokio::task::LocalSet::new();
        local
            .run_until(async {
                tokio::select! {
                    () = listening => {}
                    () = subscribe(Rc::clone(subscriber)) => {}
                }
            })
            .await;
        assert!(worker.tally.is_hopeless.get() && worker.tally.turned_away.get() == 1, "{transport}");
    }
}
