//! The swept parameter of a scenario: one setting, and its values.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Ablation, Client, Heartbeat, Network, Period, Transport};

/// One side of an A/B test. The sides are equal or differ by a known delay, so the result tests the
/// instrument.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Side {
    /// A letter.
    pub name: char,
    /// Time by which the server delays each event on this side.
    #[serde(default)]
    pub delivery_delay: Period,
}

/// The values of the swept parameter. Exactly one list may be given.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sweep {
    /// Numbers of subscribers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subscribers: Vec<u32>,
    /// Event rates of a steady or Poisson schedule.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rate_hz: Vec<f64>,
    /// Text sizes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub payload_bytes: Vec<u32>,
    /// Poll intervals.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub poll_interval: Vec<Period>,
    /// Hold times.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hold: Vec<Period>,
    /// HTTP clients.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub client: Vec<Client>,
    /// Polling with and without keep-alive.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keep_alive: Vec<bool>,
    /// Sides of an A/B test.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub side: Vec<Side>,
    /// Ablations of the server.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ablation: Vec<Ablation>,
    /// Round-trip times of the network.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rtt: Vec<Period>,
    /// Networks: each replaces the table `[network]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub network: Vec<Network>,
    /// Transports of the server.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub transport: Vec<Transport>,
    /// Heartbeats on streams.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub heartbeat: Vec<Heartbeat>,
    /// HTTP/2: numbers of subscribers that share a connection.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub streams_per_connection: Vec<u32>,
    /// HTTP/2: most streams that the server allows on one connection.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub max_streams: Vec<u32>,
}

/// One value of a sweep.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Change {
    /// Number of subscribers.
    Subscribers(u32),
    /// Event rate.
    RateHz(f64),
    /// Text size.
    PayloadBytes(u32),
    /// Poll interval.
    PollInterval(Period),
    /// Hold time.
    Hold(Period),
    /// HTTP client.
    Client(Client),
    /// Keep-alive of polling.
    KeepAlive(bool),
    /// Side of an A/B test.
    Side(Side),
    /// Ablation of the server.
    Ablation(Ablation),
    /// Round-trip time.
    Rtt(Period),
    /// The whole network.
    Network(Network),
    /// Transport of the server.
    Transport(Transport),
    /// Heartbeats on streams.
    Heartbeat(Heartbeat),
    /// Subscribers that share a connection.
    StreamsPerConnection(u32),
    /// Most streams of a connection.
    MaxStreams(u32),
}

impl Sweep {
    /// The swept values. The scenario's check ensures that only one list has any.
    #[must_use]
    pub fn changes(&self) -> Vec<Change> {
        let mut changes: Vec<Change> = Vec::new();
        changes.extend(self.subscribers.iter().copied().map(Change::Subscribers));
        changes.extend(self.rate_hz.iter().copied().map(Change::RateHz));
        changes.extend(self.payload_bytes.iter().copied().map(Change::PayloadBytes));
        changes.extend(self.poll_interval.iter().copied().map(Change::PollInterval));
        changes.extend(self.hold.iter().copied().map(Change::Hold));
        changes.extend(self.client.iter().copied().map(Change::Client));
        changes.extend(self.keep_alive.iter().copied().map(Change::KeepAlive));
        changes.extend(self.side.iter().copied().map(Change::Side));
        changes.extend(self.ablation.iter().copied().map(Change::Ablation));
        changes.extend(self.rtt.iter().copied().map(Change::Rtt));
        changes.extend(self.network.iter().copied().map(Change::Network));
        changes.extend(self.transport.iter().copied().map(Change::Transport));
        changes.extend(self.heartbeat.iter().copied().map(Change::Heartbeat));
        changes.extend(self.streams_per_connection.iter().copied().map(Change::StreamsPerConnection));
        changes.extend(self.max_streams.iter().copied().map(Change::MaxStreams));
        changes
    }

    /// Name of the swept setting as in [`crate::Params`], such as `poll_interval_ms`.
    #[must_use]
    pub fn parameter(&self) -> Option<&'static str> {
        self.changes().first().map(|change| match change {
            Change::Subscribers(_) => "subscribers",
            Change::RateHz(_) => "rate_hz",
            Change::PayloadBytes(_) => "payload_bytes",
            Change::PollInterval(_) => "poll_interval_ms",
            Change::Hold(_) => "hold_ms",
            Change::Client(_) => "client",
            Change::KeepAlive(_) => "keep_alive",
            Change::Side(_) => "side",
            Change::Ablation(_) => "ablation",
            Change::Rtt(_) => "rtt_ms",
            Change::Network(_) => "network",
            Change::Transport(_) => "transport",
            Change::Heartbeat(_) => "heartbeat",
            Change::StreamsPerConnection(_) => "streams_per_connection",
            Change::MaxStreams(_) => "max_streams",
        })
    }

    pub(crate) fn lists_given(&self) -> usize {
        [
            !self.subscribers.is_empty(),
            !self.rate_hz.is_empty(),
            !self.payload_bytes.is_empty(),
            !self.poll_interval.is_empty(),
            !self.hold.is_empty(),
            !self.client.is_empty(),
            !self.keep_alive.is_empty(),
            !self.side.is_empty(),
            !self.ablation.is_empty(),
            !self.rtt.is_empty(),
            !self.network.is_empty(),
            !self.transport.is_empty(),
            !self.heartbeat.is_empty(),
            !self.streams_per_connection.is_empty(),
            !self.max_streams.is_empty(),
        ]
        .into_iter()
        .filter(|given| *given)
        .count()
    }
}
