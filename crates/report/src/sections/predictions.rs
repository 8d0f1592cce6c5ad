//! The document of a scenario's predictions, for the terminal.

use contract::{Params, Pattern, Scenario};
use model::Predicted;

use super::terminal::{bare, in_terminal, line, row_label, two_lines};
use crate::{
    document::{Block, Cell, Column, Document, Place, Table},
    quantities::QuantityName,
    text::swept::SweepParameter,
};

/// The columns; their heads take two lines.
const COLUMNS: [(&str, &str, QuantityName); 6] = [
    ("age p50", "ms", QuantityName::AgeP50),
    ("age p99", "ms", QuantityName::AgeP99),
    ("requests", "per event", QuantityName::RequestsPerEvent),
    ("empty", "ratio", QuantityName::EmptyRatio),
    ("bytes", "per event", QuantityName::BytesPerEvent),
    ("sockets", "held", QuantityName::SocketsHeld),
];

/// The model's predictions for a scenario, without any measurement.
pub(crate) fn predictions<'a>(
    scenario: &Scenario,
    predictions: &[(Pattern, Params, Predicted)],
) -> Document<'a> {
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    let mut reasons: Vec<Block<'_>> = Vec::new();
    for (pattern, params, predicted) in predictions {
        let swept = SweepParameter::of(scenario).filter(|swept| swept.concerns(*pattern));
        let label = row_label(*pattern, params, swept);
        let value = |(_, _, name): &(&str, &str, QuantityName)| {
            let of = predicted.replayed.as_ref().ok();
            Cell::value(bare(of.and_then(|of| name.predicted(of))))
        };
        if let Err(reason) = &predicted.replayed {
            reasons.push(line(format!("{label}: no prediction: {reason}")));
        }
        rows.push(std::iter::once(Cell::name(label)).chain(COLUMNS.iter().map(value)).collect());
    }
    let columns = COLUMNS.iter().map(|(head, more, _)| Column::values(two_lines(head, more)));
    let columns = std::iter::once(Column::values("pattern")).chain(columns).collect();
    let mut blocks = vec![
        Block::heading(2, format!("{}: {}", scenario.name, scenario.question)).at(Place::Terminal),
        Block::table(Table::new("predictions", columns, rows)).at(Place::Terminal),
    ];
    blocks.append(&mut reasons);
    in_terminal(scenario.name.clone(), blocks)
}
