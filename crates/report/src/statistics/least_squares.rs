//! A straight line fitted through measured points.

/// A line: `base + slope · x`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Line {
    /// The value where x is 0.
    pub(crate) base: f64,
    /// What each step of x adds.
    pub(crate) slope: f64,
}

/// The least-squares line through points (x, y); none if all have the same x, and without any point.
pub(crate) fn line(places: &[(f64, f64)]) -> Option<Line> {
    let count = places.len() as f64;
    let mean_x = places.iter().map(|(x, _)| x).sum::<f64>() / count;
    let mean_y = places.iter().map(|(_, y)| y).sum::<f64>() / count;
    let across = places.iter().map(|(x, _)| (x - mean_x).powi(2)).sum::<f64>();
    let slope = places.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum::<f64>() / across;
    slope.is_finite().then_some(Line { base: mean_y - slope * mean_x, slope })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_a_line_give_it_back() {
        let places: Vec<(f64, f64)> = [0.0, 20.0, 100.0, 300.0].map(|x| (x, 3.0 + 0.5 * x)).to_vec();
        let found = line(&places).unwrap();
        assert!((found.slope - 0.5).abs() < 1e-9 && (found.base - 3.0).abs() < 1e-9, "{found:?}");
        assert_eq!(line(&[(20.0, 3.0)]), None);
        assert_eq!(line(&[]), None);
    }
}
