//! The document of an answer to somebody who has to choose a pattern, for the terminal.

use super::terminal::{bare, in_terminal, line, two_lines};
use crate::{
    document::{Block, Cell, Column, Document, Group, Place, Table, Tone},
    estimates::{
        choice::{Candidate, Choice},
        costs::{Costs, Origin},
        estimate::{Estimate, Scaled},
        wish::{Circumstance, Wish},
    },
    text::{
        number::{bytes, count, counted, list, period_ms, three_digits, time_ms, with_unit},
        sentence::capitalised,
        setting,
    },
};

/// The heads of the columns, two lines each.
const HEADS: [(&str, &str); 8] = [
    ("age", "p50"),
    ("age", "p99"),
    ("requests", "per s"),
    ("bytes", "per s"),
    ("CPU", "cores"),
    ("memory", "user"),
    ("memory", "kernel"),
    ("connec-", "tions"),
];

/// How the rows are ordered.
const ORDER: &str = "Order: those that do what is wanted first; then by bytes; within a tenth, by CPU; within half again as much, by what they need.";

/// Cores and requests below this are printed as below it.
const FEWEST: f64 = 0.001;

/// The whole answer; the last line is the advice.
pub(crate) fn choice<'a>(choice: &Choice) -> Document<'a> {
    let wish = &choice.wish;
    let columns = HEADS.iter().map(|(head, more)| Column::values(two_lines(head, more)));
    let columns = std::iter::once(Column::values("pattern")).chain(columns).collect();
    let rows = choice.candidates.iter().map(row).collect();
    let remarks = choice.candidates.iter().flat_map(remarks).chain([line(ORDER)]).collect();
    let parts = vec![
        Block::heading(2, question(wish)).at(Place::Terminal),
        Block::table(Table::new("patterns", columns, rows)).at(Place::Terminal),
        Block::group(Group::Part, remarks),
        Block::group(Group::Part, sureness(choice)),
        line(choice.advice.clone()),
    ];
    in_terminal("choose".to_owned(), parts)
}

fn question(wish: &Wish) -> String {
    let also = [
        (Circumstance::TwoWay, "subscribers also send"),
        (Circumstance::BehindProxy, "behind a proxy"),
        (Circumstance::Browser, "in browsers"),
        (Circumstance::Tls, "with TLS"),
    ];
    let also = also.into_iter().filter(|(circumstance, _)| wish.has(*circumstance));
    let also: String = also.map(|(_, words)| format!(", {words}")).collect();
    format!(
        "Which pattern brings {} of {} to {}, 99 of 100 within {}, at a round-trip time of {}{also}?",
        setting::rate(wish.rate_hz),
        bytes(f64::from(wish.payload_bytes)),
        counted(u64::from(wish.subscribers), "subscriber", "subscribers"),
        period_ms(wish.freshness.milliseconds()),
        period_ms(wish.rtt.milliseconds()),
    )
}

fn row(candidate: &Candidate) -> Vec<Cell> {
    let tone = if candidate.ruled_out.is_empty() { Tone::Plain } else { Tone::Absent };
    let name =
        if candidate.ruled_out.is_empty() { candidate.label() } else { format!("({})", candidate.label()) };
    let name = std::iter::once(Cell::name(name));
    let values = candidate.estimate.as_ref().map_or_else(|| vec!["—".to_owned(); HEADS.len()], values);
    name.chain(values.into_iter().map(Cell::value)).map(|cell| cell.toned(tone)).collect()
}

fn values(of: &Estimate) -> Vec<String> {
    let age =
        |index: usize| of.ages_ms.as_ref().map_or_else(|_| bare(None), |ages_ms| time_ms(ages_ms[index]));
    let scaled = |scaled: &Option<Scaled>, text: fn(f64) -> String| {
        scaled.as_ref().map_or_else(|| bare(None), |scaled| text(scaled.value))
    };
    vec![
        age(0),
        age(1),
        few(of.requests_hz),
        of.bytes_hz.as_ref().map_or_else(|_| bare(None), |hz| many_bytes(*hz)),
        scaled(&of.cpu_cores, few),
        scaled(&of.memory_user, many_bytes),
        scaled(&of.memory_kernel, many_bytes),
        count(of.connections.round() as u64),
    ]
}

