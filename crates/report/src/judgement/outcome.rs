//! Whether the value of an expression at its points is within its limit.

use super::{
    expression::{Divisor, Expression, Operator},
    expression_value::{Operands, Value},
};
use crate::{
    findings::{Point, ThresholdFinding, ThresholdOutcome, unmeasured},
    quantities::Bound,
    statistics::estimate::FEWEST_BLOCKS,
    text::number::{count, rounded_down, three_digits, with_unit},
};

/// Two values that differ by less are equal: a float has no more digits.
const ROUNDING: f64 = 1e-9;

/// What decides where the blocks are few, or the value is close to the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    /// With fewer than four blocks the value alone decides. The ratio to another server has the benefit of the
    /// doubt.
    Threshold,
    /// With fewer than four blocks the value decides only if it does so within the factor by which one block may
    /// differ from others. A value with a warning decides nothing.
    Claim,
}

/// The expression at its points. `start` has the texts of the finding.
pub(crate) fn judged(
    expression: &Expression<'_>,
    operands: Operands<'_>,
    rule: Rule,
    start: ThresholdFinding,
) -> ThresholdFinding {
    let start = ThresholdFinding {
        of: operands.label(),
        limit: Some(expression.limit),
        outcome: ThresholdOutcome::NotJudged,
        ..start
    };
    if let Some(reason) = operands.points().find_map(|point| not_measured(expression, point)) {
        // Nothing is known of it, not even its losses.
        return ThresholdFinding { reason, ..start };
    }
    let measure = &expression.measure;
    let mut finding = match measure.value(operands) {
        Err(reason) => ThresholdFinding { outcome: ThresholdOutcome::Inconclusive, reason, ..start },
        Ok(found) => decided(expression, operands, rule, found, start),
    };
    if let (Rule::Claim, Some(reason)) = (rule, warned(expression, operands)) {
        (finding.outcome, finding.reason) = (ThresholdOutcome::Inconclusive, reason);
    }
    // The losses of an invalid point are known too: they may be the reason.
    let counts = measure.divisor.is_none() && measure.term.subject.is_of_deliveries();
    if let Some(invalid) = operands.points().find(|point| !point.valid).filter(|_| !counts) {
        finding.outcome = ThresholdOutcome::NotJudged;
        let why = invalid.invalid_because.first().map_or("", String::as_str);
        finding.reason = format!("not judged: invalid, {why}");
    }
    finding
}

/// Why nothing is known of a point.
fn not_measured(expression: &Expression<'_>, point: &Point) -> Option<String> {
    if expression.measure.subjects().all(|subject| subject.is_of_browser()) {
        return point.not_run().map(|reason| format!("not run: {reason}"));
    }
    unmeasured(point)
}

/// The warning of a quantity that the report advises not to rely on.
fn warned(expression: &Expression<'_>, operands: Operands<'_>) -> Option<String> {
    let sides = expression.measure.subjects().zip(operands.points());
    let mut warnings = sides.filter_map(|(subject, point)| {
        let quantity = point.quantity_of(subject.quantity()?);
        // A lower bound is judged as one.
        let warning = quantity.warning.as_ref().filter(|_| quantity.bound == Bound::Exact)?;
        Some(format!("{} of {} has a warning: {warning}", subject.key(), point.label()))
    });
    warnings.next()
}

