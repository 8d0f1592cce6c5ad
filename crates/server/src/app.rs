//! The state that routes and drivers share: the log, the encodings of its events, the clock and the limits.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use axum::body::{Body, Bytes, to_bytes};
use contract::{Ablation, Epoch, Heartbeat, Pattern, Transport};
use event_log::{BatchLimit, EventLog, Follow, Retention, Start};
use http::{HeaderMap, StatusCode};
use schedule::EpochClock;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use crate::{cors::Origins, encodings::Encodings, limits::Limits, problem::Problem};

/// Settings of the data plane.
#[derive(Debug, Clone)]
pub struct AppSettings {
    /// Patterns to serve.
    pub patterns: Vec<Pattern>,
    /// How many events the log keeps.
    pub retention: Retention,
    /// Heartbeats on an SSE stream or a WebSocket.
    pub heartbeat: Heartbeat,
    /// Origins, other than the server's own, whose pages may read and publish.
    pub allowed_origins: Vec<String>,
    /// Limits on what a client may ask for.
    pub limits: Limits,
    /// The ablation: the optimisation of the streams that is removed. It does not change polling.
    pub ablation: Ablation,
    /// The transport of the measured port.
    pub transport: Transport,
    /// HTTP/2: most streams that may be open on one connection.
    pub max_streams: u32,
    /// Whether the floor serves instead of the patterns, to measure what the kernel alone costs.
    pub floor: bool,
    /// Whether the test pages for browsers are served under `/pages`.
    pub pages: bool,
}

impl Default for AppSettings {
    fn default() -> Self {
        Self {
            patterns: Pattern::ALL.to_vec(),
            retention: Retention::default(),
            heartbeat: Heartbeat::default(),
            allowed_origins: Vec::new(),
            limits: Limits::default(),
            ablation: Ablation::Best,
            transport: Transport::Http1,
            max_streams: 200,
            floor: false,
            pages: false,
        }
    }
}

/// The state of the data plane, shared by all connections.
#[derive(Debug)]
pub struct App {
    log: EventLog,
    encodings: Encodings,
    clock: EpochClock,
    heartbeat: Heartbeat,
    origins: Origins,
    limits: Limits,
    ablation: Ablation,
    has_pages: bool,
    transport: Transport,
    max_streams: u32,
    tasks: TaskTracker,
    waiting_in_shared_writer: AtomicU64,
}

impl App {
    /// A fresh log under a random epoch that begins now.
    #[must_use]
    pub fn new(settings: &AppSettings) -> Self {
        let epoch = Epoch::from_random_bits(rand::random());
        Self {
            log: EventLog::new(epoch, settings.retention),
            encodings: Encodings::with_ablation(epoch, settings.ablation),
            clock: EpochClock::start_now(),
            heartbeat: settings.heartbeat,
            origins: Origins::new(settings.allowed_origins.clone(), settings.transport),
            limits: settings.limits,
            ablation: settings.ablation,
            has_pages: settings.pages,
            transport: settings.transport,
            max_streams: settings.max_streams,
            tasks: TaskTracker::new(),
            waiting_in_shared_writer: AtomicU64::new(0),
        }
    }

    /// The log.
    #[must_use]
    pub const fn log(&self) -> &EventLog {
        &self.log
    }

    /// The encodings of its events.
    #[must_use]
    pub const fn encodings(&self) -> &Encodings {
        &self.encodings
    }

    /// The clock of this log's stamps.
    #[must_use]
    pub const fn clock(&self) -> EpochClock {
        self.clock
    }

    /// Number of subscribers that wait for the next event, in the shared writer or in their own tasks.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        // The shared writer itself is one of the log's waiters, however many connections it has.
        let shared_writer = u64::from(self.has_shared_writer());
        self.log.stats().waiting.saturating_sub(shared_writer) + self.waiting_in_shared_writer.load(Relaxed)
    }

    /// Adds to the number of connections that wait for an event in the shared writer.
    pub(crate) fn add_waiting(&self, change: i64) {
        // Adding the two's complement subtracts.
        self.waiting_in_shared_writer.fetch_add(change as u64, Relaxed);
    }

    pub(crate) const fn heartbeat(&self) -> Heartbeat {
        self.heartbeat
    }

    pub(crate) const fn origins(&self) -> &Origins {
        &self.origins
    }

    pub(crate) const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Whether the test pages are served.
    pub(crate) const fn has_pages(&self) -> bool {
        self.has_pages
    }

    /// The ablation of this server.
    pub(crate) const fn ablation(&self) -> Ablation {
        self.ablation
    }

    /// Most streams that may be open on one HTTP/2 connection.
    pub(crate) const fn max_streams(&self) -> u32 {
        self.max_streams
    }

    /// Whether the shared writer serves waiting subscribers. It serves plain HTTP/1.1 only: encrypted bytes
    /// differ for each connection, and streams that share a connection have to be put in order.
    pub(crate) fn has_shared_writer(&self) -> bool {
        self.ablation == Ablation::Best && !self.transport.is_encrypted()
    }

    /// Follows the log from the start of a stream: in batches, or in the ablation `write-each` one event at a
    /// time.
    pub(crate) fn follow(&self, start: &Start) -> Follow {
        let limit = match self.ablation {
            Ablation::WriteEach => BatchLimit { events: 1, ..BatchLimit::default() },
            Ablation::Best | Ablation::OwnTasks | Ablation::EncodeEach | Ablation::LargeBuffers => {
                BatchLimit::default()
            }
        };
        self.log.follow(start.cursor, limit)
    }

    pub(crate) const fn tasks(&self) -> &TaskTracker {
        &self.tasks
    }

    /// Runs a task that shutdown waits for.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(task);
    }

    /// Refuses a request from a page of another origin that CORS alone would not stop.
    pub(crate) fn check_origin(&self, headers: &HeaderMap) -> Result<(), Problem> {
        if self.origins.permit(headers) {
            return Ok(());
        }
        let detail = "this origin is not allowed: start the server with --allow-origin to add it";
        Err(Problem::new(StatusCode::FORBIDDEN, detail))
    }

    /// Reads a request's body, with a limit on its length and a timeout.
    pub(crate) async fn read_body(&self, body: Body) -> Result<Bytes, Problem> {
        let most = self.limits.body_bytes;
        let read = timeout(self.limits.head_timeout, to_bytes(body, most)).await;
        let read = read.map_err(|_| Problem::new(StatusCode::REQUEST_TIMEOUT, "the body came too late"))?;
        read.map_err(|_| {
            let detail = format!("the body is longer than {most} bytes or was cut off");
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
        })
    }
}
