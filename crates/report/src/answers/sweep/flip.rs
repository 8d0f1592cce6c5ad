//! The value of a swept setting at which the answer changes, for the settings that have one.

use super::super::words::{batching, fewest_blocks, span};
use crate::{
    findings::Point,
    judgement::difference_test::DifferenceTest,
    quantities::QuantityName,
    text::{
        number::{period_ms, six_digits, three_digits},
        swept::SweepParameter,
    },
};

/// The value of a setting at which the answer for one pattern's series changes.
pub(super) struct Flip {
    swept: SweepParameter,
    /// Names the value, if the sweep reaches it.
    pub(super) reached: fn(SweepParameter, DifferenceTest<'_>, &[&Point]) -> Option<String>,
    /// Says that the sweep does not reach it, where there are enough blocks to say so.
    pub(super) not_reached: fn(&[&Point]) -> Option<String>,
}

const FLIPS: [Flip; 5] = [
    Flip {
        swept: SweepParameter::PollInterval,
        reached: |_, _, points| interval_flip(points),
        not_reached: |_| None,
    },
    Flip {
        swept: SweepParameter::Rate,
        reached: |swept, _, points| {
            batching(points, &break_even(swept, points, QuantityName::RequestsPerEvent, 0.5)?)
        },
        not_reached: no_batching,
    },
    Flip { swept: SweepParameter::Subscribers, reached: doubled_age, not_reached: no_doubled_age },
    Flip {
        swept: SweepParameter::Payload,
        reached: |swept, _, points| payload_above_half(swept, points),
        not_reached: |points| {
            let pattern = points.first()?.pattern.label();
            Some(format!("for {pattern} the payload is never more than half of the bytes"))
        },
    },
    Flip {
        swept: SweepParameter::Hold,
        reached: |swept, _, points| empty_ratio_below_half(swept, points),
        not_reached: |_| None,
    },
];

/// The flip of a setting, if it has one.
pub(super) fn flip_of(swept: SweepParameter) -> Option<&'static Flip> {
    FLIPS.iter().find(|flip| flip.swept == swept)
}

fn no_batching(points: &[&Point]) -> Option<String> {
    let first = points.first()?;
    let pattern = first.pattern.label();
    // Without a value nothing can be said, and from the first rate on there is no change to name.
    Some(if first.measured(QuantityName::RequestsPerEvent)? < 0.5 {
        format!("at all these rates a request of {pattern} brings more than two events on average")
    } else {
        format!(
            "at these rates {pattern} does not turn into batching: a request brings at most two events on \
             average"
        )
    })
}

fn doubled_age(
    swept: SweepParameter,
    difference_test: DifferenceTest<'_>,
    points: &[&Point],
) -> Option<String> {
    let name = QuantityName::AgeP99;
    let first = points.first()?;
    let first_ms = first.measured(name)?;
    let doubled = points.iter().find(|point| {
        let doubled = point.measured(name).is_some_and(|age_ms| age_ms > 2.0 * first_ms);
        doubled && !difference_test.same(name, first, point)
    })?;
    let pattern = first.pattern.label();
    Some(format!("the age of {pattern} has more than doubled at {}", swept.text(&doubled.params)))
}

fn no_doubled_age(points: &[&Point]) -> Option<String> {
    let pattern = points.first()?.pattern.label();
    Some(match fewest_blocks(points) {
        Some(few) => format!("{few} cannot show whether the age of {pattern} doubles"),
        None => format!("no doubling of the age is shown for {pattern}"),
    })
}

fn payload_above_half(swept: SweepParameter, points: &[&Point]) -> Option<String> {
    let half = points.iter().find(|point| {
        let payload = point.measured(QuantityName::PayloadBytesPerEvent);
        let all = point.measured(QuantityName::BytesPerEvent);
        payload.zip(all).is_some_and(|(payload, all)| payload > all / 2.0)
    })?;
    Some(format!(
        "for {} the payload is more than half of the bytes at {} and above",
        half.pattern.label(),
        swept.text(&half.params)
    ))
}

fn empty_ratio_below_half(swept: SweepParameter, points: &[&Point]) -> Option<String> {
    let pattern = points.first()?.pattern.label();
    let between = break_even(swept, points, QuantityName::EmptyRatio, 0.5)?;
    Some(format!("the empty ratio of {pattern} falls below 0.5 {between}"))
}

/// Requests per event are 1/(λT): T × requests is the mean gap between events at every point.
fn interval_flip(points: &[&Point]) -> Option<String> {
    let mut gaps: Vec<f64> = points
        .iter()
        .filter_map(|point| {
            Some(point.params.poll_interval_ms? * point.measured(QuantityName::RequestsPerEvent)?)
        })
        .collect();
    gaps.sort_by(f64::total_cmp);
    let gap_ms = gaps.get(gaps.len() / 2).copied().and_then(six_digits)?;
    let mut shares: Vec<f64> = points
        .iter()
        .filter_map(|point| Some(point.measured(QuantityName::AgeP99)? / point.params.poll_interval_ms?))
        .collect();
    shares.sort_by(f64::total_cmp);
    let share = shares.get(shares.len() / 2).copied()?;
    Some(format!(
        "events wait up to {} times the interval at p99; below {}, the gap between events, polling costs more than one request per event",
        three_digits(share),
        period_ms(gap_ms)
    ))
}

/// Between which two values a quantity falls below a limit.
fn break_even(swept: SweepParameter, points: &[&Point], name: QuantityName, limit: f64) -> Option<String> {
    points.windows(2).find_map(|pair| {
        let [left, right] = pair else { return None };
        let (before, after) = (left.measured(name)?, right.measured(name)?);
        (before >= limit && after < limit).then(|| {
            format!("between {}", span(&swept.text(&left.params), &swept.text(&right.params), "and"))
        })
    })
}
