//! Parsers for the messages of a server, without copies.
//!
//! They work on slices and know no socket: the input is the bytes received so far, the results are slices of
//! them. A message that came in one read is not copied. For any input the result is a value or [`Unreadable`],
//! never a panic.

mod answer;
mod body;
mod frames;

pub use answer::{Answer, Head, read_answer, read_head};
pub use body::{BodyReader, Piece};
pub use frames::{Frame, Message, MessageReader};

/// Longest message; beyond it the connection is closed instead of filling the memory.
pub const LONGEST_BYTES: usize = 16 << 20;

/// Bytes that are not a valid HTTP answer, chunk or frame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(String);

impl Unreadable {
    fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}
