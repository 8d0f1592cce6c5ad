//! The gaps between events: the properties of the arrivals that a closed form needs.

use contract::Arrivals;

use crate::NotApplicable;

/// The gaps between burst starts are uniform around their mean, ±25 %.
const BURST_SPREAD: f64 = 0.25;

/// The distribution of the gaps between events. Times in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Gaps {
    /// Exponential: events independent of each other.
    Poisson {
        /// Mean events per second.
        rate_hz: f64,
    },
    /// All equal.
    Steady {
        /// The gap.
        period_s: f64,
    },
    /// Short within a burst, long between bursts.
    Bursts {
        /// Events in a burst.
        events: u32,
        /// Gap within a burst.
        spacing_s: f64,
        /// Mean time from the start of a burst to the start of the next.
        every_s: f64,
    },
}

impl Gaps {
    /// The gaps of the scenario's arrivals.
    ///
    /// # Errors
    /// For arrivals that have no closed form.
    pub fn of(arrivals: &Arrivals) -> Result<Self, NotApplicable> {
        let absent = |reason: &str| Err(NotApplicable(reason.to_owned()));
        match *arrivals {
            Arrivals::Poisson { rate_hz } => Ok(Self::Poisson { rate_hz }),
            Arrivals::Steady { rate_hz } => Ok(Self::Steady { period_s: 1.0 / rate_hz }),
            Arrivals::Bursts { burst_events, event_spacing, burst_every } => Ok(Self::Bursts {
                events: burst_events,
                spacing_s: event_spacing.as_secs_f64(),
                every_s: burst_every.as_secs_f64(),
            }),
            Arrivals::Silence => absent("there are no events to divide by"),
            Arrivals::Ramp { .. } => absent("the rate grows during the trial, so it has no single value"),
            Arrivals::Replay { .. } => absent("the times of a replayed file follow no formula"),
        }
    }

    /// Mean gap: the inverse of the rate.
    #[must_use]
    pub fn mean_s(self) -> f64 {
        match self {
            Self::Poisson { rate_hz } => 1.0 / rate_hz,
            Self::Steady { period_s } => period_s,
            Self::Bursts { events, every_s, .. } => every_s / f64::from(events),
        }
    }

    /// Mean number of events in a batch of `length_s`, counted from an event in it, that event included.
    #[must_use]
    pub fn mean_batch(self, length_s: f64) -> f64 {
        match self {
            Self::Poisson { rate_hz } => 1.0 + rate_hz * length_s,
            Self::Steady { period_s } => (length_s / period_s).max(1.0),
            Self::Bursts { events, spacing_s, .. } if spacing_s * f64::from(events) > length_s => {
                (length_s / spacing_s).max(1.0)
            }
            Self::Bursts { events, .. } => f64::from(events),
        }
    }

    /// Share of the gaps that are shorter than `length_s`.
    #[must_use]
    pub fn share_below(self, length_s: f64) -> f64 {
        let is_below = |gap_s: f64| if gap_s < length_s { 1.0 } else { 0.0 };
        match self {
            Self::Poisson { rate_hz } => -(-rate_hz * length_s).exp_m1(),
            Self::Steady { period_s } => is_below(period_s),
            Self::Bursts { events, spacing_s, every_s } => {
                let inner = f64::from(events) - 1.0;
                let (shortest_s, longest_s) = idle_gap_s(inner * spacing_s, every_s);
                let between = ((length_s - shortest_s) / (longest_s - shortest_s)).clamp(0.0, 1.0);
                (inner * is_below(spacing_s) + between) / f64::from(events)
            }
        }
    }

    /// E\[(gap − x)⁺\]: the mean rest of a gap after its first `length_s`.
    ///
    /// Divided by the mean gap it is the fraction of instants before which there was no event for `length_s`:
    /// the fraction of empty polls with that interval.
    #[must_use]
    pub fn mean_excess_s(self, length_s: f64) -> f64 {
        match self {
            Self::Poisson { rate_hz } => (-rate_hz * length_s).exp() / rate_hz,
            Self::Steady { period_s } => (period_s - length_s).max(0.0),
            Self::Bursts { events, spacing_s, every_s } => {
                let inner = f64::from(events) - 1.0;
                let (shortest_s, longest_s) = idle_gap_s(inner * spacing_s, every_s);
                let between_bursts_s = uniform_excess_s(shortest_s, longest_s, length_s);
                let within_s = inner * (spacing_s - length_s).max(0.0);
                (within_s + between_bursts_s) / f64::from(events)
            }
        }
    }
}

/// Shortest and longest time from the last event of a burst to the first of the next.
pub(crate) fn idle_gap_s(burst_s: f64, every_s: f64) -> (f64, f64) {
    (every_s * (1.0 - BURST_SPREAD) - burst_s, every_s * (1.0 + BURST_SPREAD) - burst_s)
}

/// E\[(U − x)⁺\] for U uniform between two lengths.
fn uniform_excess_s(shortest_s: f64, longest_s: f64, length_s: f64) -> f64 {
    if length_s <= shortest_s {
        (shortest_s + longest_s) / 2.0 - length_s
    } else {
        (longest_s - length_s).max(0.0).powi(2) / (2.0 * (longest_s - shortest_s))
    }
}

/// Mean number of instants `first_s`, `first_s + every_s`, … within a length that is uniform between
/// `shortest_s` and `longest_s`.
pub(crate) fn mean_ticks(shortest_s: f64, longest_s: f64, first_s: f64, every_s: f64) -> f64 {
    let chance = |tick_s: f64| {
        if tick_s < shortest_s { 1.0 } else { (longest_s - tick_s) / (longest_s - shortest_s) }
    };
    (0_u32..)
        .map(|tick| first_s + f64::from(tick) * every_s)
        .take_while(|&tick_s| tick_s < longest_s)
        .map(chance)
        .sum()
}
