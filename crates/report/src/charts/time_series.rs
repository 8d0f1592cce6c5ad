//! Stalls and drifts: ages second by second, and below them the publisher's lateness.

use contract::{Measurements, Second};

use super::{
    axis::{Axis, Plane},
    canvas::{Anchor, Canvas, Drawn, TEXT, TICK_TEXT, WIDTH, draw, text_width},
    figure::Figure,
    shown::{MOST_SERIES, chosen, left_out},
};
use crate::{
    findings::{Point, ScenarioFinding},
    style::ColourRole,
    text::number::{count, three_digits, times, with_unit},
};

/// Height of a lane's plane, and of the lane with its heading.
const LANE: f64 = 74.0;
const LANE_WITH_HEADING: f64 = LANE + 38.0;

/// None if no second of any point has a delivery.
pub(super) fn figure(finding: &ScenarioFinding, points: &[&Point]) -> Option<Figure> {
    let timed: Vec<&Point> = points
        .iter()
        .copied()
        .filter(|point| worst_trial(point).is_some_and(|trial| trial.age_seconds.len() > 1))
        .collect();
    if timed.is_empty() {
        return None;
    }
    let oldest = |point: &Point| Some(oldest_second(worst_trial(point)?)?.p99_us as f64);
    let most_lost = |point: &Point| Some(emptiest_second(worst_trial(point)?)?.censored as f64);
    let peak = |point: &Point| peak_factor(worst_trial(point)?);
    let shown = chosen(&timed, MOST_SERIES, &[&oldest, &most_lost, &peak]);
    let x = seconds_axis(&shown);
    let ages = Axis::log(
        shown
            .iter()
            .filter_map(|point| worst_trial(point))
            .flat_map(|trial| &trial.age_seconds)
            .flat_map(|second| {
                let kept = |lost: bool, time_us: u64| (!lost && second.count > 0).then_some(ms(time_us));
                [kept(lost(second, 50), second.p50_us), kept(lost(second, 1), second.p99_us)]
            })
            .flatten(),
        "",
    )
    .with_decades();
    let lateness = lateness_seconds(&timed);
    let late = Axis::log(lateness.iter().map(|(_, late)| *late), "").with_decades();
    let lanes = shown.len() as f64;
    let top = 30.0;
    let height = top + LANE_WITH_HEADING * (lanes + 1.0) + 40.0;
    let drawing = draw(height, |canvas| {
        key(canvas)?;
        for (index, point) in shown.iter().enumerate() {
            let lane = lane(&x, &ages, top + LANE_WITH_HEADING * index as f64);
            if let Some(trial) = worst_trial(point) {
                age_lane(canvas, &lane, point, trial)?;
            }
        }
        let lane = lane(&x, &late, top + LANE_WITH_HEADING * lanes);
        lateness_lane(canvas, &lane, &lateness)
    });
    Some(Figure {
        slug: format!("{}-time", finding.scenario.name),
        scenario: Some(finding.scenario.name.clone()),
        title: title(&timed),
        caption: format!(
            "In each lane the upper line is the p99 of each second, the thin lower line its median. The grey part is the warm-up and does not count. The lowest lane is the publisher's largest lateness over all trials: a peak that appears there too may come from the publisher.{}{}{}{}",
            gap_words(&shown),
            cross_words(&shown),
            if timed.iter().any(|point| point.completed().count() > 1) {
                " With several blocks, the worst one is shown: the one with the most losses in a second, else the one with the oldest second."
            } else {
                ""
            },
            left_out(shown.len(), timed.len())
        ),
        description: description(&shown),
        elements: drawing.elements,
        width: drawing.width,
        height: drawing.height,
    })
}

/// The trial of a point with the second that lost most, else with the oldest second.
fn worst_trial(point: &Point) -> Option<&Measurements> {
    let badness = |trial: &&Measurements| {
        let lost = emptiest_second(trial).map_or(0, |second| second.censored);
        (lost, oldest_second(trial).map_or(0, |second| second.p99_us))
    };
    // Of equals the first.
    let trials: Vec<&Measurements> = point.completed().collect();
    trials.into_iter().rev().max_by_key(badness)
}

/// Seconds that count: those after the warm-up.
fn of_window(trial: &Measurements) -> impl Iterator<Item = &Second> {
    let warm_up_s = (trial.window.start_ns / 1_000_000_000) as u32;
    trial.age_seconds.iter().filter(move |second| second.second >= warm_up_s)
}

/// The second with the largest p99, of those that have one.
fn oldest_second(trial: &Measurements) -> Option<&Second> {
    of_window(trial).filter(|second| second.count > 0 && !lost(second, 1)).max_by_key(|second| second.p99_us)
}

/// The second with the most lost deliveries, of those that lost too many for a p99.
fn emptiest_second(trial: &Measurements) -> Option<&Second> {
    // Of equals the first.
    let lossy: Vec<&Second> = of_window(trial).filter(|second| lost(second, 1)).collect();
    lossy.into_iter().rev().max_by_key(|second| second.censored)
}

