//! A foreign server (one that the lab did not build) in its own process group: started on the server's core,
//! awaited until it is ready, and always stopped at the end.

use std::{
    collections::VecDeque,
    net::{SocketAddr, TcpListener},
    process::Stdio,
    sync::Arc,
    time::Duration,
};

use contract::{PublishRequest, Ready, Subscription, Words, stamp};
use rustix::process::Signal;
use schedule::{EpochClock, bind_to_core, release_from_core};
use tempfile::TempDir;
use tokio::{
    io::{AsyncWriteExt, BufReader},
    net::TcpStream,
    process::{Child, ChildStdin, ChildStdout, Command},
    task::JoinHandle,
    time::{sleep, timeout},
};

use crate::{
    data::trial_spec::TrialSpec,
    processes::{
        child_lines::{drain, last_lines, next_line},
        server_process::{ForeignProblem, LONGEST_START, LONGEST_STOP, ServerError, stderr_tail},
        target_folder::{Places, TargetFolder, of_a_server},
    },
    publishing::{http_publisher::PublishAddress, posting_publisher::PostingPublisher},
    system::{descriptors, process_group::ProcessGroup},
};

/// Most file descriptors of a server: more than a scenario may have subscribers. Some servers reserve memory
/// for each.
const MOST_DESCRIPTORS: u64 = 20_000;
/// Time between two attempts to connect to a port that does not accept connections yet.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// A running foreign server. Dropping it kills the whole group.
#[derive(Debug)]
pub(crate) struct ForeignServer {
    child: Child,
    leash: Child,
    group: ProcessGroup,
    stderr: JoinHandle<VecDeque<String>>,
    /// Kept open, because some servers end when their stdin closes.
    _stdin: Option<ChildStdin>,
    _work: TempDir,
}

/// The addresses and properties of a running foreign server.
#[derive(Debug, Clone)]
pub(crate) struct ForeignAddress {
    pub(crate) data: SocketAddr,
    pub(crate) group: ProcessGroup,
    pub(crate) clock: EpochClock,
    pub(crate) publish: PublishAddress,
    pub(crate) subscription: Subscription,
}

impl ForeignServer {
    /// Starts a target's server and waits until it is ready and has one event.
    pub(crate) async fn start(
        folder: &Arc<TargetFolder>,
        core: Option<u32>,
        order: &TrialSpec,
    ) -> Result<(Self, ForeignAddress), ServerError> {
        if let Err(problem) = &folder.state {
            return Err(ServerError::NotInstalled(problem.clone()));
        }
        let Some(subscription) = folder.target.patterns.get(&order.plan.pattern).cloned() else {
            let (name, pattern) = (folder.target.name.clone(), order.plan.pattern);
            return Err(ServerError::NotOffered(name, pattern));
        };
        let work = tempfile::tempdir().map_err(ServerError::Spawn)?;
        let data = free_address().map_err(ServerError::Spawn)?;
        let places = Places {
            home: folder.home(),
            work: work.path(),
            data_port: data.port(),
            hold_ms: order.plan.settings.hold.as_millis() as u64,
            descriptors: descriptors::raise_descriptor_limit().min(MOST_DESCRIPTORS),
        };
        folder.write_files(&places).map_err(ServerError::Folder)?;
        let words = places.fill_all(&folder.target.start.command);
        let environment =
            folder.target.start.environment.iter().map(|(name, value)| (name, places.fill(value)));
        let mut command = Command::new(folder.program(&words[0]));
        command
            .args(&words[1..])
            .env_clear()
            .envs(of_a_server())
            .envs(environment)
            .current_dir(folder.home())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A Ctrl-C at the terminal signals the whole group; the server must be stopped in order instead.
            .process_group(0)
            .kill_on_drop(true);
        // A child process inherits the core that this thread is bound to (sched_setaffinity(2)), so all
        // processes of the server are bound before they run a single instruction.
        let bound = core.is_some_and(bind_to_core);
        let spawned = command.spawn();
        if bound {
            release_from_core();
        }
        let mut child = spawned.map_err(ServerError::Spawn)?;
        let leader = child.id().ok_or(ServerError::NoAnnouncement)?;
        let leash = leash(leader).map_err(ServerError::Spawn)?;
        let stderr = tokio::spawn(last_lines(child.stderr.take()));
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let group = ProcessGroup::LedBy(leader);
        let mut server = Self { child, leash, group, stderr, _stdin: stdin, _work: work };
        let ready = server.until_ready(folder.target.start.ready, stdout, data);
        let port = data.port();
        let problem = match timeout(LONGEST_START, ready).await {
            Ok(true) => None,
            Ok(false) => Some(ForeignProblem::Ended { port }),
            Err(_) => Some(ForeignProblem::NotReady { port, ready: folder.target.start.ready }),
        };
        if let Some(problem) = problem {
            return Err(server.give_up(&words, problem).await);
        }
        let publish =
            PublishAddress { server: data, request: folder.target.publish.clone(), takes_types: false };
        let clock = EpochClock::start_now();
        // A channel without any event has no position that a poll could name. The first event is due before
        // every schedule, so it counts in no ledger.
        let first = PostingPublisher::new(publish.clone(), clock).post_now(&stamp(0, "first"));
        if let Err(error) = first {
            let PublishRequest { method, path, .. } = publish.request;
            return Err(server
                .give_up(&words, ForeignProblem::FirstEvent { port, method, path, error })
                .await);
        }
        Ok((server, ForeignAddress { data, group, clock, publish, subscription }))
    }

