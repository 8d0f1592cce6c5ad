//! The answers of scenarios that vary the network between subscriber and server.

use contract::Pattern;

use super::{order::order, words::span};
use crate::{
    findings::{Point, ScenarioFinding},
    judgement::{
        difference_test::{DifferenceTest, TestResult},
        one_way_delays::{ONE_WAY_DELAY_EXPLAINED, growths},
    },
    quantities::{Bound, QuantityName},
    tables::{
        heartbeats::{cheapest, of_pattern, survives},
        obstacles::{ConnectionTrouble, ObstacleOutcome, are_compared, by_pattern},
    },
    text::{
        network_words::obstacle_text,
        number::{count, list, setting, three_digits, with_unit},
        sentence::{capitalised, sentences},
        swept::SweepParameter,
    },
};

/// Which obstacles each pattern works behind; none where no trial had one.
pub(super) fn obstacles(finding: &ScenarioFinding) -> Option<(String, Vec<String>)> {
    if !are_compared(finding) {
        return None;
    }
    let passages = |(pattern, passages): &(Pattern, Vec<(ObstacleOutcome, &Point)>)| {
        let number =
            |wanted: ObstacleOutcome| passages.iter().filter(|(passage, _)| *passage == wanted).count();
        let failing: Vec<String> = passages
            .iter()
            .filter(|(passage, _)| *passage == ObstacleOutcome::Fails)
            .filter_map(|(_, point)| point.params.network.map(|network| obstacle_text(&network)))
            .collect();
        let (works, degraded) =
            (number(ObstacleOutcome::Works) as u64, number(ObstacleOutcome::Degraded) as u64);
        let gets_past = format!("works behind {} and is degraded behind {}", count(works), count(degraded));
        let (name, all) = (capitalised(pattern.label()), count(passages.len() as u64));
        let doubtful = passages.iter().filter(|(_, point)| !point.valid).count() as u64;
        let warning = if doubtful > 0 {
            format!(" ({} of these trials not valid)", count(doubtful))
        } else {
            String::new()
        };
        match failing.len() {
            0 => format!("{name} {gets_past} of {all} obstacles, and fails behind none{warning}."),
            _ => {
                format!("{name} fails behind {}. Of {all} obstacles it {gets_past}{warning}.", list(&failing))
            }
        }
    };
    let mut answers = by_pattern(finding).iter().map(passages).collect::<Vec<_>>().into_iter();
    let first = answers.next()?;
    Some((first, answers.collect()))
}

/// With which heartbeats a stream is never cut, and which of these costs the fewest bytes.
pub(super) fn heartbeats(
    finding: &ScenarioFinding,
    difference_test: DifferenceTest<'_>,
) -> Option<(String, Vec<String>)> {
    let with_heartbeats = |pattern: &Pattern| SweepParameter::Heartbeat.concerns(*pattern);
    let parts: Vec<String> = Pattern::ALL
        .into_iter()
        .filter(with_heartbeats)
        .filter_map(|pattern| heartbeat(pattern, &of_pattern(finding, pattern), difference_test))
        .collect();
    let others: Vec<String> = Pattern::ALL
        .into_iter()
        .filter(|pattern| !with_heartbeats(pattern))
        .filter_map(|pattern| {
            let points = of_pattern(finding, pattern);
            let point = points.first()?;
            Some(format!("{} has no heartbeat: {}.", capitalised(pattern.label()), cut_words(point)))
        })
        .collect();
    (!parts.is_empty()).then(|| (sentences(&parts), others))
}

