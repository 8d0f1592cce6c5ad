//! Reads each quantity from a trial and from a prediction.
//!
//! A cost per event is the cost within the window, divided by the deliveries that arrived within the window,
//! whatever their due: a cost belongs to the events that it delivered. Ages are those of the events due in the
//! window, whenever they came.

use contract::{ConnectionCost, Distribution, Load, Measurements, Params};
use model::Prediction;

use super::{
    ages::{AgeView, Percentile},
    memory::{Part, line, slope},
    saturation::{Saturation, rate_grew},
};
use crate::{
    quantities::{Bound, QuantityName, Reading},
    text::number::count,
};

/// The reading of a quantity in one trial. `ages` are the trial's own.
pub(crate) fn reading(
    name: QuantityName,
    params: &Params,
    of: &Measurements,
    ages: &AgeView,
) -> Option<Reading> {
    if name == QuantityName::SaturationDeliveries {
        return Saturation::of(of).map(|saturation| saturation.reading());
    }
    if let Some(value) = counted(name, params, of) {
        return Some(Reading { value, bound: Bound::Exact });
    }
    let Percentile { value_ms, bound } =
        if name == QuantityName::AgeMean { ages.mean()? } else { ages.percentile(age_quantile(name)?)? };
    finite(value_ms).map(|value| Reading { value, bound })
}

/// The percentile that a quantity is, if it is one of ages.
pub(crate) fn age_quantile(name: QuantityName) -> Option<f64> {
    [(QuantityName::AgeP50, 0.5), (QuantityName::AgeP99, 0.99)]
        .into_iter()
        .find_map(|(age, quantile)| (age == name).then_some(quantile))
}

/// Why the quantities of [`is_per_delivery`] have no value where the rate grew.
const PER_EVENT_ON_RAMPS: &str = "left out: the rate grew, so a value per event would be a mean over all rates, also those beyond saturation";

/// Why they have none if there is nothing to divide by.
const NONE_ARRIVED: &str = "no event arrived within the window";

/// Fewest deliveries a second for CPU per event. A process without any delivery takes some milliseconds of
/// CPU a second. At 20 deliveries a second that added 100 to 700 µs to each, while a delivery itself takes
/// 2 to 7 µs.
const FEWEST_DELIVERIES_HZ: f64 = 1_000.0;

/// Tolerance of that number: chance and the edges of a window must not decide whether there is a value.
const SCATTER: f64 = 0.1;

