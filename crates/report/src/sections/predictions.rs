//! The document of a scenario's predictions, for the terminal.

use contract::{Params, Pattern, Scenario, ServerName};
use model::Predicted;

use super::terminal::{bare, in_terminal, line, row_label, two_lines};
use crate::{
    answers::sweep::main_quantities,
    document::{Block, Cell, Column, Document, Place, Table},
    quantities::QuantityName,
    text::{
        number::{counted, three_digits},
        sentence::sentences,
        setting::served,
        swept::SweepParameter,
    },
};

/// The columns with their rank in a narrow terminal; their heads take two lines.
const COLUMNS: [(&str, &str, QuantityName, usize); 6] = [
    ("age p50", "ms", QuantityName::AgeP50, 0),
    ("age p99", "ms", QuantityName::AgeP99, 0),
    ("requests", "per event", QuantityName::RequestsPerEvent, 0),
    ("empty", "ratio", QuantityName::EmptyRatio, 1),
    ("bytes", "per event", QuantityName::BytesPerEvent, 0),
    ("sockets", "held", QuantityName::SocketsHeld, 2),
];

/// The model's numbers for one point of a scenario.
#[derive(Debug)]
pub struct ModelPrediction {
    /// Which pattern.
    pub pattern: Pattern,
    /// Which server.
    pub server: ServerName,
    /// Its settings.
    pub params: Params,
    /// The prediction, or why there is none.
    pub predicted: Predicted,
}

impl ModelPrediction {
    fn value(&self, name: QuantityName) -> Option<f64> {
        self.predicted.replayed.as_ref().ok().and_then(|of| name.predicted(of))
    }

    fn label(&self, scenario: &Scenario) -> String {
        let swept = SweepParameter::of(scenario).filter(|swept| swept.concerns(self.pattern));
        served(&row_label(self.pattern, &self.params, swept), &self.server)
    }
}

/// The model's predictions for a scenario, without any measurement: a row for each point that has one, then the
/// reasons why others have none, and a sentence on the largest differences.
pub(crate) fn predictions<'a>(scenario: &Scenario, predictions: &[ModelPrediction]) -> Document<'a> {
    let row = |of: &ModelPrediction| {
        let values = COLUMNS.iter().map(|(_, _, name, _)| Cell::value(bare(of.value(*name))));
        std::iter::once(Cell::name(of.label(scenario))).chain(values).collect()
    };
    let known: Vec<&ModelPrediction> =
        predictions.iter().filter(|of| of.predicted.replayed.is_ok()).collect();
    let mut blocks =
        vec![Block::heading(2, format!("{}: {}", scenario.name, scenario.question)).at(Place::Terminal)];
    if !known.is_empty() {
        let columns =
            COLUMNS.iter().map(|(head, more, _, rank)| Column::values(two_lines(head, more)).ranked(*rank));
        let columns = std::iter::once(Column::values("pattern")).chain(columns).collect();
        let rows = known.iter().copied().map(row).collect();
        blocks.push(Block::table(Table::new("predictions", columns, rows)).at(Place::Terminal));
    }
    blocks.extend(reasons(scenario, predictions).into_iter().map(line));
    blocks.extend(differences(scenario, &known).map(line));
    in_terminal(scenario.name.clone(), blocks)
}

/// Each reason why points have no prediction, once, with these points.
fn reasons(scenario: &Scenario, predictions: &[ModelPrediction]) -> Vec<String> {
    let mut reasons: Vec<(String, Vec<String>)> = Vec::new();
    for of in predictions {
        let Err(reason) = &of.predicted.replayed else { continue };
        let (reason, label) = (reason.to_string(), of.label(scenario));
        match reasons.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, labels)) => labels.push(label),
            None => reasons.push((reason, vec![label])),
        }
    }
    let words = |(reason, labels): (String, Vec<String>)| {
        let number = labels.len();
        if number == predictions.len() && number > 1 {
            format!("no prediction: {reason}")
        } else if number > 2 {
            let points = counted(number as u64, "point", "points");
            format!("no prediction of {points}, from {} to {}: {reason}", labels[0], labels[number - 1])
        } else {
            format!("{}: no prediction: {reason}", labels.join(", "))
        }
    };
    reasons.into_iter().map(words).collect()
}

/// How the least and the most differ: by the quantity that a sweep is about, or by bytes.
fn differences(scenario: &Scenario, known: &[&ModelPrediction]) -> Option<String> {
    let name =
        SweepParameter::of(scenario).map_or(QuantityName::BytesPerEvent, |swept| main_quantities(swept)[0]);
    let mut values: Vec<(&ModelPrediction, f64)> =
        known.iter().filter_map(|of| Some((*of, of.value(name)?))).collect();
    values.sort_by(|left, right| left.1.total_cmp(&right.1));
    let [(least, low), .., (most, high)] = values.as_slice() else { return None };
    let (low, high) = (name.text(*low), name.text(*high));
    let mut parts: Vec<String> = Vec::new();
    if low != high {
        parts.push(format!(
            "by the model: {} from {low} ({}) to {high} ({})",
            name.label(),
            least.label(scenario),
            most.label(scenario)
        ));
    }
    parts.extend(batching(scenario, known));
    (!parts.is_empty()).then(|| sentences(&parts))
}

/// From which event rate on an answer to a long poll brings two events: between two rates of the sweep, by
/// interpolation over the logarithm of the rate.
fn batching(scenario: &Scenario, known: &[&ModelPrediction]) -> Option<String> {
    SweepParameter::of(scenario).filter(|swept| *swept == SweepParameter::Rate)?;
    let held = known.iter().filter(|of| of.pattern.is_held());
    let by_rate: Vec<(f64, f64)> =
        held.filter_map(|of| Some((of.params.rate_hz, of.value(QuantityName::RequestsPerEvent)?))).collect();
    by_rate.windows(2).find_map(|pair| {
        let [(slow, before), (fast, after)] = pair else { return None };
        let is_crossed = *before >= 0.5 && *after < 0.5;
        is_crossed.then(|| {
            let share = (before - 0.5) / (before - after);
            let rate = slow * (fast / slow).powf(share);
            format!(
                "a request of {} brings two events from about {} events/s on",
                Pattern::LongPolling.label(),
                three_digits(rate)
            )
        })
    })
}
