//! What a trial needs of its server, the lab's own or a foreign one: address, clock, counters and publishing.
//! The lab's own servers answer on their control plane. For a foreign one only the system's counters exist.

use std::{net::SocketAddr, time::Duration};

use contract::{
    AllCores, CpuUse, PublishRequest, PublisherHost, PublisherReport, RelayAnnouncement, ServerStats,
    StartSchedule, StartedSchedule, TrialPlan,
};
use schedule::{EpochClock, process_cpu_us};
use tokio::time::{Instant, sleep};

use crate::{
    data::{server_protocol::ServerProtocol, trial_spec::TrialSpec},
    processes::{
        foreign_server::{ForeignAddress, ForeignServer},
        harness::Harness,
        server_process::{ControlPlane, ServerError, ServerProcess},
        trial_error::TrialError,
    },
    publishing::{http_publisher::PublishAddress, posting_publisher::PostingPublisher},
    system::{
        libc_calls, machine,
        process_group::{CpuTimes, ProcessEnded, ProcessGroup},
        waits::{self, Waits},
    },
};

/// How long a server may take to notice that its subscribers have disconnected.
const LONGEST_LEAVING: Duration = Duration::from_secs(1);

/// A server's process, the lab's own or a foreign one.
#[derive(Debug)]
pub(crate) enum RunningServer {
    Own(ServerProcess),
    Foreign(ForeignServer),
}

/// The interface to a running server.
#[derive(Debug)]
pub(crate) struct ServerAccess {
    side: Side,
    /// The publisher, if the harness publishes.
    posting: Option<PostingPublisher>,
    /// Whether the server counts the publisher's connection.
    posts_are_counted: bool,
    /// The middlebox in front of the server.
    relay: Option<RelayAnnouncement>,
}

#[derive(Debug)]
enum Side {
    Own(ControlPlane),
    Foreign(ForeignAddress),
}

/// A reading of a server's counters at an instant.
#[derive(Debug, Clone)]
pub(crate) struct Reading {
    /// When, on the epoch's clock.
    monotonic_ns: u64,
    /// CPU time of the server, without its publisher.
    server_cpu: CpuTimes,
    /// CPU time of the publisher, in the server or in the harness.
    publisher_cpu_us: u64,
    /// CPU time of the harness, without its publisher.
    harness_cpu_us: u64,
    /// Time that the threads of server and middlebox have waited for a core.
    server_waits: Option<Waits>,
    /// The same for the harness's workers.
    harness_waits: Option<Waits>,
    /// Busy time of all cores of the machine.
    all_cores: Option<AllCores>,
    /// CPU time of the middlebox; 0 if there is none, or the system does not report it.
    relay_cpu_us: u64,
    /// What the server counted on its measured port, without the publisher's own traffic; none if it does not
    /// report that.
    pub(crate) counted: Option<Counted>,
}

impl Reading {
    /// CPU time since an earlier reading of the same server.
    ///
    /// # Errors
    /// [`ProcessEnded`] if a process of the server has ended since.
    pub(crate) fn cpu_since(&self, before: &Self) -> Result<CpuUse, ProcessEnded> {
        Ok(CpuUse {
            wall_us: (self.monotonic_ns - before.monotonic_ns) as f64 * 1e-3,
            server_us: self.server_cpu.since(&before.server_cpu)? as f64,
            publisher_us: (self.publisher_cpu_us - before.publisher_cpu_us) as f64,
            harness_us: (self.harness_cpu_us - before.harness_cpu_us) as f64,
            server_wait_us: waited(self.server_waits, before.server_waits),
            harness_wait_us: waited(self.harness_waits, before.harness_waits),
            all_cores: machine::all_cores_between(before.all_cores, self.all_cores),
        })
    }

    /// CPU time of the middlebox since an earlier reading, microseconds.
    pub(crate) const fn relay_cpu_us_since(&self, before: &Self) -> f64 {
        self.relay_cpu_us.saturating_sub(before.relay_cpu_us) as f64
    }
}

/// Time spent waiting for a core between two readings, beyond the usual.
fn waited(now: Option<Waits>, before: Option<Waits>) -> Option<f64> {
    Some(now?.beyond_usual_us_since(before?) as f64)
}

/// What a server counted since its start.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counted {
    pub(crate) connections_open: u64,
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
    pub(crate) requests: u64,
}

