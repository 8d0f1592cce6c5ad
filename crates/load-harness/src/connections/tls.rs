//! TLS of the subscribers. They trust only the certificate that the server announced, and only while it is
//! valid and for the requested host.
//!
//! No session is resumed: every connection pays for a full handshake, as on the first visit to a page.
//! Resumption would hide the cost of the set-up.

use std::{
    cell::Cell,
    io::{self, IoSlice},
    net::SocketAddr,
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, ready},
};

use contract::Transport;
use rustls::{
    CertificateError, ClientConfig, RootCertStore,
    client::Resumption,
    crypto::ring,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use schedule::EpochClock;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::{
    connections::counted_stream::CountedStream,
    data::error::{SubscriberError, TlsError},
};

/// The TLS configuration of a worker's connections.
#[derive(Clone)]
pub(crate) struct TlsClient {
    connector: TlsConnector,
    name: ServerName<'static>,
    protocol: Protocol,
}

/// The application protocol, by its name in ALPN (RFC 7301).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protocol {
    Http1,
    Http2,
}

impl Protocol {
    const fn name(self) -> &'static str {
        match self {
            Self::Http1 => "http/1.1",
            Self::Http2 => "h2",
        }
    }
}

impl TlsClient {
    /// The client for a server that announced this certificate; none for a plain transport.
    ///
    /// # Errors
    /// [`TlsError`] if the server announced no certificate that can be trusted.
    pub(crate) fn of(
        transport: Transport,
        certificate_pem: Option<&str>,
        target: SocketAddr,
    ) -> Result<Option<Self>, TlsError> {
        let protocol = match transport {
            Transport::Http1 => return Ok(None),
            Transport::Http1Tls => Protocol::Http1,
            Transport::Http2 => Protocol::Http2,
        };
        let pem = certificate_pem.ok_or(TlsError::Unannounced)?;
        let mut trusted = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
            trusted.add(certificate.map_err(TlsError::Pem)?).map_err(TlsError::Untrustworthy)?;
        }
        if trusted.is_empty() {
            return Err(TlsError::Unannounced);
        }
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Untrustworthy)?
            .with_root_certificates(trusted)
            .with_no_client_auth();
        config.resumption = Resumption::disabled();
        config.alpn_protocols = vec![protocol.name().as_bytes().to_vec()];
        let (connector, name) = (TlsConnector::from(Arc::new(config)), ServerName::from(target.ip()));
        Ok(Some(Self { connector, name, protocol }))
    }

    /// The handshake on a newly opened connection.
    ///
    /// # Errors
    /// [`TlsError`] if TLS fails, such as for an invalid certificate; or the error of the socket.
    pub(crate) async fn encrypt(
        &self,
        stream: CountedStream,
        clock: EpochClock,
    ) -> Result<TlsStream<TimedStream>, SubscriberError> {
        let timed = TimedStream { stream, clock, read_ns: Rc::default() };
        let stream = self.connector.connect(self.name.clone(), timed).await.map_err(|error| {
            match error.get_ref().and_then(|cause| cause.downcast_ref::<rustls::Error>()) {
                Some(cause) => SubscriberError::Tls(self.explain(cause)),
                None => SubscriberError::Socket(error),
            }
        })?;
        let chosen = stream.get_ref().1.alpn_protocol();
        let asked = self.protocol.name();
        // A server without ALPN uses HTTP/1.1.
        let is_as_asked = match (self.protocol, chosen) {
            (Protocol::Http1, None) => true,
            (Protocol::Http1 | Protocol::Http2, chosen) => chosen == Some(asked.as_bytes()),
        };
        if !is_as_asked {
            let chosen =
                chosen.map_or("nothing".to_owned(), |chosen| String::from_utf8_lossy(chosen).into_owned());
            return Err(TlsError::OtherProtocol { chosen, asked }.into());
        }
        Ok(stream)
    }

    fn explain(&self, cause: &rustls::Error) -> TlsError {
        if let rustls::Error::InvalidCertificate(problem) = cause {
            if matches!(problem, CertificateError::Expired | CertificateError::ExpiredContext { .. }) {
                return TlsError::Expired;
            }
            if matches!(
                problem,
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }
            ) {
                return TlsError::OtherHost(self.name.to_str().into_owned());
            }
        }
        TlsError::Handshake(cause.clone())
    }
}

/// A socket below TLS that notes when its last bytes were read: their content, once decrypted and parsed, was
/// received then.
#[derive(Debug)]
pub(crate) struct TimedStream {
    stream: CountedStream,
    clock: EpochClock,
    read_ns: Rc<Cell<u64>>,
}

impl TimedStream {
    /// When the last bytes were read.
    pub(crate) fn read_ns(&self) -> u64 {
        self.read_ns.get()
    }

    /// The same as a cell that can be kept apart from the stream.
    pub(crate) fn last_read(&self) -> Rc<Cell<u64>> {
        Rc::clone(&self.read_ns)
    }
}

impl AsyncRead for TimedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        self.read_ns.set(self.clock.now_ns());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for TimedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
