//! The last part of the page: how it was measured, what that cost, and what the words mean.

use contract::{Scatter, TargetNote};
use maud::{Markup, html};

use crate::{
    findings::{CalibrationFinding, Failure, Findings, Judged, Point},
    tables::{glossary::words, relay},
    text::{
        number::{count, counted, with_unit},
        setting,
    },
    trials::other_work,
};

/// What holds for every run, heading and text.
const METHOD: [(&str, &str); 7] = [
    (
        "Clock",
        "One monotonic clock on one host, read by publisher and subscribers; no wall clock takes part in an age.",
    ),
    (
        "Schedule",
        "The same seed gives the same events at the same instants to every pattern. The publisher never waits for a subscriber, and where it is late, that is part of the age and shown beside it.",
    ),
    (
        "Ledgers",
        "Bytes are counted at the subscribers' sockets and again at the server's, requests by the subscribers and again by the server. The subscribers also compute the bytes from what they asked and decoded, and the kernel counts them once more. Where two of these differ the trial is not valid. The sockets of reqwest are not within reach: bytes of its subscribers are the server's own count.",
    ),
    (
        "Costs per event",
        "What was sent, received and spent between the two edges of the window, divided by the deliveries that arrived between the same edges, whenever they were due. Where none arrived there is no such number. CPU per event is told from 1,000 deliveries a second on (a tenth less by chance still counts): below, the work of an idle process would be divided among too few. Ages are those of the events due in the window, whenever they came.",
    ),
    (
        "Losses",
        "A delivery that never came stays in every percentile as older than everything that came. Leaving it out would make a server look faster the more it loses.",
    ),
    (
        "The harness itself",
        "Subscribers run on the same machine as the server. Their CPU stands beside the server's in every validity table: near 100 % of its cores, ages measure the harness.",
    ),
    (
        "Limits of the figures",
        "On loopback there is no network delay and no loss. The kernel delivers a segment within the sender's system call, so part of receiving is charged to the sender: this holds for every CPU figure. One machine and one run; another machine gives other ages.",
    ),
];

