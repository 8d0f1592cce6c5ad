//! The patterns in order of the quantity that a question is about, with their other costs.

use std::collections::BTreeSet;

use contract::Pattern;

use super::panel::{Cell, Kind, Panel, Place, Row};
use crate::{
    findings::{Point, ScenarioFinding},
    judgement::{
        difference_test::{Alike, DifferenceTest},
        same_value::{SameValue, by_value},
    },
    quantities::{Bound, QuantityName},
    text::{
        number::{list, period_ms, setting},
        sentence::sentences,
        swept::SweepParameter,
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

/// A point with the ranks that it may have.
struct Ranked<'a> {
    point: &'a Point,
    /// Better than the others by what is told apart: the first rank, and the last one.
    first: usize,
    last: usize,
    /// Why these differ.
    why: Alike,
    /// Whether all that are not told apart from it tie.
    is_tie: bool,
}

/// One table, or for a sweep at most three: at the first value, where another pattern comes first, and at the last
/// value. None where a matrix or a comparison of servers is the ranking, and without two patterns.
pub(crate) fn tables(finding: &ScenarioFinding) -> Vec<Panel> {
    let Some(main) = ranked_by(finding) else {
        return Vec::new();
    };
    let difference_test = DifferenceTest::of(finding);
    let is_measured = |point: &&Point| point.server.is_pushlab() && point.measured(main).is_some();
    let points: Vec<&Point> = finding.points.iter().filter(is_measured).collect();
    let groups: Vec<(SameValue<'_>, Vec<Ranked<'_>>)> = by_value(&points)
        .into_iter()
        .filter(|group| group.points.len() > 1)
        .map(|group| {
            let ranked = ranked(difference_test, main, &group.points);
            (group, ranked)
        })
        .collect();
    let leaders = |ranked: &[Ranked<'_>]| -> BTreeSet<Pattern> {
        ranked.iter().filter(|one| one.first == 1).map(|one| one.point.pattern).collect()
    };
    let first = groups.first().map(|(_, ranked)| leaders(ranked));
    let flip = groups.iter().position(|(_, ranked)| Some(leaders(ranked)) != first);
    let is_shown = |place: &usize| *place == 0 || Some(*place) == flip || *place + 1 == groups.len();
    (0..groups.len()).filter(is_shown).map(|place| table(main, &groups[place].0, &groups[place].1)).collect()
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

/// Whether a point has a rank: a lower bound has none, and a point that is not valid.
fn has_rank(main: QuantityName, point: &Point) -> bool {
    point.quantity_of(main).bound == Bound::Exact && point.valid
}

/// The points by their values. A point comes after those that are told apart from it and better, and before those
/// that are told apart and worse; among the others its rank is not known.
fn ranked<'a>(
    difference_test: DifferenceTest<'_>,
    main: QuantityName,
    points: &[&'a Point],
) -> Vec<Ranked<'a>> {
    let value = |point: &Point| {
        let value = point.measured(main).unwrap_or(f64::MAX);
        if main.more_is_better() { -value } else { value }
    };
    let mut sorted: Vec<&Point> = points.iter().copied().filter(|point| has_rank(main, point)).collect();
    sorted.sort_by(|left, right| value(left).total_cmp(&value(right)));
    let rank = |(place, point): (usize, &&'a Point)| {
        let is_near = |other: &&&Point| difference_test.same(main, point, other);
        let near: Vec<&Point> = sorted.iter().filter(is_near).copied().collect();
        let before = sorted[..place].iter().filter(is_near).count();
        let first = 1 + place - before;
        Ranked {
            point,
            first,
            last: first + near.len() - 1,
            why: difference_test.alike(main, point, &near),
            is_tie: is_tie(difference_test, main, &near),
        }
    };
    sorted.iter().enumerate().map(rank).collect()
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

fn table(main: QuantityName, group: &SameValue<'_>, ranked: &[Ranked<'_>]) -> Panel {
    let is_known =
        |name: QuantityName| group.points.iter().any(|point| point.quantity_of(name).measured.is_some());
    let costs: Vec<(QuantityName, &str, &str)> = COSTS
        .into_iter()
        .filter(|(name, _, _)| *name != main && (!name.is_age() || !main.is_age()) && is_known(*name))
        .collect();
    let has_model = group.points.iter().any(|point| point.quantity_of(main).predicted.is_some());
    let mut heads = vec!["pattern".to_owned(), "rank".to_owned(), main.label().to_owned()];
    heads.extend(has_model.then(|| "model".to_owned()));
    heads.extend(costs.iter().map(|(_, head, _)| (*head).to_owned()));
    let row = |rank: Cell, point: &Point| {
        let value = |name: QuantityName, text: String| {
            // Grey, as in the table of all points.
            if point.quantity_of(name).warning.is_some() { Cell::absent(text) } else { Cell::plain(text) }
        };
        let mut cells = vec![rank, value(main, point.quantity_of(main).measured_with_interval())];
        cells.extend(has_model.then(|| Cell::plain(point.quantity_of(main).predicted_text())));
        cells.extend(costs.iter().map(|(name, _, _)| value(*name, point.quantity_of(*name).measured_text())));
        Row { pattern: Some(point.pattern), head: point.pattern.label().to_owned(), cells }
    };
    let mut rows: Vec<Row> = ranked.iter().map(|one| row(Cell::plain(rank(one)), one.point)).collect();
    let unranked = group.points.iter().filter(|point| !has_rank(main, point));
    rows.extend(
        unranked.map(|point| row(Cell::absent(if point.valid { "none" } else { "not valid" }), point)),
    );
    let at = if group.text.is_empty() { String::new() } else { format!(", {}", group.text) };
    Panel {
        heading: format!("Ranking by {}{at}", main.label()),
        explained: explained(main, group, ranked, &costs),
        heads,
        rows,
        kind: Kind::Numbers,
        // The terminal's table of points has the same numbers.
        place: Place::Page,
    }
}

/// `1`, `1 tied`, or `1–3` where the order of three patterns is not known.
fn rank(of: &Ranked<'_>) -> String {
    match (of.first == of.last, of.is_tie) {
        (true, _) => of.first.to_string(),
        (false, true) => format!("{} tied", of.first),
        (false, false) => format!("{}–{}", of.first, of.last),
    }
}

fn explained(
    main: QuantityName,
    group: &SameValue<'_>,
    ranked: &[Ranked<'_>],
    costs: &[(QuantityName, &str, &str)],
) -> String {
    let order = if main.more_is_better() { "highest" } else { "lowest" };
    let mut parts = vec![format!("the {order} {} comes first", main.label())];
    let per_event: Vec<String> =
        costs.iter().filter(|(name, _, _)| !name.is_age()).map(|(_, _, words)| (*words).to_owned()).collect();
    parts.extend((!per_event.is_empty()).then(|| format!("per event: {}", list(&per_event))));
    let shared = || ranked.iter().filter(|one| one.first < one.last);
    let mut open: Vec<String> = shared().filter(|one| !one.is_tie).map(|one| one.why.words()).collect();
    open.sort();
    open.dedup();
    parts.extend(open.into_iter().map(|why| format!("a range of ranks: {why}")));
    if shared().any(|one| one.is_tie) {
        parts.push(format!("tied: no difference shown, and none above {} times is possible", setting(TIE)));
    }
    let interval = group.points.iter().find_map(|point| point.params.poll_interval_ms);
    parts.extend(interval.map(|interval_ms| format!("short polling polls every {}", period_ms(interval_ms))));
    sentences(&parts)
}