fn decided(
    expression: &Expression<'_>,
    operands: Operands<'_>,
    rule: Rule,
    found: Value,
    start: ThresholdFinding,
) -> ThresholdFinding {
    let is_by_few = rule == Rule::Claim
        && !found.counted
        && (found.interval.is_none() && (found.bound == Bound::Exact || found.blocks < FEWEST_BLOCKS));
    let of = if is_by_few { widened(expression, found) } else { found };
    // A value that one block says nothing about has no range.
    let range = of.interval.filter(|(low, high)| low.is_finite() && high.is_finite());
    let mut finding = ThresholdFinding {
        value: Some(found.value),
        low: range.map(|(low, _)| low),
        high: range.map(|(_, high)| high),
        bound: found.bound,
        is_by_one_block: is_by_few,
        ..start
    };
    let quantity = expression.measure.term.subject.quantity();
    let cause = quantity.map_or_else(String::new, |name| operands.point.bound_words(name));
    let clock_ms = quantity
        .filter(|_| expression.measure.divisor.is_none())
        .and_then(|name| operands.point.quantity_of(name).clock_bound_ms);
    let blocks = is_by_few.then_some(found.blocks);
    (finding.outcome, finding.reason) = match clock_ms {
        None => outcome(expression, rule, &of, blocks, &cause),
        Some(clock_ms) => {
            let (low, high) = of.interval.unwrap_or((of.value, of.value));
            let wider = Value { interval: Some((low - clock_ms, high + clock_ms)), ..of };
            let (outcome, reason) = outcome(expression, rule, &wider, blocks, &cause);
            let clock = with_unit(clock_ms, "ms");
            (outcome, format!("{reason}, widened by {clock}, the possible error of the browser's clock"))
        }
    };
    finding
}

/// The value of few blocks with the range in which one block may lie; of a lower bound its low end.
fn widened(expression: &Expression<'_>, found: Value) -> Value {
    let factor: f64 = expression.measure.subjects().map(|subject| subject.one_block()).product();
    if found.bound == Bound::AtLeast {
        return Value { value: found.value / factor, ..found };
    }
    // A count of zero is exact; a measured zero is only below the resolution of its clock.
    let is_exact = expression
        .measure
        .subjects()
        .all(|subject| subject.quantity().is_none_or(|name| name.is_counted() && found.value == 0.0));
    let interval = if is_exact {
        (found.value, found.value)
    } else if found.value > 0.0 {
        (found.value / factor, found.value * factor)
    } else {
        (f64::NEG_INFINITY, f64::INFINITY)
    };
    Value { interval: Some(interval), ..found }
}

/// `blocks` is the number of blocks if they are few and that counts; `cause` is why the value would be a bound.
fn outcome(
    expression: &Expression<'_>,
    rule: Rule,
    found: &Value,
    blocks: Option<usize>,
    cause: &str,
) -> (ThresholdOutcome, String) {
    let (operator, limit) = (expression.operator, expression.limit);
    if found.bound == Bound::AtLeast {
        return beyond_the_bound(operator, found.value, limit, cause);
    }
    if rule == Rule::Threshold && matches!(expression.measure.divisor, Some(Divisor::Server(_))) {
        return near_the_noise(operator, found, limit);
    }
    let (low, high) = found.interval.unwrap_or((found.value, found.value));
    let (kept, broken) = match operator {
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
        (true, _) => (ThresholdOutcome::Passed, said(found, blocks)),
        (false, true) => (ThresholdOutcome::Failed, said(found, blocks)),
        (false, false) => (ThresholdOutcome::Inconclusive, undecided(rule, found, blocks)),
    }
}

/// What decided it.
fn said(found: &Value, blocks: Option<usize>) -> String {
    if found.counted {
        return match found.interval {
            None => format!("{} by count", count(found.value as u64)),
            Some(_) => "by the count of every trial".to_owned(),
        };
    }
    match (blocks, found.interval) {
        (Some(blocks), _) => format!("by {}", block_words(blocks)),
        (None, Some(_)) => "by its 95 % interval".to_owned(),
        (None, None) => "by the value alone: fewer than four blocks".to_owned(),
    }
}

/// What leaves it open.
fn undecided(rule: Rule, found: &Value, blocks: Option<usize>) -> String {
    match (found.counted, blocks, rule) {
        (true, _, _) => "the trials differ".to_owned(),
        (false, Some(blocks), _) => format!("{} cannot tell", block_words(blocks)),
        (false, None, Rule::Threshold) => "the threshold lies within the 95 % interval".to_owned(),
        (false, None, Rule::Claim) => "the limit lies within the 95 % interval".to_owned(),
    }
}

/// Too few blocks for an interval, in words.
const fn block_words(blocks: usize) -> &'static str {
    match blocks {
        0 | 1 => "one block",
        2 => "two blocks",
        3 => "three blocks",
        _ => "blocks without an interval",
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
