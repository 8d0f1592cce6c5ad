//! Points without a value in a table or figure, and why.

use crate::{
    findings::{Point, ScenarioFinding, unmeasured},
    quantities::QuantityName,
    text::number::list,
};

/// Points without a value grouped by reason, in the order of the points.
fn by_reason<'a>(
    points: impl Iterator<Item = &'a Point>,
    name: QuantityName,
) -> Vec<(String, Vec<&'a Point>)> {
    let mut reasons: Vec<(String, Vec<&Point>)> = Vec::new();
    for point in points {
        let Some(reason) = point.missing(name) else { continue };
        match reasons.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, points)) => points.push(point),
            None => reasons.push((reason, vec![point])),
        }
    }
    reasons
}

fn labels(points: &[&Point]) -> String {
    list(&points.iter().map(|point| point.label()).collect::<Vec<_>>())
}

/// One line for each reason for dashes among the costs per event in the terminal's table: in its own columns
/// and in that of the primary quantity.
pub(crate) fn lines(finding: &ScenarioFinding, asked: Option<QuantityName>) -> Vec<String> {
    let shown: Vec<&Point> = finding.points.iter().filter(|point| unmeasured(point).is_none()).collect();
    let asked = asked.filter(|name| name.is_per_delivery()).map(|name| (name, name.label()));
    std::iter::once((QuantityName::BytesPerEvent, "requests and bytes per event"))
        .chain(asked)
        .flat_map(|(name, words)| {
            by_reason(shown.iter().copied(), name).into_iter().map(move |found| (words, found))
        })
        .map(|(words, (reason, points))| {
            if points.len() == shown.len() {
                format!("{words}: {reason}")
            } else {
                format!("{words} of {}: {reason}", labels(&points))
            }
        })
        .collect()
}

/// The end of a figure's caption: the points that it cannot show.
pub(crate) fn caption(points: &[&Point], name: QuantityName) -> String {
    by_reason(points.iter().copied(), name)
        .into_iter()
        .map(|(reason, points)| format!(" Without {}: {}; {reason}.", name.label(), labels(&points)))
        .collect()
}