/// `SSE, heartbeat off: cut 120 times, nothing lost, 140 B per event`.
fn heartbeat(pattern: Pattern, points: &[&Point], difference_test: DifferenceTest<'_>) -> Option<String> {
    let first = points.first()?;
    let mut text = match points.iter().find(|point| !survives(point)) {
        Some(cut) => format!("{}: {}", cut.label(), cut_words(cut)),
        None => format!("{} is never cut with any of these heartbeats", first.pattern.label()),
    };
    let Some(cheapest) = cheapest(points) else {
        text.push_str(". None of these heartbeats keeps every stream open");
        return Some(text);
    };
    let name = QuantityName::BytesPerEvent;
    let bytes = |point: &Point| point.quantity_of(name).measured_with_interval();
    text.push_str(&format!(
        ". The cheapest that is never cut is {}, with {} per event",
        SweepParameter::Heartbeat.text(&cheapest.params),
        bytes(cheapest)
    ));
    let survivors = points.iter().filter(|point| survives(point) && !std::ptr::eq(**point, cheapest));
    let others: Vec<String> = survivors
        .map(|point| {
            let same = match (point.valid, difference_test.result(name, cheapest, point)) {
                (false, _) => " (not valid)".to_owned(),
                (true, TestResult::Alike(why)) => format!(" ({})", why.words()),
                (true, TestResult::Apart) => String::new(),
            };
            format!("{} {}{same}", SweepParameter::Heartbeat.text(&point.params), bytes(point))
        })
        .collect();
    if !others.is_empty() {
        text.push_str(&format!("; also never cut: {}", list(&others)));
    }
    debug_assert!(points.iter().all(|point| point.pattern == pattern), "points of one pattern");
    Some(text)
}

fn cut_words(point: &Point) -> String {
    let hardship = ConnectionTrouble::of(point);
    let cut = match hardship.reconnects {
        0 => "never cut".to_owned(),
        1 => "cut once".to_owned(),
        times => format!("cut {} times", count(times)),
    };
    let lost = if point.delivery.lost == 0 {
        "and resumed with nothing lost".to_owned()
    } else {
        format!("with {} of {} deliveries lost", count(point.delivery.lost), count(point.delivery.expected))
    };
    let lost =
        if hardship.reconnects == 0 && point.delivery.lost == 0 { "nothing lost".to_owned() } else { lost };
    let bytes = point.quantity_of(QuantityName::BytesPerEvent);
    let price = bytes.measured.map(|_| format!(", {} per event", bytes.measured_with_interval()));
    let joint = if lost.starts_with("and") || lost.starts_with("with") { " " } else { ", " };
    format!("{cut}{joint}{lost}{}", price.unwrap_or_default())
}

/// How many subscribers the server's limit leaves without a stream, and whether they see an error.
pub(super) fn stream_limits(points: &[&Point]) -> Option<(String, Vec<String>)> {
    let mut waiting = Vec::new();
    let mut served = Vec::new();
    for point in points {
        let at = format!("with {}", SweepParameter::MaxStreams.text(&point.params));
        let away = point.completed().map(|trial| trial.never_connected).max().unwrap_or_default();
        if away == 0 {
            served.push(at);
            continue;
        }
        let result = match ConnectionTrouble::of(point).error_counts.first() {
            None => "see no error".to_owned(),
            Some(error_count) => format!("see {}", error_count.what),
        };
        waiting.push(format!(
            "{at} {} of {} {} subscribers never get a stream and {result}, and {} of {} deliveries never came",
            count(away),
            count(u64::from(point.params.subscribers)),
            point.pattern.label(),
            count(point.delivery.lost),
            count(point.delivery.expected),
        ));
    }
    let served = (!served.is_empty()).then(|| format!("{} every subscriber was served.", list(&served)));
    let served = served.map(|text| capitalised(&text));
    if waiting.is_empty() {
        return Some((served?, Vec::new()));
    }
    Some((sentences(&waiting), served.into_iter().collect()))
}

