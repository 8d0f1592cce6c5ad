//! The outlines of the two pages of a report, which must be the same.

use report::OutputFile;

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
    let content = |path: &str| files.iter().find(|file| file.path == path).map(|file| file.content.as_str());
    let (html, markdown) = (content("report.html").expect("HTML"), content("report.md").expect("Markdown"));
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
