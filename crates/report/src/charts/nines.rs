//! The tail: each step to the right is ten times rarer.

use contract::Measurements;

use super::{
    age_curve::{self, AgeCurve},
    axis::{Axis, Plane},
    canvas::{Anchor, Canvas, Drawn, TICK_TEXT, WIDTH, draw, text_width},
    figure::Figure,
    intervals, legend,
    shown::{left_out, same_panel},
};
use crate::{
    findings::{Point, SAMPLES_BEYOND, ScenarioFinding},
    quantities::{Bound, QuantityName},
    style::ColourRole,
    text::number::with_setting,
};

/// Steps of a curve between two nines.
const STEPS_PER_NINE: f64 = 12.0;
/// Where the curves begin: the median.
const FIRST: f64 = std::f64::consts::LOG10_2;

/// A point with its tail, measured and predicted.
struct Tail<'a> {
    point: &'a Point,
    measured: AgeCurve,
    model: AgeCurve,
    /// What its line is called.
    label: String,
}

impl<'a> Tail<'a> {
    /// None with fewer than two steps.
    fn of(point: &'a Point) -> Option<Self> {
        let last = last_nines(point);
        let measured = age_curve::measured(point, steps(last).map(quantile));
        let model = age_curve::model(point, steps(last).map(quantile));
        (measured.len() > 1).then(|| Self { point, measured, model, label: point.mark() })
    }
}

/// Nines to the right, age upwards.
fn at(quantile: f64, age_ms: f64) -> (f64, f64) {
    (nines(quantile), age_ms)
}

/// None if no point has twenty deliveries.
pub(super) fn figure(
    finding: &ScenarioFinding,
    part: &str,
    points: &[&Point],
    all: &[&Point],
) -> Option<Figure> {
    let floors = |last: f64| age_curve::floors(finding, points, || steps(last).map(quantile));
    let tails: Vec<Tail<'_>> = points.iter().filter_map(|point| Tail::of(point)).collect();
    let ends = tails.iter().filter_map(|tail| tail.measured.last());
    let last = ends.map(|step| nines(step.quantile)).fold(0.0, f64::max);
    if tails.is_empty() {
        return None;
    }
    let widest = tails.iter().map(|tail| text_width(&tail.label, TICK_TEXT)).fold(0.0, f64::max);
    let floors = floors(last);
    let limits: Vec<Limit> = limits(&finding.scenario.thresholds, last);
    let values = tails
        .iter()
        .flat_map(|tail| age_curve::ages(&tail.measured).chain(age_curve::ages(&tail.model)))
        .chain(limits.iter().map(|limit| limit.age_ms))
        .chain(floors.iter().flat_map(|(_, curve)| age_curve::ages(curve)));
    let model_drawn = tails.iter().any(|tail| !tail.model.is_empty());
    let shown: Vec<&Point> = tails.iter().map(|tail| tail.point).collect();
    let of_panel: Vec<&Point> = all.iter().copied().filter(|point| same_panel(points, point)).collect();
    // Names at the ends of the lines need no key; swept values do.
    let named: &[&Point] = if finding.scenario.sweep.is_some() { &shown } else { &[] };
    let mut keys = legend::keys(named, model_drawn);
    keys.extend(legend::floor_key(!floors.is_empty()));
    let top = legend::height(&keys) + 38.0;
    let plane = Plane {
        x: Axis::linear(FIRST, last, ticks(last), "percentile"),
        y: Axis::log(values, "age of an event, ms (log scale)"),
        left: 52.0,
        right: WIDTH - widest - 24.0,
        top,
        bottom: top + 230.0,
    };
    let drawing = draw(plane.bottom + 44.0, |canvas| {
        legend::draw(canvas, &keys, 0.0)?;
        plane.frame(canvas)?;
        limit_lines(canvas, &plane, &limits)?;
        for (pattern, curve) in &floors {
            canvas.line(&age_curve::path(&plane, curve, at), ColourRole::Floor(*pattern), 2.0)?;
        }
        paint(canvas, &plane, &tails)
    });
    Some(Figure {
        slug: format!("{part}-nines"),
        scenario: Some(finding.scenario.name.clone()),
        title: title(&of_panel),
        caption: format!(
            "Look at where a line bends upwards: the rare deliveries beyond had to wait. A line ends where fewer than ten deliveries{} lie beyond it.{}{}{}",
            if shown.iter().any(|point| point.completed().count() > 1) { " of a block" } else { "" },
            age_curve::ribbon_words(tails.iter().map(|tail| &tail.measured)),
            if limits.is_empty() { "" } else { " Grey lines are the scenario's thresholds." },
            left_out(shown.len(), of_panel.len())
        ),
        description: format!(
            "Line chart: age in ms, logarithmic, over percentiles spaced by their nines. {}.",
            shown
                .iter()
                .map(|point| format!(
                    "{}: p99 {}",
                    point.label(),
                    intervals::text(point.quantity_of(QuantityName::AgeP99))
                ))
                .collect::<Vec<_>>()
                .join("; ")
        ),
        elements: drawing.elements,
        width: drawing.width,
        height: drawing.height,
    })
}

