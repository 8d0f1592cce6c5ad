//! A point: one pattern with one set of settings in one scenario, and what its trials say.

use contract::{
    Arrivals, Delivery, Environment, Manifest, Measurements, Outcome, Params, Pattern, Scenario,
    TimeHistogram, TrialRecord,
};
use model::{Inputs, Predicted, Prediction};

use crate::{
    number::{count, three_digits},
    quantity::{Bound, Quantity, QuantityName},
    setting::{self, Swept},
};

/// A percentile needs this many deliveries beyond it, or a few stragglers decide it.
pub(crate) const SAMPLES_BEYOND: f64 = 10.0;

/// Ledgers of subscribers and server may differ by this much before the trial is invalid.
const LEDGER_TOLERANCE: f64 = 0.01;

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
    pub(crate) swept: Option<Swept>,
    ages: AgeView,
}

/// A percentile of ages of which some may never have arrived.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Percentile {
    pub(crate) value_ms: f64,
    pub(crate) bound: Bound,
}

/// All ages of a point, deliveries that never came ranked above everything that did.
#[derive(Debug, Clone)]
pub(crate) struct AgeView {
    pub(crate) arrived: TimeHistogram,
    pub(crate) censored: u64,
    pub(crate) censored_min_ms: f64,
}

impl AgeView {
    fn merged(records: &[&TrialRecord]) -> Self {
        let mut view = Self {
            arrived: TimeHistogram::default(),
            censored: 0,
            censored_min_ms: f64::INFINITY,
        };
        for measurements in records.iter().filter_map(|record| record.measurements()) {
            // `Run::parse` has refused damaged histograms.
            if let Ok(histogram) = measurements.age.arrived.histogram() {
                view.arrived.merge(&histogram);
            }
            if measurements.age.censored > 0 {
                view.censored += measurements.age.censored;
                let reached_ms = measurements.age.censored_min_us as f64 * 1e-3;
                view.censored_min_ms = view.censored_min_ms.min(reached_ms);
            }
        }
        if view.censored == 0 {
            view.censored_min_ms = 0.0;
        }
        view
    }

    pub(crate) fn total(&self) -> u64 {
        self.arrived.count() + self.censored
    }

    /// None without deliveries.
    pub(crate) fn percentile(&self, quantile: f64) -> Option<Percentile> {
        let total = self.total();
        if total == 0 {
            return None;
        }
        let arrived = self.arrived.count();
        // The rank that this percentile asks for; it reaches into the lost ones if it is beyond
        // what arrived.
        let rank = (quantile * total as f64).ceil().max(1.0);
        if rank > arrived as f64 {
            return Some(Percentile {
                value_ms: self.censored_min_ms,
                bound: Bound::AtLeast,
            });
        }
        Some(Percentile {
            value_ms: self.arrived.quantile_us(rank / arrived as f64) as f64 * 1e-3,
            bound: Bound::Exact,
        })
    }

    fn mean(&self) -> Option<Percentile> {
        let total = self.total();
        if total == 0 {
            return None;
        }
        let arrived_sum = self.arrived.mean_us() * 1e-3 * self.arrived.count() as f64;
        let censored_sum = self.censored_min_ms * self.censored as f64;
        Some(Percentile {
            value_ms: (arrived_sum + censored_sum) / total as f64,
            bound: if self.censored > 0 {
                Bound::AtLeast
            } else {
                Bound::Exact
            },
        })
    }
}

