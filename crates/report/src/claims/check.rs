//! Compares claims with the scenarios that they name, before anything is measured.

use contract::Scenario;

use super::{
    file::{Claim, ClaimError},
    flip::follows_a_number,
    planned::planned,
    sentence::{Part, parts},
    verdict::scenarios_of,
};
use crate::judgement::expression::{Expression, Scope};

/// Checks the names and expressions of claims against all scenarios.
///
/// # Errors
/// [`ClaimError`] with the claim, the text as written, what is wrong and what is allowed: an expression that
/// cannot be read, an unknown scenario, pattern, value, quantity or server, a sentence that is missing, and a
/// placeholder that names several points.
pub fn check_claims(claims: &[Claim], scenarios: &[Scenario]) -> Result<(), ClaimError> {
    let named: Vec<&Scenario> = scenarios.iter().collect();
    claims.iter().try_for_each(|claim| check(claim, &named))
}

fn check(claim: &Claim, named: &[&Scenario]) -> Result<(), ClaimError> {
    let problem =
        |key: &'static str, problem: String| ClaimError::Sentence { id: claim.id.clone(), key, problem };
    let scope = Scope { own: None, named };
    let mut conditions: Vec<Expression<'_>> = Vec::new();
    for text in &claim.conditions {
        let expression = scope.expression(text).map_err(|problem| ClaimError::Expression {
            id: claim.id.clone(),
            key: "conditions",
            text: text.clone(),
            problem: Box::new(problem),
        })?;
        conditions.push(expression);
    }
    let cells: usize = conditions.iter().map(|condition| planned(&condition.measure).len()).sum();
    if cells > 1 && claim.depends.is_none() {
        let why = format!(
            "absent, but {cells} points may answer differently: expected a sentence for this verdict"
        );
        return Err(problem("depends", why));
    }
    let first = scenarios_of(claim).into_iter().next();
    let own = named.iter().copied().find(|scenario| first.as_ref() == Some(&scenario.name));
    let scope = Scope { own, named };
    let sentences = [
        ("holds", &claim.holds),
        ("depends", &claim.depends),
        ("wrong", &claim.wrong),
        ("open", &claim.open),
    ];
    for (key, sentence) in sentences {
        let Some(sentence) = sentence else { continue };
        for part in parts(sentence).map_err(|why| problem(key, why))? {
            match part {
                Part::Text(_) => {}
                Part::Flip if key != "depends" => {
                    return Err(problem(key, "`{flip}` is allowed in `depends` only".to_owned()));
                }
                Part::Flip if !conditions.iter().any(follows_a_number) => {
                    let why =
                        "`{flip}` needs a condition without `[value]` on a scenario that sweeps a number";
                    return Err(problem(key, why.to_owned()));
                }
                Part::Flip => {}
                Part::Measure(text) => placeholder(claim, key, text, scope)?,
            }
        }
    }
    Ok(())
}

/// A placeholder must name one point.
fn placeholder(claim: &Claim, key: &'static str, text: &str, scope: Scope<'_, '_>) -> Result<(), ClaimError> {
    let measure = scope.measure(text).map_err(|problem| ClaimError::Expression {
        id: claim.id.clone(),
        key,
        text: format!("{{{text}}}"),
        problem: Box::new(problem),
    })?;
    let points = planned(&measure).len();
    if points == 1 {
        return Ok(());
    }
    Err(ClaimError::Sentence {
        id: claim.id.clone(),
        key,
        problem: format!("`{{{text}}}` names {points} points: expected one, as `pattern[value].name`"),
    })
}
