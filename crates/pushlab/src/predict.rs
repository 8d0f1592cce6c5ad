//! `pushlab predict`: predicts a scenario's numbers without measuring.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;
use contract::{Calibration, Selection};
use model::Inputs;
use report::ModelPrediction;

use crate::{
    exit::Failure,
    say::{say, terminal_width},
    scenarios,
};

/// Predict a scenario's numbers, with no network and no measurement.
///
/// The machine's own costs are taken as zero, so the ages result from the pattern and the schedule alone. A
/// run calibrates first and predicts with the costs that it found.
///
/// This predicts the whole scenario, as `bench SCENARIO` measures it: every pattern, every swept value, trials
/// of full length. With --default-run it predicts the part that the default run takes.
#[derive(Debug, Args)]
pub(crate) struct PredictArguments {
    /// The scenario, by name or by the path of a TOML file
    #[arg(value_name = "SCENARIO")]
    scenario: String,
    /// Predict only the part that the default run takes, with its shorter trials
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
        let error = anyhow::anyhow!("{} has no [default_run]: omit --default-run", loaded.scenario.name);
        return Err(Failure::Usage(error));
    }
    let predictions: Vec<ModelPrediction> = orders
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
            let pattern = order.plan.pattern;
            let predicted = model::predict(pattern, &inputs);
            ModelPrediction { pattern, server: order.plan.settings.server.clone(), params, predicted }
        })
        .collect();
    say(report::prediction_table(&loaded.scenario, &predictions, terminal_width()));
    if predictions.iter().any(|of| of.predicted.replayed.is_ok()) {
        say(left_out(&loaded.asked));
    }
    Ok(ExitCode::SUCCESS)
}

/// What an age of zero in the table does not mean.
fn left_out(scenario: &str) -> String {
    format!(
        "No event is 0 ms old: without a calibration, the predicted ages leave out the\n\
         time that server and subscriber take for a delivery, and the one-way delay\n\
         between them on this machine. `just bench {scenario}` predicts with both."
    )
}
