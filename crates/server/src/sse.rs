//! Server-Sent Events: the subscriber asks once, and the answer never ends.
//!
//! ```text
//! > GET /sse?after=k3v9qa.1 HTTP/1.1
//! > host: 127.0.0.1:8080
//! > accept: text/event-stream
//! < HTTP/1.1 200 OK
//! < content-type: text/event-stream
//! < retry: 3000
//! < id: k3v9qa.1
//! <
//! < id: k3v9qa.2
//! < data: hello
//! ```
//!
//! Cost: one request per subscriber; then per event the text, its `id:` and `data:` lines and the
//! frame of an HTTP chunk. An idle stream costs a socket and a comment every 15 s, which keeps
//! proxies from closing it (WHATWG HTML §9.2.7).
//!
//! Drivers: on plain HTTP/1.1 the shared writer, or the floor, writes these bytes in chunks. With TLS, over
//! HTTP/2 and in the ablations of `cost-ladder`, hyper sends them as the body, in the connection's own task.
//!
//! Exercise: drop the `id:` lines of events. What do they cost in `stock-ticker`, and why does the delivery
//! check fail without them, although every text arrives?

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::Response,
    routing,
};
use bytes::Bytes;
use contract::{Cursor, Epoch, Pattern, Resume};
use event_log::{Batch, Event, Start};
use http::{HeaderName, HeaderValue, header};

use crate::{
    app::App,
    encodings::Encodings,
    handoff::Handoff,
    problem::Problem,
    request::{SubscribeBody, Subscription},
    route::Route,
};

/// A heartbeat: a comment.
pub(crate) const HEARTBEAT: &[u8] = b":\n\n";

/// The route of this pattern.
pub(crate) fn router() -> Router<Arc<App>> {
    Route::of(Pattern::Sse).serve("GET, POST, OPTIONS", routing::get(subscribe).post(subscribe_by_body))
}

async fn subscribe(State(app): State<Arc<App>>, subscription: Subscription) -> Response {
    stream(app.log().resume(subscription.after), None)
}

async fn subscribe_by_body(State(app): State<Arc<App>>, request: Request) -> Result<Response, Problem> {
    let SubscribeBody { after, types } = SubscribeBody::read(&app, request).await?;
    Ok(stream(app.log().resume(after), types))
}

/// The head of the answer; a driver then sends the stream from `start`.
fn stream(start: Start, types: Option<Vec<String>>) -> Response {
    let mut response = head().map(|()| Body::empty());
    response.extensions_mut().insert(Handoff::Sse { start, types });
    response
}

/// The head of the answer. Its body ends when the log is closed.
pub(crate) fn head() -> http::Response<()> {
    let mut head = http::Response::new(());
    for (name, value) in [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store, no-transform"),
        // Without this header nginx buffers a proxied answer until its buffer is full.
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ] {
        head.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    head
}

/// The first bytes: the reconnection time, the cursor that the stream starts from, and a reset if that is not
/// the requested cursor. They are sent with the head, so that `open` fires in a browser at once.
pub(crate) fn first(start: &Start) -> Bytes {
    let mut text = format!("retry: 3000\n{}", place(start.cursor));
    if start.resume != Resume::Live {
        text.push_str(&reset(start));
    }
    text.into()
}

/// A block with an id and no data: it sets the last event ID and dispatches nothing. A filtered stream sends
/// one as each heartbeat, so that the subscriber's cursor stays recent.
pub(crate) fn place(cursor: Cursor) -> String {
    format!("id: {cursor}\n\n")
}

/// Reports that the stream continues from another cursor than the subscriber's own.
pub(crate) fn reset(start: &Start) -> String {
    let news = serde_json::json!({ "resume": start.resume, "cursor": start.cursor, "lost": start.lost });
    format!("event: reset\nid: {}\ndata: {news}\n\n", start.cursor)
}

/// An event, encoded once for all its readers.
pub(crate) fn event(encodings: &Encodings, event: &Event) -> Bytes {
    encodings.sse().event(event, |event| block(encodings.epoch(), event))
}

/// The events of a batch, to be sent in one write.
#[must_use]
pub fn batch(encodings: &Encodings, batch: &Batch) -> Bytes {
    encodings.sse().concatenated(batch, |event| block(encodings.epoch(), event))
}

/// An event as a block of the stream (WHATWG HTML §9.2.6).
fn block(epoch: Epoch, event: &Event) -> Bytes {
    let mut block = format!("id: {epoch}.{}\n", event.seq);
    if let Some(event_type) = &event.event_type {
        block.push_str(&format!("event: {}\n", event_type.as_str()));
    }
    // `split` and not `lines`: a trailing newline must be kept, and an empty text still needs a
    // `data:` line, because a block without one is not dispatched.
    for line in event.data.split('\n') {
        block.push_str("data: ");
        block.push_str(line);
        block.push('\n');
    }
    block.push('\n');
    block.into()
}
