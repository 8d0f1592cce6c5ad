//! How a connection ends, as its ways and the connection itself find out.

/// How a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// Both sides have ended it.
    Done,
    /// One side has reset it.
    Reset,
    /// The middlebox cut it.
    Cut,
    /// Nothing passed for too long.
    Idle,
    /// The server does not accept connections.
    Unreachable,
    /// It asked for an upgrade and was answered.
    Refused,
    /// From here on nothing passes.
    BlackHole,
}
