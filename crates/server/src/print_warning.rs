//! Error messages on stderr.

use std::{fmt::Display, io::Write};

/// Writes a line to stderr and ignores a failure. `eprintln!` would panic if stderr is a pipe without a
/// reader, and so end a task or the server.
pub(crate) fn print_warning(line: impl Display) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
