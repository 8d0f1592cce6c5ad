//! A point: one pattern with one set of settings in one scenario, and what its trials say.

use contract::{
    Arrivals, Delivery, Environment, Manifest, Measurements, Outcome, Params, Pattern, Scenario, TrialRecord,
};
use model::{Inputs, Predicted};

use crate::{
    ages::AgeView,
    crossing::bytes_by_interval,
    measured::{finite, measured, median, prediction},
    number::{self, count, three_digits},
    quantity::{Bound, Quantity, QuantityName},
    setting::{self, Swept},
};

/// A percentile needs this many deliveries beyond it, or a few stragglers decide it.
pub(crate) const SAMPLES_BEYOND: f64 = 10.0;

/// Payload per event may differ this much from the texts before it is said.
const EDGE_TOLERANCE: f64 = 0.02;

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
    /// What the closed form says of other poll intervals; empty but for short polling.
    pub(crate) bytes_by_interval: Vec<(f64, f64)>,
    ages: AgeView,
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
            swept: Swept::of(scenario),
            bytes_by_interval: Vec::new(),
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
        let predicted: Vec<Predicted> =
            records.iter().filter_map(|record| predict(manifest, scenario, record)).collect();
        point.quantities =
            QuantityName::ALL.into_iter().map(|name| point.quantity(name, &predicted)).collect();
        point.explain_absent_prediction(&predicted);
        point.warn_of_edges(manifest, first);
        if point.swept.is_none() {
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

    /// Bytes are counted between the window's edges, deliveries by their due. Where polls are rare
    /// the two do not belong to quite the same events.
    fn warn_of_edges(&mut self, manifest: &Manifest, record: &TrialRecord) {
        let (Some(measurements), Some(schedule)) =
            (record.measurements(), manifest.schedule(&record.schedule_hash))
        else {
            return;
        };
        let texts: Vec<f64> = schedule
            .due_ns
            .iter()
            .zip(&schedule.data_bytes)
            .filter(|(due_ns, _)| measurements.window.contains(**due_ns))
            .map(|(_, bytes)| f64::from(*bytes))
            .collect();
        let expected = texts.iter().sum::<f64>() / texts.len() as f64;
        let Some(payload) = self.measured(QuantityName::PayloadBytesPerEvent) else {
            return;
        };
        if (payload / expected - 1.0).abs() > EDGE_TOLERANCE {
            self.warnings.push(format!(
                "the window's bytes hold {} of payload per event, its events {}: the polls at its edges brought other events than those due in it, so bytes per event are off by about as much",
                number::bytes(payload),
                number::bytes(expected)
            ));
        }
    }

    fn explain_absent_prediction(&mut self, predicted: &[Predicted]) {
        let mut reasons: Vec<String> = Vec::new();
        for both in predicted {
            for (form, outcome) in [("no prediction", &both.replayed), ("no closed form", &both.closed_form)]
            {
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
