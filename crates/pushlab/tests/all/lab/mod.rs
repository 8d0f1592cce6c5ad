//! The real program in a folder of its own, with scenarios written for the test.

pub(crate) mod permit;
pub(crate) mod process;

use std::{
    env, fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use contract::{Manifest, TrialRecord};
use permit::Permit;
use process::{Finished, Running};
use tempfile::TempDir;

/// The program under test.
pub(crate) const PUSHLAB: &str = env!("CARGO_BIN_EXE_pushlab");

/// Longest wait for anything; only a hang reaches it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(300);

/// A working directory with `scenarios/` and, after a run, `results/`; and the permit to measure in it.
pub(crate) struct Lab {
    folder: TempDir,
    _permit: Permit,
}

impl Lab {
    /// A lab that may run beside those of other tests.
    pub(crate) fn new() -> Self {
        Self::with(Permit::one())
    }

    /// A lab that runs alone: no other test has one; the same thread may have several.
    pub(crate) fn alone() -> Self {
        Self::with(Permit::alone())
    }

    fn with(permit: Permit) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("scenarios")).unwrap();
        Self { folder, _permit: permit }
    }

    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.folder.path().join(relative)
    }

    pub(crate) fn write(&self, relative: &str, text: &str) {
        fs::write(self.path(relative), text).unwrap();
    }

    /// Writes `scenarios/<name>.toml`: [`scenario`] with some of its lines changed.
    pub(crate) fn scenario(&self, name: &str, changes: &[(&str, &str)]) {
        self.write(&format!("scenarios/{name}.toml"), &scenario(name, changes));
    }

    /// The program with these arguments, run in this folder.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(PUSHLAB);
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }

    /// The same through a shell that first runs `before`, such as a command that sets a limit.
    pub(crate) fn command_after(&self, before: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new("sh");
        let script = format!("{before}; exec \"$0\" \"$@\"");
        command.args(["-c", &script, PUSHLAB]).args(arguments);
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }

    /// Runs the program to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Finished {
        Running::start(self.command(arguments)).finish()
    }

    /// The folders of the runs, without `latest`.
    pub(crate) fn runs(&self) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(self.path("results")) else { return Vec::new() };
        let mut runs: Vec<PathBuf> = entries
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.is_dir() && !path.is_symlink())
            .collect();
        runs.sort();
        runs
    }

    /// The folder of the only run.
    pub(crate) fn only_run(&self) -> PathBuf {
        let runs = self.runs();
        assert_eq!(runs.len(), 1, "{runs:?}");
        runs[0].clone()
    }

    /// Waits until the run's folder has its manifest.
    pub(crate) fn run_with_manifest(&self) -> PathBuf {
        until("a manifest", || self.runs().into_iter().find(|run| run.join("manifest.json").is_file()))
    }
}

/// Limits that a busy machine with a debug build keeps: these tests do not check limits.
const PATIENT_LIMITS: &str = "added_age = \"10s\"\nharness_cpu = 1.0\n\
                              swapped_pages = 1000000\ntail_samples = 0";

/// A scenario that takes a second, with some of its lines changed: `("hold", "\"1s\"")` replaces or
/// adds `hold = "1s"`; the keys `[events]` and `[limits]` replace the whole table.
pub(crate) fn scenario(name: &str, changes: &[(&str, &str)]) -> String {
    let name = format!("{name:?}");
    let mut lines = vec![
        ("name", name.as_str()),
        ("question", "\"Does it work?\""),
        ("setting", "\"A test.\""),
        ("look_at", "\"Everything.\""),
        ("patterns", r#"["sse"]"#),
        ("subscribers", "2"),
        ("poll_interval", "\"100ms\""),
        ("hold", "\"100ms\""),
        ("warm_up", "\"200ms\""),
        ("measure", "\"1s\""),
        ("drain", "\"500ms\""),
        ("blocks", "1"),
    ];
    let mut limits = PATIENT_LIMITS;
    let mut events = "arrivals = \"steady\"\nrate_hz = 40.0";
    for &(key, value) in changes {
        match lines.iter_mut().find(|(known, _)| *known == key) {
            _ if key == "[events]" => events = value,
            _ if key == "[limits]" => limits = value,
            Some(line) => line.1 = value,
            None => lines.push((key, value)),
        }
    }
    let mut text: String = lines.iter().map(|(key, value)| format!("{key} = {value}\n")).collect();
    text.push_str(&format!("[limits]\n{limits}\n[events]\n{events}\n"));
    text
}

/// Reports which test, or which part of one, did not run, and why: on stderr, which cargo shows for failed
/// tests only, and in the file from which `just test` makes its last line.
pub(crate) fn did_not_run(what: &str, why: &str) {
    eprintln!("did not run: {what} ({why})");
    if let Some(path) = env::var_os("PUSHLAB_TEST_DID_NOT_RUN") {
        let mut file = fs::File::options().create(true).append(true).open(path).unwrap();
        // One write, so that concurrent tests do not mix their lines.
        file.write_all(format!("{what} ({why})\n").as_bytes()).unwrap();
    }
}

/// Polls until there is a value.
pub(crate) fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "{what} did not come");
        sleep(Duration::from_millis(5));
    }
}

pub(crate) fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub(crate) fn manifest(run: &Path) -> Manifest {
    serde_json::from_str(&read(&run.join("manifest.json"))).unwrap()
}

/// The records of a run; every line must be whole.
pub(crate) fn records(run: &Path) -> Vec<TrialRecord> {
    read(&run.join("records.jsonl")).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Waits until a run has this many whole records.
pub(crate) fn until_records(run: &Path, count: usize) {
    let whole = || fs::read(run.join("records.jsonl")).unwrap_or_default();
    until("a record", || (whole().iter().filter(|&&byte| byte == b'\n').count() >= count).then_some(()));
}

pub(crate) fn summary(run: &Path) -> serde_json::Value {
    serde_json::from_str(&read(&run.join("summary.json"))).unwrap()
}

/// Every file of a run's folder, by its path within it, sorted.
pub(crate) fn files(run: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![run.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path.strip_prefix(run).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}
