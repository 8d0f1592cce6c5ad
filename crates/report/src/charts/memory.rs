//! What each further connection adds: memory over the number of open subscribers, with a fitted line.

use contract::{Load, MemoryStep};

use super::{
    axis::{Axis, Plane},
    canvas::{Anchor, Canvas, Drawn, TEXT, TICK_TEXT, WIDTH, draw, text_width},
    coincide,
    figure::Figure,
    intervals,
    legend::{self, EndLabel},
    shown::{MOST_SERIES, chosen, left_out},
};
use crate::{
    findings::{Point, ScenarioFinding},
    quantities::{
        Unit,
        memory::{self, Part},
    },
    statistics::{
        estimate::{self, Estimate},
        least_squares::Line,
    },
    style::ColourRole,
    text::number::{bytes, counted},
};

/// Least height of a panel's plane; of the space above it, and of its axis.
const PLANE: f64 = 190.0;
const ABOVE: f64 = 46.0;
const BELOW: f64 = 44.0;
/// Height of a row of a label, with its share of the space between labels.
const LABEL_ROW: f64 = 18.0;
/// Bytes of a unit of the upright axis.
const MEGABYTE: f64 = 1e6;

/// The two loads, in the order in which they are read.
const LOADS: [(Load, &str); 2] =
    [(Load::Idle, "idle: connected, no event yet"), (Load::Active, "after traffic")];

/// A point's readings at one load.
struct Series<'a> {
    point: &'a Point,
    /// Subscribers and bytes, of all blocks.
    readings: Vec<(f64, f64)>,
    /// Mean of the blocks' bases, and their slopes.
    base: f64,
    slope: Estimate,
}

impl Series<'_> {
    /// Subscribers of the highest memory step.
    fn most(&self) -> f64 {
        self.readings.iter().map(|(subscribers, _)| *subscribers).fold(0.0, f64::max)
    }
}

/// The server's memory and the kernel's in separate figures, because their causes differ.
pub(super) fn figures(finding: &ScenarioFinding, points: &[&Point]) -> Vec<Figure> {
    [Part::Server, Part::Kernel].into_iter().filter_map(|part| figure(finding, points, part)).collect()
}

/// Slope of each completed trial, bytes per subscriber.
pub(super) fn slopes(point: &Point, load: Load, part: Part) -> Vec<f64> {
    lines(point, load, part).into_iter().map(|(line, _)| line.slope).collect()
}

/// The line of each completed trial that has enough readings, and its readings.
fn lines(point: &Point, load: Load, part: Part) -> Vec<(Line, Vec<MemoryStep>)> {
    point
        .completed()
        .filter_map(|measurements| measurements.connections.as_ref())
        .filter_map(|cost| {
            let memory_steps = cost.memory_steps.iter().filter(|step| step.load == load).copied().collect();
            Some((memory::line(cost, load, part)?, memory_steps))
        })
        .collect()
}

/// The kernel's readings are those of the whole machine, so the figure shows them above the line's value
/// without subscribers.
fn series(point: &Point, load: Load, part: Part) -> Option<Series<'_>> {
    let lines = lines(point, load, part);
    let slopes: Vec<f64> = lines.iter().map(|(line, _)| line.slope).collect();
    let slope = estimate::over_blocks(&slopes)?;
    let ground = |line: &Line| match part {
        Part::Server | Part::Subscriber => 0.0,
        Part::Kernel => line.base,
    };
    let readings = lines
        .iter()
        .flat_map(|(line, memory_steps)| {
            let ground = ground(line);
            memory_steps
                .iter()
                .map(move |step| (f64::from(step.subscribers), part.bytes(step) as f64 - ground))
        })
        .collect();
    let base = lines.iter().map(|(line, _)| line.base - ground(line)).sum::<f64>() / lines.len() as f64;
    Some(Series { point, readings, base, slope })
}

