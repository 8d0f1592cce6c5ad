//! The answer to a scenario's question, as the report gives it.

/// The answer to a scenario's question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Name of the scenario.
    pub scenario: String,
    /// The answer in one sentence, or in a few short ones.
    pub sentence: String,
    /// Further sentences, such as the conditions under which the answer changes.
    pub conditions: Vec<String>,
}
