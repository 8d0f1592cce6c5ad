//! A table with words in its cells, with its heading and explanation.

use contract::{Pattern, ServerName};

use super::glossary;
pub(crate) use crate::document::{Place, Tone};
use crate::{
    document::{self, Block, Column, ListKind, Role, Style, Table, Text},
    findings::Point,
    style::symbol,
};

/// A pattern's mark and the name of its point.
pub(crate) fn point_name(point: &Point) -> Text {
    let mark = Style::Mark(point.pattern);
    Text::default().and(mark, symbol(point.pattern, &point.server)).plain(point.label())
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

/// A table with its heading and explanation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Panel {
    pub(crate) heading: String,
    /// The explanation: the first line stands above the table, further lines below it.
    pub(crate) explained: String,
    /// Heads of the columns; the first one is that of the rows' heads.
    pub(crate) heads: Vec<String>,
    pub(crate) rows: Vec<Row>,
    pub(crate) kind: Kind,
    /// Where it is shown.
    pub(crate) place: Place,
}

/// A text with its terms linked.
fn linked(text: &str) -> Text {
    glossary::cut(text).into_iter().fold(Text::default(), |text, (part, anchor)| match anchor {
        Some(anchor) => text.link(format!("g-{anchor}"), part),
        None => text.plain(part),
    })
}

/// Heads from words.
pub(crate) fn heads<const N: usize>(words: [&str; N]) -> Vec<String> {
    words.map(str::to_owned).to_vec()
}

impl Panel {
    /// Heading, explanation and table.
    pub(crate) fn blocks<'a>(&self) -> Vec<Block<'a>> {
        let place = self.place;
        let mut explanation = Block::with_role(Role::Quiet, self.explanation());
        match place {
            Place::Folded => {
                let mut blocks = vec![explanation, Block::table(self.table())];
                blocks.extend(self.further());
                vec![Block::fold(&self.heading, blocks).at(place)]
            }
            Place::Everywhere | Place::Page | Place::Terminal => {
                let mut blocks = vec![Block::heading(3, &self.heading).at(place)];
                // A terminal shows numbers alone, and words with what they mean.
                explanation.place = if self.kind == Kind::Words { place } else { Place::Page };
                blocks.push(explanation);
                blocks.push(Block::table(self.table()).at(place));
                blocks.extend(self.further().map(|further| further.at(Place::Page)));
                blocks
            }
        }
    }

    /// How to read it, with its terms linked.
    pub(crate) fn explanation(&self) -> Text {
        linked(self.explained.lines().next().unwrap_or_default())
    }

    /// The further lines of the explanation, if there are any.
    pub(crate) fn further<'a>(&self) -> Option<Block<'a>> {
        let lines: Vec<Text> = self.explained.lines().skip(1).map(linked).collect();
        (!lines.is_empty()).then(|| Block::list(ListKind::Items, lines))
    }

    /// The table alone. In a narrow terminal its last columns are left out first; a table of words keeps all.
    pub(crate) fn table(&self) -> Table {
        let column = |(index, head): (usize, &String)| {
            let head = match glossary::anchor(head) {
                Some(anchor) => Text::default().link(format!("g-{anchor}"), head),
                None => Text::from(head.as_str()),
            };
            match self.kind {
                Kind::Words => Column::words(head),
                Kind::Numbers => Column::values(head).ranked(index.saturating_sub(1)),
            }
        };
        let row = |row: &Row| {
            let mark = |pattern| (Style::Mark(pattern), symbol(pattern, &ServerName::default()));
            let name = match row.pattern.map(mark) {
                Some((style, symbol)) => Text::default().and(style, symbol),
                None => Text::default(),
            };
            let name = document::Cell::name(name.plain(&row.head));
            std::iter::once(name).chain(row.cells.iter().map(Cell::in_table)).collect()
        };
        Table::new(
            &self.heading,
            self.heads.iter().enumerate().map(column).collect(),
            self.rows.iter().map(row).collect(),
        )
    }
}

impl Cell {
    /// The shape before a judgement's word is no part of the word.
    fn in_table(&self) -> document::Cell {
        let shape = match self.tone {
            Tone::Good => Some('✓'),
            Tone::Doubt => Some('!'),
            Tone::Bad => Some('✗'),
            Tone::Plain | Tone::Absent => None,
        };
        let judged = shape.and_then(|shape| Some((shape, self.text.strip_prefix(shape)?)));
        let text = match judged {
            Some((shape, word)) => Text::default().and(Style::Judged(shape), word.trim_start()),
            None => Text::from(self.text.as_str()),
        };
        document::Cell { small: self.small.clone(), ..document::Cell::value(text).toned(self.tone) }
    }
}
