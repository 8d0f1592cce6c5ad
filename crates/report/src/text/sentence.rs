//! From parts to sentences.

/// The text with its first letter in upper case.
pub(crate) fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Further sentences after a first one that has no full stop yet.
pub(crate) fn further(sentences: &[String]) -> String {
    sentences.iter().map(|sentence| format!(". {}", capitalised(sentence))).collect()
}

/// Each part as a separate sentence: `A. B.`
pub(crate) fn sentences(parts: &[String]) -> String {
    parts
        .split_first()
        .map_or_else(String::new, |(first, others)| format!("{}{}.", capitalised(first), further(others)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_become_sentences() {
        let parts = ["an age".to_owned(), "its price".to_owned()];
        assert_eq!(sentences(&parts), "An age. Its price.");
        assert_eq!(further(&parts), ". An age. Its price");
        assert_eq!(sentences(&[]), "");
    }
}
