//! The outcome of each threshold of a run's scenarios.

use contract::{Scenario, ServerName};

use super::threshold::{Divisor, Operator, Subject, Term, Threshold, parse};
use crate::{
    findings::{Point, ThresholdFinding, ThresholdOutcome, at_same_value, unmeasured},
    quantities::{Bound, QuantityName},
    statistics::estimate::over_blocks,
    text::number::{count, rounded_down, three_digits, with_unit},
};

/// Two values that differ by less are equal: a float has no more digits.
const ROUNDING: f64 = 1e-9;

/// A value as a threshold sees it.
#[derive(Debug, Clone, Copy)]
struct Value {
    value: f64,
    interval: Option<(f64, f64)>,
    bound: Bound,
    /// A count needs no interval to be certain.
    counted: bool,
}

/// Judges every threshold at every point of the lab's own server that it applies to.
pub(crate) fn threshold_findings(scenario: &Scenario, points: &[Point]) -> Vec<ThresholdFinding> {
    scenario.thresholds.iter().flat_map(|text| findings_of(scenario, text, points)).collect()
}

fn findings_of(scenario: &Scenario, text: &str, points: &[Point]) -> Vec<ThresholdFinding> {
    let empty = |outcome, reason: String| ThresholdFinding {
        scenario: scenario.name.clone(),
        text: text.to_owned(),
        of: String::new(),
        value: None,
        low: None,
        high: None,
        limit: None,
        is_by_one_block: false,
        bound: Bound::Exact,
        outcome,
        reason,
    };
    let threshold = match parse(scenario, text) {
        Ok(threshold) => threshold,
        Err(error) => return vec![empty(ThresholdOutcome::Inconclusive, error.to_string())],
    };
    let of = spoken_of(&threshold, points);
    if let (true, Some(Divisor::Server(server))) = (of.is_empty(), &threshold.divisor) {
        let reason = format!("none of its points was measured on both pushlab and {server} in this run");
        return vec![empty(ThresholdOutcome::NotJudged, reason)];
    }
    if of.is_empty() {
        let reason = "none of its points was measured in this run".to_owned();
        return vec![empty(ThresholdOutcome::NotJudged, reason)];
    }
    of.into_iter()
        .map(|points| ThresholdFinding {
            of: label(&points),
            ..judged(&threshold, &points, empty(ThresholdOutcome::NotJudged, String::new()))
        })
        .collect()
}

fn label(points: &[&Point]) -> String {
    match points {
        [point, divisor] if !std::ptr::eq(*point, *divisor) => {
            format!("{} ÷ {}", point.label(), divisor.label())
        }
        [point, ..] => point.label(),
        [] => String::new(),
    }
}

/// The points that a threshold applies to: one, or one and its divisor.
fn spoken_of<'a>(threshold: &Threshold, points: &'a [Point]) -> Vec<Vec<&'a Point>> {
    let of = |term: &Term| -> Vec<&'a Point> {
        let own = points.iter().filter(|point| point.server.is_pushlab());
        own.filter(|point| term.pattern.is_none_or(|pattern| pattern == point.pattern)).collect()
    };
    let firsts = of(&threshold.term);
    let divisor = match &threshold.divisor {
        None => return firsts.into_iter().map(|point| vec![point]).collect(),
        Some(Divisor::Server(server)) => {
            let pair = |point| Some(vec![point, on_server(points, point, server)?]);
            return firsts.into_iter().filter_map(pair).collect();
        }
        Some(Divisor::Term(term)) => term,
    };
    if threshold.term.pattern.is_none() && divisor.pattern.is_none() {
        return firsts.into_iter().map(|point| vec![point, point]).collect();
    }
    let same_name = threshold.term.subject.key() == divisor.subject.key();
    let mut pairs = Vec::new();
    for first in firsts {
        for second in of(divisor) {
            let itself = std::ptr::eq(first, second);
            // A pattern has only one point at a swept value.
            let fits = if first.pattern == second.pattern {
                itself && !same_name
            } else {
                at_same_value(first, second)
            };
            if fits {
                pairs.push(vec![first, second]);
            }
        }
    }
    pairs
}

/// The point of another server with the same pattern at the same setting.
fn on_server<'a>(points: &'a [Point], point: &Point, server: &ServerName) -> Option<&'a Point> {
    let theirs = |other: &&Point| other.server == *server && other.pattern == point.pattern;
    points.iter().filter(theirs).find(|other| at_same_value(point, other))
}

