//! What a short trial before the measured trials finds out about the machine.

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

/// The ages that a calibration measured, second by second. The model's range of predictions uses them.
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

/// What a short trial before the measured trials found out about this machine: inputs of the model. It has
/// the same number of subscribers and the same transport as the measured trials. If they have a middlebox, it
/// has one without delay.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Calibration {
    /// Subscribers of the calibration trial.
    pub subscribers: u32,
    /// Server CPU per delivery (push) or per exchange (polling), without the publisher.
    pub server_us: f64,
    /// Harness CPU per delivery (push) or per exchange (polling).
    pub harness_us: f64,
    /// Time between two deliveries of a fan-out: the slope of the ages from the first subscriber to the
    /// last, over the middle eight tenths. For short polling: the CPU time of an exchange at the server or the
    /// harness, whichever is larger, if each has a core; their sum if they share one.
    pub pace_us: f64,
    /// One-way delay from publishing to the first subscriber, minus the mean lateness: the intercept of the
    /// line through these ages. For short polling: the mean time of an exchange.
    pub transit_us: f64,
    /// Mean lateness of the harness's timers.
    pub timer_late_us: f64,
    /// Mean lateness of the publisher.
    pub lateness_mean_us: f64,
    /// 99th percentile of the publisher's lateness.
    pub lateness_p99_us: f64,
    /// The ages of the calibration's deliveries.
    pub ages: CalibratedAges,
}
