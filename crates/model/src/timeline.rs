//! The published schedule in the units and columns that a replay needs.

use std::ops::Range;

use contract::{Calibration, PublishedSchedule};

use crate::{Inputs, NotApplicable, bytes, bytes::EventText};

/// Delays and costs of the machine, in seconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Delays {
    /// From due to published.
    pub(crate) lateness_s: f64,
    /// From published to received if nothing queues; for short polling the time of an exchange.
    pub(crate) transit_s: f64,
    /// Lateness of a subscriber's timer.
    pub(crate) timer_late_s: f64,
    /// Time between two deliveries of a fan-out, or between two exchanges.
    pub(crate) service_s: f64,
}

impl From<Calibration> for Delays {
    fn from(calibration: Calibration) -> Self {
        Self {
            lateness_s: calibration.lateness_mean_us * 1e-6,
            transit_s: calibration.transit_us * 1e-6,
            timer_late_s: calibration.timer_late_us * 1e-6,
            service_s: calibration.pace_us * 1e-6,
        }
    }
}

/// Due and published instants in seconds of the schedule, and the window.
pub(crate) struct Timeline<'a> {
    schedule: &'a PublishedSchedule,
    pub(crate) due_s: Vec<f64>,
    pub(crate) published_s: Vec<f64>,
    /// The events that are due in the window.
    pub(crate) counted: Range<usize>,
    pub(crate) window_s: Range<f64>,
}

impl<'a> Timeline<'a> {
    pub(crate) fn new(inputs: &Inputs<'a>) -> Self {
        let schedule = inputs.schedule;
        let due_s: Vec<f64> = schedule.due_ns.iter().map(|&ns| ns as f64 * 1e-9).collect();
        let lateness_s = Delays::from(inputs.calibration).lateness_s;
        Self {
            schedule,
            published_s: due_s.iter().map(|due_s| due_s + lateness_s).collect(),
            due_s,
            counted: inputs.counted(),
            window_s: inputs.window.start_ns as f64 * 1e-9..inputs.window.end_ns as f64 * 1e-9,
        }
    }

    pub(crate) fn events(&self) -> usize {
        self.due_s.len()
    }

    pub(crate) fn text(&self, event: usize) -> EventText {
        EventText {
            data: self.schedule.data_bytes[event] as usize,
            type_name: self.schedule.type_bytes[event] as usize,
            escape: self.schedule.escape_bytes[event] as usize,
            lines: self.schedule.lines[event] as usize,
        }
    }

    /// Bytes of the cursor after the first `events` events, on a new server.
    pub(crate) fn cursor_after(events: usize) -> usize {
        bytes::cursor(events as u64)
    }

    /// Number of events published no later than `instant_s`, known to be at least `from`.
    pub(crate) fn published_by(&self, instant_s: f64, from: usize) -> usize {
        let later = &self.published_s[from..];
        from + later.iter().take_while(|&&published_s| published_s <= instant_s).count()
    }
}

/// The deliveries that arrive within the window: the divisor of all costs of the window.
///
/// # Errors
/// If there are none.
pub(crate) fn arrived(deliveries: f64) -> Result<f64, NotApplicable> {
    if deliveries > 0.0 {
        return Ok(deliveries);
    }
    Err(NotApplicable("no event arrives within the window: there is nothing to divide by".to_owned()))
}
