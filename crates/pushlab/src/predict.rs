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
///
/// It is the whole scenario that is predicted, as `bench SCENARIO` measures it: every pattern, every swept
/// value, trials of full length. With --default-run it is the part that the default run takes.
#[derive(Debug, Args)]
pub(crate) struct PredictArguments {
    /// The scenario, by name or by the path of a TOML file
    #[arg(value_name = "SCENARIO")]
    scenario: String,
    /// Predict what the default run takes of it, with trials as short as there
    #[arg(long)]
    default_run: bool,
    /// Seed of the schedule, as for `bench`
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Folder with the scenario files
    #[arg(long = "scenarios", value_name = "DIR", default_value = "scenarios")]
    folder: PathBuf,
}

pub(crate) fn run(arguments: &PredictArguments) -> Result<ExitCode, Failure> {
    let loaded = scenarios::named(&arguments.folder, &arguments.scenario)?;
    let selection = if arguments.default_run { Selection::Default } else { Selection::Everything };
    let orders = loaded.orders(selection, arguments.seed)?;
    if orders.is_empty() {
        let error = anyhow::anyhow!(
            "the default run takes nothing of {}, which has no [default_run]",
            loaded.scenario.name
        );
        return Err(Failure::Usage(error));
    }
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
