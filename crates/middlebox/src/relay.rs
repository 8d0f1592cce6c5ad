//! The relay: its thread, its door, its end.

use std::{
    cell::Cell,
    io,
    net::SocketAddr,
    rc::Rc,
    sync::{Arc, mpsc},
    thread::JoinHandle,
    time::Duration,
};

use contract::RelayCounts;
use tokio::{
    net::{TcpListener, TcpStream},
    runtime::{Builder, LocalOptions},
    sync::oneshot,
    task::spawn_local,
};

use crate::{
    clock::{nanoseconds, now_ns},
    connection::{self, Shared},
    count::{Count, one},
    pacer::Pacer,
    settings::RelaySettings,
    sockets,
};

/// Pause after a connection could not be accepted: usually for want of file descriptors.
const ACCEPT_AGAIN: Duration = Duration::from_millis(10);
/// Tasks that may run before the runtime looks at sockets and timer again: few, so that no timer waits.
const LOOK_AFTER: u32 = 8;

/// Why a relay cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    /// An address that others could reach, or that is elsewhere.
    #[error("{0} is not on loopback: the middlebox relays within this machine only, such as 127.0.0.1:0")]
    NotLoopback(SocketAddr),
    /// A number that must not be 0 is.
    #[error("{0} is 0: it must be 1 or more")]
    Zero(&'static str),
    /// The port belongs to somebody else.
    #[error(
        "{0} is taken by another process: end it (`ss -ltnp` names it), or listen on port 0, which picks a \
         free port"
    )]
    Taken(SocketAddr),
    /// The address cannot be listened on.
    #[error("{0} cannot be listened on: {1}")]
    Listen(SocketAddr, io::Error),
    /// The system gives no thread, timer or runtime.
    #[error("the relay's thread cannot be started: {0}")]
    Thread(io::Error),
}

/// A running relay. Dropped, it ends.
#[derive(Debug)]
pub struct Relay {
    address: SocketAddr,
    count: Arc<Count>,
    /// Dropped, the thread ends.
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Relay {
    /// Starts a relay on a thread of its own; it accepts connections when this returns.
    ///
    /// # Errors
    /// [`RelayError`], in words for whoever asked.
    pub fn start(settings: RelaySettings) -> Result<Self, RelayError> {
        check(&settings)?;
        let count = Arc::new(Count::default());
        let (stop, stopped) = oneshot::channel();
        let (ready, is_ready) = mpsc::channel();
        let counted = Arc::clone(&count);
        let thread = std::thread::Builder::new()
            .name("middlebox".to_owned())
            .spawn(move || run(settings, counted, stopped, &ready))
            .map_err(RelayError::Thread)?;
        let ended = |_| RelayError::Thread(io::Error::other("it ended at once"));
        let address = is_ready.recv().map_err(ended)??;
        Ok(Self { address, count, stop: Some(stop), thread: Some(thread) })
    }

    /// Where subscribers connect.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it has counted so far.
    #[must_use]
    pub fn counts(&self) -> RelayCounts {
        self.count.read()
    }

    /// Ends it, and with it all connections, and tells what it counted.
    #[must_use]
    pub fn stop(mut self) -> RelayCounts {
        self.end();
        self.count.read()
    }

    fn end(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // A panic on it has told its own story on stderr.
            let _ = thread.join();
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.end();
    }
}

fn check(settings: &RelaySettings) -> Result<(), RelayError> {
    if let Some(far) = [settings.listen, settings.to].into_iter().find(|address| !address.ip().is_loopback())
    {
        return Err(RelayError::NotLoopback(far));
    }
    let network = &settings.network;
    for (name, number) in [
        ("bytes per second", network.bytes_per_second),
        ("the bytes after which to cut", network.cut_after_bytes),
        ("the number of connections", network.connections.map(u64::from)),
    ] {
        if number == Some(0) {
            return Err(RelayError::Zero(name));
        }
    }
    Ok(())
}

/// The relay's thread.
fn run(
    settings: RelaySettings,
    count: Arc<Count>,
    stopped: oneshot::Receiver<()>,
    ready: &mpsc::Sender<Result<SocketAddr, RelayError>>,
) {
    // Each connection is a task of the runtime itself: within a set of tasks, which is one to the runtime, the
    // interval would not count.
    let mut builder = Builder::new_current_thread();
    let runtime = match builder.enable_all().event_interval(LOOK_AFTER).build_local(LocalOptions::default()) {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = ready.send(Err(RelayError::Thread(error)));
            return;
        }
    };
    runtime.block_on(async {
        let opened = open(&settings).and_then(|listener| {
            let pacer = Pacer::new().map_err(RelayError::Thread)?;
            let address =
                listener.local_addr().map_err(|error| RelayError::Listen(settings.listen, error))?;
            Ok((listener, pacer, address))
        });
        let (listener, pacer, address) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                let _ = ready.send(Err(error));
                return;
            }
        };
        let pacing = Rc::clone(&pacer);
        let shared = Rc::new(Shared::new(settings, pacer, count));
        let _ = ready.send(Ok(address));
        tokio::select! {
            _ = stopped => {}
            () = accept(&listener, &shared) => {}
            // Without its timer it would hold everything for ever: better that it ends.
            _ = pacing.run() => {}
        }
        shared.is_over.set(true);
    });
}

fn open(settings: &RelaySettings) -> Result<TcpListener, RelayError> {
    sockets::listen(settings.listen, settings.max_segment).map_err(|error| {
        if error.kind() == io::ErrorKind::AddrInUse {
            RelayError::Taken(settings.listen)
        } else {
            RelayError::Listen(settings.listen, error)
        }
    })
}

/// Accepts for ever.
async fn accept(listener: &TcpListener, shared: &Rc<Shared>) {
    let open = Rc::new(Cell::new(0_u32));
    let most = shared.settings.network.connections.unwrap_or(u32::MAX);
    let mut number = 0;
    loop {
        let subscriber = match listener.accept().await {
            Ok((subscriber, _)) => subscriber,
            Err(error) => {
                shared.tell("a connection could not be accepted", &error);
                // Whoever knocked waits in the kernel meanwhile.
                shared.pacer.sleep_until(now_ns() + nanoseconds(ACCEPT_AGAIN)).await;
                continue;
            }
        };
        if open.get() >= most {
            shared.count.up.turn_away(&subscriber);
            one(&shared.count.over_cap);
            continue;
        }
        let _ = TcpStream::set_nodelay(&subscriber, true);
        open.set(open.get() + 1);
        let (shared, open) = (Rc::clone(shared), Rc::clone(&open));
        spawn_local(async move {
            connection::relay(&shared, number, subscriber).await;
            open.set(open.get() - 1);
        });
        number += 1;
    }
}
