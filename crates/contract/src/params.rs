//! The settings of a trial, as its record holds them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Ablation, BrowserAudience, Certificate, Client, Heartbeat, Network, PublisherHost, Transport};

/// The settings of a trial as numbers, with the names of `summary.json`. A setting without meaning for the
/// pattern is absent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Params {
    /// Logical readers, one socket each.
    pub subscribers: u32,
    /// Bytes of an event's text, stamp included.
    pub payload_bytes: u32,
    /// Mean events per second of the window, from the actual schedule.
    pub rate_hz: f64,
    /// Short polling: time between two polls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poll_interval_ms: Option<f64>,
    /// Long polling: how long the server holds a request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_ms: Option<f64>,
    /// Long polling: pause of the subscriber between an answer and its next request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turnaround_ms: Option<f64>,
    /// Polling: longest wait for an answer; for a long poll, beyond its hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_timeout_ms: Option<f64>,
    /// Polling: whether a subscriber reuses its connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_alive: Option<bool>,
    /// Which HTTP client the subscribers use.
    pub client: Client,
    /// Time by which the server delays each event on purpose; absent if it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery_delay_ms: Option<f64>,
    /// Largest random addition to this delay, uniformly distributed; absent if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery_jitter_ms: Option<f64>,
    /// Which side of an A/B test this is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub side: Option<char>,
    /// The ablation of the server; absent if the scenario sweeps none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ablation: Option<Ablation>,
    /// Who published; absent for the server.
    #[serde(default, skip_serializing_if = "is_servers")]
    pub publisher: PublisherHost,
    /// Round-trip time that a middlebox adds; absent without a middlebox.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtt_ms: Option<f64>,
    /// What the middlebox does; absent without a middlebox.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<Network>,
    /// Transport of the server; absent for unencrypted HTTP/1.1.
    #[serde(default, skip_serializing_if = "is_http1")]
    pub transport: Transport,
    /// The certificate that the server generated; absent for a valid one.
    #[serde(default, skip_serializing_if = "is_valid")]
    pub certificate: Certificate,
    /// HTTP/2: subscribers that share a connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub streams_per_connection: Option<u32>,
    /// HTTP/2: streams that the server allows on one connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_streams: Option<u32>,
    /// Heartbeats on streams; absent for the default, every 15 s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heartbeat: Option<Heartbeat>,
    /// The browser among the subscribers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub browser: Option<BrowserAudience>,
}

fn is_http1(transport: &Transport) -> bool {
    *transport == Transport::Http1
}

fn is_valid(certificate: &Certificate) -> bool {
    *certificate == Certificate::Valid
}

impl Params {
    /// Settings with these three values and nothing else.
    #[must_use]
    pub fn of(subscribers: u32, payload_bytes: u32, rate_hz: f64) -> Self {
        Self { subscribers, payload_bytes, rate_hz, ..Self::default() }
    }

    /// Whether the server's stream limit leaves some subscribers without a stream: more of them share a
    /// connection than it may have streams.
    #[must_use]
    pub fn lacks_streams(&self) -> bool {
        let sharing = self.streams_per_connection.map(|asked| asked.min(self.subscribers));
        sharing.zip(self.max_streams).is_some_and(|(sharing, allowed)| sharing > allowed)
    }

    /// Whether an obstacle in the network or the server's stream limit keeps subscribers from connecting or
    /// ends their connections. Losses and subscribers without an answer are then a result and no fault of the
    /// measurement.
    #[must_use]
    pub fn is_hindered(&self) -> bool {
        self.lacks_streams() || self.network.is_some_and(|network| network.is_obstacle())
    }
}

fn is_servers(publisher: &PublisherHost) -> bool {
    *publisher == PublisherHost::Server
}
