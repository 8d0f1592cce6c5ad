//! What a question's answer says: who, what, by how much, at what price, until when.
//!
//! Every sentence is built from the findings, so another run says something else. Where four blocks or
//! more do not tell two values apart, the sentence says that no difference was shown; with fewer, that so
//! few do not tell them apart.

use contract::{Arrivals, Pattern};

use crate::{
    crossing::bytes_flip,
    findings::ScenarioFinding,
    number::{list, period_ms, three_digits},
    point::Point,
    quantity::{Bound, QuantityName},
    setting::Swept,
};

mod browser;
mod connections;
mod judge;
mod network;
mod order;
mod servers;
mod sides;
mod sweep;

pub(crate) use judge::{Alike, Judge, Told, beyond_scatter, scatter_words};
pub(crate) use sweep::main_quantities;

/// The answer to a scenario's question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Name of the scenario.
    pub scenario: String,
    /// The answer in one sentence, or in a few short ones.
    pub sentence: String,
    /// Conditions under which it flips, beyond the one in the sentence.
    pub conditions: Vec<String>,
}

/// Answers a scenario's question from its points.
pub(crate) fn answer(finding: &ScenarioFinding) -> Answer {
    let measured = |point: &&Point| point.completed().next().is_some() && point.server.is_pushlab();
    let points: Vec<&Point> = finding.points.iter().filter(measured).collect();
    let judge = Judge::of(finding);
    let connections =
        if finding.scenario.stairs.is_empty() { None } else { connections::answer(judge, &points) };
    let by_server = if finding.is_ramp() {
        servers::saturation(finding)
    } else if finding.has_foreign() {
        servers::servers(finding)
    } else if Swept::of(&finding.scenario) == Some(Swept::Rung) {
        servers::ladder(finding)
    } else {
        None
    };
    let special =
        browser::answer(finding).or_else(|| Some((browser::not_run(finding)?, vec![]))).or_else(|| {
            match Swept::of(&finding.scenario)? {
                Swept::Network => network::obstacles(finding),
                Swept::Heartbeat => network::heartbeats(finding, judge),
                Swept::Rtt => network::delays(judge, &points),
                Swept::Transport => network::transports(&points),
                Swept::MaxStreams => network::stream_limits(&points),
                Swept::Subscribers
                | Swept::Rate
                | Swept::Payload
                | Swept::PollInterval
                | Swept::Hold
                | Swept::Client
                | Swept::KeepAlive
                | Swept::Side
                | Swept::Rung
                | Swept::StreamsPerConnection => None,
            }
        });
    let (sentence, mut conditions) = match Swept::of(&finding.scenario) {
        _ if by_server.is_some() => by_server.unwrap_or_default(),
        _ if special.is_some() => special.unwrap_or_default(),
        _ if points.is_empty() => ("No trial of this question was completed.".to_owned(), vec![]),
        _ if connections.is_some() => connections.unwrap_or_default(),
        _ if finding.scenario.events == Arrivals::Silence => (silence(&points), vec![]),
        Some(Swept::Side) if points.len() > 1 => sides::answer(finding),
        Some(swept) if points.len() > 1 => sweep::answer(swept, judge, &points),
        Some(_) | None => comparison(judge, finding.primary(), &points),
    };
    let mut sentence = sentence;
    if !finding.has_foreign()
        && !finding.is_ramp()
        && let Some(floors) = servers::floors(finding, finding.main_cost())
    {
        if finding.primary() == Some(finding.main_cost()) {
            // The question is how far each is from the floor: what else is known comes after.
            conditions.insert(0, std::mem::replace(&mut sentence, floors));
        } else {
            conditions.push(floors);
        }
    }
    Answer { scenario: finding.scenario.name.clone(), sentence, conditions }
}

pub(crate) fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn labels(points: &[&Point]) -> String {
    list(&points.iter().map(|point| point.label()).collect::<Vec<_>>())
}

/// `0.61 ms (0.60–0.62) and 0.65 ms (0.63–0.67)`, in the order of the points.
fn values(name: QuantityName, points: &[&Point]) -> String {
    let values = points.iter().map(|point| point.quantity_of(name).measured_with_interval());
    list(&values.collect::<Vec<_>>())
}

