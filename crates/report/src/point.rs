//! A point: one pattern with one set of settings in one scenario, and what its trials say.

use std::collections::BTreeSet;

use contract::{
    BrowserFindings, Delivery, Limits, Manifest, Measurements, Outcome, Params, Pattern, Scenario,
    ServerName, TrialRecord,
};
use model::Predicted;

use crate::{
    added_age::AddedAge,
    ages::AgeView,
    crossing::bytes_by_interval,
    estimate::{Estimate, over_readings},
    limits::retransmission_warning,
    measured::{Reading, finite, is_per_delivery, left_out},
    number::{count, counted, three_digits},
    other_work,
    predictions::{PointPrediction, mean_of, predictions, range_of},
    quantity::{Bound, Quantity, QuantityName},
    saturation::{bound_words, missing_words, saturation_warnings},
    setting::{self, Swept, SweptValue},
    trial::{SetAside, Trial, set_aside, trial},
    validity::{counts_not_told, doubts, prediction_warnings},
};

/// A percentile needs this many deliveries beyond it, or a few stragglers decide it.
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
    /// Doubts, in words.
    pub warnings: Vec<String>,
    /// Sum over the completed trials.
    pub delivery: Delivery,
    /// Every quantity, in the order of [`QuantityName::ALL`].
    pub quantities: Vec<Quantity>,
    /// Both predictions, for the first completed trial's schedule.
    pub predicted: Option<Predicted>,
    /// What the scenario varies, if that concerns the pattern.
    pub(crate) swept: Option<Swept>,
    /// What the closed form says of other poll intervals; empty but for short polling.
    pub(crate) bytes_by_interval: Vec<(f64, f64)>,
    ages: AgeView,
}

impl Point {
    /// Gathers the trials of one point. `records` is not empty and all of the same point.
    pub(crate) fn gather(manifest: &Manifest, scenario: &Scenario, records: &[&TrialRecord]) -> Self {
        let is_last = |record: &&&TrialRecord| {
            records.iter().all(|other| other.block != record.block || other.attempt <= record.attempt)
        };
        let (last, before): (Vec<_>, Vec<_>) = records.iter().partition(is_last);
        let (records, set_aside) = (&last[..], before.into_iter().map(|record| set_aside(record, scenario)));
        let first = records[0];
        let mut point = Self {
            scenario: scenario.name.clone(),
            pattern: first.pattern,
            params: first.params,
            server: first.server.clone(),
            trials: records.iter().map(|record| trial(record, scenario)).collect(),
            set_aside: set_aside.collect(),
            valid: true,
            invalid_because: Vec::new(),
            warnings: Vec::new(),
            delivery: Delivery::default(),
            quantities: Vec::new(),
            predicted: None,
            swept: Swept::of(scenario).filter(|swept| swept.concerns(first.pattern)),
            bytes_by_interval: Vec::new(),
            ages: AgeView::merged(records.iter().filter_map(|record| record.measurements())),
        };
        point.judge(records, scenario);
        let predicted = predictions(manifest, scenario, records);
        let quantity = |name| point.quantity(name, &predicted, &scenario.limits);
        point.quantities = QuantityName::ALL.into_iter().map(quantity).collect();
        point.warnings.extend(prediction_warnings(manifest, records, &predicted));
        if Swept::of(scenario).is_none() && first.server.is_pushlab() {
            point.bytes_by_interval = bytes_by_interval(manifest, scenario, first);
        }
        point.predicted = predicted.into_iter().next().map(|of| of.both);
        point
    }

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

    /// What a browser brought to light in its trials.
    pub fn watched(&self) -> impl Iterator<Item = &BrowserFindings> {
        self.trials.iter().filter_map(|trial| trial.watched.as_ref())
    }

    /// Most by which the clock of a browser that told the ages may be off, in milliseconds; none where
    /// none told them.
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

