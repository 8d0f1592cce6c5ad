//! One trial to run: its settings, and its position in the run.

use std::sync::Arc;

use contract::{Calibration, Params, TrialPlan, Warning, Window};
use schedule::Schedule;

/// One trial to run.
#[derive(Debug, Clone)]
pub struct TrialSpec {
    /// Name of the scenario.
    pub scenario: String,
    /// The pattern and its settings.
    pub plan: TrialPlan,
    /// The schedule to publish.
    pub schedule: Arc<Schedule>,
    /// The CSV text of a replayed schedule.
    pub replay_csv: Option<String>,
    /// Position in the run.
    pub order: u32,
    /// Block of its scenario, from 1; 0 for a calibration.
    pub block: u32,
    /// Number of the attempt, from 1.
    pub attempt: u32,
    /// Seeded start of the golden-ratio poll phases, in `[0, 1)`; different in every block.
    pub poll_phase: f64,
    /// Warnings about its settings, for its record.
    pub warnings: Vec<Warning>,
    /// The result of the calibration with the same key.
    pub calibration: Option<Calibration>,
}

impl TrialSpec {
    /// The first attempt at a trial of the first block, without calibration and warnings.
    #[must_use]
    pub fn new(scenario: &str, plan: TrialPlan, schedule: Schedule) -> Self {
        Self {
            scenario: scenario.to_owned(),
            plan,
            schedule: Arc::new(schedule),
            replay_csv: None,
            order: 0,
            block: 1,
            attempt: 1,
            poll_phase: 0.0,
            warnings: Vec::new(),
            calibration: None,
        }
    }

    /// The measured part of the schedule.
    #[must_use]
    pub fn window(&self) -> Window {
        let settings = &self.plan.settings;
        let start_ns = settings.warm_up.as_nanos() as u64;
        Window { start_ns, end_ns: start_ns + settings.measure.as_nanos() as u64 }
    }

    /// Events due in the window.
    pub(crate) fn window_events(&self) -> u64 {
        let window = self.window();
        self.schedule.events().iter().filter(|event| window.contains(event.due_ns)).count() as u64
    }

    /// The settings as numbers, with the rate and the mean text length of the window's events.
    #[must_use]
    pub fn params(&self) -> Params {
        let (window, columns) = (self.window(), self.schedule.published());
        let counted = columns.due_ns.iter().zip(&columns.data_bytes);
        let texts: Vec<u64> = counted
            .filter(|(due_ns, _)| window.contains(**due_ns))
            .map(|(_, bytes)| u64::from(*bytes))
            .collect();
        let mean = match texts.len() as u64 {
            0 => self.plan.settings.payload_bytes,
            events => ((texts.iter().sum::<u64>() + events / 2) / events) as u32,
        };
        self.plan.settings.params(self.plan.pattern, texts.len() as f64 / window.seconds(), mean)
    }
}
