//! One trial, from the start of a new server to a record: connect, warm up, measure, drain.

use std::{sync::atomic::Ordering::Relaxed, time::Duration};

use contract::{Load, Measurements, MemoryStep, Outcome, RECORD_SCHEMA, TrialRecord, Warning};
use tokio::time::sleep;

use crate::{
    browser,
    data::{
        interval_log::{interval_log, wall_time},
        progress::{Phase, Progress, TELL_EVERY},
        trial_spec::TrialSpec,
    },
    processes::{
        harness::Harness,
        relay_process::RelayProcess,
        server_access::{RunningServer, ServerAccess},
        trial_error::TrialError,
    },
    runner::{
        cpu_seconds,
        measured::{Outside, assemble},
        memory_steps,
    },
    system::machine::{self, Clocks},
    worker::pool::WorkerPool,
};

impl TrialSpec {
    /// How long the trial will take, for a progress bar; the times for connecting and draining are estimates.
    #[must_use]
    pub fn expected_length(&self) -> Duration {
        let settings = &self.plan.settings;
        let connect = Duration::from_micros(u64::from(settings.subscribers) * 300) + settings.round_trips(4);
        let trial = *settings.schedule_length() + connect + Duration::from_millis(900);
        if settings.memory_steps.is_empty() {
            trial
        } else {
            trial + memory_steps::extra_length(self, connect)
        }
    }
}

/// The result of a trial.
#[derive(Debug, Clone)]
pub struct TrialResult {
    /// Its record.
    pub record: TrialRecord,
    /// Ages per second of the schedule, as an HdrHistogram interval log in microseconds; none if the
    /// trial could not be finished.
    pub interval_log: Option<String>,
}

/// A trial that ran to its end.
struct Ran {
    measurements: Measurements,
    /// Memory on each step; empty without memory steps.
    steps: Vec<MemoryStep>,
    /// The ages as an interval log.
    interval_log: String,
}

/// A trial that could not be finished.
struct Broken {
    reason: String,
    server_stderr_tail: Vec<String>,
}

