//! What a short trial before the judged ones finds out about the machine.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Mean and scatter of a quantity over the seconds of a calibration.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Scatter {
    /// Mean over the seconds, microseconds.
    pub mean_us: f64,
    /// Sample standard deviation over the seconds, microseconds.
    pub deviation_us: f64,
}

/// The ages that a calibration measured, second by second: what the model's range is made of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CalibratedAges {
    /// Seconds with deliveries.
    pub seconds: u32,
    /// Means of the seconds.
    pub mean: Scatter,
    /// Medians of the seconds.
    pub p50: Scatter,
    /// 99th percentiles of the seconds.
    pub p99: Scatter,
}

/// What a short trial before the judged ones found out about this machine: inputs of the model. It has
/// as many subscribers as they, the same transport, and a middlebox that delays nothing where they have
/// one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Calibration {
    /// Subscribers of the calibration trial.
    pub subscribers: u32,
    /// Server CPU per delivery (push) or per exchange (polling), publisher left out.
    pub server_us: f64,
    /// Harness CPU per delivery (push) or per exchange (polling).
    pub harness_us: f64,
    /// Time between two deliveries of a fan-out: the slope of the ages from the first subscriber to the
    /// last, over the middle eight tenths. For short polling, the CPU time of an exchange at server or
    /// harness, whichever is larger, where each has a core; their sum where they share one.
    pub pace_us: f64,
    /// From publishing to the first of the subscribers, mean lateness taken off: where the line through
    /// these ages begins. For short polling the mean time of an exchange.
    pub transit_us: f64,
    /// Mean by which the harness's timers fire late.
    pub timer_late_us: f64,
    /// Mean lateness of the publisher.
    pub lateness_mean_us: f64,
    /// 99th percentile of the publisher's lateness.
    pub lateness_p99_us: f64,
    /// What the calibration's own deliveries were like.
    pub ages: CalibratedAges,
}
