//! Tables with words in their cells, for the terminal.

use std::fmt::Write as _;

use comfy_table::{CellAlignment, Table};

use crate::{
    findings::ScenarioFinding,
    panel::{Kind, Panel},
    panels::panels,
    terminal::{plain, table},
    watched,
};

/// Longest line of a cell that holds words.
const WIDEST: usize = 30;

/// What a scenario has besides its numbers; empty for most.
pub(crate) fn text(finding: &ScenarioFinding) -> String {
    let mut text = String::new();
    for line in watched::lines(finding) {
        let _ = writeln!(text, "{}\n", plain(&line));
    }
    for panel in panels(finding).iter().filter(|panel| panel.in_terminal) {
        let _ = writeln!(text, "{}\n{}\n", plain(&panel.heading), drawn(panel));
        if panel.kind == Kind::Words {
            let _ = writeln!(text, "{}\n", plain(&panel.explained));
        }
    }
    text
}

fn drawn(panel: &Panel) -> Table {
    let heads: Vec<String> = panel.heads.iter().map(|head| plain(head)).collect();
    let mut drawn = table(&heads.iter().map(String::as_str).collect::<Vec<_>>());
    for row in &panel.rows {
        let mut cells = vec![plain(&row.head)];
        cells.extend(row.cells.iter().map(|cell| {
            let lines = std::iter::once(&cell.text).chain(&cell.small);
            lines.map(|line| wrapped(&plain(line))).collect::<Vec<_>>().join("\n")
        }));
        drawn.add_row(cells);
    }
    for (index, column) in drawn.column_iter_mut().enumerate() {
        column.set_padding((if index > 0 { 2 } else { 0 }, 0));
        if index > 0 && panel.kind == Kind::Numbers {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    drawn
}

/// Broken between words, so that four columns of them fit beside each other.
fn wrapped(line: &str) -> String {
    let mut text = String::new();
    let mut width = 0;
    for word in line.split(' ') {
        let own = word.chars().count();
        if width > 0 && width + 1 + own > WIDEST {
            text.push('\n');
            width = 0;
        } else if width > 0 {
            text.push(' ');
            width += 1;
        }
        text.push_str(word);
        width += own;
    }
    text
}
