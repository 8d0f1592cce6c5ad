//! Sentences that the page and its Markdown twin share.

use crate::{
    answers::scatter_words,
    estimate::FEWEST_BLOCKS,
    findings::Findings,
    number::{THIN_SPACE, count, list},
    point::Point,
    threshold_verdict::ThresholdOutcome,
};

/// How few blocks stand behind a value, in words; none where they are enough for an interval.
pub(crate) const fn few_blocks(blocks: usize) -> Option<&'static str> {
    match blocks {
        0 | 1 => Some("one run"),
        2 => Some("two blocks"),
        3 => Some("three blocks"),
        _ => None,
    }
}

/// Said once, beside the answer: how many blocks stand behind a value, and what an interval covers.
pub(crate) fn interval_note(findings: &Findings) -> String {
    let blocks = || {
        let points = findings.scenarios.iter().flat_map(|scenario| &scenario.points);
        // A point without any completed trial has no value to speak of.
        points.map(Point::blocks).filter(|blocks| *blocks > 0)
    };
    let (least, most) = (blocks().min().unwrap_or(0), blocks().max().unwrap_or(0));
    let mut points = findings.scenarios.iter().flat_map(|scenario| &scenario.points);
    let of = match (least, most) {
        (_, 0) if points.any(|point| point.watched().next().is_some()) => {
            return "The trials were a browser’s tasks: what they brought to light is no value with an interval."
                .to_owned();
        }
        (_, 0) => return "No trial was completed, so there is no value.".to_owned(),
        (1, 1) => "One block: every trial was run once".to_owned(),
        (least, most) if least == most => {
            format!(
                "{most} blocks, each with every trial once, in a random order; a value is their geometric mean"
            )
        }
        (least, most) => format!(
            "{least} to {most} blocks, each with every trial once, in a random order; a value is their geometric mean"
        ),
    };
    let rule = scatter_words();
    if most < FEWEST_BLOCKS {
        return format!("{of}. That is too few for an interval. {rule}");
    }
    let few = if least < FEWEST_BLOCKS {
        format!(" Where there are fewer than four blocks there is none. {rule}")
    } else {
        String::new()
    };
    format!(
        "{of}. In brackets its 95{THIN_SPACE}% interval over the blocks, left out where both ends print as the value does. A difference is shown where the interval of the ratio, taken block by block, leaves out 1 and its probability by chance, adjusted for the other comparisons of the question (Holm), is at most 0.05. All blocks publish the same schedule: intervals cover the machine, the order of the trials and the poll phases, not another draw of the schedule.{few}"
    )
}

/// What became of the thresholds; none if all are kept, for the verdict says so.
pub(crate) fn threshold_words(findings: &Findings) -> Option<String> {
    if findings.thresholds().all(|finding| finding.outcome == ThresholdOutcome::Passed) {
        return None;
    }
    let parts: Vec<String> = [
        (ThresholdOutcome::Passed, "kept"),
        (ThresholdOutcome::Failed, "broken"),
        (ThresholdOutcome::Inconclusive, "undecided"),
        (ThresholdOutcome::NotJudged, "not judged"),
    ]
    .into_iter()
    .filter_map(|(outcome, word)| {
        let number = findings.thresholds().filter(|finding| finding.outcome == outcome).count();
        (number > 0).then(|| format!("{} {word}", count(number as u64)))
    })
    .collect();
    Some(format!("Thresholds at all points: {}.", list(&parts)))
}
