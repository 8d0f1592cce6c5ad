//! Why an expression cannot be read.

/// What is wrong with an expression of a threshold or a claim, and what is allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExpressionError {
    /// There is no operator, or one that does not exist.
    #[error("{found}; write `[pattern.]name OP number` with one of < <= > >= ==")]
    Operator {
        /// What was found.
        found: String,
    },
    /// The text after the operator is not a number.
    #[error("`{found}` is not a number; write one such as 250 or 1.6, without a unit")]
    Number {
        /// The text that was found instead.
        found: String,
    },
    /// No quantity and no count has this name.
    #[error("`{found}` is not a quantity; allowed are {allowed}")]
    Name {
        /// The name.
        found: String,
        /// All names.
        allowed: String,
    },
    /// No pattern has this name, or the scenario does not have it.
    #[error("`{found}` is not one of its patterns; these are: {allowed}")]
    Pattern {
        /// The name.
        found: String,
        /// The scenario's patterns.
        allowed: String,
    },
    /// A server that the scenario does not have.
    #[error("`{found}` is not one of its other servers; these are: {allowed}")]
    Server {
        /// The name.
        found: String,
        /// The scenario's servers but the lab's own.
        allowed: String,
    },
    /// A count divided by that of another server.
    #[error("`{found}` is a count; only a quantity can be divided by that of a server")]
    Count {
        /// The count.
        found: String,
    },
    /// More than one division.
    #[error("it divides more than once; a ratio has two values")]
    Divisions,
    /// A value divided by itself.
    #[error("a value is divided by itself, which is always 1")]
    Itself,
    /// No scenario has this name.
    #[error("there is no scenario `{found}`; these are: {allowed}")]
    Scenario {
        /// The name.
        found: String,
        /// All names.
        allowed: String,
    },
    /// A threshold names a scenario.
    #[error("`{found}:` names a scenario; a threshold is of its own scenario, without such a name")]
    Foreign {
        /// The name.
        found: String,
    },
    /// A condition of a claim names no scenario.
    #[error("it names no scenario; write `scenario: [pattern.]name OP number`")]
    NoScenario,
    /// The scenario does not sweep this value.
    #[error("`[{found}]` is not a swept value of {scenario}; these are: {allowed}")]
    Value {
        /// The text between the brackets.
        found: String,
        /// The scenario's name.
        scenario: String,
        /// The names of its values.
        allowed: String,
    },
    /// The scenario sweeps nothing that concerns the pattern.
    #[error("{scenario} measures {pattern} at one setting only: write it without `[{found}]`")]
    Unswept {
        /// The text between the brackets.
        found: String,
        /// The scenario's name.
        scenario: String,
        /// The pattern.
        pattern: String,
    },
    /// A bracket without its other half, or a text after it.
    #[error("`{found}` has a bracket at the wrong place; write `pattern[value].name`")]
    Bracket {
        /// The text with the bracket.
        found: String,
    },
}
