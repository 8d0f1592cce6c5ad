//! The real program in a folder of its own, with scenarios written for the test.
#![allow(dead_code, reason = "each test binary uses its part of this module")]
#![allow(clippy::unwrap_used, reason = "a test may end where its premise fails")]

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use contract::{Announcement, Manifest, TrialRecord};
use tempfile::TempDir;

/// The program under test.
pub(crate) const PUSHLAB: &str = env!("CARGO_BIN_EXE_pushlab");

/// Longest wait for anything; only a hang meets it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A working directory with `scenarios/` and, once something ran, `results/`.
pub(crate) struct Lab {
    folder: TempDir,
}

impl Lab {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("scenarios")).unwrap();
        Self { folder }
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

    /// The same through a shell that first does `before`, such as setting a limit.
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

    /// The folders of the runs, `latest` left out.
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

/// A scenario that takes a second, with some of its lines changed: `("hold", "\"1s\"")` replaces or
/// adds `hold = "1s"`; the key `[events]` replaces the whole table.
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
    ];
    let mut events = "arrivals = \"steady\"\nrate_hz = 40.0";
    for &(key, value) in changes {
        match lines.iter_mut().find(|(known, _)| *known == key) {
            _ if key == "[events]" => events = value,
            Some(line) => line.1 = value,
            None => lines.push((key, value)),
        }
    }
    let mut text: String = lines.iter().map(|(key, value)| format!("{key} = {value}\n")).collect();
    text.push_str(&format!("[events]\n{events}\n"));
    text
}

/// How the program ended and what it said.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Finished {
    /// Asserts the exit code; shows what was said if it is another.
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }

    /// Asserts that stderr holds all these words.
    pub(crate) fn complains(self, words: &[&str]) -> Self {
        for word in words {
            assert!(self.stderr.contains(word), "`{word}` is missing in: {}", self.stderr);
        }
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        self
    }
}

/// The program while it runs. Dropping it kills it; its servers see their stdin close and end.
#[derive(Debug)]
pub(crate) struct Running {
    child: Option<Child>,
}

impl Running {
    pub(crate) fn start(mut command: Command) -> Self {
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        Self { child: Some(child) }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    /// Waits for the end; a program that never ends is killed and fails the test.
    pub(crate) fn finish(mut self) -> Finished {
        let pid = self.pid();
        let deadline = Instant::now() + PATIENCE;
        let (finished, end) = std::sync::mpsc::channel::<()>();
        let watchdog = std::thread::spawn(move || {
            // The sender is dropped when the child has been waited for, so its id is still its own.
            let late = deadline.saturating_duration_since(Instant::now());
            let hangs = end.recv_timeout(late) == Err(std::sync::mpsc::RecvTimeoutError::Timeout);
            if hangs {
                signal(pid, "KILL");
            }
            hangs
        });
        let output: Output = self.child.take().unwrap().wait_with_output().unwrap();
        drop(finished);
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let finished =
            Finished { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) };
        assert!(!watchdog.join().unwrap(), "the program did not end: {finished:?}");
        finished
    }

    /// Kills it as `kill -9` does: it can do nothing more.
    pub(crate) fn kill(mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Waits until a server of this program runs that is not one of `known`.
    pub(crate) fn server(&self, known: &[u32]) -> u32 {
        let pid = self.pid();
        until("a server", || servers_of(pid).into_iter().find(|server| !known.contains(server)))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// `pushlab serve` on free ports. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Serving {
    child: Child,
    pub(crate) stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    pub(crate) announcement: Announcement,
}

impl Serving {
    pub(crate) fn start(options: &[&str]) -> Self {
        let mut child = Command::new(PUSHLAB)
            .args(["serve", "--data", "127.0.0.1:0"])
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let announcement = serde_json::from_str(&line);
        if announcement.is_err() {
            let _ = child.kill();
            let _ = child.wait();
        }
        Self { child, stdin, stdout, announcement: announcement.expect("one line of JSON") }
    }

    /// A connection to the data plane; reading from it fails rather than hanging.
    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.announcement.data).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Publishes a text; the server's own answer is returned.
    pub(crate) fn publish(&self, text: &str) -> String {
        let mut stream = self.connect();
        let head = format!(
            "POST /events HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
            self.announcement.data,
            text.len()
        );
        stream.write_all(format!("{head}{text}").as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
        answer
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The counters, as the control plane tells them.
    pub(crate) fn stats(&self) -> String {
        let mut stream = TcpStream::connect(self.announcement.control).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(b"GET /stats HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Waits for its end; returns the exit code and what it wrote after the announcement.
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        let status = until("the server's end", || self.child.try_wait().unwrap());
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        (status.code(), rest)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Polls until there is something.
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

/// Sends a signal by its name without `SIG`.
pub(crate) fn signal(pid: u32, name: &str) {
    let status =
        Command::new("sh").args(["-c", "kill -s \"$0\" \"$1\"", name, &pid.to_string()]).status().unwrap();
    assert!(status.success(), "{name} could not be sent to {pid}");
}

/// Children of a process that were started with `serve`.
pub(crate) fn servers_of(parent: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").unwrap();
    processes
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|&pid| state_and_parent(pid).is_some_and(|(state, its)| its == parent && state != 'Z'))
        .filter(|pid| {
            let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            words.split(|&byte| byte == 0).nth(1) == Some(b"serve")
        })
        .collect()
}

/// Whether a process still runs; a dead one that nobody has waited for does not.
pub(crate) fn is_running(pid: u32) -> bool {
    state_and_parent(pid).is_some_and(|(state, _)| state != 'Z')
}

/// From `/proc/<pid>/stat`: state letter and parent follow the name in parentheses (proc(5)).
fn state_and_parent(pid: u32) -> Option<(char, u32)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
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

/// Waits until a run has so many whole records.
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
