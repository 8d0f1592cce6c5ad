//! Distributions of ages: from uniform pieces (closed forms) or from single ages (replays).

/// Steps of 1/2,000: fine enough that p99.9 is a point of the grid and not an interpolation.
const GRID_POINTS: usize = 2_001;
/// Ages that a replay keeps for its percentiles; sorting this many takes about 30 ms.
const MOST_KEPT: usize = 500_000;
/// Steps in which jitter is added to a piece.
const BLUR_STEPS: u32 = 64;

/// A distribution of ages in milliseconds, stored as its quantile function on a fine grid.
#[derive(Debug, Clone, PartialEq)]
pub struct AgeCurve {
    mean_ms: f64,
    /// Ages at evenly spaced probabilities 0, 1/(n−1), …, 1.
    grid_ms: Vec<f64>,
}

/// A share of the deliveries whose ages are uniform over a range; in a range of length zero all have the same
/// age.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Piece {
    /// Share of all deliveries, in `[0, 1]`.
    pub share: f64,
    /// Youngest age, seconds.
    pub from_s: f64,
    /// Oldest age, seconds.
    pub to_s: f64,
}

impl Piece {
    /// The same with all ages increased by `more_s`.
    pub(crate) fn after(self, more_s: f64) -> Self {
        Self { share: self.share, from_s: self.from_s + more_s, to_s: self.to_s + more_s }
    }

    /// The same with all ages increased by a delay that is uniform between 0 and `most_s`.
    pub(crate) fn blurred(self, most_s: f64) -> Vec<Self> {
        if most_s == 0.0 {
            return vec![self];
        }
        let step_s = most_s / f64::from(BLUR_STEPS);
        let part = Self { share: self.share / f64::from(BLUR_STEPS), ..self };
        // A single age is spread over each step, so that the result is not a staircase.
        let within_s = if self.to_s > self.from_s { (step_s / 2.0, 0.0) } else { (0.0, step_s) };
        (0..BLUR_STEPS)
            .map(|step| part.after(f64::from(step) * step_s + within_s.0))
            .map(|part| Self { to_s: part.to_s + within_s.1, ..part })
            .collect()
    }
}

impl AgeCurve {
    /// The same with all ages increased by `more_ms`.
    pub(crate) fn older_by(self, more_ms: f64) -> Self {
        Self {
            mean_ms: self.mean_ms + more_ms,
            grid_ms: self.grid_ms.into_iter().map(|age_ms| age_ms + more_ms).collect(),
        }
    }

    /// Mean age.
    #[must_use]
    pub fn mean_ms(&self) -> f64 {
        self.mean_ms
    }

    /// The age that a fraction `quantile` of the deliveries does not exceed.
    #[must_use]
    pub fn quantile_ms(&self, quantile: f64) -> f64 {
        let last = self.grid_ms.len() - 1;
        let place = quantile.clamp(0.0, 1.0) * last as f64;
        let left = (place.floor() as usize).min(last);
        let right = (left + 1).min(last);
        let share = place - left as f64;
        // In this form two equal ages yield exactly that age.
        self.grid_ms[left] + (self.grid_ms[right] - self.grid_ms[left]) * share
    }

    /// The fraction of the deliveries whose age does not exceed `age_ms`: the inverse of
    /// [`AgeCurve::quantile_ms`], in `[0, 1]`.
    #[must_use]
    pub fn fraction_up_to_ms(&self, age_ms: f64) -> f64 {
        let last = self.grid_ms.len() - 1;
        let not_older = self.grid_ms.partition_point(|&age| age <= age_ms);
        if not_older == 0 || not_older > last {
            return if not_older == 0 { 0.0 } else { 1.0 };
        }
        let (below, above) = (self.grid_ms[not_older - 1], self.grid_ms[not_older]);
        let share = (age_ms - below) / (above - below);
        (not_older as f64 - 1.0 + share) / last as f64
    }

    /// The distribution made of these pieces. Their shares must add up to 1.
    #[must_use]
    pub fn of_pieces(pieces: &[Piece]) -> Self {
        let mean_s: f64 = pieces.iter().map(|piece| piece.share * (piece.from_s + piece.to_s) / 2.0).sum();
        Self { mean_ms: mean_s * 1e3, grid_ms: quantiles_of(pieces).into_iter().map(|s| s * 1e3).collect() }
    }
}

/// A point where the distribution function bends or jumps.
struct Bend {
    at_s: f64,
    slope_change: f64,
    jump: f64,
}

