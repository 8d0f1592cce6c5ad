//! The workers of a trial: spawned, started with the schedule, joined at the end.

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
        trace::TraceWindow,
        trial_spec::TrialSpec,
    },
    processes::{harness::Harness, server_access::ServerAccess, trial_error::TrialError},
    system::environment::TCP_MAXSEG,
    worker::thread::{self, Gauge, Signals, WorkerFinding, WorkerOrder},
};

/// Longest time in which no further subscriber connects.
const LONGEST_CONNECT_PAUSE: Duration = Duration::from_secs(15);
/// Most round trips until a subscriber is set up: one for TCP, one for TLS 1.3, SETTINGS, the request, and one
/// spare.
const SET_UP_ROUND_TRIPS: u32 = 5;
/// Most bytes in either direction until then, certificate and heads included.
const SET_UP_BYTES: f64 = 8_000.0;
/// The same if some subscribers may never connect: behind an obstacle each has tried four times by then.
const LONGEST_PAUSE_OF_SOME: Duration = Duration::from_secs(3);

/// How long to wait for the next subscriber to connect. The delays of the network come on top: round trips, and
/// the time of the bytes on the link.
fn longest_pause(settings: &Settings) -> Duration {
    let pause = if settings.is_hindered() { LONGEST_PAUSE_OF_SOME } else { LONGEST_CONNECT_PAUSE };
    let narrow = settings.network.and_then(|network| network.bytes_per_second);
    let passing = narrow.map_or(Duration::ZERO, |bytes| Duration::from_secs_f64(SET_UP_BYTES / bytes as f64));
    pause + settings.round_trips(SET_UP_ROUND_TRIPS) + passing
}

/// The workers of a trial. Dropping it stops them.
pub(crate) struct WorkerPool {
    threads: Vec<JoinHandle<io::Result<WorkerFinding>>>,
    started: watch::Sender<Option<Started>>,
    window_read: watch::Sender<bool>,
    admitted: watch::Sender<u32>,
    /// Dropping this stops all workers at once.
    _stop: watch::Sender<bool>,
    gauge: Arc<Gauge>,
    may_stay_away: bool,
    longest_pause: Duration,
}

/// Numbers of a worker's subscribers. Subscribers that share a connection belong to the same worker, so the
/// number of connections does not depend on the machine.
fn indices(settings: &Settings, number: usize, workers: usize) -> Vec<u32> {
    let is_its = |index: &u32| (index / settings.streams_per_connection) as usize % workers == number;
    (0..settings.subscribers).filter(is_its).collect()
}

impl WorkerPool {
    /// Starts the workers, each with every n-th subscriber or connection.
    pub(crate) fn spawn(
        harness: &Harness,
        server: &ServerAccess,
        order: &TrialSpec,
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
                // Each worker has its own, so that their connections share no state.
                tls: TlsClient::of(transport, server.certificate_pem(), server.data())?,
                indices: indices(&order.plan.settings, number, workers),
                core: harness.cores.harness.get(number).copied(),
                schedule: Arc::clone(&order.schedule),
                traced: TraceWindow::of(order),
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

    /// Admits `subscribers` subscribers in all, and waits until each has its first cursor. If some may never
    /// connect, the trial continues without those that get none; they keep trying.
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
            // Subscribers that were refused for good will not connect.
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

    /// Returns an error if a worker has ended before it was stopped.
    fn ensure_workers(&mut self) -> Result<(), TrialError> {
        match self.threads.iter().position(JoinHandle::is_finished) {
            None => Ok(()),
            Some(ended) => {
                finding_of(self.threads.swap_remove(ended))?;
                Err(TrialError::Worker("it ended before the trial did".to_owned()))
            }
        }
    }

    /// Sends the schedule's start to the workers.
    pub(crate) fn start(&self, started: Started) {
        self.started.send_replace(Some(started));
    }

    /// Signals to the workers that the server's counters at the window's end have been read.
    pub(crate) fn window_was_read(&self) {
        self.window_read.send_replace(true);
    }

    /// Number of worker threads.
    pub(crate) fn count(&self) -> usize {
        self.threads.len()
    }

    /// Waits until every worker has ended, and merges their findings.
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

/// The findings of a worker that has ended.
fn finding_of(thread: JoinHandle<io::Result<WorkerFinding>>) -> Result<WorkerFinding, TrialError> {
    thread
        .join()
        .map_err(|_| TrialError::Worker("it panicked; its message is above".to_owned()))?
        .map_err(|error| TrialError::Worker(error.to_string()))
}

#[cfg(test)]
mod tests {
    use contract::{Pattern, Scenario, Selection};

    use super::*;
    use crate::data::trace::traced_subscriber;

    /// Seven subscribers over HTTP/2, this many on a connection.
    fn sharing(streams: u32) -> Settings {
        let scenario = "name = \"s\"\nquestion = \"q\"\nsetting = \"s\"\nlook_at = \"l\"\nsubscribers = 7\n\
                        measure = \"9s\"\ntransport = \"http2\"\nmax_streams = 2\n[events]\n\
                        arrivals = \"silence\"\n";
        let plan = Scenario::from_toml("s.toml", scenario).unwrap().trials(Selection::Everything).remove(0);
        Settings { streams_per_connection: streams, ..plan.settings }
    }

    #[test]
    fn who_shares_a_connection_shares_a_worker() {
        assert_eq!(indices(&sharing(1), 1, 3), [1, 4]);
        assert_eq!(indices(&sharing(2), 0, 3), [0, 1, 6]);
        assert_eq!(indices(&sharing(2), 2, 3), [4, 5]);
        assert!(indices(&sharing(100), 1, 2).is_empty());
        let is_hindered = |streams| {
            let settings = sharing(streams);
            assert_eq!(settings.params(Pattern::Sse, 1.0, 100).is_hindered(), settings.is_hindered());
            settings.is_hindered()
        };
        assert!(is_hindered(3) && !is_hindered(2), "those beyond the limit");
    }

    /// Subscriber 3 of 0 to 6, whether there is one worker or several.
    #[test]
    fn the_traced_subscriber_is_on_one_worker_however_they_are_split() {
        let settings = sharing(1);
        let traced = traced_subscriber(settings.subscribers);
        for (workers, its_worker) in [(1, 0), (2, 1), (3, 0), (5, 3)] {
            let holds = |number: &usize| indices(&settings, *number, workers).contains(&traced);
            assert_eq!((0..workers).filter(holds).collect::<Vec<_>>(), [its_worker], "{workers} workers");
        }
    }
}
