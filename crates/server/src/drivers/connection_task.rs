//! The task per connection, as in an ordinary server on hyper and axum: hyper's task of the connection sends
//! the rest of an answer, and a WebSocket has a task of its own.
//!
//! hyper frames the body itself, in chunks or HTTP/2 frames, and copies what it sends into a buffer of the
//! connection.

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

/// Completes a response from its handoff; returns the response for hyper to send.
pub(crate) async fn go_on(app: &Arc<App>, mut response: Response, handoff: Handoff) -> Response {
    let upgrade = response.extensions_mut().remove::<Upgrade>();
    match (handoff, upgrade) {
        (Handoff::Polled(_), _) => response,
        (Handoff::Held { after, hold }, _) => long_polling::wait(app, after, hold).await.map(in_slices),
        (Handoff::Sse { start, types }, _) => {
            // axum has set the length of the empty body.
            response.headers_mut().remove(header::CONTENT_LENGTH);
            response.map(|_: Body| flushed_by(app.ablation(), EventStream::new(app, &start, types)))
        }
        (Handoff::WebSocket { start }, Some(upgrade)) => {
            app.spawn(websocket_task::stream(Arc::clone(app), start, upgrade));
            response
        }
        (Handoff::OneShot { text, close }, Some(upgrade)) => {
            app.spawn(websocket_task::one_shot(Arc::clone(app), text, close, upgrade));
            response
        }
        // A handshake always provides its upgrade.
        (Handoff::WebSocket { .. } | Handoff::OneShot { .. }, None) => response,
    }
}