    /// Why a quantity is left out although trials were completed.
    pub(crate) fn missing(&self, name: QuantityName) -> Option<String> {
        let of_climbs = [QuantityName::SaturationDeliveries, QuantityName::SaturationCpuPerEvent];
        if of_climbs.contains(&name) {
            return missing_words(self.completed());
        }
        left_out(name, &self.completed().collect::<Vec<_>>())
    }

    /// The age that a fraction of the deliveries did not exceed, over blocks; none without deliveries.
    pub(crate) fn age_at(&self, quantile: f64) -> Option<Estimate> {
        let readings: Vec<Reading> = self
            .trials
            .iter()
            .filter_map(|trial| trial.ages.percentile(quantile))
            .map(|age| Reading { value: age.value_ms, bound: age.bound })
            .collect();
        over_readings(&readings)
    }

    /// The pattern with its own setting, and the swept value if it is another one.
    pub(crate) fn label(&self) -> String {
        let swept = match self.swept {
            None | Some(Swept::PollInterval) => String::new(),
            Some(swept) => swept.text(&self.params),
        };
        let pattern = setting::served(&setting::pattern_text(self.pattern, &self.params), &self.server);
        if swept.is_empty() { pattern } else { format!("{pattern}, {swept}") }
    }

    pub(crate) fn swept_value(&self) -> Option<f64> {
        self.swept.and_then(|swept| swept.value(&self.params))
    }

    /// None where the pattern does not have the swept setting: it holds for every value.
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

    fn quantity(&self, name: QuantityName, predicted: &[PointPrediction], limits: &Limits) -> Quantity {
        let mut quantity = Quantity::empty(name);
        if let Some(estimate) = over_readings(&self.readings(name)) {
            quantity.measured = finite(estimate.value);
            quantity.bound = estimate.bound;
            (quantity.low, quantity.high) = estimate.interval.unzip();
        }
        quantity.predicted = mean_of(name, predicted.iter().map(|of| &of.both.replayed));
        quantity.closed_form = mean_of(name, predicted.iter().map(|of| &of.both.closed_form));
        if let Some(range) = range_of(name, predicted) {
            quantity.predicted = Some(range.middle_ms);
            (quantity.predicted_low, quantity.predicted_high) = (Some(range.low_ms), Some(range.high_ms));
            quantity.added_ms = self.added_ms(name);
        }
        quantity.clock_bound_ms = self.clock_bound_ms().filter(|_| name.is_age());
        quantity.doubt = self.doubt(&quantity, limits);
        quantity
    }

    /// Why a quantity is only a lower bound.
    pub(crate) fn bound_words(&self, name: QuantityName) -> String {
        if name == QuantityName::SaturationDeliveries {
            return bound_words(self.completed()).to_owned();
        }
        format!("{} never came", counted(self.ages.censored, "delivery", "deliveries"))
    }

    /// What the instrument may have added to an age, mean over the trials that have it.
    fn added_ms(&self, age: QuantityName) -> Option<f64> {
        let measured = self.trials.iter().filter_map(|trial| trial.measurements.as_ref());
        let added: Vec<f64> =
            measured.filter_map(|of| AddedAge::of(age, of)).map(|added| added.total_ms()).collect();
        (!added.is_empty()).then(|| added.iter().sum::<f64>() / added.len() as f64)
    }

    /// The trial whose ages the instrument may have changed most beyond what is allowed, if there is one.
    fn added_beyond(&self, limits: &Limits) -> Option<AddedAge> {
        let beyond =
            self.trials.iter().filter_map(|trial| trial.added).filter(|added| added.is_beyond(limits));
        let times = |added: &AddedAge| added.total_ms() / added.allowed_ms(limits);
        beyond.max_by(|one, other| times(one).total_cmp(&times(other)))
    }

