//! `pushlab predict`: a scenario's numbers before anything is measured.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;
use contract::{Calibration, Selection};
use model::Inputs;

use crate::{exit::Failure, say::say, scenarios};

/// Predict a scenario's numbers, with no network and no measurement.
///
/// The machine's own costs are taken as zero, so ages are those that the pattern and the schedule
/// alone account for. A run calibrates first and predicts with what it found.
#[derive(Debug, Args)]
pub(crate) struct PredictArguments {
    /// The scenario, by name or by the path of a TOML file
    #[arg(value_name = "SCENARIO")]
    scenario: String,
    /// Seed of the schedule, as for `bench`
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Folder with the scenario files
    #[arg(long = "scenarios", value_name = "DIR", default_value = "scenarios")]
    folder: PathBuf,
}

pub(crate) fn run(arguments: &PredictArguments) -> Result<ExitCode, Failure> {
    let loaded = scenarios::named(&arguments.folder, &arguments.scenario)?;
    let orders = loaded.orders(Selection::Everything, arguments.seed)?;
    let predictions: Vec<_> = orders
        .iter()
        .map(|order| {
            let params = order.params();
            let inputs = Inputs {
                params: &params,
                arrivals: &order.plan.settings.events,
                schedule: &order.schedule.published(),
                window: order.window(),
                poll_phase: order.poll_phase,
                calibration: Calibration::default(),
            };
            (order.plan.pattern, params, model::predict(order.plan.pattern, &inputs))
        })
        .collect();
    say(report::prediction_table(&loaded.scenario, &predictions));
    Ok(ExitCode::SUCCESS)
}
