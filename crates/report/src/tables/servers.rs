//! Servers side by side: one row per server and pattern, third-party servers next to the lab's own.

use crate::{
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

/// A row of the table.
pub(crate) struct ServerRow<'a> {
    pub(crate) point: &'a Point,
    /// The cells after the point, or why there are none.
    pub(crate) cells: Result<Vec<String>, String>,
}

/// The servers of a scenario.
pub(crate) struct ServerTable<'a> {
    pub(crate) heads: Vec<&'static str>,
    pub(crate) rows: Vec<ServerRow<'a>>,
}

/// None if only the lab's own servers were measured.
pub(crate) fn server_table(finding: &ScenarioFinding) -> Option<ServerTable<'_>> {
    if !finding.has_foreign() {
        return None;
    }
    let known = |name: &QuantityName| finding.points.iter().any(|point| point.measured(*name).is_some());
    let main = finding.main_cost();
    let columns = std::iter::once(main).chain(COLUMNS.into_iter().filter(|name| *name != main));
    let names: Vec<QuantityName> = columns.filter(known).collect();
    let floor = has_floor(finding);
    let heads = names
        .iter()
        .flat_map(|name| {
            let multiple = (floor && is_floored(*name, main)).then_some("× floor");
            std::iter::once(name.label()).chain(multiple)
        })
        .collect();
    let rows = finding.points.iter().map(|point| row(finding, point, &names, floor)).collect();
    Some(ServerTable { heads, rows })
}

/// The multiples of the floor that have their own column.
fn is_floored(name: QuantityName, main: QuantityName) -> bool {
    name == main || matches!(name, QuantityName::CpuPerEvent | QuantityName::SaturationCpuPerEvent)
}

fn row<'a>(
    finding: &ScenarioFinding,
    point: &'a Point,
    names: &[QuantityName],
    floor: bool,
) -> ServerRow<'a> {
    let cells = if point.completed().next().is_none() {
        Err(why_not(point))
    } else {
        Ok(names
            .iter()
            .flat_map(|name| {
                let quantity = point.quantity_of(*name);
                let multiple = (floor && is_floored(*name, finding.main_cost())).then(|| {
                    let missing = if floor_of(&finding.points, point).is_some() { "no ratio" } else { "—" };
                    ratio_text(finding, point, *name).unwrap_or_else(|| missing.to_owned())
                });
                std::iter::once(quantity.measured_with_interval()).chain(multiple)
            })
            .collect())
    };
    ServerRow { point, cells }
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