    /// Ends a server that cannot be used; the error contains its stderr output.
    async fn give_up(self, command: &Words, problem: ForeignProblem) -> ServerError {
        let stderr_tail = self.stop().await;
        ServerError::Foreign { command: command.join(" "), problem: problem.into(), stderr_tail }
    }

    /// Waits until the server is ready. Returns `false` if it ended instead.
    async fn until_ready(&mut self, ready: Ready, stdout: Option<ChildStdout>, data: SocketAddr) -> bool {
        let said = async {
            let mut stdout = stdout.map(BufReader::new);
            if let (Ready::Line, Some(stdout)) = (ready, &mut stdout) {
                let said = matches!(next_line(stdout).await, Ok(Some(_)));
                if !said {
                    // The process has ended, and the other branch handles that.
                    std::future::pending::<()>().await;
                }
            }
            if let Some(stdout) = stdout {
                drain(stdout);
            }
        };
        let accepts = async {
            // A foreign server does not report when its port is open, so the only way is to try.
            while ready == Ready::Port && TcpStream::connect(data).await.is_err() {
                sleep(LOOK_AGAIN).await;
            }
        };
        tokio::select! {
            ((), ()) = async { tokio::join!(said, accepts) } => true,
            _ = self.child.wait() => false,
        }
    }

    /// Waits until the process ends by itself, and returns a sentence with its exit status.
    pub(crate) async fn ended(&mut self) -> String {
        match self.child.wait().await {
            Ok(status) => format!("the server ended during the trial ({status})"),
            Err(error) => format!("waiting for the server process failed: {error}"),
        }
    }

    /// Asks the whole group to end, and kills the rest of it after a while. Returns the last lines of its
    /// stderr output.
    pub(crate) async fn stop(mut self) -> Vec<String> {
        self.group.signal(Signal::TERM);
        let _ = timeout(LONGEST_STOP, self.child.wait()).await;
        self.group.signal(Signal::KILL);
        let _ = timeout(LONGEST_STOP, self.child.wait()).await;
        if let Some(mut stdin) = self.leash.stdin.take() {
            // The supervising shell ends when it reads a word: the group is gone already.
            let _ = stdin.write_all(b"done\n").await;
        }
        let _ = timeout(LONGEST_STOP, self.leash.wait()).await;
        let stderr = std::mem::replace(&mut self.stderr, tokio::spawn(async { VecDeque::new() }));
        stderr_tail(stderr).await
    }
}

impl Drop for ForeignServer {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.group.signal(Signal::KILL);
        }
    }
}

/// A shell that supervises a process group: if the harness ends without stopping the group, the shell's stdin
/// closes and it kills the group. The lab's own server needs no such shell.
pub(crate) fn leash(leader: u32) -> std::io::Result<Child> {
    Command::new("sh")
        .args(["-c", "read -r word || kill -s KILL -- \"-$0\"", &leader.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
}

/// An address that was free a moment ago. If another program takes it in between, the server does not start,
/// and the trial fails with that reason.
fn free_address() -> std::io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}
