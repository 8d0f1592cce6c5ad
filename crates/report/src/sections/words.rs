//! Sentences of the document.

use crate::{
    document::Text,
    findings::{Findings, Point, ScenarioFinding, ThresholdOutcome},
    judgement::{difference_test::scatter_words, verdict::ended},
    statistics::estimate::FEWEST_BLOCKS,
    tables::drivers::by_driver,
    text::{
        number::{THIN_SPACE, count, counted, list, period_ms},
        sentence::capitalised,
        setting,
        swept::varied_text,
    },
};

/// Answers at the top; the others are only at their scenarios.
pub(crate) const ANSWERS_AT_THE_TOP: usize = 4;

/// Appears once in every report: the words and units of the answers.
pub(crate) const AGE_EXPLAINED: &str = "of an event is received − due: how old it was when a subscriber received it. It counts from the planned instant of the event, so waiting for a poll is part of it. p50: half of the deliveries were at most this old; p99: 99 of 100. “Per event” means per delivery: one event that reached one subscriber. 1 s is 1,000 ms or 1,000,000 µs; 1 KB is 1,000 B (bytes).";

/// Explains the columns "predicted" and "ratio".
pub(crate) const RATIO_EXPLAINED: &str = "The predicted age of a push is the formulas' age plus the excess that the calibration had over the same formulas. The range after it follows from the calibration's scatter. Ratio: measured ÷ predicted; below 5\u{202f}ms the difference, followed by the ratio.";

/// Fewest and most blocks of a point with a completed trial; none without any.
fn block_span(findings: &Findings) -> Option<(usize, usize)> {
    let points = || findings.scenarios.iter().flat_map(|scenario| &scenario.points);
    let blocks = || points().map(Point::blocks).filter(|blocks| *blocks > 0);
    Some((blocks().min()?, blocks().max()?))
}

/// At the table: what its brackets are, or why it has none; with a link to the rules.
pub(crate) fn interval_line(findings: &Findings) -> Text {
    let before = match block_span(findings) {
        None => return Text::default(),
        Some((_, most)) if most < FEWEST_BLOCKS => " Too few blocks for an ".to_owned(),
        Some(_) => format!(" In brackets: the 95{THIN_SPACE}% "),
    };
    Text::from(before).link(INTERVALS_ANCHOR, "interval").plain(".")
}

/// Next to the first answers: intervals alone do not show whether there is a difference.
pub(crate) fn difference_line(findings: &Findings) -> Text {
    match block_span(findings) {
        Some((_, most)) if most >= FEWEST_BLOCKS => Text::from(" Differences are ")
            .link(INTERVALS_ANCHOR, "tested directly")
            .plain(", allowing for many comparisons: intervals that do not overlap are not enough."),
        Some(_) | None => Text::default(),
    }
}

/// Where the rules of intervals and differences stand.
pub(crate) const INTERVALS_ANCHOR: &str = "intervals";
/// Where the drivers stand.
pub(crate) const DRIVERS_ANCHOR: &str = "drivers";

/// The rules of intervals and differences: how many blocks a value has, and what its interval covers.
pub(crate) fn interval_note(findings: &Findings) -> String {
    let Some((least, most)) = block_span(findings) else {
        let mut points = findings.scenarios.iter().flat_map(|scenario| &scenario.points);
        return if points.any(|point| point.watched().next().is_some()) {
            "The trials were tasks in a browser: their results are not values with an interval."
        } else {
            "No trial was completed, so there is no value."
        }
        .to_owned();
    };
    let of = match (least, most) {
        (1, 1) => "One block: every trial was run once".to_owned(),
        (least, most) => {
            let number = if least == most { most.to_string() } else { format!("{least} to {most}") };
            format!(
                "{number} blocks, each with every trial once, in a random order; a value is the geometric mean of its blocks"
            )
        }
    };
    let rule = scatter_words();
    if most < FEWEST_BLOCKS {
        return format!("{of}. That is too few for an interval. {rule}");
    }
    let few = if least < FEWEST_BLOCKS {
        format!(" With fewer than four blocks there is no interval. {rule}")
    } else {
        String::new()
    };
    format!(
        "{of}. In brackets: its 95{THIN_SPACE}% interval over the blocks, left out if both ends print like the value. A difference is shown if the interval of the ratio, taken block by block, does not contain 1. Its probability by chance, adjusted for the question's other comparisons (Holm), must also be at most 0.05. So two intervals that do not overlap may still show no difference. All blocks publish the same schedule: intervals cover the machine, the order of the trials and the poll phases, not another draw of the schedule.{few}"
    )
}

