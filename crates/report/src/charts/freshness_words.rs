//! The texts of the freshness figure. They follow the rule of all sentences: values that intervals do not tell
//! apart show no difference, and for values that one run does not tell apart nothing is claimed.

use contract::Pattern;

use super::{choice::Choice, intervals};
use crate::{
    answers::words::range,
    findings::Point,
    judgement::difference_test::beyond_scatter,
    quantities::QuantityName,
    statistics::blocks::few_blocks,
    text::{
        number::{count, list},
        sentence::capitalised,
    },
};

/// Names that a title can hold.
const MOST_NAMES: usize = 4;

/// The cheapest and the freshest, each with all that are not told apart from them; `are_all` is whether the
/// figure shows every point with a cost.
pub(super) fn title(choices: &[Choice<'_>], are_all: bool) -> String {
    let (bytes, age) = (|choice: &Choice<'_>| choice.bytes, |choice: &Choice<'_>| choice.age_ms);
    let cheapest = near(choices, QuantityName::BytesPerEvent, bytes);
    let freshest = near(choices, QuantityName::AgeP99, age);
    let is_fresh = |choice: &&Choice<'_>| freshest.choices.iter().any(|fresh| std::ptr::eq(*fresh, *choice));
    let both: Vec<&Choice<'_>> = cheapest.choices.iter().copied().filter(is_fresh).collect();
    // Without the ones that are not told apart from these, the title would claim more than the answers do.
    let are_all_both = [&cheapest, &freshest].iter().all(|near| near.choices.len() == both.len());
    let title = if are_all_both && !both.is_empty() {
        let few = if both.len() == 1 { None } else { Some(cheapest.few.or(freshest.few)) };
        let apart = match few {
            None => String::new(),
            Some(None) => " (no difference shown)".to_owned(),
            Some(Some(few)) => format!(" (not told apart by {few})"),
        };
        let verb = if both.len() == 1 { "is" } else { "are" };
        format!("the freshest and the cheapest{apart} {verb} {}", text(&both, choices))
    } else {
        format!("the cheapest{}. The freshest{}", subject(&cheapest, choices), subject(&freshest, choices))
    };
    if are_all { capitalised(&title) } else { format!("Of those shown, {title}") }
}

/// The smallest.
fn least<'a, 'b>(choices: &'b [Choice<'a>], value: impl Fn(&Choice<'_>) -> f64) -> Option<&'b Choice<'a>> {
    choices.iter().min_by(|left, right| value(left).total_cmp(&value(right)))
}

/// The smallest of the choices and all that are not told apart from it.
struct Near<'a, 'b> {
    choices: Vec<&'b Choice<'a>>,
    /// How few blocks did not tell one of them apart; none if there were intervals.
    few: Option<&'static str>,
}

fn near<'a, 'b>(
    choices: &'b [Choice<'a>],
    name: QuantityName,
    value: impl Fn(&Choice<'_>) -> f64,
) -> Near<'a, 'b> {
    let mut near = Near { choices: Vec::new(), few: None };
    let Some(least) = least(choices, &value) else {
        return near;
    };
    // Points of several scenarios have no common blocks, so only their intervals can be compared.
    let ends = |choice: &Choice<'_>| intervals::of(choice.point.quantity_of(name));
    let mut fewest = usize::MAX;
    for choice in choices {
        let is_alike = match (ends(least), ends(choice)) {
            (Some((_, high)), Some((low, _))) => low <= high,
            _ => !beyond_scatter(name, value(least), value(choice)),
        };
        if is_alike {
            near.choices.push(choice);
            let blocks = least.point.blocks().min(choice.point.blocks());
            fewest = if std::ptr::eq(least, choice) { fewest } else { fewest.min(blocks) };
        }
    }
    near.few = few_blocks(fewest);
    near
}

/// ` is A: …`, or `, not told apart by one run, are A and B: …`.
fn subject(near: &Near<'_, '_>, all: &[Choice<'_>]) -> String {
    let (apart, verb) = match (near.choices.len(), near.few) {
        (1, _) => (String::new(), "is"),
        (_, None) => (", with no difference shown,".to_owned(), "are"),
        (_, Some(few)) => (format!(", not told apart by {few},"), "are"),
    };
    format!("{apart} {verb} {}", text(&near.choices, all))
}

/// `A and B: 4.30 to 4.60 ms at p99 for 0.40 KB`.
fn text(of: &[&Choice<'_>], all: &[Choice<'_>]) -> String {
    let mut names: Vec<String> = Vec::new();
    for choice in of {
        let name = name(choice.point, all);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if names.len() > MOST_NAMES {
        names = by_pattern(of);
    }
    if of.len() == all.len() && of.len() > 2 {
        names = vec![format!("all {} points", all.len())];
    }
    let points: Vec<&Point> = of.iter().map(|choice| choice.point).collect();
    format!(
        "{}: {} at p99 for {}",
        listed(&names),
        range(QuantityName::AgeP99, &points),
        range(QuantityName::BytesPerEvent, &points)
    )
}

/// Names that contain commas are separated by semicolons.
fn listed(names: &[String]) -> String {
    if names.iter().any(|name| name.contains(',')) { names.join("; ") } else { list(names) }
}

/// `4 points of SSE`, where naming each would be too long for a title.
fn by_pattern(of: &[&Choice<'_>]) -> Vec<String> {
    let number = |pattern: Pattern| of.iter().filter(|choice| choice.point.pattern == pattern).count();
    Pattern::ALL
        .into_iter()
        .map(|pattern| (pattern.label(), number(pattern)))
        .filter(|(_, number)| *number > 0)
        .map(|(label, number)| match number {
            1 => format!("1 point of {label}"),
            several => format!("{several} points of {label}"),
        })
        .collect()
}

/// The point's label, with its scenario where another one has the same.
fn name(point: &Point, all: &[Choice<'_>]) -> String {
    let label = point.label();
    let twin = |other: &&Choice<'_>| other.point.scenario != point.scenario && other.point.label() == label;
    if all.iter().any(|choice| twin(&choice)) { format!("{label} in {}", point.scenario) } else { label }
}

/// How many subscribers each scenario of the figure has; empty if all have the same number.
pub(super) fn audiences(points: &[&Point]) -> String {
    let mut scenarios: Vec<(&str, Vec<u32>)> = Vec::new();
    for point in points {
        let number = point.params.subscribers;
        match scenarios.iter_mut().find(|(name, _)| *name == point.scenario) {
            Some((_, numbers)) => numbers.push(number),
            None => scenarios.push((&point.scenario, vec![number])),
        }
    }
    let least = points.iter().map(|point| point.params.subscribers).min();
    let most = points.iter().map(|point| point.params.subscribers).max();
    // A single scenario that varies their number has it next to its marks.
    if least == most || scenarios.len() < 2 {
        return String::new();
    }
    let parts: Vec<String> = scenarios
        .iter()
        .enumerate()
        .map(|(index, (name, numbers))| {
            let unit = if index == 0 { " subscribers" } else { "" };
            let text =
                |number: Option<&u32>| number.map_or_else(String::new, |number| count(u64::from(*number)));
            let (low, high) = (text(numbers.iter().min()), text(numbers.iter().max()));
            let numbers = if low == high { low } else { format!("{low} to {high}") };
            format!("{name} with {numbers}{unit}")
        })
        .collect();
    format!(" Ages grow with the number of subscribers, which differs: {}.", parts.join(", "))
}

/// Explains whiskers and faint dots, if there are any.
pub(super) fn interval_words(choices: &[Choice<'_>]) -> &'static str {
    let has_interval =
        |choice: &Choice<'_>| intervals::of(choice.point.quantity_of(QuantityName::AgeP99)).is_some();
    if choices.iter().any(has_interval) {
        " Whiskers: the 95 % interval over the blocks; each faint dot is a trial."
    } else if choices.iter().any(|choice| choice.point.completed().count() > 1) {
        " Each faint dot is a trial."
    } else {
        ""
    }
}
