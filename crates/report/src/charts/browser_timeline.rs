//! The streams and requests of a page, and how long each waited: one lane each, one scale for all.

use contract::{BrowserLane, PageApi, Pattern};

use super::{
    axis::{Axis, Plane},
    canvas::{Anchor, Canvas, Drawn, TEXT, TICK_TEXT, WIDTH, draw, text_width},
    figure::Figure,
    waterfall::{BAR, hatched},
};
use crate::{
    findings::ScenarioFinding,
    style::ColourRole,
    tables::watched::{Watch, first_watches, found_words, waited_ms, watches},
    text::{
        number::{counted, setting, time_ms},
        sentence::further,
    },
};

/// Height of a lane.
const LANE: f64 = 19.0;
/// Height of a panel's heading, and of each line beneath it.
const HEADING: f64 = 24.0;
const BESIDE: f64 = 18.0;
/// Ground between panels.
const GAP: f64 = 16.0;
/// Height of the key.
const KEY: f64 = 26.0;
/// Narrowest bar.
const THIN: f64 = 1.5;

/// None if no page opened anything.
pub(super) fn figure(finding: &ScenarioFinding) -> Option<Figure> {
    let shown: Vec<Watch<'_>> =
        first_watches(finding).into_iter().filter(|watch| !watch.findings.lanes.is_empty()).collect();
    if shown.is_empty() {
        return None;
    }
    let longest_ms = shown.iter().map(Watch::last_ms).fold(0.0, f64::max).max(1.0);
    let lanes = || shown.iter().flat_map(|watch| &watch.findings.lanes);
    let labels = lanes().map(|lane| text_width(&lane.label, TICK_TEXT)).fold(0.0, f64::max);
    let height = |watch: &Watch<'_>| {
        HEADING + BESIDE * beside(watch).len() as f64 + LANE * watch.findings.lanes.len() as f64 + GAP
    };
    let bottom = KEY + shown.iter().map(height).sum::<f64>();
    let plane = Plane {
        x: axis(longest_ms),
        y: Axis::linear(0.0, 1.0, Vec::new(), ""),
        left: (labels + 10.0).clamp(60.0, WIDTH / 2.0),
        right: WIDTH - 62.0,
        top: KEY,
        bottom,
    };
    let drawing = draw(bottom + 44.0, |canvas| {
        key(canvas)?;
        let mut top = KEY;
        for watch in &shown {
            panel(canvas, &plane, watch, top)?;
            top += height(watch);
        }
        plane.frame_x(canvas)
    });
    let blocks = watches(finding).len() > shown.len();
    Some(Figure {
        slug: format!("{}-browser", finding.scenario.name),
        scenario: Some(finding.scenario.name.clone()),
        title: title(&shown),
        caption: format!(
            "One lane per stream or request of the page, in its order. Hatched: it waits to open; solid: it is open. The mark is its first event, or the end of an answer. At the right: how long it waited. After some seconds the page closes its streams one by one, so that waiting ones can open.{}",
            if blocks { " With several blocks, the first one is shown." } else { "" }
        ),
        description: description(&shown),
        elements: drawing.elements,
        width: drawing.width,
        height: drawing.height,
    })
}

fn axis(longest_ms: f64) -> Axis {
    let (factor, unit) = if longest_ms >= 1_500.0 { (1e-3, "seconds") } else { (1.0, "ms") };
    let rough = longest_ms * factor / 5.0;
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|digit| digit * power).into_iter().find(|step| *step >= rough);
    let step = step.unwrap_or(rough);
    let ticks = (0..=(longest_ms * factor / step) as u32)
        .map(|index| f64::from(index) * step)
        .map(|value| (value / factor, setting(value)))
        .collect();
    Axis::linear(0.0, longest_ms, ticks, &format!("{unit} since the page's first action"))
}

fn key(canvas: &Canvas<'_>) -> Drawn {
    let word = |x: f64, text: &str| canvas.text((x, 10.0), text, Anchor::Left, TICK_TEXT, ColourRole::Text);
    hatched(canvas, (4.0, 30.0), 5.0, ColourRole::Text)?;
    word(36.0, "waits")?;
    canvas.rectangle((84.0, 5.0), (110.0, 15.0), ColourRole::Text, 0.45)?;
    word(116.0, "open")?;
    notch(canvas, 164.0, 5.0, ColourRole::Text)?;
    word(172.0, "first event")?;
    canvas.text((WIDTH - 4.0, 10.0), "waited", Anchor::Right, TICK_TEXT, ColourRole::Quiet)
}

