//! `pushlab map`: the break-even map, from the model and measured costs.

use std::{fs, path::PathBuf, process::ExitCode};

use anyhow::Context;
use clap::Args;
use report::BreakEven;

use crate::{costs, exit::Failure, say::say};

/// Draw which pattern is cheapest at each event rate and each wanted age: by bytes, server CPU and memory.
///
/// The map is drawn from the model and from measured costs, with the measured points on it; see `choose`. Nothing
/// is measured.
#[derive(Debug, Args)]
pub(crate) struct MapArguments {
    /// Folder of the run whose measured costs count, instead of results/reference
    #[arg(long, value_name = "RUN")]
    costs: Option<PathBuf>,
    /// File to write: a page if its name ends in .html, a drawing if it ends in .svg
    #[arg(long, value_name = "FILE", default_value = "results/map.html")]
    out: PathBuf,
}

pub(crate) fn run(arguments: &MapArguments) -> Result<ExitCode, Failure> {
    let out = &arguments.out;
    let write = match out.extension().and_then(|extension| extension.to_str()) {
        Some("html") => report::break_even_page,
        Some("svg") => report::break_even_svg,
        Some(_) | None => {
            let error = anyhow::anyhow!("`--out` is {}: expected a name in .html or .svg", out.display());
            return Err(Failure::Usage(error));
        }
    };
    let map = BreakEven::make(costs::read(arguments.costs.as_deref())?);
    fs::write(out, write(&map)).with_context(|| format!("`--out`: {} cannot be written", out.display()))?;
    say(format!("map: {}", out.display()));
    Ok(ExitCode::SUCCESS)
}
