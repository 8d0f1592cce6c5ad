//! The calibration: a short trial before the judged ones, one for each key.

use std::time::Duration;

use contract::{
    Arrivals, Certificate, Client, Heartbeat, Network, Pattern, Period, PublisherSeat, ServerName, Settings,
    Transport, TrialPlan,
};
use schedule::{Schedule, ScheduleError};

use crate::data::trial_order::TrialOrder;

/// Events per second, unless the number of subscribers would keep the server busy for too long.
const RATE_HZ: f64 = 19.0;
/// Largest share of the time for deliveries, and the time of a delivery on a slow machine.
const BUSY: f64 = 0.4;
const SLOW_DELIVERY_S: f64 = 10e-6;
/// Time between two polls of a subscriber, and the least of it per subscriber.
const POLL_INTERVAL: Duration = Duration::from_millis(97);
const POLL_SPACING: Duration = Duration::from_micros(100);
/// With this many subscribers or more, the cost of a delivery is stable only after two seconds instead of one.
const MANY: u32 = 500;

/// The trials that share one calibration: same pattern, same path, same number of subscribers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CalibrationKey {
    /// The pattern.
    pub pattern: Pattern,
    /// The transport.
    pub transport: Transport,
    /// Whether there is a middlebox; its processing time is then part of the transit, its delay is not.
    pub has_relay: bool,
    /// Number of subscribers: the cost of a delivery grows with it.
    pub subscribers: u32,
}

impl CalibrationKey {
    /// The calibration that a trial needs.
    #[must_use]
    pub const fn of(plan: &TrialPlan) -> Self {
        let TrialPlan { pattern, settings } = plan;
        Self {
            pattern: *pattern,
            transport: settings.transport,
            has_relay: settings.network.is_some(),
            subscribers: settings.subscribers,
        }
    }

    /// Warm-up and window, whole seconds: the scatter of the ages is taken over the seconds of the window. For
    /// short polling only the time of an exchange is needed.
    const fn lengths(self) -> [Duration; 2] {
        let warm_up = if self.subscribers < MANY { 1 } else { 2 };
        let measure = match self.pattern {
            Pattern::ShortPolling => 1,
            Pattern::LongPolling | Pattern::Sse | Pattern::WebSocket => 3,
        };
        [Duration::from_secs(warm_up), Duration::from_secs(measure)]
    }

    /// Events per second.
    fn rate_hz(self) -> f64 {
        RATE_HZ.min(BUSY / (f64::from(self.subscribers) * SLOW_DELIVERY_S))
    }
}

#[cfg(test)]
impl From<Pattern> for CalibrationKey {
    /// The pattern with default settings and 200 subscribers.
    fn from(pattern: Pattern) -> Self {
        Self { pattern, transport: Transport::Http1, has_relay: false, subscribers: 200 }
    }
}

/// The calibration trial of all trials with the same key.
///
/// # Errors
/// Never in practice: its schedule is a valid constant.
pub fn calibration_order(key: CalibrationKey, seed: u64, order: u32) -> Result<TrialOrder, ScheduleError> {
    let events = Arrivals::Steady { rate_hz: key.rate_hz() };
    let settings = Settings {
        subscribers: key.subscribers,
        payload_bytes: 100,
        poll_interval: Period(POLL_INTERVAL.max(POLL_SPACING * key.subscribers)),
        hold: Period::from_millis(1_500),
        turnaround: Period::default(),
        request_timeout: Settings::USUAL_REQUEST_TIMEOUT,
        keep_alive: true,
        client: Client::Lean,
        delivery_delay: Period::default(),
        delivery_jitter: Period::default(),
        side: None,
        rung: None,
        server: ServerName::default(),
        publisher: PublisherSeat::Server,
        // A middlebox that only forwards bytes.
        network: key.has_relay.then(Network::default),
        transport: key.transport,
        certificate: Certificate::Valid,
        streams_per_connection: 1,
        max_streams: 200,
        heartbeat: Heartbeat::default(),
        browser: None,
        stairs: Vec::new(),
        idle: Period::default(),
        warm_up: Period(key.lengths()[0]),
        measure: Period(key.lengths()[1]),
        drain: Period::from_millis(500),
        events: events.clone(),
    };
    let length = settings.schedule_length();
    let schedule = Schedule::build(&events, None, seed, length, settings.payload_bytes)?;
    let plan = TrialPlan { pattern: key.pattern, settings };
    Ok(TrialOrder { order, block: 0, ..TrialOrder::new("calibration", plan, schedule) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_subscribers_are_calibrated_at_a_rate_that_the_server_keeps() {
        let key = |subscribers| CalibrationKey { subscribers, ..Pattern::ShortPolling.into() };
        assert_eq!((key(1).rate_hz(), key(2_000).rate_hz()), (19.0, 19.0));
        assert!((key(10_000).rate_hz() - 4.0).abs() < 1e-9);
        let interval = |subscribers| {
            calibration_order(key(subscribers), 1, 0).unwrap().plan.settings.poll_interval.milliseconds()
        };
        assert_eq!((interval(8), interval(10_000)), (97.0, 1_000.0));
    }
}
