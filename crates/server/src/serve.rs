//! The accept loop on hyper: one place for socket options, metering, timeouts, limits and shutdown.

use std::{
    convert::Infallible,
    future::{pending, poll_fn},
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::Arc,
    task::Poll,
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    response::IntoResponse,
};
use contract::{Announcement, Pattern};
use http::{Request, Response, StatusCode, header};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
    sync::mpsc::{self, error::SendError},
    task::unconstrained,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tower_service::Service;

use crate::{
    App, AppSettings, Limits, app, control,
    cors::Origins,
    floor_plane,
    lane::{self, Lane},
    long_polling,
    meter::{Meter, Metered},
    problem::Problem,
    request::one_host,
    takeover::{self, Boarding, Exit, HyperIo, Ride, is_last, may_leave},
};

/// Connections that the kernel completes before they are accepted: a connect phase opens thousands
/// at once.
const BACKLOG: i32 = 16_384;

/// What a connection over the limit is told: it should come back later.
pub(crate) const TURNED_AWAY: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// Settings of a whole server.
#[derive(Debug, Clone)]
pub struct ServerSettings {
    /// Address of the data plane; port 0 lets the system choose.
    pub data: SocketAddr,
    /// Address of the control plane, loopback only; port 0 lets the system choose.
    pub control: SocketAddr,
    /// Maximum segment size set on the data plane's sockets, bytes. Loopback's own is 65,483, which
    /// would make packet counts mean nothing.
    pub tcp_maxseg: u32,
    /// Settings of the data plane.
    pub app: AppSettings,
}

/// A server that cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address cannot be listened on.
    #[error(
        "cannot listen on {address} for the {plane} plane: {error} (is the port taken? port 0 picks a free one)"
    )]
    Listen {
        /// The address.
        address: SocketAddr,
        /// `data` or `control`.
        plane: &'static str,
        /// What the system said.
        error: io::Error,
    },
    /// The control plane must not be reachable from elsewhere.
    #[error("the control plane must be on loopback, not on {0}: it can start schedules")]
    ControlNotLoopback(SocketAddr),
    /// The floor reads nothing of a request, so it cannot tell patterns apart.
    #[error(
        "the floor serves exactly one pattern, and {0} were asked for: name one with --pattern, and start a floor for each"
    )]
    FloorPatterns(usize),
    /// The floor stands on epoll.
    #[error("the floor needs Linux: it is built on epoll")]
    FloorNeedsLinux,
}

/// A server that listens but does not serve yet.
#[derive(Debug)]
pub struct Server {
    app: Arc<App>,
    meter: Arc<Meter>,
    settings: ServerSettings,
    data: TcpListener,
    control: TcpListener,
}

impl Server {
    /// Opens both ports. From here on connections are accepted by the kernel and none is lost.
    ///
    /// # Errors
    /// [`StartError`] if a port is taken or the control plane is not on loopback.
    pub fn bind(settings: ServerSettings) -> Result<Self, StartError> {
        if !settings.control.ip().is_loopback() {
            return Err(StartError::ControlNotLoopback(settings.control));
        }
        if settings.app.floor {
            floor_plane::check(&settings.app.patterns)?;
        }
        let listen = |address, plane, maxseg| {
            listen(address, maxseg).map_err(|error| StartError::Listen { address, plane, error })
        };
        Ok(Self {
            app: Arc::new(App::new(&settings.app)),
            meter: Arc::default(),
            data: listen(settings.data, "data", Some(settings.tcp_maxseg))?,
            control: listen(settings.control, "control", None)?,
            settings,
        })
    }

    /// What the server says of itself in its one line.
    ///
    /// # Errors
    /// If the system cannot tell the address of a listening socket.
    pub fn announcement(&self) -> io::Result<Announcement> {
        Ok(Announcement {
            data: self.data.local_addr()?,
            control: self.control.local_addr()?,
            pid: std::process::id(),
            epoch: self.app.log().epoch().to_string(),
            epoch_start_monotonic_ns: self.app.clock().start_monotonic_ns(),
            certificate_pem: None,
        })
    }

    /// What the routes share; for tests that publish without a socket.
    #[must_use]
    pub fn app(&self) -> Arc<App> {
        Arc::clone(&self.app)
    }

