//! The last part of the document: the method, its cost, and the glossary.

use contract::{Scatter, TargetNote};

use super::words::{DRIVERS_ANCHOR, INTERVALS_ANCHOR, RATIO_EXPLAINED, driver_words, interval_note};
use crate::{
    document::{Block, Cell, Column, Content, Definition, Group, ListKind, Place, Style, Table, Text},
    findings::{CalibrationFinding, Failure, Findings, Judged, PartFinding, Point},
    tables::{
        comparison_rows::COMPARISONS_EXPLAINED,
        glossary, relay,
        validity_rows::{ADDED_EXPLAINED, LEDGERS_EXPLAINED},
    },
    text::{
        number::{count, counted, instant, with_unit},
        setting,
    },
    trials::other_work,
};

/// The method of every run: heading and text.
const METHOD: [(&str, &str); 7] = [
    (
        "Clock",
        "Publisher and subscribers read the same monotonic clock on one host. No wall clock is part of an age.",
    ),
    (
        "Schedule",
        "The same seed gives every pattern the same events at the same instants. The publisher never waits for a subscriber. If it is late, its lateness is part of the age and is shown next to it.",
    ),
    (
        "Ledgers",
        "Subscribers and server each count the requests, and the bytes at their own sockets. The subscribers also compute the bytes from requests and decoded messages, and the kernel counts them too. If two of these counts differ, the trial is not valid. The lab cannot read the sockets of reqwest: for its subscribers the bytes are the server's own count.",
    ),
    (
        "Costs per event",
        "Bytes, requests and CPU time within the window, divided by the deliveries that arrived within the window, whenever they were due. Without deliveries there is no such number. CPU per event is reported at 1,000 deliveries a second and above, with a tolerance of a tenth. Below that, a process's idle work would be divided among too few deliveries. Ages are those of the events due in the window, whenever they arrived.",
    ),
    (
        "Losses",
        "A delivery that never came counts in every percentile as older than all that arrived. Otherwise a server would look faster the more it loses.",
    ),
    (
        "The harness itself",
        "Subscribers run on the same machine as the server. Every validity table shows the harness's CPU next to the server's. If the harness is near 100 % of its cores, the ages measure the harness.",
    ),
    (
        "Limits of the figures",
        "Loopback has no network delay and no loss. The kernel delivers a segment within the sender's system call, so the sender pays for part of the receiving: this affects every CPU figure. These numbers are from one machine and one run; another machine gives other ages.",
    ),
];

/// The method of this run: the same, the rules of its intervals, its drivers, and notes on the middlebox and the
/// browser where there was one.
fn method_words(findings: &Findings) -> Vec<Definition> {
    let define = |anchor: Option<&str>, term: &str, meaning: String| Definition {
        anchor: anchor.map(str::to_owned),
        term: term.to_owned(),
        meaning: Text::from(meaning),
    };
    let mut words: Vec<Definition> =
        METHOD.iter().map(|(term, text)| define(None, term, (*text).to_owned())).collect();
    let intervals = interval_note(findings);
    words.insert(0, define(Some(INTERVALS_ANCHOR), "Intervals and differences", intervals));
    let drivers = driver_words(findings);
    if !drivers.is_empty() {
        words.push(define(Some(DRIVERS_ANCHOR), "Drivers", drivers));
    }
    if relay::is_used(findings) {
        let cost = relay::cost(findings).map_or_else(String::new, |cost| format!(" {cost}"));
        words.push(define(None, "The middlebox", format!("{}{cost}", relay::LIMITS)));
    }
    let points = || findings.scenarios.iter().flat_map(|scenario| &scenario.points);
    if let Some(bound_ms) = points().filter_map(Point::clock_bound_ms).reduce(f64::max) {
        let bound = with_unit(bound_ms, "ms");
        let text = format!("{BROWSER_CLOCK} The largest of these errors in this run is {bound}.");
        words.push(define(None, "Ages from a browser", text));
    }
    words
}

