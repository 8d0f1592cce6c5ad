//! Stalls and drifts: ages second by second, and beneath them how late the publisher was.

use contract::{Measurements, Second};

use super::{
    Figure, MOST_SERIES,
    axis::{Axis, Plane},
    canvas::{Anchor, Canvas, Drawn, TEXT, TICK_TEXT, WIDTH, draw},
    left_out, spread_over_patterns,
};
use crate::{findings::ScenarioFinding, number::with_unit, point::Point, style::Ink};

/// Height of a lane's plane, and of the lane with its heading.
const LANE: f64 = 74.0;
const LANE_WITH_HEADING: f64 = LANE + 38.0;

/// None if no second of any point holds a delivery.
pub(super) fn figure(finding: &ScenarioFinding, points: &[&Point]) -> Option<Figure> {
    let timed: Vec<&Point> = points
        .iter()
        .copied()
        .filter(|point| first(point).is_some_and(|trial| trial.age_seconds.len() > 1))
        .collect();
    if timed.is_empty() {
        return None;
    }
    let shown = spread_over_patterns(&timed, MOST_SERIES);
    let x = seconds_axis(&shown);
    let ages = Axis::log(
        shown
            .iter()
            .filter_map(|point| first(point))
            .flat_map(|trial| &trial.age_seconds)
            .flat_map(|second| [ms(second.p50_us), ms(second.p99_us)]),
        "",
    )
    .with_decades();
    let lateness = lateness_seconds(&shown);
    let late = Axis::log(lateness.iter().map(|(_, late)| *late), "").with_decades();
    let lanes = shown.len() as f64;
    let top = 30.0;
    let height = top + LANE_WITH_HEADING * (lanes + 1.0) + 40.0;
    let drawing = draw(height, |canvas| {
        key(canvas)?;
        for (index, point) in shown.iter().enumerate() {
            let lane = lane(&x, &ages, top + LANE_WITH_HEADING * index as f64);
            if let Some(trial) = first(point) {
                age_lane(canvas, &lane, point, trial)?;
            }
        }
        let lane = lane(&x, &late, top + LANE_WITH_HEADING * lanes);
        lateness_lane(canvas, &lane, &lateness)
    });
    Some(Figure {
        slug: format!("{}-time", finding.scenario.name),
        scenario: Some(finding.scenario.name.clone()),
        title: title(&shown),
        caption: format!(
            "Upper line of a lane: p99 of each second; lower, thin line: its median. The grey stretch is warm-up and does not count. A peak that the lowest lane shares is the publisher's, not the pattern's. Where a point has several trials, the first.{}",
            left_out(shown.len(), timed.len())
        ),
        description: description(&shown),
        elements: drawing.elements,
        width: drawing.width,
        height: drawing.height,
    })
}

fn first(point: &Point) -> Option<&Measurements> {
    point.completed().next()
}

/// A logarithmic axis has no zero: times are at least the microsecond that they are kept to.
fn ms(time_us: u64) -> f64 {
    time_us.max(1) as f64 * 1e-3
}

fn seconds_axis(points: &[&Point]) -> Axis {
    let last = points
        .iter()
        .filter_map(|point| first(point))
        .filter_map(|trial| trial.age_seconds.last())
        .map(|second| f64::from(second.second) + 1.0)
        .fold(1.0, f64::max);
    let step = [1.0, 2.0, 5.0, 10.0, 20.0, 60.0, 120.0, 300.0, 600.0]
        .into_iter()
        .find(|step| last / step <= 8.0)
        .unwrap_or(last / 6.0);
    let ticks = (0..=(last / step) as u32)
        .map(|index| f64::from(index) * step)
        .map(|second| (second, crate::number::setting(second)))
        .collect();
    Axis::linear(0.0, last, ticks, "seconds of the schedule")
}

