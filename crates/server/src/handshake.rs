//! Checks the request of a WebSocket's handshake (RFC 6455 §4.2, over HTTP/2 RFC 8441).

use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Version, header, request::Parts};
use hyper::upgrade::OnUpgrade;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::{problem::Problem, streams::OpenStream};

/// A valid request for a WebSocket.
pub(crate) struct Handshake {
    pub(crate) headers: HeaderMap,
    /// The answer to the client's key; `None` over HTTP/2, which has no key.
    pub(crate) accept: Option<HeaderValue>,
    pub(crate) upgrade: Upgrade,
}

/// The connection or stream that follows the answer.
#[derive(Clone)]
pub(crate) struct Upgrade {
    pub(crate) upgraded: OnUpgrade,
    /// HTTP/2: keeps the connection from counting as idle.
    _stream: Option<Arc<OpenStream>>,
}

impl<S: Sync> FromRequestParts<S> for Handshake {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let accept = match parts.version {
            Version::HTTP_2 => check_stream(parts).map(|()| None),
            _ => check_connection(parts).map(Some),
        }?;
        let upgraded = parts
            .extensions
            .remove::<OnUpgrade>()
            .ok_or_else(|| upgrade_required("this connection cannot be upgraded"))?;
        let upgrade = Upgrade { upgraded, _stream: parts.extensions.remove() };
        Ok(Self { headers: parts.headers.clone(), accept, upgrade })
    }
}

fn upgrade_required(detail: &str) -> Problem {
    Problem::new(StatusCode::UPGRADE_REQUIRED, detail).with(header::UPGRADE, "websocket")
}

/// Checks a handshake over HTTP/1.1 (RFC 6455 §4.2.1); returns the answer to its key.
fn check_connection(parts: &Parts) -> Result<HeaderValue, Problem> {
    if parts.method != Method::GET || parts.version != Version::HTTP_11 {
        return Err(upgrade_required("a WebSocket begins with GET over HTTP/1.1"));
    }
    if !has_token(&parts.headers, header::UPGRADE, "websocket")
        || !has_token(&parts.headers, header::CONNECTION, "upgrade")
    {
        return Err(upgrade_required(
            "this is a WebSocket: the request needs `connection: upgrade` and `upgrade: websocket`",
        ));
    }
    check_version(&parts.headers, StatusCode::UPGRADE_REQUIRED)?;
    parts
        .headers
        .get(header::SEC_WEBSOCKET_KEY)
        .filter(|key| is_nonce(key.as_bytes()))
        .and_then(|key| accept_of(key.as_bytes()))
        .ok_or_else(|| Problem::bad_request("sec-websocket-key must be 16 bytes in base64"))
}

/// The answer to a key (RFC 6455 §4.2.2).
pub(crate) fn accept_of(key: &[u8]) -> Option<HeaderValue> {
    // Base64 is always a valid header value: this is never `None`.
    HeaderValue::try_from(derive_accept_key(key)).ok()
}

/// Checks a handshake over HTTP/2 (RFC 8441 §5): there is no upgrade, and `:protocol` was checked before.
fn check_stream(parts: &Parts) -> Result<(), Problem> {
    if parts.method != Method::CONNECT {
        let detail = "over HTTP/2 a WebSocket begins with CONNECT and `:protocol: websocket` (RFC 8441)";
        return Err(
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail).with(header::ALLOW, "CONNECT, OPTIONS")
        );
    }
    check_version(&parts.headers, StatusCode::BAD_REQUEST)
}

fn check_version(headers: &HeaderMap, status: StatusCode) -> Result<(), Problem> {
    if headers.get(header::SEC_WEBSOCKET_VERSION).is_some_and(|version| version == "13") {
        return Ok(());
    }
    Err(Problem::new(status, "sec-websocket-version must be 13").with(header::SEC_WEBSOCKET_VERSION, "13"))
}

fn has_token(headers: &HeaderMap, name: header::HeaderName, token: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|word| word.trim().eq_ignore_ascii_case(token))
}

/// 16 bytes in base64: 22 characters and two of padding.
fn is_nonce(key: &[u8]) -> bool {
    key.len() == 24
        && key.ends_with(b"==")
        && key[..22].iter().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, b'+' | b'/'))
}