impl RunningServer {
    /// Starts the server of a trial.
    pub(crate) async fn start(
        harness: &Harness,
        order: &TrialSpec,
    ) -> Result<(Self, ServerAccess), ServerError> {
        let name = &order.plan.settings.server;
        if name.is_foreign() {
            let folder = harness.targets.get(name).ok_or_else(|| ServerError::NoTarget(name.clone()))?;
            let (server, address) = ForeignServer::start(folder, harness.cores.server, order).await?;
            let posting = PostingPublisher::new(address.publish.clone(), address.clock);
            let access = ServerAccess {
                side: Side::Foreign(address),
                posting: Some(posting),
                posts_are_counted: false,
                relay: None,
            };
            return Ok((Self::Foreign(server), access));
        }
        let server = ServerProcess::start(&harness.server_program, &harness.server_arguments(order)).await?;
        let control = server.control();
        let announcement = control.announcement();
        // On its measured port the floor accepts only requests to subscribe.
        let address = if name.is_floor() { announcement.control } else { announcement.data };
        let request = PublishRequest {
            method: "POST".to_owned(),
            path: "/events".to_owned(),
            content_type: "text/plain".to_owned(),
        };
        let clock = EpochClock::starting_at(announcement.epoch_start_monotonic_ns);
        let posting = match order.plan.settings.publisher {
            PublisherHost::Server => None,
            PublisherHost::Harness => {
                let address = PublishAddress { server: address, request, takes_types: name.is_pushlab() };
                Some(PostingPublisher::new(address, clock))
            }
        };
        let posts_are_counted = name.is_pushlab();
        let side = Side::Own(control);
        Ok((Self::Own(server), ServerAccess { side, posting, posts_are_counted, relay: None }))
    }

    /// Waits until the process ends by itself, and returns a sentence with its exit status.
    pub(crate) async fn ended(&mut self) -> String {
        match self {
            Self::Own(server) => server.ended().await,
            Self::Foreign(server) => server.ended().await,
        }
    }

    /// Stops it, and returns the last lines of its stderr output.
    pub(crate) async fn stop(self) -> Vec<String> {
        match self {
            Self::Own(server) => server.stop().await,
            Self::Foreign(server) => server.stop().await,
        }
    }
}

impl ServerAccess {
    /// Puts a middlebox between the subscribers and the server. Publishing and reading counters still go to
    /// the server directly.
    pub(crate) fn lead_through(&mut self, relay: RelayAnnouncement) {
        self.relay = Some(relay);
    }

    /// Whether there is a middlebox.
    pub(crate) const fn is_relayed(&self) -> bool {
        self.relay.is_some()
    }

    /// The address to which subscribers connect.
    pub(crate) fn entrance(&self) -> SocketAddr {
        self.relay.as_ref().map_or_else(|| self.data(), |relay| relay.listen)
    }

    /// The measured port.
    pub(crate) fn data(&self) -> SocketAddr {
        match &self.side {
            Side::Own(control) => control.announcement().data,
            Side::Foreign(address) => address.data,
        }
    }

    /// The certificate of the measured port, in PEM.
    pub(crate) fn certificate_pem(&self) -> Option<&str> {
        match &self.side {
            Side::Own(control) => control.announcement().certificate_pem.as_deref(),
            Side::Foreign(_) => None,
        }
    }

    /// The clock of the stamps.
    pub(crate) fn clock(&self) -> EpochClock {
        match &self.side {
            Side::Own(control) => EpochClock::starting_at(control.announcement().epoch_start_monotonic_ns),
            Side::Foreign(address) => address.clock,
        }
    }

    /// Its requests and answers.
    pub(crate) fn protocol(&self, plan: &TrialPlan) -> ServerProtocol {
        match &self.side {
            Side::Own(_) => ServerProtocol::ours(plan.pattern, *plan.settings.hold),
            Side::Foreign(address) => ServerProtocol::foreign(plan.pattern, &address.subscription),
        }
    }

    /// Its processes.
    pub(crate) fn group(&self) -> ProcessGroup {
        match &self.side {
            Side::Own(control) => ProcessGroup::Single(control.announcement().pid),
            Side::Foreign(address) => address.group,
        }
    }

    /// Starts a schedule, published by the server or by the harness.
    pub(crate) async fn start_schedule(&self, order: &StartSchedule) -> Result<StartedSchedule, TrialError> {
        let Some(posting) = &self.posting else {
            let Side::Own(control) = &self.side else { return Err(TrialError::NoPublisher) };
            return Ok(control.start_schedule(order).await?);
        };
        let first_seq = match &self.side {
            Side::Own(control) => control.stats().await?.head.seq + 1,
            // Events of a foreign server have no number: they are numbered in the order of their dues.
            Side::Foreign(_) => 1,
        };
        Ok(posting.start(order, first_seq)?)
    }

