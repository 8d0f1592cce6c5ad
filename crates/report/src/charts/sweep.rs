//! The effect of a scenario's swept parameter: the main quantity and its cost over the parameter.

use contract::Pattern;

use super::{
    axis::{Axis, Plane, quantity_title},
    canvas::{Canvas, Drawn, WIDTH, draw},
    coincide,
    figure::Figure,
    intervals, legend,
    marks::{self, Curve, MARK, Mark, level_mark},
    requests,
};
use crate::{
    answers::sweep::main_quantities,
    findings::{Point, ScenarioFinding},
    judgement::{
        floor::floor_of,
        one_way_delays::{Growth, growths},
    },
    quantities::{Bound, QuantityName},
    style::ColourRole,
    tables::{left_out, obstacles::are_compared},
    text::{
        number::list,
        sentence::capitalised,
        swept::{SweepChart, SweepParameter, SweptAxis},
    },
};

/// Values that spread further than this need a logarithmic axis.
const WIDE: f64 = 20.0;

/// The main quantity, then its cost.
pub(super) fn figures(finding: &ScenarioFinding, swept: SweepParameter, points: &[&Point]) -> Vec<Figure> {
    main_quantities(swept)
        .into_iter()
        .filter_map(|name| {
            let slug = format!("over-{}", name.key().replace('_', "-"));
            match swept.chart() {
                SweepChart::Curve(axis) => figure(finding, swept, axis, points, name, &slug),
                // The bars of bytes with their parts show it better.
                SweepChart::Bars if name == QuantityName::BytesPerEvent => None,
                // The matrix shows these, with the subscribers' errors.
                SweepChart::Bars if swept == SweepParameter::Network && are_compared(finding) => None,
                SweepChart::Bars => requests::bars(finding, points, name, &slug),
                SweepChart::Elsewhere => None,
            }
        })
        .collect()
}

fn figure(
    finding: &ScenarioFinding,
    swept: SweepParameter,
    axis: SweptAxis,
    points: &[&Point],
    name: QuantityName,
    slug: &str,
) -> Option<Figure> {
    let of = |pattern: Pattern| -> Vec<&Point> {
        points.iter().copied().filter(|point| point.pattern == pattern).collect()
    };
    let mut curves: Vec<(Pattern, Curve, Curve)> = Pattern::ALL
        .into_iter()
        .map(|pattern| (pattern, measured(&of(pattern), name), predicted(&of(pattern), name)))
        .filter(|(_, measured, _)| !measured.is_empty())
        .collect();
    if curves.iter().all(|(_, measured, _)| measured.len() < 2) {
        return None;
    }
    let levels = level_lines(points, name, &curves);
    let level_patterns: Vec<Pattern> = levels.iter().map(|(pattern, _, _)| *pattern).collect();
    curves.splice(0..0, levels);
    let drawn: Vec<&Point> = points
        .iter()
        .copied()
        .filter(|point| curves.iter().any(|(pattern, _, _)| *pattern == point.pattern))
        .collect();
    let mut keys = legend::keys(&drawn, curves.iter().any(|(_, _, model)| !model.is_empty()));
    let floors = floors(finding, &drawn, name);
    keys.extend((!floors.is_empty()).then_some(legend::Key::Floor));
    // The swept value is the axis here; no label repeats it.
    keys.retain(|key| !matches!(key, legend::Key::Words(_)));
    let top = legend::height(&keys) + 38.0;
    let plane = Plane {
        x: x_axis(axis, &curves),
        y: y_axis(axis, name, &curves, &floors, &drawn),
        left: 56.0,
        right: WIDTH - 28.0,
        top,
        bottom: top + 230.0,
    };
    let drawing = draw(plane.bottom + 44.0, |canvas| {
        legend::draw(canvas, &keys, 0.0)?;
        plane.frame(canvas)?;
        let marks = marks::of(&plane, &curves, &level_patterns);
        whiskers(canvas, &plane, &drawn, name, &marks)?;
        for (index, (pattern, curve, _)) in curves.iter().take(level_patterns.len()).enumerate() {
            level_whisker(canvas, &plane, &drawn, name, (*pattern, level_mark(&plane, curve, index)))?;
        }
        let floors: Vec<_> = floors
            .iter()
            .map(|(pattern, floor)| (ColourRole::Floor(*pattern), path(&plane, floor)))
            .collect();
        coincide::lines(canvas, &floors, 2.4)?;
        paint(canvas, &plane, &curves, &marks)
    });
    Some(Figure {
        slug: format!("{}-{slug}", finding.scenario.name),
        scenario: Some(finding.scenario.name.clone()),
        title: title(swept, name, points),
        caption: format!(
            "Solid: measured, with one mark per point, moved aside where it would hide another. Dashed: predicted. Where the two differ, the model leaves something out.{}{}{}{}{}",
            if swept == SweepParameter::Rtt {
                " A one-way delay is half a round trip; the numbers in the title are slopes by least squares."
            } else {
                ""
            },
            if drawn.iter().any(|point| intervals::of(point.quantity_of(name)).is_some()) {
                " Whiskers: the 95 % interval over the blocks."
            } else {
                ""
            },
            level_words(swept, &level_patterns),
            if points.iter().any(|point| point.quantity_of(name).bound == Bound::AtLeast) {
                " Points whose percentile reaches into lost events are only in the table."
            } else {
                ""
            },
            left_out::caption(points, name)
        ),
        description: description(swept, name, points),
        elements: drawing.elements,
        width: drawing.width,
        height: drawing.height,
    })
}

