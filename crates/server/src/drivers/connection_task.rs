//! The task of a connection: an answer goes on in the task that hyper's connection has, or for a WebSocket in
//! one of its own, as a server on hyper and axum is usually written.
//!
//! hyper puts the body into chunks or frames of its own, and copies what it sends into a buffer that each
//! connection has.

mod event_stream;
mod heartbeat;
mod websocket_task;

use std::sync::Arc;

use axum::{body::Body, response::Response};
use http::header;

use self::event_stream::EventStream;
use crate::{
    app::App,
    handoff::Handoff,
    handshake::Upgrade,
    long_polling,
    slices::{flushed_by, in_slices},
};

/// Goes on with a response as its handler says; returns what hyper is to send.
pub(crate) async fn go_on(app: &Arc<App>, mut response: Response, handoff: Handoff) -> Response {
    let upgrade = response.extensions_mut().remove::<Upgrade>();
    match (handoff, upgrade) {
        (Handoff::Polled(_), _) => response,
        (Handoff::Held { after, hold }, _) => long_polling::wait(app, after, hold).await.map(in_slices),
        (Handoff::Sse { start, types }, _) => {
            // axum has put in that of the empty body.
            response.headers_mut().remove(header::CONTENT_LENGTH);
            response.map(|_: Body| flushed_by(app.rung(), EventStream::new(app, &start, types)))
        }
        (Handoff::WebSocket { start }, Some(upgrade)) => {
            app.spawn(websocket_task::stream(Arc::clone(app), start, upgrade));
            response
        }
        (Handoff::OneShot { text, close }, Some(upgrade)) => {
            app.spawn(websocket_task::one_shot(Arc::clone(app), text, close, upgrade));
            response
        }
        // A handshake always leaves its upgrade.
        (Handoff::WebSocket { .. } | Handoff::OneShot { .. }, None) => response,
    }
}
