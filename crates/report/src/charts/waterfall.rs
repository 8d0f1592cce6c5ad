//! Why the patterns differ: the same events in one lane per pattern, with each subscriber's requests and
//! arrivals.

use super::{
    axis::{Axis, Plane},
    canvas::{Anchor, Canvas, Drawn, TEXT, TICK_TEXT, WIDTH, draw, text_width},
    figure::Figure,
    waterfall_trace::{self, Lane, Request, Traced},
    waterfall_words::{description, event_words, later_words, oldest_ms, place_words, title},
};
use crate::{
    findings::{Point, ScenarioFinding},
    style::ColourRole,
    text::number::{setting, with_unit},
};

/// Height of a lane's heading.
const HEADING: f64 = 24.0;
/// From the upper edge of a lane's drawing to its marks: room for the connectors to slant in.
const FALL: f64 = 30.0;
/// From the marks to the bars of the requests, and the height of these.
const BAR_BELOW: f64 = 9.0;
pub(super) const BAR: f64 = 10.0;
/// Height of a lane.
const LANE: f64 = HEADING + FALL + BAR_BELOW + BAR + 8.0;
/// Height of a row of the key.
const KEY: f64 = 21.0;
/// Narrowest bar: shorter times are drawn this wide, to be visible.
const THIN: f64 = 2.0;
/// Distance of the lines of a hatching.
const HATCH: f64 = 4.0;
/// Times beyond this, in seconds, are printed in seconds.
const SECONDS_FROM: f64 = 1.5;

/// None for a sweep, and if no trace has two deliveries.
pub(super) fn figure(finding: &ScenarioFinding, points: &[&Point]) -> Option<Figure> {
    if finding.scenario.sweep.is_some() {
        return None;
    }
    let traced = waterfall_trace::of(points)?;
    let view = View::of(&traced);
    let top = 2.0 * KEY + 4.0;
    let bottom = top + LANE * traced.lanes.len() as f64;
    let plane = Plane {
        x: view.axis(),
        y: Axis::linear(0.0, 1.0, Vec::new(), ""),
        left: 4.0,
        right: WIDTH - 6.0,
        top,
        bottom,
    };
    let cut = |lane: &Lane<'_>| view.place(&plane, lane.end_ns) + 12.0 < plane.right;
    let drawing = draw(bottom + 44.0, |canvas| {
        key(canvas, &traced, &view)?;
        for lane_top in (0..traced.lanes.len()).map(|index| top + LANE * index as f64) {
            hairlines(canvas, &plane, &view, &traced.due_ns, lane_top)?;
        }
        for (index, lane) in traced.lanes.iter().enumerate() {
            let lane_top = top + LANE * index as f64;
            if cut(lane) {
                let from = view.place(&plane, lane.end_ns);
                let high = lane_top + HEADING + FALL + BAR_BELOW;
                canvas.rectangle((from, high), (plane.right, high + BAR), ColourRole::Shade, 1.0)?;
            }
            draw_lane(canvas, &plane, &view, lane, lane_top)?;
        }
        plane.frame_x(canvas)
    });
    let cut_words =
        if traced.lanes.iter().any(cut) { " The pale end of a lane lies after its trace." } else { "" };
    Some(Figure {
        slug: format!("{}-waterfall", finding.scenario.name),
        scenario: Some(finding.scenario.name.clone()),
        title: title(&traced),
        caption: format!(
            "The same {} in every lane. {}{} A grey line is the instant at which an event was due. A coloured line leads from it to the mark where the event arrived: the more it leans, the older the event was. Below is the request that delivered it. A hatched request waits at the server for an event; a pale bar is a stream that stays open.{}{cut_words}",
            event_words(&traced),
            place_words(&traced),
            if traced.lanes.iter().any(|lane| lane.point.completed().count() > 1) {
                " With several blocks, the first one is shown."
            } else {
                ""
            },
            later_words(&traced)
        ),
        description: description(&traced),
        elements: drawing.elements,
        width: drawing.width,
        height: drawing.height,
    })
}

/// The time that is shown: from the first event to the last arrival, with some margin.
struct View {
    first_ns: i64,
    from_ns: i64,
    to_ns: i64,
}

impl View {
    fn of(traced: &Traced<'_>) -> Self {
        let first_ns = traced.due_ns.first().copied().unwrap_or(0);
        let span_ns = (traced.last_ns() - first_ns).max(100_000);
        let air_ns = span_ns / 33;
        Self { first_ns, from_ns: first_ns - air_ns, to_ns: first_ns + span_ns + air_ns }
    }

