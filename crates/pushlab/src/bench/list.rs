//! The scenarios with their questions, and how long each takes.

use comfy_table::{CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};
use contract::{Selection, Sweep};
use load_harness::TrialSpec;

use super::{BenchArguments, Plan, calibrations_for, steps::Steps};
use crate::{
    exit::Failure,
    progress::{clock, expected_length},
    say::terminal_width,
    scenarios::{self, Loaded},
};

const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// The table that `bench --list` prints, by name.
pub(super) fn table(arguments: &BenchArguments) -> Result<String, Failure> {
    let mut table = Table::new();
    table
        .load_style(STYLE)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(terminal_width() as u16);
    table.set_header(vec!["scenario", "takes", "question"]);
    for loaded in scenarios::by_name(&arguments.folder)? {
        let takes = takes(&loaded, arguments)?;
        table.add_row(vec![loaded.scenario.name.clone(), takes, loaded.scenario.question]);
    }
    if let Some(takes) = table.column_mut(1) {
        takes.set_cell_alignment(CellAlignment::Right);
    }
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    Ok(lines.join("\n"))
}

/// What a run measures: each scenario with its patterns, settings, blocks, trials and time, and the sum. Trials of an
/// interrupted run that are kept do not count.
pub(super) fn plan(plan: &Plan, steps: &Steps<'_>) -> String {
    let left = steps.left();
    let mut table = Table::new();
    table
        .load_style(STYLE)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(terminal_width() as u16);
    table.set_header(vec!["scenario", "blocks", "trials", "takes", "patterns, and what is varied"]);
    let calibrations = left.iter().copied().filter(|order| order.block == 0);
    table.add_row(row("calibration", "", calibrations, String::new()));
    for (scenario, blocks) in plan.manifest.scenarios.iter().zip(&plan.manifest.blocks) {
        let own = left.iter().copied().filter(|order| order.block > 0 && order.scenario == scenario.name);
        let patterns = scenario.patterns.iter().map(|pattern| pattern.label()).collect::<Vec<_>>().join(", ");
        let varied = scenario.sweep.as_ref().and_then(Sweep::parameter);
        let varied = varied.map_or_else(String::new, |setting| format!("; {setting}"));
        table.add_row(row(&scenario.name, &blocks.to_string(), own, format!("{patterns}{varied}")));
    }
    for column in 1..=3 {
        if let Some(numbers) = table.column_mut(column) {
            numbers.set_cell_alignment(CellAlignment::Right);
        }
    }
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    let whole = format!("{}: about {}", plan.size(steps), clock(expected_length(left.into_iter())));
    format!("{}\n\n{whole}; nothing was measured", lines.join("\n"))
}

fn row<'a>(
    name: &str,
    blocks: &str,
    orders: impl Iterator<Item = &'a TrialSpec> + Clone,
    what: String,
) -> Vec<String> {
    let trials = orders.clone().count().to_string();
    vec![name.to_owned(), blocks.to_owned(), trials, clock(expected_length(orders)), what]
}

/// How long a scenario takes by itself: its trials in all blocks, and their calibrations.
fn takes(loaded: &Loaded, arguments: &BenchArguments) -> Result<String, Failure> {
    let blocks = arguments.blocks.unwrap_or_else(|| loaded.scenario.blocks(Selection::Everything));
    let orders = loaded.blocks(Selection::Everything, arguments.seed, blocks)?;
    let calibrations = calibrations_for(&orders, arguments.seed)?;
    Ok(clock(expected_length(calibrations.iter().chain(&orders))))
}