/// Ribbons and models first, so that measurements are drawn over them.
fn paint(canvas: &Canvas<'_>, plane: &Plane, tails: &[Tail<'_>]) -> Drawn {
    for tail in tails {
        age_curve::ribbon(canvas, plane, &tail.measured, at, ColourRole::Measured(tail.point.pattern))?;
    }
    for tail in tails {
        let path = age_curve::path(plane, &tail.model, at);
        canvas.line(&path, ColourRole::Model(tail.point.pattern), 2.0)?;
    }
    let mut ends = Vec::new();
    for tail in tails {
        let path = age_curve::path(plane, &tail.measured, at);
        canvas.line(&path, ColourRole::Measured(tail.point.pattern), 2.2)?;
        if let Some(end) = path.last() {
            canvas.point_marker(tail.point, *end, 5.0)?;
            ends.push((*end, tail.label.clone()));
        }
    }
    legend::end_labels(canvas, &ends, plane.right + 12.0, (plane.top, plane.bottom))
}

/// A condition on an age, as far as this chart can show it.
#[derive(Debug, Clone, PartialEq)]
struct Limit {
    quantile: f64,
    age_ms: f64,
    /// `p99 < 250 ms`, with the pattern before it where the condition names one.
    label: String,
}

/// The conditions that are a line here: one age against one number. Others, and those beyond the
/// last percentile drawn, are left out.
fn limits(thresholds: &[String], last: f64) -> Vec<Limit> {
    let mut found: Vec<Limit> = Vec::new();
    for limit in thresholds.iter().filter_map(|threshold| limit(threshold)) {
        if nines(limit.quantile) <= last + 1e-9 && !found.contains(&limit) {
            found.push(limit);
        }
    }
    found.sort_by(|left, right| right.age_ms.total_cmp(&left.age_ms));
    found
}

fn limit(threshold: &str) -> Option<Limit> {
    let place = threshold.find(['<', '>', '='])?;
    let (quantity, rest) = threshold.split_at(place);
    let digits = rest.find(|letter: char| !['<', '>', '='].contains(&letter))?;
    let (sign, number) = rest.split_at(digits);
    let (whose, key) = match quantity.trim().split_once('.') {
        Some((pattern, key)) => (format!("{pattern} "), key),
        None => (String::new(), quantity.trim()),
    };
    let (quantile, word) = match key {
        "age_p50_ms" => (0.5, "p50"),
        "age_p99_ms" => (0.99, "p99"),
        _other => return None,
    };
    let age_ms = number.trim().parse::<f64>().ok().filter(|age_ms| age_ms.is_finite() && *age_ms > 0.0)?;
    let sign = match sign {
        "<=" => "≤",
        ">=" => "≥",
        other => other,
    };
    Some(Limit { quantile, age_ms, label: format!("{whose}{word} {sign} {}", with_setting(age_ms, "ms")) })
}

/// A level line up to the percentile of the condition, with its text on it; on the median, where the chart
/// begins, it is as long as its text.
fn limit_lines(canvas: &Canvas<'_>, plane: &Plane, limits: &[Limit]) -> Drawn {
    let mut taken: Vec<f64> = Vec::new();
    for limit in limits {
        let (x, y) = plane.place((nines(limit.quantile), limit.age_ms));
        let words_end = plane.left + text_width(&limit.label, TICK_TEXT) + 8.0;
        let end = if limit.quantile > 0.5 { x } else { words_end.min(plane.right) };
        canvas.line(&[(plane.left, y), (end, y)], ColourRole::Limit, 1.2)?;
        canvas.line(&[(x, y - 5.0), (x, y + 5.0)], ColourRole::Limit, 1.6)?;
        // Above or below the line, where there is room; without room only the line is drawn.
        let is_free = |place: &f64| {
            *place >= plane.top && taken.iter().all(|other| (other - place).abs() >= TICK_TEXT + 1.0)
        };
        if let Some(place) = [y - 9.0, y + 9.0].into_iter().find(is_free) {
            canvas.text(
                (plane.left + 4.0, place),
                &limit.label,
                Anchor::Left,
                TICK_TEXT,
                ColourRole::Quiet,
            )?;
            taken.push(place);
        }
    }
    Ok(())
}

