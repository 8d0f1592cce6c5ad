//! Words on stderr about what this machine did not allow, or a client did not do.

use std::{fmt::Display, io::Write};

/// Writes a line to stderr. Nobody need read it: `eprintln!` would panic, and end a task or the server,
/// where stderr is a pipe whose reader is gone.
pub(crate) fn complain(line: impl Display) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
