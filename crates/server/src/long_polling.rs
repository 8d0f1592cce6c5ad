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
//! Drivers: on plain HTTP/1.1 the shared writer, or the floor, holds the request and answers it; in TLS, over
//! HTTP/2 and on the rungs of `cost-ladder` a task of the connection does.
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

/// From the first event to the answer of a poll that was held: what is published meanwhile comes with it.
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
    /// Something to tell, at once.
    State(Start, Arc<Batch>),
    /// Nothing yet: the poll is held for an event after this place.
    Nothing { after: Cursor },
}

/// Looks what comes after a place. Only who knows its place is held: everyone else learns it at once, or an
/// event would fall between its first two requests.
pub(crate) fn look(log: &EventLog, after: After) -> Found {
    let (start, batch) = log.read(after, BatchLimit::default());
    match after {
        After::Cursor(after) if start.resume == Resume::Live && batch.events.is_empty() => {
            Found::Nothing { after }
        }
        After::Cursor(_) | After::Now | After::Oldest | After::Unreadable => Found::State(start, batch),
    }
}

/// Waits for the answer to a poll that is held, in the task of its connection.
pub(crate) async fn wait(app: &App, after: Cursor, hold: Duration) -> http::Response<Bytes> {
    match timeout(hold, app.log().wait(after)).await {
        Ok(Waited::Newer) => {
            if !LINGER.is_zero() {
                sleep(LINGER).await;
            }
            let (start, batch) = app.log().read(After::Cursor(after), BatchLimit::default());
            answer(app.encodings(), &start, &batch)
        }
        // The hold has ended, or the server shuts down: the cursor is unchanged.
        Ok(Waited::Closed) | Err(_) => no_content(),
    }
}

/// The answer that tells what has come.
pub(crate) fn answer(encodings: &Encodings, start: &Start, batch: &Batch) -> http::Response<Bytes> {
    let mut answer = http::Response::new(json::poll_body(encodings, start, batch));
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// The answer at the end of a hold in which nothing has come.
pub(crate) fn no_content() -> http::Response<Bytes> {
    let mut answer = http::Response::default();
    *answer.status_mut() = StatusCode::NO_CONTENT;
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}
