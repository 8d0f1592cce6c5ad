//! Whether a run can be trusted as a whole, and why not.

use crate::{
    findings::{Failure, Point, ThresholdFinding, ThresholdOutcome, Verdict},
    text::{
        number::{count, counted},
        sentence::further,
    },
    trials::validity::bytes_are_the_servers,
};

/// The verdict and its reason.
pub(crate) fn verdict(
    points: &[&Point],
    thresholds: &[&ThresholdFinding],
    failures: &[Failure],
    planned: u32,
) -> (Verdict, String) {
    let recorded: usize = points.iter().map(|point| point.trials.len()).sum();
    let completed: usize = points.iter().map(|point| ended(point)).sum();
    let not_run = points.iter().flat_map(|point| &point.trials).filter_map(|trial| trial.not_run.as_ref());
    let not_run: Vec<&String> = not_run.collect();
    let mut of_planned = format!(
        "{} of {} completed",
        count(completed as u64),
        counted(u64::from(planned), "planned trial", "planned trials")
    );
    if let Some(reason) = not_run.first() {
        of_planned.push_str(&format!(", {} not run ({reason})", count(not_run.len() as u64)));
    }
    if let Some(failure) = failures.first() {
        return (
            Verdict::Failed,
            format!(
                "{of_planned}; {} failed, the first in {}: {}",
                count(failures.len() as u64),
                failure.scenario,
                failure.reason
            ),
        );
    }
    let invalid: Vec<&&Point> = points.iter().filter(|point| !point.valid).collect();
    if let Some(point) = invalid.first() {
        let reason =
            point.invalid_because.first().map_or("its numbers contradict each other", String::as_str);
        return (
            Verdict::Invalid,
            format!(
                "{} of {}, the first {} in {}: {reason}",
                count(invalid.len() as u64),
                counted(points.len() as u64, "point", "points"),
                point.label(),
                point.scenario
            ),
        );
    }
    if completed == 0 && !not_run.is_empty() {
        return (Verdict::Failed, format!("nothing was run: {of_planned}"));
    }
    let by_thresholds = by_thresholds(thresholds);
    if recorded < planned as usize || recorded == 0 {
        // A broken threshold stays broken; an undecided one may only lack its trials.
        return match by_thresholds {
            Some((Verdict::ThresholdFailed, reason)) => {
                (Verdict::ThresholdFailed, format!("{reason}; {of_planned}, the others were not run"))
            }
            _ => (Verdict::Interrupted, format!("{of_planned}, the others were not run")),
        };
    }
    if let Some(found) = by_thresholds {
        return found;
    }
    let mut others = delivered(points);
    others.extend(browser_words(points));
    others.extend(kept(thresholds));
    others.extend(repeated(points));
    (Verdict::Passed, format!("{of_planned}{}", further(&others)))
}

/// Trials of a point that ran to their end, including a browser's tasks.
pub(crate) fn ended(point: &Point) -> usize {
    point.completed().count() + point.watched().count()
}

/// Sentences about losses and counts; none if only browsers did their tasks.
fn delivered(points: &[&Point]) -> Vec<String> {
    const BALANCED: &str = "all bytes are accounted for";
    let measured: Vec<&Point> =
        points.iter().copied().filter(|point| point.completed().next().is_some()).collect();
    if measured.is_empty() {
        return Vec::new();
    }
    let hindered = measured.iter().filter(|point| point.params.is_hindered()).count();
    let (counts, result) = (same_counts(&measured), not_reported(&measured));
    let all = format!(
        "every event was delivered once, in order, and subscribers and server counted the same {counts}{result}"
    );
    let on_clear_roads = format!("without an obstacle, {all}");
    let is_lost = measured.iter().any(|point| point.delivery.lost > 0);
    match (hindered, is_lost) {
        (0, _) => vec![all],
        (number, true) if number == measured.len() => vec![
            "losses behind obstacles are findings".to_owned(),
            format!("nothing came twice or out of order, and {BALANCED}"),
        ],
        (number, false) if number == measured.len() => vec![format!(
            "nothing was lost behind obstacles, nothing came twice or out of order, and {BALANCED}"
        )],
        (_, true) => {
            vec![on_clear_roads, format!("losses behind an obstacle are findings, and {BALANCED} there, too")]
        }
        (_, false) => {
            vec![on_clear_roads, format!("nothing was lost behind an obstacle either, and {BALANCED}")]
        }
    }
}

