//! The whole shape of the ages: which fraction of the deliveries was how fresh.

use contract::Pattern;

use super::{
    Figure,
    axis::{Axis, Plane},
    canvas::{Anchor, Canvas, Drawn, TICK_TEXT, WIDTH, draw, text_width},
    left_out, legend, same_panel,
};
use crate::{
    findings::ScenarioFinding,
    point::Point,
    quantity::{Bound, QuantityName},
    style::Ink,
};

/// Steps of a curve. More would not be seen at this size.
const STEPS: u32 = 100;

/// Points (age in ms, percent of deliveries).
type Curve = Vec<(f64, f64)>;

/// None if no point has deliveries.
pub(super) fn figure(
    finding: &ScenarioFinding,
    part: &str,
    points: &[&Point],
    all: &[&Point],
) -> Option<Figure> {
    let curves: Vec<Curve> = points.iter().map(|point| measured(point)).collect();
    if curves.iter().all(Vec::is_empty) {
        return None;
    }
    let models: Vec<Curve> = points.iter().map(|point| model(point)).collect();
    let keys = legend::keys(points, models.iter().any(|curve| !curve.is_empty()));
    let top = legend::height(&keys) + 38.0;
    // All charts of a scenario share one scale, so that they can be compared.
    let ages =
        all.iter().flat_map(|point| measured(point).into_iter().chain(model(point))).map(|(age, _)| age);
    let plane = Plane {
        x: Axis::log(ages, "age of an event, ms (log scale)"),
        y: Axis::linear(
            0.0,
            100.0,
            [0, 25, 50, 75, 100].map(|percent| (f64::from(percent), percent.to_string())).to_vec(),
            "percent of the deliveries",
        ),
        left: 38.0,
        right: WIDTH - 26.0,
        top,
        bottom: top + 230.0,
    };
    let drawing = draw(plane.bottom + 44.0, |canvas| {
        legend::draw(canvas, &keys, 0.0)?;
        plane.frame(canvas)?;
        for (point, curve) in points.iter().zip(&models) {
            line(canvas, &plane, curve, Ink::Model(point.pattern), 2.0)?;
        }
        for (point, curve) in points.iter().zip(&curves) {
            line(canvas, &plane, curve, Ink::Measured(point.pattern), 2.2)?;
            marks(canvas, &plane, point.pattern, curve)?;
        }
        if points.iter().any(|point| point.swept.is_some()) {
            swept_labels(canvas, &plane, points, &curves)?;
        }
        Ok(())
    });
    Some(Figure {
        slug: format!("{part}-age-ecdf"),
        scenario: Some(finding.scenario.name.clone()),
        title: title(points),
        caption: format!(
            "A slope is waiting time spread out, as short polling spreads it over its interval; a step is a delivery that waits for nothing. Marks at 10, 50 and 90 percent.{}",
            left_out(points.len(), all.iter().filter(|point| same_panel(points, point)).count())
        ),
        description: description(points),
        elements: drawing.elements,
        width: drawing.width,
        height: drawing.height,
    })
}

/// Ends below 100 percent if deliveries never came.
fn measured(point: &Point) -> Curve {
    let ages = point.ages();
    (0..=STEPS)
        .map(|step| f64::from(step) / f64::from(STEPS))
        .chain([0.995, 0.999])
        .filter_map(|quantile| {
            let age = ages.percentile(quantile)?;
            (age.bound == Bound::Exact).then_some((age.value_ms.max(1e-3), quantile * 100.0))
        })
        .collect::<Vec<_>>()
        .into_iter()
        .fold(Vec::new(), insert_sorted)
}

fn model(point: &Point) -> Curve {
    let Some(prediction) = point.predicted.as_ref().and_then(|both| both.replayed.as_ref().ok()) else {
        return Vec::new();
    };
    (0..=STEPS)
        .map(|step| f64::from(step) / f64::from(STEPS))
        .map(|quantile| (prediction.age.quantile_ms(quantile), quantile * 100.0))
        .filter(|(age, _)| age.is_finite())
        .map(|(age, percent)| (age.max(1e-3), percent))
        .collect()
}

fn insert_sorted(mut curve: Curve, point: (f64, f64)) -> Curve {
    let place = curve.partition_point(|(_, percent)| *percent <= point.1);
    curve.insert(place, point);
    curve
}

fn line(canvas: &Canvas<'_>, plane: &Plane, curve: &Curve, ink: Ink, width: f64) -> Drawn {
    let path: Vec<(f64, f64)> = curve.iter().map(|point| plane.place(*point)).collect();
    canvas.line(&path, ink, width)
}

fn marks(canvas: &Canvas<'_>, plane: &Plane, pattern: Pattern, curve: &Curve) -> Drawn {
    for percent in [10.0, 50.0, 90.0] {
        if let Some(point) = curve.iter().find(|(_, place)| *place >= percent) {
            canvas.marker(pattern, plane.place(*point), 5.0)?;
        }
    }
    Ok(())
}

/// In a sweep all curves have one colour: the swept value stands beside each, the heights
/// staggered, since neighbours are often closer than a label is wide.
fn swept_labels(canvas: &Canvas<'_>, plane: &Plane, points: &[&Point], curves: &[Curve]) -> Drawn {
    let steps = points.len().saturating_sub(1).max(1) as f64;
    for (index, (point, curve)) in points.iter().zip(curves).enumerate() {
        let text = point.mark();
        let height = 80.0 - 55.0 * index as f64 / steps;
        let Some(place) = curve.iter().find(|(_, percent)| *percent >= height) else {
            continue;
        };
        let (x, y) = plane.place(*place);
        let width = text_width(&text, TICK_TEXT);
        let fits_left = x - width - 14.0 > plane.left;
        let fits_right = x + width + 14.0 < plane.right;
        let left = if (index == 0 && fits_left) || !fits_right { x - width - 10.0 } else { x + 10.0 };
        canvas.rectangle((left - 2.0, y - 8.0), (left + width + 2.0, y + 8.0), Ink::Ground, 0.85)?;
        canvas.text((left, y), &text, Anchor::Left, TICK_TEXT, Ink::Text)?;
    }
    Ok(())
}

fn title(points: &[&Point]) -> String {
    let name = QuantityName::AgeP50;
    let mut timed: Vec<&Point> =
        points.iter().copied().filter(|point| point.measured(name).is_some()).collect();
    timed.sort_by(|left, right| {
        let age = |point: &Point| point.measured(name).unwrap_or(0.0);
        age(left).total_cmp(&age(right))
    });
    match timed.as_slice() {
        [] => "Ages of all deliveries".to_owned(),
        [only] => format!(
            "Half of the deliveries by {} were at most {} old",
            only.label(),
            only.quantity_of(name).measured_text()
        ),
        [first, .., last] => format!(
            "Half of the deliveries were at most {} old ({}), and {} ({})",
            first.quantity_of(name).measured_text(),
            first.label(),
            last.quantity_of(name).measured_text(),
            last.label()
        ),
    }
}

fn description(points: &[&Point]) -> String {
    let parts: Vec<String> = points
        .iter()
        .map(|point| {
            format!(
                "{}: half within {}, 99 percent within {}",
                point.label(),
                point.quantity_of(QuantityName::AgeP50).measured_text(),
                point.quantity_of(QuantityName::AgeP99).measured_text()
            )
        })
        .collect();
    format!("Line chart: percent of the deliveries over their age in ms, logarithmic. {}.", parts.join("; "))
}