/// How exact the ages from a browser are.
const BROWSER_CLOCK: &str = "A page has its own clock. The lab compares it with the server's clock by round trips with four timestamps. The error is at most half the shortest round trip plus one step of the page's clock. Every age from a page shows this error after a ±; smaller differences are not results.";

/// How much CPU the harness used in this run.
fn harness_cost(findings: &Findings) -> String {
    let points = || findings.scenarios.iter().flat_map(|scenario| &scenario.points);
    let trials = || points().flat_map(|point| point.completed());
    let shares: Vec<f64> = trials()
        .filter(|trial| trial.cpu.wall_us > 0.0)
        .map(|trial| trial.cpu.harness_us / trial.cpu.wall_us * 100.0)
        .collect();
    let least = shares.iter().copied().fold(f64::INFINITY, f64::min);
    let most = shares.iter().copied().fold(0.0, f64::max);
    if shares.is_empty() {
        return "No trial of this run reports the harness's CPU.".to_owned();
    }
    let other = other_work::sentence(trials()).map_or_else(String::new, |other| format!(" {other}"));
    format!(
        "In this run the harness used {} to {} of one core.{other}",
        with_unit(least, "%"),
        with_unit(most, "%")
    )
}

/// Heading of the part.
pub(super) const HEADING: &str = "How this was measured";
/// Where it stands.
pub(super) const ANCHOR: &str = "method";
/// Heading of the glossary.
pub(super) const GLOSSARY_HEADING: &str = "Glossary";
/// Where it stands.
pub(super) const GLOSSARY_ANCHOR: &str = "words";

/// The tables that every scenario has: anchor, name, explanation.
const TABLES: [(&str, &str, &[&str]); 5] = [
    (
        "t-numbers",
        "Every number",
        &[
            "Predicted: by the model, replayed over the published schedule.",
            RATIO_EXPLAINED,
            "A dash: the model does not predict it, or the warnings give the reason.",
        ],
    ),
    ("t-pairs", "All pairs compared", &[COMPARISONS_EXPLAINED]),
    ("t-limits", "Limits", &["Each value with its limit.", ADDED_EXPLAINED]),
    ("t-ledgers", "Byte ledgers", &[LEDGERS_EXPLAINED]),
    (
        "t-trials",
        "Every trial",
        &["CPU is in percent of one core. The trials are in the order in which they ran."],
    ),
];

/// Clock, schedule, ledgers, tables, calibration, environment.
pub(super) fn section<'a>(findings: &Findings) -> Block<'a> {
    let tables = TABLES.map(|(anchor, term, sentences)| Definition {
        anchor: Some(anchor.to_owned()),
        term: term.to_owned(),
        meaning: Text::from(sentences.join(" ")),
    });
    let mut blocks = vec![
        Block::part(ANCHOR, HEADING),
        Block::definitions(method_words(findings)),
        Block::paragraph(harness_cost(findings)),
        Block::heading(3, "How to read the tables"),
        Block::definitions(tables.to_vec()),
    ];
    blocks.extend(calibration(findings));
    blocks.push(Block::heading(3, "Environment"));
    let columns = vec![Column::values(""), Column::words("")];
    let row = |(name, value)| vec![Cell::name(name), Cell::value(value)];
    let rows = environment_rows(findings).into_iter().map(row).collect();
    blocks.push(Block::table(Table::new("environment", columns, rows)));
    blocks.extend(parts(findings));
    blocks.push(schedules(findings));
    Block::group(Group::Section, blocks)
}

