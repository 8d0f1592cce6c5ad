//! The cost of an open connection, in bars: its memory by owner, and its set-up.

use contract::{Load, SetUp};

use super::{
    bars::{self, Bar, PARTS_KEY},
    canvas::{Anchor, TEXT, draw},
    figure::Figure,
    memory::slopes,
    shown,
};
use crate::{
    findings::{Point, ScenarioFinding},
    judgement::floor::floor_of,
    quantities::{Unit, memory::Part},
    statistics::estimate,
    style::ColourRole,
    text::number::bytes,
};

/// Bars that one figure can hold.
const MOST_BARS: usize = 8;
/// Height of a panel's heading.
const HEADING: f64 = 26.0;

/// The parts of a connection's memory, and how strong their colour is.
const PARTS: [bars::Part; 3] = [("user, idle", 1.0), ("by traffic", 0.62), ("kernel, both ends", 0.28)];

/// Memory per subscriber; none without the slopes of user and kernel memory.
pub(super) fn memory(finding: &ScenarioFinding, points: &[&Point]) -> Option<Figure> {
    let with_cost: Vec<&Point> = points.iter().copied().filter(|point| memory_bar(point).is_some()).collect();
    let shown = shown::chosen(&with_cost, MOST_BARS, &[&|point| Some(memory_bar(point)?.value())]);
    let bars: Vec<Bar<'_>> = shown
        .iter()
        .filter_map(|point| Some(memory_bar(point)?.upon_total(floor_total(finding, point))))
        .collect();
    if bars.is_empty() {
        return None;
    }
    let key = if bars::have_floor(&bars) { 26.0 } else { 0.0 };
    // Dots have no parts.
    let top = if bars::are_dots(&bars) { 4.0 } else { PARTS_KEY };
    let height = top + 8.0 + bars::height(&bars) + key;
    let drawing = draw(height, |canvas| {
        if !bars::are_dots(&bars) {
            bars::parts_key(canvas, &PARTS)?;
        }
        bars::floor_key(canvas, &bars, (11.0, height - 12.0))?;
        bars::draw(canvas, &bars, top, "memory per subscriber, B")
    });
    Some(Figure {
        slug: format!("{}-connection-memory", finding.scenario.name),
        scenario: Some(finding.scenario.name.clone()),
        title: title("An open connection takes", &bars, " of memory"),
        caption: format!(
            "From strong to faint: the server's user memory of an idle subscriber, its growth by traffic, and the kernel's memory for both ends of the connection. Each part is the slope over the number of subscribers.{}{}{}",
            bars::scale_words(&bars),
            bars::whisker_words(&bars),
            shown::left_out(bars.len(), with_cost.len())
        ),
        description: format!("Stacked bars of memory per subscriber, in bytes: {}.", words(&shown)),
        elements: drawing.elements,
        width: drawing.width,
        height: drawing.height,
    })
}

/// The memory of a connection to the floor.
fn floor_total(finding: &ScenarioFinding, point: &Point) -> Option<f64> {
    let cost = cost(floor_of(&finding.points, point)?)?;
    Some(estimate::over_blocks(&cost.totals)?.value)
}

/// Slopes of one point: of each block, and over them.
struct Cost {
    user_idle: f64,
    /// None without readings after traffic.
    user_active: Option<f64>,
    kernel: f64,
    /// Of each block, user and kernel together.
    totals: Vec<f64>,
}

fn cost(point: &Point) -> Option<Cost> {
    let over = |values: &[f64]| Some(estimate::over_blocks(values)?.value);
    let of = |part: Part, load: Load| slopes(point, load, part);
    let (user_idle, user_active) = (of(Part::Server, Load::Idle), of(Part::Server, Load::Active));
    let load = if user_active.is_empty() { Load::Idle } else { Load::Active };
    let (user, kernel) = (of(Part::Server, load), of(Part::Kernel, load));
    Some(Cost {
        user_idle: over(&user_idle)?,
        user_active: over(&user_active),
        kernel: over(&kernel)?,
        totals: user.iter().zip(&kernel).map(|(user, kernel)| user + kernel).collect(),
    })
}

fn memory_bar(point: &Point) -> Option<Bar<'_>> {
    let cost = cost(point)?;
    let total = estimate::over_blocks(&cost.totals)?;
    let user = cost.user_active.unwrap_or(cost.user_idle);
    // Memory that traffic freed is not a part of the bar.
    let idle = cost.user_idle.min(user);
    let parts = [idle, user - idle, cost.kernel];
    let lengths = parts.into_iter().zip(PARTS).map(|(length, (_, opacity))| (length.max(0.0), opacity));
    Some(Bar::of(point, total.value, total.interval, Unit::Bytes).stacked(lengths.collect()))
}

