//! One trial of a point, and the attempts before it that the machine disturbed.

use contract::{BrowserFindings, Calibration, Environment, Measurements};

use crate::{
    quantities::{QuantityName, Reading, ages::AgeView},
    text::sentence::further,
    trials::added_age::AddedAge,
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
    /// The results of a browser, if that was the trial.
    pub watched: Option<BrowserFindings>,
    /// Why it was not run; none if it was.
    pub not_run: Option<String>,
    /// Its reading of each quantity, in the order of [`QuantityName::ALL`]; empty if it failed.
    pub(crate) readings: Vec<Option<Reading>>,
    /// Its ages.
    pub(crate) ages: AgeView,
}

impl SetAside {
    /// Says that it was repeated, and why.
    pub(crate) fn sentence(&self) -> String {
        let Self { block, attempt, reasons } = self;
        format!(
            "block {block} was run again after attempt {attempt}, which the machine disturbed{}",
            further(reasons)
        )
    }
}

impl Trial {
    /// Its reading of a quantity.
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
