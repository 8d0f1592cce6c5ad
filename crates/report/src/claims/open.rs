//! Why a run leaves a claim open.

use super::condition::{Condition, truth};
use crate::{
    findings::{ThresholdFinding, ThresholdOutcome},
    judgement::expression::Measure,
    quantities::Bound,
    text::{
        number::{count, setting},
        sentence::capitalised,
    },
};

/// Why a claim is open, and the command that may decide it. `absent` are its scenarios that were not measured.
pub(crate) fn undecided(conditions: &[Condition<'_>], absent: &[&str]) -> String {
    if !absent.is_empty() {
        return format!("Not measured in this run. To measure it: just bench {}", absent.join(" "));
    }
    let cells = || {
        let cells = conditions.iter().flat_map(|of| of.cells.iter().map(move |(_, cell)| (of, cell)));
        cells.filter(|(_, cell)| truth(cell).is_none())
    };
    let is_not_judged = |(_, cell): &(_, &ThresholdFinding)| cell.outcome == ThresholdOutcome::NotJudged;
    let Some((condition, cell)) = cells().find(is_not_judged).or_else(|| cells().next()) else {
        return String::new();
    };
    let more = match cells().count() - 1 {
        0 => String::new(),
        1 => ". One more point is undecided".to_owned(),
        more => format!(". {} more points are undecided", count(more as u64)),
    };
    let Some(expression) = condition.expression.as_ref().filter(|_| !cell.of.is_empty()) else {
        return format!("Not decided: {}: {}{more}.", cell.text, cell.reason);
    };
    let what = format!("{} of {}", measure_words(&expression.measure), cell.of);
    let Some((value, limit)) = value_and_limit(&expression.measure, cell) else {
        return format!("Not decided: {what}: {}{more}.", cell.reason);
    };
    let command = if cell.is_by_one_block {
        format!(" To measure four: just bench {} --blocks 4", cell.scenario)
    } else {
        String::new()
    };
    format!("{}: {what} is {value}, the limit {limit}{more}.{command}", capitalised(&cell.reason))
}

/// `age at p50`, `requests per event ÷ bytes per event`.
fn measure_words(measure: &Measure<'_>) -> String {
    let mut words: Vec<String> = measure
        .subjects()
        .map(|subject| match subject.quantity() {
            Some(name) => name.label().trim_start_matches("– ").to_owned(),
            None => subject.key().replace('_', " "),
        })
        .collect();
    words.dedup();
    words.join(" ÷ ")
}

/// The value with its range, and the limit, with units where it is no ratio; none without a judged value.
fn value_and_limit(measure: &Measure<'_>, cell: &ThresholdFinding) -> Option<(String, String)> {
    let (value, limit) = cell.value.zip(cell.limit)?;
    if cell.outcome == ThresholdOutcome::NotJudged {
        return None;
    }
    let single = measure.term.subject.quantity().filter(|_| measure.divisor.is_none());
    let Some(name) = single.filter(|_| cell.bound == Bound::Exact) else {
        return Some((cell.value_text(), setting(limit)));
    };
    let range = cell.low.zip(cell.high).and_then(|(low, high)| name.unit().interval(value, low, high));
    let range = range.map_or_else(String::new, |range| format!(" ({range})"));
    Some((format!("{}{range}", name.text(value)), name.text(limit)))
}
