//! WebSocket: the subscriber asks once, then both sides send frames (RFC 6455).
//!
//! ```text
//! > GET /websocket?after=k3v9qa.1 HTTP/1.1
//! > host: 127.0.0.1:8080
//! > connection: upgrade
//! > upgrade: websocket
//! > sec-websocket-version: 13
//! > sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==
//! < HTTP/1.1 101 Switching Protocols
//! < [0x81 37] {"cursor":"k3v9qa.1","resume":"live"}
//! < [0x81 32] {"id":"k3v9qa.2","data":"hello"}
//! ```
//!
//! Cost: one handshake per subscriber; then per event the JSON object and a frame header of two
//! bytes, or four for 126 bytes and more. The subscriber publishes on the same socket, with a text
//! frame. An idle socket costs a ping and a pong every 15 s. Over HTTP/2 a WebSocket is a stream that
//! begins with `CONNECT` and `:protocol: websocket`, has no key and is answered 200 (RFC 8441).
//!
//! Drivers: on plain HTTP/1.1 the shared writer, or the floor, writes these frames. With TLS, over HTTP/2 and
//! in the ablations of `cost-ladder`, a task of the connection writes them.
//!
//! Exercise: send the event's text as a binary frame without the JSON around it. How many bytes fewer does a
//! record of `stock-ticker` count as received, and what would a subscriber need to resume without the JSON?

use std::sync::Arc;

use axum::{Router, body::Body, extract::State, response::Response, routing};
use bytes::Bytes;
use contract::Pattern;
use event_log::{Batch, Event, Start};
use http::{HeaderValue, StatusCode, header};
use tokio_tungstenite::tungstenite::protocol::frame::{
    CloseFrame, Frame,
    coding::{CloseCode, Data, OpCode},
};

use crate::{
    app::App, encodings::Encodings, handoff::Handoff, handshake::Handshake, json, problem::Problem,
    request::Subscription, route::Route,
};

/// The route of this pattern.
pub(crate) fn router() -> Router<Arc<App>> {
    Route::of(Pattern::WebSocket).serve("GET, OPTIONS", routing::get(upgrade).connect(upgrade))
}

async fn upgrade(
    State(app): State<Arc<App>>,
    subscription: Subscription,
    handshake: Handshake,
) -> Result<Response, Problem> {
    app.check_origin(&handshake.headers)?;
    let start = app.log().resume(subscription.after);
    Ok(accept(handshake, Handoff::WebSocket { start }))
}

/// The head of the answer; a driver then takes over the upgraded connection.
pub(crate) fn accept(handshake: Handshake, handoff: Handoff) -> Response {
    let mut response = head(handshake.accept).map(|()| Body::empty());
    response.extensions_mut().insert(handoff);
    response.extensions_mut().insert(handshake.upgrade);
    response
}

/// The head of the answer: 101 with the answer to the client's key, or a plain 200 over HTTP/2, which has no
/// key (RFC 8441 §5).
pub(crate) fn head(accept: Option<HeaderValue>) -> http::Response<()> {
    let mut head = http::Response::new(());
    if let Some(accept) = accept {
        *head.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = head.headers_mut();
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    }
    head
}

/// The first frame: the cursor that the stream starts from, and what became of the requested cursor. The same
/// frame later reports that the stream continues from another cursor than the subscriber's own.
pub(crate) fn place(start: &Start) -> Frame {
    text(format!("{{{}}}", json::place(start.cursor, start)))
}

/// An event. Its JSON is encoded once for all its readers.
pub(crate) fn event(encodings: &Encodings, event: &Event) -> Frame {
    text(json::event(encodings, event))
}

/// The events of a batch, to be sent in one write.
#[must_use]
pub fn batch(encodings: &Encodings, batch: &Batch) -> Bytes {
    bytes(batch.events.iter().map(|one| event(encodings, one)))
}

/// A heartbeat: a ping without payload.
pub(crate) fn heartbeat() -> Frame {
    Frame::ping(Bytes::new())
}

/// The end of the stream: the log is closed.
pub(crate) fn end() -> CloseFrame {
    close(CloseCode::Away, "the server is shutting down")
}

/// A close frame with a code and the first 40 bytes of a reason. A control frame carries at most 125 bytes, two of
/// them the code (RFC 6455 §5.5).
pub(crate) fn close(code: CloseCode, reason: &str) -> CloseFrame {
    let ends = reason.char_indices().map(|(start, letter)| start + letter.len_utf8());
    let end = ends.take_while(|end| *end <= 40).last().unwrap_or(0);
    CloseFrame { code, reason: reason[..end].into() }
}

/// A text frame.
pub(crate) fn text(text: impl Into<Bytes>) -> Frame {
    Frame::message(text, OpCode::Data(Data::Text), true)
}

/// The frames as bytes of the wire.
pub(crate) fn bytes(frames: impl IntoIterator<Item = Frame>) -> Bytes {
    let mut bytes = Vec::new();
    for frame in frames {
        frame.format(&mut bytes).expect("a vector takes every frame");
    }
    bytes.into()
}
