//! Streams and requests that a browser's page has open at the same time.

use contract::BrowserLane;

/// Most of these lanes that were open at the same time.
pub(crate) fn most_at_once<'a>(lanes: impl Iterator<Item = &'a BrowserLane>) -> u64 {
    let mut steps: Vec<(f64, i64)> = Vec::new();
    for lane in lanes {
        if let Some(opened_ms) = lane.opened_ms {
            steps.push((opened_ms, 1));
            steps.extend(lane.ended_ms.map(|ended_ms| (ended_ms.max(opened_ms), -1)));
        }
    }
    // At the same instant, closing comes before opening.
    steps.sort_by(|left, right| left.0.total_cmp(&right.0).then(left.1.cmp(&right.1)));
    let (mut open, mut most) = (0_i64, 0_i64);
    for (_, step) in steps {
        open += step;
        most = most.max(open);
    }
    u64::try_from(most).unwrap_or(0)
}