    /// Serves until `stop` is done, then ends cleanly: held polls are answered, streams end,
    /// WebSockets are closed with 1001, and idle connections are closed.
    pub async fn run_until(self, stop: impl Future<Output = ()>) {
        let Self { app, meter, settings, data, control } = self;
        let stopping = CancellationToken::new();
        let limits = settings.app.limits;
        let (lane, boarding) = mpsc::unbounded_channel();
        let data_plane = Arc::new(Plane {
            router: app::router(Arc::clone(&app), &settings.app.patterns),
            app: Arc::clone(&app),
            meter: Arc::clone(&meter),
            stopping: stopping.clone(),
            limits,
            lane: app.has_lane().then_some(lane),
        });
        let mut control_router = control::router(Arc::clone(&app), Arc::clone(&meter));
        if settings.app.floor {
            // Its data plane answers by rote and takes no events.
            control_router = control_router.merge(app::uplink().with_state(Arc::clone(&app)));
        }
        let control_plane = Arc::new(Plane {
            router: control_router,
            app: Arc::clone(&app),
            meter: Arc::default(),
            stopping: stopping.clone(),
            limits: Limits { connections: 64, ..limits },
            lane: None,
        });
        if app.has_lane() && !settings.app.floor {
            let plane = Arc::clone(&data_plane);
            let hand_back = move |stream, unread| plane.app.spawn(Arc::clone(&plane).serve(stream, unread));
            let lane = Lane::new(Arc::clone(&app), Arc::clone(&meter), boarding, hand_back);
            // Its work is bounded by the riders and it lets others have their turn by itself.
            app.spawn(unconstrained(lane.run()));
        }
        let serving = async {
            if settings.app.floor {
                floor_plane::serve(&settings, &app, meter, data).await;
            } else {
                data_plane.accept(data).await;
            }
        };
        tokio::select! {
            () = serving => {}
            () = control_plane.accept(control) => {}
            () = stop => {}
        }
        // Closing the log is what ends every held poll, stream and WebSocket, each in its own way.
        app.log().close();
        stopping.cancel();
        app.tasks().close();
        let _ = timeout(limits.shutdown, app.tasks().wait()).await;
    }
}

fn listen(address: SocketAddr, maxseg: Option<u32>) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    if let Some(maxseg) = maxseg {
        // Accepted sockets inherit it.
        socket.set_tcp_mss(maxseg)?;
    }
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// A listening port with its routes.
struct Plane {
    router: Router,
    app: Arc<App>,
    meter: Arc<Meter>,
    stopping: CancellationToken,
    limits: Limits,
    /// The way into the lane; none where hyper serves everything.
    lane: Option<mpsc::UnboundedSender<Boarding<Metered<TcpStream>>>>,
}

