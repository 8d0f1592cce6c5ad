//! What belongs to a curve of ages besides its measured line: the model's line, the floor's, the interval's ribbon.

use contract::{Measurements, Pattern};

use super::{
    axis::Plane,
    canvas::{Canvas, Drawn},
    intervals,
};
use crate::{
    findings::{Point, SAMPLES_BEYOND, ScenarioFinding},
    judgement::floor::floor_of,
    quantities::{
        Bound, QuantityName,
        ages::{self, AgeCurve, LEAST_MS, Step},
    },
    style::ColourRole,
};

/// A point with its ages, measured and predicted.
pub(super) struct AgeLine<'a> {
    pub(super) point: &'a Point,
    pub(super) measured: AgeCurve,
    pub(super) model: AgeCurve,
}

impl AgeLine<'_> {
    /// Every age of the line: the values that an axis must contain.
    pub(super) fn ages(&self) -> impl Iterator<Item = f64> + '_ {
        with_intervals(&self.measured).chain(with_intervals(&self.model))
    }
}

/// The nines of a percentile: 1 for p90, 2 for p99.
pub(super) fn nines(quantile: f64) -> f64 {
    -(1.0 - quantile).log10()
}

/// The nines beyond which fewer than ten deliveries of the smallest block lie.
pub(super) fn last_nines(point: &Point) -> f64 {
    let deliveries = |measurements: &Measurements| measurements.age.arrived.count + measurements.age.censored;
    let fewest = point.completed().map(deliveries).min().unwrap_or(0);
    (fewest as f64 / SAMPLES_BEYOND).log10()
}

/// The age at which a curve reaches p99; none with too few deliveries, or if too many never came.
pub(super) fn p99_ms(point: &Point) -> Option<f64> {
    let age = point.quantity_of(QuantityName::AgeP99);
    age.measured.filter(|_| age.bound == Bound::Exact && last_nines(point) >= nines(0.99) - 1e-9)
}

/// The ages of these points' floors, once per pattern.
pub(super) fn floors(
    finding: &ScenarioFinding,
    points: &[&Point],
    quantiles: &[f64],
) -> Vec<(Pattern, AgeCurve)> {
    let mut floors: Vec<&Point> = Vec::new();
    for floor in points.iter().filter_map(|point| floor_of(&finding.points, point)) {
        if !floors.iter().any(|known| std::ptr::eq(*known, floor)) {
            floors.push(floor);
        }
    }
    // In a sweep a floor for every value would double the lines.
    floors.retain(|floor| floor.swept_key().is_none());
    let curve = |floor: &&Point| {
        let trials: Vec<_> = floor.trials.iter().map(|trial| &trial.ages).collect();
        (floor.pattern, ages::curve(&trials, quantiles.iter().copied()))
    };
    floors.iter().map(curve).filter(|(_, curve)| curve.len() > 1).collect()
}

/// Says what the model's lines leave out, where there are any.
pub(super) fn model_words(points: &[&Point]) -> &'static str {
    let is_predicted = |point: &&Point| point.quantity_of(QuantityName::AgeP99).predicted.is_some();
    if points.iter().any(is_predicted) {
        " The model's lines are its formulas alone: the tables add what the calibration measured above them."
    } else {
        ""
    }
}

/// The same percentiles by the model, replayed over the schedule.
pub(super) fn model(point: &Point, quantiles: impl Iterator<Item = f64>) -> AgeCurve {
    let Some(prediction) = point.predicted.as_ref().and_then(|both| both.replayed.as_ref().ok()) else {
        return Vec::new();
    };
    quantiles
        .map(|quantile| (quantile, prediction.age.quantile_ms(quantile)))
        .filter(|(_, age_ms)| age_ms.is_finite())
        .map(|(quantile, age_ms)| Step { quantile, age_ms: age_ms.max(LEAST_MS), interval_ms: None })
        .collect()
}

/// Every age of a curve, with the ends of its intervals: the values that an axis must contain.
pub(super) fn with_intervals(curve: &AgeCurve) -> impl Iterator<Item = f64> + '_ {
    curve.iter().flat_map(|step| {
        let (low, high) = step.interval_ms.unwrap_or((step.age_ms, step.age_ms));
        [step.age_ms, low, high]
    })
}

/// The interval around a curve; not drawn with too few blocks.
pub(super) fn ribbon(
    canvas: &Canvas<'_>,
    plane: &Plane,
    curve: &AgeCurve,
    at: fn(f64, f64) -> (f64, f64),
    ink: ColourRole,
) -> Drawn {
    let edge = |end: fn((f64, f64)) -> f64| -> Vec<(f64, f64)> {
        curve.iter().filter_map(|step| Some(plane.place(at(step.quantile, end(step.interval_ms?))))).collect()
    };
    intervals::ribbon(canvas, &edge(|(low, _)| low), &edge(|(_, high)| high), ink)
}

/// Explains the ribbons, if one is drawn.
pub(super) fn ribbon_words<'a>(mut curves: impl Iterator<Item = &'a AgeCurve>) -> &'static str {
    if curves.any(|curve| curve.iter().any(|step| step.interval_ms.is_some())) {
        " A line is the typical block; the ribbon around it is its 95 % interval."
    } else {
        ""
    }
}
