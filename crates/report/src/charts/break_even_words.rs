//! The words of the break-even map.

use crate::{
    estimates::{
        break_even::{BreakEven, FRESHNESS_S, RATES_HZ, edges},
        choice::Resource,
    },
    text::{
        number::{list, setting},
        setting::rate,
    },
};

/// At these rates the title says from which freshness short polling is cheapest.
const TITLE_RATES_HZ: [f64; 3] = [0.01, 1.0, 100.0];

/// From which freshness on short polling is cheapest.
pub(super) fn title(of: &BreakEven, resource: Resource) -> String {
    let panel = &of.main;
    let columns = panel.rows[0].len();
    let column = |rate_hz: f64| {
        let reaches = |column: &usize| edges(RATES_HZ, *column..*column + 1, columns).1 >= rate_hz * 0.999;
        (0..columns).find(reaches).unwrap_or(columns - 1)
    };
    let is_alone = |row: usize, column: usize| matches!(panel.rows[row][column][resource as usize].as_slice(), [one] if one.is_timed());
    let from = |rate_hz: f64| {
        let row = (0..panel.rows.len()).find(|row| is_alone(*row, column(rate_hz)));
        row.map(|row| edges(FRESHNESS_S, row..row + 1, panel.rows.len()).0)
    };
    let found: Vec<(f64, f64)> =
        TITLE_RATES_HZ.into_iter().filter_map(|rate_hz| Some((rate_hz, from(rate_hz)?))).collect();
    let begin = format!("By {}, short polling is", resource.label());
    match found.as_slice() {
        [] => format!("{begin} nowhere cheapest at these rates"),
        [(_, first), others @ ..]
            if found.len() == TITLE_RATES_HZ.len() && others.iter().all(|(_, other)| other == first) =>
        {
            format!("{begin} cheapest from {} on, at every rate", duration(*first))
        }
        some => {
            let part = |(rate_hz, seconds): &(f64, f64)| {
                format!("at {} from {} on", rate(*rate_hz), duration(*seconds))
            };
            format!("{begin} cheapest {}", list(&some.iter().map(part).collect::<Vec<_>>()))
        }
    }
}

/// A limit between two cells, which is known to two digits at best.
fn duration(seconds: f64) -> String {
    match seconds {
        hours if hours >= 3_600.0 => format!("{:.1} h", hours / 3_600.0),
        minutes if minutes >= 120.0 => format!("{:.0} min", minutes / 60.0),
        few if few >= 10.0 => format!("{few:.0} s"),
        fewer if fewer >= 1.0 => format!("{fewer:.1} s"),
        below => format!("{:.0} ms", below * 1e3),
    }
}

/// When patterns count as equal.
pub(super) fn caption(resources: &[Resource]) -> String {
    let equal: Vec<String> = resources
        .iter()
        .map(|resource| format!("{} within {} times", resource.label(), setting(resource.resolution())))
        .collect();
    format!("Patterns count as equal with {}.", list(&equal))
}
