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
    let files = report::render(&findings);
    results::write_report(&arguments.folder, &files)?;
    say(findings_text(&findings));
    say(results::pages_text(&arguments.folder, &files));
    Ok(ExitCode::SUCCESS)
}
