//! The answer of a scenario with memory steps: the cost of an open, idle connection.

use crate::{
    findings::Point,
    judgement::difference_test::{Alike, DifferenceTest},
    quantities::{Bound, QuantityName},
    text::number::list,
};

/// Memory and the other costs of an open subscription; none if no point has readings of memory.
pub(super) fn answer(
    difference_test: DifferenceTest<'_>,
    points: &[&Point],
) -> Option<(String, Vec<String>)> {
    let user = each(difference_test, points, QuantityName::MemoryUser)?;
    let mut sentence = format!("Server memory per idle subscriber: {user}");
    if let Some(kernel) = each(difference_test, points, QuantityName::MemoryKernel) {
        sentence.push_str(&format!(". Kernel memory per idle connection, both ends together: {kernel}"));
    }
    sentence.push('.');
    let others = [
        (QuantityName::MemoryUserActive, "Server memory per subscriber after events:"),
        (QuantityName::MemoryKernelActive, "Kernel memory per connection after events, both ends together:"),
        (QuantityName::CpuIdlePerSubscriberHour, "Server CPU per idle subscriber and hour:"),
        (QuantityName::ConnectBytes, "Connection set-up bytes:"),
        (QuantityName::ConnectP99, "Connection set-up time at p99:"),
    ];
    let conditions = others
        .into_iter()
        .filter_map(|(name, words)| Some(format!("{words} {}.", each(difference_test, points, name)?)))
        .collect();
    Some((sentence, conditions))
}

/// `2.00 KB (1.90–2.10) for SSE and 2.30 KB (2.20–2.40) for WebSocket`, the smallest first; in the order of
/// the patterns where the blocks are too few to say which is the smallest.
fn each(difference_test: DifferenceTest<'_>, points: &[&Point], name: QuantityName) -> Option<String> {
    let mut known: Vec<(&Point, f64)> = points
        .iter()
        .filter(|point| point.quantity_of(name).bound == Bound::Exact)
        .filter_map(|point| Some((*point, point.measured(name)?)))
        .collect();
    known.sort_by(|left, right| left.1.total_cmp(&right.1));
    let first = known.first()?.0;
    let mut near: Vec<&Point> = known.iter().map(|(point, _)| *point).collect();
    near.retain(|point| !std::ptr::eq(first, *point) && difference_test.same(name, first, point));
    let why = difference_test.alike(name, first, &near);
    if matches!(why, Alike::NotJudged(_)) {
        known.sort_by_key(|(point, _)| point.pattern);
    }
    let texts: Vec<String> = known
        .iter()
        .map(|(point, _)| {
            format!("{} for {}", point.quantity_of(name).measured_with_interval(), point.label())
        })
        .collect();
    let mut text = list(&texts);
    if !near.is_empty() {
        let labels: Vec<String> = near.iter().map(|point| point.label()).collect();
        let (first, others) = (first.label(), list(&labels));
        text.push_str(&match why {
            Alike::NoDifference => format!(" (no difference shown between {first} and {others})"),
            Alike::NotJudged(_) if near.len() + 1 == known.len() => format!(" ({})", why.words()),
            Alike::NotJudged(_) => format!(" ({first} {})", why.words_from(&others)),
        });
    }
    Some(text)
}
