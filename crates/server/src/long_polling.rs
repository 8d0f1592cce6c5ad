//! Long polling: the subscriber asks, and the server holds the request until there is an event.
//!
//! ```text
//! > GET /long-polling?after=k3v9qa.1&hold=25 HTTP/1.1
//! > host: 127.0.0.1:8080
//!   … held until something is published …
//! < HTTP/1.1 200 OK
//! < content-type: application/json
//! < cache-control: no-store
//! < content-length: 94
//! < {"cursor":"k3v9qa.2","resume":"live","events":[{"id":"k3v9qa.2","data":"hello"}],"more":false}
//! ```
//!
//! Cost: one request per event while events are rare; while the subscriber fetches one answer and
//! asks again it is deaf, so at a high rate one answer carries several events and requests per event
//! fall below one (RFC 6202 §2.2). A hold that ends without event is answered `204`.
//!
//! Exercise: wait 50 ms after the first event before answering. What happens to requests per event
//! and to the age in `long-poll-rate`, and at which rate is it worth it?

use std::sync::Arc;

use axum::{Router, body::Bytes, extract::State, response::Response, routing};
use contract::{After, Pattern, Resume};
use event_log::{Batch, BatchLimit, Start, Waited};
use http::{HeaderValue, StatusCode, header};
use tokio::time::timeout;

use crate::{
    App,
    app::Route,
    problem::Problem,
    request::Subscription,
    slices::in_slices,
    takeover::{Held, Ride},
};

/// The route of this pattern.
pub(crate) fn router() -> Router<Arc<App>> {
    Route::of(Pattern::LongPolling).serve("GET, OPTIONS", routing::get(poll))
}

async fn poll(State(app): State<Arc<App>>, subscription: Subscription) -> Result<Response, Problem> {
    let (after, hold) = (subscription.after, subscription.hold()?);
    let (start, batch) = app.log().read(after, BatchLimit::default());
    // Only who knows its place can be held: everyone else learns it at once, or an event would fall
    // between its first two requests.
    if let After::Cursor(after) = after
        && must_wait(&start, &batch)
    {
        let mut nothing_yet = Response::default();
        nothing_yet.extensions_mut().insert(Ride::Held(Held { after, hold }));
        return Ok(nothing_yet);
    }
    let mut response = answer(&app, &start, &batch).map(in_slices);
    response.extensions_mut().insert(Ride::Polled(Pattern::LongPolling));
    Ok(response)
}

/// Whether whoever named this place is held.
pub(crate) fn must_wait(start: &Start, batch: &Batch) -> bool {
    start.resume == Resume::Live && batch.events.is_empty()
}

/// Waits for the answer to a request that is held.
pub(crate) async fn wait(app: &App, held: Held) -> Response {
    let Held { after, hold } = held;
    match timeout(hold, app.log().wait(after)).await {
        Ok(Waited::Newer) => {
            let (start, batch) = app.log().read(After::Cursor(after), BatchLimit::default());
            answer(app, &start, &batch).map(in_slices)
        }
        // The hold has ended, or the server shuts down: the cursor is unchanged.
        Ok(Waited::Closed) | Err(_) => no_content().map(in_slices),
    }
}

/// What has come.
pub(crate) fn answer(app: &App, start: &Start, batch: &Batch) -> http::Response<Bytes> {
    let mut response = http::Response::new(app.framings().poll_body(start, batch));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Nothing has come.
pub(crate) fn no_content() -> http::Response<Bytes> {
    let mut response = http::Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
