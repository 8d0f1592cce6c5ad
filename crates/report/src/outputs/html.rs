//! `report.html`: a document as one file that loads nothing and needs no script.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::{
    document::{
        Block, CONTENTS_ANCHOR, Cell, Content, Definition, Document, Fold, FoldState, Group, ListKind, Role,
        Span, Style, Table, Text, Tone, note_letter,
    },
    style,
};

const STYLE: &str = include_str!("page.css");

/// Colours that no figure uses. The light ones come before the dark ones, as in [`style::variables`].
const PAGE_COLOURS: &str = ":root{--good:#0A6B3D;--bad:#B3261E;--warning:#8A5A00;--shadow:#00000038}\n@media screen and (prefers-color-scheme:dark){:root{--good:#6FD6A2;--bad:#FF8A80;--warning:#F2B632;--shadow:#FFFFFF40}}\n";

/// The whole page.
pub(crate) fn page(document: &Document<'_>) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width,initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (document.title) }
                style { (PreEscaped(style::variables())) (PreEscaped(PAGE_COLOURS)) (PreEscaped(STYLE)) }
            }
            body {
                header { (blocks(&document.header)) }
                main { (blocks(&document.main)) }
            }
        }
    }
    .into_string()
    // A server's stderr output may contain control characters, which HTML does not allow.
    .replace(|letter: char| letter.is_control() && letter != '\n', " ")
}

fn blocks(blocks: &[Block<'_>]) -> Markup {
    html! { @for block in blocks.iter().filter(|block| block.place.is_on_page()) { (block_markup(block)) } }
}

fn block_markup(block: &Block<'_>) -> Markup {
    match &block.content {
        Content::Heading { level, text, anchor } => heading(*level, text, anchor.as_deref()),
        Content::Paragraph(role, text) => html! { p class=[role_class(*role)] { (inline(text)) } },
        Content::List(kind, items) => list(*kind, items),
        Content::Definitions(definitions) => definition_list(definitions),
        Content::Table(table) => table_markup(table),
        Content::Figure { figure, title, caption } => html! {
            figure id=(figure.slug) {
                @if let Some(title) = title { h4 { (title) } }
                (PreEscaped(figure.inline_svg()))
                figcaption { (inline(caption)) }
            }
        },
        Content::Fold(fold) => fold_markup(fold),
        Content::Code(lines) => html! { pre { code { (lines.join("\n")) } } },
        Content::Group(group, members) => group_markup(*group, &blocks(members)),
    }
}

fn heading(level: u8, text: &str, anchor: Option<&str>) -> Markup {
    match (level, anchor) {
        (1, _) => html! { h1 { (text) } },
        (2, Some(anchor)) => html! { h2 id=(anchor) { a href=(format!("#{anchor}")) { (text) } } },
        (2, None) => html! { h2 { (text) } },
        (3, _) => html! { h3 { (text) } },
        (_deeper, _) => html! { h4 { (text) } },
    }
}

const fn role_class(role: Role) -> Option<&'static str> {
    match role {
        Role::Plain => None,
        Role::Quiet => Some("quiet"),
        Role::Facts => Some("wide"),
        Role::QuietFacts => Some("wide quiet"),
        Role::Answer => Some("finding"),
        Role::HowToRead => Some("quiet how"),
        Role::Back => Some("back"),
    }
}

const fn tone_class(tone: Tone) -> Option<&'static str> {
    match tone {
        Tone::Plain => None,
        Tone::Good => Some("passed"),
        Tone::Doubt => Some("inconclusive"),
        Tone::Bad => Some("failed"),
        Tone::Absent => Some("warning"),
    }
}

fn group_markup(group: Group, members: &Markup) -> Markup {
    match group {
        Group::Answers { beside } => html! {
            section #answer class=(if beside { "first beside" } else { "first" }) aria-label="answers" { (members) }
        },
        Group::Contents => html! { nav id=(CONTENTS_ANCHOR) aria-label="contents" { (members) } },
        Group::Section => html! { section { (members) } },
        Group::Pair => html! { div.pair { (members) } },
        Group::Part => html! { div { (members) } },
        Group::Figures => html! { div.figures { (members) } },
        Group::Alert => html! { div.box.bad { (members) } },
    }
}

