//! Servers side by side in the page, and what the floor is.

use maud::{Markup, html};

use super::marks::point_name;
use crate::{
    findings::ScenarioFinding,
    judgement::floor::{floor_explained, has_floor},
    tables::servers::{SERVERS_EXPLAINED, server_table},
};

/// Every server and pattern; nothing where only the lab's own servers were measured.
pub(crate) fn table(finding: &ScenarioFinding) -> Markup {
    let table = server_table(finding);
    html! {
        @if let Some(table) = table {
            h3 { "Server by server" }
            p.quiet { (SERVERS_EXPLAINED) }
            div.scroll tabindex="0" role="region" aria-label="servers" { table {
                thead { tr {
                    th scope="col" { "pattern and server" }
                    @for head in &table.heads { th scope="col" { (head) } }
                } }
                tbody { @for row in &table.rows { tr {
                    th scope="row" { (point_name(row.point)) }
                    @match &row.cells {
                        Ok(cells) => { @for cell in cells { td { (cell) } } },
                        Err(reason) => { td.words.warning colspan=(table.heads.len()) { (reason) } },
                    }
                } } }
            } }
        }
    }
}

/// The explanation of “× floor”, where a table uses it.
pub(crate) fn floor_note(finding: &ScenarioFinding) -> Markup {
    html! {
        @if has_floor(finding) { p.quiet { (floor_explained(finding)) } }
    }
}
