//! The workers of a trial: spawned, told when it starts, joined when it has ended.

use std::{
    io,
    sync::Arc,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use contract::Settings;
use tokio::{sync::watch, time::sleep};

use crate::{
    connections::tls::TlsClient,
    data::{
        progress::{Phase, Progress},
        started::Started,
        trace::Stretch,
        trial_order::TrialOrder,
    },
    processes::{harness::Harness, server_access::ServerAccess, trial_error::TrialError},
    system::environment::TCP_MAXSEG,
    worker::thread::{self, Gauge, Signals, WorkerFinding, WorkerOrder},
};

/// Longest time without a further subscriber getting connected.
const LONGEST_CONNECT_PAUSE: Duration = Duration::from_secs(15);
/// Most round trips until a subscriber has its place: one of TCP, one of TLS 1.3, SETTINGS, the request, and
/// one to spare.
const SET_UP_ROUND_TRIPS: u32 = 5;
/// More bytes than this pass in neither direction until then, certificate and heads included.
const SET_UP_BYTES: f64 = 8_000.0;
/// The same where some may stay away for good: behind an obstacle each has tried four times by then.
const LONGEST_PAUSE_OF_SOME: Duration = Duration::from_secs(3);

/// How long no further subscriber may get connected before that is given up: what takes an answer longer on a
/// long or a narrow way is none of it.
fn longest_pause(settings: &Settings) -> Duration {
    let pause = if settings.is_hindered() { LONGEST_PAUSE_OF_SOME } else { LONGEST_CONNECT_PAUSE };
    let narrow = settings.network.and_then(|network| network.bytes_per_second);
    let passing = narrow.map_or(Duration::ZERO, |bytes| Duration::from_secs_f64(SET_UP_BYTES / bytes as f64));
    pause + settings.round_trips(SET_UP_ROUND_TRIPS) + passing
}

/// The workers of a trial. Dropping it tells them to stop.
pub(crate) struct WorkerPool {
    threads: Vec<JoinHandle<io::Result<WorkerFinding>>>,
    started: watch::Sender<Option<Started>>,
    window_read: watch::Sender<bool>,
    admitted: watch::Sender<u32>,
    /// A worker that sees this end stops at once.
    _stop: watch::Sender<bool>,
    gauge: Arc<Gauge>,
    may_stay_away: bool,
    longest_pause: Duration,
}

/// Numbers of a worker's subscribers. Those that share a connection belong to one worker, so that there are
/// as many connections whatever the machine.
fn indices(settings: &Settings, number: usize, workers: usize) -> Vec<u32> {
    let is_its = |index: &u32| (index / settings.streams_per_connection) as usize % workers == number;
    (0..settings.subscribers).filter(is_its).collect()
}

impl WorkerPool {
    /// Starts the workers, each with every n-th subscriber or connection.
    pub(crate) fn spawn(
        harness: &Harness,
        server: &ServerAccess,
        order: &TrialOrder,
    ) -> Result<Self, TrialError> {
        let workers = harness.cores.harness.len().max(1);
        let transport = order.plan.settings.transport;
        let (started, started_seen) = watch::channel(None);
        let (window_read, window_read_seen) = watch::channel(false);
        let (stop, stop_seen) = watch::channel(false);
        let (admitted, admitted_seen) = watch::channel(0);
        let gauge = Arc::new(Gauge::default());
        let mut threads = Vec::new();
        for number in 0..workers {
            let thread = thread::spawn(WorkerOrder {
                target: server.entrance(),
                tcp_maxseg: TCP_MAXSEG,
                pattern: order.plan.pattern,
                settings: order.plan.settings.clone(),
                poll_phase: order.poll_phase,
                clock: server.clock(),
                protocol: server.protocol(&order.plan),
                // Each its own: what connections of one could remember is no other's.
                tls: TlsClient::of(transport, server.certificate_pem(), server.data())?,
                indices: indices(&order.plan.settings, number, workers),
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
        let settings = &order.plan.settings;
        let (may_stay_away, longest_pause) = (settings.is_hindered(), longest_pause(settings));
        Ok(Self { threads, started, window_read, admitted, _stop: stop, gauge, may_stay_away, longest_pause })
    }

    /// Lets so many subscribers connect, those before among them, and waits until each has its first
    /// cursor. Where some may stay away the trial goes on without those that do not get one; they go on
    /// trying.
    pub(crate) async fn connect(
        &mut self,
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
            self.ensure_workers()?;
            // Those that were turned away for good will not come.
            let is_over = connected + self.gauge.turned_away() >= of;
            let is_hopeless = self.gauge.is_hopeless();
            if connected < of && (is_hopeless || is_over || last_gain.elapsed() > self.longest_pause) {
                if self.may_stay_away && !is_hopeless {
                    break;
                }
                let reason = self.gauge.last_error().unwrap_or_else(|| "no answer came".to_owned());
                return Err(TrialError::Connect { connected, of, reason });
            }
        }
        Ok(())
    }

    /// A worker ends when it is told to, and not before.
    fn ensure_workers(&mut self) -> Result<(), TrialError> {
        match self.threads.iter().position(JoinHandle::is_finished) {
            None => Ok(()),
            Some(ended) => {
                finding_of(self.threads.swap_remove(ended))?;
                Err(TrialError::Worker("it ended before the trial did".to_owned()))
            }
        }
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
    pub(crate) fn count(&self) -> usize {
        self.threads.len()
    }

    /// Waits until every worker has ended, and merges what they found.
    pub(crate) async fn join(self) -> Result<WorkerFinding, TrialError> {
        let mut whole = WorkerFinding::default();
        for thread in self.threads {
            while !thread.is_finished() {
                sleep(Duration::from_millis(5)).await;
            }
            whole.merge(&finding_of(thread)?);
        }
        Ok(whole)
    }
}

/// What a worker found that has ended.
fn finding_of(thread: JoinHandle<io::Result<WorkerFinding>>) -> Result<WorkerFinding, TrialError> {
    thread
        .join()
        .map_err(|_| TrialError::Worker("it panicked; its message is above".to_owned()))?
        .map_err(|error| TrialError::Worker(error.to_string()))
}

#[cfg(test)]
mod tests {
    use contract::{Scenario, Selection};

    use super::*;

    #[test]
    fn who_shares_a_connection_shares_a_worker() {
        let scenario = "name = \"s\"\nquestion = \"q\"\nsetting = \"s\"\nlook_at = \"l\"\nsubscribers = 7\n\
                        measure = \"9s\"\ntransport = \"http2\"\nmax_streams = 2\n[events]\n\
                        arrivals = \"silence\"\n";
        let plan = Scenario::from_toml("s.toml", scenario).unwrap().trials(Selection::Everything).remove(0);
        let settings = |streams| Settings { streams_per_connection: streams, ..plan.settings.clone() };
        assert_eq!(indices(&settings(1), 1, 3), [1, 4]);
        assert_eq!(indices(&settings(2), 0, 3), [0, 1, 6]);
        assert_eq!(indices(&settings(2), 2, 3), [4, 5]);
        assert!(indices(&settings(100), 1, 2).is_empty());
        let is_hindered = |streams| settings(streams).is_hindered();
        assert!(is_hindered(3) && !is_hindered(2), "those beyond the limit");
    }
}