fn quantile(nines: f64) -> f64 {
    1.0 - 10_f64.powf(-nines)
}

fn nines(quantile: f64) -> f64 {
    -(1.0 - quantile).log10()
}

/// Where fewer than ten deliveries of the smallest block lie beyond.
fn last_nines(point: &Point) -> f64 {
    let deliveries = |measurements: &Measurements| measurements.age.arrived.count + measurements.age.censored;
    let fewest = point.completed().map(deliveries).min().unwrap_or(0);
    (fewest as f64 / SAMPLES_BEYOND).log10()
}

fn steps(last: f64) -> impl Iterator<Item = f64> {
    let count = ((last - FIRST) * STEPS_PER_NINE).floor().max(0.0) as u32;
    (0..=count).map(|step| FIRST + f64::from(step) / STEPS_PER_NINE).filter(move |nines| *nines <= last)
}

fn ticks(last: f64) -> Vec<(f64, String)> {
    [(FIRST, "p50"), (1.0, "p90"), (2.0, "p99"), (3.0, "p99.9"), (4.0, "p99.99"), (5.0, "p99.999")]
        .into_iter()
        .filter(|(nines, _)| *nines <= last + 0.01)
        .map(|(nines, label)| (nines, label.to_owned()))
        .collect()
}

/// The age at which a curve reaches p99; none with too few deliveries, or if too many never came.
pub(super) fn p99_ms(point: &Point) -> Option<f64> {
    let age = point.quantity_of(QuantityName::AgeP99);
    age.measured.filter(|_| age.bound == Bound::Exact && last_nines(point) >= nines(0.99) - 1e-9)
}

/// The youngest and the oldest p99, of all points that have one; else where the lines end.
fn title(points: &[&Point]) -> String {
    let mut timed: Vec<(f64, &Point)> =
        points.iter().filter_map(|point| Some((p99_ms(point)?, *point))).collect();
    timed.sort_by(|left, right| left.0.total_cmp(&right.0));
    let text = |point: &Point| point.quantity_of(QuantityName::AgeP99).measured_text();
    let without = match points.len() - timed.len() {
        0 => String::new(),
        number => format!("; {number} of {} points have no p99", points.len()),
    };
    match timed.as_slice() {
        [(_, first), .., (_, last)] => format!(
            "One delivery in a hundred was older than {} ({}), and {} ({}){without}",
            text(first),
            first.label(),
            text(last),
            last.label()
        ),
        [(_, only)] => {
            format!("One delivery in a hundred by {} was older than {}{without}", only.label(), text(only))
        }
        [] => {
            let lost = points.iter().any(|point| point.ages().censored > 0);
            let never = if lost { ", or they never came" } else { "" };
            format!("No p99: fewer than ten deliveries lie beyond the end of each line{never}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_on_one_age_are_lines_and_others_are_not() {
        let thresholds = [
            "age_p99_ms < 250",
            "sse.age_p50_ms<=4.5",
            "lost == 0",
            "age_mean_ms < 3",
            "sse.age_p99_ms / websocket.age_p99_ms < 1.6",
            "age_p99_ms < soon",
            "age_p99_ms <",
            "",
        ]
        .map(str::to_owned);
        let found: Vec<(f64, f64, String)> = limits(&thresholds, 3.0)
            .into_iter()
            .map(|limit| (limit.quantile, limit.age_ms, limit.label))
            .collect();
        assert_eq!(
            found,
            [
                (0.99, 250.0, "p99 < 250\u{202f}ms".to_owned()),
                (0.5, 4.5, "sse p50 ≤ 4.5\u{202f}ms".to_owned())
            ]
        );
        assert!(limits(&thresholds[..1], 1.5).is_empty(), "the chart ends before p99");
    }
}
