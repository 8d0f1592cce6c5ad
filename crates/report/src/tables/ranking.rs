//! The patterns in order of the quantity that a question is about, with their other costs.

use std::collections::BTreeSet;

use contract::Pattern;

use super::panel::{Cell, Kind, Panel, Place, Row};
use crate::{
    findings::{Point, ScenarioFinding, at_same_value},
    judgement::difference_test::{Alike, DifferenceTest},
    quantities::{Bound, QuantityName},
    text::{
        number::{list, period_ms, setting},
        sentence::sentences,
        swept::{SweepParameter, SweptValue},
    },
};

/// Patterns tie if one can be at most this many times as large as another.
const TIE: f64 = 1.25;

/// What a pattern costs besides the quantity that ranks it: the head, short enough for a terminal of eighty columns,
/// and the words that explain it.
const COSTS: [(QuantityName, &str, &str); 4] = [
    (QuantityName::AgeP99, "age at p99", ""),
    (QuantityName::RequestsPerEvent, "req.", "requests"),
    (QuantityName::BytesPerEvent, "bytes", "bytes"),
    (QuantityName::CpuPerEvent, "CPU", "server CPU"),
];

/// The patterns at one swept value, or all of them without a sweep.
struct Stop<'a> {
    /// The value in words; empty without a sweep.
    text: String,
    points: Vec<&'a Point>,
}

/// Patterns that share a rank.
struct Group<'a> {
    /// The lowest first.
    points: Vec<&'a Point>,
    why: Alike,
    is_tie: bool,
}

/// One table, or for a sweep at most three: at the first value, where another pattern comes first, and at the last
/// value. None where a matrix or a comparison of servers is the ranking, and without two patterns.
pub(crate) fn tables(finding: &ScenarioFinding) -> Vec<Panel> {
    let Some(main) = ranked_by(finding) else {
        return Vec::new();
    };
    let difference_test = DifferenceTest::of(finding);
    let stops: Vec<(Stop<'_>, Vec<Group<'_>>)> = stops(finding, main)
        .into_iter()
        .filter(|stop| stop.points.len() > 1)
        .map(|stop| {
            let groups = groups(difference_test, main, &stop.points);
            (stop, groups)
        })
        .collect();
    let leaders = |groups: &[Group<'_>]| -> BTreeSet<Pattern> {
        groups.first().into_iter().flat_map(|group| &group.points).map(|point| point.pattern).collect()
    };
    let first = stops.first().map(|(_, groups)| leaders(groups));
    let flip = stops.iter().position(|(_, groups)| Some(leaders(groups)) != first);
    let is_shown = |place: &usize| *place == 0 || Some(*place) == flip || *place + 1 == stops.len();
    (0..stops.len()).filter(is_shown).map(|place| table(main, &stops[place].0, &stops[place].1)).collect()
}

/// The quantity that ranks the patterns; none where another table shows the order.
fn ranked_by(finding: &ScenarioFinding) -> Option<QuantityName> {
    let scenario = &finding.scenario;
    let has_own_table = matches!(
        SweepParameter::of(scenario),
        Some(
            SweepParameter::Side
                | SweepParameter::Ablation
                | SweepParameter::Network
                | SweepParameter::Transport
                | SweepParameter::Heartbeat
                | SweepParameter::MaxStreams
        )
    );
    let of_patterns = !has_own_table
        && !finding.has_foreign()
        && !finding.is_ramp()
        && finding.points.iter().all(|point| point.params.browser.is_none())
        && scenario.memory_steps.is_empty();
    finding.primary().filter(|_| of_patterns)
}

fn stops(finding: &ScenarioFinding, main: QuantityName) -> Vec<Stop<'_>> {
    let is_measured = |point: &&Point| point.server.is_pushlab() && point.measured(main).is_some();
    let points: Vec<&Point> = finding.points.iter().filter(is_measured).collect();
    let mut values: Vec<(SweptValue, &Point)> = Vec::new();
    for point in points.iter().copied() {
        if let Some(value) = point.swept_key()
            && !values.iter().any(|(known, _)| *known == value)
        {
            values.push((value, point));
        }
    }
    values.sort_by(|(left, _), (right, _)| {
        left.place_in(&finding.scenario).total_cmp(&right.place_in(&finding.scenario))
    });
    if values.is_empty() {
        return vec![Stop { text: String::new(), points }];
    }
    let stop = |(_, of): &(SweptValue, &Point)| Stop {
        text: of.swept.map_or_else(String::new, |swept| swept.text(&of.params)),
        points: points.iter().copied().filter(|point| at_same_value(point, of)).collect(),
    };
    values.iter().map(stop).collect()
}

/// The points by rank: those that are not told apart from the first of the remaining ones share one. A lower bound
/// has no rank, and no group.
fn groups<'a>(
    difference_test: DifferenceTest<'_>,
    main: QuantityName,
    points: &[&'a Point],
) -> Vec<Group<'a>> {
    let value = |point: &Point| {
        let value = point.measured(main).unwrap_or(f64::MAX);
        if main.more_is_better() { -value } else { value }
    };
    let is_exact = |point: &&Point| point.quantity_of(main).bound == Bound::Exact;
    let mut rest: Vec<&Point> = points.iter().copied().filter(is_exact).collect();
    rest.sort_by(|left, right| value(left).total_cmp(&value(right)));
    let mut groups = Vec::new();
    while let Some(first) = rest.first().copied() {
        let (near, behind): (Vec<&Point>, Vec<&Point>) =
            rest.into_iter().partition(|point| difference_test.same(main, first, point));
        rest = behind;
        groups.push(Group {
            why: difference_test.alike(main, first, &near),
            is_tie: is_tie(difference_test, main, &near),
            points: near,
        });
    }
    groups
}

