//! The outcome of each threshold of a run's scenarios.

use contract::Scenario;

use super::{
    expression::Divisor,
    outcome::{Rule, judged},
    threshold::parse,
};
use crate::{
    findings::{Point, ThresholdFinding, ThresholdOutcome},
    quantities::Bound,
};

/// Judges every threshold at every point of the lab's own server that it applies to.
pub(crate) fn threshold_findings(scenario: &Scenario, points: &[Point]) -> Vec<ThresholdFinding> {
    scenario.thresholds.iter().flat_map(|text| findings_of(scenario, text, points)).collect()
}

/// A finding without a value.
pub(crate) fn without_value(
    scenario: &str,
    text: &str,
    outcome: ThresholdOutcome,
    reason: String,
) -> ThresholdFinding {
    ThresholdFinding {
        scenario: scenario.to_owned(),
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
    }
}

fn findings_of(scenario: &Scenario, text: &str, points: &[Point]) -> Vec<ThresholdFinding> {
    let empty = |outcome, reason: String| without_value(&scenario.name, text, outcome, reason);
    let threshold = match parse(scenario, text) {
        Ok(threshold) => threshold,
        Err(error) => return vec![empty(ThresholdOutcome::Inconclusive, error.to_string())],
    };
    let operands = threshold.measure.operands(&|_: &Scenario| points);
    if let (true, Some(Divisor::Server(server))) = (operands.is_empty(), &threshold.measure.divisor) {
        let reason = format!("none of its points was measured on both pushlab and {server} in this run");
        return vec![empty(ThresholdOutcome::NotJudged, reason)];
    }
    if operands.is_empty() {
        let reason = "none of its points was measured in this run".to_owned();
        return vec![empty(ThresholdOutcome::NotJudged, reason)];
    }
    operands
        .into_iter()
        .map(|operands| {
            let start = empty(ThresholdOutcome::NotJudged, String::new());
            judged(&threshold, operands, Rule::Threshold, start)
        })
        .collect()
}
