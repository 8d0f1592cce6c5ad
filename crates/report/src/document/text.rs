//! Texts whose parts have a meaning, such as a link or a pattern's mark.

use contract::Pattern;

/// A judgement. A word next to it always says the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    Plain,
    Good,
    Doubt,
    Bad,
    /// Nothing was measured, or a value that a reader should not rely on.
    Absent,
}

/// The meaning of a part of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Style {
    Plain,
    Strong,
    Quiet,
    /// Less important than the value before it.
    Small,
    Code,
    /// A link to this anchor.
    Link(String),
    /// A link to this address: a file beside the page, or another site.
    Address(String),
    /// A link to the note with this letter, which is the text.
    Note,
    /// The mark of a pattern.
    Mark(Pattern),
    /// A judgement: this shape, then the text.
    Judged(char),
    /// The verdict on the run.
    Verdict(Tone),
    /// Begins a new line; without text.
    Break,
}

/// A part of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) text: String,
    pub(crate) style: Style,
}

/// A text in parts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Text(pub(crate) Vec<Span>);

impl Text {
    /// Adds a part; an empty one is left out, unless it begins a line.
    pub(crate) fn and(mut self, style: Style, text: impl Into<String>) -> Self {
        let text = text.into();
        if !text.is_empty() || style == Style::Break {
            self.0.push(Span { text, style });
        }
        self
    }

    pub(crate) fn plain(self, text: impl Into<String>) -> Self {
        self.and(Style::Plain, text)
    }

    pub(crate) fn strong(self, text: impl Into<String>) -> Self {
        self.and(Style::Strong, text)
    }

    pub(crate) fn quiet(self, text: impl Into<String>) -> Self {
        self.and(Style::Quiet, text)
    }

    pub(crate) fn code(self, text: impl Into<String>) -> Self {
        self.and(Style::Code, text)
    }

    pub(crate) fn link(self, anchor: impl Into<String>, text: impl Into<String>) -> Self {
        self.and(Style::Link(anchor.into()), text)
    }

    pub(crate) fn address(self, address: impl Into<String>, text: impl Into<String>) -> Self {
        self.and(Style::Address(address.into()), text)
    }

    pub(crate) fn new_line(self) -> Self {
        self.and(Style::Break, "")
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::default().plain(text)
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self::default().plain(text)
    }
}