fn judged(threshold: &Threshold, points: &[&Point], start: ThresholdFinding) -> ThresholdFinding {
    if let Some(reason) = points.iter().find_map(|point| unmeasured(point)) {
        // Nothing is known of it, not even its losses.
        return ThresholdFinding { reason, ..start };
    }
    let found = match (points, &threshold.divisor) {
        ([point, divisor, ..], Some(Divisor::Term(term))) => {
            ratio(threshold.term.subject, point, term.subject, divisor)
        }
        ([point, other, ..], Some(Divisor::Server(_))) => {
            ratio(threshold.term.subject, point, threshold.term.subject, other)
        }
        ([point, ..], _) => value(threshold.term.subject, point),
        ([], _) => Err("no point".to_owned()),
    };
    let mut finding = start;
    match found {
        Ok(found) => {
            finding.value = Some(found.value);
            (finding.low, finding.high) = found.interval.unzip();
            finding.bound = found.bound;
            let bounded = points.first().zip(quantity_of(threshold.term.subject));
            let cause = bounded.map_or_else(String::new, |(point, name)| point.bound_words(name));
            let clock_ms = bounded
                .filter(|_| threshold.divisor.is_none())
                .and_then(|(point, name)| point.quantity_of(name).clock_bound_ms);
            (finding.outcome, finding.reason) = match clock_ms {
                None => outcome(threshold, &found, &cause),
                Some(clock_ms) => {
                    let (low, high) = found.interval.unwrap_or((found.value, found.value));
                    let wider = Value { interval: Some((low - clock_ms, high + clock_ms)), ..found };
                    let (outcome, reason) = outcome(threshold, &wider, &cause);
                    let clock = with_unit(clock_ms, "ms");
                    (
                        outcome,
                        format!("{reason}, widened by {clock}, the possible error of the browser's clock"),
                    )
                }
            };
        }
        Err(reason) => {
            finding.outcome = ThresholdOutcome::Inconclusive;
            finding.reason = reason;
        }
    }
    // The losses of an invalid point are known too: they may be the reason.
    let counts = matches!((threshold.term.subject, &threshold.divisor), (Subject::Count(..), None));
    if let Some(invalid) = points.iter().find(|point| !point.valid).filter(|_| !counts) {
        finding.outcome = ThresholdOutcome::NotJudged;
        let why = invalid.invalid_because.first().map_or("", String::as_str);
        finding.reason = format!("not judged: invalid, {why}");
    }
    finding
}

const fn quantity_of(subject: Subject) -> Option<QuantityName> {
    match subject {
        Subject::Count(..) => None,
        Subject::Quantity(name) => Some(name),
    }
}

fn value(subject: Subject, point: &Point) -> Result<Value, String> {
    match subject {
        Subject::Count(_, count) => Ok(Value {
            value: count(&point.delivery) as f64,
            interval: None,
            bound: Bound::Exact,
            counted: true,
        }),
        Subject::Quantity(name) => {
            let quantity = point.quantity_of(name);
            let why = || match point.missing(name) {
                Some(reason) => format!("{}: {reason}", name.key()),
                None => format!("{} was not measured", name.key()),
            };
            let value = quantity.measured.ok_or_else(why)?;
            let interval = quantity.low.zip(quantity.high);
            Ok(Value { value, interval, bound: quantity.bound, counted: false })
        }
    }
}

/// Block by block, because what a block's two values have in common cancels.
fn ratio(subject: Subject, point: &Point, by: Subject, divisor: &Point) -> Result<Value, String> {
    let exact = |subject: Subject, point: &Point| match subject {
        Subject::Count(..) => Bound::Exact,
        Subject::Quantity(name) => point.quantity_of(name).bound,
    };
    for (subject, point) in [(subject, point), (by, divisor)] {
        if let Some(reason) = quantity_of(subject).and_then(|name| point.missing(name)) {
            return Err(format!("{} of {}: {reason}", subject.key(), point.label()));
        }
    }
    if exact(by, divisor) == Bound::AtLeast {
        return Err(format!("{} of {} is only a lower bound", by.key(), divisor.label()));
    }
    if exact(subject, point) == Bound::AtLeast {
        let (above, below) = (value(subject, point)?.value, value(by, divisor)?.value);
        return Ok(Value { value: above / below, interval: None, bound: Bound::AtLeast, counted: false });
    }
    let blocks = |subject: Subject, point: &Point| match subject {
        Subject::Quantity(name) => point.by_block(name).unwrap_or_default(),
        Subject::Count(_, count) => point
            .trials
            .iter()
            .filter_map(|trial| Some((trial.block, count(&trial.measurements.as_ref()?.delivery) as f64)))
            .collect(),
    };
    let below = blocks(by, divisor);
    let ratios: Vec<f64> = blocks(subject, point)
        .into_iter()
        .filter_map(|(block, value)| Some(value / *below.get(&block)?))
        .collect();
    let estimate =
        over_blocks(&ratios).ok_or_else(|| "no block has both values, or the divisor is zero".to_owned())?;
    Ok(Value { value: estimate.value, interval: estimate.interval, bound: estimate.bound, counted: false })
}

