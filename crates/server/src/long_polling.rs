//! Long polling: the subscriber asks, and the server holds the request until an event arrives.
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
//! Cost: one request per event while events are rare. Between an answer and the next request the
//! subscriber is deaf, so at a high rate one answer carries several events, and requests per event
//! fall below one (RFC 6202 §2.2). A hold that ends without an event is answered `204`.
//!
//! Drivers: on plain HTTP/1.1 the shared writer, or the floor, holds the request and answers it. With TLS,
//! over HTTP/2 and in the ablations of `cost-ladder`, the connection's own task does this.
//!
//! Exercise: wait 50 ms after the first event before answering. What happens to requests per event
//! and to the age in `long-poll-rate`, and at which rate is it worth it?

use std::{sync::Arc, time::Duration};

use axum::{Router, body::Bytes, extract::State, response::Response, routing};
use contract::{After, Cursor, Pattern, Resume};
use event_log::{Batch, BatchLimit, EventLog, Start, Waited};
use http::{HeaderValue, StatusCode, header};
use tokio::time::{sleep, timeout};

use crate::{
    app::App, encodings::Encodings, handoff::Handoff, json, problem::Problem, request::Subscription,
    route::Route, slices::in_slices,
};

/// How long a held poll waits after its first event before it is answered, to collect more events.
pub(crate) const LINGER: Duration = Duration::ZERO;

/// The route of this pattern.
pub(crate) fn router() -> Router<Arc<App>> {
    Route::of(Pattern::LongPolling).serve("GET, OPTIONS", routing::get(poll))
}

async fn poll(State(app): State<Arc<App>>, subscription: Subscription) -> Result<Response, Problem> {
    let hold = subscription.hold()?;
    let (mut response, handoff) = match look(app.log(), subscription.after) {
        Found::Nothing { after } => (Response::default(), Handoff::Held { after, hold }),
        Found::State(start, batch) => {
            let response = answer(app.encodings(), &start, &batch).map(in_slices);
            (response, Handoff::Polled(Pattern::LongPolling))
        }
    };
    response.extensions_mut().insert(handoff);
    Ok(response)
}

/// What a poll finds in the log.
#[derive(Debug)]
pub(crate) enum Found {
    /// The poll is answered at once.
    State(Start, Arc<Batch>),
    /// No events yet: the poll is held until there is an event after this cursor.
    Nothing { after: Cursor },
}

/// Reads the log after a cursor. Only a subscriber with a valid cursor is held. Any other gets its cursor at
/// once: otherwise it would miss an event between its first two requests.
pub(crate) fn look(log: &EventLog, after: After) -> Found {
    let (start, batch) = log.read(after, BatchLimit::default());
    match after {
        After::Cursor(after) if start.resume == Resume::Live && batch.events.is_empty() => {
            Found::Nothing { after }
        }
        After::Cursor(_) | After::Now | After::Oldest | After::Unreadable => Found::State(start, batch),
    }
}

/// Waits for the answer to a held poll, in the task of its connection.
pub(crate) async fn wait(app: &App, after: Cursor, hold: Duration) -> http::Response<Bytes> {
    match timeout(hold, app.log().wait(after)).await {
        Ok(Waited::Newer) => {
            if !LINGER.is_zero() {
                sleep(LINGER).await;
            }
            let (start, batch) = app.log().read(After::Cursor(after), BatchLimit::default());
            answer(app.encodings(), &start, &batch)
        }
        // The hold has ended, or the server is shutting down: the cursor is unchanged.
        Ok(Waited::Closed) | Err(_) => no_content(),
    }
}

/// The answer that carries events or a new cursor.
pub(crate) fn answer(encodings: &Encodings, start: &Start, batch: &Batch) -> http::Response<Bytes> {
    let mut answer = http::Response::new(json::poll_body(encodings, start, batch));
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// The answer to a hold that ends without an event.
pub(crate) fn no_content() -> http::Response<Bytes> {
    let mut answer = http::Response::default();
    *answer.status_mut() = StatusCode::NO_CONTENT;
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}
