//! The scenarios with their questions, and how long each takes.

use comfy_table::{CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};
use contract::Selection;

use super::{BenchArguments, calibrations_for};
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

/// How long a scenario takes by itself: its trials in all blocks, and their calibrations.
fn takes(loaded: &Loaded, arguments: &BenchArguments) -> Result<String, Failure> {
    let blocks = arguments.blocks.unwrap_or_else(|| loaded.scenario.blocks(Selection::Everything));
    let orders = loaded.blocks(Selection::Everything, arguments.seed, blocks)?;
    let calibrations = calibrations_for(&orders, arguments.seed)?;
    Ok(clock(expected_length(calibrations.iter().chain(&orders))))
}
