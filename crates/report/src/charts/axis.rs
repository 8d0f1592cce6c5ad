//! Axes and the plane between two of them.

use super::canvas::{Anchor, Canvas, Drawn, TICK_TEXT, text_width};
use crate::{
    quantities::{QuantityName, Unit},
    style::ColourRole,
    text::number::setting,
};

/// How values are spaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scale {
    Linear,
    Log,
}

/// One axis: its ends, its ticks and its title.
#[derive(Debug, Clone)]
pub(crate) struct Axis {
    scale: Scale,
    low: f64,
    high: f64,
    ticks: Vec<(f64, String)>,
    title: String,
}

impl Axis {
    /// From zero to a round number at or above the largest value.
    pub(crate) fn from_zero(values: impl Iterator<Item = f64>, title: &str) -> Self {
        let largest = values.filter(|value| value.is_finite()).fold(0.0, f64::max);
        let largest = if largest > 0.0 { largest } else { 1.0 };
        let step = round_up(largest / 4.0);
        let steps = (largest / step - 1e-9).ceil().max(1.0);
        Self {
            scale: Scale::Linear,
            low: 0.0,
            high: step * steps,
            ticks: (0..=steps as u32)
                .map(|index| f64::from(index) * step)
                .map(|value| (value, setting(value)))
                .collect(),
            title: title.to_owned(),
        }
    }

    /// Linear between given ends with given ticks.
    pub(crate) fn linear(low: f64, high: f64, ticks: Vec<(f64, String)>, title: &str) -> Self {
        Self {
            scale: Scale::Linear,
            low,
            high: if high > low { high } else { low + 1.0 },
            ticks,
            title: title.to_owned(),
        }
    }

    /// Logarithmic over all positive values, ends at 1, 2 or 5 times a power of ten.
    pub(crate) fn log(values: impl Iterator<Item = f64>, title: &str) -> Self {
        let (mut low, mut high) = values
            .filter(|value| value.is_finite() && *value > 0.0)
            .fold((f64::INFINITY, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)));
        if low > high {
            (low, high) = (1.0, 10.0);
        }
        let (low, high) = (round_down(low), round_up(high));
        let high = if high > low * 1.5 { high } else { low * 2.0 };
        let decades = (high / low).log10();
        let within = |value: &f64| *value >= low * 0.999 && *value <= high * 1.001;
        let first = low.log10().floor() as i32;
        let last = high.log10().ceil() as i32;
        let each: &[f64] = if decades < 2.1 { &[1.0, 2.0, 5.0] } else { &[1.0] };
        let every = if decades > 6.5 { 2 } else { 1 };
        let ticks = (first..=last)
            .filter(|power| power.rem_euclid(every) == 0)
            .flat_map(|power| each.iter().map(move |digit| digit * 10_f64.powi(power)))
            .filter(within)
            .map(|value| (value, setting(value)))
            .collect();
        Self { scale: Scale::Log, low, high, ticks, title: title.to_owned() }
    }

    /// Logarithmic over all positive values, with room beyond the lowest and the highest, so that no mark lies on
    /// the edge and values that are nearly alike do not fill the axis.
    pub(crate) fn log_with_room(values: impl Iterator<Item = f64>, title: &str) -> Self {
        const ROOM: f64 = 1.25;
        let (low, high) = values
            .filter(|value| value.is_finite() && *value > 0.0)
            .fold((f64::INFINITY, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)));
        if low > high {
            return Self::log(std::iter::empty(), title);
        }
        let (low, high) = (low / ROOM, high * ROOM);
        // An axis by powers of ten alone would have too few ticks within a decade.
        let ticks = if high / low < 2.0 {
            let step = round_up((high - low) / 5.0);
            let first = (low / step).ceil() as u32;
            (first..=(high / step) as u32).map(|index| f64::from(index) * step).collect::<Vec<f64>>()
        } else if high / low < 8.0 {
            let power = 10_f64.powf(low.log10().floor());
            let digits = [1.0, 1.5, 2.0, 3.0, 5.0, 7.0];
            let both = [power, power * 10.0].into_iter();
            both.flat_map(|power| digits.map(|digit| digit * power)).collect()
        } else {
            let wide = Self::log([low, high].into_iter(), title);
            wide.ticks.into_iter().map(|(value, _)| value).collect()
        };
        let ticks = ticks.into_iter().filter(|value| (low..=high).contains(value));
        let ticks = ticks.map(|value| (value, setting(value))).collect();
        Self { scale: Scale::Log, low, high, ticks, title: title.to_owned() }
    }

    pub(crate) fn title(&self) -> &str {
        &self.title
    }

    /// The same axis without its title: for panels that share one.
    pub(crate) fn untitled(mut self) -> Self {
        self.title.clear();
        self
    }

    /// The same axis with ticks at powers of ten alone where there are two of them: for low panels.
    pub(crate) fn with_decades(mut self) -> Self {
        let is_power = |value: f64| {
            let power = value.log10();
            (power - power.round()).abs() < 1e-6
        };
        let powers: Vec<(f64, String)> =
            self.ticks.iter().filter(|(value, _)| is_power(*value)).cloned().collect();
        if powers.len() > 1 {
            self.ticks = powers;
        }
        self
    }

    /// The same axis with ticks at these values only.
    pub(crate) fn with_ticks(mut self, ticks: Vec<(f64, String)>) -> Self {
        self.ticks = ticks;
        self
    }

    /// Share of the way from the low to the high end, kept within.
    fn share(&self, value: f64) -> f64 {
        let share = match self.scale {
            Scale::Linear => (value - self.low) / (self.high - self.low),
            Scale::Log => (value.max(self.low * 1e-3) / self.low).ln() / (self.high / self.low).ln(),
        };
        share.clamp(0.0, 1.0)
    }
}

