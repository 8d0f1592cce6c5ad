//! A target's folder on this machine: copies its files, installs its server, and checks whether the server is
//! installed.

use std::{
    env,
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use contract::{Target, TargetError, Words};
use rustix::process::geteuid;

/// Lines of a failed command's output that are kept.
const LAST_LINES: usize = 5;
/// Where system packages put servers; not in every user's PATH.
const SYSTEM_PATHS: &str = "/usr/local/sbin:/usr/sbin:/sbin";

/// npm's lock file and the folder into which it installs: if the lock file changes, the folder is outdated.
const LOCK: (&str, &str) = ("package-lock.json", "node_modules");

/// Environment variables of a command.
#[derive(Debug, Clone, Copy)]
enum Surroundings {
    /// An installation may need the caller's settings, such as a proxy.
    OfTheCaller,
    /// A check must see the same environment as the server later.
    OfAServer,
}

/// A target with its folder, and a home outside the checkout, into which it is installed.
#[derive(Debug, Clone)]
pub struct TargetFolder {
    /// The content of the target file.
    pub target: Target,
    /// The version of the installed server, or why the target cannot be used.
    pub state: Result<String, String>,
    folder: PathBuf,
    home: PathBuf,
}

/// A target that cannot be read or installed.
#[derive(Debug, thiserror::Error)]
pub enum TargetFolderError {
    /// The file cannot be used.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// A file or folder cannot be read or written.
    #[error("{0}: {1}")]
    File(PathBuf, io::Error),
    /// A command of the installation failed.
    #[error("installing {title} failed: `{command}` {problem}; {otherwise}")]
    Install {
        /// The target's title.
        title: String,
        /// The command.
        command: String,
        /// How it ended, with the last lines of its output.
        problem: String,
        /// What to do instead.
        otherwise: String,
    },
    /// The installation needs root.
    #[error("installing {title} needs root: run `{command}` as root; {otherwise}")]
    Root {
        /// The target's title.
        title: String,
        /// The commands.
        command: String,
        /// What to do instead.
        otherwise: String,
    },
}

impl TargetFolder {
    /// Reads `<folder>/target.toml` and checks whether the server is installed.
    ///
    /// # Errors
    /// [`TargetFolderError`] if the file cannot be used. A server that is not installed is not an error here;
    /// `state` says so.
    pub fn open(folder: &Path) -> Result<Self, TargetFolderError> {
        let file = folder.join("target.toml");
        let text = fs::read_to_string(&file).map_err(|error| TargetFolderError::File(file.clone(), error))?;
        let target = Target::from_toml(&file.display().to_string(), &text)?;
        let home = cache().join(target.name.as_str());
        let mut opened = Self { target, state: Err(String::new()), folder: folder.to_owned(), home };
        opened.copy()?;
        opened.look();
        Ok(opened)
    }

    /// The folder into which the server is installed, and in which it runs.
    pub(crate) fn home(&self) -> &Path {
        &self.home
    }

    /// Installs the server with the target's own commands if it is missing; calls `say` before each command.
    ///
    /// # Errors
    /// [`TargetFolderError`] with the command that failed, or that needs root.
    pub fn install(&mut self, mut say: impl FnMut(String)) -> Result<(), TargetFolderError> {
        let install = self.target.install.clone();
        if self.state.is_ok() {
            return Ok(());
        }
        let title = self.target.title.clone();
        if install.as_root && !geteuid().is_root() {
            let command = install.commands.iter().map(|words| words.join(" ")).collect::<Vec<_>>().join("; ");
            return Err(TargetFolderError::Root { title, command, otherwise: install.otherwise });
        }
        for words in &install.commands {
            say(format!("installing {title} in {}: {}", self.home.display(), words.join(" ")));
            if let Err(problem) = self.run(words, Surroundings::OfTheCaller) {
                let (command, otherwise) = (words.join(" "), install.otherwise);
                return Err(TargetFolderError::Install { title, command, problem, otherwise });
            }
        }
        self.look();
        Ok(())
    }

    /// Writes the files of `start` into the work folder of a start, with all placeholders replaced.
    pub(crate) fn write_files(&self, places: &Places<'_>) -> Result<(), TargetFolderError> {
        for name in &self.target.start.files {
            let (from, to) = (self.folder.join(name), places.work.join(name));
            let text = fs::read_to_string(&from).map_err(|error| TargetFolderError::File(from, error))?;
            fs::write(&to, places.fill(&text)).map_err(|error| TargetFolderError::File(to, error))?;
        }
        Ok(())
    }

    /// Copies the folder to its home. The installation adds files there, so that the checkout is not changed.
    fn copy(&self) -> Result<(), TargetFolderError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |error| TargetFolderError::File(path, error)
        };
        fs::create_dir_all(&self.home).map_err(failed(&self.home))?;
        for entry in fs::read_dir(&self.folder).map_err(failed(&self.folder))? {
            let from = entry.map_err(failed(&self.folder))?.path();
            if let (true, Some(name)) = (from.is_file(), from.file_name()) {
                let text = fs::read(&from).map_err(failed(&from))?;
                let to = self.home.join(name);
                let there = fs::read(&to).ok();
                // An unchanged file keeps its modification time, which installation tools compare.
                if there.as_ref() == Some(&text) {
                    continue;
                }
                let installed = self.home.join(LOCK.1);
                if there.is_some() && name == LOCK.0 && installed.exists() {
                    fs::remove_dir_all(&installed).map_err(failed(&installed))?;
                }
                fs::write(&to, text).map_err(failed(&to))?;
            }
        }
        Ok(())
    }

    /// Checks whether the server is installed, and reads its version.
    fn look(&mut self) {
        let install = &self.target.install;
        let found = tempfile::tempdir().map_err(|error| error.to_string()).and_then(|work| {
            let places =
                Places { home: &self.home, work: work.path(), data_port: 0, hold_ms: 0, descriptors: 64 };
            self.write_files(&places).map_err(|error| error.to_string())?;
            self.run(&places.fill_all(&install.check), Surroundings::OfAServer)?;
            let output = self.run(&places.fill_all(&install.version), Surroundings::OfAServer)?;
            let said = [output.stdout, output.stderr].concat();
            Ok(String::from_utf8_lossy(&said).trim().lines().next().unwrap_or_default().to_owned())
        });
        self.state = found.map_err(|problem| {
            let Target { name, install, .. } = &self.target;
            format!(
                "{name} is not installed (`{}` {problem}); {}",
                install.check.join(" "),
                install.otherwise
            )
        });
    }

    /// Runs a command to its end. If its exit code is not 0, the error has the last lines of its output.
    fn run(&self, words: &Words, surroundings: Surroundings) -> Result<Output, String> {
        let (program, arguments) = words.split_first().ok_or("is empty")?;
        let mut command = Command::new(self.program(program));
        match surroundings {
            Surroundings::OfTheCaller => {}
            Surroundings::OfAServer => {
                command.env_clear();
            }
        }
        let output = command
            .envs(of_a_server())
            .args(arguments)
            .current_dir(&self.home)
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("cannot be run: {error}"))?;
        if output.status.success() {
            return Ok(output);
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let lines: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty()).collect();
        let last = lines[lines.len().saturating_sub(LAST_LINES)..].join(" / ");
        Err(format!("ended with {}: {last}", output.status))
    }

    /// A program of the home by its full path, because systems resolve a relative path differently.
    pub(crate) fn program(&self, word: &str) -> PathBuf {
        if word.contains('/') { self.home.join(word) } else { word.into() }
    }
}