impl Harness {
    /// Runs one trial. Any failure becomes part of the record.
    pub async fn run(&self, order: &TrialSpec, progress: &mut dyn FnMut(Progress)) -> TrialResult {
        let started_at = jiff::Timestamp::now().to_string();
        let (outcome, interval_log) = match order.plan.settings.browser {
            Some(audience) => browser::run(self, order, audience, progress).await,
            None => self.run_without_browser(order, progress).await,
        };
        let record = TrialRecord {
            schema: RECORD_SCHEMA,
            scenario: order.scenario.clone(),
            pattern: order.plan.pattern,
            params: order.params(),
            server: order.plan.settings.server.clone(),
            order: order.order,
            block: order.block,
            attempt: order.attempt,
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

    async fn run_without_browser(
        &self,
        order: &TrialSpec,
        progress: &mut dyn FnMut(Progress),
    ) -> (Outcome, Option<String>) {
        let ran = if order.plan.settings.memory_steps.is_empty() {
            self.run_once(order, None, progress).await
        } else {
            self.run_with_memory_steps(order, progress).await
        };
        match ran {
            Ok(Ran { measurements, interval_log, .. }) => {
                (Outcome::Completed { measurements: Box::new(measurements) }, Some(interval_log))
            }
            Err(Broken { reason, server_stderr_tail }) => {
                (Outcome::Failed { reason, server_stderr_tail }, None)
            }
        }
    }

    /// Runs a trial with memory steps once idle and once with traffic, each on a new server.
    async fn run_with_memory_steps(
        &self,
        order: &TrialSpec,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Ran, Broken> {
        let broken = |error: schedule::ScheduleError| Broken {
            reason: TrialError::from(error).to_string(),
            server_stderr_tail: vec![],
        };
        let without_events = memory_steps::idle_order(order, self.seed).map_err(broken)?;
        if !self.has_climbed.swap(true, Relaxed) {
            // The kernel keeps part of the memory of the very first connections, and later ones reuse it. So
            // the first ones are not measured; otherwise the first trial would seem more expensive.
            let first = memory_steps::first_connections(order, self.seed).map_err(broken)?;
            self.run_once(&first, Some(Load::Idle), progress).await?;
        }
        let idle = self.run_once(&without_events, Some(Load::Idle), progress).await?;
        let mut active = self.run_once(order, Some(Load::Active), progress).await?;
        let measured = &mut active.measurements;
        memory_steps::take_the_worse(measured, &idle.measurements);
        measured.connections = Some(memory_steps::cost(&idle.measurements, idle.steps, &active.steps));
        measured.warnings.extend(order.warnings.iter().cloned());
        Ok(active)
    }

    /// Runs one trial on a new server; with a load, memory is read on each step.
    async fn run_once(
        &self,
        order: &TrialSpec,
        load: Option<Load>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Ran, Broken> {
        let (mut server, access) = RunningServer::start(self, order)
            .await
            .map_err(|error| Broken { reason: error.to_string(), server_stderr_tail: error.stderr_tail() })?;
        let measured = tokio::select! {
            measured = self.measure_through(access, order, load, progress) => measured.map_err(|error| error.to_string()),
            reason = server.ended() => Err(reason),
        };
        let server_stderr_tail = server.stop().await;
        measured.map_err(|reason| Broken { reason, server_stderr_tail })
    }

    /// Measures through the middlebox, if there is one.
    async fn measure_through(
        &self,
        mut access: ServerAccess,
        order: &TrialSpec,
        load: Option<Load>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Ran, TrialError> {
        let Some(network) = &order.plan.settings.network else {
            return self.measure(&access, order, load, progress).await;
        };
        let mut relay = RelayProcess::start(self, network, access.data()).await?;
        access.lead_through(relay.announcement().clone());
        let measured = tokio::select! {
            measured = self.measure(&access, order, load, progress) => measured?,
            reason = relay.ended() => return Err(TrialError::RelayEnded(reason)),
        };
        let ((counts, complaints), mut ran) = (relay.stop().await?, measured);
        let complaints = complaints.into_iter().map(|line| Warning::MiddleboxStderr { line });
        ran.measurements.warnings.extend(complaints);
        if let Some(used) = &mut ran.measurements.relay {
            used.counts = counts;
        }
        Ok(ran)
    }

    async fn measure(
        &self,
        server: &ServerAccess,
        order: &TrialSpec,
        load: Option<Load>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Ran, TrialError> {
        let (clocks, swapped) = (Clocks::read(), machine::swapped_pages());
        let clock = server.clock();
        let mut workers = WorkerPool::spawn(self, server, order)?;
        let steps = match load {
            None => Vec::new(),
            Some(load) => memory_steps::read(load, &mut workers, server, order, self.seed, progress).await?,
        };
        workers.connect(order.plan.settings.subscribers, progress).await?;

        let started = self.publish(server, order).await?;
        let window = started.window;
        workers.start(started);

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
        let edges = async {
            until(window.start_ns, Phase::WarmUp, progress).await;
            let before = server.read().await?;
            until(window.end_ns, Phase::Measuring, progress).await;
            let after = server.read().await?;
            let held = server.held();
            workers.window_was_read();
            let cpu = after.cpu_since(&before)?;
            Ok::<_, TrialError>(([before, after], cpu, held))
        };
        let seconds = cpu_seconds::read(server, order, clock, started.start_ns);
        let ((edges, cpu, held), cpu_seconds) = tokio::try_join!(edges, seconds)?;
        progress(tell(Phase::Draining, window.end_ns));

        let number_of_workers = workers.count();
        let finding = workers.join().await?;
        let relay_cpu_us = server.is_relayed().then(|| edges[1].relay_cpu_us_since(&edges[0]));
        let outside = Outside {
            relay_cpu_us,
            edges,
            cpu,
            cpu_seconds,
            publisher: server.publisher_report().await?,
            last: server
                .at_rest(finding.readings.end.connections(), order.plan.settings.round_trips(3))
                .await?,
            held,
            refusal: server.refusal(),
            workers: number_of_workers,
            clock_step_us: Clocks::read().step_us_since(clocks),
            swapped_pages: machine::swapped_pages().zip(swapped).map(|(now, then)| now.saturating_sub(then)),
        };
        let seconds = finding.recorder.arrived_by_second();
        let interval_log = interval_log(order.plan.pattern, wall_time(clock, started.start_ns), seconds);
        Ok(Ran { measurements: assemble(order, &finding, &outside), steps, interval_log })
    }
}
