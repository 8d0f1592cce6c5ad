//! One document, written as HTML, as Markdown and for a terminal.

use report::OutputFile;

use crate::{
    synthetic::{
        age_trials, check_trials, connection_trials, heartbeat_trials, obstacle_trials, six_connections,
        sixty_trials, ten_trials, transport_trials,
    },
    written::{content, findings_of},
};

/// Headings and cells of tables, in their order and without markup.
type Outline = (Vec<String>, Vec<String>);

/// Spaces differ with the markup.
fn squeezed(text: &str) -> String {
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&");
    text.chars().filter(|letter| !letter.is_whitespace()).collect()
}

/// The text of an HTML element that begins after its `<` and name.
fn element<'a>(rest: &'a str, end: &str) -> &'a str {
    rest.split_once('>').and_then(|(_, inner)| inner.split(end).next()).unwrap_or_default()
}

fn without_tags(html: &str) -> String {
    let html = html.replace("<span class=\"model\">", ";<span>");
    let text: String = html
        .split('<')
        .enumerate()
        .map(|(index, part)| match index {
            0 => part,
            _ => part.split_once('>').map_or("", |(_, text)| text),
        })
        .collect();
    squeezed(&text)
}

fn outline_of_html(page: &str) -> Outline {
    let headings = page.split("<h").skip(1).filter_map(|rest| {
        let level = rest.chars().next().filter(|level| ('1'..='4').contains(level))?;
        Some(format!("{level} {}", without_tags(element(rest, &format!("</h{level}>")))))
    });
    let cells = page.split("<t").skip(1).filter_map(|rest| {
        let name = rest.split([' ', '>']).next().filter(|name| ["h", "d"].contains(name))?;
        Some(without_tags(element(rest, &format!("</t{name}>"))))
    });
    (headings.collect(), cells.filter(|cell| !cell.is_empty()).collect())
}

/// Markdown without links, stars and escapes, in parts at the bars that are not escaped.
fn parts_of_markdown(line: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        let part = parts.last_mut().expect("it has one");
        match letter {
            '\\' => part.extend(letters.next()),
            '|' => parts.push(String::new()),
            ']' if letters.peek() == Some(&'(') => {
                while letters.next().is_some_and(|skipped| skipped != ')') {}
            }
            '<' => while letters.next().is_some_and(|skipped| skipped != '>') {},
            '[' | ']' | '*' | '`' => {}
            other => part.push(other),
        }
    }
    parts.iter().map(|part| squeezed(part)).collect()
}

fn outline_of_markdown(page: &str) -> Outline {
    let headings = page.lines().filter(|line| line.starts_with('#')).map(|line| {
        let (level, text) = line.split_once(' ').expect("a space follows");
        format!("{} {}", level.len(), parts_of_markdown(text).join("|"))
    });
    let is_rule = |line: &str| line.starts_with("| :--") || line.starts_with("| --:");
    let rows = page.lines().filter(|line| line.starts_with("| ") && !is_rule(line));
    let cells = rows.flat_map(parts_of_markdown).filter(|cell| !cell.is_empty());
    (headings.collect(), cells.collect())
}

/// Asserts that both pages have the same headings and the same cells in the same order, and that every link of
/// the Markdown leads somewhere.
pub(crate) fn assert_alike(name: &str, files: &[OutputFile]) {
    let (html, markdown) = (content(files, "report.html"), content(files, "report.md"));
    let (page, other) = (outline_of_html(html), outline_of_markdown(markdown));
    assert!(!page.0.is_empty(), "{name}");
    for (pages, others) in [(&page.0, &other.0), (&page.1, &other.1)] {
        let different = pages.iter().zip(others).find(|(one, two)| one != two);
        assert_eq!(different, None, "{name}");
        assert_eq!(pages.len(), others.len(), "{name}: {:?} {:?}", pages.last(), others.last());
    }
    for link in markdown.split("](#").skip(1).filter_map(|rest| rest.split(')').next()) {
        assert_eq!(markdown.matches(&format!("<a id=\"{link}\">")).count(), 1, "{name}: {link}");
    }
}

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
    crate::synthetic::change(&mut run.1[0], |measured| measured.delivery.duplicated = 3);
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
