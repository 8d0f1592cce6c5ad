//! Measured costs: the points of a run's `summary.json` that say what the lab's own server needs.

use std::collections::BTreeMap;

use contract::{Client, Environment, Network, Params, Pattern, ServerName, Transport};
use serde::Deserialize;

use crate::{
    quantities::QuantityName,
    text::{
        number::{count, counted},
        setting,
    },
};

/// Where the costs were measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// On the machine that asks.
    Here,
    /// On another one.
    Elsewhere,
}

/// The measured costs of a run.
#[derive(Debug, Clone)]
pub struct Costs {
    /// Name of the run.
    pub run: String,
    /// Where it was measured.
    pub environment: Environment,
    /// Whether that is this machine.
    pub origin: Origin,
    pub(crate) points: Vec<MeasuredPoint>,
}

/// The file has no costs that this version can read.
#[derive(Debug, thiserror::Error)]
pub enum CostsError {
    /// Not the `summary.json` of this version.
    #[error("it is no summary of this version of pushlab ({0}): write it again with `pushlab report`")]
    Form(#[from] serde_json::Error),
    /// Nothing in it is a cost.
    #[error(
        "no valid trial in it measured the lab's own server without obstacles: measure a scenario such as stock-ticker"
    )]
    Empty,
}

#[derive(Deserialize)]
struct SummaryFile {
    run: RunPart,
    points: Vec<MeasuredPoint>,
}

#[derive(Deserialize)]
struct RunPart {
    name: String,
    environment: Environment,
}

/// A point of a run.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct MeasuredPoint {
    pub(crate) scenario: String,
    pub(crate) pattern: Pattern,
    pub(crate) params: Params,
    server: ServerName,
    valid: bool,
    quantities: BTreeMap<String, Value>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
struct Value {
    measured: Option<f64>,
}

impl MeasuredPoint {
    pub(crate) fn value(&self, name: QuantityName) -> Option<f64> {
        self.quantities.get(name.key())?.measured
    }

    /// Whether nothing but the settings of a wish distinguishes it from other trials.
    fn is_plain(&self) -> bool {
        let params = &self.params;
        let is_clear = |network: &Network| *network == Network { rtt: network.rtt, ..Network::default() };
        self.valid
            && self.server.is_pushlab()
            && params.client == Client::Lean
            && params.browser.is_none()
            && params.streams_per_connection.is_none_or(|streams| streams == 1)
            && !params.lacks_streams()
            && params.network.as_ref().is_none_or(is_clear)
            && params.delivery_delay_ms.is_none()
            && params.ablation.is_none()
    }

    /// How often a subscriber costs something, per second: requests of a poll, events of a stream.
    pub(crate) fn occasions_hz(&self) -> Option<f64> {
        if self.pattern.polls() {
            Some(self.value(QuantityName::RequestsPerEvent)? * self.params.rate_hz)
        } else {
            Some(self.params.rate_hz)
        }
    }

    /// The point in words.
    pub(crate) fn words(&self) -> String {
        format!(
            "{} ({}, {}, {}, {} B{})",
            self.scenario,
            setting::pattern_text(self.pattern, &self.params),
            counted(u64::from(self.params.subscribers), "subscriber", "subscribers"),
            setting::rate(self.params.rate_hz),
            count(u64::from(self.params.payload_bytes)),
            if self.params.transport == Transport::Http1 { "" } else { ", encrypted" },
        )
    }
}

/// The settings that a cost depends on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load<'a> {
    pub(crate) pattern: Pattern,
    pub(crate) params: &'a Params,
    /// As [`MeasuredPoint::occasions_hz`].
    pub(crate) occasions_hz: f64,
}

impl Load<'_> {
    /// How far a point is from it: the logarithms of the ratios of subscribers, occasions and payload, as a
    /// squared distance. Another transport or a connection for every request is farther than any of these.
    fn distance(&self, point: &MeasuredPoint) -> f64 {
        let apart = |one: f64, other: f64| (one / other).ln().powi(2);
        let occasions_hz = point.occasions_hz().filter(|hz| *hz > 0.0);
        let kept = |params: &Params| params.keep_alive != Some(false);
        let other_kind = u8::from(point.params.transport != self.params.transport)
            + u8::from(kept(&point.params) != kept(self.params));
        apart(f64::from(point.params.subscribers), f64::from(self.params.subscribers))
            + occasions_hz.map_or(100.0, |hz| apart(hz, self.occasions_hz))
            + apart(f64::from(point.params.payload_bytes), f64::from(self.params.payload_bytes))
            + 1e6 * f64::from(other_kind)
    }
}

impl Costs {
    /// Reads a run's `summary.json`. The environment of the machine that asks decides whether the costs were
    /// measured here.
    ///
    /// # Errors
    /// [`CostsError`] if it is another file, or has no usable point.
    pub fn parse(summary_json: &str, here: &Environment) -> Result<Self, CostsError> {
        let file: SummaryFile = serde_json::from_str(summary_json)?;
        let mut points = file.points;
        points.retain(MeasuredPoint::is_plain);
        if points.is_empty() {
            return Err(CostsError::Empty);
        }
        let machine = |of: &Environment| (of.cpu.clone(), of.cores, of.memory_mib, of.system.clone());
        let origin =
            if machine(&file.run.environment) == machine(here) { Origin::Here } else { Origin::Elsewhere };
        Ok(Self { run: file.run.name, environment: file.run.environment, origin, points })
    }

    /// The nearest point that has a quantity, and its value.
    pub(crate) fn nearest(&self, load: &Load<'_>, name: QuantityName) -> Option<(&MeasuredPoint, f64)> {
        let of_pattern = self.points.iter().filter(|point| point.pattern == load.pattern);
        of_pattern
            .filter_map(|point| Some((point, point.value(name)?)))
            .min_by(|(one, _), (other, _)| load.distance(one).total_cmp(&load.distance(other)))
    }

    /// The points over plain HTTP/1.1.
    pub(crate) fn plain_points(&self) -> impl Iterator<Item = &MeasuredPoint> {
        self.points.iter().filter(|point| point.params.transport == Transport::Http1)
    }
}
