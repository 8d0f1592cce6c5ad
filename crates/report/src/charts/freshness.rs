//! The choice between freshness and cost. Low and left is better; no point lies below the front.

use contract::Pattern;

use super::{
    axis::{Axis, Plane},
    canvas::{Canvas, Drawn, WIDTH, draw},
    choice::Choice,
    figure::Figure,
    free_labels, freshness_words, intervals, legend, marks,
};
use crate::{
    findings::{Findings, Point, ScenarioFinding},
    quantities::QuantityName,
    statistics::finite::quantile_ms,
    style::ColourRole,
    tables::left_out,
    text::number::counted,
};

/// Points of one pattern whose costs differ by less than this show no choice.
const SAME_PRICE: f64 = 0.1;

/// One figure for every schedule that more than one scenario published: the same events at the same instants
/// make their points comparable.
pub(super) fn across_scenarios(findings: &Findings) -> Vec<Figure> {
    let mut figures = Vec::new();
    for schedule in &findings.schedules {
        let points: Vec<&Point> = findings
            .scenarios
            .iter()
            .flat_map(|scenario| &scenario.points)
            .filter(|point| point.server.is_pushlab())
            .filter(|point| point.trials.iter().all(|trial| trial.schedule_hash == schedule.hash))
            .collect();
        let mut names: Vec<&str> = points.iter().map(|point| point.scenario.as_str()).collect();
        names.dedup();
        if names.len() < 2 {
            continue;
        }
        let number = figures.len() + 1;
        let slug = if number == 1 {
            "freshness-against-cost".to_owned()
        } else {
            format!("freshness-against-cost-{number}")
        };
        let of = format!(
            " All points saw the same schedule of {}: {}.",
            counted(schedule.events, "event", "events"),
            names.join(", ")
        );
        figures.extend(plot(&points, slug, None, &of));
    }
    figures
}

/// The points of one scenario; none if there is only one, or one pattern with one cost.
pub(super) fn figure(finding: &ScenarioFinding, points: &[&Point]) -> Option<Figure> {
    let name = &finding.scenario.name;
    let same_price = points.windows(2).all(|pair| {
        let bytes = |point: &Point| point.measured(QuantityName::BytesPerEvent);
        let distinguished = |(left, right): (f64, f64)| (left / right - 1.0).abs() > SAME_PRICE;
        pair[0].pattern == pair[1].pattern && !bytes(pair[0]).zip(bytes(pair[1])).is_some_and(distinguished)
    });
    if same_price {
        return None;
    }
    plot(points, format!("{name}-freshness"), Some(name.clone()), "")
}

