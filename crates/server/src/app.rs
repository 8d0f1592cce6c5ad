//! What the routes share, and how they are put together.

use std::sync::Arc;

use axum::{
    Json, Router,
    body::{Body, Bytes, to_bytes},
    extract::State,
    response::{IntoResponse, Response},
    routing::{self, MethodRouter},
};
use contract::{ClockReading, Epoch, Heartbeat, Pattern, Rung, Transport};
use event_log::{BatchLimit, EventLog, Follow, Retention, Start};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use schedule::EpochClock;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use crate::{
    Framings, Limits, cors::Origins, lane::Waiting, long_polling, problem::Problem, publish, short_polling,
    sse, websocket,
};

/// Settings of the data plane.
#[derive(Debug, Clone)]
pub struct AppSettings {
    /// Patterns to serve.
    pub patterns: Vec<Pattern>,
    /// How much the log keeps.
    pub retention: Retention,
    /// Signs of life on an SSE stream or a WebSocket.
    pub heartbeat: Heartbeat,
    /// Origins besides the server's own whose pages may read and publish.
    pub allowed_origins: Vec<String>,
    /// Bounds on what a client may ask.
    pub limits: Limits,
    /// What is taken away from the streams to show what it is worth; polling stays as it is.
    pub rung: Rung,
    /// What is spoken on the measured port.
    pub transport: Transport,
    /// HTTP/2: streams that may be open on one connection at a time.
    pub max_streams: u32,
    /// Whether the floor serves in place of the patterns: what the kernel alone costs.
    pub floor: bool,
}

impl Default for AppSettings {
    fn default() -> Self {
        Self {
            patterns: Pattern::ALL.to_vec(),
            retention: Retention::default(),
            heartbeat: Heartbeat::default(),
            allowed_origins: Vec::new(),
            limits: Limits::default(),
            rung: Rung::Best,
            transport: Transport::Http1,
            max_streams: 200,
            floor: false,
        }
    }
}

/// What every route has at hand: the log, the shared encodings, the clock and the bounds.
#[derive(Debug)]
pub struct App {
    log: EventLog,
    framings: Framings,
    clock: EpochClock,
    heartbeat: Heartbeat,
    origins: Origins,
    limits: Limits,
    rung: Rung,
    transport: Transport,
    max_streams: u32,
    tasks: TaskTracker,
    waiting_in_lane: Waiting,
}

impl App {
    /// A fresh log under a random epoch that begins now.
    #[must_use]
    pub fn new(settings: &AppSettings) -> Self {
        let epoch = Epoch::from_random_bits(rand::random());
        Self {
            log: EventLog::new(epoch, settings.retention),
            framings: Framings::on_rung(epoch, settings.rung),
            clock: EpochClock::start_now(),
            heartbeat: settings.heartbeat,
            origins: Origins::new(settings.allowed_origins.clone(), settings.transport),
            limits: settings.limits,
            rung: settings.rung,
            transport: settings.transport,
            max_streams: settings.max_streams,
            tasks: TaskTracker::new(),
            waiting_in_lane: Waiting::default(),
        }
    }

    /// The log.
    #[must_use]
    pub const fn log(&self) -> &EventLog {
        &self.log
    }

    /// The encodings of its events.
    #[must_use]
    pub const fn framings(&self) -> &Framings {
        &self.framings
    }

    /// The clock that stamps of this log belong to.
    #[must_use]
    pub const fn clock(&self) -> EpochClock {
        self.clock
    }

