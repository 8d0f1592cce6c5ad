//! Where along a swept number a condition changes: between which measured values, and where the model puts it.

use contract::{Arrivals, Params, Pattern, TrialRecord};
use model::{Inputs, Prediction, predict};

use super::condition::{Condition, truth};
use crate::{
    findings::Point,
    judgement::{
        expression::{Divisor, Expression, Term},
        expression_value::Operands,
    },
    read::Run,
    text::{
        number::{list, span},
        setting,
        swept::SweepParameter,
    },
};

/// The model's value is exact to this factor: three digits are printed.
const EXACT_TO: f64 = 1.0005;
/// So many halvings reach it from any two values, or never do.
const MOST_HALVINGS: u32 = 60;

/// The points of a condition along its sweep: the value, the points, and whether the condition is true there.
type Series<'a> = Vec<(f64, Operands<'a>, bool)>;

/// Whether a condition applies along a swept number.
pub(crate) fn follows_a_number(expression: &Expression<'_>) -> bool {
    expression.measure.terms().any(|term| varied(term).is_some())
}

/// The swept number along which a term applies.
fn varied(term: &Term<'_>) -> Option<SweepParameter> {
    let swept = SweepParameter::of(term.scenario).filter(|_| term.value.is_none())?;
    let concerned = term.pattern.is_none_or(|pattern| swept.concerns(pattern));
    Some(swept).filter(|swept| concerned && at(*swept, &Params::default(), 1.0).is_some())
}

/// Where the conditions of a claim change along their sweeps, in words; none if they do not.
pub(crate) fn flip(run: &Run, conditions: &[Condition<'_>]) -> Option<String> {
    let mut flips: Vec<(Pattern, String)> = Vec::new();
    for condition in conditions {
        let Some(expression) = &condition.expression else { continue };
        for (pattern, series) in series(expression, &condition.cells) {
            let changes = series.windows(2).filter(|pair| pair[0].2 != pair[1].2);
            let words: Vec<String> = changes.filter_map(|pair| change(run, expression, pair)).collect();
            if !words.is_empty() && flips.iter().all(|(_, known)| *known != list(&words)) {
                flips.push((pattern, list(&words)));
            }
        }
    }
    match flips.as_slice() {
        [] => None,
        [(_, only)] => Some(only.clone()),
        several => {
            let words = several.iter().map(|(pattern, words)| format!("for {} {words}", pattern.label()));
            Some(list(&words.collect::<Vec<_>>()))
        }
    }
}

/// The decided cells of each pattern, by the swept value.
fn series<'a>(
    expression: &Expression<'_>,
    cells: &[(Option<Operands<'a>>, crate::findings::ThresholdFinding)],
) -> Vec<(Pattern, Series<'a>)> {
    let mut all: Vec<(Pattern, Series<'a>)> = Vec::new();
    for (operands, cell) in cells {
        let Some((operands, is_true)) = operands.zip(truth(cell)) else { continue };
        let Some((_, value)) = varying(expression, operands) else { continue };
        let pattern = operands.point.pattern;
        let place = (value, operands, is_true);
        match all.iter_mut().find(|(known, _)| *known == pattern) {
            Some((_, series)) => series.push(place),
            None => all.push((pattern, vec![place])),
        }
    }
    for (_, series) in &mut all {
        series.sort_by(|(left, ..), (right, ..)| left.total_cmp(right));
    }
    all
}

/// The swept number of the points and its value there.
fn varying(expression: &Expression<'_>, operands: Operands<'_>) -> Option<(SweepParameter, f64)> {
    let mut sides = expression.measure.terms().zip(operands.points());
    sides.find_map(|(term, point)| Some((varied(term)?, point.swept_value()?)))
}

/// `between 50 and 100 ms (by the model at 87 ms)`.
fn change(run: &Run, expression: &Expression<'_>, pair: &[(f64, Operands<'_>, bool)]) -> Option<String> {
    let [(low, left, is_true), (high, right, _)] = pair else { return None };
    let (swept, _) = varying(expression, *left)?;
    let text = |operands: Operands<'_>, value: f64| {
        let text = swept.text(&at(swept, &operands.point.params, value)?);
        // Here a limit is one number among others.
        Some(text.trim_start_matches("at most ").to_owned())
    };
    let between = span(&text(*left, *low)?, &text(*right, *high)?, "and");
    let is_met = |value: f64| {
        Some(expression.operator.is_met(predicted(run, expression, *left, value)?, expression.limit))
    };
    let model = crossing([*low, *high], *is_true, is_met).and_then(|value| text(*left, value));
    let model = model.map_or_else(String::new, |value| format!(" (by the model at {value})"));
    Some(format!("between {between}{model}"))
}

