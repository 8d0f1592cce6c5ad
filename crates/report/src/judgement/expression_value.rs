//! The points that an expression applies to, and its value there.

use contract::{Change, Pattern, Scenario, ServerName};

use super::{
    expression::{Divisor, Measure, Term},
    subject::Subject,
};
use crate::{
    findings::{Point, at_same_value},
    quantities::{Bound, QuantityName},
    statistics::estimate::over_blocks,
    text::swept_names,
};

/// The value of an expression at its points.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Value {
    pub(crate) value: f64,
    /// The 95 % interval; for a count that differs between trials its least and its most.
    pub(crate) interval: Option<(f64, f64)>,
    pub(crate) bound: Bound,
    /// A count needs no interval to be certain.
    pub(crate) counted: bool,
    /// The blocks that it is from.
    pub(crate) blocks: usize,
}

/// The points of one value: a point, and for a ratio that of its divisor.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Operands<'a> {
    pub(crate) point: &'a Point,
    pub(crate) divisor: Option<&'a Point>,
}

impl<'a> Operands<'a> {
    pub(crate) fn points(self) -> impl Iterator<Item = &'a Point> {
        std::iter::once(self.point).chain(self.divisor)
    }

    /// The points in words: `SSE`, `SSE ÷ WebSocket`.
    pub(crate) fn label(self) -> String {
        match self.divisor {
            Some(divisor) if !std::ptr::eq(self.point, divisor) => {
                format!("{} ÷ {}", self.point.label(), divisor.label())
            }
            Some(_) | None => self.point.label(),
        }
    }
}

/// The points of a scenario; empty if it was not measured.
pub(crate) type PointsOf<'a, 'of> = &'of dyn Fn(&Scenario) -> &'a [Point];

impl Term<'_> {
    /// Whether it applies to a pattern at a value of the sweep.
    pub(crate) fn applies_to(&self, pattern: Pattern, value: Option<Change>) -> bool {
        self.pattern.is_none_or(|own| own == pattern) && self.value.is_none_or(|own| value == Some(own))
    }

    /// The points of the lab's own server that it applies to.
    fn points<'a>(&self, points_of: PointsOf<'a, '_>) -> Vec<&'a Point> {
        let applies = |point: &&Point| {
            point.server.is_pushlab()
                && self.applies_to(
                    point.pattern,
                    swept_names::value_at(self.scenario, point.pattern, &point.params),
                )
        };
        points_of(self.scenario).iter().filter(applies).collect()
    }
}

impl Measure<'_> {
    /// The points that it applies to, as far as they were measured.
    pub(crate) fn operands<'a>(&self, points_of: PointsOf<'a, '_>) -> Vec<Operands<'a>> {
        let firsts = self.term.points(points_of);
        let alone = |point| Operands { point, divisor: None };
        let divisor = match &self.divisor {
            None => return firsts.into_iter().map(alone).collect(),
            Some(Divisor::Server(server)) => {
                let points = points_of(self.term.scenario);
                let pair = |point| Some(Operands { point, divisor: Some(on_server(points, point, server)?) });
                return firsts.into_iter().filter_map(pair).collect();
            }
            Some(Divisor::Term(term)) => term,
        };
        let fits = |first: &Point, second: &Point| {
            let is_itself = std::ptr::eq(first, second);
            let patterns = [first.pattern, second.pattern];
            self.fits(divisor, is_itself, patterns, || at_same_value(first, second))
        };
        let seconds = divisor.points(points_of);
        let mut pairs = Vec::new();
        for point in firsts {
            let fitting = seconds.iter().copied().filter(|second| fits(point, second));
            pairs.extend(fitting.map(|divisor| Operands { point, divisor: Some(divisor) }));
        }
        pairs
    }

    /// Whether the divisor's point may divide the first one, given their patterns and whether they are at the
    /// same value of the sweep.
    pub(crate) fn fits(
        &self,
        divisor: &Term<'_>,
        is_itself: bool,
        [first, second]: [Pattern; 2],
        is_at_same_value: impl FnOnce() -> bool,
    ) -> bool {
        if divisor.scenario.name != self.term.scenario.name {
            return divisor.pattern.is_some() || first == second;
        }
        if self.term.pattern.is_none() && divisor.pattern.is_none() {
            return is_itself;
        }
        if is_itself {
            return self.term.subject.key() != divisor.subject.key();
        }
        // Without a value the divisor is at that of the first, where a pattern has only one point.
        divisor.value.is_some() || (first != second && is_at_same_value())
    }

    /// Its value at its points; why there is none otherwise.
    pub(crate) fn value(&self, operands: Operands<'_>) -> Result<Value, String> {
        let first = &self.term.subject;
        match (operands.divisor, &self.divisor) {
            (None, _) | (Some(_), None) => value(first, operands.point),
            (Some(other), Some(Divisor::Server(_))) => ratio(first, operands.point, first, other),
            (Some(other), Some(Divisor::Term(term))) if term.scenario.name == self.term.scenario.name => {
                ratio(first, operands.point, &term.subject, other)
            }
            (Some(other), Some(Divisor::Term(term))) => {
                unpaired_ratio(first, operands.point, &term.subject, other)
            }
        }
    }
}

