//! The length of an answer: which parts fit into its headline, and how long sentences are cut.

use crate::text::{
    number::list,
    sentence::{capitalised, sentences},
};

/// A headline has no more words than this. A number and its unit are one word.
const MOST_WORDS: usize = 25;
/// A headline has no more numbers than this.
const MOST_NUMBERS: usize = 3;
/// A condition has no more words than this.
const MOST_WORDS_BENEATH: usize = 35;

/// Sentences without full stops, the most important first. Those that fit become the headline; the others come
/// before the conditions.
pub(super) fn headed(parts: Vec<String>, conditions: Vec<String>) -> (String, Vec<String>) {
    let mut fitting: Vec<String> = Vec::new();
    let mut beneath: Vec<String> = Vec::new();
    for part in parts {
        fitting.push(part);
        if fitting.len() > 1 && !fits(&sentences(&fitting)) {
            beneath.extend(fitting.pop().map(|part| sentences(&[part])));
        }
    }
    beneath.extend(conditions);
    (sentences(&fitting), beneath)
}

/// The first of these sentences that still fits after the others; none if none does.
pub(super) fn fitting<const N: usize>(parts: &[String], choices: [Option<String>; N]) -> Option<String> {
    choices
        .into_iter()
        .flatten()
        .find(|choice| fits(&sentences(&[parts, std::slice::from_ref(choice)].concat())))
}

/// `start: a, b and c.`, as several sentences where one would be too long.
pub(super) fn listed(start: &str, items: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = items;
    while !rest.is_empty() {
        let sentence = |number: usize| format!("{}: {}.", capitalised(start), list(&rest[..number]));
        let number = (1..=rest.len()).rev().find(|number| is_short(&sentence(*number))).unwrap_or(1);
        found.push(sentence(number));
        rest = &rest[number..];
    }
    found
}

/// The sentence, cut at its semicolons if it is too long.
pub(super) fn cut(sentence: &str) -> Vec<String> {
    if is_short(sentence) {
        return vec![sentence.to_owned()];
    }
    let mut found: Vec<String> = Vec::new();
    for part in sentence.trim_end_matches('.').split("; ") {
        match found.last_mut() {
            Some(last) if is_short(&format!("{last}; {part}.")) => {
                last.push_str("; ");
                last.push_str(part);
            }
            Some(_) | None => found.push(part.to_owned()),
        }
    }
    found.iter().map(|part| format!("{}.", capitalised(part))).collect()
}

fn fits(headline: &str) -> bool {
    words(headline) <= MOST_WORDS && numbers(headline) <= MOST_NUMBERS
}

/// A unit after its number counts as a word, too.
fn is_short(sentence: &str) -> bool {
    sentence.split_whitespace().count() <= MOST_WORDS_BENEATH
}

fn words(text: &str) -> usize {
    text.split(' ').count()
}

/// Words that begin with a digit: not `p99` and not `HTTP/2`.
fn numbers(text: &str) -> usize {
    let is_number = |word: &&str| {
        let start = word.trim_start_matches(|letter: char| !letter.is_alphanumeric());
        start.starts_with(|letter: char| letter.is_ascii_digit())
    };
    text.split([' ', '–']).filter(is_number).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_stands_beneath() {
        let parts = ["SSE takes 1 to 2\u{202f}ms", "it costs 3 or 4 requests", "WebSocket ties"];
        let (headline, beneath) = headed(parts.map(str::to_owned).to_vec(), vec!["At p99.".to_owned()]);
        assert_eq!(headline, "SSE takes 1 to 2\u{202f}ms. WebSocket ties.");
        assert_eq!(beneath, ["It costs 3 or 4 requests.", "At p99."]);
    }

    #[test]
    fn long_lists_and_sentences_become_several() {
        let items: Vec<String> = (0..20).map(|index| format!("item {index}")).collect();
        let found = listed("all", &items);
        assert_eq!(found.len(), 2);
        assert!(found[0].starts_with("All: item 0, ") && found[1].ends_with("and item 19."), "{found:?}");
        let clause = "a b c d e f g h i j k l m n o p";
        let found = cut(&format!("{clause}; {clause}; {clause}."));
        assert_eq!(found.len(), 2);
        assert!(found.iter().all(|part| words(part) <= MOST_WORDS_BENEATH));
        assert_eq!(cut("Short."), ["Short."]);
    }

    #[test]
    fn names_with_digits_are_no_numbers() {
        assert_eq!(numbers("HTTP/2 at p99 takes 4.30\u{202f}ms (4.10–4.60), 1,000 times"), 4);
    }
}
