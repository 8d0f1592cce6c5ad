//! The comparisons of a scenario as a table: one row per pair, one column per quantity.

use crate::{
    document::{Cell, Column, Table},
    findings::{ComparedPoint, PointComparison, ScenarioFinding},
    quantities::QuantityName,
};

/// The table's quantities besides the primary one; `summary.json` has all.
const SHOWN: [QuantityName; 8] = [
    QuantityName::AgeP50,
    QuantityName::AgeP99,
    QuantityName::RequestsPerEvent,
    QuantityName::BytesPerEvent,
    QuantityName::CpuPerEvent,
    QuantityName::SubscriberCpuPerEvent,
    QuantityName::MemoryUser,
    QuantityName::MemoryKernel,
];

/// Explains the table.
pub(crate) const COMPARISONS_EXPLAINED: &str = "First ÷ second, taken block by block, with its 95 % interval. The first column is the question's primary quantity. Its comparisons share one error rate of 5 %; those of all other quantities share another.";

/// None with fewer than four blocks, or a single point.
pub(crate) fn comparison_table(finding: &ScenarioFinding) -> Option<Table> {
    let judged: Vec<&PointComparison> =
        finding.comparisons.iter().filter(|comparison| comparison.is_judged()).collect();
    let primary = judged.iter().find(|comparison| comparison.primary).map(|comparison| comparison.quantity);
    let others = SHOWN.into_iter().filter(|name| Some(*name) != primary);
    let columns: Vec<QuantityName> = primary
        .into_iter()
        .chain(others)
        .filter(|name| judged.iter().any(|comparison| comparison.quantity == *name))
        .collect();
    let mut pairs: Vec<(&ComparedPoint, &ComparedPoint)> = Vec::new();
    for comparison in &judged {
        if !pairs.contains(&(&comparison.left, &comparison.right)) {
            pairs.push((&comparison.left, &comparison.right));
        }
    }
    let cell = |pair: (&ComparedPoint, &ComparedPoint), name: QuantityName| {
        let found = judged
            .iter()
            .find(|comparison| comparison.quantity == name && (&comparison.left, &comparison.right) == pair);
        Cell::value(found.map_or_else(|| "—".to_owned(), |found| found.words()))
    };
    let row = |pair: &(&ComparedPoint, &ComparedPoint)| {
        let name = Cell::name(format!("{} ÷ {}", pair.0.label, pair.1.label));
        std::iter::once(name).chain(columns.iter().map(|name| cell(*pair, *name))).collect()
    };
    let rows: Vec<Vec<Cell>> = pairs.iter().map(row).collect();
    let heads = std::iter::once("pair").chain(columns.iter().map(|name| name.label()));
    (!rows.is_empty()).then(|| Table::new("comparisons", heads.map(Column::values).collect(), rows))
}
