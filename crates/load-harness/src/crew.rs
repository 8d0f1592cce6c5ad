//! The workers of a trial: hired, told when it starts, dismissed when it has ended.

use std::{
    io,
    sync::Arc,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use tokio::{sync::watch, time::sleep};

use crate::{
    Harness, Phase, Progress, TCP_MAXSEG, TrialOrder,
    desk::Started,
    runner::TrialError,
    server_access::ServerAccess,
    trace::Stretch,
    worker::{self, Gauge, Signals, WorkerFinding, WorkerOrder},
};

/// Longest time without a further subscriber getting connected.
const LONGEST_CONNECT_PAUSE: Duration = Duration::from_secs(15);

/// The workers of a trial. Dropping it tells them to stop.
pub(crate) struct Crew {
    threads: Vec<JoinHandle<io::Result<WorkerFinding>>>,
    started: watch::Sender<Option<Started>>,
    window_read: watch::Sender<bool>,
    admitted: watch::Sender<u32>,
    /// A worker that sees this end stops at once.
    _stop: watch::Sender<bool>,
    gauge: Arc<Gauge>,
}

impl Crew {
    /// Starts the workers, each with every n-th subscriber.
    pub(crate) fn hire(
        harness: &Harness,
        server: &ServerAccess,
        order: &TrialOrder,
    ) -> Result<Self, TrialError> {
        let workers = harness.cores.harness.len().max(1);
        let (started, started_seen) = watch::channel(None);
        let (window_read, window_read_seen) = watch::channel(false);
        let (stop, stop_seen) = watch::channel(false);
        let (admitted, admitted_seen) = watch::channel(0);
        let gauge = Arc::new(Gauge::default());
        let mut threads = Vec::new();
        for number in 0..workers {
            let thread = worker::spawn(WorkerOrder {
                target: server.entrance(),
                tcp_maxseg: TCP_MAXSEG,
                pattern: order.plan.pattern,
                settings: order.plan.settings.clone(),
                poll_phase: order.poll_phase,
                clock: server.clock(),
                dialect: server.dialect(&order.plan),
                indices: (0..order.plan.settings.subscribers).skip(number).step_by(workers).collect(),
                core: harness.cores.harness.get(number).copied(),
                schedule: Arc::clone(&order.schedule),
                traced: Stretch::of(order),
                signals: Signals {
                    started: started_seen.clone(),
                    admitted: admitted_seen.clone(),
                    window_read: window_read_seen.clone(),
                    stop: stop_seen.clone(),
                },
                gauge: Arc::clone(&gauge),
            });
            threads.push(thread.map_err(|error| TrialError::Worker(error.to_string()))?);
        }
        Ok(Self { threads, started, window_read, admitted, _stop: stop, gauge })
    }

    /// Lets so many subscribers connect, those before among them, and waits until each has its first
    /// cursor.
    pub(crate) async fn connect(
        &self,
        subscribers: u32,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(), TrialError> {
        self.admitted.send_replace(subscribers);
        let of = u64::from(subscribers);
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

    /// Tells the workers where the schedule lies on the epoch's clock.
    pub(crate) fn start(&self, started: Started) {
        self.started.send_replace(Some(started));
    }

    /// Tells the workers that the server's counters at the window's end have been read.
    pub(crate) fn window_was_read(&self) {
        self.window_read.send_replace(true);
    }

    /// Number of worker threads.
    pub(crate) fn workers(&self) -> usize {
        self.threads.len()
    }

    /// Waits until every worker has ended, and merges what they found.
    pub(crate) async fn dismiss(self) -> Result<WorkerFinding, TrialError> {
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
