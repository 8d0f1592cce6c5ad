//! The rows of the validity box.

use contract::Measurements;

use crate::{
    document::{Cell, Tone},
    findings::{Point, ScenarioFinding, Trial, unmeasured},
    statistics::finite::quantile_ms,
    text::number::{bytes, count, with_unit},
    trials::{
        added_age::{AddedAge, primary_age},
        ledgers::{Ledger, difference},
        limits::{CHECKS, Check, added_head},
    },
};

/// For a value that the system does not report, such as the kernel's counts outside Linux.
const NOT_TOLD: &str = "not reported";

/// A value; bad if it is beyond its limit.
fn judged_cell(text: String, is_beyond: bool) -> Cell {
    Cell::value(text).toned(if is_beyond { Tone::Bad } else { Tone::Plain })
}

/// Each point with the worst value of each check over its blocks.
pub(crate) fn limit_rows(finding: &ScenarioFinding) -> Vec<(&Point, Vec<Cell>)> {
    let row = |point| {
        let fixed = CHECKS.iter().map(|check| limit_cell(finding, point, check));
        std::iter::once(added_cell(finding, point)).chain(fixed).collect()
    };
    // A point that was not run, or was a browser's task, has no such values.
    let measured = finding.points.iter().filter(|point| unmeasured(point).is_none());
    measured.map(|point| (point, row(point))).collect()
}

/// Heads of the columns, each with its limit.
pub(crate) fn limit_heads(finding: &ScenarioFinding) -> Vec<String> {
    let limits = &finding.scenario.limits;
    let fixed = CHECKS.iter().map(|check| format!("{}, {}", check.head, check.limit_text(limits)));
    std::iter::once(added_head(limits)).chain(fixed).collect()
}

/// What the instrument may have added, in the block that exceeds its limit most or comes closest to it.
fn added_cell(finding: &ScenarioFinding, point: &Point) -> Cell {
    let limits = &finding.scenario.limits;
    let times = |added: &AddedAge| added.total_ms() / added.allowed_ms(limits);
    let all = point.trials.iter().filter_map(|trial| Some((trial.block, trial.added?)));
    let Some((block, worst)) = all.max_by(|one, other| times(&one.1).total_cmp(&times(&other.1))) else {
        return Cell::value("—");
    };
    let of = if point.trials.len() > 1 { format!(" (block {block})") } else { String::new() };
    // If the question is not about an age, its ages are only marked.
    let is_beyond = worst.is_beyond(limits) && primary_age(&finding.scenario).is_some();
    judged_cell(format!("{}{of}", worst.text()), is_beyond)
}

fn limit_cell(finding: &ScenarioFinding, point: &Point, check: &Check) -> Cell {
    let mut worst: Option<(f64, u32)> = None;
    let completed = || point.trials.iter().filter_map(|trial| Some((trial, trial.measurements.as_ref()?)));
    for (trial, measurements) in completed() {
        if let Some(value) = check.value(measurements)
            && worst.is_none_or(|(than, _)| check.is_worse(value, than))
        {
            worst = Some((value, trial.block));
        }
    }
    let Some((value, block)) = worst else {
        return Cell::value(NOT_TOLD);
    };
    let as_bad =
        completed().filter(|(_, of)| check.value(of).is_some_and(|other| !check.is_worse(value, other)));
    // If all blocks are equal, none is the worst.
    let alike = as_bad.count() == completed().count();
    let of = if alike { String::new() } else { format!(" (block {block})") };
    judged_cell(format!("{}{of}", check.text(value)), check.is_beyond(value, &finding.scenario.limits))
}

/// Heads of the ledgers' columns.
pub(crate) fn ledger_heads() -> impl Iterator<Item = &'static str> {
    Ledger::ALL.map(Ledger::head).into_iter().chain(["largest difference", "retransmitted segments"])
}

/// The three ledgers of each point, in the block in which they differ most.
pub(crate) fn ledger_rows(finding: &ScenarioFinding) -> Vec<(&Point, Vec<Cell>)> {
    let rows = finding.points.iter().filter_map(|point| {
        let apart = |of: &Measurements| difference(of).unwrap_or(-1.0);
        let worst = point.completed().max_by(|left, right| apart(left).total_cmp(&apart(right)))?;
        Some((point, ledger_cells(worst)))
    });
    rows.collect()
}

fn ledger_cells(of: &Measurements) -> Vec<Cell> {
    let reported = |text: Option<String>| Cell::value(text.unwrap_or_else(|| NOT_TOLD.to_owned()));
    let mut cells: Vec<Cell> = Ledger::ALL
        .into_iter()
        .map(|ledger| reported(ledger.bytes(of).map(|sum| bytes(sum as f64))))
        .collect();
    cells.push(reported(difference(of).map(|apart| with_unit(apart * 100.0, "%"))));
    cells.push(reported(of.kernel_life.map(|kernel| count(kernel.retransmitted))));
    cells
}

/// Explains the first column of the limits.
pub(crate) const ADDED_EXPLAINED: &str = "The instrument may have added three things to an age: the publisher's lateness, the time that server and harness waited for a core, and the stalls of the harness's event loops. The column shows their sum and the measured age.";

/// Head of its column in the table of trials.
pub(crate) const ADDED_COLUMN: &str = "added to an age, at most";

/// Explains the ledgers.
pub(crate) const LEDGERS_EXPLAINED: &str = "Three ledgers of the bytes of all connections over their whole life, both directions. The subscribers compute the first one from requests and decoded messages, including messages that broke off. The second one counts the bytes at their sockets. The third one is the kernel's count, without bytes that nobody read. With several blocks, the table shows the block with the largest difference. “Not reported”: this kernel or HTTP client gives no count.";

/// Trials in the order of the run.
pub(crate) fn in_order(finding: &ScenarioFinding) -> Vec<(&Point, &Trial)> {
    let mut trials: Vec<(&Point, &Trial)> = finding
        .points
        .iter()
        .flat_map(|point| point.trials.iter().map(move |trial| (point, trial)))
        .collect();
    trials.sort_by_key(|(_, trial)| trial.order);
    trials
}

/// Replaces the cells of a trial that measured nothing.
pub(crate) fn trial_words(trial: &Trial) -> &'static str {
    if trial.not_run.is_some() {
        "not run; the warnings give the reason"
    } else if trial.watched.is_some() {
        "done by a browser"
    } else {
        "failed; the warnings give the reason"
    }
}

/// The cells of a trial after its point; none for a trial that measured nothing.
pub(crate) fn trial_cells(trial: &Trial) -> Option<[String; 7]> {
    let measurements = trial.measurements.as_ref()?;
    let delivery = &measurements.delivery;
    let late = quantile_ms(&measurements.lateness, 0.99);
    let percent = |time_us: f64| {
        let wall_us = measurements.cpu.wall_us;
        if wall_us > 0.0 { with_unit(time_us / wall_us * 100.0, "%") } else { "—".to_owned() }
    };
    Some([
        count(delivery.expected),
        count(delivery.received),
        format!("{} / {} / {}", count(delivery.lost), count(delivery.duplicated), count(delivery.reordered)),
        late.map_or_else(|| "—".to_owned(), |late| with_unit(late, "ms")),
        trial.added.map_or_else(|| "—".to_owned(), |added| added.text()),
        percent(measurements.cpu.server_us),
        percent(measurements.cpu.harness_us),
    ])
}

/// The first digits of a hash; the method part has all of them.
pub(crate) fn short_hash(hash: &str) -> String {
    hash.chars().take(8).collect()
}
