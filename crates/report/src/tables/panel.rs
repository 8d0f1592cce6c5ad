//! A table with words in its cells, shown alike in HTML, Markdown and the terminal.

use contract::Pattern;

use crate::findings::Point;

/// The judgement of a cell; its text always says it too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    Plain,
    Good,
    Doubt,
    Bad,
    /// Nothing was measured.
    Absent,
}

/// A cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cell {
    /// Its main text.
    pub(crate) text: String,
    /// Smaller texts below.
    pub(crate) small: Vec<String>,
    pub(crate) tone: Tone,
}

impl Cell {
    pub(crate) fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), small: Vec::new(), tone: Tone::Plain }
    }

    /// A cell without a measured value.
    pub(crate) fn absent(text: impl Into<String>) -> Self {
        Self { text: text.into(), small: Vec::new(), tone: Tone::Absent }
    }

    /// Everything in one line.
    pub(crate) fn line(&self) -> String {
        let start = std::iter::once(self.text.as_str());
        start.chain(self.small.iter().map(String::as_str)).collect::<Vec<_>>().join("; ")
    }
}

/// A row with its head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    /// Its pattern, for the mark.
    pub(crate) pattern: Option<Pattern>,
    pub(crate) head: String,
    pub(crate) cells: Vec<Cell>,
}

impl Row {
    pub(crate) fn of(point: &Point, cells: Vec<Cell>) -> Self {
        Self { pattern: Some(point.pattern), head: point.label(), cells }
    }
}

/// The contents of the cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Numbers,
    Words,
}

/// Where a table is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the page, in Markdown and in the terminal.
    Everywhere,
    /// Not in the terminal.
    Page,
    /// Not in the terminal, and folded in the page: the numbers behind a figure.
    Folded,
}

/// A table with its heading and explanation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Panel {
    pub(crate) heading: String,
    /// The explanation above it.
    pub(crate) explained: String,
    /// Heads of the columns; the first one is that of the rows' heads.
    pub(crate) heads: Vec<String>,
    pub(crate) rows: Vec<Row>,
    pub(crate) kind: Kind,
    /// Where it is shown.
    pub(crate) place: Place,
}

/// Heads from words.
pub(crate) fn heads<const N: usize>(words: [&str; N]) -> Vec<String> {
    words.map(str::to_owned).to_vec()
}
