//! Why a subscriber lost its connection, and what that means for its next attempt.

use std::{io, time::Duration};

use contract::{PageApi, Pattern};
use rustls::{AlertDescription, pki_types::pem};

use crate::data::reading::Unreadable;

/// Why a subscriber lost its connection. Counted, and shown if the trial fails; never a panic.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SubscriberError {
    #[error("the socket failed: {0}")]
    Socket(#[from] io::Error),
    #[error("TLS: {0}")]
    Tls(#[from] TlsError),
    #[error("HTTP/2 failed: {0}")]
    Http2(#[from] h2::Error),
    #[error("the server's SETTINGS do not offer WebSocket over HTTP/2 (RFC 8441 §3)")]
    NoExtendedConnect,
    #[error("reqwest failed: {0}")]
    Reqwest(#[from] reqwest::Error),
    #[error("the answer was {0}")]
    Status(http::StatusCode),
    #[error("the answer was {0} with Retry-After")]
    Later(http::StatusCode, Duration),
    #[error("the answer is not an event stream: its content type is {0}")]
    NoEventStream(String),
    #[error("the server redirected {0}")]
    Redirected(String),
    #[error("the answer cannot be read: {0}")]
    Unreadable(#[from] Unreadable),
    #[error("the server violated the protocol: {0}")]
    Protocol(String),
    #[error("the connection was closed before an answer")]
    Unanswered,
    #[error("no answer within {} s", .0.as_secs_f64())]
    Overdue(Duration),
    #[error("an answer broke off")]
    BrokenOff,
    #[error("the stream ended")]
    Ended,
    #[error("the server closed the WebSocket")]
    Closed,
}

/// Why a TLS connection to the server failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    #[error("the server announced no certificate")]
    Unannounced,
    #[error("the certificate that the server announced cannot be read: {0}")]
    Pem(pem::Error),
    #[error("the certificate that the server announced cannot be trusted: {0}")]
    Untrustworthy(rustls::Error),
    #[error("the certificate has expired")]
    Expired,
    #[error("the certificate is not for {0}")]
    OtherHost(String),
    #[error("the server chose {chosen} by ALPN instead of {asked}")]
    OtherProtocol { chosen: String, asked: &'static str },
    #[error("the handshake failed: {0}")]
    Handshake(rustls::Error),
}

impl TlsError {
    /// Whether every further attempt would fail in the same way.
    pub(crate) fn is_lasting(&self) -> bool {
        match self {
            Self::Unannounced
            | Self::Pem(_)
            | Self::Untrustworthy(_)
            | Self::Expired
            | Self::OtherHost(_)
            | Self::OtherProtocol { .. } => true,
            Self::Handshake(cause) => matches!(
                cause,
                // The other side supports no offered protocol or cipher, or its certificate is invalid.
                rustls::Error::InvalidCertificate(_)
                    | rustls::Error::PeerIncompatible(_)
                    | rustls::Error::AlertReceived(
                        AlertDescription::NoApplicationProtocol
                            | AlertDescription::HandshakeFailure
                            | AlertDescription::ProtocolVersion
                    )
            ),
        }
    }
}

impl SubscriberError {
    /// Whether this error ends the subscription for good: a subscriber of this pattern does not retry.
    pub(crate) fn is_final(&self, pattern: Pattern) -> bool {
        pattern.page_api() == PageApi::EventSource
            && matches!(self, Self::Status(_) | Self::NoEventStream(_) | Self::Redirected(_))
    }

    /// Whether a subscriber that was never set up need not retry: it would fail in the same way.
    pub(crate) fn is_hopeless(&self) -> bool {
        matches!(self, Self::NoExtendedConnect) || matches!(self, Self::Tls(error) if error.is_lasting())
    }

    /// Whether the connection itself failed, and not the exchange on it.
    pub(crate) fn is_of_the_connection(&self) -> bool {
        matches!(self, Self::Socket(_) | Self::Http2(_) | Self::Unanswered | Self::BrokenOff | Self::Ended)
    }
}

impl From<serde_json::Error> for SubscriberError {
    fn from(error: serde_json::Error) -> Self {
        Self::Protocol(format!("unreadable JSON: {error}"))
    }
}
