//! The cost of a delivery and of an exchange on this machine, and the lateness of its timers, measured in a
//! short trial before the judged ones. They are inputs of the model, never taken from the trial that is judged.

use std::{thread, time::Duration};

use contract::{CalibratedAges, Calibration, Measurements, Scatter, Second};
use schedule::bind_to_core;
use tokio::time::{Instant, sleep};

use crate::{data::trial_spec::TrialSpec, system::environment::Cores};

/// The quantiles between which the slope of a row is measured: outliers are outside of them.
const ROW: [f64; 2] = [0.1, 0.9];
/// Number of measured timers, and how long they sleep.
const SLEEPS: u32 = 64;
const SLEEP: Duration = Duration::from_millis(7);

/// Computes the model's inputs from a calibration trial.
#[must_use]
pub fn calibrate(order: &TrialSpec, measured: &Measurements, cores: &Cores) -> Calibration {
    let (requests, pattern) = (&measured.requests, order.plan.pattern);
    // Polling costs CPU per exchange, push per delivery.
    let units = if pattern.polls() { requests.window } else { measured.window_received }.max(1) as f64;
    let lateness_mean_us = measured.lateness.mean_us().unwrap_or(0.0);
    let (server_us, harness_us) = (measured.cpu.server_us / units, measured.cpu.harness_us / units);
    let subscribers = order.plan.settings.subscribers;
    let (pace_us, first_us) = if pattern.is_timed() {
        let exchange_us = requests.exchange_sum_us / requests.exchanges.max(1) as f64;
        (cpu_pace_us(server_us, harness_us, cores), exchange_us + lateness_mean_us)
    } else {
        let ages = measured.age.arrived.histogram().unwrap_or_default();
        row(ROW.map(|quantile| ages.quantile_us(quantile) as f64), subscribers)
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

/// Slope of the ages along a row of subscribers (the pace), and the age at the first one, from the ages at both
/// ends of [`ROW`]: the j-th of N subscribers has an event (j − 1) times the pace after the first.
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

/// Mean and sample standard deviation; the latter is 0 for a single value.
fn scatter(values: &[f64]) -> Scatter {
    let number = values.len().max(1) as f64;
    let mean_us = values.iter().sum::<f64>() / number;
    let squares = values.iter().map(|value| (value - mean_us).powi(2)).sum::<f64>();
    Scatter { mean_us, deviation_us: (squares / (number - 1.0).max(1.0)).sqrt() }
}

/// Time between two deliveries of a fan-out, from the CPU time of each.
fn cpu_pace_us(server_us: f64, harness_us: f64, cores: &Cores) -> f64 {
    match cores.harness.len() {
        // Server and harness share one core.
        0 => server_us + harness_us,
        workers => server_us.max(harness_us / workers as f64),
    }
}

/// Mean lateness of a sleep in the subscribers' runtime. tokio's timers tick once a millisecond, so a
/// turnaround of 20 ms takes longer than 20 ms.
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
    // If the system refuses this thread, the trials fail with a better message.
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
}
