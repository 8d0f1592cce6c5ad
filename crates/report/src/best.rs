//! Which value of a table stands out.

use crate::{
    comparisons::{at_same_value, between},
    findings::ScenarioFinding,
    point::Point,
    quantity::{Bound, QuantityName},
};

/// Said beside the table.
pub(crate) const BEST_EXPLAINED: &str = "Bold: lowest at its setting, and shown to differ from all others.";

/// Whether a value is the lowest and told apart from all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Best {
    Yes,
    No,
}

/// The lowest of the patterns at the same swept value, if a difference to each of them is shown.
pub(crate) fn is_best(finding: &ScenarioFinding, point: &Point, name: QuantityName) -> Best {
    let value = |point: &Point| {
        let quantity = point.quantity_of(name);
        quantity.measured.filter(|_| quantity.bound == Bound::Exact && point.valid)
    };
    let mut others = finding
        .points
        .iter()
        .filter(|other| !std::ptr::eq(*other, point) && other.pattern != point.pattern)
        .filter(|other| at_same_value(point, other) && other.measured(name).is_some())
        .peekable();
    let beaten = |other: &Point| {
        let lower = value(point).zip(value(other)).is_some_and(|(own, other)| own < other);
        lower && between(&finding.comparisons, name, point, other).is_some_and(|found| found.shown)
    };
    if others.peek().is_some() && others.all(beaten) { Best::Yes } else { Best::No }
}
