//! The answer of a scenario with obstacles: where each pattern fails, comes late or passes.

use contract::{Network, Pattern};

use super::{
    headline::{headed, listed},
    words::verb,
};
use crate::{
    findings::{Point, ScenarioFinding},
    tables::obstacles::{ObstacleOutcome, are_compared, best_behind, by_pattern, has_no_heartbeat, late_ms},
    text::{
        network_words::obstacle_text,
        number::{count, list},
        sentence::capitalised,
    },
};

/// What an obstacle does to a pattern, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    Fails,
    ComesLate,
    Reconnects,
}

/// Behind which obstacles each pattern works; none where no trial had one.
pub(super) fn answer(finding: &ScenarioFinding) -> Option<(String, Vec<String>)> {
    if !are_compared(finding) {
        return None;
    }
    let outcomes = by_pattern(finding);
    if outcomes.is_empty() {
        return None;
    }
    let clauses = |effect: Effect| clauses(finding, &outcomes, effect);
    let mut worst: Vec<(bool, String)> = clauses(Effect::Fails);
    let is_none = worst.is_empty();
    worst.extend(never_failing(&outcomes).filter(|_| !is_none).map(|clause| (false, clause)));
    worst.extend(clauses(Effect::ComesLate));
    // First where the patterns differ.
    worst.sort_by_key(|(is_all, _)| *is_all);
    let mut parts: Vec<String> =
        worst.into_iter().chain(clauses(Effect::Reconnects)).map(|(_, clause)| clause).collect();
    if parts.is_empty() {
        parts.push("every pattern passes every obstacle that was measured".to_owned());
    }
    let (headline, beneath) = headed(parts, outcomes.iter().flat_map(counted_by).collect());
    // Which pattern to take comes before what else happens.
    let mut conditions = best(finding, outcomes.len());
    let third = conditions.len().min(2);
    conditions.splice(third..third, buffer_limit(finding));
    conditions.extend(beneath);
    Some((headline, conditions))
}

/// `Long polling works best behind an idle timeout and when connections are cut.`, one sentence for each group of
/// patterns; nothing of the obstacles behind which no pattern works or all are alike.
fn best(finding: &ScenarioFinding, patterns: usize) -> Vec<String> {
    let mut groups: Vec<(Vec<String>, Vec<String>)> = Vec::new();
    for (network, points) in best_behind(finding) {
        if points.is_empty() || points.len() == patterns {
            continue;
        }
        let names: Vec<String> = points.iter().map(|point| point.pattern.label().to_owned()).collect();
        // A heartbeat prevents idle timeouts.
        let without = network.idle_timeout.is_some() && has_no_heartbeat(finding);
        let place = format!("{}{}", words(&network), if without { " without heartbeats" } else { "" });
        match groups.iter_mut().find(|(known, _)| *known == names) {
            Some((_, places)) if places.contains(&place) => {}
            Some((_, places)) => places.push(place),
            None => groups.push((names, vec![place])),
        }
    }
    groups
        .iter()
        .map(|(names, places)| {
            let works = verb(names.len(), "works", "work");
            format!("{} {works} best {}.", capitalised(&list(names)), list(places))
        })
        .collect()
}

/// How the middlebox's buffer differs from a common one; none without a buffer.
fn buffer_limit(finding: &ScenarioFinding) -> Option<String> {
    let has_buffer = |point: &Point| point.params.network.is_some_and(|network| network.buffer.is_some());
    finding.points.iter().any(has_buffer).then(|| {
        "This buffer also holds complete answers and WebSocket frames, which common proxies pass on at once."
            .to_owned()
    })
}

/// `short polling never fails`: the patterns that pass every obstacle, if only late; none if there are none.
fn never_failing(outcomes: &[(Pattern, Vec<(ObstacleOutcome, &Point)>)]) -> Option<String> {
    // A pattern whose trial behind an obstacle was not measured may fail there.
    let all = outcomes.iter().map(|(_, met)| met.len()).max();
    let passes = |met: &[(ObstacleOutcome, &Point)]| {
        Some(met.len()) == all && met.iter().all(|(outcome, _)| *outcome != ObstacleOutcome::Fails)
    };
    let names: Vec<String> = outcomes
        .iter()
        .filter(|(_, met)| passes(met))
        .map(|(pattern, _)| pattern.label().to_owned())
        .collect();
    (!names.is_empty()).then(|| format!("{} never {}", list(&names), verb(names.len(), "fails", "fail")))
}