    /// Seconds since the first event.
    fn seconds(&self, at_ns: i64) -> f64 {
        (at_ns - self.first_ns) as f64 * 1e-9
    }

    fn place(&self, plane: &Plane, at_ns: i64) -> f64 {
        plane.place_x(self.seconds(at_ns))
    }

    fn overlaps(&self, request: &Request) -> bool {
        request.to_ns >= self.from_ns && request.from_ns <= self.to_ns
    }

    fn shows(&self, at_ns: i64) -> bool {
        self.from_ns <= at_ns && at_ns <= self.to_ns
    }

    fn axis(&self) -> Axis {
        let (low, high) = (self.seconds(self.from_ns), self.seconds(self.to_ns));
        let (factor, unit) = if high > SECONDS_FROM { (1.0, "seconds") } else { (1e3, "ms") };
        let rough = high * factor / 7.0;
        let power = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0]
            .into_iter()
            .map(|digit| digit * power)
            .find(|step| *step >= rough)
            .unwrap_or(rough);
        let ticks = (0..=(high * factor / step) as u32)
            .map(|index| f64::from(index) * step)
            .map(|value| (value / factor, setting(value)))
            .collect();
        Axis::linear(low, high, ticks, &format!("{unit} since the first of these events was due"))
    }
}

/// The key of the strokes: events above, requests below.
fn key(canvas: &Canvas<'_>, traced: &Traced<'_>, view: &View) -> Drawn {
    let word =
        |x: f64, y: f64, text: &str| canvas.text((x, y), text, Anchor::Left, TICK_TEXT, ColourRole::Text);
    let (above, below) = (10.0, 10.0 + KEY);
    canvas.line(&[(7.0, above - 7.0), (7.0, above + 7.0)], ColourRole::Limit, 0.8)?;
    word(14.0, above, "event due")?;
    canvas.line(&[(104.0, above - 6.0), (116.0, above + 6.0)], ColourRole::Text, 1.0)?;
    word(122.0, above, "its age")?;
    if let Some(lane) = traced.lanes.first() {
        canvas.marker(lane.point.pattern, (196.0, above), 5.0)?;
        word(206.0, above, "received")?;
    }
    canvas.rectangle((4.0, below - 5.0), (18.0, below + 5.0), ColourRole::Text, 1.0)?;
    word(23.0, below, "request")?;
    hatched(canvas, (92.0, 116.0), below - 5.0, ColourRole::Text)?;
    word(122.0, below, "held")?;
    canvas.rectangle((172.0, below - 5.0), (196.0, below + 5.0), ColourRole::Text, 0.35)?;
    word(202.0, below, "open stream")?;
    if any_connected(traced, view) {
        notch(canvas, 302.0, below - 5.0)?;
        word(309.0, below, "connected")?;
    }
    Ok(())
}

/// Whether a connection was opened in the time shown.
fn any_connected(traced: &Traced<'_>, view: &View) -> bool {
    traced.lanes.iter().any(|lane| lane.connected_ns.iter().any(|at_ns| view.shows(*at_ns)))
}

fn hairlines(canvas: &Canvas<'_>, plane: &Plane, view: &View, due_ns: &[i64], top: f64) -> Drawn {
    let (from, to) = (top + HEADING - 3.0, top + LANE - 4.0);
    let mut last = f64::NEG_INFINITY;
    for due_ns in due_ns {
        let x = view.place(plane, *due_ns);
        // Closer ones would only be a thicker line.
        if x - last >= 0.75 {
            canvas.line(&[(x, from), (x, to)], ColourRole::Limit, 0.5)?;
            last = x;
        }
    }
    Ok(())
}

