//! Tables with words in their cells, in Markdown.

use super::text::{Page, escaped};
use crate::{
    style::symbol,
    tables::panel::{Cell, Kind, Panel, Place},
};

/// A table with its heading and explanation.
pub(crate) fn panel(page: &mut Page, panel: &Panel) {
    let heading = escaped(&panel.heading);
    match panel.place {
        Place::Everywhere | Place::Page => {
            page.paragraph(&format!("### {heading}"));
            table(page, panel);
        }
        Place::Folded => {
            page.paragraph(&format!("<details><summary>{heading}</summary>"));
            table(page, panel);
            page.paragraph("</details>");
        }
    }
}

/// The same without a heading, for a place that has one.
pub(crate) fn table(page: &mut Page, panel: &Panel) {
    page.paragraph(&escaped(&panel.explained));
    let heads: Vec<String> = panel.heads.iter().map(|head| escaped(head)).collect();
    let heads: Vec<&str> = heads.iter().map(String::as_str).collect();
    let rows = panel.rows.iter().map(|row| {
        let mark =
            row.pattern.map(|pattern| format!("{} ", symbol(pattern, &contract::ServerName::default())));
        let head = format!("{}{}", mark.unwrap_or_default(), row.head);
        std::iter::once(head).chain(row.cells.iter().map(Cell::line)).collect()
    });
    match panel.kind {
        Kind::Numbers => page.table(&heads, rows),
        Kind::Words => page.word_table(&heads, rows),
    }
}
