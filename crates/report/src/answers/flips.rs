//! The conditions under which short polling and another pattern swap ranks.

use contract::Pattern;

use crate::{
    findings::Point,
    judgement::difference_test::beyond_scatter,
    quantities::QuantityName,
    text::number::{period_ms, six_digits, three_digits},
};

/// Where the order of the patterns changes, computed from the measured parts of the cost.
pub(super) fn conditions(points: &[&Point]) -> Vec<String> {
    let find = |pattern: Pattern| points.iter().copied().find(|point| point.pattern == pattern);
    let Some(short) = find(Pattern::ShortPolling) else {
        return vec![];
    };
    let mut found = Vec::new();
    if let Some(long) = find(Pattern::LongPolling) {
        found.extend(requests_flip(short, long));
    }
    let streams = Pattern::ALL.into_iter().filter(|pattern| !pattern.polls());
    let push = streams.filter_map(find).min_by(|left, right| {
        let bytes = |point: &Point| point.measured(QuantityName::BytesPerEvent).unwrap_or(f64::MAX);
        bytes(left).total_cmp(&bytes(right))
    });
    if let Some(push) = push {
        found.extend(bytes_flip(short, push));
    }
    found
}

/// Short polling's requests per event are 1/(λT), so the interval at which it needs as many as long
/// polling follows from one measured point.
fn requests_flip(short: &Point, long: &Point) -> Option<String> {
    let name = QuantityName::RequestsPerEvent;
    let interval_ms = short.params.poll_interval_ms?;
    let (short_requests, long_requests) = (short.measured(name)?, long.measured(name)?);
    if short_requests <= 0.0 || long_requests <= 0.0 {
        return None;
    }
    let equal_ms = period_ms(rounded(interval_ms * short_requests / long_requests));
    let numbers = format!("({} and {} per event)", three_digits(short_requests), three_digits(long_requests));
    Some(if !beyond_scatter(name, short_requests, long_requests) {
        format!(
            "at this interval short polling needs as many requests as long polling {numbers}; longer intervals need fewer, shorter ones more"
        )
    } else if short_requests < long_requests {
        format!(
            "short polling needs fewer requests than long polling {numbers} only while its interval is longer than {equal_ms}"
        )
    } else {
        format!(
            "short polling needs more requests than long polling {numbers} unless its interval is longer than {equal_ms}"
        )
    })
}

/// The interval above which short polling moves fewer bytes than a push pattern, in words.
fn bytes_flip(short: &Point, push: &Point) -> Option<String> {
    let push_bytes = push.quantity_of(QuantityName::BytesPerEvent).closed_form?;
    let label = push.pattern.label();
    let text = |value: f64| QuantityName::BytesPerEvent.text(value);
    let break_even = short.bytes_by_interval.windows(2).find_map(|pair| {
        let ((from_ms, from), (to_ms, to)) = (pair[0], pair[1]);
        (from > push_bytes && to <= push_bytes).then(|| {
            let share = (from - push_bytes) / (from - to);
            (from_ms.ln() + (to_ms / from_ms).ln() * share).exp()
        })
    });
    if let Some(interval_ms) = break_even {
        let interval_ms = six_digits(interval_ms)?;
        return Some(format!(
            "by the model short polling moves fewer bytes than {label} at intervals above about {} (about {} events per poll)",
            period_ms(interval_ms),
            three_digits(interval_ms * 1e-3 * short.params.rate_hz)
        ));
    }
    let (first, last) = (short.bytes_by_interval.first()?, short.bytes_by_interval.last()?);
    let fewer = last.1 <= push_bytes;
    Some(format!(
        "by the model short polling moves {} bytes than {label} at every interval from {} to {} ({} per event at the longest, {label} {})",
        if fewer { "fewer" } else { "more" },
        period_ms(first.0),
        period_ms(last.0),
        text(last.1),
        text(push_bytes)
    ))
}

/// A derived setting without the meaningless decimals of a float.
fn rounded(value: f64) -> f64 {
    six_digits(value).unwrap_or(value)
}
