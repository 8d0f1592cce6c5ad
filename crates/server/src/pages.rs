//! Test pages for real browsers, and the endpoints that they read. They are served only if enabled. A header
//! marks each answer as a test: none of this belongs to the patterns.

mod sse_conformance;

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, Query},
    response::{Html, IntoResponse, Response},
    routing,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde::Deserialize;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::{
    app::App,
    handoff::Handoff,
    handshake::Handshake,
    problem::Problem,
    websocket::{accept, close, text},
};

/// The header of every answer under `/pages`.
const LABEL: (HeaderName, HeaderValue) = (
    HeaderName::from_static("x-pushlab-test"),
    HeaderValue::from_static("for the lab's own tests; no part of the patterns"),
);

/// The pages by name.
const PAGES: [(&str, &str); 4] = [
    ("six-connections", include_str!("../pages/six-connections.html")),
    ("cross-origin", include_str!("../pages/cross-origin.html")),
    ("browser-sse", include_str!("../pages/browser-sse.html")),
    ("ages", include_str!("../pages/ages.html")),
];

/// The routes under `/pages`.
pub(crate) fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/pages/sse-conformance-cases", routing::get(sse_conformance_cases))
        .route("/pages/sse-conformance-stream", routing::get(sse_conformance_stream))
        .route("/pages/unguarded-websocket", routing::get(unguarded_websocket).connect(unguarded_websocket))
        .route("/pages/{name}", routing::get(page))
}

async fn page(Path(name): Path<String>) -> Result<Response, Problem> {
    let Some((_, text)) = PAGES.iter().find(|(known, _)| *known == name) else {
        let known: Vec<&str> = PAGES.iter().map(|(known, _)| *known).collect();
        let detail = format!("there is no such test page: expected one of {}", known.join(", "));
        return Err(Problem::new(StatusCode::NOT_FOUND, detail));
    };
    Ok(labelled(Html(*text).into_response()))
}

/// All cases, with their expected outcomes.
async fn sse_conformance_cases() -> Response {
    labelled(Json(sse_conformance::cases()).into_response())
}

#[derive(Debug, Deserialize)]
struct Wanted {
    case: String,
    moved: Option<String>,
}

/// The stream of one case.
async fn sse_conformance_stream(
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let answer =
        sse_conformance::answer(&wanted.case, wanted.moved.as_deref(), &headers).ok_or_else(|| {
            Problem::new(
                StatusCode::NOT_FOUND,
                "there is no such case: /pages/sse-conformance-cases lists all cases",
            )
        })?;
    Ok(labelled(answer))
}

/// A WebSocket without an origin check, as on a server that relies on CORS: any page of any site can open it.
/// It sends one frame and closes; it gives no access to events.
async fn unguarded_websocket(handshake: Handshake) -> Response {
    let (text, close) = (text("open to every page"), close(CloseCode::Normal, "that was all"));
    labelled(accept(handshake, Handoff::OneShot { text, close }))
}

fn labelled(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(LABEL.0, LABEL.1);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