/// The value between two others at which the condition changes; none if it is not as given at the first one, or
/// not the opposite at the second.
fn crossing([low, high]: [f64; 2], is_true: bool, is_met: impl Fn(f64) -> Option<bool>) -> Option<f64> {
    if is_met(low)? != is_true || is_met(high)? == is_true {
        return None;
    }
    let (mut low, mut high) = (low, high);
    for _ in 0..MOST_HALVINGS {
        if high <= low * EXACT_TO {
            break;
        }
        let middle = if low > 0.0 { (low * high).sqrt() } else { f64::midpoint(low, high) };
        if is_met(middle)? == is_true {
            low = middle;
        } else {
            high = middle;
        }
    }
    Some(high)
}

/// The value of a condition's measure by the closed form at another value of the sweep.
fn predicted(run: &Run, expression: &Expression<'_>, operands: Operands<'_>, value: f64) -> Option<f64> {
    let of = |term: &Term<'_>, point: &Point| {
        let varied = varied(term).filter(|swept| swept.concerns(point.pattern));
        term.subject.quantity()?.predicted(&closed_form(run, point, varied.map(|swept| (swept, value)))?)
    };
    let measure = &expression.measure;
    let first = of(&measure.term, operands.point)?;
    match (&measure.divisor, operands.divisor) {
        (None, _) => Some(first),
        (Some(Divisor::Term(term)), Some(point)) => {
            Some(first / of(term, point)?).filter(|ratio| ratio.is_finite())
        }
        // The model describes only the lab's own server.
        (Some(Divisor::Server(_)), _) | (Some(Divisor::Term(_)), None) => None,
    }
}

/// The closed form of a point, all settings but the swept one as in its first completed trial.
fn closed_form(run: &Run, point: &Point, varied: Option<(SweepParameter, f64)>) -> Option<Prediction> {
    let is_of_point = |record: &&TrialRecord| {
        record.scenario == point.scenario
            && record.pattern == point.pattern
            && record.params == point.params
            && record.server == point.server
    };
    let record = run.records.iter().filter(is_of_point).find(|record| record.measurements().is_some())?;
    let scenario = run.manifest.scenarios.iter().find(|scenario| scenario.name == point.scenario)?;
    let mut arrivals = setting::arrivals_at(scenario, &record.params);
    let mut params = record.params;
    if let Some((swept, value)) = varied {
        params = at(swept, &params, value)?;
        if let (SweepParameter::Rate, Arrivals::Steady { rate_hz } | Arrivals::Poisson { rate_hz }) =
            (swept, &mut arrivals)
        {
            *rate_hz = value;
        }
    }
    let inputs = Inputs {
        params: &params,
        arrivals: &arrivals,
        schedule: run.manifest.schedule(&record.schedule_hash)?,
        window: record.measurements()?.window,
        poll_phase: record.poll_phase,
        calibration: record.calibration.unwrap_or_default(),
    };
    predict(point.pattern, &inputs).closed_form.ok()
}

/// The settings with another value of a swept number; none if the setting is no number.
fn at(swept: SweepParameter, params: &Params, value: f64) -> Option<Params> {
    let mut params = *params;
    // A value between two numbers of the sweep is in their range.
    let whole = value.round() as u32;
    match swept {
        SweepParameter::Subscribers => params.subscribers = whole,
        SweepParameter::Rate => params.rate_hz = value,
        SweepParameter::Payload => params.payload_bytes = whole,
        SweepParameter::PollInterval => params.poll_interval_ms = Some(value),
        SweepParameter::Hold => params.hold_ms = Some(value),
        SweepParameter::Rtt => {
            params.rtt_ms = Some(value);
            let rtt = contract::Period(std::time::Duration::from_secs_f64(value.max(0.0) * 1e-3));
            params.network = Some(contract::Network { rtt, ..params.network.unwrap_or_default() });
        }
        SweepParameter::StreamsPerConnection => params.streams_per_connection = Some(whole),
        SweepParameter::MaxStreams => params.max_streams = Some(whole),
        SweepParameter::Client
        | SweepParameter::KeepAlive
        | SweepParameter::Side
        | SweepParameter::Ablation
        | SweepParameter::Network
        | SweepParameter::Transport
        | SweepParameter::Heartbeat => return None,
    }
    Some(params)
}
