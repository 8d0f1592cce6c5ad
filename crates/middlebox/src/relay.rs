//! The relay: start, accept loop and shutdown.

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

/// Pause after a failed accept, which usually means that no file descriptors are left.
const ACCEPT_AGAIN: Duration = Duration::from_millis(10);
/// Tasks that run before the runtime polls sockets and timer again. Few, so that the timer is not delayed.
const LOOK_AFTER: u32 = 8;

/// A relay that cannot start.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    /// An address that other machines could reach, or that is on another machine.
    #[error("{0} is not on loopback: the middlebox relays within this machine only; use 127.0.0.1")]
    NotLoopback(SocketAddr),
    /// A number is 0.
    #[error("{0} is 0: it must be 1 or more")]
    Zero(&'static str),
    /// Another process listens on the port.
    #[error(
        "{0} is taken by another process: end that process (`ss -ltnp` shows it), or use port 0, which picks \
         a free port"
    )]
    Taken(SocketAddr),
    /// The relay cannot listen on the address.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, io::Error),
    /// The system refused a thread, timer or runtime.
    #[error("cannot start the relay's thread: {0}")]
    Thread(io::Error),
}

/// A running relay. Dropping it ends it.
#[derive(Debug)]
pub struct Relay {
    address: SocketAddr,
    count: Arc<Count>,
    /// The thread ends when this is dropped.
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Relay {
    /// Starts a relay on its own thread. It accepts connections when this returns.
    ///
    /// # Errors
    /// [`RelayError`] if an address or number is invalid, or the system refuses a socket or thread.
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

    /// The address that subscribers connect to.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The counts so far.
    #[must_use]
    pub fn counts(&self) -> RelayCounts {
        self.count.read()
    }

    /// Ends the relay and all its connections; returns the counts.
    #[must_use]
    pub fn stop(mut self) -> RelayCounts {
        self.end();
        self.count.read()
    }

    fn end(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has already been printed.
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
    // Each connection is a task of the runtime itself. In a `LocalSet`, which is one task to the runtime, the
    // interval would have no effect.
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
            // Without its timer the relay would hold all bytes for ever, so it ends.
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

/// Accepts connections; never returns.
async fn accept(listener: &TcpListener, shared: &Rc<Shared>) {
    let open = Rc::new(Cell::new(0_u32));
    let most = shared.settings.network.connections.unwrap_or(u32::MAX);
    let mut number = 0;
    loop {
        let subscriber = match listener.accept().await {
            Ok((subscriber, _)) => subscriber,
            Err(error) => {
                shared.tell("a connection could not be accepted", &error);
                // The connection waits in the kernel's backlog meanwhile.
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
