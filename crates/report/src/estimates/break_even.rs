//! The break-even map: which pattern is cheapest at each event rate and each wanted freshness.

use contract::{Pattern, Period};

use super::{
    choice::Resource,
    costs::{Costs, MeasuredPoint},
    estimate::{Estimate, estimate},
    rules,
    wish::Wish,
};
use crate::quantities::QuantityName;

/// The map's ends: events per second, and seconds of freshness.
pub(crate) const RATES_HZ: (f64, f64) = (0.001, 100.0);
pub(crate) const FRESHNESS_S: (f64, f64) = (0.02, 5_000.0);
/// Cells along the two axes, of equal ratio.
const CELLS: (u32, u32) = (60, 48);
/// Two points of one scenario have the same rate if they differ by less than this, by their schedules.
const SAME_RATE: f64 = 1.01;

/// The patterns that are cheapest in each resource: the cheapest first, then those that count as equal to it.
/// Empty without values.
pub(crate) type Cheapest = [Vec<Pattern>; Resource::ALL.len()];

/// The map for a number of subscribers and a round-trip time.
#[derive(Debug, Clone)]
pub(crate) struct Panel {
    pub(crate) wish: Wish,
    /// One row for each freshness, from the shortest; in it one cell for each rate, from the lowest.
    pub(crate) rows: Vec<Vec<Cheapest>>,
}

/// A measured comparison of patterns, at its place in the map.
#[derive(Debug, Clone)]
pub(crate) struct Spot {
    pub(crate) scenario: String,
    pub(crate) wish: Wish,
    pub(crate) cheapest: Cheapest,
}

/// The panels of the map and the measured points on it.
#[derive(Debug, Clone)]
pub struct BreakEven {
    pub(crate) costs: Option<Costs>,
    /// As measured: a thousand subscribers without added delay.
    pub(crate) main: Panel,
    /// The same with longer round trips, then with fewer and with more subscribers.
    pub(crate) others: Vec<Panel>,
    pub(crate) spots: Vec<Spot>,
}

impl BreakEven {
    /// Computes the map. Without measured costs it has bytes only.
    #[must_use]
    pub fn make(costs: Option<Costs>) -> Self {
        let main = Wish { rtt: Period::default(), ..Wish::default() };
        let rtt = |ms: u64| Wish { rtt: Period::from_millis(ms), ..main.clone() };
        let of = |subscribers: u32| Wish { subscribers, ..main.clone() };
        let others = [rtt(50), rtt(200), of(100), of(10_000)];
        let panel = |wish: Wish| Panel::make(wish, costs.as_ref());
        Self {
            main: panel(main.clone()),
            others: others.into_iter().map(panel).collect(),
            spots: costs.as_ref().map_or_else(Vec::new, spots),
            costs,
        }
    }
}

/// The value at a place between two ends, from 0 to 1, of equal ratio.
fn between((low, high): (f64, f64), place: f64) -> f64 {
    low * (high / low).powf(place)
}

/// The middle of a cell.
fn middle(ends: (f64, f64), cell: u32, cells: u32) -> f64 {
    between(ends, (f64::from(cell) + 0.5) / f64::from(cells))
}

/// The ends of a range of cells.
pub(crate) fn edges(ends: (f64, f64), cells: std::ops::Range<usize>, of: usize) -> (f64, f64) {
    let edge = |cell: usize| between(ends, cell as f64 / of as f64);
    (edge(cells.start), edge(cells.end))
}

impl Panel {
    fn make(wish: Wish, costs: Option<&Costs>) -> Self {
        let (columns, rows) = CELLS;
        // Only a timed poll depends on the freshness; all others are estimated once for each rate.
        let at_rate = |column: u32| Wish { rate_hz: middle(RATES_HZ, column, columns), ..wish.clone() };
        let untimed: Vec<(Wish, Vec<Estimate>)> = (0..columns)
            .map(at_rate)
            .map(|wish| {
                let patterns = Pattern::ALL.into_iter().filter(|pattern| !pattern.is_timed());
                let estimates = patterns.filter_map(|pattern| estimate(pattern, &wish, costs).ok()).collect();
                (wish, estimates)
            })
            .collect();
        let row = |row: u32| {
            let freshness_s = middle(FRESHNESS_S, row, rows);
            let freshness = Period(std::time::Duration::from_secs_f64(freshness_s));
            untimed
                .iter()
                .map(|(wish, untimed)| cheapest(&Wish { freshness, ..wish.clone() }, untimed, costs))
                .collect()
        };
        let rows = (0..rows).map(row).collect();
        Self { wish, rows }
    }
}

