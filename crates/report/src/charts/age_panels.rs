//! Ages as curves, in small multiples: a panel for each swept value and server, so that no two lines of a panel
//! have one colour. All panels share their axes.

use contract::Pattern;

use super::{
    age_curve::{self, AgeLine, p99_ms},
    axis::{Axis, Plane},
    canvas::{Anchor, Canvas, Drawing, Drawn, TEXT, TICK_TEXT, draw},
    coincide,
    legend::{self, Key},
    shown,
};
use crate::{
    findings::{Point, ScenarioFinding},
    quantities::{QuantityName, ages::AgeCurve},
    style::ColourRole,
    text::{number::list, setting::served},
};

/// Most panels of a figure.
const MOST_PANELS: usize = 12;
/// Height of the only panel.
const HIGH: f64 = 230.0;
/// Height of each of several panels, of the heading above it, and of the space below it.
const LOW: f64 = 64.0;
const HEADING: f64 = 32.0;
const BELOW: f64 = 8.0;

/// Height of each of two panels with scales of their own.
const OWN: f64 = 120.0;
/// Lines that are so many times older than all others have a panel of their own.
const FAR_ABOVE: f64 = 5.0;

/// Where a percentile and an age lie in a plane.
type Place = fn(f64, f64) -> (f64, f64);

/// The lines of one swept value and server.
struct Panel<'a> {
    heading: String,
    lines: Vec<AgeLine<'a>>,
    floors: Vec<(Pattern, AgeCurve)>,
}

/// The panels of a figure.
pub(super) struct AgePanels<'a> {
    panels: Vec<Panel<'a>>,
    /// How many points there are, drawn or not.
    all: usize,
    /// Whether each panel has its own scale of ages.
    have_own_scales: bool,
}

/// What all panels share.
pub(super) struct Frame {
    pub(super) x: Axis,
    pub(super) y: Axis,
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) place: Place,
    /// Whether the only panel's lines have their names at their ends, so that no key is needed.
    pub(super) named_at_ends: bool,
}

