//! The scenarios with their questions, and how long each takes.

use comfy_table::CellAlignment;
use contract::{Pattern, Scenario, Selection, Sweep};
use load_harness::TrialSpec;

use super::{BenchArguments, Plan, calibrations_for, steps::Steps};
use crate::{
    exit::Failure,
    progress::{clock, expected_length},
    say::{table, table_text},
    scenarios::{self, Loaded},
};

/// The table that `bench --list` prints, by name.
pub(super) fn scenarios_table(arguments: &BenchArguments) -> Result<String, Failure> {
    let mut table = table(&["scenario", "takes", "question"]);
    for loaded in scenarios::by_name(&arguments.folder)? {
        let takes = takes(&loaded, arguments)?;
        table.add_row(vec![loaded.scenario.name.clone(), takes, loaded.scenario.question]);
    }
    if let Some(takes) = table.column_mut(1) {
        takes.set_cell_alignment(CellAlignment::Right);
    }
    Ok(table_text(&table))
}

/// What a run measures: each scenario with its patterns, settings, blocks, trials and time, and the sum. Trials of an
/// interrupted run that are kept do not count.
pub(super) fn plan(plan: &Plan, steps: &Steps<'_>) -> String {
    let left = steps.left();
    let mut table = table(&["scenario", "blocks", "trials", "takes", "patterns, and what is varied"]);
    let calibrations = left.iter().copied().filter(|order| order.block == 0);
    table.add_row(row("calibration", "", calibrations, String::new()));
    for (scenario, blocks) in plan.manifest.scenarios.iter().zip(&plan.manifest.blocks) {
        let own = left.iter().copied().filter(|order| order.block > 0 && order.scenario == scenario.name);
        table.add_row(row(&scenario.name, &blocks.to_string(), own, content(plan, scenario)));
    }
    for column in 1..=3 {
        if let Some(numbers) = table.column_mut(column) {
            numbers.set_cell_alignment(CellAlignment::Right);
        }
    }
    let whole = format!("{}: about {}", plan.size(steps), clock(expected_length(left.into_iter())));
    format!("{}\n\n{whole}; nothing was measured", table_text(&table))
}

/// The patterns of a scenario in this run, and the values that it varies: `SSE, WebSocket; rtt_ms: 10 ms, 50 ms`.
fn content(plan: &Plan, scenario: &Scenario) -> String {
    let planned = scenario.trials(plan.manifest.selection.unwrap_or(Selection::Everything));
    let (mut patterns, mut values): (Vec<&str>, Vec<String>) = (Vec::new(), Vec::new());
    for pattern in Pattern::ALL {
        // In the order of the scenario; that of the run is random.
        let of_pattern = planned.iter().filter(|trial| trial.pattern == pattern);
        let orders = of_pattern.filter_map(|trial| {
            plan.orders.iter().find(|order| order.scenario == scenario.name && order.plan == *trial)
        });
        let words = orders.map(|order| report::trial_words(Some(scenario), pattern, &order.params()));
        let mut words: Vec<String> = words.collect();
        words.dedup();
        patterns.extend((!words.is_empty()).then(|| pattern.label()));
        // A pattern that the setting does not concern has one trial in each block.
        if words.len() > 1 {
            words.retain(|word| !values.contains(word));
            values.extend(words);
        }
    }
    let varied = scenario.sweep.as_ref().and_then(Sweep::parameter).filter(|_| !values.is_empty());
    let varied = varied.map_or_else(String::new, |setting| format!("; {setting}: {}", values.join(", ")));
    format!("{}{varied}", patterns.join(", "))
}

fn row<'a>(
    name: &str,
    blocks: &str,
    orders: impl Iterator<Item = &'a TrialSpec> + Clone,
    what: String,
) -> Vec<String> {
    let trials = orders.clone().count().to_string();
    vec![name.to_owned(), blocks.to_owned(), trials, clock(expected_length(orders)), what]
}

/// How long a scenario takes by itself: its trials in all blocks, and their calibrations.
fn takes(loaded: &Loaded, arguments: &BenchArguments) -> Result<String, Failure> {
    let blocks = arguments.blocks.unwrap_or_else(|| loaded.scenario.blocks(Selection::Everything));
    let orders = loaded.blocks(Selection::Everything, arguments.seed(), blocks)?;
    let calibrations = calibrations_for(&orders, arguments.seed())?;
    Ok(clock(expected_length(calibrations.iter().chain(&orders))))
}
