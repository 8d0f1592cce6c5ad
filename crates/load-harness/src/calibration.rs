//! A short trial before the judged ones: what a delivery and an exchange cost on this machine, and
//! how late its timers are. Inputs of the model, never taken from the trial that is judged.

use std::{sync::Arc, thread, time::Duration};

use contract::{
    Arrivals, Calibration, Certificate, Client, Heartbeat, Measurements, Network, Pattern, Period,
    PublisherSeat, ServerName, Settings, Transport, TrialPlan,
};
use schedule::{Schedule, ScheduleError, bind_to_core};
use tokio::time::{Instant, sleep};

use crate::{Cores, TrialOrder};

/// Subscribers of a calibration trial.
pub const CALIBRATION_SUBSCRIBERS: u32 = 200;
/// Timers tried out, and how long they sleep.
const SLEEPS: u32 = 64;
const SLEEP: Duration = Duration::from_millis(7);

/// What one calibration speaks for: trials of a pattern that go the same way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CalibrationKey {
    /// The pattern.
    pub pattern: Pattern,
    /// What the server speaks.
    pub transport: Transport,
    /// Whether a middlebox lies between; what it costs is then part of the transit, its delay is not.
    pub has_relay: bool,
}

impl CalibrationKey {
    /// The calibration that a trial needs.
    #[must_use]
    pub const fn of(plan: &TrialPlan) -> Self {
        let TrialPlan { pattern, settings } = plan;
        Self { pattern: *pattern, transport: settings.transport, has_relay: settings.network.is_some() }
    }
}

impl From<Pattern> for CalibrationKey {
    /// The pattern with nothing special.
    fn from(pattern: Pattern) -> Self {
        Self { pattern, transport: Transport::Http1, has_relay: false }
    }
}

/// The calibration trial of all trials with the same key.
///
/// # Errors
/// Never in practice: its schedule is a constant that can be made.
pub fn calibration_order(key: CalibrationKey, seed: u64, order: u32) -> Result<TrialOrder, ScheduleError> {
    let events = Arrivals::Steady { rate_hz: 19.0 };
    let settings = Settings {
        subscribers: CALIBRATION_SUBSCRIBERS,
        payload_bytes: 100,
        poll_interval: Period::from_millis(97),
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
        warm_up: Period::from_millis(500),
        measure: Period::from_millis(1_500),
        drain: Period::from_millis(500),
        events: events.clone(),
    };
    let length = settings.schedule_length();
    Ok(TrialOrder {
        scenario: "calibration".to_owned(),
        schedule: Arc::new(Schedule::build(&events, None, seed, length, settings.payload_bytes)?),
        plan: TrialPlan { pattern: key.pattern, settings },
        replay_csv: None,
        order,
        notes: Vec::new(),
        block: 0,
        poll_phase: 0.0,
        calibration: None,
    })
}

/// Reads the model's inputs off a calibration trial.
#[must_use]
pub fn calibrate(order: &TrialOrder, measured: &Measurements, cores: &Cores) -> Calibration {
    let requests = &measured.requests;
    // Polling pays per exchange, push per delivery.
    let units = match order.plan.pattern {
        Pattern::ShortPolling | Pattern::LongPolling => requests.window,
        Pattern::Sse | Pattern::WebSocket => measured.window_deliveries,
    }
    .max(1) as f64;
    let lateness_mean_us = measured.lateness.mean_us().unwrap_or(0.0);
    let fastest_us = measured.age.arrived.histogram().map_or(0, |ages| ages.quantile_us(0.01)) as f64;
    let transit_us = match order.plan.pattern {
        Pattern::ShortPolling => requests.exchange_sum_us / requests.exchanges.max(1) as f64,
        Pattern::LongPolling | Pattern::Sse | Pattern::WebSocket => (fastest_us - lateness_mean_us).max(0.0),
    };
    let (server_us, harness_us) = (measured.cpu.server_us / units, measured.cpu.harness_us / units);
    Calibration {
        subscribers: order.plan.settings.subscribers,
        server_us,
        harness_us,
        pace_us: pace_us(server_us, harness_us, cores),
        transit_us,
        timer_late_us: timer_late_us(cores),
        lateness_mean_us,
        lateness_p99_us: measured.lateness.histogram().map_or(0, |late| late.quantile_us(0.99)) as f64,
    }
}

/// Time between two deliveries of a fan-out.
fn pace_us(server_us: f64, harness_us: f64, cores: &Cores) -> f64 {
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
        assert_eq!(pace_us(8.0, 12.0, &cores(&[])), 20.0);
        assert_eq!(pace_us(8.0, 12.0, &cores(&[1])), 12.0);
        assert_eq!(pace_us(8.0, 12.0, &cores(&[1, 2, 3])), 8.0);
    }
}