    /// Number of subscribers that wait for the next event, in the lane or in a task of their own.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        // The lane itself is one of the log's waiters, whoever rides in it.
        let lane = u64::from(self.has_lane());
        self.log.stats().waiting.saturating_sub(lane) + self.waiting_in_lane.get()
    }

    pub(crate) const fn waiting_in_lane(&self) -> &Waiting {
        &self.waiting_in_lane
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

    /// The rung of the ladder that this server stands on.
    pub(crate) const fn rung(&self) -> Rung {
        self.rung
    }

    /// Streams that may be open on one connection of HTTP/2.
    pub(crate) const fn max_streams(&self) -> u32 {
        self.max_streams
    }

    /// Whether subscribers that wait are served together. What is encrypted differs for each of them, and
    /// what shares a connection has to be put in order, so only plain HTTP/1.1 can be.
    pub(crate) fn has_lane(&self) -> bool {
        self.rung == Rung::Best && !self.transport.is_encrypted()
    }

    /// Follows the log from where a stream starts: with all that waits at once, or on the rung
    /// `write-each` with one event at a time.
    pub(crate) fn follow(&self, start: &Start) -> Follow {
        let limit = match self.rung {
            Rung::WriteEach => BatchLimit { events: 1, ..BatchLimit::default() },
            Rung::Best | Rung::OwnTasks | Rung::EncodeEach | Rung::LargeBuffers => BatchLimit::default(),
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

    /// Refuses a page of a foreign origin where CORS alone would not stop it.
    pub(crate) fn check_origin(&self, headers: &HeaderMap) -> Result<(), Problem> {
        if self.origins.permit(headers) {
            return Ok(());
        }
        let detail = "this origin is not allowed: start the server with --allow-origin to add it";
        Err(Problem::new(StatusCode::FORBIDDEN, detail))
    }

    /// Reads a request's body, up to the limit and in bounded time.
    pub(crate) async fn read_body(&self, body: Body) -> Result<Bytes, Problem> {
        let most = self.limits.body_bytes;
        let read = timeout(self.limits.head_timeout, to_bytes(body, most)).await;
        let read = read.map_err(|_| Problem::new(StatusCode::REQUEST_TIMEOUT, "the body did not come"))?;
        read.map_err(|_| {
            let detail = format!("the body is longer than {most} bytes or was cut off");
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
        })
    }
}

/// The data plane's routes.
pub(crate) fn router(app: Arc<App>, patterns: &[Pattern]) -> Router {
    let mut router = Router::new()
        .merge(uplink())
        .merge(Route::named("/clock").answering_head().serve("GET, HEAD, OPTIONS", routing::get(clock)));
    for pattern in patterns {
        router = router.merge(match pattern {
            Pattern::ShortPolling => short_polling::router(),
            Pattern::LongPolling => long_polling::router(),
            Pattern::Sse => sse::router(),
            Pattern::WebSocket => websocket::router(),
        });
    }
    let served: Vec<String> = patterns.iter().map(|pattern| format!("/{pattern}")).collect();
    let detail = format!("this server has {}, /events and /clock", served.join(", "));
    router.fallback(async move || Problem::new(StatusCode::NOT_FOUND, detail)).with_state(app)
}

/// The way up: `POST /events`.
pub(crate) fn uplink() -> Router<Arc<App>> {
    Route::named("/events").serve("POST, OPTIONS", routing::post(publish::post))
}

/// `GET /clock`: the server's clock, for the four-stamp estimate of an offset.
async fn clock(State(app): State<Arc<App>>) -> Response {
    let reading = ClockReading {
        epoch: app.log.epoch().to_string(),
        monotonic_ns: app.clock.now_ns(),
        wall: jiff::Timestamp::now().to_string(),
    };
    ([(header::CACHE_CONTROL, "no-store")], Json(reading)).into_response()
}

/// One path with the answers that every path gives: OPTIONS, and 405 with `Allow` for the rest.
pub(crate) struct Route {
    path: String,
    answers_head: bool,
}

impl Route {
    pub(crate) fn of(pattern: Pattern) -> Self {
        Self::named(&format!("/{pattern}"))
    }

    fn named(path: &str) -> Self {
        Self { path: path.to_owned(), answers_head: false }
    }

    /// Lets HEAD be answered like GET without the body. Where an answer never ends or is held, it is
    /// refused instead.
    pub(crate) fn answering_head(mut self) -> Self {
        self.answers_head = true;
        self
    }

    pub(crate) fn serve(self, allow: &'static str, methods: MethodRouter<Arc<App>>) -> Router<Arc<App>> {
        let refuse = move || async move {
            let detail = format!("this path answers {allow}");
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail).with(header::ALLOW, allow)
        };
        let mut methods = methods.options(move || async move { options(allow) }).fallback(refuse);
        if !self.answers_head {
            methods = methods.head(refuse);
        }
        Router::new().route(&self.path, methods)
    }
}

fn options(allow: &'static str) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allow));
    response
}
