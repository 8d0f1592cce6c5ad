//! The server under test in its own process: started, ready when it has written its announcement, and always
//! stopped at the end.

use std::{collections::VecDeque, path::Path, process::Stdio, time::Duration};

use contract::{
    Announcement, Pattern, PublisherReport, Ready, ServerName, ServerStats, StartSchedule, StartedSchedule,
};
use serde::de::DeserializeOwned;
use tokio::{
    io::BufReader,
    process::{Child, ChildStdin, Command},
    task::JoinHandle,
    time::timeout,
};

use crate::{
    data::cause::with_cause,
    processes::{
        child_lines::{last_lines, next_line},
        target_folder::TargetFolderError,
    },
    publishing::http_publisher::PostError,
};

/// Longest wait for the server's announcement. Usually it takes milliseconds; only a stuck machine needs more.
pub(crate) const LONGEST_START: Duration = Duration::from_secs(20);
pub(crate) const LONGEST_STOP: Duration = Duration::from_secs(8);

/// A server that could not be started, or that stopped answering.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServerError {
    #[error("the server program could not be started: {0}")]
    Spawn(std::io::Error),
    #[error("the server ended before it announced its address")]
    NoAnnouncement,
    #[error("the server did not start: {}", .0.join(" "))]
    Refusal(Vec<String>),
    #[error("the server did not announce its address within {LONGEST_START:?}{}", said_last(.0))]
    SilentStart(Vec<String>),
    #[error("the server's announcement cannot be read: {0}")]
    Announcement(serde_json::Error),
    #[error("the server's control plane did not answer: {}", with_cause(.0))]
    Control(#[from] reqwest::Error),
    #[error("the server's control plane answered {0}: {1}")]
    Refused(reqwest::StatusCode, String),
    #[error("there is no target named `{0}`")]
    NoTarget(ServerName),
    #[error("{0}")]
    NotInstalled(String),
    #[error("the target {0} does not support {1}")]
    NotOffered(ServerName, Pattern),
    #[error(transparent)]
    Folder(TargetFolderError),
    #[error("`{command}` cannot be used as a server: {problem}{}", said_last(.stderr_tail))]
    Foreign { command: String, problem: Box<ForeignProblem>, stderr_tail: Vec<String> },
}

/// Why a foreign server cannot be used although it was started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ForeignProblem {
    #[error("it ended before it was ready on port {port}")]
    Ended { port: u16 },
    #[error(
        "it was not ready within {LONGEST_START:?}: check that its target file starts it on port {port}, and \
         that {} is its signal that it is ready",
        match .ready { Ready::Line => "a line on stdout", Ready::Port => "an open port" }
    )]
    NotReady { port: u16, ready: Ready },
    #[error(
        "it did not accept a first event: {error}; check `publish` in its target file, which is {method} \
         {path}, and that it listens on port {port}"
    )]
    FirstEvent { port: u16, method: String, path: String, error: PostError },
}

/// A running server. Dropping it kills the process; if the harness is killed, the server's stdin closes and it
/// ends by itself.
#[derive(Debug)]
pub(crate) struct ServerProcess {
    control: ControlPlane,
    child: Child,
    stdin: Option<ChildStdin>,
    stderr: JoinHandle<VecDeque<String>>,
}

/// A client of the server's control plane, separate from the process itself.
#[derive(Debug, Clone)]
pub(crate) struct ControlPlane {
    announcement: Announcement,
    client: reqwest::Client,
}

fn said_last(words: &[String]) -> String {
    words.last().map(|word| format!("; last line of its stderr: {word}")).unwrap_or_default()
}

impl ServerError {
    /// The last lines of stderr output of a server that did not start.
    pub(crate) fn stderr_tail(self) -> Vec<String> {
        match self {
            Self::Refusal(words) | Self::SilentStart(words) | Self::Foreign { stderr_tail: words, .. } => {
                words
            }
            Self::Spawn(_)
            | Self::NoAnnouncement
            | Self::Announcement(_)
            | Self::Control(_)
            | Self::Refused(..)
            | Self::NoTarget(_)
            | Self::NotInstalled(_)
            | Self::NotOffered(..)
            | Self::Folder(_) => Vec::new(),
        }
    }
}

/// A program of the lab in its own process, supervised by pipes. It ends when its stdin closes, at the latest
/// with this process.
pub(crate) fn supervised(program: &Path, arguments: &[String]) -> Command {
    let mut command = Command::new(program);
    // The path is that of a link, which is not helpful in a list of processes.
    #[cfg(unix)]
    command.arg0("pushlab");
    command
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // A Ctrl-C at the terminal signals the whole group; this process must be stopped in order instead.
        .process_group(0)
        .kill_on_drop(true);
    command
}

