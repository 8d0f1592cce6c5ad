//! Servers side by side: one row per server and pattern, third-party servers next to the lab's own.

use super::panel::point_name;
use crate::{
    document::{Cell, Column, Table},
    findings::{Point, ScenarioFinding},
    judgement::floor::{floor_of, has_floor, ratio_text},
    quantities::QuantityName,
};

/// The columns after the server; those without any measured value are left out.
const COLUMNS: [QuantityName; 8] = [
    QuantityName::CpuPerEvent,
    QuantityName::SaturationDeliveries,
    QuantityName::SaturationCpuPerEvent,
    QuantityName::MemoryUser,
    QuantityName::MemoryKernel,
    QuantityName::AgeP50,
    QuantityName::AgeP99,
    QuantityName::BytesPerEvent,
];

/// Explains the table.
pub(crate) const SERVERS_EXPLAINED: &str = "All servers had the same subscribers and the same schedule. Each event was posted over HTTP, the next one after the answer; the floor received it on its control port. In brackets: the 95 % interval over the blocks. CPU is that of all processes of the server together, per delivery. A server that could not be measured has its reason in the table.";

/// None if only the lab's own servers were measured.
pub(crate) fn server_table(finding: &ScenarioFinding) -> Option<Table> {
    if !finding.has_foreign() {
        return None;
    }
    let known = |name: &QuantityName| finding.points.iter().any(|point| point.measured(*name).is_some());
    let main = finding.main_cost();
    let columns = std::iter::once(main).chain(COLUMNS.into_iter().filter(|name| *name != main));
    let names: Vec<QuantityName> = columns.filter(known).collect();
    let floor = has_floor(finding);
    let heads = names.iter().flat_map(|name| {
        let multiple = (floor && is_floored(*name, main)).then_some("× floor");
        std::iter::once(name.label()).chain(multiple)
    });
    let columns: Vec<Column> =
        std::iter::once("pattern and server").chain(heads).map(Column::values).collect();
    let rows = finding.points.iter().map(|point| row(finding, point, &names, columns.len() - 1)).collect();
    Some(Table::new("servers", columns, rows))
}

/// The multiples of the floor that have their own column.
fn is_floored(name: QuantityName, main: QuantityName) -> bool {
    name == main || matches!(name, QuantityName::CpuPerEvent | QuantityName::SaturationCpuPerEvent)
}

fn row(finding: &ScenarioFinding, point: &Point, names: &[QuantityName], columns: usize) -> Vec<Cell> {
    let mut cells = vec![Cell::name(point_name(point))];
    if point.completed().next().is_none() {
        cells.push(Cell::across(columns, why_not(point)));
        return cells;
    }
    let floor = has_floor(finding);
    for name in names {
        cells.push(Cell::value(point.quantity_of(*name).measured_with_interval()));
        if floor && is_floored(*name, finding.main_cost()) {
            let missing = if floor_of(&finding.points, point).is_some() { "no ratio" } else { "—" };
            cells.push(Cell::value(ratio_text(finding, point, *name).unwrap_or_else(|| missing.to_owned())));
        }
    }
    cells
}

/// Why no trial of a point was completed.
pub(crate) fn why_not(point: &Point) -> String {
    if let Some(reason) = point.not_run() {
        return format!("not run: {reason}");
    }
    let first = point.invalid_because.first().map_or("no trial was completed", String::as_str);
    // `trial 7 failed: the port was taken`: the trial's number does not matter here.
    let reason = first.split_once(" failed: ").map_or(first, |(_, reason)| reason);
    format!("not measured: {reason}")
}
