//! What each optimisation of the server is worth: a rung takes one away.

use contract::{Pattern, Rung};

use crate::{
    comparisons::by_block,
    number::three_digits,
    paired::difference,
    point::Point,
    quantity::{Bound, QuantityName},
};

/// What a rung adds to another, per delivery.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Step {
    /// Mean of the blocks' differences, in the quantity's unit.
    pub(crate) more: f64,
    /// Its 95 % interval; none with fewer than four blocks.
    pub(crate) interval: Option<(f64, f64)>,
}

impl Step {
    /// Whether the interval leaves out zero; never without one.
    pub(crate) fn is_shown(&self) -> bool {
        self.interval.is_some_and(|(low, high)| low > 0.0 || high < 0.0)
    }

    /// `1.30 µs (1.10–1.50)`, without its sign.
    pub(crate) fn size_text(&self, name: QuantityName) -> String {
        let interval =
            self.interval.map(|(low, high)| if self.more < 0.0 { (-high, -low) } else { (low, high) });
        let brackets = interval.map_or_else(String::new, |(low, high)| {
            format!(" ({}–{})", three_digits(low), three_digits(high))
        });
        format!("{}{brackets}", name.text(self.more.abs()))
    }

    /// `+1.30 µs (1.10–1.50)`, with signs at the ends too where they differ.
    pub(crate) fn signed_text(&self, name: QuantityName) -> String {
        format!("{}{}", signed(self.more, &name.text(self.more.abs())), self.ends())
    }

    /// The same without its unit.
    pub(crate) fn bare_text(&self) -> String {
        format!("{}{}", signed(self.more, &three_digits(self.more.abs())), self.ends())
    }

    fn ends(&self) -> String {
        let end = |value: f64| three_digits(value.abs());
        match self.interval {
            None => String::new(),
            Some((low, high)) if low >= 0.0 => format!(" ({}–{})", end(low), end(high)),
            Some((low, high)) => format!(" ({} to {})", signed(low, &end(low)), signed(high, &end(high))),
        }
    }
}

fn signed(value: f64, text: &str) -> String {
    format!("{}{text}", if value >= 0.0 { "+" } else { "−" })
}

/// The point of a rung.
pub(crate) fn on_rung<'a>(points: &[&'a Point], pattern: Pattern, rung: Rung) -> Option<&'a Point> {
    points.iter().copied().find(|point| point.pattern == pattern && point.params.rung == Some(rung))
}

/// Which rung a rung takes something away from.
pub(crate) const fn above(rung: Rung) -> Option<Rung> {
    match rung {
        Rung::Best => None,
        Rung::OwnTasks => Some(Rung::Best),
        Rung::EncodeEach | Rung::WriteEach | Rung::LargeBuffers => Some(Rung::OwnTasks),
    }
}

/// What `point` costs more than `than`, block by block; none where one of them is a bound.
pub(crate) fn step(name: QuantityName, point: &Point, than: &Point) -> Option<Step> {
    let exact = |point: &Point| point.quantity_of(name).bound == Bound::Exact;
    if !exact(point) || !exact(than) {
        return None;
    }
    let (left, right) = (by_block(name, point)?, by_block(name, than)?);
    let values: Vec<(f64, f64)> =
        left.into_iter().filter_map(|(block, value)| Some((value, *right.get(&block)?))).collect();
    let (more, interval) = difference(&values)?;
    Some(Step { more, interval })
}

/// What a rung takes away, as a sentence's subject: what is added to a delivery.
pub(crate) const fn costs_words(rung: Rung) -> &'static str {
    match rung {
        Rung::Best => "nothing taken away",
        Rung::OwnTasks => "a task for each subscriber instead of one shared lane",
        Rung::EncodeEach => "encoding again for each subscriber",
        Rung::WriteEach => "writing each event by itself",
        Rung::LargeBuffers => "leaving the library's buffers as large as they come",
    }
}
