//! The break-even map: regions of event rate and wanted freshness, each with the patterns that are cheapest there.

use std::ops::Range;

use contract::Pattern;

use super::{
    axis::{Axis, Plane},
    break_even_words::{caption, title},
    canvas::{Anchor, Canvas, Drawn, TICK_TEXT, WIDTH, draw, text_width},
    figure::Figure,
    legend::{self, Key},
    marks::side_by_side,
};
use crate::{
    estimates::{
        break_even::{BreakEven, Cheapest, FRESHNESS_S, Panel, RATES_HZ, Spot, edges},
        choice::Resource,
    },
    style::ColourRole,
    text::number::{counted, period_ms, setting},
};

/// Height of the large panel and of a small one.
const HEIGHT: f64 = 250.0;
const SMALL_HEIGHT: f64 = 112.0;
/// Distance of the marks that fill a region.
const HATCH: f64 = 24.0;
/// Radius of those marks, and of a measured point's.
const HATCH_MARK: f64 = 2.2;
const MEASURED_MARK: f64 = 6.5;
const TINT: f64 = 0.28;
/// Height of a label's line.
const LINE: f64 = 17.0;
/// More patterns than this that count as equal are no choice.
pub(crate) const MOST_NAMED: usize = 2;

/// One figure for each resource that has values.
pub(crate) fn figures(of: &BreakEven) -> Vec<Figure> {
    resources(of).map(|resource| figure(of, &[resource])).collect()
}

/// All of them in one drawing, one below the other.
pub(crate) fn sheet(of: &BreakEven) -> Figure {
    figure(of, &resources(of).collect::<Vec<_>>())
}

fn resources(of: &BreakEven) -> impl Iterator<Item = Resource> {
    let has_values = |resource: &Resource| {
        of.main.rows.iter().flatten().any(|cheapest| !cheapest[*resource as usize].is_empty())
    };
    Resource::ALL.into_iter().filter(has_values)
}

fn figure(of: &BreakEven, resources: &[Resource]) -> Figure {
    let mut keys: Vec<Key> =
        Pattern::ALL.into_iter().map(|pattern| Key::Pattern(pattern, pattern.label().to_owned())).collect();
    keys.push(Key::Words("large marks: measured"));
    let heading = if resources.len() > 1 { 26.0 } else { 0.0 };
    let part = heading + 38.0 + HEIGHT + 44.0 + 2.0 * (SMALL_HEIGHT + 30.0) + 50.0;
    let top = legend::height(&keys);
    let drawing = draw(top + part * resources.len() as f64, |canvas| {
        legend::draw(canvas, &keys, 0.0)?;
        for (index, resource) in resources.iter().enumerate() {
            let top = top + part * index as f64;
            if resources.len() > 1 {
                let words = format!("cheapest by {}", resource.label());
                canvas.text((4.0, top + 15.0), &words, Anchor::Left, TICK_TEXT + 2.0, ColourRole::Text)?;
            }
            resource_maps(canvas, of, *resource, top + heading + 38.0)?;
        }
        Ok(())
    });
    let slugs: Vec<&str> = resources.iter().map(|resource| slug(*resource)).collect();
    let titles: Vec<String> = resources.iter().map(|resource| title(of, *resource)).collect();
    Figure {
        slug: format!("break-even-{}", slugs.join("-")),
        scenario: None,
        title: titles.join(". "),
        caption: caption(resources),
        description: titles.join(". "),
        elements: drawing.elements,
        width: drawing.width,
        height: drawing.height,
    }
}

const fn slug(resource: Resource) -> &'static str {
    match resource {
        Resource::Bytes => "bytes",
        Resource::Cpu => "cpu",
        Resource::Memory => "memory",
    }
}