/// Drivers, and the questions whose trials had them; empty if nothing was run.
fn driver_groups(findings: &Findings) -> Vec<(Vec<String>, Vec<String>)> {
    let mut groups: Vec<(Vec<String>, Vec<String>)> = Vec::new();
    for finding in &findings.scenarios {
        let ran = finding.points.iter().filter(|point| ended(point) > 0);
        let own: Vec<String> = by_driver(ran).into_iter().map(|(driver, _)| driver).collect();
        let name = finding.scenario.name.clone();
        if own.is_empty() {
            continue;
        }
        match groups.iter_mut().find(|(known, _)| *known == own) {
            Some((_, names)) => names.push(name),
            None => groups.push((own, vec![name])),
        }
    }
    groups
}

/// The driver of the first question, and how many others there are: at most fifteen words. None if nothing was run.
pub(crate) fn driver_line(findings: &Findings) -> Option<Text> {
    let mut drivers: Vec<String> = driver_groups(findings).into_iter().flat_map(|(own, _)| own).collect();
    let first = drivers.first()?.clone();
    drivers.sort();
    drivers.dedup();
    let (label, others) = match drivers.len() - 1 {
        0 => ("Driver: ", String::new()),
        others => ("Drivers: ", format!(" and {}", counted(others as u64, "other", "others"))),
    };
    Some(Text::from(label).link(DRIVERS_ANCHOR, first).plain(others).plain("."))
}

/// All drivers: one sentence if all questions have the same, else one per group of questions. Empty if nothing
/// was run.
pub(crate) fn driver_words(findings: &Findings) -> String {
    let groups = driver_groups(findings);
    if let [(drivers, _)] = groups.as_slice() {
        return format!("The code from the log to the socket was {}.", list(drivers));
    }
    let sentence = |(drivers, names): &(Vec<String>, Vec<String>)| {
        format!("The code from the log to the socket was, in {}: {}.", list(names), list(drivers))
    };
    groups.iter().map(sentence).collect::<Vec<_>>().join(" ")
}

/// The setting of a scenario in one line.
pub(crate) fn setting_line(finding: &ScenarioFinding) -> String {
    let scenario = &finding.scenario;
    let subscribers = || finding.points.iter().map(|point| u64::from(point.params.subscribers));
    let (least, most) = (subscribers().min().unwrap_or(0), subscribers().max().unwrap_or(0));
    let from = if least < most { format!("{} to ", count(least)) } else { String::new() };
    let subscribers = counted(most, "subscriber", "subscribers");
    let arrivals = setting::arrivals_text(&scenario.events);
    format!("{from}{subscribers}; {arrivals}.{}", varied_text(scenario))
}

/// How many thresholds had which outcome; none if all are kept, because the verdict says so.
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
    Some(format!("thresholds at all points: {}", list(&parts)))
}

/// How long the trials were and how many blocks ran. The default run may have shorter trials than the
/// scenario's file: then the sentence gives both.
pub(crate) fn lengths_text(finding: &ScenarioFinding) -> String {
    let scenario = &finding.scenario;
    let of_file = (scenario.warm_up.milliseconds(), scenario.measure.milliseconds());
    let mut ran: Vec<(f64, f64)> = Vec::new();
    for trial in finding.points.iter().flat_map(|point| point.completed()) {
        let window = trial.window;
        let own = (window.start_ns as f64 * 1e-6, window.seconds() * 1e3);
        if !ran.contains(&own) {
            ran.push(own);
        }
    }
    let blocks = match finding.blocks() {
        0 => String::new(),
        1 => ", in one block".to_owned(),
        blocks => format!(", in {} blocks", count(blocks as u64)),
    };
    let by_name = if ran.is_empty() || ran == [of_file] {
        String::new()
    } else {
        let (warm_up, measured) = (period_ms(of_file.0), period_ms(of_file.1));
        format!(" If run by name, the scenario warms up for {warm_up} and measures {measured}.")
    };
    if ran.is_empty() {
        ran.push(of_file);
    }
    let words = |(warm_up, measured): &(f64, f64)| {
        format!("warm-up {}, measured {}", period_ms(*warm_up), period_ms(*measured))
    };
    let words: Vec<String> = ran.iter().map(words).collect();
    format!("{}{blocks}.{by_name}", capitalised(&list(&words)))
}
