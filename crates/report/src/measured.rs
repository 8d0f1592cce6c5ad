//! What a trial and a prediction say about each quantity.

use contract::{Distribution, Measurements, Params};
use model::Prediction;

use crate::quantity::QuantityName;

/// What one trial says about a quantity; ages are read from the merged histogram instead.
pub(crate) fn measured(name: QuantityName, params: &Params, of: &Measurements) -> Option<f64> {
    let per_event = |sum: f64| divide(sum, of.window_deliveries as f64);
    match name {
        QuantityName::AgeMean | QuantityName::AgeP50 | QuantityName::AgeP99 => None,
        QuantityName::RequestsPerEvent => per_event(of.requests.window as f64),
        QuantityName::RequestsPerSubscriber => divide(of.requests.life as f64, f64::from(params.subscribers)),
        QuantityName::EmptyRatio => divide(of.requests.window_empty as f64, of.requests.window as f64),
        QuantityName::BytesPerEvent => per_event(of.bytes.total() as f64),
        QuantityName::PayloadBytesPerEvent => per_event(of.bytes.payload as f64),
        QuantityName::FramingBytesPerEvent => per_event(of.bytes.framing() as f64),
        QuantityName::HeaderBytesPerEvent => per_event(of.bytes.headers as f64),
        QuantityName::EmptyPollBytesPerEvent => per_event(of.bytes.empty_polls as f64),
        QuantityName::CpuPerEvent => per_event(of.cpu.server_us),
        QuantityName::SubscriberCpuPerEvent => per_event(of.cpu.harness_us),
        QuantityName::ConnectP50 => quantile_ms(&of.connect, 0.5),
        QuantityName::SocketsHeld => finite(of.sockets_held),
        QuantityName::LatenessP99 => quantile_ms(&of.lateness, 0.99),
    }
}

/// What a prediction says about a quantity; none for what it does not speak of.
pub(crate) fn prediction(name: QuantityName, of: &Prediction) -> Option<f64> {
    let value = match name {
        QuantityName::AgeMean => Some(of.age.mean_ms()),
        QuantityName::AgeP50 => Some(of.age.quantile_ms(0.5)),
        QuantityName::AgeP99 => Some(of.age.quantile_ms(0.99)),
        QuantityName::RequestsPerEvent => Some(of.requests_per_event),
        QuantityName::RequestsPerSubscriber => of.requests_per_subscriber,
        QuantityName::EmptyRatio => Some(of.empty_ratio),
        QuantityName::BytesPerEvent => Some(of.bytes.total()),
        QuantityName::PayloadBytesPerEvent => Some(of.bytes.payload),
        QuantityName::FramingBytesPerEvent => Some(of.bytes.framing),
        QuantityName::HeaderBytesPerEvent => Some(of.bytes.headers),
        QuantityName::EmptyPollBytesPerEvent => Some(of.bytes.empty_polls),
        QuantityName::SocketsHeld => Some(of.sockets_held),
        QuantityName::CpuPerEvent
        | QuantityName::SubscriberCpuPerEvent
        | QuantityName::ConnectP50
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

pub(crate) fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        odd if odd % 2 == 1 => Some(values[middle]),
        _even => finite(f64::midpoint(values[middle - 1], values[middle])),
    }
}
