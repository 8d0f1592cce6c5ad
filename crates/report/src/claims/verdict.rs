//! The verdict on each claim of a run.

use contract::Scenario;

use super::{
    condition::{Condition, condition, truth},
    file::Claim,
    flip::flip,
    open::undecided,
    sentence::filled,
};
use crate::{
    findings::{ClaimFinding, ClaimVerdict, Point, ScenarioFinding, ThresholdFinding},
    judgement::{
        expression::{Scope, scenarios_named},
        expression_value::PointsOf,
    },
    read::Run,
};

/// Evaluates the claims of a run.
pub(crate) fn claim_findings(run: &Run, scenarios: &[ScenarioFinding]) -> Vec<ClaimFinding> {
    let known: Vec<&Scenario> = scenarios.iter().map(|finding| &finding.scenario).collect();
    let points_of = |scenario: &Scenario| -> &[Point] {
        let found = scenarios.iter().find(|finding| finding.scenario.name == scenario.name);
        found.map_or(&[], |finding| &finding.points)
    };
    run.claims.iter().map(|claim| finding(run, claim, &known, &points_of)).collect()
}

fn finding<'a>(
    run: &Run,
    claim: &Claim,
    known: &[&'a Scenario],
    points_of: PointsOf<'a, '_>,
) -> ClaimFinding {
    let named = scenarios_of(claim);
    let conditions: Vec<Condition<'_>> =
        claim.conditions.iter().map(|text| condition(text, known, points_of)).collect();
    let verdict = verdict(&conditions);
    let flip = (verdict == ClaimVerdict::Depends).then(|| flip(run, &conditions)).flatten();
    let template = match verdict {
        ClaimVerdict::Holds => claim.holds.as_ref(),
        ClaimVerdict::Depends => claim.depends.as_ref(),
        ClaimVerdict::Wrong => claim.wrong.as_ref(),
        ClaimVerdict::Open => None,
    };
    let own = known.iter().copied().find(|scenario| named.first().is_some_and(|name| *name == scenario.name));
    let sentence = match template {
        Some(template) => filled(template, Scope { own, named: known }, points_of, flip.as_deref()),
        None => claim.open.clone().unwrap_or_else(|| {
            let is_absent = |name: &&String| known.iter().all(|scenario| scenario.name != **name);
            undecided(&conditions, &named.iter().filter(is_absent).map(String::as_str).collect::<Vec<_>>())
        }),
    };
    let cells: Vec<ThresholdFinding> =
        conditions.into_iter().flat_map(|condition| condition.cells).map(|(_, cell)| cell).collect();
    ClaimFinding {
        id: claim.id.clone(),
        claim: claim.claim.clone(),
        heard: claim.heard.clone(),
        verdict,
        sentence,
        is_by_one_block: cells.iter().any(|cell| cell.is_by_one_block && truth(cell).is_some()),
        cells,
        scenarios: named,
        flip,
    }
}

/// The scenarios that a claim's conditions name, each once, in their order.
#[must_use]
pub fn scenarios_of(claim: &Claim) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for name in claim.conditions.iter().flat_map(|text| scenarios_named(text)) {
        if names.iter().all(|known| known != name) {
            names.push(name.to_owned());
        }
    }
    names
}

fn verdict(conditions: &[Condition<'_>]) -> ClaimVerdict {
    let truths = || conditions.iter().flat_map(|condition| &condition.cells).map(|(_, cell)| truth(cell));
    let has = |wanted: Option<bool>| truths().any(|truth| truth == wanted);
    match (has(Some(true)), has(Some(false)), has(None)) {
        // Further points cannot change it.
        (true, true, _) => ClaimVerdict::Depends,
        (true, false, false) => ClaimVerdict::Holds,
        (false, true, false) => ClaimVerdict::Wrong,
        (_, _, true) | (false, false, false) => ClaimVerdict::Open,
    }
}