    /// The publisher's report on how it kept the schedule.
    pub(crate) async fn publisher_report(&self) -> Result<PublisherReport, TrialError> {
        match (&self.posting, &self.side) {
            (Some(posting), _) => posting.report().ok_or(TrialError::NoPublisher),
            (None, Side::Own(control)) => Ok(control.publisher_report().await?),
            (None, Side::Foreign(_)) => Err(TrialError::NoPublisher),
        }
    }

    /// Why the server refused the last event that the harness's publisher could not publish.
    pub(crate) fn refusal(&self) -> Option<String> {
        self.posting.as_ref()?.last_error()
    }

    /// Reads CPU times and counters.
    pub(crate) async fn read(&self) -> Result<Reading, ServerError> {
        let posting_cpu_us = self.posting.as_ref().map_or(0, PostingPublisher::cpu_us);
        let (monotonic_ns, server_cpu, publisher_cpu_us, counted) = match &self.side {
            Side::Own(control) => {
                let stats = control.stats().await?;
                let publisher_us = stats.publisher_cpu_us;
                let own = CpuTimes::of(control.announcement().pid, stats.cpu_us - publisher_us);
                (stats.monotonic_ns, own, publisher_us, Some(self.counted(&stats)))
            }
            Side::Foreign(address) => {
                let cpu = address.group.cpu_times();
                (address.clock.now_ns(), cpu, 0, None)
            }
        };
        let mut processes = self.group().members();
        processes.extend(self.relay.as_ref().map(|relay| relay.pid));
        let relay_cpu_us = self.relay.as_ref().and_then(|relay| libc_calls::process_cpu_us(relay.pid));
        Ok(Reading {
            monotonic_ns,
            server_cpu,
            publisher_cpu_us: publisher_cpu_us + posting_cpu_us,
            harness_cpu_us: process_cpu_us().saturating_sub(posting_cpu_us),
            server_waits: waits::of_servers(&processes),
            harness_waits: waits::of_workers(),
            all_cores: machine::all_cores(),
            relay_cpu_us: relay_cpu_us.unwrap_or(0),
            counted,
        })
    }

    /// Connections of a foreign server, which does not count them: those that the system reports, without the
    /// publisher's.
    pub(crate) fn held(&self) -> Option<u64> {
        let Side::Foreign(address) = &self.side else { return None };
        let open = self.posting.as_ref().map_or(0, |posting| posting.posted().open);
        Some(machine::connections_held(address.data.port(), &address.group.members())?.saturating_sub(open))
    }

    /// A server's counters without the traffic of the harness's publisher on the measured port.
    fn counted(&self, stats: &ServerStats) -> Counted {
        let posted = self.posting.as_ref().filter(|_| self.posts_are_counted).map(PostingPublisher::posted);
        let posted = posted.unwrap_or_default();
        Counted {
            connections_open: stats.connections_open.saturating_sub(posted.open),
            bytes_in: stats.bytes_in.saturating_sub(posted.sent),
            bytes_out: stats.bytes_out.saturating_sub(posted.received),
            requests: stats.requests.values().map(|counts| counts.arrived).sum(),
        }
    }

    /// The server's counters after it has seen every connection open and close, so that nothing is in flight.
    /// `opened` is the number of connections that the subscribers opened; the last of them may not be accepted
    /// yet, and may take `under_way` to reach the server. The harness's publisher disconnects, too.
    pub(crate) async fn at_rest(
        &self,
        opened: u64,
        under_way: Duration,
    ) -> Result<Option<Counted>, ServerError> {
        let Side::Own(control) = &self.side else { return Ok(None) };
        let posted = match &self.posting {
            Some(posting) => {
                posting.end();
                if self.posts_are_counted { posting.posted().connections } else { 0 }
            }
            None => 0,
        };
        let patience = Instant::now() + LONGEST_LEAVING + under_way;
        while Instant::now() < patience {
            let stats = control.stats().await?;
            let seen = stats.connections_opened + stats.connections_refused;
            if stats.connections_open == 0 && seen >= opened + posted {
                return Ok(Some(self.counted(&stats)));
            }
            sleep(Duration::from_millis(5)).await;
        }
        // A connection that never closes shows as a difference between the ledgers.
        Ok(Some(self.counted(&control.stats().await?)))
    }
}
