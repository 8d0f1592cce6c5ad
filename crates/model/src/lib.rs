//! What each pattern should cost and deliver, before anything is measured.
//!
//! Every prediction is made twice: as a closed form from the mean rate, and by replaying the same
//! model over the due list of the schedule that is really published. Nothing here reads a clock,
//! opens a socket or knows a measurement other than the calibration it is given.

use contract::{Arrivals, Calibration, Params, Pattern, PublishedSchedule, Window};

/// Everything that a prediction may depend on. Nothing of the trial that is being judged.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// The trial's settings.
    pub params: &'a Params,
    /// How events arrive; decides which closed form applies.
    pub arrivals: &'a Arrivals,
    /// The due list that is really published.
    pub schedule: &'a PublishedSchedule,
    /// The measured stretch.
    pub window: Window,
    /// Seeded start of the golden-ratio poll phases, in `[0, 1)`.
    pub poll_phase: f64,
    /// Costs and delays of this machine from a calibration trial; all zero if there was none.
    pub calibration: Calibration,
}

/// Why a quantity has no prediction.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotApplicable(pub String);

/// Both predictions of one trial.
#[derive(Debug, Clone, PartialEq)]
pub struct Predicted {
    /// From the mean rate.
    pub closed_form: Result<Prediction, NotApplicable>,
    /// Replayed over the due list. Tolerances hold against this one.
    pub replayed: Result<Prediction, NotApplicable>,
}

/// What one trial should show.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    /// Distribution of the ages.
    pub age: AgeCurve,
    /// Requests that arrive in the window ÷ deliveries whose due lies in it.
    pub requests_per_event: f64,
    /// Requests of a subscription's whole life; absent where it depends on when the trial ends.
    pub requests_per_subscriber: Option<f64>,
    /// Fraction of the window's requests that are answered with nothing new.
    pub empty_ratio: f64,
    /// Bytes of the TCP streams per delivery, both directions.
    pub bytes: BytesPerEvent,
    /// Connections held open at a time.
    pub sockets_held: f64,
}

/// Bytes per delivery by what they carry. The parts are those of `contract::ByteCounts`.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct BytesPerEvent {
    /// Text of the event.
    pub payload: f64,
    /// JSON and SSE envelopes, chunk and frame headers, heartbeats.
    pub framing: f64,
    /// Request and response heads of exchanges that brought events.
    pub headers: f64,
    /// Exchanges that brought none.
    pub empty_polls: f64,
}

impl BytesPerEvent {
    /// All bytes.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.payload + self.framing + self.headers + self.empty_polls
    }
}

/// A distribution of ages in milliseconds, as its quantile function on a fine grid.
#[derive(Debug, Clone, PartialEq)]
pub struct AgeCurve {
    mean_ms: f64,
    /// Ages at evenly spaced probabilities 0, 1/(n−1), …, 1.
    grid_ms: Vec<f64>,
}

impl AgeCurve {
    /// Mean age.
    #[must_use]
    pub fn mean_ms(&self) -> f64 {
        self.mean_ms
    }

    /// The age that a fraction `quantile` of the deliveries does not exceed.
    #[must_use]
    pub fn quantile_ms(&self, quantile: f64) -> f64 {
        let last = self.grid_ms.len() - 1;
        let place = quantile.clamp(0.0, 1.0) * last as f64;
        let left = (place.floor() as usize).min(last);
        let right = (left + 1).min(last);
        let share = place - left as f64;
        self.grid_ms[left] * (1.0 - share) + self.grid_ms[right] * share
    }
}

/// Predicts one trial of a pattern.
#[must_use]
pub fn predict(_pattern: Pattern, _inputs: &Inputs<'_>) -> Predicted {
    let absent = || Err(NotApplicable("no prediction yet".to_owned()));
    Predicted { closed_form: absent(), replayed: absent() }
}