/// `0.61 to 0.65 ms`; one value if both print the same, with its interval if it is one point's.
pub(crate) fn range(name: QuantityName, points: &[&Point]) -> String {
    if let [only] = points {
        return only.quantity_of(name).measured_with_interval();
    }
    let values = points.iter().filter_map(|point| point.measured(name));
    let (low, high) =
        values.fold((f64::INFINITY, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)));
    let (low_text, high_text) = (name.text(low), name.text(high));
    let text = if low_text == high_text { high_text } else { format!("{low_text} to {high_text}") };
    let clock = points.first().map(|point| point.quantity_of(name).clock_bound_text());
    format!("{text}{}", clock.unwrap_or_default())
}

fn silence(points: &[&Point]) -> String {
    let parts: Vec<String> = points
        .iter()
        .filter_map(|point| {
            let requests = point.measured(QuantityName::RequestsPerSubscriber)?;
            Some(format!("{} {}", point.label(), three_digits(requests)))
        })
        .collect();
    format!("Without any event, the requests of a subscriber's whole life were: {}.", list(&parts))
}

/// Several patterns at one setting.
fn comparison(judge: Judge<'_>, primary: Option<QuantityName>, points: &[&Point]) -> (String, Vec<String>) {
    // An age always comes first: that which the scenario asks for, or the tail.
    let (name, at) = match primary {
        Some(QuantityName::AgeMean) => (QuantityName::AgeMean, "on average"),
        Some(QuantityName::AgeP50) => (QuantityName::AgeP50, "at p50"),
        Some(_) | None => (QuantityName::AgeP99, "at p99"),
    };
    let mut timed: Vec<&Point> = points
        .iter()
        .copied()
        .filter(|point| {
            let age = point.quantity_of(name);
            age.measured.is_some() && age.bound == Bound::Exact
        })
        .collect();
    let age = |point: &Point| point.measured(name).unwrap_or(f64::MAX);
    timed.sort_by(|left, right| age(left).total_cmp(&age(right)));
    let Some(freshest) = timed.first().copied() else {
        return (format!("Too many events were lost or none arrived: no pattern has an age {at}."), vec![]);
    };
    let (mut near, behind): (Vec<&Point>, Vec<&Point>) =
        timed.iter().copied().partition(|point| judge.same(name, freshest, point));
    near.sort_by_key(|point| point.pattern);
    let mut parts = vec![format!(
        "{} delivered an event in {} {at}{}",
        labels(&near),
        values(name, &near),
        alike(judge, name, freshest, &near)
    )];
    parts.extend(slower(judge, name, freshest, &behind));
    for point in points {
        if point.quantity_of(name).bound == Bound::AtLeast {
            parts.push(format!(
                "{} lost so many events that its age {at} is only known to be over {}",
                point.label(),
                name.lower_bound_text(age(point))
            ));
        }
    }
    parts.extend(price(judge, points));
    let mut conditions = conditions(points);
    if !conditions.is_empty() {
        parts.push(conditions.remove(0));
    }
    let sentence = |part: &String| format!("{}.", capitalised(part));
    let sentences: Vec<String> = parts.iter().map(sentence).collect();
    (sentences.join(" "), conditions.iter().map(sentence).collect())
}

/// `: no difference shown`, behind the values of points that are not told apart from the first; empty
/// behind one alone.
fn alike(judge: Judge<'_>, name: QuantityName, first: &Point, near: &[&Point]) -> String {
    if near.len() < 2 {
        return String::new();
    }
    let same = |left: &&Point| near.iter().all(|right| judge.same(name, left, right));
    if near.iter().all(same) {
        format!(": {}", judge.alike(name, first, near).words())
    } else {
        format!(": {}", judge.alike(name, first, near).words_from(&first.label()))
    }
}