/// Walks the piecewise linear distribution function once, from the youngest age to the oldest, and notes the
/// age at each probability of the grid.
fn quantiles_of(pieces: &[Piece]) -> Vec<f64> {
    let mut bends = Vec::with_capacity(2 * pieces.len());
    for piece in pieces.iter().filter(|piece| piece.share > 0.0) {
        let slope = piece.share / (piece.to_s - piece.from_s);
        if slope.is_finite() && slope > 0.0 {
            bends.extend([(piece.from_s, slope), (piece.to_s, -slope)].map(|(at_s, slope_change)| Bend {
                at_s,
                slope_change,
                jump: 0.0,
            }));
        } else {
            bends.push(Bend { at_s: piece.from_s, slope_change: 0.0, jump: piece.share });
        }
    }
    bends.sort_by(|one, other| one.at_s.total_cmp(&other.at_s));

    let mut grid = Vec::with_capacity(GRID_POINTS);
    let (mut reached, mut slope) = (0.0, 0.0);
    let mut at_s = bends.first().map_or(0.0, |bend| bend.at_s);
    let wanted = |grid: &Vec<f64>| grid.len() as f64 / (GRID_POINTS - 1) as f64;
    for bend in &bends {
        let before_jump = reached + slope * (bend.at_s - at_s);
        while grid.len() < GRID_POINTS && wanted(&grid) <= before_jump && slope > 0.0 {
            let age_s: f64 = at_s + (wanted(&grid) - reached) / slope;
            grid.push(age_s.clamp(at_s, bend.at_s));
        }
        reached = before_jump + bend.jump;
        slope += bend.slope_change;
        at_s = bend.at_s;
        while grid.len() < GRID_POINTS && wanted(&grid) <= reached && bend.jump > 0.0 {
            grid.push(at_s);
        }
    }
    // The shares may add up to 1 − 1e-16.
    grid.resize(GRID_POINTS, at_s);
    grid
}

/// Collects the ages of a replay: the mean of all of them, percentiles from at most [`MOST_KEPT`].
pub(crate) struct AgeSample {
    /// Keeps one age of this many.
    stride: usize,
    seen: usize,
    sum_s: f64,
    kept_s: Vec<f64>,
}

impl AgeSample {
    /// For `deliveries` ages, which come in rows of `row` ages each.
    pub(crate) fn new(deliveries: usize, row: usize) -> Self {
        let mut stride = deliveries.div_ceil(MOST_KEPT).max(1);
        // A stride with a common divisor would keep the same columns of every row.
        while greatest_common_divisor(stride, row) > 1 {
            stride += 1;
        }
        Self { stride, seen: 0, sum_s: 0.0, kept_s: Vec::with_capacity(deliveries / stride + 1) }
    }

    pub(crate) fn add(&mut self, age_s: f64) {
        if self.seen.is_multiple_of(self.stride) {
            self.kept_s.push(age_s);
        }
        self.seen += 1;
        self.sum_s += age_s;
    }

    pub(crate) fn into_curve(mut self) -> AgeCurve {
        self.kept_s.sort_unstable_by(f64::total_cmp);
        let kept = self.kept_s.len();
        let grid_ms = (0..GRID_POINTS).map(|point| {
            // The smallest age that this share of the deliveries does not exceed, as in HdrHistogram: no
            // interpolation between two ages.
            let rank = (point * kept).div_ceil(GRID_POINTS - 1).max(1);
            self.kept_s.get(rank - 1).map_or(0.0, |age_s| age_s * 1e3)
        });
        AgeCurve { mean_ms: self.sum_s / self.seen.max(1) as f64 * 1e3, grid_ms: grid_ms.collect() }
    }
}

fn greatest_common_divisor(one: usize, other: usize) -> usize {
    if other == 0 { one } else { greatest_common_divisor(other, one % other) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_uniform_piece_is_a_straight_line() {
        let curve = AgeCurve::of_pieces(&[Piece { share: 1.0, from_s: 1.0, to_s: 3.0 }]);
        assert_eq!(curve.mean_ms(), 2_000.0);
        for (quantile, age_ms) in [(0.0, 1_000.0), (0.5, 2_000.0), (0.99, 2_980.0), (1.0, 3_000.0)] {
            assert!((curve.quantile_ms(quantile) - age_ms).abs() < 1e-6);
            assert!((curve.fraction_up_to_ms(age_ms) - quantile).abs() < 1e-9);
        }
        assert_eq!(curve.fraction_up_to_ms(999.0), 0.0);
        assert_eq!(curve.fraction_up_to_ms(3_001.0), 1.0);
    }

    #[test]
    fn a_jump_gives_many_quantiles_the_same_age() {
        let curve = AgeCurve::of_pieces(&[
            Piece { share: 0.75, from_s: 0.001, to_s: 0.001 },
            Piece { share: 0.25, from_s: 0.0, to_s: 0.1 },
        ]);
        assert!((curve.mean_ms() - 13.25).abs() < 1e-9);
        // 0.25 % of all lie below the jump at 1 ms, and 75 % on it.
        assert!((curve.quantile_ms(0.5) - 1.0).abs() < 1e-9);
        assert!((curve.quantile_ms(0.7525) - 1.0).abs() < 0.2);
        assert!((curve.quantile_ms(0.95) - 80.0).abs() < 1e-6);
    }

    #[test]
    fn a_thinned_sample_keeps_mean_and_quantiles() {
        let (rows, row) = (2_000, 500);
        let mut sample = AgeSample::new(rows * row, row);
        for delivery in 0..rows * row {
            sample.add((delivery % row) as f64);
        }
        assert!(sample.kept_s.len() < rows * row / 2);
        let curve = sample.into_curve();
        assert!((curve.mean_ms() - 249_500.0).abs() < 1e-6);
        assert!((curve.quantile_ms(0.9) - 449_000.0).abs() < 2_000.0);
    }
}
