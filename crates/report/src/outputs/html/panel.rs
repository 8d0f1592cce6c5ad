//! Tables with words in their cells, in the page.

use maud::{Markup, html};

use crate::{
    style::symbol,
    tables::{
        glossary,
        panel::{Cell, Kind, Panel, Place, Row, Tone},
    },
};

/// A table with its heading and explanation.
pub(crate) fn panel(panel: &Panel) -> Markup {
    html! {
        @match panel.place {
            Place::Everywhere | Place::Page => { h3 { (panel.heading) } (table(panel)) },
            Place::Folded => { details { summary { (panel.heading) } (table(panel)) } },
        }
    }
}

/// The same without a heading, for a place that has one.
pub(crate) fn table(panel: &Panel) -> Markup {
    html! { (explanation(panel)) (rows(panel)) }
}

/// How to read a table, with its terms linked.
pub(super) fn explanation(panel: &Panel) -> Markup {
    html! {
        p.quiet { @for (part, anchor) in glossary::cut(&panel.explained) {
            @match anchor {
                Some(anchor) => { a href=(format!("#g-{anchor}")) { (part) } },
                None => { (part) },
            }
        } }
    }
}

/// A table's heads and rows.
pub(super) fn rows(panel: &Panel) -> Markup {
    let words = panel.kind == Kind::Words;
    html! {
        div.scroll tabindex="0" role="region" aria-label=(panel.heading) { table.matrix[words] {
            thead { tr {
                @for head in &panel.heads {
                    th scope="col" class=[words.then_some("words")] { (linked(head)) }
                }
            } }
            tbody { @for row in &panel.rows { (self::row(row, words)) } }
        } }
    }
}

/// A head that is a term of the glossary links to it.
fn linked(head: &str) -> Markup {
    html! {
        @match glossary::anchor(head) {
            Some(anchor) => { a href=(format!("#g-{anchor}")) { (head) } },
            None => { (head) },
        }
    }
}

fn row(row: &Row, words: bool) -> Markup {
    html! { tr {
        th scope="row" class=[words.then_some("words")] {
            @if let Some(pattern) = row.pattern {
                span.mark aria-hidden="true" style=(format!("color:var(--{})", pattern.slug())) {
                    (symbol(pattern, &contract::ServerName::default()))
                }
            }
            (row.head)
        }
        @for cell in &row.cells { (self::cell(cell, words)) }
    } }
}

fn cell(cell: &Cell, words: bool) -> Markup {
    let tone = match cell.tone {
        Tone::Plain => "",
        Tone::Good => "passed",
        Tone::Doubt => "inconclusive",
        Tone::Bad => "failed",
        Tone::Absent => "warning",
    };
    html! {
        td class=[words.then_some("words")] {
            @if tone.is_empty() { (cell.text) } @else { span class=(tone) { (marked(cell)) } }
            @for small in &cell.small { span.model { (small) } }
        }
    }
}

/// The shape is decoration; the word after it has the same meaning.
fn marked(cell: &Cell) -> Markup {
    let shape = cell.text.split_once(' ').filter(|(shape, _)| matches!(*shape, "✓" | "!" | "✗"));
    html! {
        @match shape {
            Some((shape, word)) => { strong { span aria-hidden="true" { (shape) } " " (word) } },
            None => { (cell.text) },
        }
    }
}
