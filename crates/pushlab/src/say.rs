//! Words to whoever watches. Nobody need watch: a run goes on when its reader has left.

use std::{fmt::Display, io::Write};

/// Writes a line to stdout.
pub(crate) fn say(line: impl Display) {
    // `println!` would panic after `| head -1`.
    let _ = writeln!(std::io::stdout(), "{line}");
}