/// The large panel and the small ones below it.
fn resource_maps(canvas: &Canvas<'_>, of: &BreakEven, resource: Resource, top: f64) -> Drawn {
    let main =
        plane((62.0, WIDTH - 10.0), (top, top + HEIGHT), "oldest wanted age (p99)", "events per second");
    main.frame(canvas)?;
    regions(canvas, &main, &of.main, resource)?;
    labels(canvas, &main, of, resource)?;
    measured(canvas, &main, of, resource)?;
    let first_row = main.bottom + 44.0 + 26.0;
    for (index, panel) in of.others.iter().enumerate() {
        let (row, column) = (index / 2, index % 2);
        let left = 62.0 + 164.0 * column as f64;
        let top = first_row + (SMALL_HEIGHT + 30.0) * row as f64;
        let is_last = row == 1;
        let title = if is_last { "events per second" } else { "" };
        let mut small = plane((left, left + 148.0), (top, top + SMALL_HEIGHT), "", title);
        // Labels at the ends would run into those of the next panel.
        small.x = small.x.with_ticks([0.01, 0.1, 1.0, 10.0].map(|hz| (hz, setting(hz))).to_vec());
        if column == 0 {
            small.frame_y(canvas)?;
        }
        if is_last {
            small.frame_x(canvas)?;
        }
        let words = condition(of, panel);
        canvas.text((left, top - 11.0), &words, Anchor::Left, TICK_TEXT, ColourRole::Text)?;
        regions(canvas, &small, panel, resource)?;
    }
    Ok(())
}

fn plane((left, right): (f64, f64), (top, bottom): (f64, f64), y_title: &str, x_title: &str) -> Plane {
    let seconds = [0.02, 0.1, 1.0, 10.0, 60.0, 600.0, 3_600.0];
    let tick = |seconds: &f64| {
        let words = match *seconds {
            from_hour if from_hour >= 3_600.0 => "1 h".to_owned(),
            from_minute if from_minute >= 60.0 => format!("{} min", setting(from_minute / 60.0)),
            below => period_ms(below * 1e3),
        };
        (*seconds, words)
    };
    let ends = |(low, high): (f64, f64)| [low, high].into_iter();
    Plane {
        x: Axis::log(ends(RATES_HZ), x_title),
        y: Axis::log(ends(FRESHNESS_S), y_title).with_ticks(seconds.iter().map(tick).collect()),
        left,
        right,
        top,
        bottom,
    }
}

/// What distinguishes a small panel from the large one.
fn condition(of: &BreakEven, panel: &Panel) -> String {
    if panel.wish.rtt == of.main.wish.rtt {
        counted(u64::from(panel.wish.subscribers), "subscriber", "subscribers")
    } else {
        format!("round trip {}", period_ms(panel.wish.rtt.milliseconds()))
    }
}

/// Cells of one row with the same cheapest patterns.
type Run<'a> = (Range<usize>, &'a [Pattern]);

fn runs(panel: &Panel, row: usize, resource: Resource) -> Vec<Run<'_>> {
    let mut runs: Vec<Run<'_>> = Vec::new();
    for (column, cheapest) in panel.rows[row].iter().enumerate() {
        let found = cheapest[resource as usize].as_slice();
        match runs.last_mut().filter(|(_, last)| is_same(last, found)) {
            Some((range, _)) => range.end = column + 1,
            None => runs.push((column..column + 1, found)),
        }
    }
    runs
}

/// Whether the same patterns count as equal, in whatever order.
fn is_same(one: &[Pattern], other: &[Pattern]) -> bool {
    one.len() == other.len() && one.iter().all(|pattern| other.contains(pattern))
}

/// The rectangle of a range of columns and of rows, in pixels: left, top, right, bottom.
fn area(plane: &Plane, panel: &Panel, columns: Range<usize>, rows: Range<usize>) -> [f64; 4] {
    let (low_hz, high_hz) = edges(RATES_HZ, columns, panel.rows[0].len());
    let (low_s, high_s) = edges(FRESHNESS_S, rows, panel.rows.len());
    [plane.place_x(low_hz), plane.place_y(high_s), plane.place_x(high_hz), plane.place_y(low_s)]
}