fn draw_lane(canvas: &Canvas<'_>, plane: &Plane, view: &View, lane: &Lane<'_>, top: f64) -> Drawn {
    let pattern = lane.point.pattern;
    canvas.marker(pattern, (11.0, top + 9.0), 5.5)?;
    canvas.text((24.0, top + 9.0), &lane.point.label(), Anchor::Left, TEXT, ColourRole::Text)?;
    oldest_words(canvas, plane, lane, top + 9.0)?;
    let (fall_from, marks) = (top + HEADING, top + HEADING + FALL);
    requests(canvas, plane, view, lane, marks + BAR_BELOW)?;
    for at_ns in lane.connected_ns.iter().filter(|at_ns| view.shows(**at_ns)) {
        notch(canvas, view.place(plane, *at_ns), marks + BAR_BELOW)?;
    }
    let ends: Vec<(f64, f64)> = lane
        .arrivals
        .iter()
        .map(|arrival| (view.place(plane, arrival.due_ns), view.place(plane, arrival.at_ns)))
        .collect();
    for (due, at) in &ends {
        canvas.line(&[(*due, fall_from), (*at, marks)], ColourRole::Measured(pattern), 1.1)?;
    }
    let places = apart(ends.iter().map(|(_, at)| *at).collect());
    let closest = places.windows(2).map(|pair| pair[1] - pair[0]).fold(f64::INFINITY, f64::min);
    let radius = (closest * 0.45).clamp(2.4, 5.0);
    for x in places {
        canvas.marker(pattern, (x, marks), radius)?;
    }
    Ok(())
}

/// The lane's oldest event, at the right end of its heading.
fn oldest_words(canvas: &Canvas<'_>, plane: &Plane, lane: &Lane<'_>, y: f64) -> Drawn {
    let Some(oldest) = oldest_ms(lane) else {
        return Ok(());
    };
    let words = format!("oldest {}", with_unit(oldest, "ms"));
    if 24.0 + text_width(&lane.point.label(), TEXT) + text_width(&words, TICK_TEXT) + 12.0 > plane.right {
        return Ok(());
    }
    canvas.text((plane.right, y), &words, Anchor::Right, TICK_TEXT, ColourRole::Quiet)
}

/// Places in order, those that would cover each other wholly as one.
fn apart(mut places: Vec<f64>) -> Vec<f64> {
    places.sort_by(f64::total_cmp);
    places.dedup_by(|later, earlier| *later - *earlier < 2.0);
    places
}

fn requests(canvas: &Canvas<'_>, plane: &Plane, view: &View, lane: &Lane<'_>, top: f64) -> Drawn {
    let ink = ColourRole::Measured(lane.point.pattern);
    if lane.point.pattern.polls() {
        for bar in poll_bars(plane, view, &lane.requests) {
            if bar.held_to - bar.from >= HATCH {
                hatched(canvas, (bar.from, bar.held_to), top, ink)?;
                canvas.rectangle((bar.held_to, top), (bar.to, top + BAR), ink, 1.0)?;
            } else {
                canvas.rectangle((bar.from, top), (bar.to, top + BAR), ink, 1.0)?;
            }
        }
    } else {
        for request in lane.requests.iter().filter(|request| view.overlaps(request)) {
            let (from, to) = (view.place(plane, request.from_ns), view.place(plane, request.to_ns));
            canvas.rectangle((from, top), (to.max(from + THIN), top + BAR), ink, 0.35)?;
        }
    }
    Ok(())
}

/// A poll in the drawing's units.
struct PollBar {
    from: f64,
    held_to: f64,
    to: f64,
}

/// The polls in view without overlaps: polls closer than a hair are drawn as one, so the number of bars is
/// limited by the figure's width.
fn poll_bars(plane: &Plane, view: &View, requests: &[Request]) -> Vec<PollBar> {
    let mut bars: Vec<PollBar> = Vec::new();
    for request in requests.iter().filter(|request| view.overlaps(request)) {
        let drawn_to = bars.last().map_or(plane.left, |bar| bar.to);
        let to = view.place(plane, request.to_ns);
        if !bars.is_empty() && to <= drawn_to {
            continue;
        }
        // A thin gap separates two requests.
        let from = view.place(plane, request.from_ns).max(drawn_to + if bars.is_empty() { 0.0 } else { 0.8 });
        let to = to.max(from + THIN);
        // The answer is visible even if it took almost no time.
        let held_to = view.place(plane, request.held_to_ns).min(to - THIN / 2.0).max(from);
        bars.push(PollBar { from, held_to, to });
    }
    bars
}

/// A bar of slanted lines within a thin frame.
pub(super) fn hatched(canvas: &Canvas<'_>, (from, to): (f64, f64), top: f64, ink: ColourRole) -> Drawn {
    canvas.rectangle((from, top), (to, top + BAR), ink, 0.16)?;
    let bottom = top + BAR;
    let frame = [(from, top), (to, top), (to, bottom), (from, bottom), (from, top)];
    canvas.line(&frame, ink, 0.7)?;
    canvas.line(&hatching((from, to), top), ink, 0.9)
}

