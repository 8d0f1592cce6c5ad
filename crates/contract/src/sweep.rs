//! What a scenario varies: one setting, and the values it takes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Client, Period, Rung};

/// One side of a comparison of equals: what a pair of runs that differ in nothing, or in one known
/// thing, shows of the instrument.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Side {
    /// A letter.
    pub name: char,
    /// Time by which the server holds each event back on this side.
    #[serde(default)]
    pub delivery_delay: Period,
}

/// The values of the one setting that a scenario sweeps. Exactly one list may be given.
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
    /// Sides of a comparison of equals.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub side: Vec<Side>,
    /// What is taken away from the server.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rung: Vec<Rung>,
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
    /// Side of a comparison of equals.
    Side(Side),
    /// What is taken away from the server.
    Rung(Rung),
}

impl Sweep {
    /// The swept values. The scenario's check lets only one list hold any.
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
        changes.extend(self.rung.iter().copied().map(Change::Rung));
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
            Change::Rung(_) => "rung",
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
            !self.rung.is_empty(),
        ]
        .into_iter()
        .filter(|given| *given)
        .count()
    }
}
