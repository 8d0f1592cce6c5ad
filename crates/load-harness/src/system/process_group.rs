//! All processes of a server that the lab did not build: who belongs to it, what CPU time they
//! took, and their end. What a process starts stays in its group unless it leaves on purpose
//! (setpgid(2)), so a master's workers are found without knowing any server.

use std::{collections::BTreeMap, fs};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::system::libc_calls::process_cpu_us;

/// CPU time of a server's processes at an instant, by pid: user and system, microseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct CpuTimes(BTreeMap<u32, u64>);

/// A process ended between two readings and took its CPU time with it: nobody can tell any more what the
/// server took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a process of the server ended during the window (process {0}), and its CPU time is lost with it: the \
     server's last words may say why; run the trial again"
)]
pub(crate) struct ProcessEnded(u32);

/// The processes of a server.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ProcessGroup {
    /// This one, known to start no other.
    Single(u32),
    /// The group of the process that leads it.
    LedBy(u32),
}

impl ProcessGroup {
    /// Processes that run now. A dead one that nobody has waited for runs no more.
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

    /// CPU time of each of them.
    pub(crate) fn cpu_times(self) -> CpuTimes {
        CpuTimes(self.members().into_iter().filter_map(|pid| Some((pid, process_cpu_us(pid)?))).collect())
    }

    /// Sends all of them a signal. One that is gone needs none.
    pub(crate) fn signal(self, signal: Signal) {
        let (Self::Single(leader) | Self::LedBy(leader)) = self;
        if let Some(leader) = Pid::from_raw(leader as i32) {
            let _ = kill_process_group(leader, signal);
        }
    }
}

impl CpuTimes {
    /// Of a server that tells its own.
    pub(crate) fn of(pid: u32, us: u64) -> Self {
        Self(BTreeMap::from([(pid, us)]))
    }

    /// What all of them took since an earlier reading. A process that began in between began with
    /// nothing.
    ///
    /// # Errors
    /// [`ProcessEnded`] if one of them runs no more, or another has its number now and so less time.
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
        let told = times(&[]).since(&before).unwrap_err().to_string();
        assert!(told.starts_with("a process of the server ended during the window (process 70)"), "{told}");
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