fn lane(x: &Axis, y: &Axis, top: f64) -> Plane {
    let top = top + LANE_WITH_HEADING - LANE;
    Plane { x: x.clone(), y: y.clone(), left: 56.0, right: WIDTH - 14.0, top, bottom: top + LANE }
}

fn key(canvas: &Canvas<'_>) -> Drawn {
    canvas.text((4.0, 10.0), "age, ms (log scale): p99 thick, p50 thin", Anchor::Left, TICK_TEXT, Ink::Quiet)
}

fn age_lane(canvas: &Canvas<'_>, lane: &Plane, point: &Point, trial: &Measurements) -> Drawn {
    let warm_up_s = trial.window.start_ns as f64 * 1e-9;
    canvas.rectangle((lane.left, lane.top), (lane.place_x(warm_up_s), lane.bottom), Ink::Shade, 1.0)?;
    lane.frame_y(canvas)?;
    canvas.marker(point.pattern, (11.0, lane.top - 19.0), 5.5)?;
    canvas.text((24.0, lane.top - 19.0), &point.label(), Anchor::Left, TEXT, Ink::Text)?;
    let path = |pick: fn(&Second) -> u64| -> Vec<(f64, f64)> {
        trial
            .age_seconds
            .iter()
            .filter(|second| second.count > 0)
            .map(|second| lane.place((f64::from(second.second) + 0.5, ms(pick(second)))))
            .collect()
    };
    let ink = Ink::Measured(point.pattern);
    canvas.line(&path(|second| second.p50_us), ink, 1.0)?;
    canvas.line(&path(|second| second.p99_us), ink, 2.4)
}

/// The largest p99 of each second over the trials shown.
fn lateness_seconds(points: &[&Point]) -> Vec<(f64, f64)> {
    let mut largest: Vec<(u32, u64)> = Vec::new();
    for second in points
        .iter()
        .filter_map(|point| first(point))
        .flat_map(|trial| &trial.lateness_seconds)
        .filter(|second| second.count > 0)
    {
        match largest.iter_mut().find(|(place, _)| *place == second.second) {
            Some((_, late)) => *late = (*late).max(second.p99_us),
            None => largest.push((second.second, second.p99_us)),
        }
    }
    largest.sort_unstable();
    largest.into_iter().map(|(second, late)| (f64::from(second) + 0.5, ms(late))).collect()
}

fn lateness_lane(canvas: &Canvas<'_>, lane: &Plane, lateness: &[(f64, f64)]) -> Drawn {
    lane.frame(canvas)?;
    canvas.text(
        (4.0, lane.top - 19.0),
        "publisher late at p99, ms (log scale), worst trial",
        Anchor::Left,
        TEXT,
        Ink::Text,
    )?;
    let path: Vec<(f64, f64)> = lateness.iter().map(|point| lane.place(*point)).collect();
    canvas.line(&path, Ink::Limit, 2.0)
}

fn worst(points: &[&Point]) -> Option<(String, Second)> {
    points
        .iter()
        .filter_map(|point| {
            let trial = first(point)?;
            let warm_up_s = (trial.window.start_ns / 1_000_000_000) as u32;
            let worst = trial
                .age_seconds
                .iter()
                .filter(|second| second.second >= warm_up_s)
                .max_by_key(|second| second.p99_us)?;
            Some((point.label(), *worst))
        })
        .max_by_key(|(_, second)| second.p99_us)
}

fn title(points: &[&Point]) -> String {
    worst(points).map_or_else(
        || "Ages second by second".to_owned(),
        |(label, second)| {
            format!(
                "The oldest second was second {} of {label}, with {} at p99",
                second.second,
                with_unit(ms(second.p99_us), "ms")
            )
        },
    )
}

fn description(points: &[&Point]) -> String {
    format!(
        "Line charts one beneath the other: age in ms, logarithmic, by second of the schedule for {}; beneath them the publisher's lateness in ms.",
        points.iter().map(|point| point.label()).collect::<Vec<_>>().join(", ")
    )
}
