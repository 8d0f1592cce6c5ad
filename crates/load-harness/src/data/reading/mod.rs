//! What a server says, read in place.
//!
//! All of it works on slices and knows no socket: bytes go in as far as they have come, and what they
//! hold comes out as slices of them. Nothing is copied while a message lies whole in one read, and
//! whatever the bytes are, the answer is a value or [`Unreadable`], never a panic.

mod answer;
mod body;
mod frames;

pub use answer::{Answer, Head, read_answer, read_head};
pub use body::{BodyReader, Piece};
pub use frames::{Frame, Message, MessageReader};

/// Longest message taken; beyond it the connection is given up instead of filling the memory.
pub const LONGEST_BYTES: usize = 16 << 20;

/// Bytes that are no HTTP answer, no chunk or no frame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(String);

impl Unreadable {
    fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}
