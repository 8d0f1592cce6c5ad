//! The tables of a scenario besides its numbers, in the order in which every output shows them.

use super::{drivers, heartbeats, obstacles, panel::Panel, ranking, set_up_table, watched};
use crate::findings::ScenarioFinding;

/// The tables below the answer.
pub(crate) fn panels(finding: &ScenarioFinding) -> Vec<Panel> {
    let mut panels: Vec<Panel> = ranking::tables(finding);
    panels.extend(obstacles::matrix(finding));
    panels.extend(obstacles::details(finding));
    panels.extend(heartbeats::table(finding));
    panels.extend(watched::panels(finding));
    panels.extend(set_up_table::set_up(finding));
    panels.extend(drivers::table(finding));
    panels
}
