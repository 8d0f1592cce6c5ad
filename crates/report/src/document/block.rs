//! The blocks of a document.

use super::{table::Table, text::Text};
use crate::charts::Figure;

/// A report.
#[derive(Debug, Clone)]
pub(crate) struct Document<'a> {
    /// The title of its window.
    pub(crate) title: String,
    pub(crate) header: Vec<Block<'a>>,
    pub(crate) main: Vec<Block<'a>>,
}

/// Where a block is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// In HTML, in Markdown and in the terminal.
    Everywhere,
    /// Not in the terminal.
    Page,
    /// Not in the terminal, and folded in the page: the numbers behind a figure.
    Folded,
    /// Only in the terminal.
    Terminal,
}

impl Place {
    pub(crate) const fn is_on_page(self) -> bool {
        match self {
            Self::Everywhere | Self::Page | Self::Folded => true,
            Self::Terminal => false,
        }
    }

    pub(crate) const fn is_in_terminal(self) -> bool {
        match self {
            Self::Everywhere | Self::Terminal => true,
            Self::Page | Self::Folded => false,
        }
    }
}

/// A block and where it is shown.
#[derive(Debug, Clone)]
pub(crate) struct Block<'a> {
    pub(crate) place: Place,
    pub(crate) content: Content<'a>,
}

/// The content of a block.
#[derive(Debug, Clone)]
pub(crate) enum Content<'a> {
    Heading {
        /// From 1 for the document's title.
        level: u8,
        text: String,
        anchor: Option<String>,
    },
    Paragraph(Role, Text),
    List(ListKind, Vec<Text>),
    Definitions(Vec<Definition>),
    Table(Table),
    Figure {
        figure: &'a Figure,
        /// None if the same words stand next to it.
        title: Option<String>,
        caption: Text,
    },
    Fold(Fold<'a>),
    /// Lines as they were typed or printed.
    Code(Vec<String>),
    Group(Group, Vec<Block<'a>>),
}

/// The role of a paragraph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Plain,
    /// An explanation that most readers skip.
    Quiet,
    /// One line of facts about the whole run.
    Facts,
    /// The same, less important.
    QuietFacts,
    /// The answer to a question.
    Answer,
    /// A link to an explanation.
    HowToRead,
    /// A link back to the contents.
    Back,
}

/// The kind of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ListKind {
    Items,
    Answers,
    /// Each with the letter that [`note_letter`] gives its place.
    Notes,
}

/// Where the contents stand.
pub(crate) const CONTENTS_ANCHOR: &str = "contents";

/// The letter of the note at this place: `a` to `z`, then `aa`. A number would read as a power.
pub(crate) fn note_letter(index: usize) -> String {
    let last = char::from(b'a' + (index % 26) as u8);
    if index < 26 { last.to_string() } else { format!("{}{last}", note_letter(index / 26 - 1)) }
}

/// A term and its meaning.
#[derive(Debug, Clone)]
pub(crate) struct Definition {
    pub(crate) anchor: Option<String>,
    pub(crate) term: String,
    pub(crate) meaning: Text,
}

/// What a group of blocks is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Group {
    /// The first answers; `beside` if its second block shows why.
    Answers {
        beside: bool,
    },
    Contents,
    Section,
    /// Two columns of equal rank.
    Pair,
    /// One of two columns.
    Part,
    Figures,
    /// What went wrong.
    Alert,
}

/// Whether a fold shows that something is in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FoldState {
    Plain,
    InOrder,
    /// Something is not in order: it is open.
    Broken,
}

/// Blocks that a reader opens.
#[derive(Debug, Clone)]
pub(crate) struct Fold<'a> {
    pub(crate) anchor: Option<String>,
    /// A heading of the third level in its first line.
    pub(crate) heading: Option<String>,
    /// The rest of that line.
    pub(crate) summary: String,
    pub(crate) state: FoldState,
    pub(crate) blocks: Vec<Block<'a>>,
}

impl<'a> Block<'a> {
    const fn on_page(content: Content<'a>) -> Self {
        Self { place: Place::Page, content }
    }

    /// The same, shown elsewhere.
    pub(crate) fn at(self, place: Place) -> Self {
        Self { place, ..self }
    }

    pub(crate) fn heading(level: u8, text: impl Into<String>) -> Self {
        Self::on_page(Content::Heading { level, text: text.into(), anchor: None })
    }

    /// A heading of the second level, which links lead to.
    pub(crate) fn part(anchor: impl Into<String>, text: impl Into<String>) -> Self {
        Self::on_page(Content::Heading { level: 2, text: text.into(), anchor: Some(anchor.into()) })
    }

    pub(crate) fn paragraph(text: impl Into<Text>) -> Self {
        Self::with_role(Role::Plain, text)
    }

    pub(crate) fn with_role(role: Role, text: impl Into<Text>) -> Self {
        Self::on_page(Content::Paragraph(role, text.into()))
    }

    pub(crate) const fn list(kind: ListKind, items: Vec<Text>) -> Self {
        Self::on_page(Content::List(kind, items))
    }

    pub(crate) const fn definitions(definitions: Vec<Definition>) -> Self {
        Self::on_page(Content::Definitions(definitions))
    }

    pub(crate) const fn table(table: Table) -> Self {
        Self::on_page(Content::Table(table))
    }

    pub(crate) fn code(line: impl Into<String>) -> Self {
        Self::on_page(Content::Code(vec![line.into()]))
    }

    pub(crate) fn fold(summary: impl Into<String>, blocks: Vec<Self>) -> Self {
        let fold =
            Fold { anchor: None, heading: None, summary: summary.into(), state: FoldState::Plain, blocks };
        Self::on_page(Content::Fold(fold))
    }

    /// Its blocks say where they are shown.
    pub(crate) const fn group(group: Group, blocks: Vec<Self>) -> Self {
        Self { place: Place::Everywhere, content: Content::Group(group, blocks) }
    }
}

impl Block<'_> {
    /// Calls `see` with every text of the block and of the blocks in it.
    pub(crate) fn visit(&self, see: &mut dyn FnMut(&Text)) {
        match &self.content {
            Content::Heading { text, .. } => see(&Text::from(text.as_str())),
            Content::Paragraph(_, text) => see(text),
            Content::List(_, items) => items.iter().for_each(see),
            Content::Definitions(definitions) => {
                for definition in definitions {
                    see(&Text::from(definition.term.as_str()));
                    see(&definition.meaning);
                }
            }
            Content::Table(table) => {
                table.columns.iter().for_each(|column| see(&column.head));
                table.groups.iter().filter_map(|group| group.title.as_ref()).for_each(&mut *see);
                for cell in table.rows().flatten() {
                    see(&cell.text);
                    cell.small.iter().for_each(|text| see(&Text::from(text.as_str())));
                }
            }
            Content::Figure { figure, title, caption } => {
                see(&Text::from(title.as_deref().unwrap_or_default()));
                see(&Text::from(figure.description.as_str()));
                see(caption);
            }
            Content::Fold(fold) => {
                see(&Text::from(fold.heading.as_deref().unwrap_or_default()));
                see(&Text::from(fold.summary.as_str()));
                fold.blocks.iter().for_each(|block| block.visit(see));
            }
            Content::Code(lines) => lines.iter().for_each(|line| see(&Text::from(line.as_str()))),
            Content::Group(_, blocks) => blocks.iter().for_each(|block| block.visit(see)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_have_letters_as_a_list_counts_them() {
        assert_eq!([0, 25, 26, 51, 52].map(note_letter), ["a", "z", "aa", "az", "ba"]);
    }
}
