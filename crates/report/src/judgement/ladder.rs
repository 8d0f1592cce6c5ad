//! What each optimisation of the server saves: an ablation removes one.

use contract::{Ablation, Pattern};

use crate::{
    findings::Point,
    quantities::{Bound, QuantityName},
    statistics::paired::difference,
    text::{
        number::{THIN_SPACE, from_to, three_digits},
        setting::ablation_words,
    },
};

/// What an ablation adds to the variant that it is compared with, per delivery.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Step {
    /// Mean of the blocks' differences, in the quantity's unit.
    pub(crate) more: f64,
    /// Its 95 % interval; none with fewer than four blocks.
    pub(crate) interval: Option<(f64, f64)>,
    /// Decimals of the values that differ: a difference has no finer ones.
    decimals: usize,
}

impl Step {
    /// Whether the interval excludes zero; false without an interval.
    pub(crate) fn is_shown(&self) -> bool {
        self.interval.is_some_and(|(low, high)| low > 0.0 || high < 0.0)
    }

    /// `1.30 µs (1.10–1.50)`, without its sign.
    pub(crate) fn size_text(&self, unit: &str) -> String {
        let interval =
            self.interval.map(|(low, high)| if self.more < 0.0 { (-high, -low) } else { (low, high) });
        let brackets = interval.map_or_else(String::new, |(low, high)| {
            format!(" ({})", from_to(&self.size(low), &self.size(high)))
        });
        format!("{}{THIN_SPACE}{unit}{brackets}", self.size(self.more))
    }

    /// `+1.30 (1.10–1.50)`, with signs at the ends too where they differ.
    pub(crate) fn signed_text(&self) -> String {
        let ends = match self.interval {
            None => String::new(),
            Some((low, high)) if low >= 0.0 => format!(" ({})", from_to(&self.size(low), &self.size(high))),
            Some((low, high)) => format!(" ({} to {})", self.signed(low), self.signed(high)),
        };
        format!("{}{ends}", self.signed(self.more))
    }

    fn size(&self, value: f64) -> String {
        format!("{:.*}", self.decimals, value.abs())
    }

    fn signed(&self, value: f64) -> String {
        let size = self.size(value);
        let is_zero = size.bytes().all(|letter| letter == b'0' || letter == b'.');
        match (is_zero, value < 0.0) {
            (true, _) => size,
            (false, true) => format!("−{size}"),
            (false, false) => format!("+{size}"),
        }
    }
}

/// The point of an ablation.
pub(crate) fn with_ablation<'a>(
    points: &[&'a Point],
    pattern: Pattern,
    ablation: Ablation,
) -> Option<&'a Point> {
    points.iter().copied().find(|point| point.pattern == pattern && point.params.ablation == Some(ablation))
}

/// The variant that an ablation is compared with.
pub(crate) const fn above(ablation: Ablation) -> Option<Ablation> {
    match ablation {
        Ablation::Best => None,
        Ablation::OwnTasks => Some(Ablation::Best),
        Ablation::EncodeEach | Ablation::WriteEach | Ablation::LargeBuffers => Some(Ablation::OwnTasks),
    }
}

/// By how much `point` costs more than `than`, block by block; none if one of them is a bound.
pub(crate) fn step(name: QuantityName, point: &Point, than: &Point) -> Option<Step> {
    let exact = |point: &Point| point.quantity_of(name).bound == Bound::Exact;
    if !exact(point) || !exact(than) {
        return None;
    }
    let (left, right) = (point.by_block(name)?, than.by_block(name)?);
    let values: Vec<(f64, f64)> =
        left.into_iter().filter_map(|(block, value)| Some((value, *right.get(&block)?))).collect();
    let (more, interval) = difference(&values)?;
    let printed = three_digits(than.measured(name)?);
    let decimals = printed.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    Some(Step { more, interval, decimals })
}

/// The ablation as the subject of a sentence about its cost.
pub(crate) const fn costs_words(ablation: Ablation) -> &'static str {
    match ablation {
        Ablation::Best => "nothing removed",
        Ablation::OwnTasks => ablation_words(ablation),
        Ablation::EncodeEach => "encoding again for each subscriber",
        Ablation::WriteEach => "writing each event by itself",
        Ablation::LargeBuffers => "keeping the library's default buffers",
    }
}
