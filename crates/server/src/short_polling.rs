//! Short polling: the subscriber asks on a timer, and the server answers at once, with or without events.
//!
//! ```text
//! > GET /short-polling?after=k3v9qa.1 HTTP/1.1
//! > host: 127.0.0.1:8080
//! < HTTP/1.1 200 OK
//! < content-type: application/json
//! < cache-control: no-cache
//! < etag: "k3v9qa.2"
//! < content-length: 94
//! < {"cursor":"k3v9qa.2","resume":"live","events":[{"id":"k3v9qa.2","data":"hello"}],"more":false}
//! ```
//!
//! Cost: one request and one answer per interval and subscriber, with or without events. A subscriber
//! that sends its `ETag` gets a `304` without body when nothing is newer. An event waits for the next
//! poll, half an interval on average.
//!
//! Drivers: on plain HTTP/1.1 hyper answers the first poll of a connection, and the shared writer answers all
//! later polls on it; the floor answers all polls itself. With TLS, over HTTP/2 and in the ablations of
//! `cost-ladder`, hyper answers all polls.
//!
//! Exercise: answer every poll with 200 and a list, even when nothing is newer. What does an empty poll of
//! `nothing-new` cost then, in bytes and in CPU time?

use std::sync::Arc;

use axum::{Router, body::Bytes, extract::State, response::Response, routing};
use contract::{After, Cursor, Pattern, Resume};
use event_log::{Batch, BatchLimit, EventLog, Start};
use http::{HeaderMap, HeaderValue, StatusCode, header};

use crate::{
    app::App, encodings::Encodings, handoff::Handoff, json, request::Subscription, route::Route,
    slices::in_slices,
};

/// The route of this pattern.
pub(crate) fn router() -> Router<Arc<App>> {
    Route::of(Pattern::ShortPolling).answering_head().serve("GET, HEAD, OPTIONS", routing::get(poll))
}

async fn poll(State(app): State<Arc<App>>, subscription: Subscription, headers: HeaderMap) -> Response {
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let state = look(app.log(), subscription.after, known);
    let mut response = answer(app.encodings(), &state).map(in_slices);
    response.extensions_mut().insert(Handoff::Polled(Pattern::ShortPolling));
    response
}

/// What a poll finds in the log.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) start: Start,
    pub(crate) batch: Arc<Batch>,
    /// Nothing has changed: the subscriber sent the `ETag` of this state.
    pub(crate) is_known: bool,
}

/// Reads the log after a cursor. `known` holds the values of the `If-None-Match` headers.
pub(crate) fn look<'a>(log: &EventLog, after: After, known: impl IntoIterator<Item = &'a str>) -> Found {
    let (start, batch) = log.read(after, BatchLimit::default());
    let is_known = has_etag(&start, &batch) && known.into_iter().any(|known| names(known, batch.cursor));
    Found { start, batch, is_known }
}

/// Whether the answer may carry an `ETag`. A cut batch is not the whole state at its cursor, and a 304 must
/// not hide a reset.
fn has_etag(start: &Start, batch: &Batch) -> bool {
    start.resume == Resume::Live && !batch.more
}

/// The answer to a poll. It is never held.
pub(crate) fn answer(encodings: &Encodings, found: &Found) -> http::Response<Bytes> {
    let Found { start, batch, is_known } = found;
    if *is_known {
        return unchanged(batch.cursor);
    }
    let mut answer = http::Response::new(json::poll_body(encodings, start, batch));
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let etag = has_etag(start, batch).then_some(batch.cursor);
    put_validators(answer.headers_mut(), etag);
    answer
}

/// The answer to a poll that sent the `ETag` of this cursor when nothing is newer.
pub(crate) fn unchanged(cursor: Cursor) -> http::Response<Bytes> {
    let mut unchanged = http::Response::default();
    *unchanged.status_mut() = StatusCode::NOT_MODIFIED;
    put_validators(unchanged.headers_mut(), Some(cursor));
    unchanged
}

/// Adds the headers with which a cache or the subscriber can ask whether anything has changed.
fn put_validators(headers: &mut HeaderMap, etag: Option<Cursor>) {
    // `no-cache` means "ask before you use it", which is what a 304 needs; `no-store` would prevent
    // it (RFC 9111 §5.2.2.4).
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Some(Ok(etag)) = etag.map(|cursor| HeaderValue::try_from(format!("\"{cursor}\""))) {
        headers.insert(header::ETAG, etag);
    }
}

/// Whether a value of `If-None-Match` matches the `ETag` of a cursor: `*`, or a list, with weak comparison
/// (RFC 9110 §13.1.2).
fn names(known: &str, cursor: Cursor) -> bool {
    let etag = format!("\"{cursor}\"");
    let mut tags = known.split(',').map(str::trim);
    tags.any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}
