//! All processes of a foreign server: which ones belong to it, their CPU time, and their end. A child process
//! stays in its parent's group unless it leaves on purpose (setpgid(2)), so the workers of a master process are
//! found for any server.

use std::{collections::BTreeMap, fs};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::system::libc_calls::process_cpu_us;

/// CPU time of a server's processes at an instant, by pid: user and system, microseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct CpuTimes(BTreeMap<u32, u64>);

/// A process ended between two readings, so its CPU time is lost and the server's total is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a process of the server ended during the window (process {0}), so its CPU time is lost: the server's \
     stderr output may say why; run the trial again"
)]
pub(crate) struct ProcessEnded(u32);

/// The processes of a server.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ProcessGroup {
    /// A single process that starts no other.
    Single(u32),
    /// The group with this leader.
    LedBy(u32),
}

impl ProcessGroup {
    /// Processes that run now. Zombies do not count.
    pub(crate) fn members(self) -> Vec<u32> {
        let leader = match self {
            Self::Single(pid) => return vec![pid],
            Self::LedBy(leader) => leader,
        };
        let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
        processes
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
            .filter(|pid| {
                let stat = fs::read_to_string(format!("/proc/{pid}/stat"));
                stat.is_ok_and(|stat| group_of(&stat) == Some(leader))
            })
            .collect()
    }

    /// CPU time of each process.
    pub(crate) fn cpu_times(self) -> CpuTimes {
        CpuTimes(self.members().into_iter().filter_map(|pid| Some((pid, process_cpu_us(pid)?))).collect())
    }

    /// Sends a signal to all processes. Errors are ignored: the group may have ended.
    pub(crate) fn signal(self, signal: Signal) {
        let (Self::Single(leader) | Self::LedBy(leader)) = self;
        if let Some(leader) = Pid::from_raw(leader as i32) {
            let _ = kill_process_group(leader, signal);
        }
    }
}

impl CpuTimes {
    /// The CPU time of a server that reports its own.
    pub(crate) fn of(pid: u32, us: u64) -> Self {
        Self(BTreeMap::from([(pid, us)]))
    }

    /// CPU time of all processes since an earlier reading. A process that started in between started at zero.
    ///
    /// # Errors
    /// [`ProcessEnded`] if one of them has ended, or if a new process has its number and so less CPU time.
    pub(crate) fn since(&self, before: &Self) -> Result<u64, ProcessEnded> {
        if let Some((pid, _)) = before.0.iter().find(|(pid, _)| !self.0.contains_key(pid)) {
            return Err(ProcessEnded(*pid));
        }
        let taken = |(pid, us): (&u32, &u64)| {
            let before_us = before.0.get(pid).copied().unwrap_or(0);
            us.checked_sub(before_us).ok_or(ProcessEnded(*pid))
        };
        self.0.iter().map(taken).sum()
    }
}

/// The process group in `/proc/<pid>/stat`, if the process runs: state, parent and group follow the
/// name in parentheses (proc(5)), which may itself hold blanks and parentheses.
fn group_of(stat: &str) -> Option<u32> {
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    let (state, group) = (fields.next()?, fields.nth(1)?);
    if state == "Z" { None } else { group.parse().ok() }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead, BufReader},
        os::unix::process::CommandExt,
        process::{Command, Stdio},
    };

    use super::*;

    #[test]
    fn the_group_is_read_from_a_line_as_it_looks() {
        assert_eq!(group_of("71 (nginx: worker) x) S 70 69 69 0 -1 4194368"), Some(69));
        assert_eq!(group_of("71 (sh) Z 70 69 69 0"), None);
        assert_eq!(group_of("nonsense"), None);
    }

    #[test]
    fn what_was_taken_is_known_only_while_every_process_lives() {
        let times = |all: &[(u32, u64)]| CpuTimes(all.iter().copied().collect());
        let before = times(&[(70, 1_000), (71, 50_000)]);
        assert_eq!(times(&[(70, 1_200), (71, 59_000)]).since(&before), Ok(9_200));
        assert_eq!(times(&[(70, 1_200), (71, 59_000), (72, 30)]).since(&before), Ok(9_230));
        // A worker that was replaced: the sum is smaller than before, or larger by too little.
        assert_eq!(times(&[(70, 1_200), (72, 30)]).since(&before), Err(ProcessEnded(71)));
        assert_eq!(times(&[(70, 1_200), (72, 90_000)]).since(&before), Err(ProcessEnded(71)));
        assert_eq!(times(&[(70, 1_200), (71, 30)]).since(&before), Err(ProcessEnded(71)));
        let reported = times(&[]).since(&before).unwrap_err().to_string();
        assert!(
            reported.starts_with("a process of the server ended during the window (process 70)"),
            "{reported}"
        );
    }

    #[test]
    fn a_child_of_the_leader_is_measured_and_ended_with_it() {
        // The shell works for a while, then its child waits for ever.
        let script = "n=0; while [ $n -lt 100000 ]; do n=$((n+1)); done; sleep 1000 & echo ready; wait";
        let mut leader =
            Command::new("sh").args(["-c", script]).process_group(0).stdout(Stdio::piped()).spawn().unwrap();
        let group = ProcessGroup::LedBy(leader.id());
        let mut line = String::new();
        BufReader::new(leader.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(group.members().len(), 2, "the shell and what it started");
        let both = group.cpu_times();
        assert!(both.since(&CpuTimes::default()).unwrap() > 1_000, "{both:?}");
        let alone = ProcessGroup::Single(leader.id()).user_bytes().unwrap();
        assert!(group.user_bytes().unwrap() > alone);
        assert!(group.descriptors().unwrap() >= 6);
        group.signal(Signal::KILL);
        leader.wait().unwrap();
        while !group.members().is_empty() {
            std::thread::yield_now();
        }
        let gone = group.cpu_times();
        assert_eq!(gone, CpuTimes::default());
        assert!(gone.since(&both).is_err());
    }
}