/// Title of an axis of a quantity: `age at p99, ms`.
pub(crate) fn quantity_title(name: QuantityName) -> String {
    let label = name.label();
    // Most labels of bytes name them.
    let unnamed = name.unit() == Unit::Bytes && !label.contains("bytes");
    let symbol = if unnamed { "B" } else { name.unit().symbol() };
    if symbol.is_empty() { label.to_owned() } else { format!("{label}, {symbol}") }
}

fn round_down(value: f64) -> f64 {
    let power = 10_f64.powi(value.log10().floor() as i32);
    let digit = value / power;
    let round = if digit >= 4.999 {
        5.0
    } else if digit >= 1.999 {
        2.0
    } else {
        1.0
    };
    round * power
}

fn round_up(value: f64) -> f64 {
    let power = 10_f64.powi(value.log10().floor() as i32);
    let digit = value / power;
    let round = if digit <= 1.001 {
        1.0
    } else if digit <= 2.001 {
        2.0
    } else if digit <= 5.001 {
        5.0
    } else {
        10.0
    };
    round * power
}

/// The rectangle between two axes.
pub(crate) struct Plane {
    pub(crate) x: Axis,
    pub(crate) y: Axis,
    pub(crate) left: f64,
    pub(crate) right: f64,
    pub(crate) top: f64,
    pub(crate) bottom: f64,
}

impl Plane {
    pub(crate) fn place_x(&self, value: f64) -> f64 {
        self.left + (self.right - self.left) * self.x.share(value)
    }

    pub(crate) fn place_y(&self, value: f64) -> f64 {
        self.bottom - (self.bottom - self.top) * self.y.share(value)
    }

    pub(crate) fn place(&self, (x, y): (f64, f64)) -> (f64, f64) {
        (self.place_x(x), self.place_y(y))
    }

    /// Grid, ticks and titles. The title of the vertical axis is above it, because rotated text is hard to
    /// read.
    pub(crate) fn frame(&self, canvas: &Canvas<'_>) -> Drawn {
        self.frame_y(canvas)?;
        self.grid_x(canvas)?;
        self.frame_x(canvas)
    }

