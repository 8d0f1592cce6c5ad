//! How much a server can do: ages over a growing rate, and the CPU of server and harness.

use contract::{Measurements, Pattern};

use super::{
    axis::{Axis, Plane},
    canvas::{Anchor, Canvas, Drawn, TEXT, TICK_TEXT, WIDTH, draw},
    coincide,
    figure::Figure,
    free_labels, intervals,
    legend::{self, Key},
    marks,
    shown::{self, left_out},
};
use crate::{
    findings::{Point, ScenarioFinding},
    quantities::{
        Bound, QuantityName,
        saturation::{AGE_BOUND_MS, Saturation, offered, shares},
    },
    style::ColourRole,
};

/// Curves that one chart can hold, the floors' left out.
const MOST_CURVES: usize = 6;
/// Heights of the upper plane, of a lane of CPU, and of the space above a lane.
const PLANE: f64 = 220.0;
const LANE: f64 = 70.0;
const ABOVE: f64 = 44.0;

/// One point with the trial that represents its blocks.
struct Climb<'a> {
    point: &'a Point,
    trial: &'a Measurements,
    /// As short as a label must be.
    name: String,
    /// How strong its colour is: points of one pattern differ in it.
    tint: f64,
}

impl<'a> Climb<'a> {
    /// The trial whose saturation is in the middle of the blocks'.
    fn of(point: &'a Point) -> Option<Self> {
        let mut found: Vec<(f64, &Measurements)> = point
            .completed()
            .filter(|trial| !trial.cpu_seconds.is_empty())
            .map(|trial| (Saturation::of(trial).map_or(0.0, |found| found.deliveries_per_s), trial))
            .collect();
        found.sort_by(|(left, _), (right, _)| left.total_cmp(right));
        let (_, trial) = *found.get(found.len().checked_sub(1)? / 2)?;
        Some(Self { point, trial, name: point.mark(), tint: 1.0 })
    }

    /// Offered deliveries per second and their p99 in ms; seconds with losses have none.
    fn ages(&self) -> Vec<(f64, f64)> {
        let seconds = self.trial.age_seconds.iter();
        let whole = seconds.filter(|second| second.count > 0 && second.censored == 0);
        whole.map(|second| (offered(second), second.p99_us.max(1) as f64 * 1e-3)).collect()
    }

    /// Offered deliveries per second, and a share of CPU in percent.
    fn cpu(&self, pick: fn((f64, f64)) -> f64) -> Vec<(f64, f64)> {
        let seconds = self.trial.cpu_seconds.iter().filter_map(|cpu| {
            let due = self.trial.age_seconds.iter().find(|second| second.second == cpu.second)?;
            let share = pick(shares(self.trial, cpu)?) * 100.0;
            (offered(due) > 0.0).then_some((offered(due), share))
        });
        seconds.collect()
    }

    fn ink(&self) -> ColourRole {
        if self.point.server.is_floor() {
            ColourRole::Floor(self.point.pattern)
        } else {
            ColourRole::Measured(self.point.pattern)
        }
    }
}

/// One figure, or one per pattern if servers are compared.
pub(super) fn figures(finding: &ScenarioFinding, points: &[&Point]) -> Vec<Figure> {
    let name = &finding.scenario.name;
    if !finding.has_foreign() && points.len() <= MOST_CURVES {
        return figure(finding, format!("{name}-saturation"), points).into_iter().collect();
    }
    Pattern::ALL
        .into_iter()
        .filter_map(|pattern| {
            let of: Vec<&Point> = points.iter().copied().filter(|point| point.pattern == pattern).collect();
            figure(finding, format!("{name}-saturation-{}", pattern.slug()), &of)
        })
        .collect()
}