/// A number that may be next to nothing.
fn few(value: f64) -> String {
    if value > 0.0 && value < FEWEST { format!("<{FEWEST}") } else { three_digits(value) }
}

/// Bytes in whole ones at least, and up to any size.
fn many_bytes(value: f64) -> String {
    match value {
        giga if giga >= 999.5e6 => with_unit(giga * 1e-9, "GB"),
        less if less < 1.0 => bytes(less.round()),
        usual => bytes(usual),
    }
}

/// What rules a pattern out, or what it needs.
fn remarks<'a>(candidate: &Candidate) -> Vec<Block<'a>> {
    let label = candidate.label();
    let mut lines = Vec::new();
    if !candidate.ruled_out.is_empty() {
        lines.push(format!("Ruled out: {label}: {}.", candidate.ruled_out.join("; ")));
    } else if candidate.needs.is_empty() {
        lines.push(format!("{} needs nothing else.", capitalised(&label)));
    } else {
        lines.push(format!("{} needs {}.", capitalised(&label), candidate.needs.join("; ")));
    }
    if let Some(reason) = candidate.estimate.as_ref().and_then(|of| of.bytes_hz.as_ref().err()) {
        lines.push(format!("No bytes of {label}: {reason}."));
    }
    lines.into_iter().map(line).collect()
}

/// Where each number comes from.
fn sureness<'a>(choice: &Choice) -> Vec<Block<'a>> {
    let of_the_model =
        "Ages, requests, bytes and connections: model only, for events that come by chance at a mean rate.";
    let Some(costs) = &choice.costs else {
        return vec![line(format!(
            "{of_the_model} No run with measured costs was found, so CPU and memory are missing and ages leave out the server's work."
        ))];
    };
    let mut lines = vec![format!(
        "{of_the_model} CPU and memory: {}, at the nearest measured point, times the requests, deliveries or connections; a request is taken to cost the same whatever it brings. Kernel memory is that of both ends; about half of it is the server's.",
        basis_words(costs)
    )];
    for candidate in &choice.candidates {
        let Some(of) = &candidate.estimate else { continue };
        let scaled: Vec<&Scaled> =
            [&of.cpu_cores, &of.memory_user, &of.memory_kernel].into_iter().flatten().collect();
        let parts: Vec<String> =
            scaled.chunk_by(|one, other| one.point == other.point).map(of_point).collect();
        if !parts.is_empty() {
            lines.push(format!("{}: {}.", capitalised(&candidate.label()), parts.join("; ")));
        }
    }
    let estimates = || choice.candidates.iter().filter_map(|of| of.estimate.as_ref());
    if estimates().any(Estimate::is_of_other_transport) {
        lines.push(
            "No trial of this run has TLS: the CPU is that of unencrypted connections, and TLS adds to it."
                .to_owned(),
        );
    }
    let has_memory = estimates().any(|of| of.memory_kernel.is_some());
    if !has_memory {
        lines.push("The run measured no memory: `just bench connections` does.".to_owned());
    }
    lines.into_iter().map(line).collect()
}

/// The costs that one point gave.
fn of_point(scaled: &[&Scaled]) -> String {
    let values: Vec<String> =
        scaled.iter().map(|of| format!("{} {}", of.quantity.label(), of.quantity.text(of.each))).collect();
    let point = scaled.first().map_or("", |of| of.point.as_str());
    format!("{} in {point}", list(&values))
}

/// How sure measured numbers are.
pub(crate) fn basis_words(costs: &Costs) -> String {
    let environment = &costs.environment;
    let where_ = match costs.origin {
        Origin::Here => "measured here",
        Origin::Elsewhere => "measured on another machine",
    };
    let cores = counted(u64::from(environment.cores), "core", "cores");
    format!("{where_} (run {}; {}, {cores})", costs.run, environment.cpu)
}
