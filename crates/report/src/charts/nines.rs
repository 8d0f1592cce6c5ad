//! The tail: each step to the right is ten times rarer.

use super::{
    age_curve::{self, AgeLine, last_nines, model_words, nines, p99_ms},
    age_panels::{AgePanels, Frame, path},
    axis::{Axis, Plane},
    canvas::{Anchor, Canvas, Drawn, TICK_TEXT, WIDTH, text_width},
    figure::Figure,
    intervals,
    legend::{self, EndLabel},
    shown::described,
};
use crate::{
    findings::{Point, ScenarioFinding},
    quantities::{QuantityName, ages},
    style::ColourRole,
    text::{number::with_setting, setting::served},
};

/// Steps of a curve between two nines.
const STEPS_PER_NINE: f64 = 12.0;
/// Where the curves begin: the median.
const FIRST: f64 = std::f64::consts::LOG10_2;

/// None with fewer than two steps.
fn line(point: &Point) -> Option<AgeLine<'_>> {
    let last = last_nines(point);
    let trials: Vec<_> = point.trials.iter().map(|trial| &trial.ages).collect();
    let measured = ages::curve(&trials, steps(last).map(quantile));
    let model = age_curve::model(point, steps(last).map(quantile));
    (measured.len() > 1).then_some(AgeLine { point, measured, model })
}

/// Nines to the right, age upwards.
fn at(quantile: f64, age_ms: f64) -> (f64, f64) {
    (nines(quantile), age_ms)
}

/// What a line's end is called: in a panel every pattern has one line.
fn name(point: &Point) -> String {
    served(point.pattern.label(), &point.server)
}

/// None if no point has twenty deliveries.
pub(super) fn figure(finding: &ScenarioFinding, points: &[&Point]) -> Option<Figure> {
    let panels = AgePanels::of(points, line)?;
    // A threshold applies to all lines, so they stay on one scale.
    let panels = if finding.scenario.thresholds.is_empty() { panels.with_far_lines_apart() } else { panels };
    let ends = panels.lines().filter_map(|line| line.measured.last());
    let last = ends.map(|step| nines(step.quantile)).fold(0.0, f64::max);
    let panels = panels.with_floors(finding, &steps(last).map(quantile).collect::<Vec<_>>());
    let limits: Vec<Limit> = limits(&finding.scenario.thresholds, last);
    let ages = panels.ages().chain(limits.iter().map(|limit| limit.age_ms));
    let y = Axis::log(ages, "age of an event, ms (log scale)");
    let widest = panels.points().iter().map(|point| text_width(&name(point), TICK_TEXT)).fold(0.0, f64::max);
    let frame = Frame {
        x: Axis::linear(FIRST, last, ticks(last), "percentile"),
        y: if panels.are_several() { y.with_decades() } else { y },
        left: 56.0,
        right: if panels.are_several() { WIDTH - 26.0 } else { WIDTH - widest - 34.0 },
        place: at,
        named_at_ends: true,
    };
    let drawing = panels.draw(&frame, |canvas, plane| limit_lines(canvas, plane, &limits), end_labels);
    let blocks = points.iter().any(|point| point.completed().count() > 1);
    Some(Figure {
        slug: format!("{}-nines", finding.scenario.name),
        scenario: Some(finding.scenario.name.clone()),
        title: title(points),
        caption: format!(
            "Look at where a line bends upwards: the rare deliveries beyond had to wait. A line ends where fewer than ten deliveries{} lie beyond it.{}{}",
            if blocks { " of a block" } else { "" },
            if limits.is_empty() { "" } else { " Grey lines are the scenario's thresholds." },
            panels.words(),
        ) + model_words(points),
        description: format!(
            "Line chart: age in ms, logarithmic, over percentiles spaced by their nines. {}.",
            described(points, |point| format!(
                "{}: p99 {}",
                point.label(),
                intervals::text(point.quantity_of(QuantityName::AgeP99))
            ))
        ),
        elements: drawing.elements,
        width: drawing.width,
        height: drawing.height,
    })
}

fn end_labels(canvas: &Canvas<'_>, plane: &Plane, lines: &[AgeLine<'_>]) -> Drawn {
    let labels: Vec<EndLabel<'_>> = lines
        .iter()
        .filter_map(|line| {
            let end = path(plane, &line.measured, at).last().copied()?;
            Some(EndLabel { point: line.point, end, words: name(line.point) })
        })
        .collect();
    legend::end_labels(canvas, &labels, plane.right + 18.0, (plane.top, plane.bottom))
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
            "One delivery in a hundred was older than {} ({}) to {} ({}){without}",
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