impl<'a> AgePanels<'a> {
    /// None if no point has a line.
    pub(super) fn of(points: &[&'a Point], line: impl Fn(&'a Point) -> Option<AgeLine<'a>>) -> Option<Self> {
        let are_servers = points.iter().any(|point| point.server.is_foreign());
        let panel = |group: Vec<&'a Point>| Panel {
            heading: heading(&group, are_servers),
            lines: group.into_iter().filter_map(&line).collect(),
            floors: Vec::new(),
        };
        let panels = groups(points).into_iter().map(panel).filter(|panel| !panel.lines.is_empty());
        let panels: Vec<Panel<'_>> = panels.collect();
        (!panels.is_empty()).then_some(Self { panels, all: points.len(), have_own_scales: false })
    }

    /// The same with the floors' curves at these percentiles.
    pub(super) fn with_floors(mut self, finding: &ScenarioFinding, quantiles: &[f64]) -> Self {
        for panel in &mut self.panels {
            let points: Vec<&Point> = panel.lines.iter().map(|line| line.point).collect();
            panel.floors = age_curve::floors(finding, &points, quantiles);
        }
        self
    }

    /// The same with the lines that lie far above all others in a panel of their own, each with its own scale of ages:
    /// on one scale the others would be hard to tell apart.
    pub(super) fn with_far_lines_apart(mut self) -> Self {
        let [panel] = self.panels.as_mut_slice() else {
            return self;
        };
        let ends = |line: &AgeLine<'_>| {
            let ages = || line.measured.iter().map(|step| step.age_ms);
            (ages().fold(f64::INFINITY, f64::min), ages().fold(0.0, f64::max))
        };
        let is_far = |line: &AgeLine<'a>, lines: &[AgeLine<'a>]| {
            let (youngest, oldest) = ends(line);
            // All others that are not as old as this one.
            let below = lines.iter().map(ends).filter(|(_, other)| *other < oldest);
            let below: Vec<f64> = below.map(|(_, oldest)| oldest).collect();
            below.len() > 1 && below.iter().all(|oldest| oldest * FAR_ABOVE < youngest)
        };
        let far: Vec<bool> = panel.lines.iter().map(|line| is_far(line, &panel.lines)).collect();
        if !far.contains(&true) {
            return self;
        }
        let mut lines: (Vec<AgeLine<'a>>, Vec<AgeLine<'a>>) = (Vec::new(), Vec::new());
        for (line, is_far) in std::mem::take(&mut panel.lines).into_iter().zip(far) {
            if is_far { lines.0.push(line) } else { lines.1.push(line) }
        }
        let panel = |lines: Vec<AgeLine<'a>>| {
            let points: Vec<&Point> = lines.iter().map(|line| line.point).collect();
            Panel { heading: heading(&points, false), lines, floors: Vec::new() }
        };
        self.panels = vec![panel(lines.0), panel(lines.1)];
        self.have_own_scales = true;
        self
    }

    pub(super) fn are_several(&self) -> bool {
        self.panels.len() > 1
    }

    pub(super) fn lines(&self) -> impl Iterator<Item = &AgeLine<'a>> {
        self.panels.iter().flat_map(|panel| &panel.lines)
    }

    /// The points that are drawn.
    pub(super) fn points(&self) -> Vec<&'a Point> {
        self.lines().map(|line| line.point).collect()
    }

    /// Every age that is drawn: on one scale the panels can be compared.
    pub(super) fn ages(&self) -> impl Iterator<Item = f64> + '_ {
        self.panels.iter().flat_map(Panel::ages)
    }

    /// Explains the panels and ribbons, and says so where not all points are drawn.
    pub(super) fn words(&self) -> String {
        format!(
            "{}{}{}",
            match (self.are_several(), self.have_own_scales) {
                (false, _) => "",
                (true, false) => " All panels have the same scales.",
                (true, true) => " Each panel has its own scale of ages.",
            },
            age_curve::ribbon_words(self.lines().map(|line| &line.measured)),
            shown::left_out(self.lines().count(), self.all)
        )
    }

    /// Draws keys and panels: `under` beneath the lines of each, `upon` over those of the only one; several have a
    /// mark on each line instead.
    pub(super) fn draw(
        &self,
        frame: &Frame,
        under: impl Fn(&Canvas<'_>, &Plane) -> Drawn,
        upon: impl Fn(&Canvas<'_>, &Plane, &[AgeLine<'a>]) -> Drawn,
    ) -> Drawing {
        let keys = self.keys(frame);
        let top = legend::height(&keys) + 38.0;
        let planes: Vec<Plane> = (self.panels.iter().zip(0_u32..))
            .map(|(panel, index)| self.plane(frame, panel, top, f64::from(index)))
            .collect();
        let bottom = planes.last().map_or(top, |plane| plane.bottom);
        let width = if self.are_several() && !self.have_own_scales { 1.5 } else { 2.2 };
        draw(bottom + 44.0, |canvas| {
            legend::draw(canvas, &keys, 0.0)?;
            if self.are_several() {
                let place = (4.0, top - 19.0);
                canvas.text(place, frame.y.title(), Anchor::Left, TICK_TEXT, ColourRole::Quiet)?;
            }
            for (panel, plane) in self.panels.iter().zip(&planes) {
                plane.frame_y(canvas)?;
                plane.grid_x(canvas)?;
                under(canvas, plane)?;
                panel.draw_lines(canvas, plane, frame.place, width)?;
                if self.are_several() {
                    panel.draw_heading(canvas, plane.top - 19.0)?;
                    panel.draw_marks(canvas, plane, frame.place)?;
                } else {
                    upon(canvas, plane, &panel.lines)?;
                }
            }
            planes.last().map_or(Ok(()), |plane| plane.frame_x(canvas))
        })
    }

    fn keys(&self, frame: &Frame) -> Vec<Key> {
        let is_named = frame.named_at_ends && !self.are_several();
        let points = if is_named { Vec::new() } else { self.points() };
        let mut keys = legend::keys(&points, self.lines().any(|line| !line.model.is_empty()));
        // Headings name the swept values.
        keys.retain(|key| !matches!(key, Key::Words(_)));
        keys.extend(self.panels.iter().any(|panel| !panel.floors.is_empty()).then_some(Key::Floor));
        keys
    }

    fn plane(&self, frame: &Frame, panel: &Panel<'_>, top: f64, index: f64) -> Plane {
        let height = match (self.are_several(), self.have_own_scales) {
            (false, _) => HIGH,
            (true, false) => LOW,
            (true, true) => OWN,
        };
        let y = match (self.are_several(), self.have_own_scales) {
            (false, _) => frame.y.clone(),
            (true, false) => frame.y.clone().untitled(),
            (true, true) => Axis::log(panel.ages(), ""),
        };
        let first = if self.are_several() { top + HEADING - 14.0 } else { top };
        let top = first + (HEADING + height + BELOW) * index;
        Plane { x: frame.x.clone(), y, left: frame.left, right: frame.right, top, bottom: top + height }
    }
}