/// One line there and back, so that a bar is one element however long it is.
fn hatching((from, to): (f64, f64), top: f64) -> Vec<(f64, f64)> {
    let bottom = top + BAR;
    let count = ((to - from + BAR) / HATCH) as u32;
    (1..=count)
        .flat_map(|index| {
            // Where this line would leave the lower edge; its ends are cut at the bar's.
            let foot = from - BAR + f64::from(index) * HATCH;
            let low_x = foot.max(from);
            let high_x = (foot + BAR).min(to);
            let low = (low_x, bottom - (low_x - foot));
            let high = (high_x, bottom - (high_x - foot));
            if index % 2 == 0 { [high, low] } else { [low, high] }
        })
        // A point on an edge counts as inside, despite rounding.
        .filter(|(_, y)| (top - 1e-6..=bottom + 1e-6).contains(y))
        .collect()
}

/// Where a connection was opened: a cut in the bar with a stroke in it.
fn notch(canvas: &Canvas<'_>, x: f64, top: f64) -> Drawn {
    canvas.line(&[(x, top - 2.0), (x, top + BAR + 2.0)], ColourRole::Ground, 5.0)?;
    canvas.line(&[(x, top - 3.0), (x, top + BAR + 3.0)], ColourRole::Text, 1.6)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND_NS: i64 = 1_000_000_000;

    /// Ten units a second, the first event at 0 s, seen from 0 to 10 s.
    fn plane() -> (View, Plane) {
        let view = View { first_ns: 0, from_ns: 0, to_ns: 10 * SECOND_NS };
        let y = Axis::linear(0.0, 1.0, Vec::new(), "");
        let plane = Plane { x: view.axis(), y, left: 0.0, right: 100.0, top: 0.0, bottom: 10.0 };
        (view, plane)
    }

    fn poll(from_s: f64, held_to_s: f64, to_s: f64) -> Request {
        let ns = |seconds: f64| (seconds * 1e9) as i64;
        Request { from_ns: ns(from_s), held_to_ns: ns(held_to_s), to_ns: ns(to_s) }
    }

    fn placed(polls: &[Request]) -> Vec<[f64; 3]> {
        let (view, plane) = plane();
        let round = |value: f64| (value * 100.0).round() / 100.0;
        let bars = poll_bars(&plane, &view, polls);
        bars.iter().map(|bar| [bar.from, bar.held_to, bar.to].map(round)).collect()
    }

    #[test]
    fn polls_lie_where_their_times_say() {
        // Begun before the view, held to 2 s; then one of 3 s; the last ends after the view.
        let polls =
            [poll(-4.0, 2.0, 2.5), poll(3.0, 5.0, 6.0), poll(8.0, 12.0, 13.0), poll(20.0, 21.0, 22.0)];
        assert_eq!(placed(&polls), [[0.0, 20.0, 25.0], [30.0, 50.0, 60.0], [80.0, 99.0, 100.0]]);
    }

    #[test]
    fn a_poll_too_short_to_be_seen_is_drawn_thin_and_a_thousand_do_not_pile_up() {
        assert_eq!(placed(&[poll(5.0, 5.0, 5.0001)]), [[50.0, 50.0, 52.0]]);
        let polls: Vec<Request> =
            (0..1_000).map(|index| f64::from(index) * 0.01).map(|at| poll(at, at, at + 1e-3)).collect();
        let bars = placed(&polls);
        assert!(bars.len() <= 50, "{} bars", bars.len());
        assert!(bars.windows(2).all(|pair| pair[1][0] >= pair[0][2]), "none upon another");
    }

    #[test]
    fn hatching_stays_within_its_bar() {
        for to in [14.0, 17.0, 30.0, 391.0] {
            let path = hatching((10.0, to), 5.0);
            assert!(path.len() > 2 && path.len() < 220, "{to}: {}", path.len());
            assert!(
                path.iter().all(|(x, y)| (10.0..=to).contains(x) && (4.99..=15.01).contains(y)),
                "{path:?}"
            );
        }
    }

    #[test]
    fn no_line_of_a_hatching_is_left_out() {
        for step in 0..100 {
            let top = 86.3 + f64::from(step) * 0.17;
            let path = hatching((104.7, 327.1), top);
            let upper = path.iter().filter(|(_, y)| (y - top).abs() < 1e-3).count();
            // All but those that the ends cut.
            assert!(upper >= 52, "{top}: {upper}");
        }
    }

    #[test]
    fn places_that_cover_each_other_are_one_mark() {
        assert_eq!(apart(vec![30.0, 10.0, 10.5, 11.9, 30.0]), [10.0, 30.0]);
    }
}
