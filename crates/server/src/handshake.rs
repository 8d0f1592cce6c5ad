//! The WebSocket handshake (RFC 6455 §4.2), and the socket that remains when HTTP has left.

use std::time::Duration;

use axum::{body::Body, extract::FromRequestParts, response::Response};
use contract::Rung;
use futures_util::StreamExt;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Version, header, request::Parts};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Error,
        error::{CapacityError, ProtocolError},
        handshake::derive_accept_key,
        protocol::{CloseFrame, Role, WebSocketConfig, frame::coding::CloseCode},
    },
};

use crate::{App, meter::Metered, problem::Problem, takeover::HyperIo};

/// tungstenite zeroes its whole read buffer at every attempt to read, 128 KiB by default, and a
/// fan-out attempts once per delivery. What subscribers send is small.
const READ_BUFFER_BYTES: usize = 1 << 10;
/// Frames gather up to here before they are written; a flush writes them anyway.
const WRITE_BUFFER_BYTES: usize = 4 << 10;

/// A request that asks for a WebSocket, checked.
pub(crate) struct Handshake {
    pub(crate) headers: HeaderMap,
    accept: String,
    upgrade: OnUpgrade,
}

impl<S: Sync> FromRequestParts<S> for Handshake {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let upgrade_required = |detail: &str| {
            Problem::new(StatusCode::UPGRADE_REQUIRED, detail).with(header::UPGRADE, "websocket")
        };
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
        if parts.headers.get(header::SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
            return Err(Problem::new(StatusCode::UPGRADE_REQUIRED, "only version 13 is spoken")
                .with(header::SEC_WEBSOCKET_VERSION, "13"));
        }
        let key = parts
            .headers
            .get(header::SEC_WEBSOCKET_KEY)
            .filter(|key| is_nonce(key.as_bytes()))
            .ok_or_else(|| Problem::bad_request("sec-websocket-key must be 16 bytes in base64"))?;
        let accept = derive_accept_key(key.as_bytes());
        let upgrade = parts
            .extensions
            .remove::<OnUpgrade>()
            .ok_or_else(|| upgrade_required("this connection cannot be upgraded"))?;
        Ok(Self { headers: parts.headers.clone(), accept, upgrade })
    }
}

impl Handshake {
    /// The answer 101, and the connection that will follow it.
    pub(crate) fn accept(self) -> (Response, OnUpgrade) {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        if let Ok(accept) = HeaderValue::try_from(self.accept) {
            headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
        }
        (response, self.upgrade)
    }
}

/// The socket after the handshake, without hyper's buffers around it.
pub(crate) async fn socket(
    upgraded: OnUpgrade,
    app: &App,
) -> Result<WebSocketStream<Metered<TcpStream>>, hyper::Error> {
    let parts = upgraded
        .await?
        .downcast::<TokioIo<HyperIo>>()
        .expect("the accept loop hands hyper this type and no other");
    let config = config(app);
    // What the client sent right behind its handshake; copied, because the empty slice of hyper's
    // buffer would keep its 8 KiB alive.
    let early = parts.read_buf.to_vec();
    let io = parts.io.into_inner().into_parts().0;
    Ok(WebSocketStream::from_partially_read(io, early, Role::Server, Some(config)).await)
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
pub(crate) async fn close<S>(
    socket: &mut WebSocketStream<S>,
    code: CloseCode,
    reason: &str,
) -> Result<(), Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let reason = short_reason(reason);
    socket.close(Some(CloseFrame { code, reason: reason.into() })).await?;
    // Leaving before the other side has read the close frame could turn it into a reset.
    let farewell = async { while let Some(Ok(_)) = socket.next().await {} };
    let _ = timeout(Duration::from_secs(1), farewell).await;
    Ok(())
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
