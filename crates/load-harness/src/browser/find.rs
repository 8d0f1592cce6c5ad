//! Finds Chromium and its driver.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
};

/// Program names of Chromium and Chrome, in the order of search.
const CHROMIUM: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const CHROMEDRIVER: [&str; 1] = ["chromedriver"];

/// A Chromium, and its WebDriver program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrowserPrograms {
    /// The browser.
    pub chromium: PathBuf,
    /// Its driver.
    pub chromedriver: PathBuf,
}

/// No browser was found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoBrowser {
    /// None of the names is on the PATH.
    #[error("no {what}: there is no {} on the PATH, and {variable} is not set", .names.join(", "))]
    NotOnPath {
        /// What is missing.
        what: &'static str,
        /// The names that were searched for.
        names: &'static [&'static str],
        /// The variable that may contain its path.
        variable: &'static str,
    },
    /// The variable's path is not a program.
    #[error("no {what}: {variable} is {}, which is not a program", .path.display())]
    NoProgram {
        /// What is missing.
        what: &'static str,
        /// The variable.
        variable: &'static str,
        /// Its value.
        path: PathBuf,
    },
}

impl BrowserPrograms {
    /// Takes the paths in `PUSHLAB_CHROMIUM` and `PUSHLAB_CHROMEDRIVER`, otherwise searches the PATH.
    ///
    /// # Errors
    /// [`NoBrowser`] says which of the two programs is missing, and where it was searched for.
    pub fn find() -> Result<Self, NoBrowser> {
        Self::find_with(|variable| env::var_os(variable))
    }

    fn find_with(variable: impl Fn(&str) -> Option<OsString>) -> Result<Self, NoBrowser> {
        Ok(Self {
            chromium: find("Chromium", &CHROMIUM, "PUSHLAB_CHROMIUM", &variable)?,
            chromedriver: find("ChromeDriver", &CHROMEDRIVER, "PUSHLAB_CHROMEDRIVER", &variable)?,
        })
    }
}

fn find(
    what: &'static str,
    names: &'static [&'static str],
    variable: &'static str,
    read: impl Fn(&str) -> Option<OsString>,
) -> Result<PathBuf, NoBrowser> {
    if let Some(path) = read(variable).filter(|path| !path.is_empty()).map(PathBuf::from) {
        return if is_program(&path) { Ok(path) } else { Err(NoBrowser::NoProgram { what, variable, path }) };
    }
    let folders: Vec<PathBuf> =
        read("PATH").map(|path| env::split_paths(&path).collect()).unwrap_or_default();
    let places = names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    let found = places.into_iter().find(|place| is_program(place));
    found.ok_or(NoBrowser::NotOnPath { what, names, variable })
}

/// Whether this is an executable file.
fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;

    #[test]
    fn the_variable_wins_over_the_path_and_what_is_missing_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let program = |name: &str| {
            let path = folder.path().join(name);
            fs::write(&path, "#!/bin/sh\n").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
            path
        };
        let (browser, driver, other) = (program("chromium-browser"), program("chromedriver"), program("x"));
        let with = |pairs: &[(&str, &Path)]| {
            let pairs: Vec<(String, OsString)> =
                pairs.iter().map(|(name, path)| ((*name).to_owned(), path.as_os_str().to_owned())).collect();
            BrowserPrograms::find_with(move |asked| {
                pairs.iter().find(|(name, _)| name == asked).map(|(_, value)| value.clone())
            })
        };
        let path = ("PATH", folder.path());
        assert_eq!(with(&[path]).unwrap(), BrowserPrograms { chromium: browser, chromedriver: driver });
        assert_eq!(with(&[path, ("PUSHLAB_CHROMIUM", &other)]).unwrap().chromium, other);
        let reported = with(&[]).unwrap_err().to_string();
        assert!(reported.starts_with("no Chromium: there is no chromium, chromium-browser"), "{reported}");
        let reported =
            with(&[path, ("PUSHLAB_CHROMEDRIVER", Path::new("/nowhere"))]).unwrap_err().to_string();
        assert_eq!(reported, "no ChromeDriver: PUSHLAB_CHROMEDRIVER is /nowhere, which is not a program");
    }
}