/// This user's cache folder for targets.
fn cache() -> PathBuf {
    let named = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = named("XDG_CACHE_HOME").or_else(|| Some(named("HOME")?.join(".cache")));
    cache.unwrap_or_else(env::temp_dir).join("pushlab").join("targets")
}

/// The part of the caller's environment that a server gets: settings for other programs (`NODE_OPTIONS`,
/// `BUN_*`) must not change its behaviour.
pub(crate) fn of_a_server() -> impl Iterator<Item = (&'static str, OsString)> {
    let home = env::var_os("HOME").map(|home| ("HOME", home));
    home.into_iter().chain([("PATH", search_path().into())])
}

/// PATH with the system's folders for servers at its end.
fn search_path() -> String {
    let path = env::var("PATH").unwrap_or_default();
    if path.is_empty() { SYSTEM_PATHS.to_owned() } else { format!("{path}:{SYSTEM_PATHS}") }
}

/// The values of the placeholders of one start.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Places<'a> {
    pub(crate) home: &'a Path,
    pub(crate) work: &'a Path,
    pub(crate) data_port: u16,
    pub(crate) hold_ms: u64,
    pub(crate) descriptors: u64,
}

impl Places<'_> {
    pub(crate) fn fill(&self, text: &str) -> String {
        let Self { home, work, data_port, hold_ms, descriptors } = self;
        let values = [
            home.display().to_string(),
            work.display().to_string(),
            data_port.to_string(),
            hold_ms.to_string(),
            hold_ms.div_ceil(1_000).to_string(),
            descriptors.to_string(),
        ];
        let replace =
            |text: String, (name, value): (&str, &String)| text.replace(&format!("{{{name}}}"), value);
        Target::PLACEHOLDERS.into_iter().zip(&values).fold(text.to_owned(), replace)
    }

    pub(crate) fn fill_all(&self, words: &Words) -> Words {
        words.iter().map(|word| self.fill(word)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder whose server counts as installed once its command has made a file; it has its own home.
    fn folder(as_root: bool, command: &str) -> (tempfile::TempDir, TargetFolder) {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("demo");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("demo.conf"), "port {data_port} {\n}\n").unwrap();
        let text = format!(
            "name = \"demo\"\ntitle = \"a demo\"\n[install]\ncheck = [\"cat\", \"got\"]\nversion = [\"cat\", \"got\"]\n\
             commands = [{command}]\nas_root = {as_root}\notherwise = \"get it by hand\"\n[start]\ncommand = [\"true\"]\n\
             files = [\"demo.conf\"]\nready = \"port\"\n[publish]\npath = \"/\"\n[patterns.sse]\nfirst = \"/\"\n"
        );
        fs::write(folder.join("target.toml"), &text).unwrap();
        let target = Target::from_toml(folder.join("target.toml").to_str().unwrap(), &text).unwrap();
        let home = place.path().join("home");
        let mut opened = TargetFolder { target, state: Err(String::new()), folder, home };
        opened.copy().unwrap();
        opened.look();
        (place, opened)
    }

    #[test]
    fn what_is_not_there_is_installed_by_its_own_commands_and_told() {
        let (_place, mut demo) = folder(false, "[\"cp\", \"target.toml\", \"got\"]");
        let problem = demo.state.clone().unwrap_err();
        assert!(
            problem.starts_with("demo is not installed") && problem.ends_with("get it by hand"),
            "{problem}"
        );
        let mut reported = Vec::new();
        demo.install(|words| reported.push(words)).unwrap();
        assert_eq!(demo.state.as_deref(), Ok("name = \"demo\""));
        assert!(reported.len() == 1 && reported[0].ends_with("cp target.toml got"), "{reported:?}");
        demo.install(|_| panic!("it is there")).unwrap();
    }

    #[test]
    fn an_installation_that_fails_says_which_command_and_what_else_to_do() {
        let (_place, mut demo) = folder(false, "[\"cp\", \"nothing\", \"got\"]");
        let error = demo.install(|_| {}).unwrap_err().to_string();
        assert!(error.contains("`cp nothing got` ended with") && error.contains("get it by hand"), "{error}");
        assert!(demo.state.is_err());
    }

    #[test]
    fn what_another_lock_file_installed_is_not_there_any_more() {
        let (place, demo) = folder(false, "[\"true\"]");
        let (lock, installed) = (place.path().join("demo").join(LOCK.0), demo.home().join(LOCK.1));
        fs::write(&lock, "1").unwrap();
        fs::create_dir(&installed).unwrap();
        fs::write(installed.join("a"), "").unwrap();
        for (text, stays) in [("1", true), ("1", true), ("2", false)] {
            fs::write(&lock, text).unwrap();
            demo.copy().unwrap();
            assert_eq!(installed.exists(), stays, "{text}");
            assert_eq!(fs::read_to_string(demo.home().join(LOCK.0)).unwrap(), text);
        }
    }

    #[test]
    fn files_of_a_start_have_their_placeholders_replaced_and_keep_their_braces() {
        let (place, demo) = folder(true, "[\"true\"]");
        let places =
            Places { home: demo.home(), work: place.path(), data_port: 8_123, hold_ms: 1, descriptors: 2 };
        demo.write_files(&places).unwrap();
        assert_eq!(fs::read_to_string(place.path().join("demo.conf")).unwrap(), "port 8123 {\n}\n");
    }
}
