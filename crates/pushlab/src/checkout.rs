//! The commit that a run measures, and whether the checkout differs from it.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// Paths that the program is built from, relative to the top of the checkout.
const SOURCES: [&str; 5] = ["crates", "Cargo.toml", "Cargo.lock", "rust-toolchain.toml", ".cargo"];

/// The commit that is checked out, empty outside a checkout. It ends in `-dirty` if a tracked file has changed
/// that the program is built from or that is one of the given scenario files.
///
/// Untracked files do not count: without a change to a tracked file they are in no build, and the manifest
/// holds all settings of an untracked scenario.
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

/// A path in git's notation, valid in every folder of the checkout.
fn from_the_top(path: &Path) -> String {
    format!(":(top,literal){}", path.display())
}

/// The output of git; none without git or outside a checkout.
fn git(words: &[impl AsRef<std::ffi::OsStr>]) -> Option<String> {
    let output = Command::new("git").args(words).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
