//! A condition of a claim at every point to which it applies.

use contract::Scenario;

use super::planned::not_measured;
use crate::{
    findings::{ThresholdFinding, ThresholdOutcome},
    judgement::{
        expression::{Expression, Scope, scenarios_named},
        expression_value::{Operands, PointsOf},
        outcome::{Rule, judged},
        threshold_verdict::without_value,
    },
};

/// A condition in a run: each cell with the points that it was judged at, if they were measured.
pub(crate) struct Condition<'a> {
    /// None if it cannot be read, or one of its scenarios was not measured.
    pub(crate) expression: Option<Expression<'a>>,
    pub(crate) cells: Vec<(Option<Operands<'a>>, ThresholdFinding)>,
}

/// Judges a condition at every point to which it applies. `known` are the scenarios that were measured.
pub(crate) fn condition<'a>(
    text: &str,
    known: &[&'a Scenario],
    points_of: PointsOf<'a, '_>,
) -> Condition<'a> {
    let names = scenarios_named(text);
    let scenario = names.first().copied().unwrap_or_default();
    let alone = |outcome, reason: String| Condition {
        expression: None,
        cells: vec![(None, without_value(scenario, text, outcome, reason))],
    };
    if let Some(absent) = names.iter().find(|name| known.iter().all(|scenario| scenario.name != **name)) {
        return alone(ThresholdOutcome::NotJudged, format!("{absent} was not measured in this run"));
    }
    let scope = Scope { own: None, named: known };
    let expression = match scope.expression(text) {
        Ok(expression) => expression,
        Err(error) => return alone(ThresholdOutcome::Inconclusive, error.to_string()),
    };
    let start = |reason: String| without_value(scenario, text, ThresholdOutcome::NotJudged, reason);
    let mut cells: Vec<(Option<Operands<'a>>, ThresholdFinding)> = expression
        .measure
        .operands(points_of)
        .into_iter()
        .map(|operands| (Some(operands), judged(&expression, operands, Rule::Claim, start(String::new()))))
        .collect();
    cells.extend(not_measured(&expression.measure, points_of).into_iter().map(|of| {
        let reason = "not measured in this run".to_owned();
        (None, ThresholdFinding { of, limit: Some(expression.limit), ..start(reason) })
    }));
    if cells.is_empty() {
        return alone(ThresholdOutcome::NotJudged, "none of its points was measured in this run".to_owned());
    }
    Condition { expression: Some(expression), cells }
}

/// Whether a condition is true at a point; none if that is not known.
pub(crate) const fn truth(cell: &ThresholdFinding) -> Option<bool> {
    match cell.outcome {
        ThresholdOutcome::Passed => Some(true),
        ThresholdOutcome::Failed => Some(false),
        ThresholdOutcome::Inconclusive | ThresholdOutcome::NotJudged => None,
    }
}