impl Point {
    /// Gathers the trials of one point. `records` is not empty and all of the same point.
    pub(crate) fn gather(
        manifest: &Manifest,
        scenario: &Scenario,
        records: &[&TrialRecord],
    ) -> Self {
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
            swept: Swept::of(scenario),
            ages: AgeView::merged(records),
        };
        point.judge(records, &scenario.events);
        for record in records {
            if manifest.schedule(&record.schedule_hash).is_none() {
                point.warnings.push(format!(
                    "no prediction: the manifest does not hold the schedule {}",
                    record.schedule_hash
                ));
            }
        }
        let predicted: Vec<Predicted> = records
            .iter()
            .filter_map(|record| predict(manifest, scenario, record))
            .collect();
        point.quantities = QuantityName::ALL
            .into_iter()
            .map(|name| point.quantity(name, &predicted))
            .collect();
        point.explain_absent_prediction(&predicted);
        point.predicted = predicted.into_iter().next();
        point
    }

    /// Trials that ran to their end.
    pub fn completed(&self) -> impl Iterator<Item = &Measurements> {
        self.trials
            .iter()
            .filter_map(|trial| trial.measurements.as_ref())
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
        if swept.is_empty() {
            pattern
        } else {
            format!("{pattern}, {swept}")
        }
    }

    pub(crate) fn swept_value(&self) -> Option<f64> {
        self.swept.and_then(|swept| swept.value(&self.params))
    }

    /// Merged over the completed trials.
    pub(crate) const fn ages(&self) -> &AgeView {
        &self.ages
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
                self.completed()
                    .filter_map(|measurements| measured(name, &self.params, measurements)),
            );
        }
        quantity.predicted = median(predicted.iter().filter_map(|both| {
            both.replayed
                .as_ref()
                .ok()
                .and_then(|of| prediction(name, of))
        }));
        quantity.closed_form = median(predicted.iter().filter_map(|both| {
            both.closed_form
                .as_ref()
                .ok()
                .and_then(|of| prediction(name, of))
        }));
        quantity.doubt = self.doubt(&quantity);
        quantity
    }

    fn doubt(&self, quantity: &Quantity) -> Option<String> {
        quantity.measured?;
        if quantity.bound == Bound::AtLeast {
            return Some(format!(
                "a lower bound: {} deliveries never came",
                count(self.ages.censored)
            ));
        }
        let total = self.ages.total() as f64;
        if quantity.name == QuantityName::AgeP99 && total * 0.01 < SAMPLES_BEYOND {
            return Some(format!(
                "only {} deliveries: fewer than ten lie beyond p99",
                three_digits(total)
            ));
        }
        (!self.valid).then(|| "the trial is not valid".to_owned())
    }

    /// Decides validity, and says why not.
    fn judge(&mut self, records: &[&TrialRecord], arrivals: &Arrivals) {
        for record in records {
            match &record.outcome {
                Outcome::Failed { reason, .. } => {
                    self.valid = false;
                    self.warnings
                        .push(format!("trial {} failed: {reason}", record.order));
                }
                Outcome::Completed { measurements } => {
                    let problems = invalidities(measurements, arrivals);
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

    fn explain_absent_prediction(&mut self, predicted: &[Predicted]) {
        let mut reasons: Vec<String> = Vec::new();
        for both in predicted {
            for (form, outcome) in [
                ("no prediction", &both.replayed),
                ("no closed form", &both.closed_form),
            ] {
                if let Err(reason) = outcome {
                    let text = format!("{form}: {reason}");
                    if !reasons.contains(&text) {
                        reasons.push(text);
                    }
                }
            }
        }
        self.warnings.extend(reasons);
    }
}

fn trial(record: &TrialRecord) -> Trial {
    Trial {
        order: record.order,
        started_at: record.started_at.clone(),
        schedule_hash: record.schedule_hash.clone(),
        environment: record.environment.clone(),
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

/// Why the numbers of a trial cannot be trusted.
fn invalidities(measurements: &Measurements, arrivals: &Arrivals) -> Vec<String> {
    let delivery = &measurements.delivery;
    let mut problems = Vec::new();
    for (number, word) in [
        (delivery.lost, "lost"),
        (delivery.duplicated, "delivered more than once"),
        (delivery.reordered, "delivered out of order"),
    ] {
        if number > 0 {
            problems.push(format!(
                "{} of {} deliveries were {word}",
                count(number),
                count(delivery.expected)
            ));
        }
    }
    if measurements.window_deliveries == 0 && *arrivals != Arrivals::Silence {
        problems.push("no event was due in the measured window".to_owned());
    }
    if measurements.server_requests_life != measurements.requests.life {
        problems.push(format!(
            "the server counted {} requests, the subscribers {}",
            count(measurements.server_requests_life),
            count(measurements.requests.life)
        ));
    }
    let server = measurements.server_bytes_life as f64;
    let subscribers = measurements.bytes_life.total() as f64;
    if (server - subscribers).abs() > LEDGER_TOLERANCE * subscribers {
        problems.push(format!(
            "the server's sockets counted {} bytes, the subscribers' {}",
            count(measurements.server_bytes_life),
            count(measurements.bytes_life.total())
        ));
    }
    problems
}

fn add(sum: &mut Delivery, other: &Delivery) {
    sum.expected += other.expected;
    sum.received += other.received;
    sum.lost += other.lost;
    sum.duplicated += other.duplicated;
    sum.reordered += other.reordered;
    sum.foreign += other.foreign;
}

/// What one trial says about a quantity; ages are read from the merged histogram instead.
fn measured(name: QuantityName, params: &Params, of: &Measurements) -> Option<f64> {
    let per_event = |sum: f64| divide(sum, of.window_deliveries as f64);
    match name {
        QuantityName::AgeMean | QuantityName::AgeP50 | QuantityName::AgeP99 => None,
        QuantityName::RequestsPerEvent => per_event(of.requests.window as f64),
        QuantityName::RequestsPerSubscriber => {
            divide(of.requests.life as f64, f64::from(params.subscribers))
        }
        QuantityName::EmptyRatio => {
            divide(of.requests.window_empty as f64, of.requests.window as f64)
        }
        QuantityName::BytesPerEvent => per_event(of.bytes.total() as f64),
        QuantityName::PayloadBytesPerEvent => per_event(of.bytes.payload as f64),
        QuantityName::FramingBytesPerEvent => per_event(of.bytes.framing() as f64),
        QuantityName::HeaderBytesPerEvent => per_event(of.bytes.headers as f64),
        QuantityName::EmptyPollBytesPerEvent => per_event(of.bytes.empty_polls as f64),
        QuantityName::CpuPerEvent => per_event(of.cpu.server_us),
        QuantityName::SubscriberCpuPerEvent => per_event(of.cpu.harness_us),
        QuantityName::ConnectP50 => quantile_ms(&of.connect, 0.5),
        QuantityName::SocketsHeld => finite(of.sockets_held),
        QuantityName::LatenessP99 => quantile_ms(&of.lateness, 0.99),
    }
}

/// What a prediction says about a quantity; none for what it does not speak of.
pub(crate) fn prediction(name: QuantityName, of: &Prediction) -> Option<f64> {
    let value = match name {
        QuantityName::AgeMean => Some(of.age.mean_ms()),
        QuantityName::AgeP50 => Some(of.age.quantile_ms(0.5)),
        QuantityName::AgeP99 => Some(of.age.quantile_ms(0.99)),
        QuantityName::RequestsPerEvent => Some(of.requests_per_event),
        QuantityName::RequestsPerSubscriber => of.requests_per_subscriber,
        QuantityName::EmptyRatio => Some(of.empty_ratio),
        QuantityName::BytesPerEvent => Some(of.bytes.total()),
        QuantityName::PayloadBytesPerEvent => Some(of.bytes.payload),
        QuantityName::FramingBytesPerEvent => Some(of.bytes.framing),
        QuantityName::HeaderBytesPerEvent => Some(of.bytes.headers),
        QuantityName::EmptyPollBytesPerEvent => Some(of.bytes.empty_polls),
        QuantityName::SocketsHeld => Some(of.sockets_held),
        QuantityName::CpuPerEvent
        | QuantityName::SubscriberCpuPerEvent
        | QuantityName::ConnectP50
        | QuantityName::LatenessP99 => None,
    };
    value.and_then(finite)
}

pub(crate) fn quantile_ms(distribution: &contract::Distribution, quantile: f64) -> Option<f64> {
    let histogram = distribution.histogram().ok()?;
    (histogram.count() > 0).then(|| histogram.quantile_us(quantile) as f64 * 1e-3)
}

fn divide(sum: f64, by: f64) -> Option<f64> {
    if by > 0.0 { finite(sum / by) } else { None }
}

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        odd if odd % 2 == 1 => Some(values[middle]),
        _even => finite(f64::midpoint(values[middle - 1], values[middle])),
    }
}
