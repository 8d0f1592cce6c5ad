//! The answer to a scenario's question: which pattern, by how much, at what cost, and when that changes.
//!
//! Every sentence is built from the findings, so another run gives another sentence. Where four blocks or
//! more do not tell two values apart, the sentence says "no difference shown", and the headline that they tie.
//! With fewer blocks both say "not told apart by one run" (or two, or three blocks).

use contract::Arrivals;

mod ablations;
pub(crate) mod across;
mod browser;
mod comparison;
mod connections;
mod flips;
mod headline;
mod network;
mod obstacles;
mod order;
mod servers;
mod sides;
pub(crate) mod sweep;
pub(crate) mod words;

use headline::{cut, headed};

use crate::{
    findings::{Answer, Point, ScenarioFinding},
    judgement::difference_test::DifferenceTest,
    quantities::QuantityName,
    text::{
        number::{list, three_digits},
        swept::SweepParameter,
    },
};

/// Answers a scenario's question from its points.
pub(crate) fn answer(finding: &ScenarioFinding) -> Answer {
    let (headline, conditions) = headline_and_conditions(finding);
    let conditions = conditions.iter().flat_map(|condition| cut(condition)).collect();
    Answer {
        scenario: finding.scenario.name.clone(),
        conditions: words::with_every_pattern(&headline, conditions, &finding.points),
        headline,
    }
}

/// A headline and its conditions; none where the points do not give one.
type OwnAnswer = fn(&ScenarioFinding, DifferenceTest<'_>, &[&Point]) -> Option<(String, Vec<String>)>;

/// Swept settings whose question is not how one quantity changes.
const OWN_ANSWERS: [(SweepParameter, OwnAnswer); 7] = [
    (SweepParameter::Side, |finding, _, points| (points.len() > 1).then(|| sides::answer(finding))),
    (SweepParameter::Ablation, |finding, _, _| ablations::answer(finding)),
    (SweepParameter::Network, |finding, _, _| obstacles::answer(finding)),
    (SweepParameter::Heartbeat, |finding, difference_test, _| network::heartbeats(finding, difference_test)),
    (SweepParameter::Rtt, |_, difference_test, points| network::delays(difference_test, points)),
    (SweepParameter::Transport, |_, _, points| network::transports(points)),
    (SweepParameter::MaxStreams, |_, _, points| network::stream_limits(points)),
];

fn headline_and_conditions(finding: &ScenarioFinding) -> (String, Vec<String>) {
    let measured = |point: &&Point| point.completed().next().is_some() && point.server.is_pushlab();
    let points: Vec<&Point> = finding.points.iter().filter(measured).collect();
    let difference_test = DifferenceTest::of(finding);
    let swept = SweepParameter::of(&finding.scenario);
    let by_server = if finding.is_ramp() {
        servers::saturation(finding)
    } else if finding.has_foreign() {
        servers::servers(finding)
    } else {
        None
    };
    let special = || {
        let own = OWN_ANSWERS.iter().find(|(own, _)| Some(*own) == swept);
        browser::answer(finding)
            .or_else(|| Some((browser::not_run(finding)?, vec![])))
            .or_else(|| own.and_then(|(_, answer)| answer(finding, difference_test, &points)))
    };
    let connections = || {
        let has_steps = !finding.scenario.memory_steps.is_empty();
        has_steps.then(|| connections::answer(difference_test, &points)).flatten()
    };
    let (present, varying) = words::present_and_varying(&points);
    // Where only one of several patterns has the setting, a question about a cost compares all of them.
    let compares = varying == 1 && present > 1 && finding.primary().is_some_and(|name| !name.is_age());
    let varies = varying > 0 && !compares;
    let ordinary = || match swept {
        _ if points.is_empty() => ("No trial of this question was completed.".to_owned(), vec![]),
        _ if finding.scenario.events == Arrivals::Silence => silence(&points),
        Some(swept) if varies => sweep::answer(swept, difference_test, &points),
        Some(_) | None => comparison::answer(finding, &points),
    };
    let found = by_server.or_else(special).or_else(connections);
    let (mut headline, mut conditions) = found.unwrap_or_else(ordinary);
    conditions.extend(words::turnaround(&points));
    if finding.has_foreign() || finding.is_ramp() {
        return (headline, conditions);
    }
    let multiples = servers::floors(finding, finding.main_cost());
    if finding.primary() == Some(finding.main_cost()) {
        // The question asks for this cost, so it comes first.
        let cost = servers::empty_polls(finding, &points).or_else(|| servers::floor_headline(finding));
        if let Some(cost) = cost {
            conditions.insert(0, std::mem::replace(&mut headline, cost));
        }
        conditions.splice(0..0, multiples);
    } else {
        conditions.extend(multiples);
    }
    (headline, conditions)
}

fn silence(points: &[&Point]) -> (String, Vec<String>) {
    let name = QuantityName::RequestsPerSubscriber;
    let mut known: Vec<(&Point, f64)> =
        points.iter().filter_map(|point| Some((*point, point.measured(name)?))).collect();
    let details: Vec<String> = known
        .iter()
        .map(|(point, requests)| format!("{} {}", point.label(), three_digits(*requests)))
        .collect();
    known.sort_by(|left, right| left.1.total_cmp(&right.1));
    let parts = match known.as_slice() {
        [] => vec!["Without any event no request was counted".to_owned()],
        [(only, requests)] => vec![format!(
            "Without any event {} costs {} requests per subscriber",
            only.pattern.label(),
            three_digits(*requests)
        )],
        [(least, fewest), .., (most, requests)] => vec![format!(
            "Without any event {} costs the most requests per subscriber, {}; {} the fewest, {}",
            most.pattern.label(),
            three_digits(*requests),
            least.pattern.label(),
            three_digits(*fewest)
        )],
    };
    let all = format!("Requests of a subscriber in all: {}.", list(&details));
    headed(parts, if details.is_empty() { vec![] } else { vec![all] })
}
