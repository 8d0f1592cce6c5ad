//! One trial of a point, and the attempts before it that the machine disturbed.

use contract::{BrowserFindings, Calibration, Environment, Measurements, Outcome, Scenario, TrialRecord};

use crate::{
    added_age::{AddedAge, judged_age},
    ages::AgeView,
    limits::disturbances,
    measured::{Reading, reading},
    quantity::QuantityName,
    validity::sockets_are_told,
};

/// One trial of a point.
#[derive(Debug, Clone)]
pub struct Trial {
    /// Position in the order of the run.
    pub order: u32,
    /// Which block of its scenario it belongs to, from 1.
    pub block: u32,
    /// When it began, RFC 3339 in UTC.
    pub started_at: String,
    /// Hash of its schedule.
    pub schedule_hash: String,
    /// Where it was measured.
    pub environment: Environment,
    /// What the calibration trial of its pattern found.
    pub calibration: Option<Calibration>,
    /// What the instrument may have added to the age that the question is about; none without ages.
    pub added: Option<AddedAge>,
    /// What it measured; none if it failed, was not run, or was a browser's task.
    pub measurements: Option<Measurements>,
    /// What a browser brought to light, if that was the trial.
    pub watched: Option<BrowserFindings>,
    /// Why it was not run; none if it was.
    pub not_run: Option<String>,
    /// What it says about each quantity, in the order of [`QuantityName::ALL`]; empty if it failed.
    pub(crate) readings: Vec<Option<Reading>>,
    /// Its ages.
    pub(crate) ages: AgeView,
}

impl SetAside {
    /// That it was repeated, and why.
    pub(crate) fn sentence(&self) -> String {
        let Self { block, attempt, reasons } = self;
        format!(
            "block {block} was run again after attempt {attempt}, which the machine disturbed: {}",
            reasons.join("; ")
        )
    }
}

impl Trial {
    /// What it says about a quantity.
    pub(crate) fn reading(&self, name: QuantityName) -> Option<Reading> {
        self.readings.get(name as usize).copied().flatten()
    }
}

/// An attempt that the machine disturbed, and that was therefore run again at the end of its block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAside {
    /// Which block of its scenario it belongs to, from 1.
    pub block: u32,
    /// Which attempt it was, from 1.
    pub attempt: u32,
    /// What disturbed it, in words.
    pub reasons: Vec<String>,
}

pub(crate) fn set_aside(record: &TrialRecord, scenario: &Scenario) -> SetAside {
    SetAside {
        block: record.block,
        attempt: record.attempt,
        reasons: record.measurements().map_or_else(Vec::new, |of| disturbances(of, scenario)),
    }
}

pub(crate) fn trial(record: &TrialRecord, scenario: &Scenario) -> Trial {
    let ages = AgeView::merged(record.measurements().into_iter());
    let readings = record.measurements().map_or_else(Vec::new, |measurements| {
        let told = |name| name != QuantityName::SocketsHeld || sockets_are_told(record, measurements);
        let of = |name| reading(name, &record.params, measurements, &ages).filter(|_| told(name));
        QuantityName::ALL.into_iter().map(of).collect()
    });
    Trial {
        order: record.order,
        block: record.block,
        started_at: record.started_at.clone(),
        schedule_hash: record.schedule_hash.clone(),
        environment: record.environment.clone(),
        calibration: record.calibration,
        added: record.measurements().and_then(|of| AddedAge::of(judged_age(scenario), of)),
        measurements: record.measurements().cloned(),
        watched: record.browser_findings().cloned(),
        not_run: not_run(record).map(str::to_owned),
        readings,
        ages,
    }
}

/// Why a trial was not run.
fn not_run(record: &TrialRecord) -> Option<&str> {
    match &record.outcome {
        Outcome::NotRun { reason } => Some(reason),
        Outcome::Completed { .. } | Outcome::Failed { .. } | Outcome::Watched { .. } => None,
    }
}