fn figure(finding: &ScenarioFinding, slug: String, points: &[&Point]) -> Option<Figure> {
    let all = points.len();
    let known: Vec<&Point> = points.iter().copied().filter(|point| Climb::of(point).is_some()).collect();
    let deliveries = |point: &Point| point.measured(QuantityName::SaturationDeliveries);
    let known = shown::chosen(&known, MOST_CURVES, &[&deliveries]);
    let mut climbs: Vec<Climb<'_>> = known.iter().filter_map(|point| Climb::of(point)).collect();
    if climbs.is_empty() {
        return None;
    }
    tint(&mut climbs);
    let drawn = climbs.len();
    let patterns: Vec<Pattern> = climbs.iter().map(|climb| climb.point.pattern).collect();
    let floors = finding.points.iter().filter(|point| point.server.is_floor());
    let floors: Vec<Climb<'_>> =
        floors.filter(|floor| patterns.contains(&floor.pattern)).filter_map(Climb::of).collect();
    let shown: Vec<&Point> = climbs.iter().map(|climb| climb.point).collect();
    let mut keys = legend::keys(&shown, false);
    // The tints' keys name the points.
    keys.retain(|key| !matches!(key, Key::Words(_)));
    let tinted = climbs.iter().filter(|climb| has_tints(&climbs, climb));
    let tints: Vec<Key> =
        tinted.map(|climb| Key::Tint(climb.point.pattern, climb.tint, climb.name.clone())).collect();
    keys.extend(tints);
    keys.extend((!floors.is_empty()).then_some(Key::Floor));
    let climbs: Vec<Climb<'_>> = climbs.into_iter().chain(floors).collect();
    let ages = || climbs.iter().flat_map(Climb::ages);
    let top = legend::height(&keys) + 38.0;
    let x = Axis::log(ages().map(|(rate, _)| rate), "offered deliveries per second (log scale)");
    let plane = Plane {
        x: x.clone(),
        y: Axis::log(
            ages().map(|(_, age)| age).chain([AGE_BOUND_MS]),
            "age at p99 of a second, ms (log scale)",
        ),
        left: 56.0,
        right: WIDTH - 20.0,
        top,
        bottom: top + PLANE,
    };
    let lane = |index: f64| {
        let top = plane.bottom + ABOVE + (LANE + ABOVE) * index;
        let ticks = [0, 50, 100].map(|percent| (f64::from(percent), percent.to_string())).to_vec();
        let y = Axis::linear(0.0, 105.0, ticks, "");
        Plane { x: x.clone(), y, left: 56.0, right: WIDTH - 20.0, top, bottom: top + LANE }
    };
    let lanes = [lane(0.0), lane(1.0)];
    let drawing = draw(lanes[1].bottom + 44.0, |canvas| {
        legend::draw(canvas, &keys, 0.0)?;
        plane.frame_y(canvas)?;
        paint(canvas, &plane, &climbs)?;
        cpu_lane(canvas, &lanes[0], "server's CPU, % of a core", &climbs, |(server, _)| server)?;
        cpu_lane(canvas, &lanes[1], "harness's CPU, % of its cores", &climbs, |(_, harness)| harness)?;
        lanes[1].frame_x(canvas)
    });
    Some(Figure {
        slug,
        scenario: Some(finding.scenario.name.clone()),
        title: title(&shown),
        caption: format!(
            "Ages by the second in which the events were due. The mark is the knee: the last second within {} before p99 stays above it. Below: the CPU of server and harness. If the harness’s was full first, or neither was full, the number is only a lower bound. With several blocks, the one in the middle is shown.{}",
            QuantityName::AgeP99.text(AGE_BOUND_MS),
            left_out(drawn, all)
        ),
        description: description(&shown),
        elements: drawing.elements,
        width: drawing.width,
        height: drawing.height,
    })
}

fn paint(canvas: &Canvas<'_>, plane: &Plane, climbs: &[Climb<'_>]) -> Drawn {
    let y = plane.place_y(AGE_BOUND_MS);
    canvas.line(&[(plane.left, y), (plane.right, y)], ColourRole::Limit, 1.2)?;
    let words = format!("bound: {}", QuantityName::AgeP99.text(AGE_BOUND_MS));
    canvas.text((plane.left + 4.0, y - 10.0), &words, Anchor::Left, TICK_TEXT, ColourRole::Quiet)?;
    let paths: Vec<Vec<(f64, f64)>> = climbs.iter().map(|climb| path(plane, climb.ages())).collect();
    draw_lines(canvas, climbs, &paths)?;
    let own = climbs.iter().filter(|climb| !climb.point.server.is_floor());
    let knees: Vec<(&Climb<'_>, (f64, f64))> =
        own.filter_map(|climb| Some((climb, knee(plane, climb)?))).collect();
    let exact: Vec<_> = knees.iter().map(|(climb, place)| (climb.point.pattern, *place)).collect();
    let places = marks::side_by_side(&exact, plane.left);
    let mut wishes = Vec::new();
    for ((climb, _), place) in knees.iter().zip(&places) {
        canvas.point_marker(climb.point, *place, 6.5)?;
        wishes.push((*place, climb.name.clone()));
    }
    free_labels::draw(canvas, plane, &wishes, &places, &paths)
}

fn path(plane: &Plane, places: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    places.into_iter().map(|place| plane.place(place)).collect()
}

/// Each in its tint; a line beneath another is wider. The floors come last: their gaps show what is below.
fn draw_lines(canvas: &Canvas<'_>, climbs: &[Climb<'_>], paths: &[Vec<(f64, f64)>]) -> Drawn {
    for are_floors in [false, true] {
        let lines = climbs.iter().zip(paths).filter(|(climb, _)| climb.point.server.is_floor() == are_floors);
        let (climbs, paths): (Vec<_>, Vec<_>) = lines.map(|(climb, path)| (climb, path.as_slice())).unzip();
        for ((climb, path), width) in climbs.iter().zip(&paths).zip(coincide::widths(&paths, 2.0)) {
            canvas.faint_line(path, climb.ink(), width, climb.tint)?;
        }
    }
    Ok(())
}

