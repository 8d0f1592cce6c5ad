//! The data plane's certificate and its TLS (RFC 8446, and RFC 5246 for older clients).
//!
//! rustls with its default settings: TLS 1.3 and 1.2, and session tickets: two after each TLS 1.3 handshake,
//! kept for the newest 256 sessions. No early data, no client certificates.

use std::{
    fmt::Write,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use contract::{Certificate, Transport};
use jiff::{Timestamp, ToSpan, tz::TimeZone};
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, date_time_ymd};
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, pem::PemObject},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::timeout,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// The name of HTTP/2 in ALPN (RFC 9113 §3.2).
const H2: &[u8] = b"h2";
/// The name of HTTP/1.1 in ALPN (RFC 7301 §6).
const HTTP_1_1: &[u8] = b"http/1.1";
/// The names in the certificate, unless it is for another host.
const OWN_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];
/// A name that no host can have (RFC 2606 §2).
const OTHER_NAME: &str = "other-host.invalid";
/// Most bytes read from a PEM file: a chain of certificates takes a few kilobytes.
const LONGEST_FILE_BYTES: u64 = 1 << 20;
/// Characters of base64 in a line of PEM (RFC 7468 §2).
const PEM_LINE: usize = 64;

/// Where the certificate of the data plane comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CertificateSource {
    /// Generated at the start, with a new key that is never stored.
    Made(Certificate),
    /// Read from PEM files.
    Files {
        /// The certificate, followed by the certificates that sign it.
        certificate: PathBuf,
        /// Its private key.
        key: PathBuf,
    },
}

impl Default for CertificateSource {
    fn default() -> Self {
        Self::Made(Certificate::default())
    }
}

/// A certificate that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// The file cannot be read.
    #[error("{}: cannot be read: {error}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The file holds no certificate or key in PEM.
    #[error("{}: {fault}", file.display())]
    NotPem {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        fault: String,
    },
    /// The certificate and the key do not match, or rustls cannot use them.
    #[error("the certificate in {} and the key in {} cannot be used together: {error}", certificate.display(), key.display())]
    Mismatch {
        /// The file of the certificate.
        certificate: PathBuf,
        /// The file of the key.
        key: PathBuf,
        /// What rustls said.
        error: rustls::Error,
    },
    /// No certificate could be made.
    #[error("no certificate could be made: {0}")]
    NotMade(String),
}

/// The server's side of TLS on the data plane.
pub(crate) struct Tls {
    acceptor: TlsAcceptor,
    certificate_pem: String,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Tls").field("certificate_pem", &self.certificate_pem).finish_non_exhaustive()
    }
}

impl Tls {
    /// The TLS configuration of a transport; `None` if it does not encrypt.
    pub(crate) fn of(
        transport: Transport,
        source: &CertificateSource,
    ) -> Result<Option<Self>, CertificateError> {
        let alpn: &[&[u8]] = match transport {
            Transport::Http1 => return Ok(None),
            Transport::Http1Tls => &[HTTP_1_1],
            // A client without HTTP/2 is served, too. The order is the server's preference.
            Transport::Http2 => &[H2, HTTP_1_1],
        };
        let (chain, key) = match source {
            CertificateSource::Made(kind) => make(*kind)?,
            CertificateSource::Files { certificate, key } => (read_chain(certificate)?, read_key(key)?),
        };
        let certificate_pem = chain.iter().map(|certificate| pem(certificate)).collect();
        let refused = |error: rustls::Error| match source {
            CertificateSource::Made(_) => CertificateError::NotMade(error.to_string()),
            CertificateSource::Files { certificate, key } => {
                CertificateError::Mismatch { certificate: certificate.clone(), key: key.clone(), error }
            }
        };
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
            .map_err(refused)?;
        config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
        Ok(Some(Self { acceptor: TlsAcceptor::from(Arc::new(config)), certificate_pem }))
    }

