//! Server-Sent Events: the subscriber asks once, and the answer never ends.
//!
//! ```text
//! > GET /sse?after=k3v9qa.1 HTTP/1.1
//! > host: 127.0.0.1:8080
//! > accept: text/event-stream
//! < HTTP/1.1 200 OK
//! < content-type: text/event-stream
//! < retry: 3000
//! < id: k3v9qa.1
//! <
//! < id: k3v9qa.2
//! < data: hello
//! ```
//!
//! Cost: one request in a subscriber's life; then per event the text, its `id:` and `data:` lines
//! and the frame of an HTTP chunk. An idle stream costs a socket and a comment every 15 s, which
//! keeps proxies from cutting it (WHATWG HTML §9.2.7).
//!
//! Exercise: drop the `id:` lines. What do they cost in `stock-ticker`, and what is lost when the
//! connection is cut?

use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::{
    Router,
    extract::{Request, State},
    response::Response,
    routing,
};
use bytes::Bytes;
use contract::Pattern;
use event_log::{Follow, Followed, Start};
use http::{HeaderValue, header};
use http_body::Frame;

use crate::{
    App,
    app::Route,
    framing,
    heartbeat::Beats,
    problem::Problem,
    request::{Subscription, Wish, is_wanted},
    slices::{flushed_by, next_slice},
    takeover::Ride,
};

/// The route of this pattern.
pub(crate) fn router() -> Router<Arc<App>> {
    Route::of(Pattern::Sse).serve("GET, POST, OPTIONS", routing::get(subscribe).post(subscribe_by_body))
}

async fn subscribe(State(app): State<Arc<App>>, subscription: Subscription) -> Response {
    let start = app.log().resume(subscription.after);
    stream(&app, &start, None)
}

async fn subscribe_by_body(State(app): State<Arc<App>>, request: Request) -> Result<Response, Problem> {
    let wish = Wish::read(&app, request).await?;
    let start = app.log().resume(wish.after);
    Ok(stream(&app, &start, wish.types))
}

fn stream(app: &Arc<App>, start: &Start, types: Option<Vec<String>>) -> Response {
    let body = EventStream {
        // The first bytes go out with the head, so that `open` fires in a browser at once.
        ready: framing::sse_prelude(start),
        follow: app.follow(start),
        app: Arc::clone(app),
        beats: Beats::new(app.heartbeat()),
        types,
    };
    let is_filtered = body.types.is_some();
    let mut response = Response::new(flushed_by(app.rung(), body));
    if !is_filtered {
        response.extensions_mut().insert(Ride::Sse(*start));
    }
    for (name, value) in [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store, no-transform"),
        // nginx collects a proxied answer until its buffer is full unless told not to.
        (header::HeaderName::from_static("x-accel-buffering"), "no"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// The stream after its head. One read of the log, one write to the socket.
struct EventStream {
    ready: Bytes,
    follow: Follow,
    app: Arc<App>,
    beats: Beats,
    types: Option<Vec<String>>,
}

impl http_body::Body for EventStream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let stream = self.get_mut();
        if !stream.ready.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(next_slice(&mut stream.ready)))));
        }
        if let Poll::Ready(followed) = stream.follow.poll_next(context) {
            stream.ready = match followed {
                // The log is closed: an ended stream tells the browser to come back later.
                None => return Poll::Ready(None),
                Some(Followed::Expired(start)) => framing::sse_reset(&start).into(),
                Some(Followed::Events(batch)) => match &stream.types {
                    None => stream.app.framings().sse_batch(&batch),
                    Some(types) => batch
                        .events
                        .iter()
                        .filter(|event| is_wanted(types, event))
                        .flat_map(|event| stream.app.framings().sse(event))
                        .collect(),
                },
            };
            // Nothing of this batch was wanted: others have their turn before the next one is read.
            if stream.ready.is_empty() {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            stream.beats.note_write();
            return Poll::Ready(Some(Ok(Frame::data(next_slice(&mut stream.ready)))));
        }
        if stream.beats.poll_due(context).is_ready() {
            // A filtered stream may be silent for long: its cursor must not age meanwhile.
            let beat = match stream.types {
                None => Bytes::from_static(b":\n\n"),
                Some(_) => framing::sse_place(stream.follow.cursor()).into(),
            };
            return Poll::Ready(Some(Ok(Frame::data(beat))));
        }
        Poll::Pending
    }
}
