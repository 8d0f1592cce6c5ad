//! The WebSocket handshake (RFC 6455 §4.2, over HTTP/2 RFC 8441), and what remains when HTTP has left.

use std::{sync::Arc, time::Duration};

use axum::{body::Body, extract::FromRequestParts, response::Response};
use contract::Rung;
use futures_util::StreamExt;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Version, header, request::Parts};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::{io::AsyncWriteExt, net::TcpStream, time::timeout};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Error,
        error::{CapacityError, ProtocolError},
        handshake::derive_accept_key,
        protocol::{CloseFrame, Role, WebSocketConfig, frame::coding::CloseCode},
    },
};
use tokio_util::either::Either;

use crate::{App, meter::Metered, problem::Problem, streams::OpenStream, takeover::HyperIo};

/// tungstenite zeroes its whole read buffer at every attempt to read, 128 KiB by default, and a
/// fan-out attempts once per delivery. What subscribers send is small.
const READ_BUFFER_BYTES: usize = 1 << 10;
/// Frames gather up to here before they are written; a flush writes them anyway.
const WRITE_BUFFER_BYTES: usize = 4 << 10;
/// Longest wait for the other side at the end.
const FAREWELL: Duration = Duration::from_secs(1);

/// A request that asks for a WebSocket, checked.
pub(crate) struct Handshake {
    pub(crate) headers: HeaderMap,
    /// What proves to the client that its key was read; HTTP/2 has none.
    accept: Option<String>,
    upgrade: Upgrade,
}

/// The connection or stream that follows the answer.
pub(crate) struct Upgrade {
    upgraded: OnUpgrade,
    /// HTTP/2: the connection is in use as long as this is.
    _stream: Option<Arc<OpenStream>>,
}

/// What carries a WebSocket once HTTP has left: the socket itself, or where there is TLS or HTTP/2 around
/// it, what hyper makes of it.
type Carrier = Either<Metered<TcpStream>, TokioIo<Upgraded>>;

/// The WebSocket upon it.
pub(crate) type Socket = WebSocketStream<Carrier>;

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

/// What a connection of HTTP/1.1 that is to become a WebSocket must say (RFC 6455 §4.2.1); returns the
/// answer to its key.
fn check_connection(parts: &Parts) -> Result<String, Problem> {
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
    let key = parts
        .headers
        .get(header::SEC_WEBSOCKET_KEY)
        .filter(|key| is_nonce(key.as_bytes()))
        .ok_or_else(|| Problem::bad_request("sec-websocket-key must be 16 bytes in base64"))?;
    Ok(derive_accept_key(key.as_bytes()))
}

/// What a stream of HTTP/2 that is to become one must say (RFC 8441 §5): there is no upgrade, and `:protocol`
/// has been looked at before.
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
    Err(Problem::new(status, "only version 13 is spoken").with(header::SEC_WEBSOCKET_VERSION, "13"))
}

impl Handshake {
    /// The answer, 101 or over HTTP/2 a plain 200, and what will follow it.
    pub(crate) fn accept(self) -> (Response, Upgrade) {
        let mut response = Response::new(Body::empty());
        if let Some(accept) = self.accept.and_then(|accept| HeaderValue::try_from(accept).ok()) {
            *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
            let headers = response.headers_mut();
            headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
            headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
            headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
        }
        (response, self.upgrade)
    }
}

/// The socket after the handshake, without hyper's buffers around it.
pub(crate) async fn socket(upgrade: &mut Upgrade, app: &App) -> Result<Socket, hyper::Error> {
    let (carrier, early) = match (&mut upgrade.upgraded).await?.downcast::<TokioIo<HyperIo>>() {
        // What the client sent right behind its handshake; copied, because the empty slice of hyper's
        // buffer would keep its 8 KiB alive.
        Ok(parts) => (Either::Left(parts.io.into_inner().into_parts().0), parts.read_buf.to_vec()),
        // It gives out by itself what was read, and lets the buffer go then.
        Err(upgraded) => (Either::Right(TokioIo::new(upgraded)), Vec::new()),
    };
    Ok(WebSocketStream::from_partially_read(carrier, early, Role::Server, Some(config(app))).await)
}

/// The bound on a message, and buffers as small as what subscribers send; the rung `large-buffers` leaves
/// these as the library has them.
pub(crate) fn config(app: &App) -> WebSocketConfig {
    let message_bytes = app.limits().body_bytes;
    let config =
        WebSocketConfig::default().max_message_size(Some(message_bytes)).max_frame_size(Some(message_bytes));
    match app.rung() {
        Rung::Best | Rung::OwnTasks | Rung::EncodeEach | Rung::WriteEach => {
            config.read_buffer_size(READ_BUFFER_BYTES).write_buffer_size(WRITE_BUFFER_BYTES)
        }
        Rung::LargeBuffers => config,
    }
}

/// The code to close with after a subscriber broke the protocol; `None` if the socket is gone.
pub(crate) fn close_code(error: &Error) -> Option<CloseCode> {
    match error {
        Error::Utf8(_) => Some(CloseCode::Invalid),
        Error::Capacity(CapacityError::MessageTooLong { .. }) => Some(CloseCode::Size),
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => None,
        Error::Protocol(_) => Some(CloseCode::Protocol),
        Error::ConnectionClosed
        | Error::AlreadyClosed
        | Error::Io(_)
        | Error::Tls(_)
        | Error::Capacity(_)
        | Error::WriteBufferFull(_)
        | Error::AttackAttempt
        | Error::Url(_)
        | Error::Http(_)
        | Error::HttpFormat(_) => None,
    }
}

/// A control frame carries at most 125 bytes, two of them the code (RFC 6455 §5.5).
pub(crate) fn short_reason(reason: &str) -> String {
    reason.chars().take(40).collect()
}

/// Closes with a code and a reason.
pub(crate) async fn close(socket: &mut Socket, code: CloseCode, reason: &str) -> Result<(), Error> {
    let reason = short_reason(reason);
    socket.close(Some(CloseFrame { code, reason: reason.into() })).await?;
    // Leaving before the other side has read the close frame could turn it into a reset.
    let farewell = async { while let Some(Ok(_)) = socket.next().await {} };
    let _ = timeout(FAREWELL, farewell).await;
    Ok(())
}

/// Ends what carried a WebSocket as its protocol asks: TLS says that this is the end and no cut (RFC 8446
/// §6.1), HTTP/2 ends the stream.
pub(crate) async fn hang_up(socket: &mut Socket) {
    // Whether it still listens is its own affair.
    let _ = timeout(FAREWELL, socket.get_mut().shutdown()).await;
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