    fn doubt(&self, quantity: &Quantity, limits: &Limits) -> Option<String> {
        if quantity.measured.is_none() {
            return self.missing(quantity.name);
        }
        if quantity.bound == Bound::AtLeast {
            return Some(format!("a lower bound: {}", self.bound_words(quantity.name)));
        }
        if is_per_delivery(quantity.name) && self.ages.censored > 0 {
            let never = count(self.ages.censored);
            return Some(format!(
                "for each delivery that arrived within the window; {never} of those due in it never came"
            ));
        }
        if quantity.name.is_age()
            && let Some(added) = self.added_beyond(limits)
        {
            return Some(added.sentence(limits));
        }
        // Percentiles are read from each trial by itself.
        let smallest = self.trials.iter().filter(|trial| trial.measurements.is_some());
        let total = smallest.map(|trial| trial.ages.total()).min().unwrap_or(0) as f64;
        if quantity.name == QuantityName::AgeP99 && total * 0.01 < SAMPLES_BEYOND {
            return Some(format!("only {} deliveries: fewer than ten lie beyond p99", three_digits(total)));
        }
        (!self.valid).then(|| match self.invalid_because.first() {
            Some(reason) => format!("not valid: {reason}"),
            None => "not valid".to_owned(),
        })
    }

    /// Decides validity, and says why not.
    fn judge(&mut self, records: &[&TrialRecord], scenario: &Scenario) {
        let mut warnings: Vec<String> = self.set_aside.iter().map(SetAside::sentence).collect();
        for record in records {
            // Which of several trials of a point it was.
            let of = if records.len() > 1 { format!("block {}: ", record.block) } else { String::new() };
            let said = |text: String| format!("{of}{text}");
            match &record.outcome {
                Outcome::NotRun { reason } => warnings.push(format!("not run: {reason}")),
                Outcome::Watched { findings } => warnings.extend(findings.warnings.iter().cloned().map(said)),
                Outcome::Failed { reason, .. } => {
                    self.invalid_because.push(format!("trial {} failed: {reason}", record.order));
                }
                Outcome::Completed { measurements } => {
                    let doubts = doubts(record, measurements, scenario);
                    let tries = if record.attempt > 1 {
                        format!(" (attempt {} of at most {})", record.attempt, scenario.limits.repeats + 1)
                    } else {
                        String::new()
                    };
                    self.invalid_because.extend(doubts.invalid.into_iter().map(|text| said(text + &tries)));
                    let finding = |text| said(format!("{text}: a finding, behind such an obstacle"));
                    warnings.extend(doubts.findings.into_iter().map(finding));
                    warnings.extend(doubts.notes.into_iter().map(said));
                    let sent_again = retransmission_warning(measurements);
                    warnings.extend(measurements.warnings.iter().cloned().chain(sent_again).map(said));
                    warnings.extend(other_work::warning(measurements).map(said));
                    warnings.extend(saturation_warnings(measurements).into_iter().map(said));
                    warnings.extend(counts_not_told(measurements));
                    add(&mut self.delivery, &measurements.delivery);
                    if record.calibration.is_none() && record.server.is_pushlab() {
                        let missing = "no calibration of this pattern: the prediction leaves out what this machine costs";
                        warnings.push(missing.to_owned());
                    }
                }
            }
        }
        let ages = &self.ages;
        if ages.censored > 0 {
            warnings.push(format!(
                "{} of {} deliveries of the window never came: percentiles that reach into them, and the mean, are lower bounds",
                count(ages.censored),
                count(ages.total())
            ));
        }
        self.valid = self.invalid_because.is_empty();
        self.warnings = self.invalid_because.clone();
        for warning in warnings {
            if !self.warnings.contains(&warning) {
                self.warnings.push(warning);
            }
        }
    }
}

fn add(sum: &mut Delivery, other: &Delivery) {
    sum.expected += other.expected;
    sum.received += other.received;
    sum.lost += other.lost;
    sum.duplicated += other.duplicated;
    sum.reordered += other.reordered;
    sum.foreign += other.foreign;
}

/// What stands where the numbers of a point would, if it was not run or was a browser's task.
pub(crate) fn unmeasured(point: &Point) -> Option<String> {
    if let Some(reason) = point.not_run() {
        return Some(format!("not run: {reason}"));
    }
    (point.completed().next().is_none() && point.watched().next().is_some())
        .then(|| "a browser's task: what it brought to light stands with the question".to_owned())
}
