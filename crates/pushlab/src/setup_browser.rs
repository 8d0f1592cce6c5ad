//! `pushlab setup-browser`: finds Chromium and its driver, or installs them.

use std::{
    fs,
    path::Path,
    process::{Command, ExitCode},
};

use anyhow::{Context, bail};
use clap::Args;
use load_harness::{BrowserPrograms, NoBrowser};

use crate::{exit::Failure, say::say};

/// The file that identifies the operating system (os-release(5)).
const OS_RELEASE: &str = "/etc/os-release";

/// Find Chromium and ChromeDriver, or install them.
///
/// The scenarios with a real browser drive a headless Chromium. This command looks on the PATH for chromium,
/// chromium-browser or google-chrome, and for chromedriver; PUSHLAB_CHROMIUM and PUSHLAB_CHROMEDRIVER name
/// other programs. On Debian and Ubuntu it installs missing programs with apt-get, as root or through sudo, and
/// prints each command before running it. On other systems it says what to do. If a variable names no program,
/// it reports that and installs nothing. Without a browser these scenarios are not run, and the report says so.
#[derive(Debug, Args)]
pub(crate) struct SetupBrowserArguments {
    /// Only look for the programs; install nothing
    #[arg(long)]
    look_only: bool,
}

pub(crate) fn run(arguments: &SetupBrowserArguments) -> Result<ExitCode, Failure> {
    let missing = match BrowserPrograms::find() {
        Ok(programs) => return tell(&programs),
        // An installed browser would not be used either while the variable names this one.
        Err(wrong @ NoBrowser::NoProgram { .. }) => return Err(anyhow::Error::from(wrong).into()),
        Err(missing @ NoBrowser::NotOnPath { .. }) => missing,
    };
    say(&missing);
    let release = fs::read_to_string(OS_RELEASE).unwrap_or_default();
    let Some(packages) = packages(&release) else {
        return Err(anyhow::anyhow!(
            "this system is not Debian or Ubuntu: install Chromium (or Chrome) and the ChromeDriver of the \
             same version; if they are not on the PATH, name them in PUSHLAB_CHROMIUM and \
             PUSHLAB_CHROMEDRIVER"
        )
        .into());
    };
    if arguments.look_only {
        return Err(anyhow::anyhow!("the packages are {}", packages.join(" and ")).into());
    }
    install(&packages)?;
    tell(&BrowserPrograms::find()?)
}

/// Prints the programs that were found, with their versions.
fn tell(programs: &BrowserPrograms) -> Result<ExitCode, Failure> {
    for program in [&programs.chromium, &programs.chromedriver] {
        say(format!("{}: {}", program.display(), version(program)?));
    }
    Ok(ExitCode::SUCCESS)
}

/// The first line of a program's `--version`.
fn version(program: &Path) -> anyhow::Result<String> {
    let output = Command::new(program)
        .arg("--version")
        .output()
        .with_context(|| format!("{} cannot be run", program.display()))?;
    let said = String::from_utf8_lossy(&output.stdout);
    let said = said.lines().next().unwrap_or_default().trim();
    if !output.status.success() || said.is_empty() {
        bail!("{} --version ended with {}: no browser, or a broken one", program.display(), output.status);
    }
    Ok(said.to_owned())
}

/// The packages of both programs on this system; none if it is neither Debian nor Ubuntu.
fn packages(release: &str) -> Option<[&'static str; 2]> {
    let value = |key: &str| {
        let line = release.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        line.unwrap_or_default().trim_matches('"').to_owned()
    };
    let (name, like) = (value("ID"), value("ID_LIKE"));
    let is = |wanted: &str| name == wanted || like.split(' ').any(|word| word == wanted);
    if is("ubuntu") {
        Some(["chromium-browser", "chromium-chromedriver"])
    } else if is("debian") {
        Some(["chromium", "chromium-driver"])
    } else {
        None
    }
}

fn install(packages: &[&str]) -> anyhow::Result<()> {
    let user = Command::new("id").arg("-u").output().context("`id -u` cannot be run")?;
    let is_root = String::from_utf8_lossy(&user.stdout).trim() == "0";
    let mut get = vec!["apt-get", "install", "--yes", "--no-install-recommends"];
    get.extend(packages);
    for words in [&["apt-get", "update", "--quiet"][..], &get] {
        let words: Vec<&str> =
            (!is_root).then_some("sudo").into_iter().chain(words.iter().copied()).collect();
        let line = words.join(" ");
        say(&line);
        let status = Command::new(words[0])
            .args(&words[1..])
            .env("DEBIAN_FRONTEND", "noninteractive")
            .status()
            .with_context(|| format!("`{line}` cannot be run"))?;
        if !status.success() {
            bail!("`{line}` ended with {status}");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_packages_follow_what_the_system_says_of_itself() {
        let debian = "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID=debian\nVERSION_ID=\"12\"\n";
        assert_eq!(packages(debian), Some(["chromium", "chromium-driver"]));
        let ubuntu = "ID=ubuntu\nID_LIKE=debian\n";
        assert_eq!(packages(ubuntu), Some(["chromium-browser", "chromium-chromedriver"]));
        assert_eq!(packages("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n"), packages(ubuntu));
        assert_eq!(packages("ID=fedora\n"), None);
        assert_eq!(packages(""), None);
    }
}