/// The last lines of stderr output of a process that has ended.
pub(crate) async fn stderr_tail(stderr: JoinHandle<VecDeque<String>>) -> Vec<String> {
    let words = timeout(Duration::from_secs(1), stderr).await;
    words.ok().and_then(Result::ok).unwrap_or_default().into()
}

impl ServerProcess {
    /// Starts the program and waits for its announcement.
    pub(crate) async fn start(program: &Path, arguments: &[String]) -> Result<Self, ServerError> {
        let mut child = supervised(program, arguments).spawn().map_err(ServerError::Spawn)?;
        let stderr = tokio::spawn(last_lines(child.stderr.take()));
        let stdin = child.stdin.take();
        let announcement = match read_announcement(&mut child).await {
            Ok(announcement) => announcement,
            Err(ServerError::NoAnnouncement) => return Err(ServerError::Refusal(stderr_tail(stderr).await)),
            Err(ServerError::SilentStart(_)) => {
                let _ = child.kill().await;
                return Err(ServerError::SilentStart(stderr_tail(stderr).await));
            }
            Err(error) => return Err(error),
        };
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(30)).build()?;
        let control = ControlPlane { announcement, client };
        // The client's first request opens its connection; that must not happen in the window.
        control.stats().await?;
        Ok(Self { control, child, stdin, stderr })
    }

    pub(crate) fn control(&self) -> ControlPlane {
        self.control.clone()
    }

    /// Waits until the process ends by itself, and returns a sentence with its exit status.
    pub(crate) async fn ended(&mut self) -> String {
        match self.child.wait().await {
            Ok(status) => format!("the server ended during the trial ({status})"),
            Err(error) => format!("waiting for the server process failed: {error}"),
        }
    }

    /// Lets the server end cleanly by closing its stdin, and kills it if that takes too long. Returns the last
    /// lines of its stderr output.
    pub(crate) async fn stop(mut self) -> Vec<String> {
        self.stdin = None;
        if timeout(LONGEST_STOP, self.child.wait()).await.is_err() {
            // Dropping it would kill it, too, but this also waits until it has ended.
            let _ = self.child.kill().await;
        }
        stderr_tail(self.stderr).await
    }
}

impl ControlPlane {
    pub(crate) const fn announcement(&self) -> &Announcement {
        &self.announcement
    }

    pub(crate) async fn stats(&self) -> Result<ServerStats, ServerError> {
        read(self.client.get(self.url("stats")).send().await?).await
    }

    pub(crate) async fn start_schedule(&self, order: &StartSchedule) -> Result<StartedSchedule, ServerError> {
        read(self.client.post(self.url("schedule")).json(order).send().await?).await
    }

    pub(crate) async fn publisher_report(&self) -> Result<PublisherReport, ServerError> {
        read(self.client.get(self.url("schedule")).send().await?).await
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.announcement.control)
    }
}

async fn read_announcement(child: &mut Child) -> Result<Announcement, ServerError> {
    let mut stdout = BufReader::new(child.stdout.take().ok_or(ServerError::NoAnnouncement)?);
    let line = timeout(LONGEST_START, next_line(&mut stdout))
        .await
        .map_err(|_| ServerError::SilentStart(Vec::new()))?
        .map_err(ServerError::Spawn)?
        .ok_or(ServerError::NoAnnouncement)?;
    serde_json::from_str(&line).map_err(ServerError::Announcement)
}

async fn read<T: DeserializeOwned>(response: reqwest::Response) -> Result<T, ServerError> {
    let status = response.status();
    if !status.is_success() {
        return Err(ServerError::Refused(status, response.text().await.unwrap_or_default()));
    }
    Ok(response.json().await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_is_never_ready_is_named_with_its_port_and_its_last_words() {
        let stderr_tail = vec!["first".to_owned(), "no room".to_owned()];
        let problem = ForeignProblem::NotReady { port: 8_123, ready: Ready::Line };
        let error = ServerError::Foreign {
            command: "demo --all".to_owned(),
            problem: problem.into(),
            stderr_tail: stderr_tail.clone(),
        };
        let reported = error.to_string();
        for word in ["`demo --all`", "within 20s", "port 8123", "a line on stdout", "its stderr: no room"] {
            assert!(reported.contains(word), "{word}: {reported}");
        }
        assert_eq!(error.stderr_tail(), stderr_tail);
    }
}