/// The parts of a run that stopped and was resumed, each with its environment.
fn parts<'a>(findings: &Findings) -> Vec<Block<'a>> {
    if findings.parts.is_empty() {
        return Vec::new();
    }
    let columns = ["part", "began", "trials", "commit", "system", "CPU", "cores", "memory"];
    let columns =
        (0..).zip(columns).map(|(at, head)| if at == 2 { Column::values(head) } else { Column::words(head) });
    let row = |(number, part): (u64, &PartFinding)| {
        let PartFinding { started_at, trials, environment, .. } = part;
        vec![
            Cell::name(count(number)),
            Cell::value(instant(started_at)),
            Cell::value(count(*trials as u64)),
            Cell::value(environment.commit.clone()),
            Cell::value(environment.system.clone()),
            Cell::value(environment.cpu.clone()),
            Cell::value(count(u64::from(environment.cores))),
            Cell::value(with_unit(environment.memory_mib as f64 / 1024.0, "GiB")),
        ]
    };
    let rows = (1..).zip(&findings.parts).map(row).collect();
    vec![
        Block::heading(3, "Parts"),
        Block::paragraph(
            "The run stopped before its end and was resumed. Finished trials were kept; the order and the \
             schedules are those of a run in one go. The trials of a part include calibrations and repetitions.",
        ),
        Block::table(Table::new("parts", columns.collect(), rows)),
    ]
}

/// The terms that these blocks contain or link to.
pub(super) fn glossary<'a>(findings: &Findings, blocks: &[Block<'_>]) -> Block<'a> {
    let (mut text, mut links) = (String::new(), Vec::new());
    for block in blocks {
        block.visit(&mut |part: &Text| {
            for span in &part.0 {
                text.push_str(&span.text);
                if let Style::Link(anchor) = &span.style {
                    links.push(anchor.clone());
                }
            }
            text.push('\n');
        });
    }
    let is_used = |anchor: &str, term: &str| {
        links.iter().any(|link| link.strip_prefix("g-") == Some(anchor))
            || term.split(", ").all(|word| text.contains(word))
    };
    let used = glossary::words(findings).into_iter().filter(|(anchor, term, _)| is_used(anchor, term));
    let define = |(anchor, term, meaning): (&str, &str, &str)| Definition {
        anchor: Some(format!("g-{anchor}")),
        term: term.to_owned(),
        meaning: Text::from(meaning),
    };
    Block::group(
        Group::Section,
        vec![Block::part(GLOSSARY_ANCHOR, GLOSSARY_HEADING), Block::definitions(used.map(define).collect())],
    )
}

/// Trials that failed, with the server's last stderr lines.
pub(super) fn failures<'a>(heading: &str, failures: &[&Failure]) -> Option<Block<'a>> {
    let mut blocks = vec![Block::heading(3, heading)];
    for failure in failures {
        let Failure { order, scenario, reason, server_stderr_tail, .. } = failure;
        let settings = setting::params_text(&failure.params);
        let silent = if server_stderr_tail.is_empty() { " The server wrote nothing to stderr." } else { "" };
        let label = failure.label();
        blocks.push(Block::paragraph(format!(
            "Trial {order}, {scenario}, {label} ({settings}): {reason}{silent}"
        )));
        if !server_stderr_tail.is_empty() {
            let content = Content::Code(server_stderr_tail.clone());
            blocks.push(Block { place: Place::Page, content });
        }
    }
    (!failures.is_empty()).then(|| Block::group(Group::Alert, blocks))
}

/// Heads of the calibration table.
const CALIBRATION_HEADS: [&str; 9] = [
    "pattern",
    "subscribers",
    "server CPU",
    "harness CPU",
    "pace of a fan-out",
    "one-way delay",
    "its own age, p50 and p99",
    "timer late",
    "publisher late, mean and p99",
];

/// A row of the calibration table.
fn calibration_cells(finding: &CalibrationFinding) -> [String; 9] {
    let found = &finding.calibration;
    let us = |value: f64| with_unit(value, "µs");
    let scatter = |of: Scatter| {
        format!("{} ± {}", with_unit(of.mean_us * 1e-3, "ms"), with_unit(of.deviation_us * 1e-3, "ms"))
    };
    [
        finding.pattern.label().to_owned(),
        count(u64::from(found.subscribers)),
        us(found.server_us),
        us(found.harness_us),
        us(found.pace_us),
        us(found.transit_us),
        format!("{}, {}", scatter(found.ages.p50), scatter(found.ages.p99)),
        us(found.timer_late_us),
        format!("{}, {}", us(found.lateness_mean_us), us(found.lateness_p99_us)),
    ]
}

