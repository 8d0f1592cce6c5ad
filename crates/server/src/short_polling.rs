//! Short polling: the subscriber asks on a timer, and the server answers at once, events or not.
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
//! Cost: a request and an answer per interval and subscriber, however little there is to say; a
//! subscriber that names the `ETag` it has gets a `304` without body when nothing is newer. An
//! event waits for the next poll, half an interval on average.
//!
//! Exercise: let the server answer with `cache-control: max-age=1`. Which column of the report
//! changes if a thousand browsers sit behind one cache, and which if each is alone?

use std::sync::Arc;

use axum::{Router, body::Bytes, extract::State, response::Response, routing};
use contract::{Cursor, Pattern, Resume};
use event_log::{Batch, BatchLimit, Start};
use http::{HeaderMap, HeaderValue, StatusCode, header};

use crate::{App, app::Route, request::Subscription, slices::in_slices, takeover::Ride};

/// The route of this pattern.
pub(crate) fn router() -> Router<Arc<App>> {
    Route::of(Pattern::ShortPolling).answering_head().serve("GET, HEAD, OPTIONS", routing::get(poll))
}

async fn poll(State(app): State<Arc<App>>, subscription: Subscription, headers: HeaderMap) -> Response {
    let (start, batch) = app.log().read(subscription.after, BatchLimit::default());
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let is_known = known.into_iter().any(|known| names(known, batch.cursor));
    let mut response = answer(&app, &start, &batch, is_known).map(in_slices);
    response.extensions_mut().insert(Ride::Polled(Pattern::ShortPolling));
    response
}

/// Whether there is nothing to tell somebody who knows the state, or does not. A cut batch is not the
/// whole state, and a reset must be read, not confirmed.
pub(crate) fn is_unchanged(start: &Start, batch: &Batch, is_known: bool) -> bool {
    is_known && start.resume == Resume::Live && !batch.more
}

/// What comes after the place asked for, to a subscriber that knows the state after it, or does not.
pub(crate) fn answer(app: &App, start: &Start, batch: &Batch, is_known: bool) -> http::Response<Bytes> {
    let mut response = if is_unchanged(start, batch, is_known) {
        let mut response = http::Response::default();
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        let mut response = http::Response::new(app.framings().poll_body(start, batch));
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    };
    // `no-cache` means "ask before you use it", which is what a 304 needs; `no-store` would prevent
    // it (RFC 9111 §5.2.2.4).
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if is_unchanged(start, batch, true)
        && let Ok(etag) = HeaderValue::try_from(format!("\"{}\"", batch.cursor))
    {
        response.headers_mut().insert(header::ETAG, etag);
    }
    response
}

/// Whether a line of `If-None-Match` names the state at a place: `*`, or a list, compared weakly (RFC 9110
/// §13.1.2).
pub(crate) fn names(known: &str, cursor: Cursor) -> bool {
    let etag = format!("\"{cursor}\"");
    let mut tags = known.split(',').map(str::trim);
    tags.any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}
