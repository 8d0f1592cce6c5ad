//! A value that may be only a bound.

/// Whether a measured value is the value or only a bound.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Bound {
    /// The value itself.
    #[default]
    Exact,
    /// The true value is larger: some deliveries never came, or the server's limit was not reached.
    AtLeast,
}

impl Bound {
    /// The same word in all files; none for a value.
    pub(crate) const fn key(self) -> Option<&'static str> {
        match self {
            Self::Exact => None,
            Self::AtLeast => Some("lower"),
        }
    }
}

/// A quantity's value in one trial, and so in one block.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Reading {
    pub(crate) value: f64,
    pub(crate) bound: Bound,
}

impl Reading {
    /// A value that is not a bound.
    pub(crate) const fn exact(value: f64) -> Self {
        Self { value, bound: Bound::Exact }
    }
}
