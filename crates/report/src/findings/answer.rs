//! The answer to a scenario's question, as the report gives it.

/// This many conditions stand beneath a headline outside the scenario's own section.
pub(crate) const CONDITIONS_BENEATH: usize = 4;

/// The answer to a scenario's question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Name of the scenario.
    pub scenario: String,
    /// The answer, to be read aloud: at most 25 words with at most three numbers.
    pub headline: String,
    /// The details, and where the answer changes: sentences of at most 35 words.
    pub conditions: Vec<String>,
}

impl Answer {
    /// The plain line beneath the headline, where there is no room for all conditions.
    #[must_use]
    pub fn beneath(&self) -> String {
        self.conditions.iter().take(CONDITIONS_BENEATH).map(String::as_str).collect::<Vec<_>>().join(" ")
    }
}
