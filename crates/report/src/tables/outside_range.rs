//! Where measured ages lie outside their predicted range, and what that means.

use crate::{
    findings::{Point, ScenarioFinding},
    quantities::{Quantity, QuantityName},
};

/// Heading of the list.
pub(crate) const HEADING: &str = "Where model and measurement differ";

/// The ages that have a range.
const AGES: [QuantityName; 3] = [QuantityName::AgeMean, QuantityName::AgeP50, QuantityName::AgeP99];

/// Older than predicted.
const OLDER: &str = "Older than the calibration explains: something delayed events in these trials that neither the formulas nor the calibration contain";
/// Younger than predicted.
const YOUNGER: &str = "Younger than the calibration explains: the machine was faster in these trials than during the calibration";

/// One sentence for each point and side on which a measured age lies outside its range; a single sentence if
/// all lie within. Empty if no age has a range.
pub(crate) fn sentences(finding: &ScenarioFinding) -> Vec<String> {
    let judged = || finding.points.iter().filter(|point| point.valid);
    let all: usize = judged().map(|point| ages(point).count()).sum();
    if all == 0 {
        return Vec::new();
    }
    let outside: Vec<String> =
        judged().flat_map(|point| [true, false].map(|older| words(point, older))).flatten().collect();
    if outside.is_empty() {
        return vec![format!("Nowhere: each of the {all} ages that have a predicted range lies within it.")];
    }
    outside
}

/// The ages of a point that can be compared with a range, and whether each lies within.
fn ages(point: &Point) -> impl Iterator<Item = (&Quantity, bool)> {
    AGES.into_iter().filter_map(|name| {
        let quantity = point.quantity_of(name);
        Some((quantity, quantity.is_as_predicted()?))
    })
}

/// The ages of a point outside their ranges, on one side.
fn words(point: &Point, older: bool) -> Option<String> {
    let is_older = |quantity: &Quantity| quantity.measured > quantity.predicted_high;
    let beyond: Vec<String> = ages(point)
        .filter(|(quantity, within)| !within && is_older(quantity) == older)
        .filter_map(|(quantity, _)| {
            let (end, side) =
                if older { (quantity.predicted_high?, "above") } else { (quantity.predicted_low?, "below") };
            let (name, measured) = (quantity.name, quantity.measured?);
            // With three digits, long ages would hide a difference that matters.
            let apart = name.text((measured - end).abs());
            let (measured, range) = (quantity.measured_text(), quantity.range_text()?);
            Some(format!("{} measured {measured}, {apart} {side} the predicted {range}", name.label()))
        })
        .collect();
    let means = if older { OLDER } else { YOUNGER };
    (!beyond.is_empty()).then(|| format!("{}: {}. {means}.", point.label(), beyond.join("; ")))
}
