//! A point: one pattern with one set of settings in one scenario, and what its trials say.

use contract::{
    Arrivals, Calibration, Delivery, Environment, Manifest, Measurements, Outcome, Params, Pattern, Scenario,
    TrialRecord,
};
use model::{Inputs, Predicted};

use crate::{
    ages::{AgeView, Percentile},
    crossing::bytes_by_interval,
    estimate::{self, Estimate},
    measured::{finite, measured, median, prediction},
    number::{count, three_digits},
    quantity::{Bound, Quantity, QuantityName},
    setting::{self, Swept, SweptValue},
    validity::{edge_warning, invalidities, prediction_warnings},
};

/// A percentile needs this many deliveries beyond it, or a few stragglers decide it.
pub(crate) const SAMPLES_BEYOND: f64 = 10.0;

/// One trial of a point.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// Position in the order of the run.
    pub order: u32,
    /// When it began, RFC 3339 in UTC.
    pub started_at: String,
    /// Hash of its schedule.
    pub schedule_hash: String,
    /// Where it was measured.
    pub environment: Environment,
    /// What the calibration trial of its pattern found.
    pub calibration: Option<Calibration>,
    /// What it measured; none if it failed.
    pub measurements: Option<Measurements>,
}

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
    pub server: String,
    /// All trials, failed ones too, in the order of the run.
    pub trials: Vec<Trial>,
    /// Whether every trial completed, delivered everything once and in order, and its ledgers agree.
    pub valid: bool,
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
    /// The same of each completed trial by itself.
    trial_ages: Vec<AgeView>,
}

impl Point {
    /// Gathers the trials of one point. `records` is not empty and all of the same point.
    pub(crate) fn gather(manifest: &Manifest, scenario: &Scenario, records: &[&TrialRecord]) -> Self {
        let first = records[0];
        let mut point = Self {
            scenario: scenario.name.clone(),
            pattern: first.pattern,
            params: first.params,
            server: first.server.clone(),
            trials: records.iter().map(|record| trial(record)).collect(),
            valid: true,
            warnings: Vec::new(),
            delivery: Delivery::default(),
            quantities: Vec::new(),
            predicted: None,
            swept: Swept::of(scenario).filter(|swept| swept.concerns(first.pattern)),
            bytes_by_interval: Vec::new(),
            ages: AgeView::merged(records.iter().filter_map(|record| record.measurements())),
            trial_ages: records
                .iter()
                .filter_map(|record| record.measurements())
                .map(|measurements| AgeView::merged(std::iter::once(measurements)))
                .collect(),
        };
        point.judge(records, &scenario.events);
        let predicted: Vec<Predicted> =
            records.iter().filter_map(|record| predict(manifest, scenario, record)).collect();
        point.quantities =
            QuantityName::ALL.into_iter().map(|name| point.quantity(name, &predicted)).collect();
        point.warnings.extend(prediction_warnings(manifest, records, &predicted));
        if let Some(payload) = point.measured(QuantityName::PayloadBytesPerEvent) {
            point.warnings.extend(edge_warning(manifest, first, payload));
        }
        if Swept::of(scenario).is_none() {
            point.bytes_by_interval = bytes_by_interval(manifest, scenario, first);
        }
        point.predicted = predicted.into_iter().next();
        point
    }

    /// Trials that ran to their end.
    pub fn completed(&self) -> impl Iterator<Item = &Measurements> {
        self.trials.iter().filter_map(|trial| trial.measurements.as_ref())
    }

    /// One quantity of the point.
    #[must_use]
    pub fn quantity_of(&self, name: QuantityName) -> &Quantity {
        &self.quantities[name as usize]
    }

    pub(crate) fn measured(&self, name: QuantityName) -> Option<f64> {
        self.quantity_of(name).measured
    }

    /// The pattern with its own setting, and the swept value if it is another one.
    pub(crate) fn label(&self) -> String {
        let swept = match self.swept {
            None | Some(Swept::PollInterval) => String::new(),
            Some(swept) => swept.text(&self.params),
        };
        let pattern = setting::pattern_text(self.pattern, &self.params);
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
        self.swept.map_or_else(|| self.pattern.label().to_owned(), |swept| swept.mark(&self.params))
    }

    /// Merged over the completed trials.
    pub(crate) const fn ages(&self) -> &AgeView {
        &self.ages
    }

    /// A percentile of the age over the blocks, milliseconds: each block's own, then their mean and
    /// interval. Where a block's reaches into what never came, it is a lower bound without interval.
    pub(crate) fn age_at(&self, quantile: f64) -> Option<Estimate> {
        let found: Vec<Percentile> =
            self.trial_ages.iter().filter_map(|ages| ages.percentile(quantile)).collect();
        let values: Vec<f64> = found.iter().map(|age| age.value_ms).collect();
        let estimate = estimate::over_blocks(&values)?;
        if found.iter().all(|age| age.bound == Bound::Exact) {
            return Some(estimate);
        }
        Some(Estimate { interval: None, bound: Bound::AtLeast, ..estimate })
    }

