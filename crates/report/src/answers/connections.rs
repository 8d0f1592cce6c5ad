//! The answer of a scenario with memory steps: the cost of an open, idle connection.

use super::headline::{headed, listed};
use crate::{
    findings::Point,
    judgement::difference_test::{Alike, DifferenceTest},
    quantities::{Bound, QuantityName},
    text::{number::list, sentence::capitalised},
};

/// The quantities of an open subscription with their words, the two of the headline first.
const COSTS: [(QuantityName, &str); 7] = [
    (QuantityName::MemoryUser, "server memory per idle subscriber"),
    (QuantityName::MemoryKernel, "kernel memory per idle connection, both ends together"),
    (QuantityName::MemoryUserActive, "server memory per subscriber after events"),
    (QuantityName::MemoryKernelActive, "kernel memory per connection after events, both ends together"),
    (QuantityName::CpuIdlePerSubscriberHour, "server CPU per idle subscriber and hour"),
    (QuantityName::ConnectBytes, "connection set-up bytes"),
    (QuantityName::ConnectP99, "connection set-up time at p99"),
];

/// Memory and the other costs of an open subscription; none if no point has readings of memory.
pub(super) fn answer(
    difference_test: DifferenceTest<'_>,
    points: &[&Point],
) -> Option<(String, Vec<String>)> {
    let user = Ranked::of(difference_test, points, QuantityName::MemoryUser)?;
    let mut parts = user.headline("an idle subscriber costs the server");
    if let Some(kernel) = Ranked::of(difference_test, points, QuantityName::MemoryKernel) {
        let most = kernel.known.iter().max_by(|left, right| left.1.total_cmp(&right.1));
        parts.extend(
            most.map(|(_, most)| format!("the kernel adds up to {} per connection", kernel.name.text(*most))),
        );
    }
    let conditions = COSTS
        .into_iter()
        .filter_map(|(name, words)| Some(Ranked::of(difference_test, points, name)?.sentences(words)))
        .flatten()
        .collect();
    Some(headed(parts, conditions))
}

/// The points by a quantity.
struct Ranked<'a> {
    name: QuantityName,
    /// The smallest first; in the order of the patterns where the blocks are too few to say which is the smallest.
    known: Vec<(&'a Point, f64)>,
    /// The smallest.
    first: &'a Point,
    /// Those that are not told apart from it.
    near: Vec<&'a Point>,
    why: Alike,
}

impl<'a> Ranked<'a> {
    fn of(difference_test: DifferenceTest<'_>, points: &[&'a Point], name: QuantityName) -> Option<Self> {
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
        Some(Self { name, known, first, near, why })
    }

    /// `an idle subscriber costs the server least with SSE, 2.00 KB`, and where it costs the most.
    fn headline(&self, costs: &str) -> Vec<String> {
        let most = self.known.iter().max_by(|left, right| left.1.total_cmp(&right.1));
        let Some((dearest, most)) = most.map(|(point, value)| (point, self.name.text(*value))) else {
            return Vec::new();
        };
        if self.known.len() == 1 {
            return vec![format!("{costs} {most} with {}", self.first.pattern.label())];
        }
        if self.near.len() + 1 == self.known.len() {
            return vec![match self.why {
                Alike::NoDifference => format!("the patterns tie: {costs} up to {most}"),
                Alike::NotJudged(_) => format!("{costs} up to {most}; the patterns are {}", self.why.words()),
            }];
        }
        let mut cheap = vec![self.first];
        cheap.extend(&self.near);
        cheap.sort_by_key(|point| point.pattern);
        let labels: Vec<String> = cheap.iter().map(|point| short(point)).collect();
        let least = self.first.quantity_of(self.name).measured_text();
        vec![
            format!("{costs} least with {}, {least}", list(&labels)),
            format!("it costs most with {}, {most}", short(dearest)),
        ]
    }

    /// `Server memory per idle subscriber: 2.00 KB (1.90–2.10) for SSE and 2.30 KB (2.20–2.40) for WebSocket.`,
    /// and what of it is not told apart.
    fn sentences(&self, words: &str) -> Vec<String> {
        let texts: Vec<String> = self
            .known
            .iter()
            .map(|(point, _)| {
                format!("{} for {}", point.quantity_of(self.name).measured_with_interval(), point.label())
            })
            .collect();
        let mut found = listed(words, &texts);
        if !self.near.is_empty() {
            let labels: Vec<String> = self.near.iter().map(|point| point.label()).collect();
            let (first, others) = (self.first.label(), list(&labels));
            found.push(match self.why {
                Alike::NoDifference => {
                    format!("In {words} no difference is shown between {first} and {others}.")
                }
                Alike::NotJudged(_) if self.near.len() + 1 == self.known.len() => {
                    format!("These are {}.", self.why.words())
                }
                Alike::NotJudged(_) => {
                    format!("Of these {} is {}.", capitalised(&first), self.why.words_from(&others))
                }
            });
        }
        found
    }
}

/// The pattern, and the swept value if there is one.
fn short(point: &Point) -> String {
    let swept = point.swept.map(|swept| swept.text(&point.params)).filter(|text| !text.is_empty());
    swept.map_or_else(
        || point.pattern.label().to_owned(),
        |swept| format!("{}, {swept}", point.pattern.label()),
    )
}
