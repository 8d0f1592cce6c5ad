//! A point: one pattern with one set of settings in one scenario, and the results of its trials.

use std::collections::{BTreeMap, BTreeSet};

use contract::{BrowserFindings, Delivery, Measurements, Params, Pattern, ServerName};
use model::Predicted;

use super::trial::{SetAside, Trial};
use crate::{
    quantities::{Bound, Quantity, QuantityName, Reading, ages::AgeView, saturation::bound_words},
    text::{
        number::counted,
        setting,
        swept::{SweepParameter, SweptValue, Topic},
    },
};

/// A percentile needs this many deliveries beyond it, or a few late ones decide it.
pub(crate) const SAMPLES_BEYOND: f64 = 10.0;

/// One pattern at one setting of one scenario.
#[derive(Debug, Clone)]
pub struct Point {
    /// Name of the scenario.
    pub scenario: String,
    /// Which pattern.
    pub pattern: Pattern,
    /// Its settings.
    pub params: Params,
    /// Which server.
    pub server: ServerName,
    /// All trials, failed ones too, in the order of the run; of several attempts the last.
    pub trials: Vec<Trial>,
    /// The attempts before these.
    pub set_aside: Vec<SetAside>,
    /// Whether every trial completed, delivered everything once and in order, its ledgers agree and it
    /// kept to the scenario's limits.
    pub valid: bool,
    /// Why not, in words; empty if it is valid. They open the warnings too.
    pub invalid_because: Vec<String>,
    /// Warnings, in words.
    pub warnings: Vec<String>,
    /// Sum over the completed trials.
    pub delivery: Delivery,
    /// Every quantity, in the order of [`QuantityName::ALL`].
    pub quantities: Vec<Quantity>,
    /// Both predictions, for the first completed trial's schedule.
    pub predicted: Option<Predicted>,
    /// What the scenario varies, if that concerns the pattern.
    pub(crate) swept: Option<SweepParameter>,
    /// Bytes per event at other poll intervals by the closed form; empty except for short polling.
    pub(crate) bytes_by_interval: Vec<(f64, f64)>,
    pub(crate) ages: AgeView,
}

impl Point {
    /// Trials that ran to their end.
    pub fn completed(&self) -> impl Iterator<Item = &Measurements> {
        self.trials.iter().filter_map(|trial| trial.measurements.as_ref())
    }

    /// Different blocks with a completed trial.
    #[must_use]
    pub fn blocks(&self) -> usize {
        let completed = self.trials.iter().filter(|trial| trial.measurements.is_some());
        completed.map(|trial| trial.block).collect::<BTreeSet<u32>>().len()
    }

    /// Why none of its trials was run; none if one was.
    #[must_use]
    pub fn not_run(&self) -> Option<&str> {
        let first = self.trials.first()?.not_run.as_deref()?;
        self.trials.iter().all(|trial| trial.not_run.is_some()).then_some(first)
    }

    /// The results of a browser in its trials.
    pub fn watched(&self) -> impl Iterator<Item = &BrowserFindings> {
        self.trials.iter().filter_map(|trial| trial.watched.as_ref())
    }

    /// Largest clock error of a browser that measured the ages, in milliseconds; none without a browser.
    #[must_use]
    pub fn clock_bound_ms(&self) -> Option<f64> {
        let bounds = self.completed().filter_map(|of| Some(of.browser_clock.as_ref()?.bound_us * 1e-3));
        bounds.reduce(f64::max)
    }

    /// One quantity of the point.
    #[must_use]
    pub fn quantity_of(&self, name: QuantityName) -> &Quantity {
        &self.quantities[name as usize]
    }

    pub(crate) fn measured(&self, name: QuantityName) -> Option<f64> {
        self.quantity_of(name).measured
    }

    /// The readings of a quantity, one a completed trial that has it; none where those without one
    /// would be missed.
    pub(crate) fn readings(&self, name: QuantityName) -> Vec<Reading> {
        if self.missing(name).is_some() {
            return Vec::new();
        }
        self.trials.iter().filter_map(|trial| trial.reading(name)).collect()
    }

    /// The value of each block; none if one of them is only a bound, or if those without one would be
    /// missed.
    pub(crate) fn by_block(&self, quantity: QuantityName) -> Option<BTreeMap<u32, f64>> {
        if self.missing(quantity).is_some() {
            return None;
        }
        let mut values = BTreeMap::new();
        for trial in &self.trials {
            let Some(reading) = trial.reading(quantity) else { continue };
            if reading.bound == Bound::AtLeast {
                return None;
            }
            values.entry(trial.block).or_insert(reading.value);
        }
        Some(values)
    }

    /// Why a quantity is left out although trials were completed.
    pub(crate) fn missing(&self, name: QuantityName) -> Option<String> {
        name.missing(&self.completed().collect::<Vec<_>>())
    }

    /// The pattern with its own setting, and the swept value if it is another one.
    pub(crate) fn label(&self) -> String {
        label_at(self.pattern, &self.params, &self.server, self.swept)
    }

    /// The swept setting as a number; none without one.
    pub(crate) fn swept_value(&self) -> Option<f64> {
        self.swept.and_then(|swept| swept.value(&self.params))
    }

    /// None if the pattern does not have the swept setting: the point applies to every value.
    pub(crate) fn swept_key(&self) -> Option<SweptValue> {
        self.swept.and_then(|swept| swept.key(&self.params))
    }

    /// As short as a label in a chart must be: the swept value, or the pattern without one.
    pub(crate) fn mark(&self) -> String {
        let own = self.swept.map(|swept| swept.mark(&self.params)).filter(|mark| !mark.is_empty());
        setting::served(own.as_deref().unwrap_or(self.pattern.label()), &self.server)
    }

    /// Merged over the completed trials.
    pub(crate) const fn ages(&self) -> &AgeView {
        &self.ages
    }

    /// Why a quantity is only a lower bound.
    pub(crate) fn bound_words(&self, name: QuantityName) -> String {
        if name.is_of_saturation() {
            return bound_words(self.completed()).to_owned();
        }
        format!("{} never came", counted(self.ages.censored, "delivery", "deliveries"))
    }
}

/// The label of a point, measured or only planned: the pattern with its own setting, and the swept value if it is
/// another one.
pub(crate) fn label_at(
    pattern: Pattern,
    params: &Params,
    server: &ServerName,
    swept: Option<SweepParameter>,
) -> String {
    let beside = swept.filter(|swept| !swept.has(Topic::InName));
    let swept = beside.map_or_else(String::new, |swept| swept.text(params));
    let pattern = setting::served(&setting::pattern_text(pattern, params), server);
    if swept.is_empty() { pattern } else { format!("{pattern}, {swept}") }
}

/// Replaces the numbers of a point that was not run or was a browser's task.
pub(crate) fn unmeasured(point: &Point) -> Option<String> {
    if let Some(reason) = point.not_run() {
        return Some(format!("not run: {reason}"));
    }
    (point.completed().next().is_none() && point.watched().next().is_some())
        .then(|| "a browser's task: its results are with the question".to_owned())
}

/// A point of a pattern that the swept setting does not concern applies to every value.
pub(crate) fn at_same_value(left: &Point, right: &Point) -> bool {
    match (left.swept_key(), right.swept_key()) {
        (Some(left), Some(right)) => left == right,
        _ => true,
    }
}
