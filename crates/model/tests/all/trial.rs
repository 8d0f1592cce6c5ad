//! A trial to predict, which owns everything that `Inputs` borrows.

use contract::{Arrivals, Calibration, Params, PublishedSchedule, Window};
use model::Inputs;

#[derive(Debug)]
pub(crate) struct Trial {
    pub(crate) params: Params,
    pub(crate) arrivals: Arrivals,
    pub(crate) schedule: PublishedSchedule,
    pub(crate) window: Window,
    pub(crate) poll_phase: f64,
    pub(crate) calibration: Calibration,
}

impl Trial {
    /// Events of `data_bytes` each, due at these milliseconds; the window begins at
    /// `warm_up_ms` and ends with the schedule.
    pub(crate) fn new(due_ms: &[f64], data_bytes: u32, warm_up_ms: f64, length_ms: f64) -> Self {
        let ns = |ms: f64| (ms * 1e6).round() as u64;
        let events = due_ms.len();
        Self {
            params: Params {
                poll_interval_ms: Some(1_000.0),
                hold_ms: Some(1_000.0),
                turnaround_ms: Some(20.0),
                keep_alive: Some(true),
                ..Params::of(2, data_bytes, events as f64 / length_ms * 1e3)
            },
            arrivals: Arrivals::Replay { file: "by-hand.csv".to_owned() },
            schedule: PublishedSchedule {
                hash: String::new(),
                length_ns: ns(length_ms),
                due_ns: due_ms.iter().map(|&ms| ns(ms)).collect(),
                data_bytes: vec![data_bytes; events],
                type_bytes: vec![0; events],
                escape_bytes: vec![0; events],
                lines: vec![1; events],
            },
            window: Window { start_ns: ns(warm_up_ms), end_ns: ns(length_ms) },
            poll_phase: 0.25,
            calibration: Calibration::default(),
        }
    }

    pub(crate) fn inputs(&self) -> Inputs<'_> {
        Inputs {
            params: &self.params,
            arrivals: &self.arrivals,
            schedule: &self.schedule,
            window: self.window,
            poll_phase: self.poll_phase,
            calibration: self.calibration,
        }
    }
}

/// Asserts that two numbers differ by no more than `tolerance` of the second.
#[track_caller]
pub(crate) fn assert_within(tolerance: f64, what: &str, found: f64, expected: f64) {
    assert!(
        (found - expected).abs() <= tolerance * expected.abs().max(1e-12),
        "{what}: {found} instead of {expected}, off by {:.3} %",
        (found / expected - 1.0) * 100.0
    );
}
