//! The calibration: a short trial before the judged ones, one for each key.

use std::time::Duration;

use contract::{
    Arrivals, Certificate, Client, Heartbeat, Network, Pattern, Period, PublisherHost, ServerName, Settings,
    Transport, TrialPlan,
};
use schedule::{Schedule, ScheduleError};

use crate::data::trial_spec::TrialSpec;

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

    /// Warm-up and window. The scatter of the ages is taken over the seconds of the window; for short polling
    /// only the time of an exchange is needed. Neither is longer than in the longest of `trials`, for which the
    /// calibration is: it need not be more exact than they are.
    fn lengths(self, trials: &[&TrialSpec]) -> [Duration; 2] {
        let longest = |of: fn(&Settings) -> Period| {
            trials.iter().map(|trial| *of(&trial.plan.settings)).max().unwrap_or(Duration::MAX)
        };
        let warm_up = match self.subscribers {
            0..MANY => longest(|settings| settings.warm_up).min(Duration::from_secs(1)),
            MANY.. => Duration::from_secs(2),
        };
        let measure = if self.pattern.is_timed() { 1 } else { 3 };
        [warm_up, longest(|settings| settings.measure).min(Duration::from_secs(measure))]
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

/// The calibration trial of `trials`, all of which have this key.
///
/// # Errors
/// Never in practice: its schedule is a valid constant.
pub fn calibration_spec(
    key: CalibrationKey,
    trials: &[&TrialSpec],
    seed: u64,
) -> Result<TrialSpec, ScheduleError> {
    let [warm_up, measure] = key.lengths(trials);
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
        ablation: None,
        server: ServerName::default(),
        publisher: PublisherHost::Server,
        // A middlebox that only forwards bytes.
        network: key.has_relay.then(Network::default),
        transport: key.transport,
        certificate: Certificate::Valid,
        streams_per_connection: 1,
        max_streams: 200,
        heartbeat: Heartbeat::default(),
        browser: None,
        memory_steps: Vec::new(),
        idle: Period::default(),
        warm_up: Period(warm_up),
        measure: Period(measure),
        drain: Period::from_millis(500),
        events: events.clone(),
    };
    let length = settings.schedule_length();
    let schedule = Schedule::build(&events, None, seed, length, settings.payload_bytes)?;
    let plan = TrialPlan { pattern: key.pattern, settings };
    Ok(TrialSpec { block: 0, ..TrialSpec::new("calibration", plan, schedule) })
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
            calibration_spec(key(subscribers), &[], 1).unwrap().plan.settings.poll_interval.milliseconds()
        };
        assert_eq!((interval(8), interval(10_000)), (97.0, 1_000.0));
    }

    #[test]
    fn a_calibration_is_no_longer_than_the_longest_trial_that_it_is_for() {
        let lasting = |warm_up_ms: u64, measure_ms: u64| {
            let mut trial = calibration_spec(Pattern::Sse.into(), &[], 1).unwrap();
            trial.plan.settings.warm_up = Period::from_millis(warm_up_ms);
            trial.plan.settings.measure = Period::from_millis(measure_ms);
            trial
        };
        let (short, long) = (lasting(200, 1_000), lasting(5_000, 60_000));
        let lengths = |subscribers, trials: &[&TrialSpec]| {
            let key = CalibrationKey { subscribers, ..Pattern::Sse.into() };
            let settings = calibration_spec(key, trials, 1).unwrap().plan.settings;
            [settings.warm_up, settings.measure].map(|length| length.as_millis())
        };
        assert_eq!(lengths(8, &[&short]), [200, 1_000]);
        assert_eq!(lengths(8, &[&short, &long]), [1_000, 3_000]);
        assert_eq!(lengths(1_000, &[&short]), [2_000, 1_000]);
        assert_eq!(lengths(8, &[]), [1_000, 3_000]);
    }
}
