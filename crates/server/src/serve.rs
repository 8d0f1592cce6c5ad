//! A whole server: its two ports, their socket options, start and shutdown.

use std::{io, net::SocketAddr, sync::Arc};

use contract::{Announcement, Pattern, Transport};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::{net::TcpListener, sync::mpsc, task::unconstrained, time::timeout};
use tokio_util::sync::CancellationToken;

#[cfg(target_os = "linux")]
use crate::drivers::floor;
use crate::{
    app::{App, AppSettings},
    control,
    drivers::shared_writer::SharedWriter,
    limits::Limits,
    listener::Listener,
    meter::Meter,
    router::{router, uplink},
    tls::{CertificateError, CertificateSource, Tls},
};

/// Connections that the kernel completes before they are accepted. Trials open thousands at once.
const BACKLOG: i32 = 16_384;

/// Settings of a whole server.
#[derive(Debug, Clone)]
pub struct ServerSettings {
    /// Address of the data plane; port 0 lets the system choose.
    pub data: SocketAddr,
    /// Address of the control plane, loopback only; port 0 lets the system choose.
    pub control: SocketAddr,
    /// Maximum segment size of the data plane's sockets, in bytes, TCP options included. The default of
    /// loopback is 65,483, which would make packet counts meaningless.
    pub tcp_maxseg: u32,
    /// The certificate of the data plane, if its transport encrypts.
    pub certificate: CertificateSource,
    /// Settings of the data plane.
    pub app: AppSettings,
}

/// A server that cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The server cannot listen on the address.
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
    /// The floor does not parse requests, so it cannot distinguish patterns.
    #[error(
        "the floor serves exactly one pattern, not {0}: name one with --pattern, and start one floor for each pattern"
    )]
    FloorPatterns(usize),
    /// The floor writes its bytes directly to the socket.
    #[error("the floor supports http1 only, not {0}: it has neither TLS nor HTTP/2 framing")]
    FloorTransport(Transport),
    /// There is no usable certificate.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The floor uses epoll.
    #[error("the floor needs Linux: it uses epoll")]
    FloorNeedsLinux,
}

/// A server that listens but does not serve yet.
#[derive(Debug)]
pub struct Server {
    app: Arc<App>,
    meter: Arc<Meter>,
    settings: ServerSettings,
    tls: Option<Tls>,
    data: TcpListener,
    control: TcpListener,
}

impl Server {
    /// Opens both ports. From now on the kernel accepts connections, and none is lost.
    ///
    /// # Errors
    /// [`StartError`] if a port is taken, the control plane is not on loopback, or a certificate cannot be
    /// used.
    pub fn bind(settings: ServerSettings) -> Result<Self, StartError> {
        if !settings.control.ip().is_loopback() {
            return Err(StartError::ControlNotLoopback(settings.control));
        }
        if settings.app.floor {
            check_floor(&settings.app)?;
        }
        let tls = Tls::of(settings.app.transport, &settings.certificate)?;
        let listen = |address, plane, maxseg| {
            listen(address, maxseg).map_err(|error| StartError::Listen { address, plane, error })
        };
        Ok(Self {
            app: Arc::new(App::new(&settings.app)),
            meter: Arc::default(),
            data: listen(settings.data, "data", Some(settings.tcp_maxseg))?,
            control: listen(settings.control, "control", None)?,
            tls,
            settings,
        })
    }

    /// The content of the line with which the server announces itself.
    ///
    /// # Errors
    /// If the system does not report the address of a listening socket.
    pub fn announcement(&self) -> io::Result<Announcement> {
        Ok(Announcement {
            data: self.data.local_addr()?,
            control: self.control.local_addr()?,
            pid: std::process::id(),
            epoch: self.app.log().epoch().to_string(),
            epoch_start_monotonic_ns: self.app.clock().start_monotonic_ns(),
            certificate_pem: self.tls.as_ref().map(|tls| tls.certificate_pem().to_owned()),
        })
    }

