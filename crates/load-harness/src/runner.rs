//! One trial, from a fresh server to a record: connect, warm up, measure, drain.

use std::{
    io,
    path::PathBuf,
    sync::Arc,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use contract::{
    Calibration, Client, CpuUse, Environment, Measurements, Outcome, Params, Pattern, Period,
    PublisherReport, RECORD_SCHEMA, ServerStats, StartSchedule, TrialPlan, TrialRecord, Window,
};
use schedule::{EpochClock, Schedule, process_cpu_us};
use tokio::{sync::watch, time::sleep};

use crate::{
    Cores, TCP_MAXSEG,
    doubts::doubts,
    server_process::{ControlPlane, ServerError, ServerProcess},
    subscribers::Started,
    worker::{self, Gauge, Signals, WorkerFinding, WorkerOrder},
};

/// From the order to publish until the schedule's instant 0: time for every worker to hear of it.
const START_IN: Period = Period::from_millis(300);
/// Longest time without a further subscriber getting connected.
const LONGEST_CONNECT_PAUSE: Duration = Duration::from_secs(15);
/// How often progress is told.
const TELL_EVERY: Duration = Duration::from_millis(100);

/// What all trials of a run have in common.
#[derive(Debug, Clone)]
pub struct Harness {
    /// The program that serves: it is run with `serve` and its options.
    pub server_program: PathBuf,
    /// Who runs where.
    pub cores: Cores,
    /// Seed of the run.
    pub seed: u64,
    /// Seeded start of the golden-ratio poll phases, in `[0, 1)`.
    pub poll_phase: f64,
    /// What to write into every record.
    pub environment: Environment,
}

/// One trial to run.
#[derive(Debug, Clone)]
pub struct TrialOrder {
    /// Name of the scenario.
    pub scenario: String,
    /// The pattern and its settings.
    pub plan: TrialPlan,
    /// What will be published.
    pub schedule: Arc<Schedule>,
    /// The CSV text of a replayed schedule.
    pub replay_csv: Option<String>,
    /// Position in the run.
    pub order: u32,
    /// What the calibration of this pattern found.
    pub calibration: Option<Calibration>,
}

/// Where a trial is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Subscribers connect: how many have, of how many.
    Connecting(u64, u64),
    /// The schedule runs but does not count yet.
    WarmUp,
    /// The window.
    Measuring,
    /// Waiting for what is under way.
    Draining,
}

/// How far a trial is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Its phase.
    pub phase: Phase,
    /// Time of the schedule that has passed.
    pub schedule_elapsed: Duration,
}

