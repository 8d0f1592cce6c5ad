//! The values of a sweep as an expression names them between brackets: `[1s]`, `[true]`, `[idle_timeout]`.

use contract::{Change, Heartbeat, Network, Params, Pattern, Period, Scenario};
use serde_json::Value;

use super::swept::SweepParameter;

/// The values that a scenario sweeps, those of its default run included, each once.
pub(crate) fn values(scenario: &Scenario) -> Vec<Change> {
    let default_run = scenario.default_run.as_ref().and_then(|chosen| chosen.sweep.as_ref());
    let mut values: Vec<Change> = Vec::new();
    for value in
        [scenario.sweep.as_ref(), default_run].into_iter().flatten().flat_map(|sweep| sweep.changes())
    {
        if !values.contains(&value) {
            values.push(value);
        }
    }
    values
}

/// The names of these values, in their order.
pub(crate) fn names(scenario: &Scenario) -> Vec<String> {
    let values = values(scenario);
    values.iter().map(|value| name(*value, &values)).collect()
}

/// The swept value with this name; none if no value has it. Times and numbers are compared as such: `1000ms` is
/// `1s`.
pub(crate) fn named(scenario: &Scenario, text: &str) -> Option<Change> {
    let values = values(scenario);
    let time = |period: Period| text.parse() == Ok(period);
    let number = |number: f64| text.parse() == Ok(number);
    values.iter().copied().find(|value| match *value {
        Change::Subscribers(value)
        | Change::Payload(value)
        | Change::StreamsPerConnection(value)
        | Change::MaxStreams(value) => number(f64::from(value)),
        Change::Rate(value) => number(value),
        Change::PollInterval(value) | Change::Hold(value) | Change::Rtt(value) => time(value),
        Change::Heartbeat(value) => text.parse::<Heartbeat>() == Ok(value),
        Change::Client(_)
        | Change::KeepAlive(_)
        | Change::Side(_)
        | Change::Ablation(_)
        | Change::Network(_)
        | Change::Transport(_) => name(*value, &values) == text,
    })
}

/// The swept value of a point; none if the setting does not concern its pattern.
pub(crate) fn value_at(scenario: &Scenario, pattern: Pattern, params: &Params) -> Option<Change> {
    SweepParameter::of(scenario).filter(|swept| swept.concerns(pattern))?;
    values(scenario)
        .into_iter()
        .min_by(|left, right| distance(*left, params).total_cmp(&distance(*right, params)))
        .filter(|value| distance(*value, params).is_finite())
}

/// How far a point is from a value: 0 at it, infinite at another one. A record has the rate of its actual
/// schedule, so rates differ by more or less.
fn distance(value: Change, params: &Params) -> f64 {
    let is_same = match value {
        Change::Rate(rate_hz) => return (rate_hz / params.rate_hz.max(1e-9)).ln().abs(),
        Change::Subscribers(number) => params.subscribers == number,
        Change::Payload(bytes) => params.payload_bytes == bytes,
        Change::PollInterval(interval) => params.poll_interval_ms == Some(interval.milliseconds()),
        Change::Hold(hold) => params.hold_ms == Some(hold.milliseconds()),
        Change::Client(client) => params.client == client,
        Change::KeepAlive(kept) => params.keep_alive == Some(kept),
        Change::Side(side) => params.side == Some(side.name),
        Change::Ablation(ablation) => params.ablation == Some(ablation),
        Change::Rtt(rtt) => params.rtt_ms == Some(rtt.milliseconds()),
        Change::Network(network) => params.network == Some(network),
        Change::Transport(transport) => params.transport == transport,
        Change::Heartbeat(heartbeat) => params.heartbeat.unwrap_or_default() == heartbeat,
        Change::StreamsPerConnection(number) => params.streams_per_connection == Some(number),
        Change::MaxStreams(number) => params.max_streams == Some(number),
    };
    if is_same { 0.0 } else { f64::INFINITY }
}

/// The name of a value among all values of its sweep.
fn name(value: Change, all: &[Change]) -> String {
    match value {
        Change::Subscribers(number)
        | Change::Payload(number)
        | Change::StreamsPerConnection(number)
        | Change::MaxStreams(number) => number.to_string(),
        Change::Rate(rate_hz) => rate_hz.to_string(),
        Change::PollInterval(period) | Change::Hold(period) | Change::Rtt(period) => period.to_string(),
        Change::Client(client) => client.to_string(),
        Change::KeepAlive(kept) => kept.to_string(),
        Change::Side(side) => side.name.to_string(),
        Change::Ablation(ablation) => ablation.slug().to_owned(),
        Change::Network(network) => network_name(&network, all),
        Change::Transport(transport) => transport.slug().to_owned(),
        Change::Heartbeat(heartbeat) => heartbeat.to_string(),
    }
}

/// The keys that a network sets, and their values where several networks of the sweep set the same keys.
fn network_name(network: &Network, all: &[Change]) -> String {
    let keys = |network: &Network| {
        let written: Vec<String> = settings(network).into_iter().map(|(key, _)| key).collect();
        if written.is_empty() { "clear".to_owned() } else { written.join("+") }
    };
    let own = keys(network);
    let same =
        all.iter().filter(|other| matches!(other, Change::Network(other) if keys(other) == own)).count();
    if same < 2 {
        return own;
    }
    let written = settings(network).into_iter().map(|(key, value)| format!("{key}={value}"));
    written.collect::<Vec<_>>().join("+")
}

/// What a network sets: each key with its value as the scenario's file has it, without quotes.
fn settings(network: &Network) -> Vec<(String, String)> {
    let Ok(Value::Object(settings)) = serde_json::to_value(network) else { return Vec::new() };
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    settings
        .into_iter()
        .map(|(key, value)| match value {
            Value::Object(parts) => {
                let parts = parts.iter().map(|(key, value)| format!("{key} {}", text(value)));
                (key, parts.collect::<Vec<_>>().join(", "))
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                (key, text(&value))
            }
        })
        .collect()
}