/// `SSE comes late behind a buffer`, one clause for each group of patterns that meet the same, and whether these
/// are all patterns.
fn clauses(
    finding: &ScenarioFinding,
    outcomes: &[(Pattern, Vec<(ObstacleOutcome, &Point)>)],
    effect: Effect,
) -> Vec<(bool, String)> {
    let mut groups: Vec<(Vec<Pattern>, Vec<&'static str>)> = Vec::new();
    for place in places(outcomes) {
        let hit: Vec<Pattern> = outcomes
            .iter()
            .filter(|(_, met)| {
                met.iter().any(|(outcome, point)| {
                    point.params.network.map(|network| words(&network)) == Some(place)
                        && effect_of(finding, *outcome, point) == Some(effect)
                })
            })
            .map(|(pattern, _)| *pattern)
            .collect();
        if hit.is_empty() {
            continue;
        }
        match groups.iter_mut().find(|(patterns, _)| *patterns == hit) {
            Some((_, known)) => known.push(place),
            None => groups.push((hit, vec![place])),
        }
    }
    groups.sort_by_key(|(patterns, _)| patterns.len());
    groups
        .into_iter()
        .map(|(patterns, places)| {
            let is_all = patterns.len() == outcomes.len() && patterns.len() > 1;
            let who = if is_all {
                "every pattern".to_owned()
            } else {
                list(&patterns.iter().map(|pattern| pattern.label().to_owned()).collect::<Vec<_>>())
            };
            let number = if is_all { 1 } else { patterns.len() };
            let does = match effect {
                Effect::Fails => verb(number, "fails", "fail"),
                Effect::ComesLate => verb(number, "comes late", "come late"),
                Effect::Reconnects => verb(number, "reconnects", "reconnect"),
            };
            let places: Vec<String> = places.into_iter().map(str::to_owned).collect();
            (is_all, format!("{who} {does} {}", list(&places)))
        })
        .collect()
}

/// The obstacles in words, each once, in the order of the matrix.
fn places(outcomes: &[(Pattern, Vec<(ObstacleOutcome, &Point)>)]) -> Vec<&'static str> {
    let mut places = Vec::new();
    for (_, point) in outcomes.iter().flat_map(|(_, met)| met) {
        if let Some(place) = point.params.network.map(|network| words(&network))
            && !places.contains(&place)
        {
            places.push(place);
        }
    }
    places
}

fn effect_of(finding: &ScenarioFinding, outcome: ObstacleOutcome, point: &Point) -> Option<Effect> {
    match outcome {
        ObstacleOutcome::Works => None,
        ObstacleOutcome::Fails => Some(Effect::Fails),
        ObstacleOutcome::Degraded if late_ms(finding, point).is_some() => Some(Effect::ComesLate),
        ObstacleOutcome::Degraded => Some(Effect::Reconnects),
    }
}

/// An obstacle without its numbers, after the verb.
const fn words(network: &Network) -> &'static str {
    if network.black_hole_after.is_some() {
        "in a black hole"
    } else if network.refuse_upgrade {
        "where upgrades are refused"
    } else if network.connections.is_some() {
        "at a connection limit"
    } else if network.buffer.is_some() {
        "behind a buffer"
    } else if network.idle_timeout.is_some() {
        "behind an idle timeout"
    } else if network.cut_after.is_some() || network.cut_after_bytes.is_some() {
        "when connections are cut"
    } else {
        "on a narrow link"
    }
}

/// `Of 7 obstacles SSE works behind 2, and behind 3 late, with losses or with new connections.`, and behind which it
/// fails.
fn counted_by((pattern, met): &(Pattern, Vec<(ObstacleOutcome, &Point)>)) -> Vec<String> {
    let number =
        |wanted: ObstacleOutcome| met.iter().filter(|(outcome, _)| *outcome == wanted).count() as u64;
    let doubtful = met.iter().filter(|(_, point)| !point.valid).count() as u64;
    let warning = if doubtful > 0 {
        format!(" ({} of these trials not valid)", count(doubtful))
    } else {
        String::new()
    };
    let label = pattern.label();
    let mut found = vec![format!(
        "Of {} obstacles {label} works behind {}, and behind {} late, with losses or with new connections{warning}.",
        count(met.len() as u64),
        count(number(ObstacleOutcome::Works)),
        count(number(ObstacleOutcome::Degraded))
    )];
    let failing: Vec<String> = met
        .iter()
        .filter(|(outcome, _)| *outcome == ObstacleOutcome::Fails)
        .filter_map(|(_, point)| point.params.network.map(|network| obstacle_text(&network)))
        .collect();
    found.extend(listed(&format!("{} fails behind", capitalised(label)), &failing));
    found
}
