//! A short trial before the judged ones: what a delivery and an exchange cost on this machine, and
//! how late its timers are. Inputs of the model, never taken from the trial that is judged.

use std::{thread, time::Duration};

use contract::{
    Arrivals, CalibratedAges, Calibration, Certificate, Client, Heartbeat, Measurements, Network, Pattern,
    Period, PublisherSeat, Scatter, Second, ServerName, Settings, Transport, TrialPlan,
};
use schedule::{Schedule, ScheduleError, bind_to_core};
use tokio::time::{Instant, sleep};

use crate::{Cores, TrialOrder};

/// Events a second, unless so many subscribers would keep the server busy for too long.
const RATE_HZ: f64 = 19.0;
/// Share of the time that delivering may take, and what a delivery takes at most on a slow machine.
const BUSY: f64 = 0.4;
const SLOW_DELIVERY_S: f64 = 10e-6;
/// Time between two polls of a subscriber, and the least for each subscriber that there is.
const POLL_INTERVAL: Duration = Duration::from_millis(97);
const POLL_SPACING: Duration = Duration::from_micros(100);
/// From so many subscribers on it takes two seconds, and not one, until a delivery costs no less any more.
const MANY: u32 = 500;
/// The part of a row that its slope is read from: its ends have the stragglers.
const ROW: [f64; 2] = [0.1, 0.9];
/// Timers tried out, and how long they sleep.
const SLEEPS: u32 = 64;
const SLEEP: Duration = Duration::from_millis(7);

/// What one calibration speaks for: as many subscribers of a pattern that go the same way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CalibrationKey {
    /// The pattern.
    pub pattern: Pattern,
    /// What the server speaks.
    pub transport: Transport,
    /// Whether a middlebox lies between; what it costs is then part of the transit, its delay is not.
    pub has_relay: bool,
    /// How many subscribers there are: with them grows what a delivery costs.
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

    /// Warm-up and measured stretch, whole seconds: the scatter of the ages is over those of the window. Of
    /// short polling only the time of an exchange is asked.
    const fn lengths(self) -> [Duration; 2] {
        let warm_up = if self.subscribers < MANY { 1 } else { 2 };
        let measure = match self.pattern {
            Pattern::ShortPolling => 1,
            Pattern::LongPolling | Pattern::Sse | Pattern::WebSocket => 3,
        };
        [Duration::from_secs(warm_up), Duration::from_secs(measure)]
    }

    /// Events a second.
    fn rate_hz(self) -> f64 {
        RATE_HZ.min(BUSY / (f64::from(self.subscribers) * SLOW_DELIVERY_S))
    }
}

#[cfg(test)]
impl From<Pattern> for CalibrationKey {
    /// The pattern with nothing special and 200 subscribers.
    fn from(pattern: Pattern) -> Self {
        Self { pattern, transport: Transport::Http1, has_relay: false, subscribers: 200 }
    }
}

/// The calibration trial of all trials with the same key.
///
/// # Errors
/// Never in practice: its schedule is a constant that can be made.
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
        // A middlebox that only passes bytes on.
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

/// Reads the model's inputs off a calibration trial.
#[must_use]
pub fn calibrate(order: &TrialOrder, measured: &Measurements, cores: &Cores) -> Calibration {
    let (requests, pattern) = (&measured.requests, order.plan.pattern);
    // Polling pays per exchange, push per delivery.
    let units = match pattern {
        Pattern::ShortPolling | Pattern::LongPolling => requests.window,
        Pattern::Sse | Pattern::WebSocket => measured.window_received,
    }
    .max(1) as f64;
    let lateness_mean_us = measured.lateness.mean_us().unwrap_or(0.0);
    let (server_us, harness_us) = (measured.cpu.server_us / units, measured.cpu.harness_us / units);
    let subscribers = order.plan.settings.subscribers;
    let (pace_us, first_us) = match pattern {
        Pattern::ShortPolling => {
            let exchange_us = requests.exchange_sum_us / requests.exchanges.max(1) as f64;
            (cpu_pace_us(server_us, harness_us, cores), exchange_us + lateness_mean_us)
        }
        Pattern::LongPolling | Pattern::Sse | Pattern::WebSocket => {
            let ages = measured.age.arrived.histogram().unwrap_or_default();
            row(ROW.map(|quantile| ages.quantile_us(quantile) as f64), subscribers)
        }
    };
    Calibration {
        subscribers,
        server_us,
        harness_us,
        pace_us,
        transit_us: (first_us - lateness_mean_us).max(0.0),
        timer_late_us: timer_late_us(cores),
        lateness_mean_us,
        lateness_p99_us: measured.lateness.histogram().map_or(0, |late| late.quantile_us(0.99)) as f64,
        ages: calibrated_ages(measured),
    }
}

