//! The router of the data plane.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State,
    response::{IntoResponse, Response},
    routing,
};
use contract::{ClockReading, Pattern};
use http::{StatusCode, header};

use crate::{
    app::App, long_polling, pages, problem::Problem, publish, route::Route, short_polling, sse, websocket,
};

/// All routes: the patterns, the uplink, the clock, and the test pages if they are enabled.
pub(crate) fn router(app: Arc<App>, patterns: &[Pattern]) -> Router {
    let mut router = Router::new()
        .merge(if app.has_pages() { pages::router() } else { Router::new() })
        .merge(uplink())
        .merge(Route::named("/clock").answering_head().serve("GET, HEAD, OPTIONS", routing::get(clock)));
    for pattern in patterns {
        router = router.merge(match pattern {
            Pattern::ShortPolling => short_polling::router(),
            Pattern::LongPolling => long_polling::router(),
            Pattern::Sse => sse::router(),
            Pattern::WebSocket => websocket::router(),
        });
    }
    let served: Vec<String> = patterns.iter().map(|pattern| format!("/{pattern}")).collect();
    let detail = format!("this server serves {}, /events and /clock", served.join(", "));
    router.fallback(async move || Problem::new(StatusCode::NOT_FOUND, detail)).with_state(app)
}

/// The uplink: `POST /events`.
pub(crate) fn uplink() -> Router<Arc<App>> {
    Route::named("/events").serve("POST, OPTIONS", routing::post(publish::post))
}

/// `GET /clock`: the server's clock, for the four-stamp estimate of an offset.
async fn clock(State(app): State<Arc<App>>) -> Response {
    let reading = ClockReading {
        epoch: app.log().epoch().to_string(),
        monotonic_ns: app.clock().now_ns(),
        wall: jiff::Timestamp::now().to_string(),
    };
    ([(header::CACHE_CONTROL, "no-store")], Json(reading)).into_response()
}