/// A logarithmic axis has no zero: times are at least one microsecond, their resolution.
fn ms(time_us: u64) -> f64 {
    time_us.max(1) as f64 * 1e-3
}

fn seconds_axis(points: &[&Point]) -> Axis {
    let last = points
        .iter()
        .filter_map(|point| worst_trial(point))
        .filter_map(|trial| trial.age_seconds.last())
        .map(|second| f64::from(second.second) + 1.0)
        .fold(1.0, f64::max);
    let step = [1.0, 2.0, 5.0, 10.0, 20.0, 60.0, 120.0, 300.0, 600.0]
        .into_iter()
        .find(|step| last / step <= 8.0)
        .unwrap_or(last / 6.0);
    let ticks = (0..=(last / step) as u32)
        .map(|index| f64::from(index) * step)
        .map(|second| (second, crate::text::number::setting(second)))
        .collect();
    Axis::linear(0.0, last, ticks, "seconds of the schedule")
}

fn lane(x: &Axis, y: &Axis, top: f64) -> Plane {
    let top = top + LANE_WITH_HEADING - LANE;
    Plane { x: x.clone(), y: y.clone(), left: 56.0, right: WIDTH - 14.0, top, bottom: top + LANE }
}

fn key(canvas: &Canvas<'_>) -> Drawn {
    canvas.text(
        (4.0, 10.0),
        "age, ms (log scale): p99 thick, p50 thin",
        Anchor::Left,
        TICK_TEXT,
        ColourRole::Quiet,
    )
}

fn age_lane(canvas: &Canvas<'_>, lane: &Plane, point: &Point, trial: &Measurements) -> Drawn {
    let warm_up_s = trial.window.start_ns as f64 * 1e-9;
    canvas.rectangle(
        (lane.left, lane.top),
        (lane.place_x(warm_up_s), lane.bottom),
        ColourRole::Shade,
        1.0,
    )?;
    lane.frame_y(canvas)?;
    canvas.point_marker(point, (11.0, lane.top - 19.0), 5.5)?;
    canvas.text((24.0, lane.top - 19.0), &point.label(), Anchor::Left, TEXT, ColourRole::Text)?;
    let ink = ColourRole::Measured(point.pattern);
    for path in paths(lane, &trial.age_seconds, 50, |second| second.p50_us) {
        stretch(canvas, &path, ink, 1.0)?;
    }
    for path in paths(lane, &trial.age_seconds, 1, |second| second.p99_us) {
        stretch(canvas, &path, ink, 2.4)?;
    }
    lost_marks(canvas, lane, &trial.age_seconds)
}

/// Whether more than `percent` of a second's deliveries never came, so that the percentile with
/// that many above it reaches into them.
fn lost(second: &Second, percent: u64) -> bool {
    second.censored * 100 > percent * (second.count + second.censored)
}

/// A line's parts: it has a gap where its percentile reaches into lost deliveries, and where nothing was due.
fn paths(lane: &Plane, seconds: &[Second], percent: u64, pick: fn(&Second) -> u64) -> Vec<Vec<(f64, f64)>> {
    let place = |second: &Second| lane.place((f64::from(second.second) + 0.5, ms(pick(second))));
    seconds
        .split(|second| lost(second, percent) || second.count == 0)
        .flat_map(|stretch| stretch.chunk_by(|one, next| next.second == one.second + 1))
        .map(|stretch| stretch.iter().map(place).collect())
        .collect()
}

/// A line, or a dot where a second stands alone between gaps.
fn stretch(canvas: &Canvas<'_>, path: &[(f64, f64)], ink: ColourRole, width: f64) -> Drawn {
    if let [(x, y)] = path {
        let half = width.max(2.0) * 0.8;
        return canvas.rectangle((x - half, y - half), (x + half, y + half), ink, 1.0);
    }
    canvas.line(path, ink, width)
}

/// Explains the gaps, if there are any.
fn gap_words(points: &[&Point]) -> &'static str {
    let is_gapped = |trial: &Measurements| {
        trial.age_seconds.windows(2).any(|pair| pair[1].second != pair[0].second + 1)
            || trial.age_seconds.iter().any(|second| second.count + second.censored == 0)
    };
    if points.iter().filter_map(|point| worst_trial(point)).any(is_gapped) {
        " A gap is a second in which nothing was due."
    } else {
        ""
    }
}

/// Explains the crosses, if there are any.
fn cross_words(points: &[&Point]) -> &'static str {
    let mut seconds =
        points.iter().filter_map(|point| worst_trial(point)).flat_map(|trial| &trial.age_seconds);
    if seconds.any(|second| lost(second, 1)) {
        " A cross at the upper edge marks a second without a p99: more than one delivery in a hundred never came. If more than half never came, it has no median either."
    } else {
        ""
    }
}

