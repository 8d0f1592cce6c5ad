//! The settings of one trial: a scenario with one value of its sweep.

use std::time::Duration;

use crate::{
    Ablation, Arrivals, BrowserAudience, BrowserTask, Certificate, Client, Exchange, Heartbeat, Network,
    Params, Pattern, Period, PublisherHost, ServerName, Transport,
};

/// The settings of one trial, with the sweep applied.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Logical readers.
    pub subscribers: u32,
    /// Bytes of an event's text.
    pub payload_bytes: u32,
    /// Short polling: time between two polls.
    pub poll_interval: Period,
    /// Long polling: longest hold.
    pub hold: Period,
    /// Long polling: pause before the next request.
    pub turnaround: Period,
    /// Polling: longest wait for an answer; for a long poll, beyond its hold.
    pub request_timeout: Period,
    /// Polling: whether a subscriber reuses its connection.
    pub keep_alive: bool,
    /// HTTP client.
    pub client: Client,
    /// Time by which the server delays each event on purpose.
    pub delivery_delay: Period,
    /// Largest random addition to this delay.
    pub delivery_jitter: Period,
    /// Side of an A/B test.
    pub side: Option<char>,
    /// Ablation of the server; `None` if the scenario sweeps none.
    pub ablation: Option<Ablation>,
    /// Which server.
    pub server: ServerName,
    /// Who publishes.
    pub publisher: PublisherHost,
    /// The middlebox between subscribers and server; `None` if they connect directly.
    pub network: Option<Network>,
    /// Transport of the server.
    pub transport: Transport,
    /// The certificate that the server generates, if its transport encrypts.
    pub certificate: Certificate,
    /// HTTP/2: number of subscribers that share a connection.
    pub streams_per_connection: u32,
    /// HTTP/2: most streams that the server allows on one connection.
    pub max_streams: u32,
    /// Heartbeats on streams.
    pub heartbeat: Heartbeat,
    /// The browser among the subscribers.
    pub browser: Option<BrowserAudience>,
    /// Memory steps: numbers of subscribers at which memory is read; empty for a trial without them.
    pub memory_steps: Vec<u32>,
    /// With memory steps: how long all subscribers stay open without an event.
    pub idle: Period,
    /// Start of the schedule, which is not measured.
    pub warm_up: Period,
    /// Measured part of the schedule.
    pub measure: Period,
    /// Longest wait for deliveries in flight.
    pub drain: Period,
    /// When events are due.
    pub events: Arrivals,
}

impl Settings {
    /// Default of `request_timeout`.
    pub const USUAL_REQUEST_TIMEOUT: Period = Period::from_millis(5_000);

    /// The settings as numbers, without those that have no meaning for the pattern. Rate and payload are those
    /// of the actual schedule's window.
    #[must_use]
    pub fn params(&self, pattern: Pattern, rate_hz: f64, payload_bytes: u32) -> Params {
        let mut params = Params {
            client: self.client,
            delivery_delay_ms: some_time(self.delivery_delay),
            delivery_jitter_ms: some_time(self.delivery_jitter),
            side: self.side,
            ablation: self.ablation,
            publisher: self.publisher,
            rtt_ms: self.network.map(|network| network.rtt.milliseconds()),
            network: self.network,
            transport: self.transport,
            certificate: self.certificate,
            browser: self.browser,
            ..Params::of(self.subscribers, payload_bytes, rate_hz)
        };
        if self.transport == Transport::Http2 {
            params.streams_per_connection = Some(self.streams_per_connection);
            params.max_streams = Some(self.max_streams);
        }
        match pattern.exchange() {
            Exchange::TimedPoll => {
                params.poll_interval_ms = Some(self.poll_interval.milliseconds());
                params.request_timeout_ms = self.subscribers_timeout_ms();
                params.keep_alive = Some(self.keep_alive);
            }
            Exchange::HeldPoll => {
                params.hold_ms = Some(self.hold.milliseconds());
                params.turnaround_ms = Some(self.turnaround.milliseconds());
                params.request_timeout_ms = self.subscribers_timeout_ms();
                params.keep_alive = Some(self.keep_alive);
            }
            Exchange::Stream => params.heartbeat = self.other_heartbeat(),
        }
        if pattern.upgrades() {
            // There is no choice of HTTP client.
            params.client = Client::Lean;
        }
        params
    }

    /// The request timeout of the lab's own subscribers. A page that is itself the subscriber has none.
    fn subscribers_timeout_ms(&self) -> Option<f64> {
        match self.browser.map(|browser| browser.task) {
            Some(BrowserTask::Ages) => None,
            Some(BrowserTask::SixConnections | BrowserTask::CrossOrigin | BrowserTask::SseConformance)
            | None => Some(self.request_timeout.milliseconds()),
        }
    }

    /// The heartbeat, if it is not the default.
    fn other_heartbeat(&self) -> Option<Heartbeat> {
        (self.heartbeat != Heartbeat::default()).then_some(self.heartbeat)
    }

    /// Whether the server's stream limit leaves some subscribers without a stream: more of them share a
    /// connection than it may have streams.
    #[must_use]
    pub fn lacks_streams(&self) -> bool {
        let is_shared = match self.transport {
            Transport::Http1 | Transport::Http1Tls => false,
            Transport::Http2 => true,
        };
        is_shared && self.streams_per_connection.min(self.subscribers) > self.max_streams
    }

    /// Whether an obstacle in the network or the server's stream limit keeps subscribers from connecting or
    /// ends their connections. Losses and subscribers without an answer are then a result and no fault of the
    /// measurement.
    #[must_use]
    pub fn is_hindered(&self) -> bool {
        self.lacks_streams() || self.network.is_some_and(|network| network.is_obstacle())
    }

    /// Longest time of this number of round trips through the middlebox, buffering included; zero without a
    /// middlebox.
    #[must_use]
    pub fn round_trips(&self, number: u32) -> Duration {
        self.network.map_or(Duration::ZERO, |network| {
            let held = network.buffer.map_or(Duration::ZERO, |buffer| *buffer.pause);
            (*network.rtt + 2 * *network.jitter + held) * number
        })
    }

    /// Length of the published schedule: warm-up and measured part.
    #[must_use]
    pub fn schedule_length(&self) -> Period {
        Period(*self.warm_up + *self.measure)
    }
}

/// `None` for zero.
fn some_time(period: Period) -> Option<f64> {
    (!period.is_zero()).then(|| period.milliseconds())
}

/// One planned trial: a pattern at a point of the sweep.
#[derive(Debug, Clone, PartialEq)]
pub struct TrialPlan {
    /// Which pattern.
    pub pattern: Pattern,
    /// Its settings.
    pub settings: Settings,
}

impl TrialPlan {
    /// Whether both plans have the same settings for this pattern.
    pub(crate) fn measures_the_same(&self, other: &Self) -> bool {
        let params = |plan: &Self| plan.settings.params(plan.pattern, 0.0, plan.settings.payload_bytes);
        self.pattern == other.pattern
            && params(self) == params(other)
            && self.settings.server == other.settings.server
            && self.settings.events == other.settings.events
    }
}
