//! Reads the measured costs that `choose` and `map` start from.

use std::{fs, io::ErrorKind, path::Path};

use anyhow::Context;
use load_harness::{Cores, environment};
use report::Costs;

use crate::{exit::Failure, say::print_warning};

/// The run that the lab ships.
const REFERENCE: &str = "results/reference";

/// The costs of this run; without one those of the reference. None if there is no reference either, which a
/// warning says.
pub(crate) fn read(run: Option<&Path>) -> Result<Option<Costs>, Failure> {
    let folder = run.unwrap_or(Path::new(REFERENCE));
    let file = folder.join("summary.json");
    let text = match fs::read_to_string(&file) {
        Err(error) if run.is_none() && error.kind() == ErrorKind::NotFound => {
            print_warning(format!(
                "pushlab: no measured costs: {} does not exist; run pushlab in its checkout, or name a run with --costs",
                file.display()
            ));
            return Ok(None);
        }
        read => read.with_context(|| {
            format!(
                "`--costs`: {} cannot be read: is {} the folder of a run?",
                file.display(),
                folder.display()
            )
        })?,
    };
    let here = environment(&Cores::of_this_machine(), String::new());
    let costs = Costs::parse(&text, &here)
        .with_context(|| format!("`--costs`: {} cannot be used", file.display()))?;
    Ok(Some(costs))
}
