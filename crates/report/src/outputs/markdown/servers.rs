//! Servers side by side, in Markdown.

use super::text::Page;
use crate::{
    findings::ScenarioFinding,
    judgement::floor::{floor_explained, has_floor},
    style,
    tables::servers::{SERVERS_EXPLAINED, server_table},
};

/// Every server and pattern; nothing where only the lab's own servers were measured.
pub(crate) fn table(page: &mut Page, finding: &ScenarioFinding) {
    let Some(table) = server_table(finding) else { return };
    page.paragraph("### Server by server");
    page.paragraph(SERVERS_EXPLAINED);
    let mut heads = vec!["pattern and server"];
    heads.extend(&table.heads);
    page.table(
        &heads,
        table.rows.iter().map(|row| {
            let point = row.point;
            let mut cells =
                vec![format!("{} {}", style::symbol(point.pattern, &point.server), point.label())];
            match &row.cells {
                Ok(values) => cells.extend(values.iter().cloned()),
                Err(reason) => {
                    cells.push(reason.clone());
                    cells.extend(std::iter::repeat_n("—".to_owned(), table.heads.len().saturating_sub(1)));
                }
            }
            cells
        }),
    );
}

/// The explanation of “× floor”, where a table uses it.
pub(crate) fn floor_note(page: &mut Page, finding: &ScenarioFinding) {
    if has_floor(finding) {
        page.paragraph(&floor_explained(finding));
    }
}
