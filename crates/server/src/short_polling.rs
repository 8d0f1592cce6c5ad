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

use axum::{Router, body::Body, extract::State, response::Response, routing};
use contract::{Pattern, Resume};
use event_log::BatchLimit;
use http::{HeaderMap, HeaderValue, StatusCode, header};

use crate::{App, app::Route, request::Subscription, slices::in_slices};

/// The route of this pattern.
pub(crate) fn router() -> Router<Arc<App>> {
    Route::of(Pattern::ShortPolling).answering_head().serve("GET, HEAD, OPTIONS", routing::get(poll))
}

async fn poll(State(app): State<Arc<App>>, subscription: Subscription, headers: HeaderMap) -> Response {
    let (start, batch) = app.log().read(subscription.after, BatchLimit::default());
    // A cut batch is not the whole state, and a reset must be read, not confirmed.
    let etag = (start.resume == Resume::Live && !batch.more).then(|| format!("\"{}\"", batch.cursor));
    let unchanged = etag.as_deref().is_some_and(|etag| is_known(&headers, etag));

    let mut response = if unchanged {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        let mut response = Response::new(in_slices(app.framings().poll_body(&start, &batch)));
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    };
    // `no-cache` means "ask before you use it", which is what a 304 needs; `no-store` would prevent
    // it (RFC 9111 §5.2.2.4).
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Some(etag) = etag.and_then(|etag| HeaderValue::try_from(etag).ok()) {
        response.headers_mut().insert(header::ETAG, etag);
    }
    response
}

/// Whether `If-None-Match` names the state: `*`, or a list, compared weakly (RFC 9110 §13.1.2).
fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == etag)
}
