//! Networks and limits that the model does not cover.
//!
//! There is no prediction if a middlebox ends, refuses or holds back connections on purpose. An idle timeout
//! that no connection ever reaches has no effect, so the prediction is the same as without it.

use contract::{Exchange, Heartbeat, Network, Pattern, Transport};

use crate::{Inputs, NotApplicable, heartbeats::heartbeat, timeline::Timeline};

/// Checks that the trial's network delivers everything, with whatever delay.
pub(crate) fn check(pattern: Pattern, inputs: &Inputs<'_>) -> Result<(), NotApplicable> {
    if inputs.params.lacks_streams() {
        return Err(NotApplicable("the server's limit leaves some subscribers without a stream".to_owned()));
    }
    check_request_timeout(pattern, inputs)?;
    // Only WebSocket sends an Upgrade, and a middlebox sees it only without TLS.
    let upgrades = pattern.upgrades() && inputs.params.transport == Transport::Http1;
    let as_met = |network: Network| Network { refuse_upgrade: network.refuse_upgrade && upgrades, ..network };
    let Some(network) = inputs.params.network.map(as_met).filter(Network::is_obstacle) else {
        return Ok(());
    };
    let without_timeout = Network { idle_timeout: None, ..network };
    let Some(timeout) = network.idle_timeout.filter(|_| !without_timeout.is_obstacle()) else {
        return Err(NotApplicable(
            "a middlebox ends, refuses or holds back connections on purpose".to_owned(),
        ));
    };
    let (quiet_s, timeout_s) = (longest_quiet_s(pattern, inputs, &network), timeout.as_secs_f64());
    if quiet_s < timeout_s {
        return Ok(());
    }
    Err(NotApplicable(format!(
        "connections are idle for up to {quiet_s:.3} s, and a middlebox closes them after {timeout_s} s"
    )))
}

/// Checks that the answer to a poll comes before its request timeout.
fn check_request_timeout(pattern: Pattern, inputs: &Inputs<'_>) -> Result<(), NotApplicable> {
    let params = inputs.params;
    let (Some(network), Some(timeout_ms)) = (params.network, params.request_timeout_ms) else {
        return Ok(());
    };
    // Only the texts of an answer, not its head.
    let events = match pattern.exchange() {
        Exchange::TimedPoll => params.poll_interval_ms.unwrap_or(0.0) / 1e3 * params.rate_hz,
        Exchange::HeldPoll => params.turnaround_ms.unwrap_or(0.0) / 1e3 * params.rate_hz,
        Exchange::Stream => return Ok(()),
    };
    let longest_s = network.longest_answer(events.max(1.0) * f64::from(params.payload_bytes)).as_secs_f64();
    let timeout_s = timeout_ms / 1e3;
    if longest_s < timeout_s {
        return Ok(());
    }
    Err(NotApplicable(format!(
        "an answer takes up to {longest_s:.3} s, but a poll is given up after {timeout_s} s"
    )))
}

/// An upper bound of the time in which no byte passes on an open connection.
fn longest_quiet_s(pattern: Pattern, inputs: &Inputs<'_>, network: &Network) -> f64 {
    let params = inputs.params;
    let seconds = |setting_ms: Option<f64>| setting_ms.unwrap_or(0.0) / 1e3;
    let on_the_way_s = (network.rtt.as_secs_f64() + network.jitter.as_secs_f64()) * 2.0;
    let is_fresh = params.keep_alive == Some(false);
    match pattern.exchange() {
        Exchange::TimedPoll if is_fresh => on_the_way_s,
        // This covers skipped ticks: an exchange takes no longer than both one-way delays.
        Exchange::TimedPoll => seconds(params.poll_interval_ms) + on_the_way_s,
        Exchange::HeldPoll => {
            let pause_s = if is_fresh { 0.0 } else { seconds(params.turnaround_ms) };
            seconds(params.hold_ms).min(longest_gap_s(inputs)).max(pause_s) + on_the_way_s
        }
        Exchange::Stream => {
            match heartbeat(params) {
                Heartbeat::Off => longest_gap_s(inputs),
                Heartbeat::Every(period) | Heartbeat::WhenIdle(period) => {
                    period.as_secs_f64().min(longest_gap_s(inputs))
                }
            }
            .max(network.rtt.as_secs_f64())
                + network.jitter.as_secs_f64()
        }
    }
}

/// The longest time without an event, from the start of the schedule to the end of the window.
fn longest_gap_s(inputs: &Inputs<'_>) -> f64 {
    let timeline = Timeline::new(inputs);
    let mut last_s = 0.0;
    let mut longest_s = 0.0_f64;
    for instant_s in timeline.published_s.iter().copied().chain([timeline.window_s.end]) {
        longest_s = longest_s.max(instant_s - last_s);
        last_s = instant_s;
    }
    longest_s
}
