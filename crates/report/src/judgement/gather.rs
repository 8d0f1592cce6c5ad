//! From the records of a point to the point: readings, predictions, validity, warnings.

use contract::{Delivery, Limits, Manifest, Outcome, Scenario, TrialRecord};

use crate::{
    findings::{Point, SAMPLES_BEYOND, SetAside, Trial},
    quantities::{Bound, Quantity, QuantityName, ages::AgeView, saturation::saturation_warnings},
    statistics::{estimate::over_readings, finite::finite},
    text::{
        number::{count, three_digits},
        swept::SweepParameter,
        warnings::{measurement_warnings, warning_text},
    },
    trials::{
        added_age::{AddedAge, judged_age},
        limits::{disturbances, retransmission_warning},
        other_work,
        poll_intervals::bytes_by_interval,
        predictions::{PointPrediction, mean_of, predictions, range_of},
        validity::{counts_not_reported, prediction_warnings, trial_warnings},
    },
};

/// Gathers the trials of one point. `records` is not empty and all of the same point.
pub(crate) fn gather(manifest: &Manifest, scenario: &Scenario, records: &[&TrialRecord]) -> Point {
    let is_last = |record: &&&TrialRecord| {
        records.iter().all(|other| other.block != record.block || other.attempt <= record.attempt)
    };
    let (last, before): (Vec<_>, Vec<_>) = records.iter().partition(is_last);
    let (records, set_aside) = (&last[..], before.into_iter().map(|record| set_aside(record, scenario)));
    let first = records[0];
    let mut point = Point {
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
        swept: SweepParameter::of(scenario).filter(|swept| swept.concerns(first.pattern)),
        bytes_by_interval: Vec::new(),
        ages: AgeView::merged(records.iter().filter_map(|record| record.measurements())),
    };
    difference_test(&mut point, records, scenario);
    let predicted = predictions(manifest, scenario, records);
    let of = |name| quantity(&point, name, &predicted, &scenario.limits);
    point.quantities = QuantityName::ALL.into_iter().map(of).collect();
    point.warnings.extend(prediction_warnings(manifest, records, &predicted));
    if SweepParameter::of(scenario).is_none() && first.server.is_pushlab() {
        point.bytes_by_interval = bytes_by_interval(manifest, scenario, first);
    }
    point.predicted = predicted.into_iter().next().map(|of| of.both);
    point
}

/// A quantity of a point: its trials' readings over blocks, and what the model says of it.
fn quantity(point: &Point, name: QuantityName, predicted: &[PointPrediction], limits: &Limits) -> Quantity {
    let mut quantity = Quantity::empty(name);
    if let Some(estimate) = over_readings(&point.readings(name)) {
        quantity.measured = finite(estimate.value);
        quantity.bound = estimate.bound;
        (quantity.low, quantity.high) = estimate.interval.unzip();
    }
    quantity.predicted = mean_of(name, predicted.iter().map(|of| &of.both.replayed));
    quantity.closed_form = mean_of(name, predicted.iter().map(|of| &of.both.closed_form));
    if let Some(range) = range_of(name, predicted) {
        quantity.predicted = Some(range.middle_ms);
        (quantity.predicted_low, quantity.predicted_high) = (Some(range.low_ms), Some(range.high_ms));
        quantity.added_ms = added_ms(point, name);
    }
    quantity.clock_bound_ms = point.clock_bound_ms().filter(|_| name.is_age());
    quantity.warning = warning(point, &quantity, limits);
    quantity
}

/// What the instrument may have added to an age, mean over the trials that have it.
fn added_ms(point: &Point, age: QuantityName) -> Option<f64> {
    let measured = point.trials.iter().filter_map(|trial| trial.measurements.as_ref());
    let added: Vec<f64> =
        measured.filter_map(|of| AddedAge::of(age, of)).map(|added| added.total_ms()).collect();
    (!added.is_empty()).then(|| added.iter().sum::<f64>() / added.len() as f64)
}

/// The trial in which the instrument's share of the ages exceeds its limit most, if there is one.
fn added_beyond(point: &Point, limits: &Limits) -> Option<AddedAge> {
    let beyond = point.trials.iter().filter_map(|trial| trial.added).filter(|added| added.is_beyond(limits));
    let times = |added: &AddedAge| added.total_ms() / added.allowed_ms(limits);
    beyond.max_by(|one, other| times(one).total_cmp(&times(other)))
}