fn figure(finding: &ScenarioFinding, points: &[&Point], part: Part) -> Option<Figure> {
    let with_slope: Vec<&Point> =
        points.iter().copied().filter(|point| !slopes(point, Load::Idle, part).is_empty()).collect();
    let slope = |point: &Point| Some(series(point, Load::Idle, part)?.slope.value);
    let shown = chosen(&with_slope, MOST_SERIES, &[&slope]);
    let panels: Vec<(&str, Vec<Series<'_>>)> = LOADS
        .into_iter()
        .map(|(load, words)| {
            (words, shown.iter().filter_map(|point| series(point, load, part)).collect::<Vec<_>>())
        })
        .filter(|(_, series)| !series.is_empty())
        .collect();
    if panels.is_empty() {
        return None;
    }
    let all = || panels.iter().flat_map(|(_, series)| series);
    let labels: Vec<String> = all().map(|series| label(series, &shown)).collect();
    let rows = || labels.iter().flat_map(|label| label.lines());
    let widest = rows().map(|words| text_width(words, TICK_TEXT)).fold(0.0, f64::max);
    // Each panel has the labels of one load.
    let labels_height = rows().count() as f64 / panels.len() as f64 * LABEL_ROW;
    let height = PLANE.max(labels_height + 2.0 * LABEL_ROW);
    let keys = legend::keys(&shown, false);
    let keys_height = legend::height(&keys) + 8.0;
    let readings = || all().flat_map(|series| &series.readings);
    let x = Axis::from_zero(readings().map(|(subscribers, _)| *subscribers), "open subscribers");
    // Both panels on one scale, so that they can be compared.
    let y = Axis::from_zero(readings().map(|(_, bytes)| bytes / MEGABYTE), unit_words(part));
    let panel = ABOVE + height + BELOW;
    let drawing = draw(keys_height + panel * panels.len() as f64, |canvas| {
        legend::draw(canvas, &keys, 0.0)?;
        for (index, (words, series)) in panels.iter().enumerate() {
            let top = keys_height + panel * index as f64;
            let plane = Plane {
                x: x.clone(),
                y: y.clone(),
                left: 44.0,
                right: WIDTH - widest - 34.0,
                top: top + ABOVE,
                bottom: top + ABOVE + height,
            };
            canvas.text((4.0, top + 9.0), words, Anchor::Left, TEXT, ColourRole::Text)?;
            paint(canvas, &plane, series, &shown)?;
        }
        Ok(())
    });
    Some(Figure {
        slug: format!("{}-memory-{}", finding.scenario.name, slug(part)),
        scenario: Some(finding.scenario.name.clone()),
        title: title(&panels, part),
        caption: format!(
            "{} Faint dots are readings of all blocks. The line has their mean slope: what one more subscriber adds. {}{}{}",
            whose_words(part),
            "Memory without subscribers is not a connection's cost.",
            if all().any(|series| series.slope.interval.is_some()) {
                " In brackets: the 95 % interval over the blocks."
            } else {
                ""
            },
            left_out(shown.len(), with_slope.len())
        ),
        description: description(&panels, part),
        elements: drawing.elements,
        width: drawing.width,
        height: drawing.height,
    })
}

const fn slug(part: Part) -> &'static str {
    match part {
        Part::Server => "user",
        Part::Subscriber => "subscriber",
        Part::Kernel => "kernel",
    }
}

const fn unit_words(part: Part) -> &'static str {
    match part {
        Part::Server | Part::Subscriber => "user memory, MB",
        Part::Kernel => "kernel memory added by subscribers, MB",
    }
}

const fn whose_words(part: Part) -> &'static str {
    match part {
        Part::Server => "User memory of the server process.",
        Part::Subscriber => "User memory of the subscribers' process.",
        Part::Kernel => {
            "Kernel memory for both ends of every connection: slabs and TCP buffers. The line leaves out the low readings, because their sockets reuse slab space of the trial before."
        }
    }
}

