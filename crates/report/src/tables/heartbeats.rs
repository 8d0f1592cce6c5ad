//! The benefit and the cost of heartbeats: cuts, losses, bytes.

use contract::Pattern;

use super::{
    obstacles::{ConnectionTrouble, lost},
    panel::{Cell, Kind, Panel, Place, Row, Tone, heads},
    recovery,
};
use crate::{
    findings::{Point, ScenarioFinding},
    judgement::difference_test::{DifferenceTest, TestResult},
    quantities::{Bound, QuantityName},
    text::{
        network_words::heartbeat_mark,
        number::{count, time_ms},
        swept::SweepParameter,
    },
};

const EXPLAINED: &str = "Cut: connections that subscribers had to open again. Bytes per event are all bytes of the connections, heartbeats included.";

/// Whether no connection was cut and nothing lost.
pub(crate) fn survives(point: &Point) -> bool {
    let trouble = ConnectionTrouble::of(point);
    point.completed().next().is_some()
        && trouble.reconnects == 0
        && trouble.never_connected == 0
        && point.delivery.lost == 0
}

/// The points of a pattern, by heartbeat.
pub(crate) fn of_pattern(finding: &ScenarioFinding, pattern: Pattern) -> Vec<&Point> {
    let points = finding.points.iter().filter(|point| point.pattern == pattern && point.server.is_pushlab());
    points.filter(|point| point.completed().next().is_some()).collect()
}

/// The valid point with the fewest bytes of those that were never cut; none if there is none, or if the
/// pattern has no heartbeats.
pub(crate) fn cheapest<'a>(points: &[&'a Point]) -> Option<&'a Point> {
    let bytes = |point: &Point| {
        let bytes = point.quantity_of(QuantityName::BytesPerEvent);
        bytes.measured.filter(|_| bytes.bound == Bound::Exact)
    };
    let is_candidate = |point: &&Point| point.swept.is_some() && point.valid && survives(point);
    let known = points.iter().copied().filter(is_candidate);
    known
        .filter_map(|point| Some((point, bytes(point)?)))
        .min_by(|(_, left), (_, right)| left.total_cmp(right))
        .map(|(point, _)| point)
}

/// Whether it is the cheapest of its pattern that was never cut, and told apart from all others of these.
fn is_cheapest(finding: &ScenarioFinding, point: &Point) -> bool {
    let points = of_pattern(finding, point.pattern);
    let result =
        |other: &Point| DifferenceTest::of(finding).result(QuantityName::BytesPerEvent, point, other);
    let beaten = |other: &&Point| std::ptr::eq(*other, point) || result(other) == TestResult::Apart;
    cheapest(&points).is_some_and(|cheapest| std::ptr::eq(cheapest, point))
        && points.iter().filter(|other| survives(other)).all(beaten)
}

/// One row per heartbeat and pattern; none unless heartbeats are compared.
pub(crate) fn table(finding: &ScenarioFinding) -> Option<Panel> {
    if SweepParameter::of(&finding.scenario) != Some(SweepParameter::Heartbeat) {
        return None;
    }
    let rows = finding.points.iter().map(|point| row(point, is_cheapest(finding, point)));
    Some(Panel {
        heading: "Heartbeats".to_owned(),
        explained: format!("{EXPLAINED} {}", recovery::PAUSES),
        heads: heads([
            "pattern",
            "heartbeat",
            "outcome",
            "cut",
            "back after, p50",
            "lost",
            "bytes per event",
            "age at p99",
        ]),
        rows: rows.collect(),
        kind: Kind::Numbers,
        place: Place::Everywhere,
    })
}

fn row(point: &Point, is_cheapest: bool) -> Row {
    let heartbeat = if point.swept.is_some() {
        heartbeat_mark(point.params.heartbeat.unwrap_or_default())
    } else {
        "has none".to_owned()
    };
    let mut cells = vec![Cell::plain(heartbeat)];
    if point.completed().next().is_none() {
        let why = point.not_run().map_or_else(|| "failed".to_owned(), |reason| format!("not run: {reason}"));
        cells.push(Cell::absent(why));
        cells.extend(std::iter::repeat_n(Cell::absent("—"), 5));
    } else {
        let trouble = ConnectionTrouble::of(point);
        let text = |name| point.quantity_of(name).measured_with_interval();
        let small = if point.valid { vec![] } else { vec!["not valid: see the validity box".to_owned()] };
        cells.push(Cell { small, ..outcome(survives(point), is_cheapest) });
        cells.push(Cell::plain(count(trouble.reconnects)));
        cells.push(trouble.recovery_p50_ms.map_or_else(
            || Cell::plain("—"),
            |p50_ms| {
                let pause = recovery::pause(point.pattern).to_owned();
                Cell { small: vec![pause], ..Cell::plain(time_ms(p50_ms)) }
            },
        ));
        cells.push(Cell::plain(count(lost(point).0)));
        cells.push(Cell::plain(text(QuantityName::BytesPerEvent)));
        cells.push(Cell::plain(text(QuantityName::AgeP99)));
    }
    Row { pattern: Some(point.pattern), head: point.pattern.label().to_owned(), cells }
}

fn outcome(survives: bool, is_cheapest: bool) -> Cell {
    let (text, tone) = match (survives, is_cheapest) {
        (true, true) => ("✓ never cut, fewest bytes", Tone::Good),
        (true, false) => ("✓ never cut", Tone::Good),
        (false, _) => ("! cut", Tone::Doubt),
    };
    Cell { text: text.to_owned(), small: Vec::new(), tone }
}