fn measured(points: &[&Point], name: QuantityName) -> Curve {
    points
        .iter()
        .filter(|point| point.quantity_of(name).bound == Bound::Exact)
        .filter_map(|point| Some((point.swept_value()?, point.measured(name)?)))
        .filter(|(value, _)| *value >= 0.0)
        .collect()
}

fn predicted(points: &[&Point], name: QuantityName) -> Curve {
    points
        .iter()
        .filter_map(|point| Some((point.swept_value()?, point.quantity_of(name).predicted?)))
        .filter(|(value, _)| *value >= 0.0)
        .collect()
}

/// The points' floors, one curve per pattern.
fn floors(finding: &ScenarioFinding, drawn: &[&Point], name: QuantityName) -> Vec<(Pattern, Curve)> {
    let of = |pattern: Pattern| -> Curve {
        let own = drawn.iter().filter(|point| point.pattern == pattern);
        let floor = |point: &&Point| {
            let floor = floor_of(&finding.points, point)?.quantity_of(name);
            Some((point.swept_value()?, floor.measured.filter(|_| floor.bound == Bound::Exact)?))
        };
        own.filter_map(floor).collect()
    };
    Pattern::ALL
        .into_iter()
        .map(|pattern| (pattern, of(pattern)))
        .filter(|(_, curve)| curve.len() > 1)
        .collect()
}

/// Models first, so that measurements are drawn over them.
fn paint(canvas: &Canvas<'_>, plane: &Plane, curves: &[(Pattern, Curve, Curve)], marks: &[Mark]) -> Drawn {
    let models: Vec<_> =
        curves.iter().map(|(pattern, _, model)| (ColourRole::Model(*pattern), path(plane, model))).collect();
    coincide::lines(canvas, &models, 2.0)?;
    let measured: Vec<_> = curves
        .iter()
        .map(|(pattern, measured, _)| (ColourRole::Measured(*pattern), path(plane, measured)))
        .collect();
    coincide::lines(canvas, &measured, 2.2)?;
    for mark in marks {
        canvas.marker(mark.pattern, mark.place, MARK)?;
    }
    Ok(())
}

/// The intervals of the swept points, beneath their marks.
fn whiskers(
    canvas: &Canvas<'_>,
    plane: &Plane,
    points: &[&Point],
    name: QuantityName,
    marks: &[Mark],
) -> Drawn {
    for point in points {
        let interval = intervals::of(point.quantity_of(name));
        if let (Some(value), Some((low, high))) = (point.swept_value(), interval) {
            let ends = (plane.place_y(low), plane.place_y(high));
            let own = marks.iter().find(|mark| mark.pattern == point.pattern && mark.value == Some(value));
            let x = own.map_or_else(|| plane.place_x(value), |mark| mark.place.0);
            intervals::upright(canvas, x, ends, ColourRole::Measured(point.pattern))?;
        }
    }
    Ok(())
}

/// The interval of a level line, at its one mark.
fn level_whisker(
    canvas: &Canvas<'_>,
    plane: &Plane,
    points: &[&Point],
    name: QuantityName,
    (pattern, (x, _)): (Pattern, (f64, f64)),
) -> Drawn {
    let level = points.iter().find(|point| point.pattern == pattern && point.swept.is_none());
    match level.and_then(|point| intervals::of(point.quantity_of(name))) {
        Some((low, high)) => {
            let ends = (plane.place_y(low), plane.place_y(high));
            intervals::upright(canvas, x, ends, ColourRole::Measured(pattern))
        }
        None => Ok(()),
    }
}