/// Tints, marks and borders of the regions.
fn regions(canvas: &Canvas<'_>, plane: &Plane, panel: &Panel, resource: Resource) -> Drawn {
    let by_row: Vec<Vec<Run<'_>>> = (0..panel.rows.len()).map(|row| runs(panel, row, resource)).collect();
    let mut row = 0;
    while row < by_row.len() {
        // Equal rows make one rectangle.
        let height = by_row[row..].iter().take_while(|runs| **runs == by_row[row]).count();
        for (columns, cheapest) in &by_row[row] {
            let [left, top, right, bottom] = area(plane, panel, columns.clone(), row..row + height);
            let (ink, opacity) = match cheapest {
                [] => (ColourRole::Ground, 1.0),
                [first, ..] if cheapest.len() <= MOST_NAMED => (ColourRole::Measured(*first), TINT),
                _many => (ColourRole::Shade, 1.0),
            };
            canvas.rectangle((left, top), (right, bottom), ink, opacity)?;
            if columns.start > 0 {
                canvas.line(&[(left, top), (left, bottom)], ColourRole::Text, 1.0)?;
            }
        }
        row += height;
    }
    for row in 1..by_row.len() {
        for (columns, _) in borders(&by_row[row - 1], &by_row[row]) {
            let [left, _, right, bottom] = area(plane, panel, columns, row..row + 1);
            canvas.line(&[(left, bottom), (right, bottom)], ColourRole::Text, 1.0)?;
        }
    }
    hatch(canvas, plane, panel, resource)
}