/// Why a trial could not be finished.
#[derive(Debug, thiserror::Error)]
enum TrialError {
    #[error(transparent)]
    Server(#[from] ServerError),
    #[error("the server announced an unreadable epoch or address: {0}")]
    Announcement(#[from] contract::CursorError),
    #[error("only {connected} of {of} subscribers could connect: {reason}")]
    Connect { connected: u64, of: u64, reason: String },
    #[error("the server published another schedule than the one asked for: {published} and not {asked}")]
    OtherSchedule { published: String, asked: String },
    #[error("a worker thread failed: {0}")]
    Worker(String),
}

impl TrialOrder {
    /// The stretch of the schedule that counts.
    #[must_use]
    pub fn window(&self) -> Window {
        let settings = &self.plan.settings;
        let start_ns = settings.warm_up.as_nanos() as u64;
        Window { start_ns, end_ns: start_ns + settings.measure.as_nanos() as u64 }
    }

    /// Events due in the window.
    fn window_events(&self) -> u64 {
        let window = self.window();
        self.schedule.events().iter().filter(|event| window.contains(event.due_ns)).count() as u64
    }

    /// The settings as numbers, with the rate of the actual schedule's window.
    #[must_use]
    pub fn params(&self) -> Params {
        let rate_hz = self.window_events() as f64 / self.window().seconds();
        self.plan.settings.params(self.plan.pattern, rate_hz)
    }

    /// How long the trial will take, for a progress bar; connecting and draining are guessed.
    #[must_use]
    pub fn expected_length(&self) -> Duration {
        let connect = Duration::from_micros(u64::from(self.plan.settings.subscribers) * 300);
        *self.plan.settings.schedule_length() + connect + Duration::from_millis(900)
    }
}

impl Harness {
    /// Runs one trial. Whatever goes wrong becomes part of the record.
    pub async fn run(&self, order: &TrialOrder, progress: &mut dyn FnMut(Progress)) -> TrialRecord {
        let started_at = jiff::Timestamp::now().to_string();
        let outcome = match ServerProcess::start(&self.server_program, &self.server_arguments(order)).await {
            Ok(server) => self.run_against(server, order, progress).await,
            Err(error) => Outcome::Failed { reason: error.to_string(), server_last_words: Vec::new() },
        };
        TrialRecord {
            schema: RECORD_SCHEMA,
            scenario: order.scenario.clone(),
            pattern: order.plan.pattern,
            params: order.params(),
            server: "pushlab".to_owned(),
            order: order.order,
            seed: self.seed,
            schedule_hash: order.schedule.hash().to_owned(),
            poll_phase: self.poll_phase,
            started_at,
            environment: self.environment.clone(),
            calibration: order.calibration,
            outcome,
        }
    }

    fn server_arguments(&self, order: &TrialOrder) -> Vec<String> {
        let mut arguments = vec![
            "serve".to_owned(),
            format!("--pattern={}", order.plan.pattern),
            "--data=127.0.0.1:0".to_owned(),
            "--control=127.0.0.1:0".to_owned(),
            format!("--tcp-maxseg={TCP_MAXSEG}"),
            "--until-stdin-closes".to_owned(),
        ];
        arguments.extend(self.cores.server.map(|core| format!("--core={core}")));
        arguments
    }

    async fn run_against(
        &self,
        mut server: ServerProcess,
        order: &TrialOrder,
        progress: &mut dyn FnMut(Progress),
    ) -> Outcome {
        let control = server.control();
        let measured = tokio::select! {
            measured = self.measure(&control, order, progress) => measured.map_err(|error| error.to_string()),
            reason = server.ended() => Err(reason),
        };
        match measured {
            Ok(measurements) => {
                server.stop().await;
                Outcome::Completed { measurements: Box::new(measurements) }
            }
            Err(reason) => Outcome::Failed { reason, server_last_words: server.stop().await },
        }
    }

    async fn measure(
        &self,
        control: &ControlPlane,
        order: &TrialOrder,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Measurements, TrialError> {
        let clock = EpochClock::starting_at(control.announcement().epoch_start_monotonic_ns);
        let crew = self.hire(control, clock, order)?;
        crew.all_connected(order, progress).await?;

        let settings = &order.plan.settings;
        let started = control
            .start_schedule(&StartSchedule {
                arrivals: settings.events.clone(),
                replay_csv: order.replay_csv.clone(),
                seed: self.seed,
                length: settings.schedule_length(),
                payload_bytes: settings.payload_bytes,
                start_in: START_IN,
            })
            .await?;
        if started.hash != order.schedule.hash() {
            let asked = order.schedule.hash().to_owned();
            return Err(TrialError::OtherSchedule { published: started.hash, asked });
        }
        let window = order.window();
        crew.start(Started { start_ns: started.start_ns, window }, (started.first_seq, started.events));

        let tell = |phase, elapsed_ns| Progress { phase, schedule_elapsed: Duration::from_nanos(elapsed_ns) };
        let until = async |at_ns: u64, phase: Phase, progress: &mut dyn FnMut(Progress)| loop {
            let elapsed_ns = clock.now_ns().saturating_sub(started.start_ns);
            progress(tell(phase, elapsed_ns));
            let left = Duration::from_nanos(at_ns.saturating_sub(elapsed_ns));
            if clock.now_ns() >= started.start_ns + at_ns {
                break;
            }
            sleep(left.min(TELL_EVERY)).await;
        };
        until(window.start_ns, Phase::WarmUp, progress).await;
        let before = Edge::read(control).await?;
        until(window.end_ns, Phase::Measuring, progress).await;
        let after = Edge::read(control).await?;
        crew.window_read.send_replace(true);
        progress(tell(Phase::Draining, window.end_ns));

        let workers = crew.threads.len();
        let finding = crew.dismiss().await?;
        let publisher = control.publisher_report().await?;
        // The workers' sockets are closed now, so the server's counters have come to rest.
        let last = control.stats().await?;
        Ok(assemble(order, &finding, [&before, &after], &publisher, &last, workers))
    }

    /// Starts the workers, each with every n-th subscriber.
    fn hire(
        &self,
        control: &ControlPlane,
        clock: EpochClock,
        order: &TrialOrder,
    ) -> Result<Crew, TrialError> {
        let workers = self.cores.harness.len().max(1);
        let (started, started_seen) = watch::channel(None);
        let (numbers, numbers_seen) = watch::channel((0, 0));
        let (window_read, window_read_seen) = watch::channel(false);
        let (stop, stop_seen) = watch::channel(false);
        let gauge = Arc::new(Gauge::default());
        let mut threads = Vec::new();
        for number in 0..workers {
            let thread = worker::spawn(WorkerOrder {
                target: control.announcement().data,
                tcp_maxseg: TCP_MAXSEG,
                pattern: order.plan.pattern,
                settings: order.plan.settings.clone(),
                poll_phase: self.poll_phase,
                clock,
                indices: (0..order.plan.settings.subscribers).skip(number).step_by(workers).collect(),
                core: self.cores.harness.get(number).copied(),
                schedule: Arc::clone(&order.schedule),
                signals: Signals {
                    started: started_seen.clone(),
                    numbers: numbers_seen.clone(),
                    window_read: window_read_seen.clone(),
                    stop: stop_seen.clone(),
                },
                gauge: Arc::clone(&gauge),
            });
            threads.push(thread.map_err(|error| TrialError::Worker(error.to_string()))?);
        }
        Ok(Crew { threads, started, numbers, window_read, _stop: stop, gauge })
    }
}

/// The workers of a trial. Dropping it tells them to stop.
struct Crew {
    threads: Vec<JoinHandle<io::Result<WorkerFinding>>>,
    started: watch::Sender<Option<Started>>,
    numbers: watch::Sender<(u64, u64)>,
    window_read: watch::Sender<bool>,
    /// A worker that sees this end stops at once.
    _stop: watch::Sender<bool>,
    gauge: Arc<Gauge>,
}

impl Crew {
    async fn all_connected(
        &self,
        order: &TrialOrder,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(), TrialError> {
        let of = u64::from(order.plan.settings.subscribers);
        let (mut connected, mut last_gain) = (0, Instant::now());
        while connected < of {
            sleep(Duration::from_millis(10)).await;
            let now = self.gauge.connected();
            if now > connected {
                (connected, last_gain) = (now, Instant::now());
            }
            progress(Progress { phase: Phase::Connecting(connected, of), schedule_elapsed: Duration::ZERO });
            if last_gain.elapsed() > LONGEST_CONNECT_PAUSE {
                let reason = self.gauge.last_error().unwrap_or_else(|| "no answer came".to_owned());
                return Err(TrialError::Connect { connected, of, reason });
            }
        }
        Ok(())
    }

    fn start(&self, started: Started, (first, events): (u64, u64)) {
        // The numbers first: a worker that sees the start reads them.
        self.numbers.send_replace((first, first + events));
        self.started.send_replace(Some(started));
    }

    /// Waits until every worker has ended, and merges what they found.
    async fn dismiss(self) -> Result<WorkerFinding, TrialError> {
        let mut whole = WorkerFinding::default();
        for thread in self.threads {
            while !thread.is_finished() {
                sleep(Duration::from_millis(5)).await;
            }
            let finding = thread
                .join()
                .map_err(|_| TrialError::Worker("it panicked; its message is above".to_owned()))?
                .map_err(|error| TrialError::Worker(error.to_string()))?;
            whole.merge(&finding);
        }
        Ok(whole)
    }
}

/// A reading at an edge of the window.
struct Edge {
    server: ServerStats,
    harness_cpu_us: u64,
}

impl Edge {
    async fn read(control: &ControlPlane) -> Result<Self, ServerError> {
        Ok(Self { server: control.stats().await?, harness_cpu_us: process_cpu_us() })
    }
}

fn assemble(
    order: &TrialOrder,
    finding: &WorkerFinding,
    [before, after]: [&Edge; 2],
    publisher: &PublisherReport,
    last: &ServerStats,
    workers: usize,
) -> Measurements {
    let (readings, pattern) = (&finding.readings, order.plan.pattern);
    let mut bytes = readings.window_end.bytes_since(&readings.window_start);
    let mut bytes_life = readings.end.bytes();
    if order.plan.settings.client == Client::Reqwest && pattern != Pattern::WebSocket {
        // No hook at this client's socket: the server's own counters stand in.
        let of_server = |now: &ServerStats, then: Option<&ServerStats>| {
            (
                now.bytes_out - then.map_or(0, |then| then.bytes_out),
                now.bytes_in - then.map_or(0, |then| then.bytes_in),
            )
        };
        (bytes.received, bytes.sent) = of_server(&after.server, Some(&before.server));
        (bytes_life.received, bytes_life.sent) = of_server(last, None);
    }
    let cpu = |edge: &Edge| edge.server.cpu_us - edge.server.publisher_cpu_us;
    let mut measurements = Measurements {
        window: order.window(),
        window_deliveries: order.window_events() * u64::from(order.plan.settings.subscribers),
        delivery: finding.delivery,
        age: finding.recorder.ages(),
        age_seconds: finding.recorder.seconds(),
        lateness: publisher.lateness.clone(),
        lateness_seconds: publisher.lateness_seconds.clone(),
        connect: finding.connect.distribution(),
        requests: readings.requests(),
        bytes,
        bytes_life,
        sockets_held: (before.server.connections_open + after.server.connections_open) as f64 / 2.0,
        cpu: CpuUse {
            wall_us: (after.server.monotonic_ns - before.server.monotonic_ns) as f64 * 1e-3,
            server_us: (cpu(after) - cpu(before)) as f64,
            publisher_us: (after.server.publisher_cpu_us - before.server.publisher_cpu_us) as f64,
            harness_us: (after.harness_cpu_us - before.harness_cpu_us) as f64,
        },
        server_requests_life: last.requests_of(pattern).arrived,
        server_bytes_life: last.bytes_in + last.bytes_out,
        warnings: Vec::new(),
    };
    measurements.warnings = doubts(order, &measurements, publisher, workers);
    measurements
}