/// A cross at the upper edge for every second without a p99, and the word once a stretch.
fn lost_marks(canvas: &Canvas<'_>, lane: &Plane, seconds: &[Second]) -> Drawn {
    let (y, arm) = (lane.top + 6.0, 3.5);
    let mut free_from = f64::NEG_INFINITY;
    for second in seconds.iter().filter(|second| lost(second, 1)) {
        let x = lane.place_x(f64::from(second.second) + 0.5);
        canvas.line(&[(x - arm, y - arm), (x + arm, y + arm)], ColourRole::Text, 1.8)?;
        canvas.line(&[(x - arm, y + arm), (x + arm, y - arm)], ColourRole::Text, 1.8)?;
        if x >= free_from {
            let width = text_width("lost", TICK_TEXT);
            let from = (x - width / 2.0).clamp(lane.left, lane.right - width);
            canvas.text((from, y + 14.0), "lost", Anchor::Left, TICK_TEXT, ColourRole::Text)?;
            free_from = x + width + 10.0;
        }
    }
    Ok(())
}

/// The largest p99 of each second over all trials.
fn lateness_seconds(points: &[&Point]) -> Vec<(f64, f64)> {
    let mut largest: Vec<(u32, u64)> = Vec::new();
    for second in points
        .iter()
        .flat_map(|point| point.completed())
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
        "publisher late at p99, ms, worst trial",
        Anchor::Left,
        TEXT,
        ColourRole::Text,
    )?;
    for seconds in lateness.chunk_by(|one, next| next.0 - one.0 < 1.5) {
        let path: Vec<(f64, f64)> = seconds.iter().map(|point| lane.place(*point)).collect();
        stretch(canvas, &path, ColourRole::Limit, 2.0)?;
    }
    Ok(())
}

/// A second stands out if its p99 is this many times that of the median second of its trial.
const STANDS_OUT: f64 = 1.5;

/// The second that stands out most, of the trials that the figure shows, its point, and how many times the p99 of the median second its own
/// is.
fn worst(points: &[&Point]) -> Option<(String, Second, f64)> {
    let oldest = points.iter().filter_map(|point| {
        let trial = worst_trial(point)?;
        Some((point.label(), *oldest_second(trial)?, peak_factor(trial)?))
    });
    oldest.max_by(|(_, _, left), (_, _, right)| left.total_cmp(right))
}

/// How many times the p99 of the median second that of the oldest second is.
fn peak_factor(trial: &Measurements) -> Option<f64> {
    Some(ms(oldest_second(trial)?.p99_us) / ms(median_p99_us(trial)?))
}

/// The p99 of the median second, of those that have one.
fn median_p99_us(trial: &Measurements) -> Option<u64> {
    let has_p99 = |second: &&Second| second.count > 0 && !lost(second, 1);
    let mut p99s: Vec<u64> = of_window(trial).filter(has_p99).map(|second| second.p99_us).collect();
    p99s.sort_unstable();
    p99s.get(p99s.len().checked_sub(1)? / 2).copied()
}

/// The seconds of the window, in all trials, whose p99 reaches into lost deliveries: the one with the most
/// losses, its point, and how many there are.
fn worst_loss(points: &[&Point]) -> Option<(String, Second, usize)> {
    let found: Vec<(&Point, &Second)> = points
        .iter()
        .flat_map(|point| point.completed().map(move |trial| (*point, trial)))
        .flat_map(|(point, trial)| {
            of_window(trial).filter(|second| lost(second, 1)).map(move |second| (point, second))
        })
        .collect();
    let (point, second) = found.iter().rev().max_by_key(|(_, second)| second.censored)?;
    Some((point.label(), **second, found.len()))
}

fn title(points: &[&Point]) -> String {
    let mut parts = Vec::new();
    if let Some((label, second, seconds)) = worst_loss(points) {
        parts.push(format!(
            "In second {} of {label} {} of {} deliveries never came{}",
            second.second,
            count(second.censored),
            count(second.count + second.censored),
            match seconds - 1 {
                0 => String::new(),
                1 => ", and 1 more second lost too many for a p99".to_owned(),
                others => format!(", and {others} more seconds lost too many for a p99"),
            }
        ));
    }
    if let Some((label, second, factor)) = worst(points) {
        let of = if parts.is_empty() { "" } else { ", of the seconds with a p99," };
        parts.push(if factor < STANDS_OUT {
            format!(
                "Ages stayed level: no second has a p99 of {} times its trial's median second",
                three_digits(STANDS_OUT)
            )
        } else {
            format!(
                "Ages peaked{of} in second {} of {label}, with {} at p99, {} its trial's median second",
                second.second,
                with_unit(ms(second.p99_us), "ms"),
                times(factor)
            )
        });
    }
    if parts.is_empty() { "Ages second by second".to_owned() } else { parts.join(". ") }
}

fn description(points: &[&Point]) -> String {
    format!(
        "Line charts, one below the other: age in ms, logarithmic, by second of the schedule for {}; below them the publisher's lateness in ms.",
        points.iter().map(|point| point.label()).collect::<Vec<_>>().join(", ")
    )
}
