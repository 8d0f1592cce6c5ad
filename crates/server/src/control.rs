//! The control plane: starts a schedule and reports the counters. Loopback only, never the measured port.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use contract::{EventType, PublisherReport, ServerStats, StartSchedule, StartedSchedule};
use event_log::EventLog;
use http::{StatusCode, header};
use schedule::{Pacing, Publisher, Refused, Schedule, process_cpu_us};
use tokio::sync::mpsc;

use crate::{app::App, meter::Meter, metrics, problem::Problem};

/// Longest request body. It may contain a replayed file, as JSON.
const LONGEST_ORDER_BYTES: usize = 256 << 20;
const LONGEST_START_IN: Duration = Duration::from_secs(60);
const LONGEST_DELAY: Duration = Duration::from_secs(60);
/// The due stamp has room for 2 h 46 min.
const LONGEST_SCHEDULE: Duration = Duration::from_secs(2 * 3_600);

/// The state of the control plane.
pub(crate) struct Control {
    app: Arc<App>,
    meter: Arc<Meter>,
    publisher: Mutex<Option<Publisher>>,
}

/// The control plane's routes.
pub(crate) fn router(app: Arc<App>, meter: Arc<Meter>) -> Router {
    let control = Arc::new(Control { app, meter, publisher: Mutex::default() });
    Router::new()
        .route("/stats", get(|State(control): State<Arc<Control>>| async move { Json(control.stats()) }))
        .route("/metrics", get(prometheus))
        .route("/schedule", post(start).get(report))
        .layer(DefaultBodyLimit::max(LONGEST_ORDER_BYTES))
        .with_state(control)
}

async fn prometheus(State(control): State<Arc<Control>>) -> Response {
    let text = metrics::prometheus(&control.stats());
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response()
}

/// `POST /schedule`: publishes a schedule that starts at an instant in the near future.
async fn start(State(control): State<Arc<Control>>, body: Bytes) -> Result<Json<StartedSchedule>, Problem> {
    let order: StartSchedule = serde_json::from_slice(&body)
        .map_err(|error| Problem::bad_request(format!("the body is not a schedule to start: {error}")))?;
    if *order.start_in > LONGEST_START_IN || *order.length > LONGEST_SCHEDULE {
        return Err(Problem::bad_request("a schedule must start within a minute and last at most two hours"));
    }
    if *order.delivery_delay > LONGEST_DELAY || *order.delivery_jitter > LONGEST_DELAY {
        return Err(Problem::bad_request(
            "events can be held back a minute at most, plus a minute of jitter",
        ));
    }
    let schedule = Schedule::build(
        &order.arrivals,
        order.replay_csv.as_deref(),
        order.seed,
        order.length,
        order.payload_bytes,
    )
    .map_err(|error| Problem::bad_request(error.to_string()))?;
    let mut publisher = control.publisher();
    if publisher.as_ref().is_some_and(|publisher| !publisher.report().finished) {
        return Err(Problem::new(StatusCode::CONFLICT, "a schedule is being published already"));
    }
    let clock = control.app.clock();
    let started = StartedSchedule {
        hash: schedule.hash().to_owned(),
        events: schedule.events().len() as u64,
        first_seq: control.app.log().head().seq + 1,
        start_ns: clock.now_ns() + order.start_in.as_nanos() as u64,
    };
    let pacing = Pacing {
        start_ns: started.start_ns,
        counted_from_ns: order.counted_from.as_nanos() as u64,
        delay_ns: order.delivery_delay.as_nanos() as u64,
        jitter_ns: order.delivery_jitter.as_nanos() as u64,
        seed: order.seed,
    };
    let inlet = inlet(control.app.log().clone());
    let publish = move |event_type, text| inlet.send((event_type, text)).map_err(|_| Refused);
    *publisher = Some(Publisher::start(schedule, clock, pacing, publish).map_err(|error| {
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, format!("cannot start the publisher: {error}"))
    })?);
    Ok(Json(started))
}

/// A channel from the publisher's thread to the log. The append, which wakes all subscribers, runs on the
/// server's own thread: it is part of the cost of a fan-out, and must not be charged to the publisher.
fn inlet(log: EventLog) -> mpsc::UnboundedSender<(Option<EventType>, String)> {
    // The schedule bounds this channel: the publisher sends each of its events once.
    let (sender, mut receiver) = mpsc::unbounded_channel::<(Option<EventType>, String)>();
    tokio::spawn(async move {
        while let Some((event_type, text)) = receiver.recv().await {
            if log.append(event_type, &text).is_err() {
                // The log is closed. Dropping the receiver makes the publisher count the rest as refused.
                return;
            }
        }
    });
    sender
}

async fn report(State(control): State<Arc<Control>>) -> Result<Json<PublisherReport>, Problem> {
    let report = control.publisher().as_ref().map(Publisher::report);
    report.map(Json).ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "no schedule was started"))
}

impl Control {
    /// Poisoning is ignored: the value is replaced as a whole, so a panic cannot leave it inconsistent.
    fn publisher(&self) -> MutexGuard<'_, Option<Publisher>> {
        self.publisher.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stats(&self) -> ServerStats {
        let (log, meter) = (self.app.log().stats(), self.meter.read());
        let publisher_cpu_us = self.publisher().as_ref().map_or(0, Publisher::cpu_us);
        ServerStats {
            monotonic_ns: self.app.clock().now_ns(),
            head: log.head,
            events_kept: log.events,
            bytes_kept: log.bytes,
            waiting: self.app.waiting(),
            bytes_in: meter.bytes_in,
            bytes_out: meter.bytes_out,
            connections_opened: meter.opened,
            connections_open: meter.open,
            connections_refused: meter.refused,
            handshakes_failed: meter.handshakes_failed,
            requests: meter.requests.into(),
            other_requests: meter.other_requests,
            cpu_us: process_cpu_us(),
            publisher_cpu_us,
        }
    }
}
