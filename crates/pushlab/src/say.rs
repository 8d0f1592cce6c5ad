//! Output to stdout and stderr. The program does not depend on a reader: if the pipe is closed it goes on, and
//! its exit code stays the same.

use std::{fmt::Display, io::Write};

/// Writes a line to stdout.
pub(crate) fn say(line: impl Display) {
    // `println!` would panic after `| head -1`.
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Columns that a text on stdout may take: those of the terminal, or eighty where there is none.
pub(crate) fn terminal_width() -> usize {
    terminal_size::terminal_size().map_or(80, |(width, _)| usize::from(width.0))
}

/// Writes a line to stderr.
pub(crate) fn print_warning(line: impl Display) {
    // `eprintln!` would panic where stderr is a pipe whose reader is gone.
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// `1 trial`, `12 trials`.
pub(crate) fn counted(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}
