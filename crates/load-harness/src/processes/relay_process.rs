//! The middlebox of a trial in its own process: started in front of the server, and always stopped at the end.

use std::{collections::VecDeque, net::SocketAddr};

use contract::{Network, RelayAnnouncement, RelayCounts};
use tokio::{
    io::BufReader,
    process::{Child, ChildStdin, ChildStdout},
    task::JoinHandle,
    time::timeout,
};

use crate::{
    processes::{
        child_lines::{last_lines, next_line},
        harness::Harness,
        server_process::{LONGEST_START, LONGEST_STOP, stderr_tail, supervised},
    },
    system::environment::TCP_MAXSEG,
};

/// A middlebox that could not be started, or did not report its counts.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RelayError {
    #[error("the middlebox could not be started: {0}")]
    Spawn(std::io::Error),
    #[error("the middlebox did not start: {}", .0.join(" "))]
    Refusal(Vec<String>),
    #[error("the middlebox did not announce its address within {LONGEST_START:?}: {}", .0.join(" "))]
    SilentStart(Vec<String>),
    #[error("the middlebox's announcement cannot be read: {0}")]
    Announcement(serde_json::Error),
    #[error("the middlebox ended without reporting its counts: {}", .0.join(" "))]
    NoCounts(Vec<String>),
}

/// A running middlebox. Dropping it kills the process; if the harness is killed, the middlebox's stdin closes
/// and it ends by itself.
#[derive(Debug)]
pub(crate) struct RelayProcess {
    announcement: RelayAnnouncement,
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    stderr: JoinHandle<VecDeque<String>>,
}

/// The arguments of `pushlab middlebox`.
fn arguments(network: &Network, to: SocketAddr, seed: u64, core: Option<u32>) -> Vec<String> {
    let Network {
        rtt,
        jitter,
        bytes_per_second,
        idle_timeout,
        buffer,
        cut_after,
        cut_after_bytes,
        refuse_upgrade,
        connections,
        black_hole_after,
    } = network;
    let mut arguments = vec![
        "middlebox".to_owned(),
        "--listen=127.0.0.1:0".to_owned(),
        format!("--to={to}"),
        format!("--rtt={rtt}"),
        format!("--jitter={jitter}"),
        format!("--tcp-maxseg={TCP_MAXSEG}"),
        format!("--seed={seed}"),
        "--until-stdin-closes".to_owned(),
    ];
    arguments.extend(bytes_per_second.map(|bytes| format!("--bytes-per-second={bytes}")));
    arguments.extend(idle_timeout.map(|time| format!("--idle-timeout={time}")));
    arguments.extend(buffer.map(|buffer| format!("--buffer={},{}", buffer.bytes, buffer.pause)));
    arguments.extend(cut_after.map(|time| format!("--cut-after={time}")));
    arguments.extend(cut_after_bytes.map(|bytes| format!("--cut-after-bytes={bytes}")));
    arguments.extend(refuse_upgrade.then(|| "--refuse-upgrade".to_owned()));
    arguments.extend(connections.map(|connections| format!("--connections={connections}")));
    arguments.extend(black_hole_after.map(|time| format!("--black-hole-after={time}")));
    arguments.extend(core.map(|core| format!("--core={core}")));
    arguments
}

impl RelayProcess {
    /// Starts a middlebox in front of a server and waits for its announcement.
    pub(crate) async fn start(
        harness: &Harness,
        network: &Network,
        to: SocketAddr,
    ) -> Result<Self, RelayError> {
        let arguments = arguments(network, to, harness.seed, harness.cores.relay);
        let mut child = supervised(&harness.server_program, &arguments).spawn().map_err(RelayError::Spawn)?;
        let stderr = tokio::spawn(last_lines(child.stderr.take()));
        let stdin = child.stdin.take();
        let Some(stdout) = child.stdout.take() else { return Err(RelayError::Refusal(Vec::new())) };
        let mut stdout = BufReader::new(stdout);
        let Ok(line) = timeout(LONGEST_START, next_line(&mut stdout)).await else {
            let _ = child.kill().await;
            return Err(RelayError::SilentStart(stderr_tail(stderr).await));
        };
        let line = line.map_err(RelayError::Spawn)?;
        let Some(line) = line else { return Err(RelayError::Refusal(stderr_tail(stderr).await)) };
        let announcement = serde_json::from_str(&line).map_err(RelayError::Announcement)?;
        Ok(Self { announcement, child, stdin, stdout, stderr })
    }

    pub(crate) const fn announcement(&self) -> &RelayAnnouncement {
        &self.announcement
    }

    /// Waits until the process ends by itself, and returns a sentence with its exit status.
    pub(crate) async fn ended(&mut self) -> String {
        match self.child.wait().await {
            Ok(status) => format!("the middlebox ended during the trial ({status})"),
            Err(error) => format!("waiting for the middlebox process failed: {error}"),
        }
    }

    /// Lets it end by closing its stdin, and kills it if that takes too long. Returns its counts and the last
    /// lines of its stderr output.
    pub(crate) async fn stop(mut self) -> Result<(RelayCounts, Vec<String>), RelayError> {
        self.stdin = None;
        let line = timeout(LONGEST_STOP, next_line(&mut self.stdout)).await;
        if timeout(LONGEST_STOP, self.child.wait()).await.is_err() {
            // Dropping it would kill it, too, but this also waits until it has ended.
            let _ = self.child.kill().await;
        }
        let counts = line.ok().and_then(Result::ok).flatten();
        let words = stderr_tail(self.stderr).await;
        match counts.and_then(|line| serde_json::from_str(&line).ok()) {
            Some(counts) => Ok((counts, words)),
            None => Err(RelayError::NoCounts(words)),
        }
    }
}

#[cfg(test)]
mod tests {
    use contract::{Buffering, Period};

    use super::*;

    #[test]
    fn all_that_a_network_does_is_told_to_the_middlebox() {
        let millis = Period::from_millis;
        let network = Network {
            rtt: millis(300),
            jitter: millis(5),
            bytes_per_second: Some(1_000),
            idle_timeout: Some(millis(2_000)),
            buffer: Some(Buffering { bytes: 4_096, pause: millis(500) }),
            cut_after: Some(millis(3_500)),
            cut_after_bytes: Some(77),
            refuse_upgrade: true,
            connections: Some(9),
            black_hole_after: Some(millis(4_000)),
        };
        let words = arguments(&network, "127.0.0.1:80".parse().unwrap(), 7, Some(3)).join(" ");
        for word in [
            "middlebox --listen=127.0.0.1:0 --to=127.0.0.1:80 --rtt=300ms --jitter=5ms --tcp-maxseg=1460 --seed=7",
            "--bytes-per-second=1000 --idle-timeout=2s --buffer=4096,500ms --cut-after=3s 500ms",
            "--cut-after-bytes=77 --refuse-upgrade --connections=9 --black-hole-after=4s --core=3",
        ] {
            assert!(words.contains(word), "{word} is missing in: {words}");
        }
        let words = arguments(&Network::default(), "127.0.0.1:80".parse().unwrap(), 7, None).join(" ");
        assert!(
            words.ends_with("--rtt=0s --jitter=0s --tcp-maxseg=1460 --seed=7 --until-stdin-closes"),
            "{words}"
        );
    }
}