/// Slope of the ages along a row of subscribers, and the age at its first, from the ages at both ends of
/// [`ROW`]: the j-th of N has an event (j − 1) times the pace after the first.
fn row(ages_us: [f64; 2], subscribers: u32) -> (f64, f64) {
    let gaps = f64::from(subscribers.max(2) - 1);
    let pace_us = ((ages_us[1] - ages_us[0]) / ((ROW[1] - ROW[0]) * gaps)).max(0.0);
    (pace_us, (ages_us[0] - ROW[0] * gaps * pace_us).max(0.0))
}

/// The ages of the window, second by second.
fn calibrated_ages(measured: &Measurements) -> CalibratedAges {
    let window = &measured.window;
    let is_inside =
        |second: &&Second| window.contains(u64::from(second.second) * 1_000_000_000) && second.count > 0;
    let seconds: Vec<&Second> = measured.age_seconds.iter().filter(is_inside).collect();
    let scatter =
        |of: fn(&Second) -> f64| scatter(&seconds.iter().map(|second| of(second)).collect::<Vec<_>>());
    CalibratedAges {
        seconds: seconds.len() as u32,
        mean: scatter(|second| second.mean_us),
        p50: scatter(|second| second.p50_us as f64),
        p99: scatter(|second| second.p99_us as f64),
    }
}

/// Mean and sample standard deviation; the latter is 0 where there is but one value.
fn scatter(values: &[f64]) -> Scatter {
    let number = values.len().max(1) as f64;
    let mean_us = values.iter().sum::<f64>() / number;
    let squares = values.iter().map(|value| (value - mean_us).powi(2)).sum::<f64>();
    Scatter { mean_us, deviation_us: (squares / (number - 1.0).max(1.0)).sqrt() }
}

/// Time between two deliveries of a fan-out, by the CPU time that each takes.
fn cpu_pace_us(server_us: f64, harness_us: f64, cores: &Cores) -> f64 {
    match cores.harness.len() {
        // Both share one core.
        0 => server_us + harness_us,
        workers => server_us.max(harness_us / workers as f64),
    }
}

/// Mean by which a sleep of the subscribers' runtime ends late. tokio's timers tick once a
/// millisecond, so a turnaround of 20 ms is not 20 ms.
fn timer_late_us(cores: &Cores) -> f64 {
    let core = cores.harness.first().copied();
    let slept = thread::spawn(move || -> std::io::Result<f64> {
        if let Some(core) = core {
            bind_to_core(core);
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(runtime.block_on(async {
            let mut late = Duration::ZERO;
            for _ in 0..SLEEPS {
                let before = Instant::now();
                sleep(SLEEP).await;
                late += before.elapsed().saturating_sub(SLEEP);
            }
            late.as_secs_f64() * 1e6 / f64::from(SLEEPS)
        }))
    });
    // A machine that refuses a thread here will fail the trials with a better message.
    slept.join().ok().and_then(Result::ok).unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pace_is_that_of_the_slower_side_or_of_both_on_one_core() {
        let cores =
            |harness: &[u32]| Cores { server: None, harness: harness.to_vec(), relay: None, allowed: 4 };
        assert_eq!(cpu_pace_us(8.0, 12.0, &cores(&[])), 20.0);
        assert_eq!(cpu_pace_us(8.0, 12.0, &cores(&[1])), 12.0);
        assert_eq!(cpu_pace_us(8.0, 12.0, &cores(&[1, 2, 3])), 8.0);
    }

    #[test]
    fn a_rows_slope_and_its_beginning_are_found_again() {
        // 1,001 subscribers, 300 us to the first, 4 us from one to the next.
        let age_us = |quantile: f64| 300.0 + quantile * 1_000.0 * 4.0;
        let (pace_us, first_us) = row(ROW.map(age_us), 1_001);
        assert!((pace_us - 4.0).abs() < 1e-9 && (first_us - 300.0).abs() < 1e-9, "{pace_us} {first_us}");
        assert_eq!(row([500.0, 400.0], 100), (0.0, 500.0), "ages that do not rise have no pace");
    }

    #[test]
    fn scatter_is_that_of_a_sample() {
        assert_eq!(scatter(&[2.0, 4.0, 6.0]), Scatter { mean_us: 4.0, deviation_us: 2.0 });
        assert_eq!(scatter(&[7.0]), Scatter { mean_us: 7.0, deviation_us: 0.0 });
        assert_eq!(scatter(&[]), Scatter::default());
    }

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
