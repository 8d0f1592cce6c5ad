//! The commit that a run measures, and whether it says all of what was run.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// What the program is built from, from the top of the checkout.
const SOURCES: [&str; 5] = ["crates", "Cargo.toml", "Cargo.lock", "rust-toolchain.toml", ".cargo"];

/// The commit that is checked out, if this is a checkout; with `-dirty` where a tracked file was changed that
/// the program is built from, or one of the scenarios' own, given here.
///
/// What git does not know takes no part: it is in no build without a change to a tracked file, and a
/// scenario of somebody's own stands in the manifest with all its settings.
pub(crate) fn commit(scenarios: &[PathBuf]) -> String {
    let (Some(commit), Some(top)) =
        (git(&["rev-parse", "--short=12", "HEAD"]), git(&["rev-parse", "--show-toplevel"]))
    else {
        return String::new();
    };
    let within = |file: &PathBuf| Some(file.canonicalize().ok()?.strip_prefix(&top).ok()?.to_owned());
    let scenarios = scenarios.iter().filter_map(within);
    let counted = SOURCES.iter().map(PathBuf::from).chain(scenarios).map(|path| from_the_top(&path));
    let mut words: Vec<String> =
        ["status", "--porcelain", "--untracked-files=no", "--"].map(str::to_owned).to_vec();
    words.extend(counted);
    let is_dirty = git(&words).is_some_and(|changes| !changes.is_empty());
    if is_dirty { format!("{commit}-dirty") } else { commit }
}

/// A path as git takes it, wherever in the checkout the program was started.
fn from_the_top(path: &Path) -> String {
    format!(":(top,literal){}", path.display())
}

/// What git says; none where there is no git, or no checkout.
fn git(words: &[impl AsRef<std::ffi::OsStr>]) -> Option<String> {
    let output = Command::new("git").args(words).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