    /// The shared state, for tests that publish without a socket.
    #[must_use]
    pub fn app(&self) -> Arc<App> {
        Arc::clone(&self.app)
    }

    /// Serves until `stop` is done, then ends cleanly: held polls are answered, streams end,
    /// WebSockets are closed with 1001, and idle connections are closed.
    pub async fn run_until(self, stop: impl Future<Output = ()>) {
        let Self { app, meter, settings, tls, data, control } = self;
        let stopping = CancellationToken::new();
        let limits = settings.app.limits;
        let is_shared = app.has_shared_writer() && !settings.app.floor;
        let (shared_writer, handoffs) = mpsc::unbounded_channel();
        let data_plane = Arc::new(Listener {
            router: router(Arc::clone(&app), &settings.app.patterns),
            app: Arc::clone(&app),
            meter: Arc::clone(&meter),
            stopping: stopping.clone(),
            limits,
            shared_writer: is_shared.then_some(shared_writer),
            tls,
        });
        let mut control_router = control::router(Arc::clone(&app), Arc::clone(&meter));
        if settings.app.floor {
            // The floor's data plane cannot publish events.
            control_router = control_router.merge(uplink().with_state(Arc::clone(&app)));
        }
        let control_plane = Arc::new(Listener {
            router: control_router,
            app: Arc::clone(&app),
            meter: Arc::default(),
            stopping: stopping.clone(),
            limits: Limits { connections: 64, ..limits },
            shared_writer: None,
            tls: None,
        });
        if is_shared {
            let listener = Arc::clone(&data_plane);
            let hand_back =
                move |stream, unread| listener.app.spawn(Arc::clone(&listener).serve(stream, unread));
            let shared_writer = SharedWriter::new(Arc::clone(&app), Arc::clone(&meter), handoffs, hand_back);
            // The shared writer yields by itself, and its work is bounded by its connections.
            app.spawn(unconstrained(shared_writer.run()));
        }
        let serving = async {
            match settings.app.patterns.first() {
                Some(pattern) if settings.app.floor => serve_floor(*pattern, &app, meter, data).await,
                Some(_) | None => data_plane.accept(data).await,
            }
        };
        tokio::select! {
            () = serving => {}
            () = control_plane.accept(control) => {}
            () = stop => {}
        }
        // Closing the log ends every held poll, stream and WebSocket, each as its pattern defines it.
        app.log().close();
        stopping.cancel();
        app.tasks().close();
        let _ = timeout(limits.shutdown, app.tasks().wait()).await;
    }
}

#[cfg(target_os = "linux")]
fn check_floor(settings: &AppSettings) -> Result<(), StartError> {
    match (settings.transport, settings.patterns.len()) {
        (Transport::Http1, 1) => Ok(()),
        (Transport::Http1, patterns) => Err(StartError::FloorPatterns(patterns)),
        (transport @ (Transport::Http1Tls | Transport::Http2), _) => {
            Err(StartError::FloorTransport(transport))
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn check_floor(_: &AppSettings) -> Result<(), StartError> {
    Err(StartError::FloorNeedsLinux)
}

/// Serves the floor instead of the data plane; shutdown waits for it.
async fn serve_floor(pattern: Pattern, app: &Arc<App>, meter: Arc<Meter>, data: TcpListener) {
    #[cfg(target_os = "linux")]
    if let Ok(port) = data.into_std() {
        let floor = floor::serve(pattern, Arc::clone(app), meter, port);
        // An error means that the task ended together with the runtime.
        let _ = app.tasks().spawn(floor).await;
    }
    #[cfg(not(target_os = "linux"))]
    drop((pattern, app, meter, data));
}

fn listen(address: SocketAddr, maxseg: Option<u32>) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    if let Some(maxseg) = maxseg {
        // Accepted sockets inherit this option.
        socket.set_tcp_mss(maxseg)?;
    }
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}