    /// Only the upright lines at the labelled ticks.
    pub(crate) fn grid_x(&self, canvas: &Canvas<'_>) -> Drawn {
        for (value, _) in self.labelled_x() {
            let x = self.place_x(value);
            canvas.line(&[(x, self.top), (x, self.bottom)], ColourRole::Grid, 1.0)?;
        }
        Ok(())
    }

    /// The numbers and the title below, without a grid: for charts whose vertical lines have a meaning.
    pub(crate) fn frame_x(&self, canvas: &Canvas<'_>) -> Drawn {
        for (value, label) in self.labelled_x() {
            let place = (self.place_x(value), self.bottom + 14.0);
            canvas.text(place, &label, Anchor::Centre, TICK_TEXT, ColourRole::Quiet)?;
        }
        if self.x.title.is_empty() {
            return Ok(());
        }
        let middle = f64::midpoint(self.left, self.right);
        canvas.text((middle, self.bottom + 33.0), &self.x.title, Anchor::Centre, TICK_TEXT, ColourRole::Quiet)
    }

    /// Only the vertical axis, for panels that share the other one.
    pub(crate) fn frame_y(&self, canvas: &Canvas<'_>) -> Drawn {
        let mut last = f64::INFINITY;
        for (value, label) in &self.y.ticks {
            let y = self.place_y(*value);
            canvas.line(&[(self.left, y), (self.right, y)], ColourRole::Grid, 1.0)?;
            // In a low panel ticks come closer than their labels are high.
            if last - y >= TICK_TEXT {
                canvas.text((self.left - 6.0, y), label, Anchor::Right, TICK_TEXT, ColourRole::Quiet)?;
                last = y;
            }
        }
        if self.y.title.is_empty() {
            return Ok(());
        }
        canvas.text((4.0, self.top - 19.0), &self.y.title, Anchor::Left, TICK_TEXT, ColourRole::Quiet)
    }

    /// Ticks whose labels do not run into each other.
    fn labelled_x(&self) -> Vec<(f64, String)> {
        let mut kept: Vec<(f64, String)> = Vec::new();
        let mut free_from = f64::NEG_INFINITY;
        for (value, label) in &self.x.ticks {
            // Digits are wider than letters in some fonts.
            let half = text_width(label, TICK_TEXT) * 0.6;
            let x = self.place_x(*value);
            if x - half >= free_from {
                free_from = x + half + 5.0;
                kept.push((*value, label.clone()));
            }
        }
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|(_, label)| label.as_str()).collect()
    }

    #[test]
    fn ticks_are_round() {
        let axis = Axis::from_zero([0.3, 1.7].into_iter(), "requests");
        assert_eq!(labels(&axis), ["0", "0.5", "1", "1.5", "2"]);
        let axis = Axis::log([0.21, 988.0].into_iter(), "age, ms");
        assert_eq!(labels(&axis), ["1", "10", "100", "1,000"]);
        assert_eq!((axis.low, axis.high), (0.2, 1_000.0));
    }

    #[test]
    fn an_axis_with_room_has_no_value_at_its_ends() {
        for (values, ticks) in [
            (vec![228.0, 232.0], vec!["200", "250"]),
            (vec![128.0, 442.0], vec!["150", "200", "300", "500"]),
            (vec![5.5, 1_980.0], vec!["10", "100", "1,000"]),
        ] {
            let axis = Axis::log_with_room(values.iter().copied(), "age, ms");
            assert_eq!(labels(&axis), ticks);
            assert!(values.iter().all(|value| (0.02..0.98).contains(&axis.share(*value))), "{values:?}");
        }
    }

    #[test]
    fn axes_survive_no_values_and_odd_ones() {
        for values in [vec![], vec![0.0], vec![f64::NAN, f64::INFINITY], vec![3.0]] {
            for axis in [
                Axis::log(values.iter().copied(), ""),
                Axis::log_with_room(values.iter().copied(), ""),
                Axis::from_zero(values.iter().copied(), ""),
            ] {
                assert!(axis.low < axis.high);
                assert!(axis.share(1.0).is_finite() && axis.share(0.0).is_finite());
            }
        }
    }
}
