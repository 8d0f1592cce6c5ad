//! The rate up to which a server keeps ages short, from a rate that grows second by second.
//!
//! The knee is the last second whose deliveries kept their age within a bound before ages stayed above it. The
//! deliveries due in that second are the saturation. They are the offered ones, not the delivered ones, because
//! a server beyond its knee still delivers, but later and later.

use contract::{CpuSecond, Measurements, Second};

use crate::{
    statistics::reading::{Bound, Reading},
    text::number::{three_digits, with_unit},
};

/// A second is kept while its 99th percentile of age stays within this.
pub(crate) const AGE_BOUND_MS: f64 = 100.0;

/// Seconds beyond the bound at the end that make a knee: a single one may be chance.
const FEWEST_BEYOND: usize = 2;

/// From this share of its cores the harness is full.
const HARNESS_FULL: f64 = 0.95;

/// From this share of a core in one second the server is full. The average of a whole trial has a limit of its own.
const SERVER_FULL_FOR_A_SECOND: f64 = 0.9;

/// Seconds, the knee's the last, over which CPU per delivery is taken.
const SECONDS_BEFORE: u32 = 3;

/// Seconds after the knee in which a CPU may still become full and count as the cause.
const SECONDS_AFTER: u32 = 2;

/// What ended the climb.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// The server's own knee: its core was full.
    Knee,
    /// The ramp ended before ages stayed above the bound.
    RampEnded,
    /// The harness's CPU was full before the server's.
    HarnessFull,
    /// Ages grew, and no CPU was seen full: something else was the limit.
    NeitherFull,
}

/// The result of a trial with a growing rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Saturation {
    /// The last second of the schedule that kept the bound.
    pub(crate) second: u32,
    /// Deliveries due in it.
    pub(crate) deliveries_per_s: f64,
    /// What ended the climb.
    pub(crate) end: End,
    /// Server CPU per delivery in the last seconds up to it; none if CPU by second is unknown.
    pub(crate) cpu_us_per_event: Option<f64>,
}

impl Saturation {
    /// None if the rate did not grow, or if no second kept the bound.
    pub(crate) fn of(measurements: &Measurements) -> Option<Self> {
        if !rate_grew(measurements) {
            return None;
        }
        let seconds: Vec<&Second> =
            measurements.age_seconds.iter().filter(|second| offered(second) > 0.0).collect();
        // After the first loss no second counts, however young its deliveries are.
        let lossless = seconds.iter().take_while(|second| second.censored == 0).count();
        let last = seconds[..lossless].iter().rposition(|second| is_kept(second))?;
        let knee = seconds[last];
        let beyond = seconds.len() - last - 1;
        let ended_by_loss = lossless < seconds.len();
        let full = first_full(measurements, knee.second);
        let end = if full == Some(Side::Harness) {
            End::HarnessFull
        } else if !ended_by_loss && beyond < FEWEST_BEYOND {
            End::RampEnded
        } else if full == Some(Side::Server) {
            End::Knee
        } else {
            End::NeitherFull
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
            End::RampEnded | End::HarnessFull | End::NeitherFull => Bound::AtLeast,
        };
        Reading { value: self.deliveries_per_s, bound }
    }
}

/// Whether the rate of a trial grew: only then is CPU recorded by second.
pub(crate) const fn rate_grew(measurements: &Measurements) -> bool {
    !measurements.cpu_seconds.is_empty()
}

/// What ended the climbs of several blocks: of different ends the one that says least about the server.
pub(crate) fn worst_end<'a>(trials: impl Iterator<Item = &'a Measurements>) -> Option<End> {
    let ends: Vec<End> = trials.filter_map(|trial| Some(Saturation::of(trial)?.end)).collect();
    [End::HarnessFull, End::NeitherFull, End::RampEnded, End::Knee].into_iter().find(|end| ends.contains(end))
}

/// Why a saturation is only a lower bound.
pub(crate) fn bound_words<'a>(trials: impl Iterator<Item = &'a Measurements>) -> &'static str {
    match worst_end(trials) {
        Some(End::HarnessFull) => "the harness's CPU was full before the server's",
        Some(End::NeitherFull) => "ages grew, and neither the server's core nor the harness's was seen full",
        Some(End::RampEnded | End::Knee) | None => {
            "the rate stopped growing before ages stayed above their bound"
        }
    }
}

/// Why a point has no saturation although some of its blocks may have one: the mean of those would be too
/// high.
pub(crate) fn missing_words<'a>(trials: impl Iterator<Item = &'a Measurements>) -> Option<String> {
    let found: Vec<Option<Saturation>> =
        trials.filter(|trial| rate_grew(trial)).map(Saturation::of).collect();
    let (without, all) = (found.iter().filter(|found| found.is_none()).count(), found.len());
    let blocks = if all > 1 { format!("in {without} of {all} blocks ") } else { String::new() };
    let others = if without < all { "; a mean of the other blocks would be too high" } else { "" };
    (without > 0).then(|| {
        format!(
            "no value: {blocks}no second had an age at p99 within {} before a delivery was lost{others}",
            with_unit(AGE_BOUND_MS, "ms")
        )
    })
}

/// Warnings about a trial whose rate grew.
pub(crate) fn saturation_warnings(of: &Measurements) -> Vec<String> {
    if !rate_grew(of) {
        return Vec::new();
    }
    match Saturation::of(of) {
        None => vec![format!(
            "no saturation: no second had an age at p99 within {} before a delivery was lost",
            with_unit(AGE_BOUND_MS, "ms")
        )],
        Some(found) if found.end == End::HarnessFull => vec![format!(
            "the harness's CPU was full before the server's, at about {} deliveries/s: the saturation is the harness's",
            three_digits(found.deliveries_per_s)
        )],
        Some(found) if found.end == End::NeitherFull => vec![format!(
            "ages grew beyond about {} deliveries/s, and neither the server's core nor the harness's was seen full: the saturation is a lower bound",
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

/// The side whose CPU is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Server,
    Harness,
}

/// The side whose CPU was full first, up to the knee and just after it; the server if both were at once.
fn first_full(measurements: &Measurements, knee: u32) -> Option<Side> {
    let first = |is_full: fn((f64, f64)) -> bool| {
        measurements
            .cpu_seconds
            .iter()
            .filter(|second| second.second <= knee + SECONDS_AFTER)
            .find(|second| shares(measurements, second).is_some_and(is_full))
            .map(|second| second.second)
    };
    let harness = first(|(_, harness)| harness > HARNESS_FULL);
    let server = first(|(server, _)| server >= SERVER_FULL_FOR_A_SECOND);
    match (server, harness) {
        (server, Some(harness)) if server.is_none_or(|server| harness < server) => Some(Side::Harness),
        (Some(_), _) => Some(Side::Server),
        (None, _) => None,
    }
}

fn cpu_before(measurements: &Measurements, knee: u32) -> Option<f64> {
    let near = |second: u32| second <= knee && second + SECONDS_BEFORE > knee;
    let mut server_us = 0.0;
    let mut deliveries = 0.0;
    for cpu in measurements.cpu_seconds.iter().filter(|cpu| near(cpu.second) && cpu.wall_us > 0.0) {
        let due = measurements.age_seconds.iter().find(|second| second.second == cpu.second)?;
        // The readings are nearly a second apart, the deliveries are those of a whole second.
        server_us += cpu.server_us / cpu.wall_us * 1e6;
        deliveries += offered(due);
    }
    (deliveries > 0.0).then(|| server_us / deliveries)
}