fn plot(points: &[&Point], slug: String, scenario: Option<String>, of: &str) -> Option<Figure> {
    let choices: Vec<Choice<'_>> = points.iter().filter_map(|point| Choice::of(point)).collect();
    if choices.len() < 2 {
        return None;
    }
    let priced = points.iter().filter(|point| point.measured(QuantityName::BytesPerEvent).is_some()).count();
    let are_all = choices.len() == priced;
    let left_out = if are_all {
        ""
    } else {
        " Points without a p99 are left out: too many of their deliveries never came."
    };
    let of = format!("{left_out}{of}{}", freshness_words::audiences(points));
    let front = front(&choices);
    let mut keys = legend::keys(points, false);
    keys.push(legend::Key::Front);
    let top = legend::height(&keys) + 38.0;
    let plane = Plane {
        x: Axis::log_with_room(
            choices.iter().flat_map(Choice::all_bytes),
            "← cheaper: bytes per event (log scale)",
        ),
        y: Axis::log_with_room(
            choices.iter().flat_map(Choice::all_ages_ms),
            "↓ fresher: age at p99, ms (log scale)",
        ),
        left: 52.0,
        right: WIDTH - 26.0,
        top,
        bottom: top + 250.0,
    };
    let exact: Vec<(Pattern, (f64, f64))> = choices
        .iter()
        .map(|choice| (choice.point.pattern, plane.place((choice.bytes, choice.age_ms))))
        .collect();
    let places = marks::side_by_side(&exact, plane.left);
    let drawing = draw(plane.bottom + 44.0, |canvas| {
        legend::draw(canvas, &keys, 0.0)?;
        plane.frame(canvas)?;
        canvas.line(&front_path(&plane, &front), ColourRole::Front, 1.4)?;
        for series in series(&choices) {
            let path: Vec<(f64, f64)> =
                series.iter().map(|choice| plane.place((choice.bytes, choice.age_ms))).collect();
            canvas.line(&path, ColourRole::Measured(series[0].point.pattern), 1.6)?;
        }
        for choice in &choices {
            faint_trials(canvas, &plane, choice)?;
        }
        for (choice, place) in choices.iter().zip(&places) {
            whiskers(canvas, &plane, choice, *place)?;
        }
        for (choice, place) in choices.iter().zip(&places) {
            canvas.point_marker(choice.point, *place, 6.0)?;
        }
        labels(canvas, &plane, &choices, &places, &front)
    });
    let moved = if places.iter().zip(&exact).any(|(place, (_, exact))| place != exact) {
        " A mark that would hide another is moved to its side."
    } else {
        ""
    };
    Some(Figure {
        slug,
        scenario,
        title: freshness_words::title(&choices, are_all),
        caption: format!(
            "Low is fresh, left is cheap. Age at p99: 99 of 100 deliveries were at most that old. Bytes are those of one delivery. The dashed steps join the best choices: no point is both fresher and cheaper than one of them. They follow the exact values, also where these are not told apart. A solid line joins one pattern's points as one setting varies.{moved}{}{of}{}",
            freshness_words::interval_words(&choices),
            left_out::caption(points, QuantityName::BytesPerEvent)
        ),
        description: description(&choices),
        elements: drawing.elements,
        width: drawing.width,
        height: drawing.height,
    })
}

/// From cheap to expensive, each fresher than all cheaper ones.
fn front<'a, 'b>(choices: &'b [Choice<'a>]) -> Vec<&'b Choice<'a>> {
    let mut sorted: Vec<&Choice<'_>> = choices.iter().collect();
    sorted
        .sort_by(|left, right| left.bytes.total_cmp(&right.bytes).then(left.age_ms.total_cmp(&right.age_ms)));
    let mut freshest = f64::INFINITY;
    sorted.retain(|choice| {
        let better = choice.age_ms < freshest;
        freshest = freshest.min(choice.age_ms);
        better
    });
    sorted
}

/// Steps, not straight lines: nothing was measured between two points.
fn front_path(plane: &Plane, front: &[&Choice<'_>]) -> Vec<(f64, f64)> {
    let mut path: Vec<(f64, f64)> = Vec::new();
    for choice in front {
        let (x, y) = plane.place((choice.bytes, choice.age_ms));
        let from = path.last().map_or(plane.top, |(_, y)| *y);
        path.extend([(x, from), (x, y)]);
    }
    if let Some((_, y)) = path.last().copied() {
        path.push((plane.right, y));
    }
    path
}

/// Points of one scenario and pattern that vary one setting, joined.
fn series<'a, 'b>(choices: &'b [Choice<'a>]) -> Vec<Vec<&'b Choice<'a>>> {
    let mut groups: Vec<Vec<&Choice<'_>>> = Vec::new();
    for choice in choices {
        if choice.point.swept_value().is_none() {
            continue;
        }
        let same = |group: &&mut Vec<&Choice<'_>>| {
            group[0].point.scenario == choice.point.scenario && group[0].point.pattern == choice.point.pattern
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.push(choice),
            None => groups.push(vec![choice]),
        }
    }
    groups
}

/// Each trial of a point that has several.
fn faint_trials(canvas: &Canvas<'_>, plane: &Plane, choice: &Choice<'_>) -> Drawn {
    if choice.point.completed().count() < 2 {
        return Ok(());
    }
    for measurements in choice.point.completed() {
        let deliveries = measurements.window_received as f64;
        let age = quantile_ms(&measurements.age.arrived, 0.99);
        if let (Some(age), true) = (age, deliveries > 0.0) {
            let (x, y) = plane.place((measurements.bytes.total() as f64 / deliveries, age));
            let ink = ColourRole::Measured(choice.point.pattern);
            canvas.rectangle((x - 2.0, y - 2.0), (x + 2.0, y + 2.0), ink, 0.45)?;
        }
    }
    Ok(())
}

