//! `report.md`: a document for a code host, with the figures linked. Every text is escaped here, once.

use std::fmt::Write as _;

use crate::document::{
    Block, CONTENTS_ANCHOR, Cell, Content, Definition, Document, Fold, FoldState, Group, ListKind, Span,
    Style, Table, Text, Tone, note_letter,
};

/// The whole page.
pub(crate) fn page(document: &Document<'_>) -> String {
    let mut page = Page::default();
    page.blocks(&document.header);
    page.blocks(&document.main);
    page.text
}

/// Paragraphs with one blank line between.
#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    fn blocks(&mut self, blocks: &[Block<'_>]) {
        for block in blocks.iter().filter(|block| block.place.is_on_page()) {
            self.block(block);
        }
    }

    fn block(&mut self, block: &Block<'_>) {
        match &block.content {
            Content::Heading { level, text, anchor } => {
                let target = anchor.as_deref().map_or_else(String::new, target);
                self.paragraph(&format!("{} {target}{}", "#".repeat(usize::from(*level)), escaped(text)));
            }
            Content::Paragraph(_, text) => self.paragraph(&inline(text)),
            Content::List(kind, items) => self.list(*kind, items),
            Content::Definitions(definitions) => self.definitions(definitions),
            Content::Table(table) => self.table(table),
            Content::Figure { figure, title, caption } => {
                if let Some(title) = title {
                    self.paragraph(&format!("#### {}", escaped(title)));
                }
                let (target, path) = (target(&figure.slug), figure.path());
                self.paragraph(&format!("{target}![{}]({path})", escaped(&figure.description)));
                self.paragraph(&inline(caption));
            }
            Content::Fold(fold) => self.fold(fold),
            Content::Code(lines) => self.paragraph(&code_block(lines)),
            Content::Group(group, blocks) => {
                if *group == Group::Contents {
                    self.paragraph(&target(CONTENTS_ANCHOR));
                }
                self.blocks(blocks);
            }
        }
    }

    fn paragraph(&mut self, text: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text.push_str(text.trim_end());
        self.text.push('\n');
    }

    fn items(&mut self, items: impl Iterator<Item = String>) {
        let text: String = items.map(|item| format!("- {item}\n")).collect();
        if !text.is_empty() {
            self.paragraph(&text);
        }
    }

    fn list(&mut self, kind: ListKind, items: &[Text]) {
        self.items(items.iter().enumerate().map(|(index, item)| match kind {
            ListKind::Items | ListKind::Answers => inline(item),
            ListKind::Notes => {
                let letter = note_letter(index);
                format!("{}{letter}: {}", target(&format!("note-{letter}")), inline(item))
            }
        }));
    }

    fn definitions(&mut self, definitions: &[Definition]) {
        self.items(definitions.iter().map(|Definition { anchor, term, meaning }| {
            let target = anchor.as_deref().map_or_else(String::new, target);
            format!("{target}**{}**: {}", escaped(term), inline(meaning))
        }));
    }

    /// The first line of a fold is HTML, not Markdown; its heading is above it.
    fn fold(&mut self, fold: &Fold<'_>) {
        if let Some(heading) = &fold.heading {
            self.paragraph(&format!("### {}", escaped(heading)));
        }
        let open = match fold.state {
            FoldState::Plain | FoldState::InOrder => "",
            FoldState::Broken => " open",
        };
        let target = fold.anchor.as_deref().map_or_else(String::new, target);
        let summary = if fold.summary.is_empty() { "Details" } else { &fold.summary };
        self.paragraph(&format!("<details{open}><summary>{target}{}</summary>", as_html(summary)));
        self.blocks(&fold.blocks);
        self.paragraph("</details>");
    }

    /// The words are at the left and the values at the right; a cell across several columns leaves them empty.
    fn table(&mut self, table: &Table) {
        let heads: Vec<String> = table.columns.iter().map(|column| inline(&column.head)).collect();
        let mut text = format!("| {} |\n|", heads.join(" | "));
        for (index, column) in table.columns.iter().enumerate() {
            text.push_str(if index == 0 || column.is_words { " :-- |" } else { " --: |" });
        }
        text.push('\n');
        let mut row = |cells: Vec<String>| {
            let _ = writeln!(text, "| {} |", cells.join(" | "));
        };
        let width = table.columns.len();
        for group in &table.groups {
            if let Some(title) = &group.title {
                row(across(inline(title), width));
            }
            for cells in &group.rows {
                row(cells.iter().flat_map(|cell| across(cell_text(cell), cell.columns)).collect());
            }
        }
        self.paragraph(&text);
    }
}

