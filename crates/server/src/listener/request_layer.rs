//! The one layer that every request passes: it counts and routes the request and picks the driver of its
//! answer.

use std::future::pending;

use axum::{
    body::{Body, Bytes, to_bytes},
    response::{IntoResponse, Response},
};
use http::{HeaderValue, Request, StatusCode, header};
use hyper::body::Incoming;
use tower_service::Service;

use super::Listener;
use crate::{
    cors::Origins,
    drivers::{connection_task, shared_writer::is_plain},
    handoff::Handoff,
    http1,
    hyper_io::{HandoffCell, is_last, may_leave},
    problem::Problem,
    request::{no_tunnel, one_host},
};

/// Properties of a request that decide which driver can serve its connection.
struct RequestTraits {
    /// Its connection can be handed off to the shared writer.
    may_leave: bool,
    /// The client wants the connection closed after the answer.
    is_last: bool,
    /// The shared writer can probably parse the client's next request.
    is_plain: bool,
}

impl Listener {
    /// Answers a request. Never returns if the connection is handed off.
    pub(super) async fn answer(&self, request: Request<Incoming>, cell: &HandoffCell) -> Response {
        let route = self.meter.route(request.uri());
        route.arrive();
        let traits = RequestTraits {
            may_leave: self.shared_writer.is_some() && may_leave(&request) && !self.stopping.is_cancelled(),
            is_last: is_last(request.headers()),
            is_plain: is_plain(request.headers()),
        };
        let origin = request.headers().get(header::ORIGIN).cloned();
        let is_preflight = request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        let mut response = self.route(request).await;
        let handoff = response.extensions_mut().remove::<Handoff>();
        let (to_shared_writer, in_task) = match handoff {
            Some(handoff) if traits.suit_shared_writer(&handoff) => (Some(handoff), None),
            handoff => (None, handoff),
        };
        if let Some(handoff @ Handoff::Held { .. }) = to_shared_writer {
            // There is no answer yet; the shared writer makes it.
            cell.put(Bytes::new(), handoff);
            return pending().await;
        }
        if let Some(handoff) = in_task {
            response = self.go_on(response, handoff).await;
        }
        self.finish(&mut response, origin.as_ref(), is_preflight);
        route.answer(response.status());
        if let Some(handoff) = to_shared_writer {
            cell.put(first_bytes(response, &handoff).await, handoff);
            return pending().await;
        }
        response
    }

    async fn route(&self, mut request: Request<Incoming>) -> Response {
        match one_host(&mut request).and_then(|()| no_tunnel(&request)) {
            Ok(()) => {
                let Ok(response) = self.router.clone().call(request.map(Body::new)).await;
                response
            }
            Err(problem) => problem.into_response(),
        }
    }

    /// Completes a response in the task of its connection.
    async fn go_on(&self, response: Response, handoff: Handoff) -> Response {
        match handoff {
            Handoff::WebSocket { .. } | Handoff::OneShot { .. } if self.shared_writer.is_some() => {
                // hyper upgrades nothing where there is a shared writer.
                let detail = "the server is stopping, or the handshake has a body or an `expect`";
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail).into_response()
            }
            Handoff::Sse { .. }
            | Handoff::WebSocket { .. }
            | Handoff::OneShot { .. }
            | Handoff::Polled(_)
            | Handoff::Held { .. } => connection_task::go_on(&self.app, response, handoff).await,
        }
    }

    /// Adds the CORS headers for pages of other origins.
    fn finish(&self, response: &mut Response, origin: Option<&HeaderValue>, is_preflight: bool) {
        self.app.origins().apply(origin, response);
        if is_preflight {
            Origins::apply_preflight(response);
        }
    }
}

impl RequestTraits {
    /// Whether the shared writer can serve the connection after this handoff.
    fn suit_shared_writer(&self, handoff: &Handoff) -> bool {
        self.may_leave
            && match handoff {
                Handoff::WebSocket { .. } | Handoff::OneShot { .. } => true,
                Handoff::Sse { types, .. } => types.is_none() && !self.is_last,
                // Its next request would have to go back to hyper if this one is not plain.
                Handoff::Polled(_) | Handoff::Held { .. } => self.is_plain,
            }
    }
}

/// The bytes that the shared writer sends first: the head of a stream, or a poll's whole answer.
async fn first_bytes(response: Response, handoff: &Handoff) -> Bytes {
    let second = http1::this_second();
    match handoff {
        Handoff::Sse { .. } | Handoff::WebSocket { .. } | Handoff::OneShot { .. } => {
            http1::head(&response, None, second).into()
        }
        Handoff::Polled(_) | Handoff::Held { .. } => {
            let (parts, body) = response.into_parts();
            let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
            http1::whole(&http::Response::from_parts(parts, body), second)
        }
    }
}
