//! The answer of an A/B test: whether the lab sees a difference between equal sides, or the one that was
//! put there on purpose.

use super::{
    headline::{headed, listed},
    sweep::main_quantities,
    words::fewest_blocks,
};
use crate::{
    findings::{Point, ScenarioFinding, between},
    judgement::difference_test::{Alike, DifferenceTest, TestResult},
    quantities::{Bound, QuantityName},
    text::{number::times, sentence::sentences, swept::SweepParameter},
};

pub(super) fn answer(finding: &ScenarioFinding) -> (String, Vec<String>) {
    let main = finding.primary().unwrap_or(main_quantities(SweepParameter::Side)[0]);
    let (mut parts, mut details, mut others) = (Vec::new(), Vec::new(), Vec::new());
    for (index, left) in finding.points.iter().enumerate() {
        for right in &finding.points[index + 1..] {
            if left.pattern == right.pattern {
                parts.extend(headline(finding, main, left, right));
                details.extend(pair(finding, main, left, right).map(|text| sentences(&[text])));
                others.extend(shown_otherwise(finding, main, left, right));
            }
        }
    }
    if parts.is_empty() {
        return ("No two sides of a pattern were measured.".to_owned(), vec![]);
    }
    details.extend(others);
    headed(parts, details)
}

/// `a difference is shown: side a of SSE has 0.843 times the age at p99 of side b`.
fn headline(finding: &ScenarioFinding, name: QuantityName, left: &Point, right: &Point) -> Option<String> {
    let (from, to) = left.measured(name).zip(right.measured(name))?;
    let sides = format!("{} and {} of {}", side(left), side(right), left.pattern.label());
    Some(match DifferenceTest::of(finding).result(name, left, right) {
        TestResult::Alike(Alike::NoDifference) => {
            format!("{sides} tie: no difference of {} is shown", name.label())
        }
        TestResult::Alike(why @ Alike::NotJudged(_)) => {
            format!("{sides} are {} in {}", why.words(), name.label())
        }
        TestResult::Apart => {
            let shown = match fewest_blocks(&[left, right]) {
                Some(few) => format!("by {few}"),
                None => "a difference is shown:".to_owned(),
            };
            format!(
                "{shown} {} of {} has {} the {} of {}",
                side(left),
                left.pattern.label(),
                times(from / to),
                name.label(),
                side(right)
            )
        }
    })
}

/// `SSE, side a and b: age at p99 4.30 ms (…) and 6.31 ms (…): 0.68 times (0.66–0.71)`.
fn pair(finding: &ScenarioFinding, name: QuantityName, left: &Point, right: &Point) -> Option<String> {
    let (from, to) = (left.quantity_of(name), right.quantity_of(name));
    from.measured.zip(to.measured)?;
    let values = format!(
        "{} against {}: {} {} and {}",
        left.label(),
        side(right),
        name.label(),
        from.measured_with_interval(),
        to.measured_with_interval()
    );
    let judged = between(&finding.comparisons, name, left, right).filter(|found| found.is_judged());
    let words = match judged {
        Some(found) if found.shown => format!("a difference is shown, {}", found.words()),
        Some(found) => found.words(),
        None if from.bound == Bound::AtLeast || to.bound == Bound::AtLeast => "not compared".to_owned(),
        None => match DifferenceTest::of(finding).result(name, left, right) {
            TestResult::Alike(why) => why.words(),
            TestResult::Apart => {
                let by = fewest_blocks(&[left, right]).map_or_else(String::new, |few| format!("by {few}"));
                DifferenceTest::of(finding).times(name, left, right)?.followed_by(&by)
            }
        },
    };
    Some(format!("{values}, {words}"))
}

fn side(point: &Point) -> String {
    point.swept.map_or_else(String::new, |swept| swept.text(&point.params))
}

/// In which other quantities a difference is shown.
fn shown_otherwise(
    finding: &ScenarioFinding,
    main: QuantityName,
    left: &Point,
    right: &Point,
) -> Vec<String> {
    let of_pair = |name: &QuantityName| between(&finding.comparisons, *name, left, right);
    let judged: Vec<_> = QuantityName::ALL
        .into_iter()
        .filter(|name| *name != main)
        .filter_map(|name| of_pair(&name))
        .filter(|found| found.is_judged())
        .collect();
    let shown: Vec<String> = judged
        .iter()
        .filter(|found| found.shown)
        .map(|found| format!("{} {}", found.quantity.label(), found.words()))
        .collect();
    let start = format!("{} against {}", left.label(), side(right));
    match (judged.len(), shown.len()) {
        (0, _) => vec![],
        (all, 0) => vec![format!("{start}: no difference shown in any of {all} other quantities.")],
        (all, some) => {
            listed(&format!("{start}, a difference is shown in {some} of {all} other quantities"), &shown)
        }
    }
}