/// Gives each of a pattern's points a tint, from the full colour of the one that manages most to a faint one, and a
/// name without the pattern.
fn tint(climbs: &mut [Climb<'_>]) {
    const FAINTEST: f64 = 0.35;
    let deliveries =
        |climb: &Climb<'_>| climb.point.measured(QuantityName::SaturationDeliveries).unwrap_or(0.0);
    let ranks: Vec<(usize, usize)> = climbs
        .iter()
        .enumerate()
        .map(|(own, climb)| {
            let others = climbs
                .iter()
                .enumerate()
                .filter(|(other, of)| *other != own && of.point.pattern == climb.point.pattern);
            let is_before = |(other, of): &(usize, &Climb<'_>)| {
                deliveries(of).total_cmp(&deliveries(climb)).then(own.cmp(other)).is_gt()
            };
            (others.clone().filter(is_before).count(), others.count())
        })
        .collect();
    for (climb, (before, others)) in climbs.iter_mut().zip(ranks) {
        climb.tint = 1.0 - (1.0 - FAINTEST) * before as f64 / others.max(1) as f64;
        if others > 0 && climb.point.swept.is_none() {
            climb.name = climb.point.server.to_string();
        }
    }
}

/// Whether others of its pattern have other tints.
fn has_tints(climbs: &[Climb<'_>], climb: &Climb<'_>) -> bool {
    climbs.iter().filter(|other| other.point.pattern == climb.point.pattern).count() > 1
}

/// Where the trial's last second within the bound lies.
fn knee(plane: &Plane, climb: &Climb<'_>) -> Option<(f64, f64)> {
    let found = Saturation::of(climb.trial)?;
    let second = climb.trial.age_seconds.iter().find(|second| second.second == found.second)?;
    Some(plane.place((found.deliveries_per_s, second.p99_us.max(1) as f64 * 1e-3)))
}

fn cpu_lane(
    canvas: &Canvas<'_>,
    lane: &Plane,
    words: &str,
    climbs: &[Climb<'_>],
    pick: fn((f64, f64)) -> f64,
) -> Drawn {
    lane.frame_y(canvas)?;
    canvas.text((4.0, lane.top - 19.0), words, Anchor::Left, TEXT, ColourRole::Text)?;
    let paths: Vec<Vec<(f64, f64)>> = climbs.iter().map(|climb| path(lane, climb.cpu(pick))).collect();
    draw_lines(canvas, climbs, &paths)
}

/// The most and the least.
fn title(points: &[&Point]) -> String {
    let name = QuantityName::SaturationDeliveries;
    let mut known: Vec<&Point> =
        points.iter().copied().filter(|point| point.measured(name).is_some()).collect();
    let value = |point: &Point| point.measured(name).unwrap_or(0.0);
    known.sort_by(|left, right| value(right).total_cmp(&value(left)));
    let text = |point: &Point| {
        let deliveries = match point.quantity_of(name).bound {
            Bound::Exact => name.text(value(point)),
            Bound::AtLeast => format!("over {}", name.lower_bound_text(value(point))),
        };
        format!("{deliveries} ({})", point.label())
    };
    let bound = QuantityName::AgeP99.text(AGE_BOUND_MS);
    match known.as_slice() {
        [] => format!("No server kept its age at p99 within {bound}"),
        [only] => format!("Up to {} deliveries/s p99 stayed within {bound}", text(only)),
        [most, .., least] => {
            format!("Up to {} deliveries/s p99 stayed within {bound}, and up to {}", text(most), text(least))
        }
    }
}

fn description(points: &[&Point]) -> String {
    let parts: Vec<String> = points
        .iter()
        .map(|point| {
            format!(
                "{}: {} deliveries per second at saturation",
                point.label(),
                intervals::text(point.quantity_of(QuantityName::SaturationDeliveries))
            )
        })
        .collect();
    format!(
        "Line charts, one below the other: age at p99 in ms by second over the deliveries offered in it, both logarithmic; CPU of server and harness over the same. {}.",
        parts.join("; ")
    )
}
