//! One trial, from a fresh server to a record: connect, warm up, measure, drain.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

use contract::{
    Calibration, Environment, Measurements, Outcome, Params, Period, RECORD_SCHEMA, ServerStats,
    StartSchedule, TrialPlan, TrialRecord, Window,
};
use schedule::{EpochClock, Schedule};
use tokio::time::sleep;

use crate::{
    Cores, TCP_MAXSEG,
    crew::Crew,
    interval_log::interval_log,
    machine::Clocks,
    measured::{Edge, Outside, assemble},
    server_process::{ControlPlane, ServerError, ServerProcess},
    subscribers::Started,
};

/// From the order to publish until the schedule's instant 0: time for every worker to hear of it.
const START_IN: Period = Period::from_millis(300);
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
    /// Block of its scenario, from 0.
    pub block: u32,
    /// Seeded start of the golden-ratio poll phases, in `[0, 1)`; another in every block.
    pub poll_phase: f64,
    /// What the calibration of this pattern found.
    pub calibration: Option<Calibration>,
}

/// What a trial leaves behind.
#[derive(Debug, Clone)]
pub struct TrialResult {
    /// Its record.
    pub record: TrialRecord,
    /// Ages per second of the schedule, as an HdrHistogram interval log in microseconds; none if the
    /// trial could not be finished.
    pub interval_log: Option<String>,
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
pub(crate) enum TrialError {
    #[error(transparent)]
    Server(#[from] ServerError),
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
    pub(crate) fn window_events(&self) -> u64 {
        let window = self.window();
        self.schedule.events().iter().filter(|event| window.contains(event.due_ns)).count() as u64
    }

    /// The settings as numbers, with the rate and the mean text length of the window's events.
    #[must_use]
    pub fn params(&self) -> Params {
        let (window, columns) = (self.window(), self.schedule.published());
        let counted = columns.due_ns.iter().zip(&columns.data_bytes);
        let texts: Vec<u64> = counted
            .filter(|(due_ns, _)| window.contains(**due_ns))
            .map(|(_, bytes)| u64::from(*bytes))
            .collect();
        let mean = match texts.len() as u64 {
            0 => self.plan.settings.payload_bytes,
            events => ((texts.iter().sum::<u64>() + events / 2) / events) as u32,
        };
        self.plan.settings.params(self.plan.pattern, texts.len() as f64 / window.seconds(), mean)
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
    pub async fn run(&self, order: &TrialOrder, progress: &mut dyn FnMut(Progress)) -> TrialResult {
        let started_at = jiff::Timestamp::now().to_string();
        let started = ServerProcess::start(&self.server_program, &self.server_arguments(order)).await;
        let (outcome, interval_log) = match started {
            Ok(server) => self.run_against(server, order, progress).await,
            Err(error) => {
                let reason = error.to_string();
                (Outcome::Failed { reason, server_last_words: error.last_words() }, None)
            }
        };
        let record = TrialRecord {
            schema: RECORD_SCHEMA,
            scenario: order.scenario.clone(),
            pattern: order.plan.pattern,
            params: order.params(),
            server: "pushlab".to_owned(),
            order: order.order,
            block: order.block,
            seed: self.seed,
            schedule_hash: order.schedule.hash().to_owned(),
            poll_phase: order.poll_phase,
            started_at,
            environment: self.environment.clone(),
            calibration: order.calibration,
            outcome,
        };
        TrialResult { record, interval_log }
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
    ) -> (Outcome, Option<String>) {
        let control = server.control();
        let measured = tokio::select! {
            measured = self.measure(&control, order, progress) => measured.map_err(|error| error.to_string()),
            reason = server.ended() => Err(reason),
        };
        match measured {
            Ok((measurements, interval_log)) => {
                server.stop().await;
                (Outcome::Completed { measurements: Box::new(measurements) }, Some(interval_log))
            }
            Err(reason) => (Outcome::Failed { reason, server_last_words: server.stop().await }, None),
        }
    }

    /// What the server is asked to publish.
    fn publication(&self, order: &TrialOrder) -> StartSchedule {
        let settings = &order.plan.settings;
        StartSchedule {
            arrivals: settings.events.clone(),
            replay_csv: order.replay_csv.clone(),
            seed: self.seed,
            length: settings.schedule_length(),
            payload_bytes: settings.payload_bytes,
            start_in: START_IN,
            delivery_delay: settings.delivery_delay,
            delivery_jitter: settings.delivery_jitter,
            counted_from: settings.warm_up,
        }
    }

    /// The measurements, and the ages as an interval log.
    async fn measure(
        &self,
        control: &ControlPlane,
        order: &TrialOrder,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(Measurements, String), TrialError> {
        let clocks = Clocks::read();
        let clock = EpochClock::starting_at(control.announcement().epoch_start_monotonic_ns);
        let crew = Crew::hire(self, control, clock, order)?;
        crew.all_connected(order, progress).await?;

        let started = control.start_schedule(&self.publication(order)).await?;
        if started.hash != order.schedule.hash() {
            let asked = order.schedule.hash().to_owned();
            return Err(TrialError::OtherSchedule { published: started.hash, asked });
        }
        let window = order.window();
        let numbers = (started.first_seq, started.first_seq + started.events);
        crew.start(Started { start_ns: started.start_ns, window, numbers });

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
        crew.window_was_read();
        progress(tell(Phase::Draining, window.end_ns));

        let workers = crew.workers();
        let finding = crew.dismiss().await?;
        let outside = Outside {
            edges: [before, after],
            publisher: control.publisher_report().await?,
            last: at_rest(control, finding.readings.end.connections()).await?,
            workers,
            clock_step_us: Clocks::read().step_us_since(clocks),
        };
        let seconds = finding.recorder.arrived_by_second();
        let log = interval_log(order.plan.pattern, wall_time(clock, started.start_ns), seconds);
        Ok((assemble(order, &finding, &outside), log))
    }
}

/// The wall time of an instant of the epoch's clock that has passed.
fn wall_time(clock: EpochClock, at_ns: u64) -> SystemTime {
    let passed = Duration::from_nanos(clock.now_ns().saturating_sub(at_ns));
    SystemTime::now().checked_sub(passed).unwrap_or(SystemTime::UNIX_EPOCH)
}

/// The server's counters once it has seen every subscriber come and leave: then nothing is under way.
/// `opened` is the number of connections that the subscribers opened; the last of them may still wait
/// to be accepted.
async fn at_rest(control: &ControlPlane, opened: u64) -> Result<ServerStats, ServerError> {
    for _ in 0..200 {
        let stats = control.stats().await?;
        let seen = stats.connections_opened + stats.connections_refused;
        if stats.connections_open == 0 && seen >= opened {
            return Ok(stats);
        }
        sleep(Duration::from_millis(5)).await;
    }
    // A connection that does not end shows as a difference between the ledgers.
    control.stats().await
}
