//! The columns of a table in the terminal, and their words.

use anstyle::{AnsiColor, Style as Colour};

use crate::{
    document::{Cell, Column, Span, Style, Table, Text, Tone},
    text::number::THIN_SPACE,
};

/// A head is wrapped to this width, unless its column's cells are wider.
const HEAD_WIDTH: usize = 9;
/// A table's column as it is drawn.
pub(super) struct Drawn {
    pub(super) head: Vec<String>,
    pub(super) cells: Vec<DrawnCell>,
    pub(super) is_left: bool,
    pub(super) rank: usize,
}

/// The lines of a cell and their colour.
pub(super) struct DrawnCell {
    pub(super) lines: Vec<String>,
    pub(super) colour: Colour,
}

impl Drawn {
    pub(super) fn of(table: &Table, index: usize, column: &Column) -> Self {
        let is_left = index == 0 || column.is_words;
        let cell = |cell: &Cell| {
            let colour = tone_colour(cell.tone);
            let colour = if cell.is_name { colour.bold() } else { colour };
            DrawnCell { lines: vec![joined(&cell.text)], colour }
        };
        // A row of words has fewer cells.
        let empty = || DrawnCell { lines: Vec::new(), colour: Colour::new() };
        let cells: Vec<DrawnCell> =
            table.rows().map(|cells| cells.get(index).map_or_else(empty, cell)).collect();
        let mut drawn = Self { head: Vec::new(), cells, is_left, rank: column.rank };
        let room = drawn.width().max(HEAD_WIDTH);
        let head = joined(&column.head);
        drawn.head = head.split('\n').flat_map(|line| wrapped(line, room)).collect();
        drawn
    }

    pub(super) fn width(&self) -> usize {
        let lines = self.cells.iter().flat_map(|cell| &cell.lines).chain(&self.head);
        lines.map(|line| width(line)).max().unwrap_or(0)
    }

    pub(super) fn wrap(&mut self, room: usize) {
        for cell in &mut self.cells {
            cell.lines = wrapped(&cell.lines.join(" "), room);
        }
        self.head = wrapped(&self.head.join(" "), room);
    }
}

fn wrapped(text: &str, room: usize) -> Vec<String> {
    textwrap::wrap(text, room).into_iter().map(|line| line.into_owned()).collect()
}

pub(super) fn width(text: &str) -> usize {
    text.chars().count()
}

/// A text without its styles.
fn joined(text: &Text) -> String {
    text.0.iter().map(words).collect()
}

/// A part as words; the marks of patterns are for pages.
pub(super) fn words(span: &Span) -> String {
    let text = plain(&span.text);
    match &span.style {
        Style::Judged(shape) => format!("{shape} {text}"),
        Style::Mark(_) => String::new(),
        Style::Break => "\n".to_owned(),
        Style::Plain
        | Style::Strong
        | Style::Quiet
        | Style::Small
        | Style::Code
        | Style::Link(_)
        | Style::Address(_)
        | Style::Note
        | Style::Verdict(_) => text,
    }
}

/// Replaces thin spaces, which a terminal lacks, and control characters, which could move its cursor.
pub(crate) fn plain(text: &str) -> String {
    text.chars()
        .map(|letter| if letter == THIN_SPACE || letter.is_control() { ' ' } else { letter })
        .collect()
}

pub(super) const fn tone_colour(tone: Tone) -> Colour {
    match tone {
        Tone::Plain => Colour::new(),
        Tone::Good => AnsiColor::Green.on_default(),
        Tone::Doubt => AnsiColor::Yellow.on_default(),
        Tone::Bad => AnsiColor::Red.on_default(),
        Tone::Absent => Colour::new().dimmed(),
    }
}
