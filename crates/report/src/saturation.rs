//! Up to which rate a server keeps ages short, from a rate that grows second by second.
//!
//! The knee is the last second whose deliveries kept their age within a bound before they exceeded it
//! for good. What was due in it is the saturation: offered deliveries, not delivered ones, for a
//! server beyond its knee goes on delivering, only ever later.

use contract::{CpuSecond, Measurements, Second};

use crate::{
    measured::Reading,
    number::{three_digits, with_unit},
    quantity::Bound,
};

/// A second is kept while its 99th percentile of age stays within this.
pub(crate) const AGE_BOUND_MS: f64 = 100.0;

/// Seconds beyond the bound at the end that make a knee: a single one may be a hiccup.
const FEWEST_BEYOND: usize = 2;

/// Share of its cores from which on the harness is full.
const HARNESS_FULL: f64 = 0.95;

/// Share of a core from which on the server is full.
const SERVER_FULL: f64 = 0.9;

/// Seconds, the knee's the last, over which CPU per delivery is taken.
const SECONDS_BEFORE: u32 = 3;

/// Seconds after the knee in which somebody's CPU may still become full: what made ages grow has.
const SECONDS_AFTER: u32 = 2;

/// What ended the climb.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// The server's own knee, as far as is known.
    Knee,
    /// The rate grew no further, and ages had not exceeded the bound for good.
    RampEnded,
    /// The harness's CPU was full before the server's.
    HarnessFull,
}

/// What a trial with a growing rate says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Saturation {
    /// Second of the schedule that was kept last.
    pub(crate) second: u32,
    /// Deliveries due in it.
    pub(crate) deliveries_per_s: f64,
    /// What ended the climb.
    pub(crate) end: End,
    /// Server CPU per delivery in the last seconds up to it; none where CPU by second was not told.
    pub(crate) cpu_us_per_event: Option<f64>,
}

impl Saturation {
    /// None where the rate was not ramped, and where no second was kept.
    pub(crate) fn of(measurements: &Measurements) -> Option<Self> {
        // CPU by second is recorded only where the rate is ramped.
        if measurements.cpu_seconds.is_empty() {
            return None;
        }
        let seconds: Vec<&Second> =
            measurements.age_seconds.iter().filter(|second| offered(second) > 0.0).collect();
        // From the first loss on nothing is kept, however young the others are.
        let lossless = seconds.iter().take_while(|second| second.censored == 0).count();
        let last = seconds[..lossless].iter().rposition(|second| is_kept(second))?;
        let knee = seconds[last];
        let beyond = seconds.len() - last - 1;
        let ended_by_loss = lossless < seconds.len();
        let end = if harness_first(measurements, knee.second) {
            End::HarnessFull
        } else if ended_by_loss || beyond >= FEWEST_BEYOND {
            End::Knee
        } else {
            End::RampEnded
        };
        Some(Self {
            second: knee.second,
            deliveries_per_s: offered(knee),
            end,
            cpu_us_per_event: cpu_before(measurements, knee.second),
        })
    }

    pub(crate) const fn reading(&self) -> Reading {
        let bound = match self.end {
            End::Knee => Bound::Exact,
            End::RampEnded | End::HarnessFull => Bound::AtLeast,
        };
        Reading { value: self.deliveries_per_s, bound }
    }
}

/// Why a saturation is only a lower bound.
pub(crate) fn bound_words<'a>(mut trials: impl Iterator<Item = &'a Measurements>) -> String {
    if trials.any(|trial| Saturation::of(trial).is_some_and(|found| found.end == End::HarnessFull)) {
        "a lower bound: the harness's CPU was full before the server's".to_owned()
    } else {
        "a lower bound: the rate grew no further, and ages had not exceeded their bound for good".to_owned()
    }
}

/// What a reader has to know of a trial whose rate grew.
pub(crate) fn saturation_warnings(of: &Measurements) -> Vec<String> {
    if of.cpu_seconds.is_empty() {
        return Vec::new();
    }
    match Saturation::of(of) {
        None => vec![format!(
            "no saturation: not one second kept its age at p99 within {} before a delivery was lost",
            with_unit(AGE_BOUND_MS, "ms")
        )],
        Some(found) if found.end == End::HarnessFull => vec![format!(
            "the harness's CPU was full before the server's, at about {} deliveries/s: the saturation is the harness's",
            three_digits(found.deliveries_per_s)
        )],
        Some(_) => Vec::new(),
    }
}

/// Deliveries due in a second: events × subscribers.
pub(crate) fn offered(second: &Second) -> f64 {
    (second.count + second.censored) as f64
}

fn is_kept(second: &Second) -> bool {
    second.p99_us as f64 * 1e-3 <= AGE_BOUND_MS
}

/// Shares of the CPU of a second: the server's of one core, the harness's of all of its cores.
pub(crate) fn shares(measurements: &Measurements, second: &CpuSecond) -> Option<(f64, f64)> {
    let cores = f64::from(measurements.workers.max(1));
    (second.wall_us > 0.0)
        .then(|| (second.server_us / second.wall_us, second.harness_us / second.wall_us / cores))
}

/// Whether the harness was full around the knee, and the server not yet when it became so.
fn harness_first(measurements: &Measurements, knee: u32) -> bool {
    let first = |is_full: fn((f64, f64)) -> bool| {
        measurements
            .cpu_seconds
            .iter()
            .filter(|second| second.second <= knee + SECONDS_AFTER)
            .find(|second| shares(measurements, second).is_some_and(is_full))
            .map(|second| second.second)
    };
    let harness = first(|(_, harness)| harness > HARNESS_FULL);
    let server = first(|(server, _)| server >= SERVER_FULL);
    harness.is_some_and(|harness| server.is_none_or(|server| harness < server))
}

fn cpu_before(measurements: &Measurements, knee: u32) -> Option<f64> {
    let near = |second: u32| second <= knee && second + SECONDS_BEFORE > knee;
    let mut server_us = 0.0;
    let mut deliveries = 0.0;
    for cpu in measurements.cpu_seconds.iter().filter(|cpu| near(cpu.second) && cpu.wall_us > 0.0) {
        let due = measurements.age_seconds.iter().find(|second| second.second == cpu.second)?;
        // The readings lie nearly a second apart; what was due lies a whole one apart.
        server_us += cpu.server_us / cpu.wall_us * 1e6;
        deliveries += offered(due);
    }
    (deliveries > 0.0).then(|| server_us / deliveries)
}