/// What holds for this run: the same, and what is said of the middlebox and of a browser where there was one.
pub(crate) fn method_words(findings: &Findings) -> Vec<(&'static str, String)> {
    let mut words: Vec<(&'static str, String)> =
        METHOD.iter().map(|(word, text)| (*word, (*text).to_owned())).collect();
    if relay::is_used(findings) {
        let cost = relay::cost(findings).map_or_else(String::new, |cost| format!(" {cost}"));
        words.push(("The middlebox", format!("{}{cost}", relay::LIMITS)));
    }
    let points = || findings.scenarios.iter().flat_map(|scenario| &scenario.points);
    if let Some(bound_ms) = points().filter_map(Point::clock_bound_ms).reduce(f64::max) {
        words.push((
            "Ages from a browser",
            format!(
                "{} The largest of these errors in this run is {}.",
                BROWSER_CLOCK,
                with_unit(bound_ms, "ms")
            ),
        ));
    }
    words
}

/// What ages that a browser told rest on.
const BROWSER_CLOCK: &str = "A page has a clock of its own. It is set by four stamps of round trips to the server, and may be off by half the shortest of them and a step of the page's clock. Every age that a page told carries this error behind a ±; no smaller difference is a result.";

/// What the harness took of the machine in this run.
pub(crate) fn harness_cost(findings: &Findings) -> String {
    let points = || findings.scenarios.iter().flat_map(|scenario| &scenario.points);
    let trials = || points().flat_map(|point| point.completed());
    let shares: Vec<f64> = trials()
        .filter(|trial| trial.cpu.wall_us > 0.0)
        .map(|trial| trial.cpu.harness_us / trial.cpu.wall_us * 100.0)
        .collect();
    let least = shares.iter().copied().fold(f64::INFINITY, f64::min);
    let most = shares.iter().copied().fold(0.0, f64::max);
    if shares.is_empty() {
        return "No trial of this run tells what the harness cost.".to_owned();
    }
    let other = other_work::sentence(trials()).map_or_else(String::new, |other| format!(" {other}"));
    format!(
        "In this run the harness took {} to {} of one core.{other}",
        with_unit(least, "%"),
        with_unit(most, "%")
    )
}

/// Clock, schedule, ledgers, calibration, environment, glossary.
pub(crate) fn section(findings: &Findings) -> Markup {
    html! {
        section {
            h2 #method { a href="#method" { "How this was measured" } }
            dl { @for (word, text) in method_words(findings) { dt { (word) } dd { (text) } } }
            p { (harness_cost(findings)) }
            h3 { "Calibration" }
            (calibration(findings))
            h3 { "Environment" }
            (environment(findings))
            h3 { "Seed and schedules" }
            (schedules(findings))
            h3 #words { a href="#words" { "Words" } }
            dl {
                @for (anchor, word, text) in words(findings) {
                    dt id=(format!("g-{anchor}")) { (word) }
                    dd { (text) }
                }
            }
        }
    }
}

/// Trials that could not be finished, with the server's last words.
pub(crate) fn failures(heading: &str, failures: &[&Failure]) -> Markup {
    html! {
        @if !failures.is_empty() { div.box.bad {
            h3 { (heading) }
            ul {
                @for failure in failures {
                    li {
                        "Trial " (failure.order) ", " (failure.scenario) ", "
                        (failure.label()) " (" (setting::params_text(&failure.params)) "): "
                        (failure.reason)
                        @if failure.server_last_words.is_empty() {
                            " The server wrote nothing before."
                        } @else {
                            pre { @for line in &failure.server_last_words { (line) "\n" } }
                        }
                    }
                }
            }
        } }
    }
}

/// Heads of the calibration table.
pub(crate) const CALIBRATION_HEADS: [&str; 9] = [
    "pattern",
    "subscribers",
    "server CPU",
    "harness CPU",
    "pace of a fan-out",
    "transit",
    "its own age, p50 and p99",
    "timer late",
    "publisher late, mean and p99",
];

/// A row of the calibration table.
pub(crate) fn calibration_cells(finding: &CalibrationFinding) -> [String; 9] {
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

/// What the calibration is for.
pub(crate) const CALIBRATION_EXPLAINED: &str = "Short trials before the judged ones find out what this machine costs. Each has as many subscribers as those that it is for, and goes the same way. It gives CPU per delivery (push) or per exchange (polling). It gives the time between two deliveries of a fan-out (its pace), and that of a delivery when nothing queues (its transit). The model takes these as inputs, and nothing from the trial that it predicts. By how much the calibration's own ages differ from second to second (mean ± standard deviation) decides how wide a predicted range is.";

fn calibration(findings: &Findings) -> Markup {
    html! {
        p { (CALIBRATION_EXPLAINED) }
        (failures("Failed calibrations", &findings.failures_of(Judged::No)))
        @if findings.calibrations.is_empty() {
            p { "No trial has a calibration." }
        } @else {
            div.scroll tabindex="0" role="region" aria-label="calibration" {
                table {
                    thead { tr { @for head in CALIBRATION_HEADS { th scope="col" { (head) } } } }
                    tbody {
                        @for finding in &findings.calibrations {
                            tr { @for (index, cell) in calibration_cells(finding).iter().enumerate() {
                                @if index == 0 { th scope="row" { (cell) } } @else { td { (cell) } }
                            } }
                        }
                    }
                }
            }
        }
    }
}

/// Names and values of the environment.
pub(crate) fn environment_rows(findings: &Findings) -> Vec<(&'static str, String)> {
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
        (
            "TCP segment",
            format!(
                "at most {} bytes on both ends, with TCP's options",
                count(u64::from(environment.tcp_maxseg))
            ),
        ),
        ("command", findings.command.clone()),
    ];
    rows.extend(findings.targets.iter().map(|target| ("server of another make", target_text(target))));
    rows
}

/// A server of another make: what it is, or why it was not measured.
fn target_text(target: &TargetNote) -> String {
    let TargetNote { name, title, version, problem } = target;
    match (version, problem) {
        (_, Some(problem)) => format!("{name}, {title}: not measured: {problem}"),
        (Some(version), None) => format!("{name}, {title}: {version}"),
        (None, None) => format!("{name}, {title}"),
    }
}

fn environment(findings: &Findings) -> Markup {
    html! {
        div.scroll { table { tbody {
            @for (name, value) in environment_rows(findings) {
                tr { th scope="row" { (name) } td.words { (value) } }
            }
        } } }
    }
}

/// A schedule in a line, after its hash.
pub(crate) fn schedule_text(events: u64, length_s: f64) -> String {
    format!("{} in {}", counted(events, "event", "events"), with_unit(length_s, "s"))
}

fn schedules(findings: &Findings) -> Markup {
    html! {
        p { "Seed " (findings.seed) ". Trials with the same hash saw the same events at the same instants." }
        ul {
            @for schedule in &findings.schedules {
                li.hash { code { (schedule.hash) } ": " (schedule_text(schedule.events, schedule.length_s)) }
            }
        }
        p.quiet {
            (findings.trials_completed) " of "
            (findings.trials_planned) " planned trials completed."
        }
    }
}
