//! One document, written as HTML, as Markdown and for a terminal.

use crate::{
    synthetic::{
        age_trials, assert_alike, change, check_trials, connection_trials, heartbeat_trials, obstacle_trials,
        six_connections, sixty_trials, ten_trials, transport_trials,
    },
    written::findings_of,
};

#[test]
fn html_and_markdown_have_the_same_headings_and_cells() {
    for (name, run) in [
        ("ten", ten_trials()),
        ("sixty", sixty_trials()),
        ("obstacles", obstacle_trials()),
        ("heartbeats", heartbeat_trials()),
        ("transports", transport_trials()),
        ("connections", connection_trials(5)),
        ("six connections", six_connections()),
        ("checks", check_trials(2)),
        ("ages of a browser", age_trials(4, 300.0)),
    ] {
        assert_alike(name, &report::render(&findings_of(&run)));
    }
}

#[test]
fn a_terminal_shows_nothing_wider_than_itself() {
    for run in [
        ten_trials(),
        sixty_trials(),
        obstacle_trials(),
        heartbeat_trials(),
        transport_trials(),
        connection_trials(5),
        six_connections(),
    ] {
        let findings = findings_of(&run);
        for width in [80, 100, 120] {
            for line in report::terminal_table(&findings, width).lines() {
                assert!(line.chars().count() <= width, "{width}: {line}");
            }
        }
    }
}

#[test]
fn colours_change_no_word() {
    let mut run = ten_trials();
    change(&mut run.1[0], |measured| measured.delivery.duplicated = 3);
    let findings = findings_of(&run);
    let coloured = report::coloured_terminal_table(&findings, 80);
    let mut parts = coloured.split('\u{1b}');
    let first = parts.next().unwrap_or_default().to_owned();
    let rest: String = parts.filter_map(|part| part.split_once('m')).map(|(_, text)| text).collect();
    assert_eq!(first + &rest, report::terminal_table(&findings, 80));
    let (red, bold) = ("\u{1b}[31m", "\u{1b}[1m");
    for words in [format!("{red}✗ "), format!("{bold}poll-interval"), format!("{bold}{red}invalid")] {
        assert!(coloured.contains(&words), "{words:?}: {coloured:?}");
    }
    // A row that is not valid is marked, and the reader learns what to do.
    for words in ["✗ short polling every 1 s is not valid: ", "Do not use the rows with ✗."] {
        assert!(report::terminal_table(&findings, 1_000).contains(words), "{words}");
    }
}