/// The columns where two rows differ.
fn borders<'a>(below: &[Run<'a>], above: &[Run<'a>]) -> Vec<Run<'a>> {
    let mut differing = Vec::new();
    for (one, one_patterns) in below {
        for (other, patterns) in above {
            let shared = one.start.max(other.start)..one.end.min(other.end);
            if shared.start < shared.end && !is_same(one_patterns, patterns) {
                differing.push((shared, *patterns));
            }
        }
    }
    differing
}

/// Small marks of the cheapest patterns all over a region, so that it is known without its colour.
fn hatch(canvas: &Canvas<'_>, plane: &Plane, panel: &Panel, resource: Resource) -> Drawn {
    let (columns, rows) = (panel.rows[0].len() as f64, panel.rows.len() as f64);
    let steps = |from: f64, to: f64| {
        let number = ((to - from) / HATCH).floor().max(1.0) as u32;
        (0..number).map(move |step| (step, from + (to - from) * (f64::from(step) + 0.5) / f64::from(number)))
    };
    for (line, y) in steps(plane.top, plane.bottom) {
        for (step, x) in steps(plane.left, plane.right) {
            let column = ((x - plane.left) / (plane.right - plane.left) * columns) as usize;
            let row = ((plane.bottom - y) / (plane.bottom - plane.top) * rows) as usize;
            let cheapest = &panel.rows[row][column][resource as usize];
            if (1..=MOST_NAMED).contains(&cheapest.len()) {
                let pattern = cheapest[(line + step) as usize % cheapest.len()];
                canvas.marker(pattern, (x, y), HATCH_MARK)?;
            }
        }
    }
    Ok(())
}

/// The names of the regions, each where it has most room and covers no measured point.
fn labels(canvas: &Canvas<'_>, plane: &Plane, of: &BreakEven, resource: Resource) -> Drawn {
    let panel = &of.main;
    let mut named: Vec<&[Pattern]> = Vec::new();
    for cheapest in panel.rows.iter().flatten().map(|of| of[resource as usize].as_slice()) {
        if !cheapest.is_empty() && !named.iter().any(|known| is_same(known, cheapest)) {
            named.push(cheapest);
        }
    }
    let marks: Vec<(f64, f64)> = of.spots.iter().map(|spot| place(plane, spot)).collect();
    for cheapest in named {
        let lines = region_words(cheapest);
        let widest = lines.iter().map(|line| text_width(line, TICK_TEXT)).fold(0.0, f64::max);
        let half = (widest / 2.0 + 4.0, LINE * lines.len() as f64 / 2.0);
        if let Some((x, y)) =
            roomiest(plane, panel, &marks, half, &|found| is_same(&found[resource as usize], cheapest))
        {
            canvas.rectangle((x - half.0, y - half.1), (x + half.0, y + half.1), ColourRole::Ground, 0.9)?;
            for (index, line) in lines.iter().enumerate() {
                let y = y - half.1 + LINE * (index as f64 + 0.5);
                canvas.text((x, y), line, Anchor::Centre, TICK_TEXT, ColourRole::Text)?;
            }
        }
    }
    Ok(())
}

/// A region's name, a line for each pattern.
fn region_words(cheapest: &[Pattern]) -> Vec<String> {
    if cheapest.len() > MOST_NAMED {
        return vec!["no difference".to_owned()];
    }
    let patterns: Vec<Pattern> =
        Pattern::ALL.into_iter().filter(|pattern| cheapest.contains(pattern)).collect();
    let word = |(index, pattern): (usize, &Pattern)| {
        let or = if index + 1 < patterns.len() { " or" } else { "" };
        format!("{}{or}", pattern.label())
    };
    patterns.iter().enumerate().map(word).collect()
}

/// The place of a region that has most room around it for a label of this half width and height; none if it fits
/// nowhere.
fn roomiest(
    plane: &Plane,
    panel: &Panel,
    marks: &[(f64, f64)],
    half: (f64, f64),
    is_inside: &dyn Fn(&Cheapest) -> bool,
) -> Option<(f64, f64)> {
    let (columns, rows) = (panel.rows[0].len(), panel.rows.len());
    let cell = ((plane.right - plane.left) / columns as f64, (plane.bottom - plane.top) / rows as f64);
    let reach = ((half.0 / cell.0).ceil() as usize, (half.1 / cell.1).ceil() as usize);
    let fits = |row: usize, column: usize, more: usize| {
        let (wide, high) = (reach.0 + more, reach.1 + more);
        row >= high
            && column >= wide
            && row + high < rows
            && column + wide < columns
            && (row - high..=row + high)
                .all(|row| panel.rows[row][column - wide..=column + wide].iter().all(is_inside))
    };
    let mut best: Option<(usize, (f64, f64))> = None;
    for row in 0..rows {
        for column in 0..columns {
            let place = area(plane, panel, column..column + 1, row..row + 1);
            let place = (f64::midpoint(place[0], place[2]), f64::midpoint(place[1], place[3]));
            let covers = |mark: &(f64, f64)| {
                (mark.0 - place.0).abs() < half.0 + 2.0 * MEASURED_MARK
                    && (mark.1 - place.1).abs() < half.1 + MEASURED_MARK
            };
            let least = best.map_or(0, |(most, _)| most + 1);
            if !fits(row, column, least) || marks.iter().any(covers) {
                continue;
            }
            let room = (least..columns).take_while(|more| fits(row, column, *more)).last().unwrap_or(least);
            best = Some((room, place));
        }
    }
    best.map(|(_, place)| place)
}

/// Where a measured point is on the map.
fn place(plane: &Plane, spot: &Spot) -> (f64, f64) {
    plane.place((spot.wish.rate_hz, spot.wish.freshness.as_secs_f64()))
}

/// The measured winners, each at its rate and at the age that its short polling delivered.
fn measured(canvas: &Canvas<'_>, plane: &Plane, of: &BreakEven, resource: Resource) -> Drawn {
    let mut marks: Vec<(Pattern, (f64, f64))> = Vec::new();
    for spot in &of.spots {
        let cheapest = &spot.cheapest[resource as usize];
        let place = place(plane, spot);
        if cheapest.len() <= MOST_NAMED {
            marks.extend(cheapest.iter().map(|pattern| (*pattern, place)));
        }
    }
    for ((pattern, _), place) in marks.iter().zip(side_by_side(&marks, plane.left)) {
        canvas.marker(*pattern, place, MEASURED_MARK)?;
    }
    Ok(())
}
