//! The numbers of one pattern for a wish.

use contract::{Calibration, Params, Pattern};
use model::{Prediction, endless};

use super::{
    costs::{Costs, Load, MeasuredPoint},
    wish::Wish,
};
use crate::{
    quantities::QuantityName,
    text::number::{rounded_down, time_ms},
};

/// More polls than one in this time would follow the timers of the operating system, not their interval.
const SHORTEST_INTERVAL_MS: f64 = 10.0;
/// An answer of the lab's server has at most this many events; for more a subscriber asks again at once.
const MOST_EVENTS: f64 = 1_000.0;
/// An interval is rounded down to three digits; the age that results is this close to the one that is wanted.
const AGE_ERROR: f64 = 1.001;
const SECONDS_PER_HOUR: f64 = 3_600.0;

/// A measured cost, scaled to a wish.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Scaled {
    pub(crate) value: f64,
    /// The measured cost that it is a multiple of.
    pub(crate) each: f64,
    pub(crate) quantity: QuantityName,
    /// The measured point in words.
    pub(crate) point: String,
    /// Whether that point has the transport of the wish.
    pub(crate) is_of_transport: bool,
}

/// What a pattern costs and delivers.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Estimate {
    pub(crate) pattern: Pattern,
    pub(crate) params: Params,
    /// Ages at p50 and p99; or why there are none.
    pub(crate) ages_ms: Result<[f64; 2], String>,
    pub(crate) requests_hz: f64,
    /// Bytes of the TCP streams per second; or why the model has none.
    pub(crate) bytes_hz: Result<f64, String>,
    pub(crate) connections: f64,
    /// CPU of the server: seconds per second.
    pub(crate) cpu_cores: Option<Scaled>,
    pub(crate) memory_user: Option<Scaled>,
    /// Of both ends of every connection.
    pub(crate) memory_kernel: Option<Scaled>,
}

/// The numbers of a pattern with the settings that a wish needs.
///
/// # Errors
/// In words, if no setting of the pattern delivers as fresh.
pub(crate) fn estimate(pattern: Pattern, wish: &Wish, costs: Option<&Costs>) -> Result<Estimate, String> {
    let interval_ms = if pattern.is_timed() { poll_interval_ms(pattern, wish)? } else { 0.0 };
    of_params(pattern, wish.params(pattern, interval_ms), costs)
}

/// The numbers of a pattern with given settings.
///
/// # Errors
/// In words, if the model does not cover the settings.
pub(crate) fn of_params(pattern: Pattern, params: Params, costs: Option<&Costs>) -> Result<Estimate, String> {
    let counts = endless(pattern, &params, Calibration::default()).map_err(|reason| reason.to_string())?;
    let deliveries_hz = params.rate_hz * f64::from(params.subscribers);
    let requests_hz = counts.requests_per_event * deliveries_hz;
    let occasions_hz =
        if pattern.polls() { counts.requests_per_event * params.rate_hz } else { params.rate_hz };
    let same = |point: &MeasuredPoint| point.params.transport == params.transport;
    let load = Load { pattern, params: &params, occasions_hz };
    let nearest = |name: QuantityName| costs.and_then(|costs| costs.nearest(&load, name));
    let cpu = nearest(if pattern.polls() { QuantityName::CpuPerRequest } else { QuantityName::CpuPerEvent });
    let idle = nearest(QuantityName::CpuIdlePerSubscriberHour).filter(|_| !pattern.polls());
    let cpu_cores = cpu.map(|(point, each)| {
        let idle_s = idle.map_or(0.0, |(_, hourly)| hourly / SECONDS_PER_HOUR * counts.sockets_held);
        let occasions_hz = if pattern.polls() { requests_hz } else { deliveries_hz };
        let quantity = if pattern.polls() { QuantityName::CpuPerRequest } else { QuantityName::CpuPerEvent };
        Scaled {
            value: occasions_hz * each * 1e-6 + idle_s,
            each,
            quantity,
            point: point.words(),
            is_of_transport: same(point),
        }
    });
    let memory = |names: [QuantityName; 2]| {
        let found = names.into_iter().find_map(|name| Some((name, nearest(name)?)));
        found.map(|(quantity, (point, each)): (QuantityName, (&MeasuredPoint, f64))| Scaled {
            value: counts.sockets_held * each,
            each,
            quantity,
            point: point.words(),
            is_of_transport: same(point),
        })
    };
    let pace_us = cpu.map_or(0.0, |(_, each)| each);
    let ages = endless(pattern, &params, Calibration { pace_us, ..Calibration::default() });
    Ok(Estimate {
        pattern,
        params,
        ages_ms: ages.map(|of| [0.5, 0.99].map(|at| of.age.quantile_ms(at))).map_err(|why| why.to_string()),
        requests_hz,
        bytes_hz: bytes_hz(&counts, deliveries_hz),
        connections: counts.sockets_held,
        cpu_cores,
        memory_user: memory([QuantityName::MemoryUserActive, QuantityName::MemoryUser]),
        memory_kernel: memory([QuantityName::MemoryKernelActive, QuantityName::MemoryKernel]),
    })
}

impl Estimate {
    /// Whether the CPU is that of another transport, for lack of a nearer point.
    pub(crate) fn is_of_other_transport(&self) -> bool {
        self.cpu_cores.as_ref().is_some_and(|cpu| !cpu.is_of_transport)
    }
}

fn bytes_hz(counts: &Prediction, deliveries_hz: f64) -> Result<f64, String> {
    counts.bytes.as_ref().map(|bytes| bytes.total() * deliveries_hz).map_err(|reason| reason.to_string())
}

/// The longest poll interval that keeps the wanted age at p99, and whose events fit into one answer.
///
/// Without skipped polls the age grows in proportion to the interval. The model's ages at the freshness itself and
/// at twice that tell how, so the formula stays in the model.
fn poll_interval_ms(pattern: Pattern, wish: &Wish) -> Result<f64, String> {
    let wanted_ms = wish.freshness.milliseconds();
    let p99_ms = |interval_ms: f64| {
        endless(pattern, &wish.params(pattern, interval_ms), Calibration::default())
            .map(|of| of.age.quantile_ms(0.99))
            .map_err(|reason| reason.to_string())
    };
    let (once_ms, twice_ms) = (p99_ms(2.0 * wanted_ms)?, p99_ms(4.0 * wanted_ms)?);
    let slope = (twice_ms - once_ms) / (2.0 * wanted_ms);
    let longest_ms = 2.0 * wanted_ms - (once_ms - wanted_ms) / slope;
    let interval_ms = rounded_down(longest_ms.min(MOST_EVENTS / wish.rate_hz * 1e3));
    let too_often =
        |why: &str| Err(format!("ages up to {} need polls so frequent that {why}", time_ms(wanted_ms)));
    if interval_ms < SHORTEST_INTERVAL_MS {
        return too_often(&format!("their timers decide, less than {} apart", time_ms(SHORTEST_INTERVAL_MS)));
    }
    match p99_ms(interval_ms) {
        Ok(found_ms) if found_ms <= wanted_ms * AGE_ERROR => Ok(interval_ms),
        Ok(_) | Err(_) => too_often("each begins before the previous answer has arrived"),
    }
}
