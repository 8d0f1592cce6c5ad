//! The workers of a trial: hired, told when it starts, dismissed when it has ended.

use std::{
    io,
    sync::Arc,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use contract::{Settings, Transport};
use tokio::{sync::watch, time::sleep};

use crate::{
    Harness, Phase, Progress, TCP_MAXSEG, TrialOrder,
    desk::Started,
    server_access::ServerAccess,
    tls::TlsClient,
    trace::Stretch,
    trial_error::TrialError,
    worker::{self, Gauge, Signals, WorkerFinding, WorkerOrder},
};

/// Longest time without a further subscriber getting connected.
const LONGEST_CONNECT_PAUSE: Duration = Duration::from_secs(15);
/// The same where some may stay away for good: behind an obstacle each has tried four times by then.
const LONGEST_PAUSE_OF_SOME: Duration = Duration::from_secs(3);

/// Whether subscribers that never get connected are a finding, and no fault of the trial's: an obstacle
/// keeps them away, or HTTP/2 has no stream for those beyond the server's limit.
pub(crate) fn may_stay_away(settings: &Settings) -> bool {
    let lacks_streams = match settings.transport {
        Transport::Http1 | Transport::Http1Tls => false,
        Transport::Http2 => settings.streams_per_connection > settings.max_streams,
    };
    lacks_streams || settings.network.is_some_and(|network| network.is_obstacle())
}

/// The workers of a trial. Dropping it tells them to stop.
pub(crate) struct Crew {
    threads: Vec<JoinHandle<io::Result<WorkerFinding>>>,
    started: watch::Sender<Option<Started>>,
    window_read: watch::Sender<bool>,
    admitted: watch::Sender<u32>,
    /// A worker that sees this end stops at once.
    _stop: watch::Sender<bool>,
    gauge: Arc<Gauge>,
    may_stay_away: bool,
}

/// Numbers of a worker's subscribers. Those that share a connection belong to one worker, so that there are
/// as many connections whatever the machine.
fn indices(settings: &Settings, number: usize, workers: usize) -> Vec<u32> {
    let is_its = |index: &u32| (index / settings.streams_per_connection) as usize % workers == number;
    (0..settings.subscribers).filter(is_its).collect()
}

impl Crew {
    /// Starts the workers, each with every n-th subscriber or connection.
    pub(crate) fn hire(
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
            let thread = worker::spawn(WorkerOrder {
                target: server.entrance(),
                tcp_maxseg: TCP_MAXSEG,
                pattern: order.plan.pattern,
                settings: order.plan.settings.clone(),
                poll_phase: order.poll_phase,
                clock: server.clock(),
                dialect: server.dialect(&order.plan),
                // Each its own: whatever connections of one could remember is no other's.
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
        let may_stay_away = may_stay_away(&order.plan.settings);
        Ok(Self { threads, started, window_read, admitted, _stop: stop, gauge, may_stay_away })
    }

    /// Lets so many subscribers connect, those before among them, and waits until each has its first
    /// cursor. Where some may stay away the trial goes on without those who do not get one; they go on
    /// trying.
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
            // Whoever was turned away for good will not come.
            let is_hopeless = connected + self.gauge.turned_away() >= of;
            if connected < of && (is_hopeless || last_gain.elapsed() > self.longest_pause()) {
                if self.may_stay_away {
                    break;
                }
                let reason = self.gauge.last_error().unwrap_or_else(|| "no answer came".to_owned());
                return Err(TrialError::Connect { connected, of, reason });
            }
        }
        Ok(())
    }

    const fn longest_pause(&self) -> Duration {
        if self.may_stay_away { LONGEST_PAUSE_OF_SOME } else { LONGEST_CONNECT_PAUSE }
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
        let away = |streams| may_stay_away(&settings(streams));
        assert!(away(3) && !away(2), "those beyond the limit");
    }
}
