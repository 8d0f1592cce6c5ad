//! The result of parsing received bytes, for any client.

/// The result of parsing the bytes received so far.
pub(crate) struct Parsed<T> {
    /// Bytes that need not be passed again.
    pub(crate) used: usize,
    /// The awaited value, if it is complete.
    pub(crate) found: Option<T>,
}

impl<T> Parsed<T> {
    /// More bytes are needed.
    pub(crate) const NOTHING: Self = Self { used: 0, found: None };
}