/// Patterns that the setting does not concern: their one point applies to the whole range.
fn level_lines(
    points: &[&Point],
    name: QuantityName,
    curves: &[(Pattern, Curve, Curve)],
) -> Vec<(Pattern, Curve, Curve)> {
    let values = || curves.iter().flat_map(|(_, measured, _)| measured.iter().map(|(value, _)| *value));
    let (low, high) = (values().fold(f64::INFINITY, f64::min), values().fold(0.0, f64::max));
    let level = |height: f64| vec![(low, height), (high, height)];
    points
        .iter()
        .filter(|point| point.swept.is_none() && point.quantity_of(name).bound == Bound::Exact)
        .filter_map(|point| {
            let quantity = point.quantity_of(name);
            let model = quantity.predicted.map_or_else(Vec::new, level);
            Some((point.pattern, level(quantity.measured?), model))
        })
        .collect()
}

fn level_words(swept: SweepParameter, patterns: &[Pattern]) -> String {
    if patterns.is_empty() {
        return String::new();
    }
    let names: Vec<String> = patterns.iter().map(|pattern| pattern.label().to_owned()).collect();
    format!(
        " A level line with one mark was measured once: {}, which the {} does not concern.",
        list(&names),
        swept.label()
    )
}

fn x_axis(axis: SweptAxis, curves: &[(Pattern, Curve, Curve)]) -> Axis {
    let mut values: Vec<f64> =
        curves.iter().flat_map(|(_, measured, _)| measured.iter().map(|(value, _)| *value)).collect();
    values.sort_by(f64::total_cmp);
    values.dedup();
    let ticks = values.iter().map(|value| (*value, crate::text::number::setting(*value))).collect();
    let values = values.into_iter();
    match axis {
        SweptAxis::Log(title) => Axis::log(values, title),
        SweptAxis::Linear(title) => Axis::from_zero(values, title),
    }
    .with_ticks(ticks)
}

fn y_axis(
    axis: SweptAxis,
    name: QuantityName,
    curves: &[(Pattern, Curve, Curve)],
    floors: &[(Pattern, Curve)],
    drawn: &[&Point],
) -> Axis {
    let ends = drawn
        .iter()
        .filter_map(|point| intervals::of(point.quantity_of(name)))
        .flat_map(|(low, high)| [low, high]);
    let values: Vec<f64> = curves
        .iter()
        .flat_map(|(_, measured, model)| measured.iter().chain(model))
        .chain(floors.iter().flat_map(|(_, floor)| floor))
        .map(|(_, value)| *value)
        .chain(ends)
        .collect();
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(0.0, f64::max);
    let title = quantity_title(name);
    // Over a linear axis a logarithmic one would bend straight lines.
    if matches!(axis, SweptAxis::Log(_)) && least > 0.0 && most / least > WIDE {
        Axis::log(values.into_iter(), &format!("{title} (log scale)"))
    } else {
        Axis::from_zero(values.into_iter(), &title)
    }
}

fn path(plane: &Plane, curve: &Curve) -> Vec<(f64, f64)> {
    curve.iter().map(|point| plane.place(*point)).collect()
}

fn title(swept: SweepParameter, name: QuantityName, points: &[&Point]) -> String {
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        return String::new();
    };
    let label = capitalised(name.label());
    let growths = if swept == SweepParameter::Rtt { growths(points, name) } else { Vec::new() };
    if !growths.is_empty() {
        let grown: Vec<String> = growths.iter().map(Growth::one_way_delays).collect();
        return format!("{label} grows by this many one-way delays: {}", list(&grown));
    }
    if first.pattern == last.pattern {
        return format!(
            "{label} of {}: {} at {}, {} at {}",
            first.pattern.label(),
            first.quantity_of(name).measured_text(),
            swept.text(&first.params),
            last.quantity_of(name).measured_text(),
            swept.text(&last.params)
        );
    }
    requests::title(points, name)
}

fn description(swept: SweepParameter, name: QuantityName, points: &[&Point]) -> String {
    let parts: Vec<String> = points
        .iter()
        .map(|point| {
            let quantity = point.quantity_of(name);
            format!(
                "{}: {}, predicted {}",
                point.label(),
                intervals::text(quantity),
                quantity.predicted_text()
            )
        })
        .collect();
    format!("Line chart of {} in {} over {}. {}.", name.label(), name.unit(), swept.label(), parts.join("; "))
}