    fn quantity(&self, name: QuantityName, predicted: &[Predicted]) -> Quantity {
        let mut quantity = Quantity::empty(name);
        let age = match name {
            QuantityName::AgeMean => self.ages.mean(),
            QuantityName::AgeP50 => self.ages.percentile(0.5),
            QuantityName::AgeP99 => self.ages.percentile(0.99),
            QuantityName::RequestsPerEvent
            | QuantityName::RequestsPerSubscriber
            | QuantityName::EmptyRatio
            | QuantityName::BytesPerEvent
            | QuantityName::PayloadBytesPerEvent
            | QuantityName::FramingBytesPerEvent
            | QuantityName::HeaderBytesPerEvent
            | QuantityName::EmptyPollBytesPerEvent
            | QuantityName::CpuPerEvent
            | QuantityName::SubscriberCpuPerEvent
            | QuantityName::ConnectP50
            | QuantityName::SocketsHeld
            | QuantityName::LatenessP99 => None,
        };
        if let Some(age) = age {
            quantity.measured = finite(age.value_ms);
            quantity.bound = age.bound;
        } else {
            quantity.measured = median(
                self.completed().filter_map(|measurements| measured(name, &self.params, measurements)),
            );
        }
        quantity.predicted = median(
            predicted
                .iter()
                .filter_map(|both| both.replayed.as_ref().ok().and_then(|of| prediction(name, of))),
        );
        quantity.closed_form = median(
            predicted
                .iter()
                .filter_map(|both| both.closed_form.as_ref().ok().and_then(|of| prediction(name, of))),
        );
        quantity.doubt = self.doubt(&quantity);
        quantity
    }

    fn doubt(&self, quantity: &Quantity) -> Option<String> {
        quantity.measured?;
        if quantity.bound == Bound::AtLeast {
            return Some(format!("a lower bound: {} deliveries never came", count(self.ages.censored)));
        }
        let total = self.ages.total() as f64;
        if quantity.name == QuantityName::AgeP99 && total * 0.01 < SAMPLES_BEYOND {
            return Some(format!("only {} deliveries: fewer than ten lie beyond p99", three_digits(total)));
        }
        (!self.valid).then(|| match self.warnings.first() {
            Some(reason) => format!("not valid: {reason}"),
            None => "not valid".to_owned(),
        })
    }

    /// Decides validity, and says why not.
    fn judge(&mut self, records: &[&TrialRecord], arrivals: &Arrivals) {
        for record in records {
            match &record.outcome {
                Outcome::Failed { reason, .. } => {
                    self.valid = false;
                    self.warnings.push(format!("trial {} failed: {reason}", record.order));
                }
                Outcome::Completed { measurements } => {
                    let problems = invalidities(record, measurements, arrivals);
                    self.valid &= problems.is_empty();
                    self.warnings.extend(problems);
                    self.warnings.extend(measurements.warnings.iter().cloned());
                    add(&mut self.delivery, &measurements.delivery);
                }
            }
            if record.calibration.is_none() {
                self.warnings.push(
                    "no calibration of this pattern: the prediction leaves out what this machine costs"
                        .to_owned(),
                );
            }
        }
        let ages = &self.ages;
        if ages.censored > 0 {
            self.warnings.push(format!(
                "{} of {} deliveries of the window never came: percentiles that reach into them, and the mean, are lower bounds",
                count(ages.censored),
                count(ages.total())
            ));
        }
    }
}

fn trial(record: &TrialRecord) -> Trial {
    Trial {
        order: record.order,
        started_at: record.started_at.clone(),
        schedule_hash: record.schedule_hash.clone(),
        environment: record.environment.clone(),
        calibration: record.calibration,
        measurements: record.measurements().cloned(),
    }
}

fn predict(manifest: &Manifest, scenario: &Scenario, record: &TrialRecord) -> Option<Predicted> {
    let measurements = record.measurements()?;
    let schedule = manifest.schedule(&record.schedule_hash)?;
    let arrivals = setting::arrivals_at(scenario, &record.params);
    Some(model::predict(
        record.pattern,
        &Inputs {
            params: &record.params,
            arrivals: &arrivals,
            schedule,
            window: measurements.window,
            poll_phase: record.poll_phase,
            calibration: record.calibration.unwrap_or_default(),
        },
    ))
}

fn add(sum: &mut Delivery, other: &Delivery) {
    sum.expected += other.expected;
    sum.received += other.received;
    sum.lost += other.lost;
    sum.duplicated += other.duplicated;
    sum.reordered += other.reordered;
    sum.foreign += other.foreign;
}
