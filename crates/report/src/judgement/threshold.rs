//! Conditions that a scenario sets on its own results, in the language of [`super::expression`].
//!
//! A bound on the ratio to another server, `sse.cpu_us_per_event / floor <= 1.25`, is close to the noise. So it is
//! kept if the nearer end of the interval is within it, and broken only if the whole interval is beyond it.

use contract::Scenario;

use super::{
    expression::{Expression, Scope},
    expression_error::ExpressionError,
    subject::quantities,
};
use crate::quantities::QuantityName;

/// A threshold, or the primary quantity, of a scenario that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ThresholdError {
    /// The threshold's expression cannot be read.
    #[error("threshold `{text}` of scenario {scenario}: {problem}")]
    Expression {
        /// The scenario's name.
        scenario: String,
        /// The threshold as written.
        text: String,
        /// What is wrong with it.
        problem: Box<ExpressionError>,
    },
    /// The primary quantity does not exist.
    #[error("`primary` of scenario {scenario} is `{found}`, which is not a quantity; allowed are {allowed}")]
    Primary {
        /// The scenario's name.
        scenario: String,
        /// The name.
        found: String,
        /// All names of quantities.
        allowed: String,
    },
}

/// Checks the thresholds and the primary quantity of a scenario before a run.
///
/// # Errors
/// [`ThresholdError`] with the scenario, the text as written, what is wrong and what is allowed.
pub fn check_thresholds(scenario: &Scenario) -> Result<(), ThresholdError> {
    if QuantityName::named(&scenario.primary).is_none() {
        return Err(ThresholdError::Primary {
            scenario: scenario.name.clone(),
            found: scenario.primary.clone(),
            allowed: quantities(),
        });
    }
    scenario.thresholds.iter().try_for_each(|text| parse(scenario, text).map(|_| ()))
}

/// Reads a threshold of a scenario.
pub(crate) fn parse<'a>(scenario: &'a Scenario, text: &str) -> Result<Expression<'a>, ThresholdError> {
    let scope = Scope { own: Some(scenario), named: &[] };
    scope.expression(text).map_err(|problem| ThresholdError::Expression {
        scenario: scenario.name.clone(),
        text: text.to_owned(),
        problem: Box::new(problem),
    })
}
