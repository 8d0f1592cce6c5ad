//! `pushlab report`: writes a run's report again, from its files alone.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;

use crate::{
    exit::Failure,
    results,
    say::{findings_text, say},
};

/// Write a run's report again, from its manifest and records alone.
#[derive(Debug, Args)]
pub(crate) struct ReportArguments {
    /// Folder of the run
    #[arg(value_name = "DIR", default_value = "results/latest")]
    folder: PathBuf,
}

pub(crate) fn run(arguments: &ReportArguments) -> Result<ExitCode, Failure> {
    let run = results::read(&arguments.folder)?;
    let findings = report::findings(&run);
    results::write_report(&arguments.folder, &report::render(&findings))?;
    say(findings_text(&findings));
    say(format!("report: {}", arguments.folder.join("report.html").display()));
    Ok(ExitCode::SUCCESS)
}