/// Why a quantity per event is left out although trials were completed.
pub(crate) fn left_out(name: QuantityName, trials: &[&Measurements]) -> Option<String> {
    if !is_per_delivery(name) {
        return None;
    }
    if trials.iter().any(|trial| rate_grew(trial)) {
        return Some(PER_EVENT_ON_RAMPS.to_owned());
    }
    let without = trials.iter().filter(|trial| trial.window_received == 0).count();
    if without > 0 {
        let blocks = if trials.len() > 1 {
            format!(" in {} of {} blocks", count(without as u64), count(trials.len() as u64))
        } else {
            String::new()
        };
        return Some(format!("{NONE_ARRIVED}{blocks}"));
    }
    let holds_idle_work = matches!(name, QuantityName::CpuPerEvent | QuantityName::SubscriberCpuPerEvent);
    (holds_idle_work && arrived_hz(trials)? < FEWEST_DELIVERIES_HZ * (1.0 - SCATTER)).then(|| {
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

/// Whether a quantity is divided by the deliveries that arrived within the window.
pub(crate) const fn is_per_delivery(name: QuantityName) -> bool {
    matches!(
        name,
        QuantityName::RequestsPerEvent
            | QuantityName::BytesPerEvent
            | QuantityName::PayloadBytesPerEvent
            | QuantityName::FramingBytesPerEvent
            | QuantityName::HeaderBytesPerEvent
            | QuantityName::EmptyPollBytesPerEvent
            | QuantityName::PacketsPerEvent
            | QuantityName::CpuPerEvent
            | QuantityName::CpuAboveIdlePerEvent
            | QuantityName::SubscriberCpuPerEvent
            | QuantityName::WakeupsPerEvent
    )
}

/// A quantity that a trial counted; ages are read from its histogram instead.
fn counted(name: QuantityName, params: &Params, of: &Measurements) -> Option<f64> {
    if is_per_delivery(name) && rate_grew(of) {
        return None;
    }
    // A lost event has no cost per delivery, and the cost of a later one lies outside the window.
    let per_event = |sum: f64| divide(sum, of.window_received as f64);
    match name {
        QuantityName::AgeMean
        | QuantityName::AgeP50
        | QuantityName::AgeP99
        | QuantityName::SaturationDeliveries => None,
        QuantityName::RequestsPerEvent => per_event(of.requests.window as f64),
        QuantityName::RequestsPerSubscriber => divide(of.requests.life as f64, f64::from(params.subscribers)),
        QuantityName::EmptyRatio => divide(of.requests.window_empty as f64, of.requests.window as f64),
        QuantityName::BytesPerEvent => per_event(of.bytes.total() as f64),
        QuantityName::PayloadBytesPerEvent => per_event(of.bytes.payload as f64),
        QuantityName::FramingBytesPerEvent => per_event(of.bytes.framing() as f64),
        QuantityName::HeaderBytesPerEvent => per_event(of.bytes.headers as f64),
        QuantityName::EmptyPollBytesPerEvent => per_event(of.bytes.empty_polls as f64),
        QuantityName::PacketsPerEvent => per_event(of.kernel_window.as_ref()?.segments() as f64),
        QuantityName::CpuPerEvent => per_event(of.cpu.server_us),
        QuantityName::CpuAboveIdlePerEvent => {
            per_event(of.cpu.server_us - idle_rate(of.connections.as_ref()?)? * of.cpu.wall_us)
        }
        QuantityName::CpuPerRequest => divide(of.cpu.server_us, of.requests.window as f64),
        QuantityName::SaturationCpuPerEvent => Saturation::of(of)?.cpu_us_per_event,
        QuantityName::SubscriberCpuPerEvent => per_event(of.cpu.harness_us),
        QuantityName::WakeupsPerEvent => per_event(of.wakeups as f64),
        QuantityName::ConnectP50 => quantile_ms(&of.connect, 0.5),
        QuantityName::ConnectP99 => quantile_ms(&of.connect, 0.99),
        QuantityName::ConnectBytes => {
            let set_up = of.set_up?;
            divide(set_up.bytes as f64, set_up.subscribers as f64)
        }
        QuantityName::ConnectPackets => {
            let set_up = of.set_up?;
            divide(set_up.segments? as f64, set_up.subscribers as f64)
        }
        QuantityName::MemoryUser => memory(of, Load::Idle, Part::Server),
        QuantityName::MemoryUserActive => memory(of, Load::Active, Part::Server),
        QuantityName::MemoryKernel => memory(of, Load::Idle, Part::Kernel),
        QuantityName::MemoryKernelActive => memory(of, Load::Active, Part::Kernel),
        QuantityName::MemorySubscriber => memory(of, Load::Idle, Part::Subscriber),
        QuantityName::Descriptors => {
            slope(of.connections.as_ref()?, Load::Idle, |step| step.server_descriptors as f64)
        }
        QuantityName::CpuIdlePerSubscriberHour => {
            let cost = of.connections.as_ref()?;
            // Microseconds of CPU per microsecond of wall are seconds per second.
            divide(idle_rate(cost)? * 3_600.0, f64::from(cost.idle.subscribers))
        }
        QuantityName::SocketsHeld => finite(of.sockets_held),
        QuantityName::LatenessP99 => quantile_ms(&of.lateness, 0.99),
    }
}

fn memory(of: &Measurements, load: Load, part: Part) -> Option<f64> {
    line(of.connections.as_ref()?, load, part).map(|line| line.slope)
}

/// CPU time of the server per wall time while all subscribers are open and nothing is published.
fn idle_rate(cost: &ConnectionCost) -> Option<f64> {
    divide(cost.idle.server_us, cost.idle.wall_us)
}

/// The predicted value of a quantity; none if the model does not predict it.
pub(crate) fn prediction(name: QuantityName, of: &Prediction) -> Option<f64> {
    let bytes = of.bytes.as_ref().ok();
    let value = match name {
        QuantityName::AgeMean => Some(of.age.mean_ms()),
        QuantityName::AgeP50 => Some(of.age.quantile_ms(0.5)),
        QuantityName::AgeP99 => Some(of.age.quantile_ms(0.99)),
        QuantityName::RequestsPerEvent => Some(of.requests_per_event),
        QuantityName::RequestsPerSubscriber => of.requests_per_subscriber,
        QuantityName::EmptyRatio => Some(of.empty_ratio),
        QuantityName::BytesPerEvent => bytes.map(|bytes| bytes.total()),
        QuantityName::PayloadBytesPerEvent => bytes.map(|bytes| bytes.payload),
        QuantityName::FramingBytesPerEvent => bytes.map(|bytes| bytes.framing),
        QuantityName::HeaderBytesPerEvent => bytes.map(|bytes| bytes.headers),
        QuantityName::EmptyPollBytesPerEvent => bytes.map(|bytes| bytes.empty_polls),
        QuantityName::SocketsHeld => Some(of.sockets_held),
        QuantityName::ConnectP50 => of.connect_ms,
        QuantityName::CpuPerEvent
        | QuantityName::CpuAboveIdlePerEvent
        | QuantityName::CpuPerRequest
        | QuantityName::SaturationDeliveries
        | QuantityName::SaturationCpuPerEvent
        | QuantityName::SubscriberCpuPerEvent
        | QuantityName::PacketsPerEvent
        | QuantityName::WakeupsPerEvent
        | QuantityName::ConnectP99
        | QuantityName::ConnectBytes
        | QuantityName::ConnectPackets
        | QuantityName::MemoryUser
        | QuantityName::MemoryUserActive
        | QuantityName::MemoryKernel
        | QuantityName::MemoryKernelActive
        | QuantityName::MemorySubscriber
        | QuantityName::Descriptors
        | QuantityName::CpuIdlePerSubscriberHour
        | QuantityName::LatenessP99 => None,
    };
    value.and_then(finite)
}

pub(crate) fn quantile_ms(distribution: &Distribution, quantile: f64) -> Option<f64> {
    let histogram = distribution.histogram().ok()?;
    (histogram.count() > 0).then(|| histogram.quantile_us(quantile) as f64 * 1e-3)
}

fn divide(sum: f64, by: f64) -> Option<f64> {
    if by > 0.0 { finite(sum / by) } else { None }
}

pub(crate) fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

/// Mean; none without a value.
pub(crate) fn mean(values: &[f64]) -> Option<f64> {
    divide(values.iter().sum(), values.len() as f64)
}