    /// The certificates that clients get, in PEM.
    pub(crate) fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// Runs the handshake, with a timeout.
    pub(crate) async fn accept<S>(&self, stream: S, patience: Duration) -> io::Result<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let late = || io::Error::new(io::ErrorKind::TimedOut, "the client took too long");
        timeout(patience, self.acceptor.accept(stream)).await.map_err(|_| late())?
    }
}

/// Whether the client has chosen HTTP/2.
pub(crate) fn is_http2<S>(stream: &TlsStream<S>) -> bool {
    stream.get_ref().1.alpn_protocol() == Some(H2)
}

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// A self-signed certificate. Clients can trust it because the announcement contains it.
fn make(kind: Certificate) -> Result<Identity, CertificateError> {
    let failed = |error: rcgen::Error| CertificateError::NotMade(error.to_string());
    let names: Vec<String> = match kind {
        Certificate::Valid | Certificate::Expired => OWN_NAMES.map(str::to_owned).into(),
        Certificate::OtherHost => vec![OTHER_NAME.to_owned()],
    };
    let mut params = CertificateParams::new(names).map_err(failed)?;
    params.distinguished_name.push(DnType::CommonName, "pushlab");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let (begin, end) = match kind {
        // Valid from yesterday on, for clients whose clocks are behind.
        Certificate::Valid | Certificate::OtherHost => (-1, 365),
        Certificate::Expired => (-30, -2),
    };
    let ((year, month, day), (last_year, last_month, last_day)) = (in_days(begin)?, in_days(end)?);
    params.not_before = date_time_ymd(year, month, day);
    params.not_after = date_time_ymd(last_year, last_month, last_day);
    let key = KeyPair::generate().map_err(failed)?;
    let certificate = params.self_signed(&key).map_err(failed)?;
    Ok((vec![certificate.der().clone()], PrivatePkcs8KeyDer::from(key.serialize_der()).into()))
}

/// The date `days` from today, in UTC: year, month and day.
fn in_days(days: i64) -> Result<(i32, u8, u8), CertificateError> {
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    let day = today
        .checked_add(days.days())
        .map_err(|error| CertificateError::NotMade(format!("the system clock is wrong: {error}")))?;
    Ok((i32::from(day.year()), day.month().unsigned_abs(), day.day().unsigned_abs()))
}

fn read_chain(file: &Path) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
    let text = read(file)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let not_pem = |fault: String| CertificateError::NotPem { file: file.to_owned(), fault };
    let chain = chain.map_err(|error| not_pem(format!("the certificate cannot be read: {error}")))?;
    if chain.is_empty() {
        return Err(not_pem(
            "there is no certificate in it: expected `-----BEGIN CERTIFICATE-----`".to_owned(),
        ));
    }
    Ok(chain)
}

fn read_key(file: &Path) -> Result<PrivateKeyDer<'static>, CertificateError> {
    PrivateKeyDer::from_pem_slice(&read(file)?).map_err(|error| CertificateError::NotPem {
        file: file.to_owned(),
        fault: format!("there is no private key in it (expected `-----BEGIN PRIVATE KEY-----`): {error}"),
    })
}

fn read(file: &Path) -> Result<Vec<u8>, CertificateError> {
    let mut text = Vec::new();
    File::open(file)
        .and_then(|opened| opened.take(LONGEST_FILE_BYTES).read_to_end(&mut text))
        .map_err(|error| CertificateError::Unreadable { file: file.to_owned(), error })?;
    Ok(text)
}

/// A certificate as text (RFC 7468 §5).
fn pem(certificate: &CertificateDer<'_>) -> String {
    let mut text = "-----BEGIN CERTIFICATE-----\n".to_owned();
    let encoded = BASE64_STANDARD.encode(certificate);
    for line in encoded.as_bytes().chunks(PEM_LINE) {
        let _ = writeln!(text, "{}", String::from_utf8_lossy(line));
    }
    text.push_str("-----END CERTIFICATE-----\n");
    text
}