/// Why a reader should not rely on a quantity.
fn warning(point: &Point, quantity: &Quantity, limits: &Limits) -> Option<String> {
    if quantity.measured.is_none() {
        return point.missing(quantity.name);
    }
    if quantity.bound == Bound::AtLeast {
        return Some(format!("a lower bound: {}", point.bound_words(quantity.name)));
    }
    if quantity.name.is_per_delivery() && point.ages.censored > 0 {
        let never = count(point.ages.censored);
        return Some(format!(
            "per delivery that arrived within the window; {never} of those due in it never came"
        ));
    }
    if quantity.name.is_age()
        && let Some(added) = added_beyond(point, limits)
    {
        // An age that the question is about makes the point invalid.
        let use_words =
            if point.valid { "do not use this value (the question is not about it): " } else { "" };
        return Some(format!("{use_words}{}", added.sentence(limits)));
    }
    // Percentiles are read from each trial separately.
    let smallest = point.trials.iter().filter(|trial| trial.measurements.is_some());
    let total = smallest.map(|trial| trial.ages.total()).min().unwrap_or(0) as f64;
    if let Some(quantile) = quantity.name.age_quantile()
        && total * (1.0 - quantile) < SAMPLES_BEYOND
    {
        let deliveries = three_digits(total);
        return Some(format!(
            "only {deliveries} deliveries: fewer than ten lie beyond p{}",
            quantile * 100.0
        ));
    }
    (!point.valid).then(|| match point.invalid_because.first() {
        Some(reason) => format!("not valid: {reason}"),
        None => "not valid".to_owned(),
    })
}

/// Decides validity, and says why not.
fn difference_test(point: &mut Point, records: &[&TrialRecord], scenario: &Scenario) {
    let mut warnings: Vec<String> = point.set_aside.iter().map(SetAside::sentence).collect();
    for record in records {
        let of = if records.len() > 1 { format!("block {}: ", record.block) } else { String::new() };
        let said = |text: String| format!("{of}{text}");
        match &record.outcome {
            Outcome::NotRun { reason } => warnings.push(format!("not run: {reason}")),
            Outcome::BrowserRun { findings } => {
                warnings.extend(findings.warnings.iter().map(warning_text).map(said));
            }
            Outcome::Failed { reason, .. } => {
                point.invalid_because.push(format!("trial {} failed: {reason}", record.order));
            }
            Outcome::Completed { measurements } => {
                let trial_warnings = trial_warnings(record, measurements, scenario);
                let tries = if record.attempt > 1 {
                    format!(" (attempt {} of at most {})", record.attempt, scenario.limits.repeats + 1)
                } else {
                    String::new()
                };
                point
                    .invalid_because
                    .extend(trial_warnings.invalid.into_iter().map(|text| said(text + &tries)));
                let finding = |text| said(format!("{text}: a finding about this obstacle"));
                warnings.extend(trial_warnings.findings.into_iter().map(finding));
                warnings.extend(trial_warnings.notes.into_iter().map(said));
                let sent_again = retransmission_warning(measurements);
                warnings.extend(measurement_warnings(measurements).into_iter().chain(sent_again).map(said));
                warnings.extend(other_work::warning(measurements).map(said));
                warnings.extend(saturation_warnings(measurements).into_iter().map(said));
                warnings.extend(counts_not_reported(measurements));
                add(&mut point.delivery, &measurements.delivery);
                if record.calibration.is_none() && record.server.is_pushlab() {
                    let missing =
                        "no calibration of this pattern: the prediction leaves out this machine's costs";
                    warnings.push(missing.to_owned());
                }
            }
        }
    }
    let ages = &point.ages;
    if ages.censored > 0 {
        warnings.push(format!(
            "{} of {} deliveries of the window never came: percentiles that reach into them, and the mean, are lower bounds",
            count(ages.censored),
            count(ages.total())
        ));
    }
    point.valid = point.invalid_because.is_empty();
    point.warnings = point.invalid_because.clone();
    for warning in warnings {
        if !point.warnings.contains(&warning) {
            point.warnings.push(warning);
        }
    }
}

/// Adds the counts of a trial to those of its point.
fn add(sum: &mut Delivery, other: &Delivery) {
    sum.expected += other.expected;
    sum.received += other.received;
    sum.lost += other.lost;
    sum.duplicated += other.duplicated;
    sum.reordered += other.reordered;
    sum.foreign += other.foreign;
}

/// An attempt that was repeated.
pub(crate) fn set_aside(record: &TrialRecord, scenario: &Scenario) -> SetAside {
    SetAside {
        block: record.block,
        attempt: record.attempt,
        reasons: record.measurements().map_or_else(Vec::new, |of| disturbances(of, scenario)),
    }
}

/// The trial of one record.
pub(crate) fn trial(record: &TrialRecord, scenario: &Scenario) -> Trial {
    let ages = AgeView::merged(record.measurements().into_iter());
    let readings = record.measurements().map_or_else(Vec::new, |measurements| {
        QuantityName::ALL.into_iter().map(|name| name.reading(record, measurements, &ages)).collect()
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
        Outcome::Completed { .. } | Outcome::Failed { .. } | Outcome::BrowserRun { .. } => None,
    }
}
