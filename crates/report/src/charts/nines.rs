//! The tail: each step to the right is ten times rarer.

use super::{
    Figure,
    axis::{Axis, Plane},
    canvas::{Canvas, Drawn, TICK_TEXT, WIDTH, draw, text_width},
    left_out, legend, same_panel,
};
use crate::{
    findings::ScenarioFinding,
    point::{Point, SAMPLES_BEYOND},
    quantity::{Bound, QuantityName},
    style::Ink,
};

/// Steps of a curve between two nines.
const STEPS_PER_NINE: f64 = 12.0;
/// Where the curves begin: the median.
const FIRST: f64 = std::f64::consts::LOG10_2;

/// Points (number of nines, age in ms).
type Curve = Vec<(f64, f64)>;

/// None if no point has twenty deliveries.
pub(super) fn figure(
    finding: &ScenarioFinding,
    part: &str,
    points: &[&Point],
    all: &[&Point],
) -> Option<Figure> {
    let curves: Vec<(&Point, Curve, Curve)> = points
        .iter()
        .map(|point| (*point, measured(point), model(point)))
        .filter(|(_, curve, _)| curve.len() > 1)
        .collect();
    let last =
        curves.iter().filter_map(|(_, curve, _)| curve.last()).map(|(nines, _)| *nines).fold(0.0, f64::max);
    if curves.is_empty() {
        return None;
    }
    let labels: Vec<String> = curves.iter().map(|(point, _, _)| point.mark()).collect();
    let widest = labels.iter().map(|label| text_width(label, TICK_TEXT)).fold(0.0, f64::max);
    let values = curves.iter().flat_map(|(_, curve, model)| curve.iter().chain(model)).map(|(_, age)| *age);
    let model_drawn = curves.iter().any(|(_, _, model)| !model.is_empty());
    let shown: Vec<&Point> = curves.iter().map(|(point, _, _)| *point).collect();
    // Names at the ends of the lines need no key; swept values do.
    let named: &[&Point] = if finding.scenario.sweep.is_some() { &shown } else { &[] };
    let keys = legend::keys(named, model_drawn);
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
        paint(canvas, &plane, &curves, &labels)
    });
    Some(Figure {
        slug: format!("{part}-nines"),
        scenario: Some(finding.scenario.name.clone()),
        title: title(&shown),
        caption: format!(
            "Look at where a line bends upwards: the rare deliveries that waited for something. A line ends where fewer than ten deliveries lie beyond it.{}",
            left_out(shown.len(), all.iter().filter(|point| same_panel(points, point)).count())
        ),
        description: format!(
            "Line chart: age in ms, logarithmic, over percentiles spaced by their nines. {}.",
            shown
                .iter()
                .map(|point| format!(
                    "{}: p99 {}",
                    point.label(),
                    point.quantity_of(QuantityName::AgeP99).measured_text()
                ))
                .collect::<Vec<_>>()
                .join("; ")
        ),
        elements: drawing.elements,
        width: drawing.width,
        height: drawing.height,
    })
}

/// Models first, so that measurements lie upon them.
fn paint(canvas: &Canvas<'_>, plane: &Plane, curves: &[(&Point, Curve, Curve)], labels: &[String]) -> Drawn {
    let path = |curve: &Curve| -> Vec<(f64, f64)> { curve.iter().map(|point| plane.place(*point)).collect() };
    for (point, _, model) in curves {
        canvas.line(&path(model), Ink::Model(point.pattern), 2.0)?;
    }
    let mut ends = Vec::new();
    for ((point, curve, _), label) in curves.iter().zip(labels) {
        let path = path(curve);
        canvas.line(&path, Ink::Measured(point.pattern), 2.2)?;
        if let Some(end) = path.last() {
            canvas.marker(point.pattern, *end, 5.0)?;
            ends.push((*end, label.clone()));
        }
    }
    legend::end_labels(canvas, &ends, plane.right + 12.0, (plane.top, plane.bottom))
}

fn quantile(nines: f64) -> f64 {
    1.0 - 10_f64.powf(-nines)
}

fn measured(point: &Point) -> Curve {
    let ages = point.ages();
    let last = (ages.total() as f64 / SAMPLES_BEYOND).log10();
    steps(last)
        .filter_map(|nines| {
            let age = ages.percentile(quantile(nines))?;
            (age.bound == Bound::Exact).then_some((nines, age.value_ms.max(1e-3)))
        })
        .collect()
}

fn model(point: &Point) -> Curve {
    let Some(prediction) = point.predicted.as_ref().and_then(|both| both.replayed.as_ref().ok()) else {
        return Vec::new();
    };
    let last = (point.ages().total() as f64 / SAMPLES_BEYOND).log10();
    steps(last)
        .map(|nines| (nines, prediction.age.quantile_ms(quantile(nines))))
        .filter(|(_, age)| age.is_finite())
        .map(|(nines, age)| (nines, age.max(1e-3)))
        .collect()
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

fn title(points: &[&Point]) -> String {
    let name = QuantityName::AgeP99;
    let mut timed: Vec<&Point> = points.to_vec();
    timed.sort_by(|left, right| {
        let age = |point: &Point| point.measured(name).unwrap_or(f64::MAX);
        age(left).total_cmp(&age(right))
    });
    match timed.as_slice() {
        [first, .., last] => format!(
            "One delivery in a hundred was older than {} ({}), and {} ({})",
            bare(first),
            first.label(),
            bare(last),
            last.label()
        ),
        [only] => format!("One delivery in a hundred by {} was older than {}", only.label(), bare(only)),
        [] => String::new(),
    }
}

fn bare(point: &Point) -> String {
    point.quantity_of(QuantityName::AgeP99).measured_text()
}
