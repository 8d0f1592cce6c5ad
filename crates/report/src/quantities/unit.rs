//! The units of quantities, and values with their unit.

use std::fmt;

use crate::text::number::{from_to, scaled_bytes, three_digits, with_unit};

/// The unit of a quantity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Milliseconds, for ages and other waits.
    Milliseconds,
    /// Microseconds, for CPU time per event.
    Microseconds,
    /// Seconds.
    Seconds,
    /// Bytes.
    Bytes,
    /// Requests.
    Requests,
    /// A number from 0 to 1.
    Fraction,
    /// Deliveries per second.
    DeliveriesPerSecond,
    /// TCP segments.
    Packets,
    /// Times that a subscriber woke up.
    Wakeups,
    /// File descriptors.
    Descriptors,
    /// Connections held open.
    Sockets,
}

impl Unit {
    /// Its word in files and in the heads of the terminal's tables.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Milliseconds => "ms",
            Self::Microseconds => "us",
            Self::Seconds => "s",
            Self::Bytes => "bytes",
            Self::Requests => "requests",
            Self::Fraction => "fraction",
            Self::DeliveriesPerSecond => "deliveries/s",
            Self::Packets => "packets",
            Self::Wakeups => "wakeups",
            Self::Descriptors => "descriptors",
            Self::Sockets => "sockets",
        }
    }

    /// Its symbol after a number that is not scaled; empty where the quantity's label names what is counted.
    pub(crate) const fn symbol(self) -> &'static str {
        match self {
            Self::Milliseconds => "ms",
            Self::Microseconds => "µs",
            Self::Seconds => "s",
            Self::Bytes
            | Self::Requests
            | Self::Fraction
            | Self::DeliveriesPerSecond
            | Self::Packets
            | Self::Wakeups
            | Self::Descriptors
            | Self::Sockets => "",
        }
    }

    /// A value in the unit in which it is printed, and the symbol of that unit.
    pub(super) fn scaled(self, value: f64) -> (f64, &'static str) {
        if self == Self::Bytes {
            scaled_bytes(value)
        } else if self == Self::Seconds && value.abs() < 1.0 {
            (value * 1e3, Self::Milliseconds.symbol())
        } else {
            (value, self.symbol())
        }
    }

    /// The ends of a value's interval as text, `4.10–4.60`: without a unit if both have the value's unit, else each
    /// with its own. None where both print like the value.
    pub(crate) fn interval(self, value: f64, low: f64, high: f64) -> Option<String> {
        let texts = [low, high].map(|end| self.text(end));
        if texts.iter().all(|text| *text == self.text(value)) {
            return None;
        }
        let (_, symbol) = self.scaled(value);
        let scaled = [low, high].map(|end| self.scaled(end));
        let [low, high] = if scaled.iter().all(|(_, other)| *other == symbol) {
            scaled.map(|(end, _)| three_digits(end))
        } else {
            texts
        };
        Some(from_to(&low, &high))
    }

    /// A value as text and tables print it: `4.30 ms`, `1.10 KB`, `0.133`.
    pub(crate) fn text(self, value: f64) -> String {
        let (scaled, symbol) = self.scaled(value);
        if symbol.is_empty() { three_digits(scaled) } else { with_unit(scaled, symbol) }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.word())
    }
}