/// The purpose of the calibration.
const CALIBRATION_EXPLAINED: &str = "Short trials before the judged ones measure the costs of this machine. Each has as many subscribers, and the same driver and network, as the trials that it is for. It gives CPU per delivery (push) or per exchange (polling). It also gives the time between two deliveries of a fan-out (its pace), and the time of a delivery without queueing (the one-way delay). The model uses only these inputs, and nothing from the trial that it predicts. The width of a predicted range follows from how much the calibration's own ages vary from second to second (mean ± standard deviation).";

fn calibration<'a>(findings: &Findings) -> Vec<Block<'a>> {
    let failed = findings.failures_of(Judged::No);
    if findings.calibrations.is_empty() && failed.is_empty() {
        return Vec::new();
    }
    let mut blocks = vec![Block::heading(3, "Calibration"), Block::paragraph(CALIBRATION_EXPLAINED)];
    blocks.extend(failures("Failed calibrations", &failed));
    if !findings.calibrations.is_empty() {
        let row = |finding: &CalibrationFinding| {
            let [pattern, values @ ..] = calibration_cells(finding);
            std::iter::once(Cell::name(pattern)).chain(values.map(Cell::value)).collect()
        };
        let rows = findings.calibrations.iter().map(row).collect();
        let columns = CALIBRATION_HEADS.map(Column::values).to_vec();
        blocks.push(Block::table(Table::new("calibration", columns, rows)));
    }
    blocks
}

/// Names and values of the environment.
fn environment_rows(findings: &Findings) -> Vec<(&'static str, String)> {
    let environment = &findings.environment;
    let core = |core: Option<u32>| {
        core.map_or_else(|| "not bound to a core".to_owned(), |core| format!("core {core}"))
    };
    let harness: Vec<String> = environment.harness_cores.iter().map(|harness| core(Some(*harness))).collect();
    let harness = if harness.is_empty() { core(None) } else { harness.join(", ") };
    let mut rows = vec![
        ("pushlab", format!("{} ({} build)", environment.pushlab, environment.build)),
        ("commit", environment.commit.clone()),
        ("system", environment.system.clone()),
        ("CPU", format!("{}, {}", environment.cpu, counted(u64::from(environment.cores), "core", "cores"))),
        ("memory", with_unit(environment.memory_mib as f64 / 1024.0, "GiB")),
        ("server", core(environment.server_core)),
        ("harness", harness),
        ("trials completed", format!("{} of {}", findings.trials_completed, findings.trials_planned)),
        (
            "TCP segment",
            format!(
                "at most {} bytes on both ends, with TCP's options",
                count(u64::from(environment.tcp_maxseg))
            ),
        ),
        ("command", findings.command.clone()),
    ];
    rows.extend(findings.targets.iter().map(|target| ("third-party server", target_text(target))));
    rows
}

/// A third-party server: its version, or why it was not measured.
fn target_text(target: &TargetNote) -> String {
    let TargetNote { name, title, version, problem } = target;
    match (version, problem) {
        (_, Some(problem)) => format!("{name}, {title}: not measured ({problem})"),
        (Some(version), None) => format!("{name}, {title}: {version}"),
        (None, None) => format!("{name}, {title}"),
    }
}

fn schedules<'a>(findings: &Findings) -> Block<'a> {
    let seed = format!(
        "Seed {}. Trials with the same hash saw the same events at the same instants.",
        findings.seed
    );
    let items = findings.schedules.iter().map(|schedule| {
        let events = counted(schedule.events, "event", "events");
        let length = with_unit(schedule.length_s, "s");
        Text::default().code(&schedule.hash).plain(format!(": {events} in {length}"))
    });
    let list = Block::list(ListKind::Items, items.collect());
    Block::fold("Seed and schedules", vec![Block::paragraph(seed), list])
}
