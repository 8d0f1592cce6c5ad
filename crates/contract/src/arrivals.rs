//! When the events of a schedule are due, as a scenario file defines it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Period;

/// When events are due.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "arrivals", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Arrivals {
    /// Evenly spaced, the first half a period after the start.
    Steady {
        /// Events per second.
        rate_hz: f64,
    },
    /// Independent of each other, with exponential gaps.
    Poisson {
        /// Mean events per second.
        rate_hz: f64,
    },
    /// Groups of events close together, with idle gaps between the groups.
    Bursts {
        /// Events in a burst.
        burst_events: u32,
        /// Time between two events of a burst.
        event_spacing: Period,
        /// Mean time between the starts of two bursts; the gaps are drawn uniformly within ±25 %.
        burst_every: Period,
    },
    /// The rate grows by the same factor every second, from the schedule's start to its end.
    Ramp {
        /// Events per second at the start.
        from_hz: f64,
        /// Events per second at the end.
        to_hz: f64,
    },
    /// No events at all.
    Silence,
    /// Events of a CSV file with the columns `offset_ms,type,data`.
    Replay {
        /// Name of the file, in the folder of the scenario's file.
        file: String,
    },
}
