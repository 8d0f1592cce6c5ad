//! Paragraphs, lists and tables of Markdown, with text from outside escaped.

use std::fmt::Write as _;

use crate::charts::Figure;

/// Paragraphs with one blank line between.
#[derive(Default)]
pub(crate) struct Page {
    pub(crate) text: String,
}

impl Page {
    pub(crate) fn paragraph(&mut self, text: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text.push_str(text.trim_end());
        self.text.push('\n');
    }

    pub(crate) fn list(&mut self, items: impl Iterator<Item = String>) {
        let text = items.fold(String::new(), |mut text, item| {
            let _ = writeln!(text, "- {item}");
            text
        });
        if !text.is_empty() {
            self.paragraph(&text);
        }
    }

    /// The first column is words, the others are numbers.
    pub(crate) fn table<'a>(&mut self, heads: &[&str], rows: impl Iterator<Item = Vec<String>> + 'a) {
        self.aligned_table(heads, " --: |", rows);
    }

    /// Every column is words.
    pub(crate) fn word_table<'a>(&mut self, heads: &[&str], rows: impl Iterator<Item = Vec<String>> + 'a) {
        self.aligned_table(heads, " :-- |", rows);
    }

    fn aligned_table<'a>(
        &mut self,
        heads: &[&str],
        aligned: &str,
        rows: impl Iterator<Item = Vec<String>> + 'a,
    ) {
        let mut text = format!("| {} |\n| :-- |", heads.join(" | "));
        text.push_str(&aligned.repeat(heads.len() - 1));
        text.push('\n');
        for row in rows {
            let cells: Vec<String> = row.iter().map(|cell| escaped(cell)).collect();
            let _ = writeln!(text, "| {} |", cells.join(" | "));
        }
        self.paragraph(&text);
    }

    pub(crate) fn figure(&mut self, figure: &Figure) {
        self.paragraph(&format!("**{}**", escaped(&figure.title)));
        let alternative: String = escaped(&figure.description);
        self.paragraph(&format!("![{alternative}]({})", figure.path()));
        self.paragraph(&escaped(&figure.caption));
    }
}

/// Text from outside: nothing in it is markup, and it stays in its line.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' => {
                escaped.push('\\');
                escaped.push(letter);
            }
            letter if letter.is_control() => escaped.push(' '),
            letter => escaped.push(letter),
        }
    }
    escaped
}

/// A code block that its text cannot leave.
pub(crate) fn code_block(lines: &[String]) -> String {
    lines.iter().fold(String::new(), |mut text, line| {
        let line: String = line.chars().filter(|letter| !letter.is_control()).collect();
        let _ = writeln!(text, "    {line}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_is_markup() {
        assert_eq!(escaped("~~a~~ *b* _c_ `d`"), r"\~\~a\~\~ \*b\* \_c\_ \`d\`");
        assert_eq!(escaped("<e>&[f](g)|h\n# i"), r"&lt;e&gt;&amp;\[f\](g)\|h \# i");
    }
}