/// How many of the browser's checks hold; none without any.
fn browser_words(points: &[&Point]) -> Option<String> {
    let checks = || {
        points.iter().flat_map(|point| {
            let checks = point.watched().flat_map(|findings| &findings.checks);
            checks.map(move |check| (*point, check))
        })
    };
    let all = checks().count();
    if all == 0 {
        return None;
    }
    let broken = checks().filter(|(_, check)| !check.holds).count();
    Some(match checks().find(|(_, check)| !check.holds) {
        None if all == 1 => "the one check in the browser holds".to_owned(),
        None => format!("all {} checks in the browser hold", count(all as u64)),
        Some((point, check)) => format!(
            "{} of {} checks in the browser do not hold, the first {} in {}",
            count(broken as u64),
            count(all as u64),
            check.name,
            point.scenario
        ),
    })
}

/// The first broken threshold, or else the first undecided one.
fn by_thresholds(thresholds: &[&ThresholdFinding]) -> Option<(Verdict, String)> {
    let of = |outcome: ThresholdOutcome| -> Vec<&&ThresholdFinding> {
        thresholds.iter().filter(|finding| finding.outcome == outcome).collect()
    };
    let (verdict, found) = match (of(ThresholdOutcome::Failed), of(ThresholdOutcome::Inconclusive)) {
        (failed, _) if !failed.is_empty() => (Verdict::ThresholdFailed, failed),
        (_, open) if !open.is_empty() => (Verdict::Inconclusive, open),
        _ => return None,
    };
    let first = found[0];
    let of = if first.of.is_empty() { String::new() } else { format!(" for {}", first.of) };
    let reason = format!(
        "{} of {} {}, the first in {}: {}{of} is {}, {}",
        count(found.len() as u64),
        counted(thresholds.len() as u64, "threshold", "thresholds"),
        if verdict == Verdict::ThresholdFailed { "broken" } else { "undecided" },
        first.scenario,
        first.text,
        first.value_text(),
        first.reason
    );
    Some((verdict, reason))
}

/// How many trials were disturbed and run again; none without any.
fn repeated(points: &[&Point]) -> Option<String> {
    let set_aside = points.iter().map(|point| point.set_aside.len() as u64).sum();
    let attempts = counted(set_aside, "attempt was", "attempts were");
    (set_aside > 0).then(|| format!("{attempts} disturbed by the machine and repeated"))
}

/// How many thresholds were kept; none without any.
fn kept(thresholds: &[&ThresholdFinding]) -> Option<String> {
    let passed = thresholds.iter().filter(|finding| finding.outcome == ThresholdOutcome::Passed).count();
    match passed {
        0 => None,
        1 => Some("the one threshold is kept".to_owned()),
        more => Some(format!("{} thresholds are kept", count(more as u64))),
    }
}

/// What both sides counted independently.
fn same_counts(points: &[&Point]) -> &'static str {
    let theirs = points.iter().filter(|point| bytes_are_the_servers(point.pattern, &point.params)).count();
    if theirs == 0 {
        "requests and bytes"
    } else if theirs < points.len() {
        "requests and bytes; bytes of reqwest subscribers are the server's own count"
    } else {
        "requests; bytes of reqwest subscribers are the server's own count"
    }
}

/// A note if some servers do not report their counts.
fn not_reported(points: &[&Point]) -> &'static str {
    if points.iter().any(|point| point.server.is_foreign()) {
        ", where the server reports its counts"
    } else {
        ""
    }
}
