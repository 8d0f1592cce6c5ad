//! The patterns in their order, and one sentence of advice.

use contract::Pattern;

use super::{
    costs::Costs,
    estimate::{Estimate, estimate},
    rules,
    wish::{Circumstance, Wish},
};
use crate::text::{
    number::{bytes, counted, list, percent, period_ms, times},
    setting,
};

/// What a pattern can be cheapest in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource {
    /// Bytes on the wire.
    Bytes,
    /// CPU time of the server.
    Cpu,
    /// Memory of server and kernel.
    Memory,
}

impl Resource {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Bytes, Self::Cpu, Self::Memory];

    /// Values that differ by less than this factor count as equal: bytes are counted, the others are measured.
    #[must_use]
    pub const fn resolution(self) -> f64 {
        match self {
            Self::Bytes => 1.1,
            Self::Cpu => 1.5,
            Self::Memory => 1.15,
        }
    }

    /// Its name in running text.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Bytes => "bytes",
            Self::Cpu => "server CPU",
            Self::Memory => "memory",
        }
    }

    pub(crate) fn of(self, estimate: &Estimate) -> Option<f64> {
        match self {
            Self::Bytes => estimate.bytes_hz.as_ref().ok().copied(),
            Self::Cpu => Some(estimate.cpu_cores.as_ref()?.value),
            Self::Memory => {
                Some(estimate.memory_user.as_ref()?.value + estimate.memory_kernel.as_ref()?.value)
            }
        }
    }

    /// The patterns with the lowest value and those that count as equal to it, the lowest first.
    pub(crate) fn cheapest(self, values: &[(Pattern, f64)]) -> Vec<Pattern> {
        let mut values = values.to_vec();
        values.sort_by(|(_, one), (_, other)| one.total_cmp(other));
        let lowest = values.first().map_or(0.0, |(_, value)| *value);
        let equal = values.iter().take_while(|(_, value)| *value <= lowest * self.resolution());
        equal.map(|(pattern, _)| *pattern).collect()
    }
}

/// A pattern with its numbers, what it needs, and why it is ruled out.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    pub(crate) pattern: Pattern,
    /// None if no setting of the pattern does what is wanted.
    pub(crate) estimate: Option<Estimate>,
    pub(crate) needs: Vec<String>,
    /// Empty if it does what is wanted.
    pub(crate) ruled_out: Vec<String>,
}

impl Candidate {
    /// The pattern with its setting.
    pub(crate) fn label(&self) -> String {
        self.estimate.as_ref().map_or_else(
            || self.pattern.label().to_owned(),
            |of| setting::pattern_text(of.pattern, &of.params),
        )
    }

    fn value(&self, resource: Resource) -> Option<f64> {
        self.estimate.as_ref().filter(|_| self.ruled_out.is_empty()).and_then(|of| resource.of(of))
    }
}

/// The answer to a wish.
#[derive(Debug, Clone)]
pub struct Choice {
    pub(crate) wish: Wish,
    pub(crate) costs: Option<Costs>,
    /// Best first; those that are ruled out come last.
    pub(crate) candidates: Vec<Candidate>,
    pub(crate) advice: String,
}

impl Choice {
    /// Weighs the four patterns. Without measured costs only the model speaks.
    ///
    /// The order is that of bytes per second. Patterns that count as equal are ordered by server CPU; if that is
    /// equal too, by what they need: where subscribers also send, those come first that can; then those with fewer
    /// needs.
    #[must_use]
    pub fn make(wish: Wish, costs: Option<Costs>) -> Self {
        let candidate = |pattern: Pattern| match estimate(pattern, &wish, costs.as_ref()) {
            Ok(of) => Candidate {
                pattern,
                needs: rules::needs(&of, &wish),
                ruled_out: rules::ruled_out(&of, &wish),
                estimate: Some(of),
            },
            Err(reason) => Candidate { pattern, estimate: None, needs: Vec::new(), ruled_out: vec![reason] },
        };
        let mut left: Vec<Candidate> = Pattern::ALL.into_iter().map(candidate).collect();
        let mut candidates = Vec::new();
        while let Some(next) = next_best(&left, &wish) {
            candidates.push(left.remove(next));
        }
        candidates.append(&mut left);
        let advice = advice(&wish, &candidates);
        Self { wish, costs, candidates, advice }
    }