impl Panel<'_> {
    /// Every age that is drawn.
    fn ages(&self) -> impl Iterator<Item = f64> + '_ {
        let floors = self.floors.iter().flat_map(|(_, curve)| age_curve::with_intervals(curve));
        self.lines.iter().flat_map(AgeLine::ages).chain(floors)
    }

    fn draw_heading(&self, canvas: &Canvas<'_>, y: f64) -> Drawn {
        let left = if let [only] = self.lines.as_slice() {
            canvas.point_marker(only.point, (11.0, y), 5.5)?;
            24.0
        } else {
            4.0
        };
        canvas.text((left, y), &self.heading, Anchor::Left, TEXT, ColourRole::Text)
    }

    /// Ribbons, floors and models first, so that measurements are drawn over them.
    fn draw_lines(&self, canvas: &Canvas<'_>, plane: &Plane, place: Place, width: f64) -> Drawn {
        for line in &self.lines {
            let ink = ColourRole::Measured(line.point.pattern);
            age_curve::ribbon(canvas, plane, &line.measured, place, ink)?;
        }
        let path = |curve: &AgeCurve| path(plane, curve, place);
        let floors: Vec<_> =
            self.floors.iter().map(|(pattern, curve)| (ColourRole::Floor(*pattern), path(curve))).collect();
        coincide::lines(canvas, &floors, width)?;
        let models: Vec<_> = self
            .lines
            .iter()
            .map(|line| (ColourRole::Model(line.point.pattern), path(&line.model)))
            .collect();
        coincide::lines(canvas, &models, width)?;
        let measured: Vec<_> = self
            .lines
            .iter()
            .map(|line| (ColourRole::Measured(line.point.pattern), path(&line.measured)))
            .collect();
        coincide::lines(canvas, &measured, width)
    }

    /// One mark a line, at another share of it for each pattern.
    fn draw_marks(&self, canvas: &Canvas<'_>, plane: &Plane, place: Place) -> Drawn {
        for line in &self.lines {
            let share = (line.point.pattern.index() + 1) as f64 / (Pattern::ALL.len() + 1) as f64;
            let last = line.measured.len().saturating_sub(1) as f64;
            if let Some(step) = line.measured.get((last * share).round() as usize) {
                let place = plane.place(place(step.quantile, step.age_ms));
                canvas.point_marker(line.point, place, 4.5)?;
            }
        }
        Ok(())
    }
}

/// Where the steps lie in a plane.
pub(super) fn path(plane: &Plane, curve: &AgeCurve, place: Place) -> Vec<(f64, f64)> {
    curve.iter().map(|step| plane.place(place(step.quantile, step.age_ms))).collect()
}

/// The points by swept value and server, all in one group if no pattern has two; of too many groups those with the
/// ends of the ages among them.
fn groups<'a>(points: &[&'a Point]) -> Vec<Vec<&'a Point>> {
    let is_repeated =
        |index: usize| points[..index].iter().any(|other| other.pattern == points[index].pattern);
    if !(0..points.len()).any(is_repeated) {
        return vec![points.to_vec()];
    }
    let mut groups: Vec<Vec<&Point>> = Vec::new();
    for &point in points {
        let same = |group: &&mut Vec<&Point>| {
            group[0].swept_key() == point.swept_key() && group[0].server == point.server
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.push(point),
            None => groups.push(vec![point]),
        }
    }
    if groups.len() > MOST_PANELS {
        let p50_ms = |point: &Point| point.measured(QuantityName::AgeP50);
        let chosen = shown::chosen(points, MOST_PANELS, &[&p50_ms, &p99_ms]);
        let is_chosen = |point: &&Point| chosen.iter().any(|other| std::ptr::eq(*other, *point));
        groups.retain(|group| group.iter().any(is_chosen));
    }
    groups
}

/// What the points of a panel have in common.
fn heading(group: &[&Point], are_servers: bool) -> String {
    let [first, .., _] = group else {
        return group.first().map_or_else(String::new, |only| only.label());
    };
    let swept = first.swept.map(|swept| swept.text(&first.params)).filter(|swept| !swept.is_empty());
    match swept {
        Some(swept) => served(&swept, &first.server),
        None if are_servers => first.server.to_string(),
        None => list(&group.iter().map(|point| point.pattern.label().to_owned()).collect::<Vec<_>>()),
    }
}