impl Plane {
    async fn accept(self: Arc<Self>, listener: TcpListener) {
        let plane = self;
        loop {
            match listener.accept().await {
                Ok((stream, _)) if plane.meter.connections_open() < plane.limits.connections => {
                    // Without it the kernel may hold a small write back (Nagle, RFC 896) until the
                    // one before it is acknowledged.
                    let _ = stream.set_nodelay(true);
                    let stream = Metered::new(stream, Arc::clone(&plane.meter));
                    plane.app.spawn(Arc::clone(&plane).serve(stream, Bytes::new()));
                }
                Ok((stream, _)) => {
                    plane.meter.refuse_connection();
                    plane.app.spawn(turn_away(stream));
                }
                Err(error) => {
                    // Out of descriptors: those who are connected stay, and the next accept waits
                    // until somebody leaves instead of spinning.
                    eprintln!("a connection could not be accepted: {error}");
                    sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    /// Serves a connection with hyper until it ends or boards the lane. `unread` is what has been read
    /// from it before.
    async fn serve(self: Arc<Self>, stream: Metered<TcpStream>, unread: Bytes) {
        let exit: Arc<Exit> = Arc::default();
        let (plane, way_out) = (Arc::clone(&self), Arc::clone(&exit));
        let service = service_fn(move |request| {
            let (plane, way_out) = (Arc::clone(&plane), Arc::clone(&way_out));
            Box::pin(async move { Ok::<_, Infallible>(plane.answer(request, &way_out).await) })
        });
        let mut builder = http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.head_timeout)
            .max_headers(self.limits.header_lines)
            .max_buf_size(self.limits.head_bytes)
            // `half_close` stays off: a client that has closed its side has left, and what it was held
            // for is freed at once.
            // One buffer and one write per answer: cheaper than a vectored write of two small parts.
            .writev(false);
        let io = TokioIo::new(HyperIo::new(stream, unread, Arc::clone(&exit)));
        let Some(lane) = &self.lane else {
            let connection = builder.serve_connection(io, service).with_upgrades();
            tokio::pin!(connection);
            tokio::select! {
                // An error is the client's: it went away or did not speak HTTP, and hyper has answered.
                _ = connection.as_mut() => {}
                () = self.stopping.cancelled() => {
                    connection.as_mut().graceful_shutdown();
                    let _ = connection.await;
                }
            }
            return;
        };
        let mut connection = builder.serve_connection(io, service);
        let mut stopping = pin!(self.stopping.cancelled());
        let mut is_stopping = false;
        let left = poll_fn(|context| {
            if !is_stopping && stopping.as_mut().poll(context).is_ready() {
                is_stopping = true;
                Pin::new(&mut connection).graceful_shutdown();
            }
            let ended = Pin::new(&mut connection).poll(context);
            if let Poll::Ready(left) = exit.poll_leave() {
                return Poll::Ready(Some(left));
            }
            // An error is the client's, as above.
            ended.map(|_| None)
        })
        .await;
        let Some((first, ride)) = left else { return };
        let parts = connection.into_parts();
        let (stream, unread) = parts.io.into_inner().into_parts();
        // Copied, because the empty slice of hyper's buffer would keep its 8 KiB alive.
        let early = lane::join(&parts.read_buf, &unread);
        if let Err(SendError(boarding)) = lane.send(Boarding { stream, early, first, ride }) {
            self.say_what_was_made(boarding).await;
        }
    }

    /// The lane has ended while somebody was on the way to it: the answer that was made still goes out.
    async fn say_what_was_made(&self, boarding: Boarding<Metered<TcpStream>>) {
        let Boarding { mut stream, first, ride, .. } = boarding;
        let last = match ride {
            Ride::Held(_) => {
                self.meter.pattern(Pattern::LongPolling).answer(StatusCode::NO_CONTENT);
                lane::whole(long_polling::no_content())
            }
            Ride::Sse(_) => Bytes::from_static(b"0\r\n\r\n"),
            Ride::Polled(_) | Ride::WebSocket(_) => Bytes::new(),
        };
        // Whether it still listens is its own affair.
        let _ = stream.write_all(&lane::join(&first, &last)).await;
        let _ = stream.shutdown().await;
    }

    /// The request layer: every request passes here once. Never ends for one whose connection leaves
    /// hyper.
    async fn answer(&self, request: Request<Incoming>, exit: &Exit) -> Response<Body> {
        let route = self.meter.route(request.uri());
        route.arrive();
        let may_ride = self.lane.is_some() && may_leave(&request) && !self.stopping.is_cancelled();
        let (is_last, is_plain) = (is_last(request.headers()), lane::is_plain(request.headers()));
        let origin = request.headers().get(header::ORIGIN).cloned();
        let is_preflight = request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        let mut response = match one_host(&request) {
            Ok(()) => {
                let Ok(response) = self.router.clone().call(request.map(Body::new)).await;
                response
            }
            Err(problem) => problem.into_response(),
        };
        let hint = response.extensions_mut().remove::<Ride>();
        let rides = match hint {
            Some(Ride::WebSocket(_)) => may_ride,
            Some(Ride::Sse(_)) => may_ride && !is_last,
            // Its next request would have to go back to hyper if this one is not plain.
            Some(Ride::Polled(_) | Ride::Held(_)) => may_ride && is_plain,
            None => false,
        };
        if let (Some(Ride::WebSocket(_)), false, true) = (hint, rides, self.lane.is_some()) {
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
        Ride::Sse(_) | Ride::WebSocket(_) => takeover::head(&parts, None).into(),
        Ride::Polled(_) | Ride::Held(_) => {
            let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
            lane::whole(Response::from_parts(parts, body))
        }
    }
}

/// Tells a connection over the limit that it should come back later, instead of letting it wait.
async fn turn_away(mut stream: TcpStream) {
    // Whether it still listens is its own affair.
    let _ = stream.write_all(TURNED_AWAY).await;
    let _ = stream.shutdown().await;
}