    /// The recommended pattern; none if all are ruled out.
    #[must_use]
    pub fn best(&self) -> Option<Pattern> {
        self.candidates.first().filter(|first| first.ruled_out.is_empty()).map(|first| first.pattern)
    }

    /// The patterns with the lowest value of a resource and those that count as equal, the lowest first. Empty
    /// without values.
    #[must_use]
    pub fn cheapest(&self, resource: Resource) -> Vec<Pattern> {
        resource.cheapest(&values(&self.candidates, resource))
    }

    /// The sentence at the end.
    #[must_use]
    pub fn advice(&self) -> &str {
        &self.advice
    }
}

fn values(candidates: &[Candidate], resource: Resource) -> Vec<(Pattern, f64)> {
    candidates.iter().filter_map(|of| Some((of.pattern, of.value(resource)?))).collect()
}

/// The place of the best of those that are left; none if all of them are ruled out.
fn next_best(left: &[Candidate], wish: &Wish) -> Option<usize> {
    let fitting = |of: &&Candidate| of.ruled_out.is_empty();
    let by_bytes = Resource::Bytes.cheapest(&values(left, Resource::Bytes));
    let mut by_cpu = values(left, Resource::Cpu);
    by_cpu.retain(|(pattern, _)| by_bytes.contains(pattern));
    let by_cpu = Resource::Cpu.cheapest(&by_cpu);
    let is_beaten = |by: &[Pattern], pattern: Pattern| !by.is_empty() && !by.contains(&pattern);
    let inconvenience = |of: &Candidate| {
        let cannot_send = wish.has(Circumstance::TwoWay) && !of.pattern.upgrades();
        (is_beaten(&by_bytes, of.pattern), is_beaten(&by_cpu, of.pattern), cannot_send, of.needs.len())
    };
    let best = left.iter().filter(fitting).min_by_key(|of| inconvenience(of))?;
    left.iter().position(|of| of.pattern == best.pattern)
}

/// At most 35 words.
fn advice(wish: &Wish, candidates: &[Candidate]) -> String {
    let Some((best, estimate)) = candidates
        .first()
        .filter(|first| first.ruled_out.is_empty())
        .and_then(|first| Some((first, first.estimate.as_ref()?)))
    else {
        let freshness = period_ms(wish.freshness.milliseconds());
        return format!(
            "No pattern delivers 99 of 100 events within {freshness} from one core: divide the subscribers among several servers, or accept older events."
        );
    };
    let subscribers = counted(u64::from(wish.subscribers), "subscriber", "subscribers");
    let mut costs: Vec<String> = Vec::new();
    costs.extend(Resource::Bytes.of(estimate).map(|hz| format!("{} a second", bytes(hz))));
    costs.extend(Resource::Cpu.of(estimate).map(|cores| format!("{} of a core", percent(cores))));
    costs.extend(Resource::Memory.of(estimate).map(|held| format!("{} of memory", bytes(held))));
    let mut sentence = format!("Take {}: {} for {subscribers}", best.label(), list(&costs));
    let other = candidates.iter().skip(1).find_map(|of| {
        let factor = of.value(Resource::Bytes)? / best.value(Resource::Bytes)?;
        (factor > Resource::Bytes.resolution())
            .then(|| format!("{} takes {} the bytes", of.label(), times(factor)))
    });
    sentence.push_str(&other.map_or_else(String::new, |other| format!("; {other}")));
    let by_cpu = Resource::Cpu.cheapest(&values(candidates, Resource::Cpu));
    if let Some(cheaper) = by_cpu.first().filter(|_| !by_cpu.contains(&best.pattern)) {
        sentence.push_str(&format!("; {} needs less CPU", cheaper.label()));
    }
    sentence.push('.');
    sentence
}