/// Whether the intervals of points that are not told apart leave no large difference between any two of them.
pub(crate) fn is_tie(difference_test: DifferenceTest<'_>, name: QuantityName, near: &[&Point]) -> bool {
    let Some(first) = near.first() else {
        return false;
    };
    let text = |point: &Point| point.quantity_of(name).measured_text();
    let is_judged = difference_test.alike(name, first, near) == Alike::NoDifference;
    let look_equal = near.iter().all(|point| text(point) == text(first));
    is_judged && (look_equal || widest(difference_test, name, near).is_none_or(|widest| widest.ratio <= TIE))
}

/// Two points, and by what factor the first may exceed the second.
pub(crate) struct Widest<'a> {
    pub(crate) high: &'a Point,
    pub(crate) low: &'a Point,
    pub(crate) ratio: f64,
}

/// The largest ratio that the intervals of any two of these points leave possible; none without intervals.
pub(crate) fn widest<'a>(
    difference_test: DifferenceTest<'_>,
    name: QuantityName,
    near: &[&'a Point],
) -> Option<Widest<'a>> {
    let pairs = near.iter().flat_map(|high| near.iter().map(move |low| (*high, *low)));
    let different = pairs.filter(|(high, low)| !std::ptr::eq(*high, *low));
    different
        .filter_map(|(high, low)| Some(Widest { high, low, ratio: difference_test.most(name, high, low)? }))
        .max_by(|left, right| left.ratio.total_cmp(&right.ratio))
}

fn table(main: QuantityName, stop: &Stop<'_>, groups: &[Group<'_>]) -> Panel {
    let is_known =
        |name: QuantityName| stop.points.iter().any(|point| point.quantity_of(name).measured.is_some());
    let costs: Vec<(QuantityName, &str, &str)> = COSTS
        .into_iter()
        .filter(|(name, _, _)| *name != main && (!name.is_age() || !main.is_age()) && is_known(*name))
        .collect();
    let has_model = stop.points.iter().any(|point| point.quantity_of(main).predicted.is_some());
    let mut heads = vec!["pattern".to_owned(), "rank".to_owned(), main.label().to_owned()];
    heads.extend(has_model.then(|| "model".to_owned()));
    heads.extend(costs.iter().map(|(_, head, _)| (*head).to_owned()));
    let row = |rank: Cell, point: &Point| {
        let mut cells = vec![rank, Cell::plain(point.quantity_of(main).measured_with_interval())];
        cells.extend(has_model.then(|| Cell::plain(point.quantity_of(main).predicted_text())));
        cells.extend(costs.iter().map(|(name, _, _)| Cell::plain(point.quantity_of(*name).measured_text())));
        Row { pattern: Some(point.pattern), head: point.pattern.label().to_owned(), cells }
    };
    let mut rows = Vec::new();
    for group in groups {
        let rank = Cell::plain(rank(rows.len() + 1, group));
        rows.extend(group.points.iter().map(|point| row(rank.clone(), point)));
    }
    let is_bound = |point: &&&Point| point.quantity_of(main).bound == Bound::AtLeast;
    rows.extend(stop.points.iter().filter(is_bound).map(|point| row(Cell::absent("none"), point)));
    let at = if stop.text.is_empty() { String::new() } else { format!(", {}", stop.text) };
    Panel {
        heading: format!("Ranking by {}{at}", main.label()),
        explained: explained(main, stop, groups, &costs),
        heads,
        rows,
        kind: Kind::Numbers,
        // A sweep has several such tables, and the terminal shows their numbers in one.
        // The terminal's table of points has the same numbers.
        place: Place::Page,
    }
}

/// `1`, `1 tied`, or `1–3` where the order of three patterns is not known.
fn rank(start: usize, group: &Group<'_>) -> String {
    match (group.points.len(), group.is_tie) {
        (0 | 1, _) => start.to_string(),
        (_, true) => format!("{start} tied"),
        (several, false) => format!("{start}–{}", start + several - 1),
    }
}

fn explained(
    main: QuantityName,
    stop: &Stop<'_>,
    groups: &[Group<'_>],
    costs: &[(QuantityName, &str, &str)],
) -> String {
    let order = if main.more_is_better() { "highest" } else { "lowest" };
    let mut parts = vec![format!("the {order} {} comes first", main.label())];
    let per_event: Vec<String> =
        costs.iter().filter(|(name, _, _)| !name.is_age()).map(|(_, _, words)| (*words).to_owned()).collect();
    parts.extend((!per_event.is_empty()).then(|| format!("per event: {}", list(&per_event))));
    let shared = || groups.iter().filter(|group| group.points.len() > 1);
    let mut open: Vec<String> =
        shared().filter(|group| !group.is_tie).map(|group| group.why.words()).collect();
    open.dedup();
    parts.extend(open.into_iter().map(|why| format!("a range of ranks: {why}")));
    if shared().any(|group| group.is_tie) {
        parts.push(format!("tied: no difference shown, and none above {} times is possible", setting(TIE)));
    }
    let interval = stop.points.iter().find_map(|point| point.params.poll_interval_ms);
    parts.extend(interval.map(|interval_ms| format!("short polling polls every {}", period_ms(interval_ms))));
    sentences(&parts)
}
