//! A listening port: who is let in, and the one layer that every request passes.

use std::{future::pending, sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    response::IntoResponse,
};
use http::{Request, Response, StatusCode, header};
use hyper::body::Incoming;
#[cfg(target_os = "linux")]
use socket2::SockRef;
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
    sync::mpsc,
    time::sleep,
};
use tokio_util::sync::CancellationToken;
use tower_service::Service;

use crate::{
    App, Limits,
    complain::complain,
    cors::Origins,
    lane, long_polling,
    meter::{Meter, Metered},
    problem::Problem,
    request::{no_tunnel, one_host},
    takeover::{self, Boarding, Exit, Ride, is_last, may_leave},
    tls::Tls,
};

/// What a connection over the limit is told: it should come back later.
pub(crate) const TURNED_AWAY: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// A listening port with its routes.
#[derive(Debug)]
pub(crate) struct Plane {
    pub(crate) router: Router,
    pub(crate) app: Arc<App>,
    pub(crate) meter: Arc<Meter>,
    pub(crate) stopping: CancellationToken,
    pub(crate) limits: Limits,
    /// The way into the lane; none where hyper serves everything.
    pub(crate) lane: Option<mpsc::UnboundedSender<Boarding<Metered<TcpStream>>>>,
    /// None where nothing is encrypted.
    pub(crate) tls: Option<Tls>,
}

impl Plane {
    /// Accepts connections for ever.
    pub(crate) async fn accept(self: Arc<Self>, listener: TcpListener) {
        let plane = self;
        loop {
            match listener.accept().await {
                Ok((stream, _)) if plane.meter.connections_open() < plane.limits.connections => {
                    // Without it the kernel may hold a small write back (Nagle, RFC 896) until the
                    // one before it is acknowledged.
                    let _ = stream.set_nodelay(true);
                    give_up_who_takes_nothing(&stream, plane.limits.head_timeout);
                    let stream = Metered::new(stream, Arc::clone(&plane.meter));
                    if plane.tls.is_some() {
                        plane.app.spawn(Arc::clone(&plane).serve_encrypted(stream));
                    } else {
                        plane.app.spawn(Arc::clone(&plane).serve(stream, Bytes::new()));
                    }
                }
                Ok((stream, _)) => {
                    plane.meter.refuse_connection();
                    // In TLS a word of regret would take a whole handshake, which is the dearest part of
                    // serving a connection and what the limit is there to save: it is just closed.
                    if plane.tls.is_none() {
                        plane.app.spawn(turn_away(stream));
                    }
                }
                Err(error) => {
                    // Out of descriptors: those who are connected stay, and the next accept waits
                    // until somebody leaves instead of spinning.
                    complain(format!("a connection could not be accepted: {error}"));
                    sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    /// The request layer: every request passes here once. Never ends for one whose connection leaves
    /// hyper.
    pub(crate) async fn answer(&self, mut request: Request<Incoming>, exit: &Exit) -> Response<Body> {
        let route = self.meter.route(request.uri());
        route.arrive();
        let may_ride = self.lane.is_some() && may_leave(&request) && !self.stopping.is_cancelled();
        let (is_last, is_plain) = (is_last(request.headers()), lane::is_plain(request.headers()));
        let origin = request.headers().get(header::ORIGIN).cloned();
        let is_preflight = request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        let mut response = match one_host(&mut request).and_then(|()| no_tunnel(&request)) {
            Ok(()) => {
                let Ok(response) = self.router.clone().call(request.map(Body::new)).await;
                response
            }
            Err(problem) => problem.into_response(),
        };
        let hint = response.extensions_mut().remove::<Ride>();
        let rides = match hint {
            Some(Ride::WebSocket(_) | Ride::Sentence(_)) => may_ride,
            Some(Ride::Sse(_)) => may_ride && !is_last,
            // Its next request would have to go back to hyper if this one is not plain.
            Some(Ride::Polled(_) | Ride::Held(_)) => may_ride && is_plain,
            None => false,
        };
        if let (Some(Ride::WebSocket(_) | Ride::Sentence(_)), false, true) =
            (hint, rides, self.lane.is_some())
        {
            // Where there is a lane, hyper upgrades nothing.
            let detail = "the server is stopping, or the handshake has a body or an `expect`";
            response = Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail).into_response();
        }
        if let Some(Ride::Held(held)) = hint {
            if rides {
                exit.leave(Bytes::new(), Ride::Held(held));
                return pending().await;
            }
            response = long_polling::wait(&self.app, held).await;
        }
        self.app.origins().apply(origin.as_ref(), &mut response);
        if is_preflight {
            Origins::apply_preflight(&mut response);
        }
        route.answer(response.status());
        if let (true, Some(ride)) = (rides, hint) {
            exit.leave(first_bytes(response, ride).await, ride);
            return pending().await;
        }
        response
    }
}

/// What goes out before the lane takes over: the head of a stream, or a poll's whole answer.
async fn first_bytes(response: Response<Body>, ride: Ride) -> Bytes {
    let (parts, body) = response.into_parts();
    match ride {
        Ride::Sse(_) | Ride::WebSocket(_) | Ride::Sentence(_) => takeover::head(&parts, None).into(),
        Ride::Polled(_) | Ride::Held(_) => {
            let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
            lane::whole(Response::from_parts(parts, body))
        }
    }
}

/// Lets the kernel end a connection whose client takes nothing for so long of what is to be written (TCP's
/// user timeout, RFC 9293 §3.9.1.1): the lane looks after its riders itself, but a task of hyper would wait
/// for ever.
fn give_up_who_takes_nothing(stream: &TcpStream, patience: Duration) {
    // Where the kernel has no such timeout, the client is waited for.
    #[cfg(target_os = "linux")]
    let _ = SockRef::from(stream).set_tcp_user_timeout(Some(patience));
    #[cfg(not(target_os = "linux"))]
    let _ = (stream, patience);
}

/// Tells a connection over the limit that it should come back later, instead of letting it wait.
async fn turn_away(mut stream: TcpStream) {
    // Whether it still listens is its own affair.
    let _ = stream.write_all(TURNED_AWAY).await;
    let _ = stream.shutdown().await;
}
