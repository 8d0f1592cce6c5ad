//! The sentences of claims: their placeholders, and the values of a run in their place.

use crate::{
    findings::{Point, unmeasured},
    judgement::{
        expression::{Measure, Scope},
        expression_value::{Operands, PointsOf},
    },
    quantities::Bound,
    text::number::{count, rounded_down, three_digits, with_interval},
};

/// What stands where a point has no value.
const NOT_MEASURED: &str = "(not measured)";

/// A part of a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part<'a> {
    Text(&'a str),
    /// `{flip}`.
    Flip,
    /// A value or a ratio in braces.
    Measure(&'a str),
}

/// The parts of a sentence; what is wrong with its braces otherwise.
pub(crate) fn parts(sentence: &str) -> Result<Vec<Part<'_>>, String> {
    let mut parts = Vec::new();
    let mut rest = sentence;
    while let Some(start) = rest.find(['{', '}']) {
        let (text, braced) = rest.split_at(start);
        parts.push(Part::Text(text));
        let Some(inner) = braced.strip_prefix('{') else {
            return Err("it has a `}` without its `{`".to_owned());
        };
        let end = inner.find(['{', '}']).filter(|end| inner[*end..].starts_with('}'));
        let end = end.ok_or_else(|| "it has a `{` without its `}`".to_owned())?;
        parts.push(match inner[..end].trim() {
            "flip" => Part::Flip,
            measure => Part::Measure(measure),
        });
        rest = &inner[end + 1..];
    }
    parts.push(Part::Text(rest));
    Ok(parts)
}

/// The sentence with its values. Its form was checked when its file was read; a sentence of another form is
/// returned as it is.
pub(crate) fn filled(
    sentence: &str,
    scope: Scope<'_, '_>,
    points_of: PointsOf<'_, '_>,
    flip: Option<&str>,
) -> String {
    let Ok(parts) = parts(sentence) else { return sentence.to_owned() };
    let written = |part: Part<'_>| match part {
        Part::Text(text) => text.to_owned(),
        Part::Flip => flip.unwrap_or("(at no single value)").to_owned(),
        Part::Measure(text) => match scope.measure(text) {
            Ok(measure) => value_text(&measure, &measure.operands(points_of)),
            Err(_) => NOT_MEASURED.to_owned(),
        },
    };
    parts.into_iter().map(written).collect()
}

fn value_text(measure: &Measure<'_>, operands: &[Operands<'_>]) -> String {
    let [only] = operands else { return NOT_MEASURED.to_owned() };
    let is_of_browser = measure.subjects().all(|subject| subject.is_of_browser());
    let lacks =
        |point: &Point| if is_of_browser { point.not_run().is_some() } else { unmeasured(point).is_some() };
    if only.points().any(lacks) {
        return NOT_MEASURED.to_owned();
    }
    if only.points().any(|point| !point.valid) {
        return "(not valid)".to_owned();
    }
    if let (Some(name), None) = (measure.term.subject.quantity(), &measure.divisor) {
        let quantity = only.point.quantity_of(name);
        let text = quantity.measured.map(|_| quantity.measured_with_interval());
        return text.unwrap_or_else(|| NOT_MEASURED.to_owned());
    }
    let Ok(found) = measure.value(*only) else { return NOT_MEASURED.to_owned() };
    match (found.counted, found.interval, found.bound) {
        (true, None, _) => count(found.value as u64),
        (true, Some((least, most)), _) => format!("{} to {}", count(least as u64), count(most as u64)),
        (false, _, Bound::AtLeast) => format!("more than {}", three_digits(rounded_down(found.value))),
        (false, interval, Bound::Exact) => {
            let ends = interval.map(|(low, high)| [low, high].map(three_digits));
            with_interval(&three_digits(found.value), ends)
        }
    }
}