fn list(kind: ListKind, items: &[Text]) -> Markup {
    match kind {
        ListKind::Items => html! { ul { @for item in items { li { (inline(item)) } } } },
        ListKind::Answers => html! { ul.answer { @for item in items { li { (inline(item)) } } } },
        ListKind::Notes => html! { ol.quiet type="a" {
            @for (index, item) in items.iter().enumerate() {
                li id=(format!("note-{}", note_letter(index))) { (inline(item)) }
            }
        } },
    }
}

fn definition_list(definitions: &[Definition]) -> Markup {
    html! { dl.columns { @for definition in definitions { div {
        dt id=[definition.anchor.as_deref()] { (definition.term) }
        dd { (inline(&definition.meaning)) }
    } } } }
}

fn fold_markup(fold: &Fold<'_>) -> Markup {
    let (class, is_open) = match fold.state {
        FoldState::Plain => (None, false),
        FoldState::InOrder => (Some("box"), false),
        FoldState::Broken => (Some("box bad"), true),
    };
    html! {
        details id=[fold.anchor.as_deref()] class=[class] open[is_open] {
            summary {
                @if let Some(heading) = &fold.heading {
                    h3 { (heading) }
                    @if !fold.summary.is_empty() { ", " }
                }
                (fold.summary)
            }
            (blocks(&fold.blocks))
        }
    }
}

fn table_markup(table: &Table) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(table.name) { table.matrix[table.is_all_words()] {
            @if table.has_heads() { thead { tr { @for column in &table.columns {
                th scope="col" class=[column.is_words.then_some("words")] { (inline(&column.head)) }
            } } } }
            @for group in &table.groups { tbody {
                @if let Some(title) = &group.title {
                    tr.group { th colspan=(table.columns.len()) scope="rowgroup" { span.stay { (inline(title)) } } }
                }
                @for cells in &group.rows { (row(table, cells)) }
            } }
        } }
    }
}

fn row(table: &Table, cells: &[Cell]) -> Markup {
    let mut column = 0;
    let cells = cells.iter().map(|cell| {
        let is_words = cell.columns > 1 || table.columns.get(column).is_some_and(|column| column.is_words);
        column += cell.columns;
        cell_markup(cell, is_words)
    });
    html! { tr { @for cell in cells { (cell) } } }
}

fn cell_markup(cell: &Cell, is_words: bool) -> Markup {
    let classes: Vec<&str> = is_words.then_some("words").into_iter().chain(tone_class(cell.tone)).collect();
    let class = (!classes.is_empty()).then(|| classes.join(" "));
    let columns = (cell.columns > 1).then_some(cell.columns);
    let hint = cell.hint.as_deref();
    html! {
        @if cell.is_name {
            th scope="row" class=[class] title=[hint] { (inline(&cell.text)) }
        } @else {
            td class=[class] colspan=[columns] title=[hint] {
                (inline(&cell.text))
                @for small in &cell.small { span.model { (small) } }
            }
        }
    }
}

fn inline(text: &Text) -> Markup {
    html! { @for span in &text.0 { (span_markup(span)) } }
}

fn span_markup(Span { text, style }: &Span) -> Markup {
    match style {
        Style::Plain => html! { (text) },
        Style::Strong => html! { strong { (text) } },
        Style::Quiet => html! { span.quiet { (text) } },
        Style::Small => html! { small { (text) } },
        Style::Code => html! { code { (text) } },
        Style::Link(anchor) => html! { a href=(format!("#{anchor}")) { (text) } },
        Style::Address(address) => html! { a href=(address) { (text) } },
        Style::Note => html! { a.note href=(format!("#note-{text}")) { (text) } },
        Style::Mark(pattern) => html! {
            span.mark aria-hidden="true" style=(format!("color:var(--{})", pattern.slug())) { (text) }
        },
        // The shape is decoration; the word after it has the same meaning.
        Style::Judged(shape) => html! { strong { span aria-hidden="true" { (shape) } " " (text) } },
        Style::Verdict(tone) => html! {
            span class=(format!("verdict {}", tone_class(*tone).unwrap_or_default())) { (text) }
        },
        Style::Break => html! { br; },
    }
}
