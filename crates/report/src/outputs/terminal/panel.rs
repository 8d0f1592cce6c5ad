//! Tables with words in their cells, for the terminal.

use std::fmt::Write as _;

use comfy_table::{CellAlignment, Table};

use super::layout::{plain, table};
use crate::{
    findings::ScenarioFinding,
    tables::{
        panel::{Kind, Panel, Place, Tone},
        panels::panels,
        watched,
    },
};

/// Longest line of a cell that holds words.
const WIDEST: usize = 34;

/// A scenario's results besides its numbers; empty for most.
pub(crate) fn text(finding: &ScenarioFinding) -> String {
    let mut text = String::new();
    for line in watched::lines(finding) {
        let _ = writeln!(text, "{}\n", plain(&line));
    }
    for panel in panels(finding).iter().filter(|panel| panel.place == Place::Everywhere) {
        let _ = writeln!(text, "{}\n{}\n", plain(&panel.heading), drawn(panel));
        text.push_str(&beneath(panel));
        if panel.kind == Kind::Words {
            let _ = writeln!(text, "{}\n", plain(&panel.explained));
        }
    }
    text
}

/// The table itself, without the small texts of its cells, which would make it too wide.
fn drawn(panel: &Panel) -> Table {
    let heads: Vec<String> = panel.heads.iter().map(|head| textwrap::fill(&plain(head), WIDEST)).collect();
    let mut drawn = table(&heads.iter().map(String::as_str).collect::<Vec<_>>());
    for row in &panel.rows {
        let own = row.cells.iter().map(|cell| match panel.kind {
            Kind::Words => cell.text.clone(),
            Kind::Numbers => cell.line(),
        });
        drawn.add_row(
            std::iter::once(row.head.clone()).chain(own).map(|text| textwrap::fill(&plain(&text), WIDEST)),
        );
    }
    for (index, column) in drawn.column_iter_mut().enumerate() {
        column.set_padding((if index > 0 { 2 } else { 0 }, 0));
        if index > 0 && panel.kind == Kind::Numbers {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    drawn
}

/// The small texts of the cells, one line for each cell that is degraded or fails.
fn beneath(panel: &Panel) -> String {
    let mut text = String::new();
    if panel.kind == Kind::Numbers {
        return text;
    }
    for row in &panel.rows {
        for (head, cell) in panel.heads.iter().skip(1).zip(&row.cells) {
            if matches!(cell.tone, Tone::Doubt | Tone::Bad) && !cell.small.is_empty() {
                let _ = writeln!(
                    text,
                    "{}, {}: {}",
                    plain(&row.head),
                    plain(head),
                    plain(&cell.small.join("; "))
                );
            }
        }
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text
}