/// `long polling took 12.9 ms (11.0–15.1), 2.90 times as long (2.50–3.36), and …`; none where all are alike.
fn slower(judge: Judge<'_>, name: QuantityName, freshest: &Point, behind: &[&Point]) -> Option<String> {
    let parts: Vec<String> = behind
        .iter()
        .map(|point| {
            let took = if std::ptr::eq(*point, behind[0]) { "took " } else { "" };
            let times = judge.times(name, point, freshest);
            let times = times.map_or_else(String::new, |times| format!(", {}", times.followed_by("as long")));
            format!("{} {took}{}{times}", point.label(), point.quantity_of(name).measured_with_interval())
        })
        .collect();
    match parts.as_slice() {
        [] => None,
        [only] => Some(only.clone()),
        [start @ .., last] => Some(format!("{}, and {last}", start.join(", "))),
    }
}

/// Who moved the fewest bytes, and how many times that the others did.
fn price(judge: Judge<'_>, points: &[&Point]) -> Option<String> {
    let name = QuantityName::BytesPerEvent;
    let bytes = |point: &Point| point.measured(name);
    let mut priced: Vec<&Point> = points.iter().copied().filter(|point| bytes(point).is_some()).collect();
    priced.sort_by(|left, right| bytes(left).unwrap_or(0.0).total_cmp(&bytes(right).unwrap_or(0.0)));
    let (cheapest, dearest) = (*priced.first()?, *priced.last()?);
    let mut near: Vec<&Point> =
        priced.iter().copied().filter(|point| judge.same(name, cheapest, point)).collect();
    near.sort_by_key(|point| point.pattern);
    let times = judge
        .times(name, dearest, cheapest)
        .filter(|_| !near.iter().any(|point| std::ptr::eq(*point, dearest)))
        .map_or_else(String::new, |times| {
            format!(", and up to {}, for {}", times.followed_by("that"), dearest.label())
        });
    let alike = alike(judge, name, cheapest, &near);
    let alike = alike.strip_prefix(": ").map_or_else(String::new, |words| format!(" ({words})"));
    Some(format!("the price was {} per event for {}{alike}{times}", values(name, &near), labels(&near)))
}

/// Where the order of the patterns changes, from the measured parts of the cost.
fn conditions(points: &[&Point]) -> Vec<String> {
    let find = |pattern: Pattern| points.iter().copied().find(|point| point.pattern == pattern);
    let Some(short) = find(Pattern::ShortPolling) else {
        return vec![];
    };
    let mut found = Vec::new();
    if let Some(long) = find(Pattern::LongPolling) {
        found.extend(requests_flip(short, long));
    }
    let push = [find(Pattern::Sse), find(Pattern::WebSocket)].into_iter().flatten().min_by(|left, right| {
        let bytes = |point: &Point| point.measured(QuantityName::BytesPerEvent).unwrap_or(f64::MAX);
        bytes(left).total_cmp(&bytes(right))
    });
    if let Some(push) = push {
        found.extend(bytes_flip(short, push));
    }
    found
}

/// Short polling's requests per event are 1/(λT), so the interval at which it needs as many as long
/// polling follows from one measured point.
fn requests_flip(short: &Point, long: &Point) -> Option<String> {
    let name = QuantityName::RequestsPerEvent;
    let interval_ms = short.params.poll_interval_ms?;
    let (short_requests, long_requests) = (short.measured(name)?, long.measured(name)?);
    if short_requests <= 0.0 || long_requests <= 0.0 {
        return None;
    }
    let equal_ms = period_ms(rounded(interval_ms * short_requests / long_requests));
    let numbers = format!("({} and {} per event)", three_digits(short_requests), three_digits(long_requests));
    Some(if !beyond_scatter(name, short_requests, long_requests) {
        format!(
            "at this interval short polling needs as many requests as long polling {numbers}, above it fewer, below it more"
        )
    } else if short_requests < long_requests {
        format!(
            "short polling needs fewer requests than long polling {numbers} only while its interval is longer than {equal_ms}"
        )
    } else {
        format!(
            "short polling needs more requests than long polling {numbers} until its interval is longer than {equal_ms}"
        )
    })
}

/// Derived settings keep three digits, not the decimals of a float.
fn rounded(value: f64) -> f64 {
    crate::number::six_digits(value).unwrap_or(value)
}