/// The cheapest patterns for a wish, from the estimates of those that do not depend on its freshness.
fn cheapest(wish: &Wish, untimed: &[Estimate], costs: Option<&Costs>) -> Cheapest {
    let timed = Pattern::ALL.into_iter().filter(|pattern| pattern.is_timed());
    let timed: Vec<Estimate> = timed.filter_map(|pattern| estimate(pattern, wish, costs).ok()).collect();
    let fitting = timed.iter().chain(untimed).filter(|of| rules::ruled_out(of, wish).is_empty());
    let fitting: Vec<&Estimate> = fitting.collect();
    Resource::ALL.map(|resource| {
        let values: Vec<(Pattern, f64)> =
            fitting.iter().filter_map(|of| Some((of.pattern, resource.of(of)?))).collect();
        resource.cheapest(&values)
    })
}

/// The map's answer to a wish at which no cell has its middle.
pub(crate) fn at(wish: &Wish, costs: Option<&Costs>) -> Cheapest {
    let patterns = Pattern::ALL.into_iter().filter(|pattern| !pattern.is_timed());
    let untimed: Vec<Estimate> = patterns.filter_map(|pattern| estimate(pattern, wish, costs).ok()).collect();
    cheapest(wish, &untimed, costs)
}

/// Every measured timed poll beside all other patterns of its scenario, with the same subscribers and events. Its
/// freshness is the age at p99 that it delivered. A pause between long polls is no setting of the map.
fn spots(costs: &Costs) -> Vec<Spot> {
    let points: Vec<&MeasuredPoint> = costs.plain_points().collect();
    points.iter().filter(|point| point.pattern.is_timed()).filter_map(|point| spot(point, &points)).collect()
}

fn spot(point: &MeasuredPoint, points: &[&MeasuredPoint]) -> Option<Spot> {
    let params = &point.params;
    let is_beside = |other: &&&MeasuredPoint| {
        let ratio = other.params.rate_hz / params.rate_hz;
        !other.pattern.is_timed()
            && other.scenario == point.scenario
            && other.params.subscribers == params.subscribers
            && other.params.payload_bytes == params.payload_bytes
            && other.params.network == params.network
            && (1.0 / SAME_RATE..SAME_RATE).contains(&ratio)
            && (!other.pattern.polls() || other.params.keep_alive == params.keep_alive)
            && other.params.turnaround_ms.is_none_or(|pause_ms| pause_ms == 0.0)
    };
    let others: Vec<&MeasuredPoint> = points.iter().filter(is_beside).copied().collect();
    let is_measured = |pattern: Pattern| pattern.is_timed() || others.iter().any(|of| of.pattern == pattern);
    if !Pattern::ALL.into_iter().all(is_measured) {
        return None;
    }
    let value = |resource: Resource, of: &MeasuredPoint| match resource {
        Resource::Bytes => of.value(QuantityName::BytesPerEvent),
        Resource::Cpu => of.value(QuantityName::CpuPerEvent),
        Resource::Memory => {
            Some(of.value(QuantityName::MemoryUserActive)? + of.value(QuantityName::MemoryKernelActive)?)
        }
    };
    let all = || std::iter::once(point).chain(others.iter().copied());
    let freshness_s = point.value(QuantityName::AgeP99)? / 1e3;
    Some(Spot {
        scenario: point.scenario.clone(),
        wish: Wish {
            rate_hz: params.rate_hz,
            subscribers: params.subscribers,
            freshness: Period(std::time::Duration::try_from_secs_f64(freshness_s).ok()?),
            rtt: params.network.map_or_else(Period::default, |network| network.rtt),
            payload_bytes: params.payload_bytes,
            ..Wish::default()
        },
        cheapest: Resource::ALL.map(|resource| {
            let values: Vec<(Pattern, f64)> =
                all().filter_map(|of| Some((of.pattern, value(resource, of)?))).collect();
            // A quantity that some pattern lacks has no winner.
            if values.len() == others.len() + 1 { resource.cheapest(&values) } else { Vec::new() }
        }),
    })
}

#[cfg(test)]
mod tests {
    use contract::Environment;
    use serde_json::{Value, json};

    use super::*;

    fn costs(summary: &str) -> Costs {
        Costs::parse(summary, &Environment::default()).unwrap()
    }

    fn reference() -> Costs {
        costs(include_str!("../../../../results/reference/summary.json"))
    }

    /// The measured winner is the map's, or the two share one of those that count as equal.
    fn agrees(spot: &Spot, costs: &Costs, resource: Resource) -> bool {
        let measured = &spot.cheapest[resource as usize];
        let map = at(&spot.wish, Some(costs));
        measured.is_empty() || measured.iter().any(|pattern| map[resource as usize].contains(pattern))
    }

