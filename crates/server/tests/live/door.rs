//! Connections to the data plane: a plain or TLS socket, or an HTTP/2 connection.

use std::{io, net::SocketAddr, sync::Arc};

use contract::Transport;
use http::{HeaderName, HeaderValue, Method, Request, Response, header};
use http_body_util::{BodyExt, Full};
use hyper::{
    body::{Bytes, Incoming},
    client::conn::http2,
    ext::Protocol,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tokio_tungstenite::{WebSocketStream, tungstenite::protocol::Role};

use super::{Answer, PATIENCE};

/// A connection or a stream for reading and writing bytes.
pub(crate) type Socket = Box<dyn Io>;

pub(crate) trait Io: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Io for S {}

/// A server's address and transport, and its announced certificate.
#[derive(Clone)]
pub(crate) struct Door {
    pub(crate) server: SocketAddr,
    pub(crate) transport: Transport,
    roots: Arc<RootCertStore>,
}

impl Door {
    pub(crate) fn new(server: SocketAddr, transport: Transport, pem: Option<&str>) -> Self {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem.unwrap_or_default().as_bytes()) {
            roots.add(certificate.unwrap()).unwrap();
        }
        Self { server, transport, roots: Arc::new(roots) }
    }

    /// A connection for HTTP/1.1.
    pub(crate) async fn connect(&self) -> Socket {
        match self.transport {
            Transport::Http1 => Box::new(TcpStream::connect(self.server).await.unwrap()),
            Transport::Http1Tls | Transport::Http2 => Box::new(self.tls(&["http/1.1"]).await.unwrap()),
        }
    }

    /// A TLS connection that trusts only the announced certificate, and offers these protocols.
    pub(crate) async fn tls(&self, alpn: &[&str]) -> io::Result<TlsStream<TcpStream>> {
        self.tls_of(rustls::ALL_VERSIONS, alpn).await
    }

    /// The same, with one of these TLS versions.
    pub(crate) async fn tls_of(
        &self,
        versions: &[&'static rustls::SupportedProtocolVersion],
        alpn: &[&str],
    ) -> io::Result<TlsStream<TcpStream>> {
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(Arc::clone(&self.roots))
            .with_no_client_auth();
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        let stream = TcpStream::connect(self.server).await?;
        let name = ServerName::from(self.server.ip());
        let shaken = TlsConnector::from(Arc::new(config)).connect(name, stream);
        timeout(PATIENCE, shaken).await.expect("the handshake hangs")
    }

    /// An HTTP/2 connection.
    pub(crate) async fn http2(&self) -> Http2 {
        self.http2_with(|_| {}).await
    }

    /// An HTTP/2 connection whose client has its own settings.
    pub(crate) async fn http2_with(&self, set: impl FnOnce(&mut http2::Builder<TokioExecutor>)) -> Http2 {
        self.http2_over(self.tls(&["h2"]).await.unwrap(), set).await
    }

    /// An HTTP/2 connection on a stream after its TLS handshake.
    pub(crate) async fn http2_over(
        &self,
        stream: impl Io + 'static,
        set: impl FnOnce(&mut http2::Builder<TokioExecutor>),
    ) -> Http2 {
        let mut builder = http2::Builder::new(TokioExecutor::new());
        set(&mut builder);
        let (sender, connection) = builder.handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(async move { drop(connection.await) });
        Http2 { server: self.server, sender }
    }
}

/// One HTTP/2 connection, for any number of streams.
#[derive(Clone)]
pub(crate) struct Http2 {
    server: SocketAddr,
    sender: http2::SendRequest<Full<Bytes>>,
}

impl Http2 {
    /// A request without a body.
    pub(crate) fn request(&self, method: &str, target: &str, lines: &str) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::default());
        *request.method_mut() = Method::from_bytes(method.as_bytes()).unwrap();
        *request.uri_mut() = format!("https://{}{target}", self.server).parse().unwrap();
        request.headers_mut().extend(headers(lines));
        request
    }

    /// Sends a request; returns the head of the answer.
    pub(crate) async fn send(&mut self, request: Request<Full<Bytes>>) -> hyper::Result<Response<Incoming>> {
        self.sender.ready().await?;
        timeout(PATIENCE, self.sender.send_request(request)).await.expect("no answer")
    }

    /// Sends a request; returns the whole answer.
    pub(crate) async fn ask(&mut self, request: Request<Full<Bytes>>) -> Answer {
        let (parts, body) = self.send(request).await.unwrap().into_parts();
        let mut head = format!("HTTP/2 {}", parts.status);
        for (name, value) in &parts.headers {
            head.push_str(&format!("\r\n{name}: {}", value.to_str().unwrap()));
        }
        let body = timeout(PATIENCE, body.collect()).await.expect("no body").unwrap().to_bytes();
        Answer { status: parts.status.as_u16(), head, body: String::from_utf8_lossy(&body).into_owned() }
    }

    pub(crate) async fn get(&mut self, target: &str) -> Answer {
        self.ask(self.request("GET", target, "")).await
    }

    /// An extended CONNECT (RFC 8441 §4).
    pub(crate) async fn connect(&mut self, protocol: &str, target: &str, lines: &str) -> Response<Incoming> {
        // The server's settings, which arrive before any answer, enable extended CONNECT.
        assert_eq!(self.get("/clock").await.status, 200);
        let mut request = self.request("CONNECT", target, lines);
        request.extensions_mut().insert(Protocol::from(protocol));
        self.send(request).await.unwrap()
    }

    pub(crate) async fn websocket(&mut self, target: &str, lines: &str) -> WebSocketStream<Socket> {
        let lines = format!("sec-websocket-version: 13\r\n{lines}");
        let response = self.connect("websocket", target, &lines).await;
        assert_eq!(response.status(), 200, "{response:?}");
        for name in [header::UPGRADE, header::CONNECTION, header::SEC_WEBSOCKET_ACCEPT] {
            assert!(!response.headers().contains_key(&name), "{name} has no place in HTTP/2");
        }
        let stream: Socket = Box::new(TokioIo::new(hyper::upgrade::on(response).await.unwrap()));
        WebSocketStream::from_raw_socket(stream, Role::Client, None).await
    }
}

/// Parses header lines.
pub(crate) fn headers(lines: &str) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
    lines.lines().map(|line| {
        let (name, value) = line.split_once(": ").unwrap();
        (HeaderName::try_from(name).unwrap(), value.parse().unwrap())
    })
}
