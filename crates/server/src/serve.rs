//! A whole server: its two ports, their socket options, how it starts and how it ends.

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

/// Connections that the kernel completes before they are accepted: a connect phase opens thousands
/// at once.
const BACKLOG: i32 = 16_384;

/// Settings of a whole server.
#[derive(Debug, Clone)]
pub struct ServerSettings {
    /// Address of the data plane; port 0 lets the system choose.
    pub data: SocketAddr,
    /// Address of the control plane, loopback only; port 0 lets the system choose.
    pub control: SocketAddr,
    /// Maximum segment size set on the data plane's sockets, bytes, with TCP's own options. Loopback's own is
    /// 65,483, which would make packet counts mean nothing.
    pub tcp_maxseg: u32,
    /// What the data plane shows where its transport encrypts.
    pub certificate: CertificateSource,
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
    /// The floor writes its bytes straight to the socket.
    #[error("the floor speaks http1 only, not {0}: it encrypts nothing and frames nothing by stream")]
    FloorTransport(Transport),
    /// There is no certificate to show.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
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
    tls: Option<Tls>,
    data: TcpListener,
    control: TcpListener,
}

impl Server {
    /// Opens both ports. From here on connections are accepted by the kernel and none is lost.
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
            certificate_pem: self.tls.as_ref().map(|tls| tls.certificate_pem().to_owned()),
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
            // Its data plane reads no request and takes no events.
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
            // Its work is bounded by its connections, and it lets others have their turn by itself.
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
        // Closing the log is what ends every held poll, stream and WebSocket, each in its own way.
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

/// The floor in place of the data plane; shutdown waits for it.
async fn serve_floor(pattern: Pattern, app: &Arc<App>, meter: Arc<Meter>, data: TcpListener) {
    #[cfg(target_os = "linux")]
    if let Ok(port) = data.into_std() {
        let floor = floor::serve(pattern, Arc::clone(app), meter, port);
        // An error means that the task was ended together with the runtime.
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
        // Accepted sockets inherit it.
        socket.set_tcp_mss(maxseg)?;
    }
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}
