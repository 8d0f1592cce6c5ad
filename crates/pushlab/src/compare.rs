//! `pushlab compare`: what changed between two runs, from their files alone.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;
use report::Detail;

use crate::{
    exit::Failure,
    results,
    say::{say, terminal_width},
};

/// Show what changed between two runs: higher, lower, or no change shown.
///
/// It matches points by scenario, pattern and settings, and judges the change of every quantity by the 95 %
/// interval of after ÷ before over the blocks of both runs. With fewer than four blocks in one of the runs it
/// does not judge.
#[derive(Debug, Args)]
pub(crate) struct CompareArguments {
    /// Folder of the run before
    #[arg(value_name = "BEFORE")]
    before: PathBuf,
    /// Folder of the run after
    #[arg(value_name = "AFTER")]
    after: PathBuf,
    /// List every quantity, including those without a shown change
    #[arg(long)]
    all: bool,
    /// Leave out changes smaller than this
    #[arg(long, value_name = "PERCENT", default_value = "5%", value_parser = percent, conflicts_with = "all")]
    smallest: f64,
}

pub(crate) fn run(arguments: &CompareArguments) -> Result<ExitCode, Failure> {
    let before = report::findings(&results::read(&arguments.before)?);
    let after = report::findings(&results::read(&arguments.after)?);
    let detail = if arguments.all { Detail::All } else { Detail::From(arguments.smallest) };
    let compared = report::compare(&before, &after, detail);
    say(report::compare_text(&compared, terminal_width()).trim_end());
    Ok(ExitCode::SUCCESS)
}

/// `5%` as the fraction 0.05.
fn percent(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix('%').and_then(|number| number.trim().parse::<f64>().ok());
    number
        .filter(|percent| (0.0..=1_000.0).contains(percent))
        .map(|percent| percent / 100.0)
        .ok_or_else(|| "write a percentage from 0% to 1000%, such as 5%".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentage_needs_its_sign() {
        assert_eq!(percent("5%"), Ok(0.05));
        assert_eq!(percent("0%"), Ok(0.0));
        for wrong in ["5", "five%", "-1%", "nan%", "2000%"] {
            assert!(percent(wrong).is_err(), "{wrong}");
        }
    }
}