/// What each transport costs to connect, and then per event.
pub(super) fn transports(points: &[&Point]) -> Option<(String, Vec<String>)> {
    let result = |point: &Point, name: QuantityName, before: &str, after: &str| {
        let quantity = point.quantity_of(name);
        quantity.measured.map(|_| format!("{before}{}{after}", quantity.measured_with_interval()))
    };
    let one = |point: &Point| {
        let parts: Vec<String> = [
            result(point, QuantityName::ConnectP50, "set up in ", " at p50"),
            result(point, QuantityName::ConnectBytes, "", " to connect"),
            result(point, QuantityName::BytesPerEvent, "", " per event"),
            point
                .measured(QuantityName::SocketsHeld)
                .map(|held| format!("on {} connection{}", setting(held), if held == 1.0 { "" } else { "s" })),
        ]
        .into_iter()
        .flatten()
        .collect();
        let transport = SweepParameter::Transport.text(&point.params);
        format!("{} over {transport}: {}", point.pattern.label(), parts.join(", "))
    };
    let of = |pattern: Pattern| {
        let own: Vec<String> =
            points.iter().filter(|point| point.pattern == pattern).map(|point| one(point)).collect();
        (!own.is_empty()).then(|| sentences(&own))
    };
    let mut answers: Vec<String> = Pattern::ALL.into_iter().filter_map(of).collect();
    if answers.is_empty() {
        return None;
    }
    let first = answers.remove(0);
    Some((first, answers))
}

/// By how many one-way delays each pattern's age grows.
pub(super) fn delays(
    difference_test: DifferenceTest<'_>,
    points: &[&Point],
) -> Option<(String, Vec<String>)> {
    let mean = QuantityName::AgeMean;
    let growths = growths(points, mean);
    if growths.is_empty() {
        return None;
    }
    let values = || points.iter().filter_map(|point| Some((point.params.rtt_ms?, point)));
    let (_, nearest) = values().min_by(|(left, _), (right, _)| left.total_cmp(right))?;
    let (farthest_ms, farthest) = values().max_by(|(left, _), (right, _)| left.total_cmp(right))?;
    let grows: Vec<String> = growths
        .iter()
        .map(|growth| {
            let model = growth.predicted.map_or_else(String::new, |predicted| {
                format!(" (model {})", three_digits(predicted / ONE_WAY_DELAY_EXPLAINED))
            });
            format!("{}{model}", growth.one_way_delays())
        })
        .collect();
    let at_the_end: Vec<String> = points
        .iter()
        .filter(|point| point.params.rtt_ms == Some(farthest_ms))
        .filter(|point| point.measured(mean).is_some())
        .map(|point| {
            format!(
                "{} {}, p99 {}",
                point.pattern.label(),
                point.quantity_of(mean).measured_with_interval(),
                point.quantity_of(QuantityName::AgeP99).measured_with_interval()
            )
        })
        .collect();
    let range =
        span(&SweepParameter::Rtt.text(&nearest.params), &SweepParameter::Rtt.text(&farthest.params), "to");
    let sentence = format!(
        "From {range} mean age grows by this many one-way delays: {}. At the longest round trip: {}.",
        list(&grows),
        list(&at_the_end)
    );
    let mut series = std::collections::BTreeMap::<Pattern, Vec<&Point>>::new();
    for point in points {
        series.entry(point.pattern).or_default().push(point);
    }
    let mut conditions: Vec<String> =
        order(mean, &series, SweepParameter::Rtt, difference_test).into_iter().collect();
    conditions.extend(off_the_model(points));
    (Some((sentence, conditions.iter().map(|text| format!("{}.", capitalised(text))).collect())))
        .filter(|_| !at_the_end.is_empty())
}

/// Where measurement and model differ most.
fn off_the_model(points: &[&Point]) -> Option<String> {
    let name = QuantityName::AgeMean;
    let gap = |point: &Point| {
        let quantity = point.quantity_of(name);
        let exact = quantity.bound == Bound::Exact;
        quantity
            .measured
            .zip(quantity.predicted)
            .filter(|_| exact)
            .map(|(measured, predicted)| measured - predicted)
    };
    let known = points.iter().filter_map(|point| Some((gap(point)?, point)));
    let (gap, point) = known.max_by(|(left, _), (right, _)| left.abs().total_cmp(&right.abs()))?;
    let side = if gap >= 0.0 { "above" } else { "below" };
    Some(format!(
        "the mean age farthest from the replayed model is that of {}: {} {side} it",
        point.label(),
        with_unit(gap.abs(), "ms")
    ))
}
