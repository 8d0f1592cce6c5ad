//! Tables.

use super::text::{Text, Tone};

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) head: Text,
    /// Whether its cells are words, not values.
    pub(crate) is_words: bool,
    /// In a narrow terminal the columns with the largest rank are left out first; those with rank 0 never are.
    pub(crate) rank: usize,
}

impl Column {
    pub(crate) fn values(head: impl Into<Text>) -> Self {
        Self { head: head.into(), is_words: false, rank: 0 }
    }

    pub(crate) fn words(head: impl Into<Text>) -> Self {
        Self { is_words: true, ..Self::values(head) }
    }

    pub(crate) fn ranked(self, rank: usize) -> Self {
        Self { rank, ..self }
    }
}

/// A cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) text: Text,
    /// Smaller texts below it.
    pub(crate) small: Vec<String>,
    pub(crate) tone: Tone,
    /// Whether it names its row.
    pub(crate) is_name: bool,
    /// How many columns it covers.
    pub(crate) columns: usize,
    /// More about it, for a pointer that rests on it.
    pub(crate) hint: Option<String>,
}

impl Cell {
    pub(crate) fn value(text: impl Into<Text>) -> Self {
        Self {
            text: text.into(),
            small: Vec::new(),
            tone: Tone::Plain,
            is_name: false,
            columns: 1,
            hint: None,
        }
    }

    pub(crate) fn name(text: impl Into<Text>) -> Self {
        Self { is_name: true, ..Self::value(text) }
    }

    /// Words instead of the values of several columns.
    pub(crate) fn across(columns: usize, words: impl Into<Text>) -> Self {
        Self { columns, tone: Tone::Absent, ..Self::value(words) }
    }

    pub(crate) fn toned(self, tone: Tone) -> Self {
        Self { tone, ..self }
    }
}

/// Rows that belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RowGroup {
    /// Stands above them.
    pub(crate) title: Option<Text>,
    pub(crate) rows: Vec<Vec<Cell>>,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Table {
    /// Its name, read aloud before it.
    pub(crate) name: String,
    /// In a table of names and values no column has a head.
    pub(crate) columns: Vec<Column>,
    pub(crate) groups: Vec<RowGroup>,
}

impl Table {
    /// A table whose rows are one group.
    pub(crate) fn new(name: impl Into<String>, columns: Vec<Column>, rows: Vec<Vec<Cell>>) -> Self {
        Self { name: name.into(), columns, groups: vec![RowGroup { title: None, rows }] }
    }

    /// Whether all of its columns are words.
    pub(crate) fn is_all_words(&self) -> bool {
        self.columns.iter().all(|column| column.is_words)
    }

    /// Whether any column has a head.
    pub(crate) fn has_heads(&self) -> bool {
        self.columns.iter().any(|column| !column.head.is_empty())
    }

    pub(crate) fn rows(&self) -> impl Iterator<Item = &Vec<Cell>> {
        self.groups.iter().flat_map(|group| &group.rows)
    }
}
