//! Why a point lacks a quantity although its trials were completed.

use contract::Measurements;

use super::{
    row::Measured,
    rows::QuantityName,
    saturation::{missing_words, rate_grew},
};
use crate::{statistics::finite::divide, text::number::count};

/// Why quantities per delivery have no value where the rate grew.
const PER_EVENT_ON_RAMPS: &str = "left out: the rate grew, so a value per event would be a mean over all rates, also those beyond saturation";

/// Why they have none if there is nothing to divide by.
const NONE_ARRIVED: &str = "no event arrived within the window";

/// Fewest deliveries a second for CPU per event. A process without any delivery takes some milliseconds of
/// CPU a second. At 20 deliveries a second that added 100 to 700 µs to each, while a delivery itself takes
/// 2 to 7 µs.
const FEWEST_DELIVERIES_HZ: f64 = 1_000.0;

/// Tolerance of that number: chance and the edges of a window must not decide whether there is a value.
const SCATTER: f64 = 0.1;

impl QuantityName {
    /// Why it is left out although these trials were completed; none if it is not.
    pub(crate) fn missing(self, trials: &[&Measurements]) -> Option<String> {
        match self.row().measured {
            Measured::MeanAge | Measured::AgePercentile(_) | Measured::Trial(_) => None,
            Measured::Saturation(_) => missing_words(trials.iter().copied()),
            Measured::PerDelivery(_) => missing_per_delivery(trials),
            Measured::CpuPerDelivery(_) => {
                missing_per_delivery(trials).or_else(|| too_few_per_second(trials))
            }
        }
    }
}

fn missing_per_delivery(trials: &[&Measurements]) -> Option<String> {
    if trials.iter().any(|trial| rate_grew(trial)) {
        return Some(PER_EVENT_ON_RAMPS.to_owned());
    }
    let without = trials.iter().filter(|trial| trial.window_received == 0).count();
    if without == 0 {
        return None;
    }
    let blocks = if trials.len() > 1 {
        format!(" in {} of {} blocks", count(without as u64), count(trials.len() as u64))
    } else {
        String::new()
    };
    Some(format!("{NONE_ARRIVED}{blocks}"))
}

fn too_few_per_second(trials: &[&Measurements]) -> Option<String> {
    (arrived_hz(trials)? < FEWEST_DELIVERIES_HZ * (1.0 - SCATTER)).then(|| {
        format!(
            "fewer than {} deliveries a second: the process's own idle work would be divided among them",
            count(FEWEST_DELIVERIES_HZ as u64)
        )
    })
}

/// Deliveries a second that arrived within the windows of some trials; none without a trial.
fn arrived_hz(trials: &[&Measurements]) -> Option<f64> {
    let received: u64 = trials.iter().map(|trial| trial.window_received).sum();
    // The time between the two readings of the CPU.
    let wall_us: f64 = trials.iter().map(|trial| trial.cpu.wall_us).sum();
    divide(received as f64 * 1e6, wall_us)
}
