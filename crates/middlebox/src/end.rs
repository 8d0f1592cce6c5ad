//! How a connection ends.

/// How a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// Both sides have closed it.
    Done,
    /// One side has reset it.
    Reset,
    /// The middlebox has cut it.
    Cut,
    /// The idle timeout has passed.
    Idle,
    /// The server does not accept connections.
    Unreachable,
    /// Its request for an upgrade was refused.
    Refused,
    /// It has become a black hole: nothing more is forwarded.
    BlackHole,
}
