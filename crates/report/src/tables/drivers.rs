//! The drivers of a question's points, if they have different ones.

use super::panel::{Cell, Kind, Panel, Place, Row, heads};
use crate::{
    findings::{Point, ScenarioFinding},
    text::{network_words::driver, swept::SweepParameter},
};

/// Points grouped by their driver, in the order of each group's first point.
pub(crate) fn by_driver<'a>(points: impl Iterator<Item = &'a Point>) -> Vec<(String, Vec<&'a Point>)> {
    let mut drivers: Vec<(String, Vec<&Point>)> = Vec::new();
    for point in points {
        let own = driver(&point.params, &point.server);
        match drivers.iter_mut().find(|(known, _)| *known == own) {
            Some((_, points)) => points.push(point),
            None => drivers.push((own, vec![point])),
        }
    }
    drivers
}

/// One row per driver; none if all points have the same.
pub(crate) fn table(finding: &ScenarioFinding) -> Option<Panel> {
    let measured = finding.points.iter().filter(|point| point.completed().next().is_some());
    let drivers = by_driver(measured);
    let rows = drivers.iter().map(|(driver, points)| Row {
        pattern: None,
        head: of(finding, points),
        cells: vec![Cell::plain(driver.clone())],
    });
    (drivers.len() > 1).then(|| Panel {
        heading: "Drivers".to_owned(),
        explained: "The points have different drivers (the code from the log to the socket). So a difference between points may come from the driver.".to_owned(),
        heads: heads(["points", "driver"]),
        rows: rows.collect(),
        kind: Kind::Words,
        place: Place::Page,
    })
}

/// What only these points have in common: the server, or the swept value.
fn of(finding: &ScenarioFinding, points: &[&Point]) -> String {
    let swept = SweepParameter::of(&finding.scenario);
    let mut names: Vec<String> = Vec::new();
    for point in points {
        let own = if finding.has_foreign() || point.server.is_floor() || swept.is_none() {
            point.server.to_string()
        } else {
            swept.map(|swept| swept.text(&point.params)).unwrap_or_default()
        };
        if !names.contains(&own) {
            names.push(own);
        }
    }
    names.join(", ")
}