fn panel(canvas: &Canvas<'_>, plane: &Plane, watch: &Watch<'_>, top: f64) -> Drawn {
    canvas.marker(watch.point.pattern, (11.0, top + 10.0), 5.5)?;
    canvas.text((24.0, top + 10.0), &watch.label(), Anchor::Left, TEXT, ColourRole::Text)?;
    let beside = beside(watch);
    for (index, words) in beside.iter().enumerate() {
        let y = top + HEADING + 6.0 + BESIDE * index as f64;
        canvas.text((24.0, y), words, Anchor::Left, TICK_TEXT, ColourRole::Quiet)?;
    }
    for (index, lane) in watch.findings.lanes.iter().enumerate() {
        let lane_top = top + HEADING + BESIDE * beside.len() as f64 + LANE * index as f64;
        draw_lane(canvas, plane, lane, lane_top)?;
    }
    Ok(())
}

fn draw_lane(canvas: &Canvas<'_>, plane: &Plane, lane: &BrowserLane, top: f64) -> Drawn {
    let ink = match lane.kind {
        PageApi::EventSource => ColourRole::Measured(Pattern::Sse),
        PageApi::WebSocket => ColourRole::Measured(Pattern::WebSocket),
        // A fetch belongs to the page, not to a stream.
        PageApi::Fetch => ColourRole::Text,
    };
    let (bar, middle) = (top + 3.0, top + 3.0 + BAR / 2.0);
    canvas.text((plane.left - 6.0, middle), &lane.label, Anchor::Right, TICK_TEXT, ColourRole::Text)?;
    let place = |at_ms: f64| plane.place_x(at_ms);
    let asked = place(lane.asked_ms);
    let ended = lane.ended_ms.map_or(plane.right, place);
    match lane.opened_ms {
        Some(opened_ms) => {
            let opened = place(opened_ms);
            if opened - asked >= THIN {
                hatched(canvas, (asked, opened), bar, ink)?;
            }
            canvas.rectangle((opened, bar), (ended.max(opened + THIN), bar + BAR), ink, 0.45)?;
        }
        None => hatched(canvas, (asked, ended.max(asked + THIN)), bar, ink)?,
    }
    if let Some(first_ms) = lane.first_ms {
        notch(canvas, place(first_ms), bar, ColourRole::Text)?;
    }
    let waited = waited_ms(lane).map_or_else(|| "never".to_owned(), time_ms);
    let shade = if lane.opened_ms.is_some() { ColourRole::Quiet } else { ColourRole::Text };
    canvas.text((WIDTH - 4.0, middle), &waited, Anchor::Right, TICK_TEXT, shade)
}

/// A stroke across a bar, with a thin gap in the background colour at its sides.
fn notch(canvas: &Canvas<'_>, x: f64, top: f64, ink: ColourRole) -> Drawn {
    canvas.line(&[(x, top - 2.0), (x, top + BAR + 2.0)], ColourRole::Ground, 4.0)?;
    canvas.line(&[(x, top - 2.0), (x, top + BAR + 2.0)], ink, 1.8)
}

/// Connections, streams and other subscribers, short enough for a figure.
fn beside(watch: &Watch<'_>) -> Vec<String> {
    let mut lines = vec![watch.connections_words()];
    if let Some(crowd) = watch.findings.crowd.filter(|crowd| crowd.asked > 0) {
        lines.push(format!(
            "beside {} on the same server",
            counted(u64::from(crowd.connected), "other", "others")
        ));
    }
    lines
}

/// How long the page's fetch waited, which shows what the streams block; without a fetch, what each page opened.
fn title(shown: &[Watch<'_>]) -> String {
    let fetches = shown.iter().flat_map(|watch| {
        let fetches = watch.findings.lanes.iter().filter(|lane| lane.kind == PageApi::Fetch);
        fetches.map(|lane| Some((waited_ms(lane)?, watch.label())))
    });
    // One that was not answered has waited longest.
    let mut waits: Vec<(f64, String)> = fetches.collect::<Option<_>>().unwrap_or_default();
    waits.sort_by(|left, right| right.0.total_cmp(&left.0));
    match waits.as_slice() {
        [(longest, label), (next, _), ..] => format!(
            "The page's fetch waited {} beside {label}, and at most {} beside the others",
            time_ms(*longest),
            time_ms(*next)
        ),
        [(only, label)] => format!("The page's fetch waited {} beside {label}", time_ms(*only)),
        [] => {
            let found = found_words(shown, |watch| watch.opened_words());
            found
                .split_first()
                .map_or_else(String::new, |(first, others)| format!("{first}{}", further(others)))
        }
    }
}

fn description(shown: &[Watch<'_>]) -> String {
    let panels: Vec<String> = shown
        .iter()
        .map(|watch| {
            let lanes = counted(watch.findings.lanes.len() as u64, "lane", "lanes");
            format!("{}, {}: {lanes}", watch.label(), watch.beside_words())
        })
        .collect();
    format!(
        "Timelines of what a page opened, a lane for each stream and request, with how long it waited. {}.",
        panels.join(". ")
    )
}