fn paint(canvas: &Canvas<'_>, plane: &Plane, series: &[Series<'_>], shown: &[&Point]) -> Drawn {
    plane.frame(canvas)?;
    for one in series {
        for (subscribers, bytes) in &one.readings {
            let (x, y) = plane.place((*subscribers, bytes / MEGABYTE));
            let ink = ColourRole::Measured(one.point.pattern);
            canvas.rectangle((x - 2.0, y - 2.0), (x + 2.0, y + 2.0), ink, 0.4)?;
        }
    }
    let ends: Vec<(f64, f64)> = series
        .iter()
        .map(|one| plane.place((one.most(), (one.base + one.slope.value * one.most()) / MEGABYTE)))
        .collect();
    let lines: Vec<_> = series
        .iter()
        .zip(&ends)
        .map(|(one, end)| {
            let from = plane.place((0.0, one.base / MEGABYTE));
            (ColourRole::Measured(one.point.pattern), vec![from, *end])
        })
        .collect();
    coincide::lines(canvas, &lines, 2.0)?;
    let labels: Vec<EndLabel<'_>> = series
        .iter()
        .zip(ends)
        .map(|(one, end)| EndLabel { point: one.point, end, words: label(one, shown) })
        .collect();
    legend::end_labels(canvas, &labels, plane.right + 18.0, (plane.top, plane.bottom))
}

/// The slope, with its interval below; above it the point's name if its pattern has several points.
fn label(series: &Series<'_>, shown: &[&Point]) -> String {
    let slope = series.slope;
    let of_pattern = shown.iter().filter(|point| point.pattern == series.point.pattern).count();
    let name = (of_pattern > 1).then(|| series.point.mark());
    let interval = slope.interval.map(|interval| intervals::brackets(Unit::Bytes, slope.value, interval));
    let rows = [name, Some(format!("{} each", bytes(slope.value))), interval];
    rows.into_iter().flatten().filter(|row| !row.is_empty()).collect::<Vec<_>>().join("\n")
}

/// Slope and interval in one line.
fn slope_words(series: &Series<'_>) -> String {
    let brackets = series.slope.interval.map_or_else(String::new, |interval| {
        format!(" {}", intervals::brackets(Unit::Bytes, series.slope.value, interval))
    });
    format!("{}{brackets}", bytes(series.slope.value))
}

/// The least and the most of the first panel.
fn title(panels: &[(&str, Vec<Series<'_>>)], part: Part) -> String {
    let mut sorted: Vec<&Series<'_>> =
        panels.first().map_or_else(Vec::new, |(_, series)| series.iter().collect());
    sorted.sort_by(|left, right| left.slope.value.total_cmp(&right.slope.value));
    let whose = match part {
        Part::Server => "of the server's user memory",
        Part::Subscriber => "of the subscribers' user memory",
        Part::Kernel => "of kernel memory, both ends together",
    };
    let text =
        |series: &Series<'_>| format!("{} ({})", bytes(series.slope.value), series.point.pattern.label());
    match sorted.as_slice() {
        [] => String::new(),
        [only] => format!("One more idle subscriber takes {} {whose}", text(only)),
        [least, .., most] => {
            format!("One more idle subscriber takes {} to {} {whose}", text(least), text(most))
        }
    }
}

fn description(panels: &[(&str, Vec<Series<'_>>)], part: Part) -> String {
    let panels: Vec<String> = panels
        .iter()
        .map(|(words, series)| {
            let lines: Vec<String> = series
                .iter()
                .map(|one| {
                    format!(
                        "{} {} per subscriber, read up to {}",
                        one.point.label(),
                        slope_words(one),
                        counted(one.most() as u64, "subscriber", "subscribers")
                    )
                })
                .collect();
            format!("{words}: {}", lines.join("; "))
        })
        .collect();
    format!("Scatter charts with lines of {} over open subscribers. {}.", unit_words(part), panels.join(". "))
}
