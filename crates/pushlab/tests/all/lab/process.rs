//! The program as a process: run to its end, observed, signalled, and never left behind.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::mpsc::{RecvTimeoutError, channel},
    thread,
};

use contract::{Announcement, ServerStats};

use super::{PATIENCE, PUSHLAB, until};

/// The program's exit code and output.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Finished {
    /// Asserts the exit code; prints the output if it differs.
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }

    /// Asserts that stderr contains all these texts.
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

    /// Waits for the end; a program that does not end is killed and fails the test.
    pub(crate) fn finish(mut self) -> Finished {
        let pid = self.pid();
        let (ended, end) = channel::<()>();
        let watchdog = thread::spawn(move || {
            // The sender is dropped after the child was reaped, so until then its process id is not reused.
            let hangs = end.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout);
            if hangs {
                signal(pid, "KILL");
            }
            hangs
        });
        let output = self.child.take().unwrap().wait_with_output().unwrap();
        drop(ended);
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let finished =
            Finished { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) };
        assert!(!watchdog.join().unwrap(), "the program did not end: {finished:?}");
        finished
    }

    /// Kills it as `kill -9` does: it cannot clean up.
    pub(crate) fn kill(mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Waits until a server of this program runs.
    pub(crate) fn server(&self) -> u32 {
        self.server_that(|_| true)
    }

    /// Waits until a server that is not one of `known` publishes: a trial is under way.
    pub(crate) fn publishing_server(&self, known: &[u32]) -> u32 {
        self.server_that(|server| !known.contains(&server) && has_thread(server, "publisher"))
    }

    fn server_that(&self, fits: impl Fn(u32) -> bool) -> u32 {
        let pid = self.pid();
        until("a server", || {
            let found = servers_of(pid).into_iter().find(|server| fits(*server));
            assert!(found.is_some() || is_running(pid), "the program ended before it had a server");
            found
        })
    }

    /// Its stdout, for another reader.
    pub(crate) fn take_stdout(&mut self) -> ChildStdout {
        self.child.as_mut().unwrap().stdout.take().unwrap()
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

    /// A connection to the data plane; a read fails instead of hanging.
    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.announcement.data).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Publishes a text without type.
    pub(crate) fn publish(&self, text: &str) {
        self.publish_to("/events", text);
    }

    /// Publishes a text of a type.
    pub(crate) fn publish_as(&self, type_name: &str, text: &str) {
        self.publish_to(&format!("/events?type={type_name}"), text);
    }

    fn publish_to(&self, target: &str, text: &str) {
        let mut stream = self.connect();
        let head = format!(
            "POST {target} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
            self.announcement.data,
            text.len()
        );
        stream.write_all(format!("{head}{text}").as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The counters, as the control plane reports them.
    pub(crate) fn stats(&self) -> ServerStats {
        let mut stream = TcpStream::connect(self.announcement.control).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(b"GET /stats HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        serde_json::from_str(body).unwrap()
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

/// Sends a signal by its name without `SIG`.
pub(crate) fn signal(pid: u32, name: &str) {
    let status =
        Command::new("sh").args(["-c", "kill -s \"$0\" \"$1\"", name, &pid.to_string()]).status().unwrap();
    assert!(status.success(), "{name} could not be sent to {pid}");
}

/// Children of a process that were started with `serve`.
pub(crate) fn servers_of(parent: u32) -> Vec<u32> {
    children_of(parent, "serve")
}

/// Children of a process that were started with a subcommand.
pub(crate) fn children_of(parent: u32, subcommand: &str) -> Vec<u32> {
    let processes = fs::read_dir("/proc").unwrap();
    processes
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|&pid| state_and_parent(pid).is_some_and(|(state, its)| its == parent && state != 'Z'))
        .filter(|pid| {
            let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            words.split(|&byte| byte == 0).nth(1) == Some(subcommand.as_bytes())
        })
        .collect()
}

/// Whether a process still runs; a zombie does not.
pub(crate) fn is_running(pid: u32) -> bool {
    state_and_parent(pid).is_some_and(|(state, _)| state != 'Z')
}

fn has_thread(pid: u32, name: &str) -> bool {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { return false };
    let names = threads.filter_map(|thread| fs::read_to_string(thread.ok()?.path().join("comm")).ok());
    names.into_iter().any(|found| found.trim_end() == name)
}

/// From `/proc/<pid>/stat`: state letter and parent follow the name in parentheses (proc(5)).
fn state_and_parent(pid: u32) -> Option<(char, u32)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}