/// A cell and the empty ones that it covers.
fn across(text: String, columns: usize) -> Vec<String> {
    let mut cells = vec![text];
    cells.resize(columns, String::new());
    cells
}

/// Without colour, what is bad is bold.
fn cell_text(cell: &Cell) -> String {
    let text = inline(&cell.text);
    let text = if cell.tone == Tone::Bad && !text.contains("**") { format!("**{text}**") } else { text };
    std::iter::once(text).chain(cell.small.iter().map(|small| escaped(small))).collect::<Vec<_>>().join("; ")
}

fn inline(text: &Text) -> String {
    text.0.iter().map(span_text).collect()
}

fn span_text(Span { text, style }: &Span) -> String {
    match style {
        Style::Plain | Style::Quiet | Style::Small => escaped(text),
        Style::Strong | Style::Verdict(_) => format!("**{}**", escaped(text)),
        Style::Judged(shape) => format!("**{shape} {}**", escaped(text)),
        Style::Code if text.chars().any(|letter| letter.is_control() || "`<|".contains(letter)) => {
            escaped(text)
        }
        Style::Code => format!("`{text}`"),
        Style::Link(anchor) => format!("[{}](#{})", escaped(text), anchor_text(anchor)),
        Style::Address(address) => format!("[{}]({})", escaped(text), address_text(address)),
        Style::Note => format!("[{}](#note-{})", escaped(text), anchor_text(text)),
        Style::Mark(_) => format!("{text} "),
        Style::Break => " ".to_owned(),
    }
}

/// Where a link leads to.
fn target(anchor: &str) -> String {
    format!("<a id=\"{}\"></a>", anchor_text(anchor))
}

fn anchor_text(anchor: &str) -> String {
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
    anchor.chars().map(|letter| if allowed(letter) { letter } else { '-' }).collect()
}

/// An address that cannot leave its brackets.
fn address_text(address: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_graphic() && !"()<>\\|`".contains(letter);
    let encoded = |letter: char| letter.to_string().bytes().map(|byte| format!("%{byte:02X}")).collect();
    address
        .chars()
        .map(|letter| if is_plain(letter) { letter.to_string() } else { encoded(letter) })
        .collect()
}

/// Text from outside: nothing in it is markup, and it stays in its line.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in as_html(text).chars() {
        if "\\`*_[]|#~".contains(letter) {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}

/// The same within HTML, where a backslash escapes nothing.
fn as_html(text: &str) -> String {
    let text: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A code block that its text cannot leave.
fn code_block(lines: &[String]) -> String {
    lines.iter().fold(String::new(), |mut text, line| {
        let line: String = line.chars().filter(|letter| !letter.is_control()).collect();
        let _ = writeln!(text, "    {line}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_is_markup() {
        assert_eq!(escaped("~~a~~ *b* _c_ `d`"), r"\~\~a\~\~ \*b\* \_c\_ \`d\`");
        assert_eq!(address_text("https://a.b/c_(d)|é#e"), "https://a.b/c_%28d%29%7C%C3%A9#e");
        assert_eq!(escaped("<e>&[f](g)|h\n# i"), r"&lt;e&gt;&amp;\[f\](g)\|h \# i");
    }
}