/// The point of another server with the same pattern at the same setting.
fn on_server<'a>(points: &'a [Point], point: &Point, server: &ServerName) -> Option<&'a Point> {
    let theirs = |other: &&Point| other.server == *server && other.pattern == point.pattern;
    points.iter().filter(theirs).find(|other| at_same_value(point, other))
}

fn value(subject: &Subject, point: &Point) -> Result<Value, String> {
    let Some(name) = subject.quantity() else {
        let (least, most) =
            subject.count(point).ok_or_else(|| format!("{} was not counted", subject.key()))?;
        let (least, most) = (least as f64, most as f64);
        return Ok(Value {
            value: f64::midpoint(least, most),
            interval: (least < most).then_some((least, most)),
            bound: Bound::Exact,
            counted: true,
            blocks: point.blocks(),
        });
    };
    let quantity = point.quantity_of(name);
    let why = || match point.missing(name) {
        Some(reason) => format!("{}: {reason}", name.key()),
        None => format!("{} was not measured", name.key()),
    };
    Ok(Value {
        value: quantity.measured.ok_or_else(why)?,
        interval: quantity.low.zip(quantity.high),
        bound: quantity.bound,
        counted: false,
        blocks: point.readings(name).len(),
    })
}

/// Why a quantity of a ratio cannot be divided or divide.
fn missing(subject: &Subject, point: &Point) -> Option<String> {
    let reason = subject.quantity().and_then(|name| point.missing(name))?;
    Some(format!("{} of {}: {reason}", subject.key(), point.label()))
}

fn bound(subject: &Subject, point: &Point) -> Bound {
    subject.quantity().map_or(Bound::Exact, |name: QuantityName| point.quantity_of(name).bound)
}

/// Block by block, because what a block's two values have in common cancels.
fn ratio(subject: &Subject, point: &Point, by: &Subject, divisor: &Point) -> Result<Value, String> {
    if let Some(reason) = missing(subject, point).or_else(|| missing(by, divisor)) {
        return Err(reason);
    }
    if bound(by, divisor) == Bound::AtLeast {
        return Err(format!("{} of {} is only a lower bound", by.key(), divisor.label()));
    }
    if bound(subject, point) == Bound::AtLeast {
        let (above, below) = (value(subject, point)?, value(by, divisor)?);
        return Ok(Value {
            value: above.value / below.value,
            interval: None,
            bound: Bound::AtLeast,
            counted: false,
            blocks: above.blocks.min(below.blocks),
        });
    }
    let below = by.by_block(divisor);
    let ratios: Vec<f64> = subject
        .by_block(point)
        .into_iter()
        .filter_map(|(block, value)| Some(value / *below.get(&block)?))
        .collect();
    let estimate =
        over_blocks(&ratios).ok_or_else(|| "no block has both values, or the divisor is zero".to_owned())?;
    Ok(Value {
        value: estimate.value,
        interval: estimate.interval,
        bound: estimate.bound,
        counted: false,
        blocks: ratios.len(),
    })
}

/// Blocks of different scenarios have nothing in common. The interval reaches from the lowest to the highest
/// quotient of both intervals, so it is wider than 95 %.
fn unpaired_ratio(subject: &Subject, point: &Point, by: &Subject, divisor: &Point) -> Result<Value, String> {
    let (above, below) = (value(subject, point)?, value(by, divisor)?);
    if below.bound == Bound::AtLeast {
        return Err(format!("{} of {} is only a lower bound", by.key(), divisor.label()));
    }
    let ends = |of: &Value| of.interval.or_else(|| of.counted.then_some((of.value, of.value)));
    let interval = ends(&above).zip(ends(&below)).filter(|_| above.bound == Bound::Exact);
    if below.value <= 0.0 || interval.is_some_and(|(_, (low, _))| low <= 0.0) {
        return Err(format!("{} of {} may be zero, which divides nothing", by.key(), divisor.label()));
    }
    Ok(Value {
        value: above.value / below.value,
        interval: interval.map(|((low, high), (by_low, by_high))| (low / by_high, high / by_low)),
        bound: above.bound,
        counted: false,
        blocks: above.blocks.min(below.blocks),
    })
}
