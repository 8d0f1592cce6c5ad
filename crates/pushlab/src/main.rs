//! pushlab measures what short polling, long polling, Server-Sent Events and WebSocket really cost
//! and deliver, and prints a model's prediction beside every measured number.

mod bench;
mod checkout;
mod choose;
mod claims;
mod compare;
mod costs;
mod doctor;
mod exit;
mod map;
mod middlebox;
mod predict;
mod progress;
mod report;
mod results;
mod say;
mod scenarios;
mod serve;
mod setup_browser;
mod targets;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::exit::Failure;

/// Measures what short polling, long polling, Server-Sent Events and WebSocket cost and deliver.
/// A model predicts every number first.
///
/// Start with `pushlab bench smoke` (seconds), then `pushlab bench` (about four minutes), and open
/// the report whose path it prints.
#[derive(Debug, Parser)]
#[command(name = "pushlab", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Bench(bench::BenchArguments),
    Claims(claims::ClaimsArguments),
    Choose(choose::ChooseArguments),
    Compare(compare::CompareArguments),
    Doctor(doctor::DoctorArguments),
    Map(map::MapArguments),
    Middlebox(middlebox::MiddleboxArguments),
    Predict(predict::PredictArguments),
    Report(report::ReportArguments),
    Serve(serve::ServeArguments),
    SetupBrowser(setup_browser::SetupBrowserArguments),
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Claims(arguments) => claims::run(&arguments),
        Command::Choose(arguments) => choose::run(&arguments),
        Command::Compare(arguments) => compare::run(&arguments),
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::Map(arguments) => map::run(&arguments),
        Command::Middlebox(arguments) => middlebox::run(&arguments),
        Command::Predict(arguments) => predict::run(&arguments),
        Command::Report(arguments) => report::run(&arguments),
        Command::Serve(arguments) => serve::run(&arguments),
        Command::SetupBrowser(arguments) => setup_browser::run(&arguments),
    };
    outcome.unwrap_or_else(Failure::tell)
}