/// `cause` is why the value would be a bound.
fn outcome(threshold: &Threshold, found: &Value, cause: &str) -> (ThresholdOutcome, String) {
    let limit = threshold.limit;
    if found.bound == Bound::AtLeast {
        return beyond_the_bound(threshold.operator, found.value, limit, cause);
    }
    if matches!(threshold.divisor, Some(Divisor::Server(_))) {
        return near_the_noise(threshold.operator, found, limit);
    }
    let said = if found.interval.is_some() {
        "by its 95 % interval".to_owned()
    } else if found.counted {
        format!("{} by count", count(found.value as u64))
    } else {
        "by the value alone: fewer than four blocks".to_owned()
    };
    let (low, high) = found.interval.unwrap_or((found.value, found.value));
    let (kept, broken) = match threshold.operator {
        Operator::Below => (high < limit, low >= limit),
        Operator::AtMost => (high <= limit, low > limit),
        Operator::Above => (low > limit, high <= limit),
        Operator::AtLeast => (low >= limit, high < limit),
        Operator::Equal => {
            let room = ROUNDING * limit.abs().max(ROUNDING);
            let within = low - room <= limit && limit <= high + room;
            (within && high - low <= 2.0 * room, !within)
        }
    };
    match (kept, broken) {
        (true, _) => (ThresholdOutcome::Passed, said),
        (false, true) => (ThresholdOutcome::Failed, said),
        (false, false) => {
            (ThresholdOutcome::Inconclusive, "the threshold lies within the 95 % interval".to_owned())
        }
    }
}

/// A multiple of another server's cost: what the interval does not rule out is granted, and without
/// an interval nothing is known.
fn near_the_noise(operator: Operator, found: &Value, limit: f64) -> (ThresholdOutcome, String) {
    let Some((low, high)) = found.interval else {
        return (
            ThresholdOutcome::Inconclusive,
            "no interval: fewer than four blocks have both servers".to_owned(),
        );
    };
    let (low_end, high_end) = ("the low end of its 95 % interval", "the high end of its 95 % interval");
    let middle = found.value;
    // The deciding end, whether it keeps the threshold, and its value if the middle alone would not.
    let (end, kept, alone) = match operator {
        Operator::Below => (low_end, low < limit, (middle >= limit).then_some(low)),
        Operator::AtMost => (low_end, low <= limit, (middle > limit).then_some(low)),
        Operator::Above => (high_end, high > limit, (middle <= limit).then_some(high)),
        Operator::AtLeast => (high_end, high >= limit, (middle < limit).then_some(high)),
        Operator::Equal => ("its 95 % interval", low <= limit && limit <= high, None),
    };
    match (kept, alone) {
        (true, None) => (ThresholdOutcome::Passed, format!("by {end}")),
        (true, Some(reach)) => (
            ThresholdOutcome::Passed,
            format!(
                "by {end}: the middle, {}, lies beyond; the interval reaches {}",
                three_digits(middle),
                three_digits(reach)
            ),
        ),
        (false, _) => (ThresholdOutcome::Failed, format!("by {end}, which is beyond the limit")),
    }
}

/// The true value is larger than `value` by an unknown amount.
fn beyond_the_bound(operator: Operator, value: f64, limit: f64, cause: &str) -> (ThresholdOutcome, String) {
    let certain = value >= limit;
    let outcome = match operator {
        Operator::Below | Operator::AtMost | Operator::Equal if certain => ThresholdOutcome::Failed,
        Operator::Above | Operator::AtLeast if certain => ThresholdOutcome::Passed,
        Operator::Below | Operator::AtMost | Operator::Equal | Operator::Above | Operator::AtLeast => {
            ThresholdOutcome::Inconclusive
        }
    };
    (outcome, format!("only known to be over {}: {cause}", three_digits(rounded_down(value))))
}