fn words(points: &[&Point]) -> String {
    let parts: Vec<String> = points
        .iter()
        .filter_map(|point| {
            let (cost, bar) = (cost(point)?, memory_bar(point)?);
            let traffic = cost
                .user_active
                .map_or_else(String::new, |active| format!(", {} after traffic", bytes(active)));
            Some(format!(
                "{} in all: user {} idle{traffic}, kernel {} for both ends",
                bar.words(),
                bytes(cost.user_idle),
                bytes(cost.kernel)
            ))
        })
        .collect();
    parts.join("; ")
}

/// Bytes and packets of setting up one subscriber; none if no client reports them.
pub(super) fn set_up(finding: &ScenarioFinding, points: &[&Point]) -> Option<Figure> {
    let bytes_of = |set_up: &SetUp| Some(set_up.bytes);
    let byte_bars = set_up_bars(points, bytes_of, Unit::Bytes);
    let packet_bars = set_up_bars(points, |set_up| set_up.segments, Unit::Packets);
    if byte_bars.is_empty() {
        return None;
    }
    let panels: Vec<(&str, &[Bar<'_>])> =
        [("set-up bytes", byte_bars.as_slice()), ("set-up packets", packet_bars.as_slice())]
            .into_iter()
            .filter(|(_, bars)| !bars.is_empty())
            .collect();
    let height: f64 = panels.iter().map(|(_, bars)| HEADING + bars::height(bars) + 10.0).sum();
    let drawing = draw(height, |canvas| {
        let mut top = 0.0;
        for (heading, bars) in &panels {
            canvas.text((4.0, top + 12.0), heading, Anchor::Left, TEXT, ColourRole::Quiet)?;
            bars::draw(canvas, bars, top + HEADING, heading)?;
            top += HEADING + bars::height(bars) + 10.0;
        }
        Ok(())
    });
    let described: Vec<String> = panels
        .iter()
        .map(|(heading, bars)| {
            let bars: Vec<String> = bars.iter().map(Bar::words).collect();
            format!("{heading}: {}", bars.join("; "))
        })
        .collect();
    Some(Figure {
        slug: format!("{}-set-up", finding.scenario.name),
        scenario: Some(finding.scenario.name.clone()),
        title: title("The set-up of a connection takes", &byte_bars, ""),
        caption: format!(
            "From connecting to the first answer with a cursor, both directions. Bytes are those of the TCP stream; packets include the handshake and acknowledgements.{}{}",
            bars::whisker_words(&byte_bars),
            shown::left_out(byte_bars.len(), points.iter().filter(|point| tells_set_up(point)).count())
        ),
        description: format!("Bar charts. {}.", described.join(". ")),
        elements: drawing.elements,
        width: drawing.width,
        height: drawing.height,
    })
}

/// Whether a client reported the cost of its set-up.
fn tells_set_up(point: &Point) -> bool {
    point.completed().any(|trial| trial.set_up.is_some_and(|set_up| set_up.subscribers > 0))
}

fn set_up_bars<'a>(points: &[&'a Point], pick: impl Fn(&SetUp) -> Option<u64>, unit: Unit) -> Vec<Bar<'a>> {
    let of = |point: &Point| -> Vec<f64> {
        point
            .completed()
            .filter_map(|measurements| measurements.set_up.filter(|set_up| set_up.subscribers > 0))
            .filter_map(|set_up| Some(pick(&set_up)? as f64 / set_up.subscribers as f64))
            .collect()
    };
    let each = |point: &Point| estimate::over_blocks(&of(point));
    shown::chosen(points, MOST_BARS, &[&|point| Some(each(point)?.value)])
        .into_iter()
        .filter_map(|point| {
            let each = each(point)?;
            Some(Bar::of(point, each.value, each.interval, unit))
        })
        .collect()
}

/// The lowest and the highest.
fn title(start: &str, bars: &[Bar<'_>], end: &str) -> String {
    let mut sorted: Vec<&Bar<'_>> = bars.iter().collect();
    sorted.sort_by(|left, right| left.value().total_cmp(&right.value()));
    match sorted.as_slice() {
        [] => String::new(),
        [only] => format!("{start} {}{end}", only.named_number()),
        [least, .., most] => format!("{start} {} to {}{end}", least.named_number(), most.named_number()),
    }
}
