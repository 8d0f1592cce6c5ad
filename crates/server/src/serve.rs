//! A whole server: its two ports, their socket options, how it starts and how it ends.

use std::{io, net::SocketAddr, sync::Arc};

use contract::{Announcement, Transport};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::{net::TcpListener, sync::mpsc, task::unconstrained, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    App, AppSettings, CertificateError, CertificateSource, Limits, app, control, floor_plane, lane::Lane,
    meter::Meter, plane::Plane, tls::Tls,
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
            floor_plane::check(&settings.app)?;
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
        let (lane, boarding) = mpsc::unbounded_channel();
        let data_plane = Arc::new(Plane {
            router: app::router(Arc::clone(&app), &settings.app.patterns),
            app: Arc::clone(&app),
            meter: Arc::clone(&meter),
            stopping: stopping.clone(),
            limits,
            lane: app.has_lane().then_some(lane),
            tls,
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
            tls: None,
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
