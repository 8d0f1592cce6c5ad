//! Output to stdout and stderr. The program does not depend on a reader: if the pipe is closed it goes on, and
//! its exit code stays the same.

use std::{
    ffi::OsStr,
    fmt::Display,
    io::{IsTerminal, Write},
};

use comfy_table::{ContentArrangement, LineStyle, Table, TableStyle};
use report::Findings;

/// Writes a line to stdout.
pub(crate) fn say(line: impl Display) {
    // `println!` would panic after `| head -1`.
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Columns that a text on stdout may take: those of the terminal, or eighty where there is none.
pub(crate) fn terminal_width() -> usize {
    terminal_size::terminal_size().map_or(80, |(width, _)| usize::from(width.0))
}

/// A table as wide as the terminal, with a line below its heads.
pub(crate) fn table(heads: &[&str]) -> Table {
    const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));
    let mut table = Table::new();
    table
        .load_style(STYLE)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(u16::try_from(terminal_width()).unwrap_or(u16::MAX))
        .set_header(heads.to_vec());
    table
}

/// The lines of a table, without spaces at their ends.
pub(crate) fn table_text(table: &Table) -> String {
    table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

/// What a terminal shows of a run: in colours where stdout is a terminal, unless NO_COLOR is set.
pub(crate) fn findings_text(findings: &Findings) -> String {
    if has_colours(std::io::stdout().is_terminal(), std::env::var_os("NO_COLOR").as_deref()) {
        report::coloured_terminal_table(findings, terminal_width())
    } else {
        report::terminal_table(findings, terminal_width())
    }
}

/// An empty NO_COLOR counts as none (no-color.org).
fn has_colours(is_terminal: bool, no_color: Option<&OsStr>) -> bool {
    is_terminal && no_color.is_none_or(OsStr::is_empty)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_for_a_terminal_whose_user_wants_them() {
        for (is_terminal, no_color, expected) in
            [(true, None, true), (true, Some(""), true), (true, Some("1"), false), (false, None, false)]
        {
            assert_eq!(has_colours(is_terminal, no_color.map(OsStr::new)), expected, "{no_color:?}");
        }
    }
}