/// The intervals of cost and age: a cross below the mark.
fn whiskers(canvas: &Canvas<'_>, plane: &Plane, choice: &Choice<'_>, (x, y): (f64, f64)) -> Drawn {
    let ink = ColourRole::Measured(choice.point.pattern);
    if let Some((low, high)) = choice.interval(QuantityName::BytesPerEvent) {
        intervals::level(canvas, (plane.place_x(low), plane.place_x(high)), y, ink)?;
    }
    if let Some((low, high)) = choice.interval(QuantityName::AgeP99) {
        intervals::upright(canvas, x, (plane.place_y(low), plane.place_y(high)), ink)?;
    }
    Ok(())
}

/// The swept value at both ends of a joined line, the pattern's name elsewhere.
fn labels(
    canvas: &Canvas<'_>,
    plane: &Plane,
    choices: &[Choice<'_>],
    marks: &[(f64, f64)],
    front: &[&Choice<'_>],
) -> Drawn {
    let place = |choice: &Choice<'_>| plane.place((choice.bytes, choice.age_ms));
    let mut paths: Vec<Vec<(f64, f64)>> =
        series(choices).iter().map(|series| series.iter().map(|choice| place(choice)).collect()).collect();
    paths.push(front_path(plane, front));
    for choice in choices {
        let (x, y) = place(choice);
        let level = choice.interval(QuantityName::BytesPerEvent);
        paths.extend(level.map(|(low, high)| vec![(plane.place_x(low), y), (plane.place_x(high), y)]));
        let upright = choice.interval(QuantityName::AgeP99);
        paths.extend(upright.map(|(low, high)| vec![(x, plane.place_y(low)), (x, plane.place_y(high))]));
    }
    free_labels::draw(canvas, plane, &wanted(choices, marks), marks, &paths)
}

/// Places and words of the labels, those of the swept ends first.
fn wanted(choices: &[Choice<'_>], marks: &[(f64, f64)]) -> Vec<free_labels::LabelRequest> {
    let series = series(choices);
    let is_end = |choice: &Choice<'_>| {
        let mut ends = series.iter().flat_map(|series| [series.first(), series.last()]).flatten();
        ends.any(|end| std::ptr::eq(*end, choice))
    };
    let mut wanted = Vec::new();
    for (choice, place) in choices.iter().zip(marks) {
        if let Some(swept) = choice.point.swept.filter(|_| is_end(choice)) {
            wanted.push((*place, swept.mark(&choice.point.params)));
        }
    }
    for (choice, place) in choices.iter().zip(marks) {
        if choice.point.swept_value().is_none() {
            // Next to a line of its own pattern it has that line's setting, too.
            let line = series.iter().find(|series| series[0].point.pattern == choice.point.pattern);
            let swept =
                line.and_then(|series| series[0].point.swept).filter(|_| choice.point.swept.is_none());
            let own = swept.map(|swept| swept.mark(&choice.point.params)).filter(|mark| !mark.is_empty());
            wanted.push((*place, own.unwrap_or_else(|| choice.point.mark())));
        }
    }
    wanted
}

fn description(choices: &[Choice<'_>]) -> String {
    let parts: Vec<String> = Pattern::ALL
        .into_iter()
        .flat_map(|pattern| choices.iter().filter(move |choice| choice.point.pattern == pattern))
        .map(|choice| {
            format!(
                "{} {} and {}",
                choice.point.label(),
                QuantityName::BytesPerEvent.text(choice.bytes),
                QuantityName::AgeP99.text(choice.age_ms)
            )
        })
        .collect();
    format!("Scatter chart: age at p99 in ms over bytes per event, both logarithmic. {}.", parts.join("; "))
}
