//! One relayed connection: both directions, and how it ends.

use std::{
    cell::{Cell, OnceCell, RefCell},
    io::{self, Write},
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use contract::Period;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use tokio::net::TcpStream;

use crate::{
    clock::{nanoseconds, now_ns},
    count::{Count, DirectionTally, one},
    direction::{Direction, LARGEST_READ, Special},
    end::End,
    first_request::{self, Opening, REFUSAL},
    pacer::Pacer,
    settings::RelaySettings,
    sockets,
};

/// Longest wait for the other side to close after a refusal or after the idle timeout.
const LONGEST_CLOSE: Duration = Duration::from_secs(1);

/// Delay from a cut until both sides see it. Within it, a server that had just got a request sends its answer.
const LAST_ANSWER: Duration = Duration::from_millis(5);

/// The state that all connections share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) settings: RelaySettings,
    pub(crate) pacer: Rc<Pacer>,
    pub(crate) count: Arc<Count>,
    /// The buffer for all reads.
    pub(crate) scratch: RefCell<Vec<u8>>,
    /// The relay has ended: queued bytes are neither delivered nor discarded.
    pub(crate) is_over: Cell<bool>,
    /// A failure of this machine was printed.
    has_reported: Cell<bool>,
}

impl Shared {
    pub(crate) fn new(settings: RelaySettings, pacer: Rc<Pacer>, count: Arc<Count>) -> Self {
        let scratch = RefCell::new(vec![0; LARGEST_READ]);
        Self { settings, pacer, count, scratch, is_over: Cell::new(false), has_reported: Cell::new(false) }
    }

    /// Prints a failure of this machine on stderr. Only the first one: there may be many.
    pub(crate) fn tell(&self, what: &str, error: &io::Error) {
        if !self.has_reported.replace(true) {
            // `eprintln!` would panic if stderr is a pipe without a reader.
            let _ = writeln!(
                io::stderr(),
                "{what}: {error}; a middlebox needs two file descriptors per connection (`ulimit -n`). \
                 Further failures are not printed"
            );
        }
    }

    /// Waits until a period has passed since an instant; for ever without a period.
    async fn after(&self, since_ns: u64, period: Option<Period>) {
        let at_ns = period.map_or(u64::MAX, |period| since_ns.saturating_add(nanoseconds(*period)));
        self.pacer.sleep_until(at_ns).await;
    }
}

/// A connection from its acceptance to its end.
#[derive(Debug)]
struct Connection<'a> {
    shared: &'a Shared,
    /// Number of the connection; each has its own random numbers.
    number: u64,
    subscriber: TcpStream,
    server: OnceCell<TcpStream>,
    /// The last instant at which bytes passed, in either direction.
    passed_ns: Cell<u64>,
    up: DirectionTally<'a>,
    down: DirectionTally<'a>,
}

/// Relays one connection to its end.
pub(crate) async fn relay(shared: &Shared, number: u64, subscriber: TcpStream) {
    let accepted_ns = now_ns();
    let connection = Connection {
        shared,
        number,
        subscriber,
        server: OnceCell::new(),
        passed_ns: Cell::new(accepted_ns),
        up: DirectionTally::new(&shared.count.up),
        down: DirectionTally::new(&shared.count.down),
    };
    let network = &shared.settings.network;
    let end = tokio::select! {
        biased;
        () = shared.after(accepted_ns, network.black_hole_after) => End::BlackHole,
        () = shared.after(accepted_ns, network.cut_after) => End::Cut,
        () = connection.idle() => End::Idle,
        end = connection.pass() => end,
    };
    let counted = match end {
        End::Done | End::Refused => None,
        End::Reset => {
            connection.reset();
            None
        }
        End::Cut => {
            // Nothing is forwarded any more. The pause lets the relay count an answer that the server was about
            // to send.
            shared.after(now_ns(), Some(Period(LAST_ANSWER))).await;
            connection.reset();
            Some(&shared.count.cut)
        }
        End::Unreachable => {
            connection.reset();
            Some(&shared.count.unreachable)
        }
        End::Idle => Some(&shared.count.idled_out),
        End::BlackHole => Some(&shared.count.swallowed),
    };
    if let Some(counted) = counted {
        one(counted);
    }
    match end {
        End::BlackHole => connection.swallow().await,
        End::Idle => connection.close_gracefully().await,
        End::Done | End::Refused | End::Reset | End::Cut | End::Unreachable => {}
    }
}

