//! What a look at bytes found, whichever client has read them.

/// What a look at the bytes that have come found.
pub(crate) struct Parsed<T> {
    /// Bytes that need not be shown again.
    pub(crate) used: usize,
    /// What was waited for, if it was there.
    pub(crate) found: Option<T>,
}

impl<T> Parsed<T> {
    /// More must come first.
    pub(crate) const NOTHING: Self = Self { used: 0, found: None };
}
