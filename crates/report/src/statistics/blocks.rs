//! How many blocks a value has.

/// How few blocks a value has, in words; none if they are enough for an interval.
pub(crate) const fn few_blocks(blocks: usize) -> Option<&'static str> {
    match blocks {
        0 | 1 => Some("one run"),
        2 => Some("two blocks"),
        3 => Some("three blocks"),
        _ => None,
    }
}