    #[test]
    fn what_the_reference_measured_to_be_cheapest_is_cheapest_on_the_map() {
        let costs = reference();
        let spots = spots(&costs);
        assert!(spots.len() >= 3, "{spots:#?}");
        for spot in &spots {
            for resource in Resource::ALL {
                assert!(
                    agrees(spot, &costs, resource),
                    "{resource:?}: {spot:#?} {:?}",
                    at(&spot.wish, Some(&costs))
                );
            }
        }
    }

    /// Costs of a request and of a delivery, microseconds.
    const REQUEST_US: f64 = 12.0;
    const DELIVERY_US: f64 = 6.0;

    /// The points of a scenario whose polls bring this many events each, at ten events a second.
    fn measured_at(events_per_poll: f64) -> Vec<Value> {
        let per_event = [
            ("short-polling", 1.0 / events_per_poll, REQUEST_US / events_per_poll),
            ("long-polling", 1.0, REQUEST_US),
            ("sse", 0.0, DELIVERY_US),
            ("websocket", 0.0, DELIVERY_US),
        ];
        let point = |(pattern, requests, cpu_us): (&str, f64, f64)| {
            let measured = |value: f64| json!({ "measured": value });
            let mut params = json!({
                "subscribers": 1_000, "payload_bytes": 100, "rate_hz": 10.0, "client": "lean",
            });
            match pattern {
                "short-polling" => params["poll_interval_ms"] = json!(events_per_poll * 100.0),
                "long-polling" => params["hold_ms"] = json!(1_500.0),
                _stream => {}
            }
            json!({
                "scenario": format!("every {events_per_poll}"),
                "pattern": pattern,
                "server": "pushlab",
                "valid": true,
                "params": params,
                "quantities": {
                    "requests_per_event": measured(requests),
                    "cpu_us_per_event": measured(cpu_us),
                    "cpu_us_per_request": measured(if requests > 0.0 { cpu_us / requests } else { 0.0 }),
                    "age_p99_ms": measured(events_per_poll * 100.0 * 0.99),
                },
            })
        };
        per_event.into_iter().map(point).collect()
    }

    fn synthetic(events_per_poll: &[f64]) -> Costs {
        let points: Vec<Value> = events_per_poll.iter().flat_map(|events| measured_at(*events)).collect();
        let run = json!({ "name": "synthetic", "environment": Environment::default() });
        costs(&json!({ "run": run, "points": points }).to_string())
    }

    /// A request costs twice a delivery, so polls are as cheap as streams at two events per poll.
    #[test]
    fn near_the_border_of_cpu_measured_winners_are_the_maps() {
        let events_per_poll = [0.5, 1.0, 1.5, 1.9, 2.0, 2.1, 2.5, 2.9, 3.1, 4.0, 8.0];
        let costs = synthetic(&events_per_poll);
        let spots = spots(&costs);
        assert_eq!(spots.len(), events_per_poll.len());
        for (spot, events) in spots.iter().zip(events_per_poll) {
            assert!(agrees(spot, &costs, Resource::Cpu), "{spot:?}");
            let map = &at(&spot.wish, Some(&costs))[Resource::Cpu as usize];
            let polls_win = map.first().is_some_and(|pattern| pattern.is_timed());
            let is_told_apart = !(2.0 / 1.5..=2.0 * 1.5).contains(&events);
            if is_told_apart {
                assert_eq!(polls_win, events > 2.0, "{events} events per poll: {map:?}");
            } else {
                assert!(map.len() == 3, "{events} events per poll: {map:?}");
            }
        }
    }

    #[test]
    fn a_comparison_that_lacks_a_pattern_is_no_point_of_the_map() {
        let mut points = measured_at(2.0);
        points.pop();
        let run = json!({ "name": "synthetic", "environment": Environment::default() });
        let costs = costs(&json!({ "run": run, "points": points }).to_string());
        assert!(spots(&costs).is_empty());
    }

    #[test]
    fn every_cell_of_the_map_has_a_cheapest_pattern_and_short_polling_has_a_region() {
        let map = BreakEven::make(Some(reference()));
        for resource in [Resource::Bytes, Resource::Cpu] {
            let cells: Vec<&Vec<Pattern>> =
                map.main.rows.iter().flatten().map(|cell| &cell[resource as usize]).collect();
            assert!(cells.iter().all(|cell| !cell.is_empty()));
            assert!(cells.iter().any(|cell| cell.as_slice() == [Pattern::ShortPolling]), "{resource:?}");
        }
        assert!(BreakEven::make(None).main.rows.iter().flatten().all(|cell| cell[1].is_empty()));
    }
}
