//! The layout of all tables in the terminal.

use comfy_table::{CellAlignment, LineStyle, Table, TableStyle};

use crate::text::number::THIN_SPACE;

/// One line under the heads; rows need none.
const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// A table with its heads.
pub(crate) fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(STYLE).set_header(header.to_vec());
    table
}

/// Names to the left, numbers to the right.
pub(crate) fn align(table: &mut Table) {
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((u16::from(index > 0), 0));
        if index > 0 {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

/// Replaces thin spaces, which a terminal lacks, and control characters, which could move its cursor.
pub(crate) fn plain(text: &str) -> String {
    text.chars()
        .map(|letter| if letter == THIN_SPACE || letter.is_control() { ' ' } else { letter })
        .collect()
}