impl Connection<'_> {
    /// Forwards both directions until the connection ends.
    async fn pass(&self) -> End {
        let Shared { settings, pacer, count, scratch, .. } = self.shared;
        let network = &settings.network;
        let mut opening = Vec::new();
        if network.refuse_upgrade {
            match first_request::read(&self.subscriber, scratch, &self.up).await {
                Ok(Opening::Upgrade) => return self.refuse().await,
                Ok(Opening::Passes(bytes)) => opening = bytes,
                Err(_) => return End::Reset,
            }
        }
        let server = match sockets::connect(settings.to, settings.max_segment).await {
            Ok(server) => server,
            Err(error) if sockets::is_the_servers(&error) => return End::Unreachable,
            Err(error) => {
                self.shared.tell("a connection to the server could not be opened", &error);
                return End::Reset;
            }
        };
        let server = self.server.get_or_init(|| server);
        one(&count.relayed);

        let segment = |to| sockets::segment(to).unwrap_or(settings.max_segment) as usize;
        let up = Special {
            first_held_ns: nanoseconds(*network.rtt),
            segment: segment(server),
            ..Special::default()
        };
        let up = Direction::new(settings, pacer, self.random(0), up, &self.up);
        let down = Special {
            buffer: network.buffer,
            cut_after_bytes: network.cut_after_bytes,
            segment: segment(&self.subscriber),
            ..Special::default()
        };
        let down = Direction::new(settings, pacer, self.random(1), down, &self.down);
        if !opening.is_empty() {
            up.has_read(&opening);
        }
        let passed = || self.passed_ns.set(now_ns());
        tokio::select! {
            biased;
            never = up.read(&self.subscriber, scratch) => never,
            never = down.read(server, scratch) => never,
            end = up.write(server, &down, &passed) => end,
            end = down.write(&self.subscriber, &up, &passed) => end,
        }
    }

    /// The random numbers of one direction of this connection.
    fn random(&self, direction: u64) -> ChaCha8Rng {
        let mut random = ChaCha8Rng::seed_from_u64(self.shared.settings.seed);
        random.set_stream(2 * self.number + direction);
        random
    }

    /// Waits until no byte has passed for the idle timeout.
    async fn idle(&self) {
        let Some(timeout) = self.shared.settings.network.idle_timeout else {
            return std::future::pending().await;
        };
        loop {
            let passed_ns = self.passed_ns.get();
            self.shared.after(passed_ns, Some(timeout)).await;
            if self.passed_ns.get() == passed_ns {
                return;
            }
        }
    }

    /// Refuses a request for an upgrade, after the round trips that the request and its answer take.
    async fn refuse(&self) -> End {
        one(&self.shared.count.upgrades_refused);
        let rtt_ns = nanoseconds(*self.shared.settings.network.rtt);
        // One round trip for the set-up, one for request and answer.
        self.shared.pacer.sleep_until(now_ns().saturating_add(rtt_ns).saturating_add(rtt_ns)).await;
        self.up.discard_rest();
        self.down.make(REFUSAL.len());
        // The first bytes on a new socket always fit.
        if let Ok(written) = self.subscriber.try_write(REFUSAL) {
            self.down.deliver(written);
        }
        sockets::finish(&self.subscriber);
        let timeout = self.shared.after(now_ns(), Some(Period(LONGEST_CLOSE)));
        tokio::select! {
            () = self.drain_until_close(&self.subscriber, &self.up) => {}
            () = timeout => {}
        }
        End::Refused
    }

    /// Closes the sending direction of both sides, and reads until they close, too: TLS answers with an alert.
    /// If the sockets were closed at once, the kernel would refuse these bytes, and they would not be counted.
    async fn close_gracefully(&self) {
        self.up.discard_rest();
        self.down.discard_rest();
        sockets::finish(&self.subscriber);
        let server = async {
            if let Some(server) = self.server.get() {
                sockets::finish(server);
                self.drain_until_close(server, &self.down).await;
            }
        };
        let both = async { tokio::join!(self.drain_until_close(&self.subscriber, &self.up), server) };
        let timeout = self.shared.after(now_ns(), Some(Period(LONGEST_CLOSE)));
        tokio::select! {
            ((), ()) = both => {}
            () = timeout => {}
        }
    }

    /// The black hole: reads and discards the bytes of both sides until one of them closes or the relay ends.
    /// Both sides are then reset.
    async fn swallow(&self) {
        self.up.discard_rest();
        self.down.discard_rest();
        let server = async {
            match self.server.get() {
                Some(server) => self.drain_until_close(server, &self.down).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.drain_until_close(&self.subscriber, &self.up) => {}
            () = server => {}
        }
        self.reset();
    }

    /// Reads and discards the bytes of one side until it closes.
    async fn drain_until_close(&self, side: &TcpStream, direction: &DirectionTally<'_>) {
        while self.drain(side, direction).await.is_ok_and(|bytes| bytes > 0) {}
    }

    /// Reads once and discards the bytes; 0 at the end.
    async fn drain(&self, side: &TcpStream, direction: &DirectionTally<'_>) -> io::Result<usize> {
        loop {
            side.readable().await?;
            match side.try_read(&mut self.shared.scratch.borrow_mut()) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Ok(bytes) => {
                    direction.take(bytes);
                    direction.discard_rest();
                    return Ok(bytes);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Makes both sockets send a reset when they are closed.
    fn reset(&self) {
        sockets::reset_at_end(&self.subscriber);
        if let Some(server) = self.server.get() {
            sockets::reset_at_end(server);
        }
    }
}

impl Drop for Connection<'_> {
    fn drop(&mut self) {
        if !self.shared.is_over.get() {
            self.up.discard_rest();
            self.down.discard_rest();
        }
        // The sockets are closed after this, when the fields are dropped.
        let (subscriber, server) = (Some(&self.subscriber), self.server.get());
        self.up.close(subscriber, server, true);
        self.down.close(server, subscriber, false);
    }
}
