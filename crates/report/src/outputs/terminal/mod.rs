//! A document in the terminal: it fits its width, and no value is wrapped.

pub(crate) mod layout;

use anstyle::Style as Colour;
use layout::{Drawn, plain, tone_colour, width, words};

use crate::document::{Block, Content, Document, Span, Style, Table, Text, Tone};

/// Names are not wrapped to less than this.
const NAME_WIDTH: usize = 12;

/// How a terminal shows a document.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terminal {
    /// The length of its lines.
    pub(crate) width: usize,
    pub(crate) has_colours: bool,
}

impl Terminal {
    /// The blocks of a document that a terminal shows.
    pub(crate) fn document(self, document: &Document<'_>) -> String {
        let mut text = String::new();
        self.blocks(&document.main, &mut text);
        format!("{}\n", text.trim_end())
    }

    fn blocks(self, blocks: &[Block<'_>], text: &mut String) {
        let mut is_below_heading = false;
        for block in blocks.iter().filter(|block| block.place.is_in_terminal()) {
            match &block.content {
                Content::Heading { text: heading, .. } => {
                    begin_paragraph(text);
                    self.lines(&self.painted(&plain(heading), Colour::new().bold()), text);
                }
                Content::Paragraph(_, paragraph) => self.lines(&self.inline(paragraph), text),
                Content::Table(table) => {
                    if !is_below_heading {
                        begin_paragraph(text);
                    }
                    text.push_str(&self.table(table));
                    begin_paragraph(text);
                }
                Content::Group(_, members) => {
                    self.blocks(members, text);
                    begin_paragraph(text);
                }
                Content::List(..)
                | Content::Definitions(_)
                | Content::Figure { .. }
                | Content::Fold(_)
                | Content::Code(_) => {}
            }
            is_below_heading = matches!(block.content, Content::Heading { .. });
        }
    }

    fn lines(self, paragraph: &str, text: &mut String) {
        text.push_str(&textwrap::fill(paragraph, self.width));
        text.push('\n');
    }

    /// A table whose columns are left out until it fits; then its names are wrapped.
    pub(crate) fn table(self, table: &Table) -> String {
        let mut columns: Vec<Drawn> =
            table.columns.iter().enumerate().map(|(index, column)| Drawn::of(table, index, column)).collect();
        // One space before each column but the first.
        let needed =
            |columns: &[Drawn]| columns.iter().map(|column| column.width() + 1).sum::<usize>().max(1) - 1;
        loop {
            let rank = columns.iter().map(|column| column.rank).max().unwrap_or(0);
            if needed(&columns) <= self.width || rank == 0 {
                break;
            }
            columns.retain(|column| column.rank != rank);
        }
        let beyond = needed(&columns).saturating_sub(self.width);
        if let Some(names) = columns.first_mut().filter(|_| beyond > 0) {
            names.wrap(names.width().saturating_sub(beyond).max(NAME_WIDTH));
        }
        // Two where there is room.
        let more = columns.len().saturating_sub(1);
        let is_wide = needed(&columns) + more <= self.width;
        let (space, length) = if is_wide { ("  ", needed(&columns) + more) } else { (" ", needed(&columns)) };
        let heads = columns.iter().map(|column| (column, column.head.as_slice(), Colour::new()));
        let mut text = self.row(&heads.collect::<Vec<_>>(), space);
        text.push_str(&"─".repeat(length));
        text.push('\n');
        for index in 0..table.rows().count() {
            let cells = columns.iter().map(|column| {
                let cell = &column.cells[index];
                (column, cell.lines.as_slice(), cell.colour)
            });
            text.push_str(&self.row(&cells.collect::<Vec<_>>(), space));
        }
        text
    }

    /// The lines of a row, with this space between its columns.
    fn row(self, cells: &[(&Drawn, &[String], Colour)], between: &str) -> String {
        let height = cells.iter().map(|(_, lines, _)| lines.len()).max().unwrap_or(0);
        let line = |index: usize| {
            let parts = cells.iter().map(|(column, lines, colour)| {
                let part = lines.get(index).map_or("", String::as_str);
                let space = " ".repeat(column.width() - width(part));
                let part = self.painted(part, *colour);
                if column.is_left { part + &space } else { space + &part }
            });
            format!("{}\n", parts.collect::<Vec<_>>().join(between).trim_end())
        };
        (0..height).map(line).collect()
    }

    fn inline(self, text: &Text) -> String {
        let part = |span: &Span| {
            let colour = match &span.style {
                Style::Strong => Colour::new().bold(),
                Style::Verdict(tone) => tone_colour(*tone).bold(),
                Style::Judged(shape) => tone_colour(judged_tone(*shape)),
                Style::Plain
                | Style::Quiet
                | Style::Small
                | Style::Code
                | Style::Link(_)
                | Style::Address(_)
                | Style::Note
                | Style::Mark(_)
                | Style::Break => Colour::new(),
            };
            self.painted(&words(span), colour)
        };
        text.0.iter().map(part).collect()
    }

    fn painted(self, text: &str, colour: Colour) -> String {
        if self.has_colours && !text.is_empty() {
            format!("{colour}{text}{colour:#}")
        } else {
            text.to_owned()
        }
    }
}

fn begin_paragraph(text: &mut String) {
    if !text.is_empty() && !text.ends_with("\n\n") {
        text.push('\n');
    }
}

const fn judged_tone(shape: char) -> Tone {
    match shape {
        '✓' => Tone::Good,
        '✗' => Tone::Bad,
        _other => Tone::Doubt,
    }
}
