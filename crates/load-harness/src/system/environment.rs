//! The environment of a trial: the machine, the build, the cores, the segment size.

use std::fs;

use contract::Environment;
use rustix::system::uname;
use schedule::allowed_cores;

/// Maximum segment size set on both ends of every measured socket, bytes: that of an Ethernet path. It includes
/// TCP's options (RFC 9293 §3.7.1), so with timestamps, which Linux uses by default, a segment carries 1,448
/// bytes. With loopback's own 65,483, packet counts would be meaningless.
pub const TCP_MAXSEG: u32 = 1_460;

/// Which cores the server, the harness and the middlebox are bound to. With a single core they share
/// it, and nothing is bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cores {
    /// The server's core.
    pub server: Option<u32>,
    /// The harness's cores, one worker thread each.
    pub harness: Vec<u32>,
    /// The middlebox's core, if the others leave one; otherwise the system decides.
    pub relay: Option<u32>,
    /// Cores the process may use.
    pub allowed: u32,
}

/// Most worker threads of the harness.
const MOST_WORKERS: usize = 3;

impl Cores {
    /// One core for the server, up to three others for the harness, and the next for the middlebox.
    #[must_use]
    pub fn of_this_machine() -> Self {
        Self::divide(&allowed_cores())
    }

    fn divide(allowed: &[u32]) -> Self {
        let count = allowed.len() as u32;
        match allowed {
            [server, harness @ ..] if !harness.is_empty() => Self {
                server: Some(*server),
                harness: harness.iter().copied().take(MOST_WORKERS).collect(),
                relay: harness.get(MOST_WORKERS).copied(),
                allowed: count,
            },
            _ => Self { server: None, harness: Vec::new(), relay: None, allowed: count },
        }
    }
}

/// Describes this machine and build. The caller supplies `commit`.
#[must_use]
pub fn environment(cores: &Cores, commit: String) -> Environment {
    let system = uname();
    Environment {
        pushlab: env!("CARGO_PKG_VERSION").to_owned(),
        commit,
        build: if cfg!(debug_assertions) { "debug" } else { "release" }.to_owned(),
        system: format!("{} {}", system.sysname().to_string_lossy(), system.release().to_string_lossy()),
        cpu: field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown".to_owned()),
        cores: cores.allowed,
        memory_mib: field("/proc/meminfo", "MemTotal")
            .and_then(|total| total.split(' ').next()?.parse::<u64>().ok())
            .map_or(0, |kib| kib / 1_024),
        server_core: cores.server,
        harness_cores: cores.harness.clone(),
        tcp_maxseg: TCP_MAXSEG,
    }
}

/// The first value of a key in a file of `key: value` lines; `None` if there is no such file.
fn field(file: &str, key: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(key))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_gets_a_core_of_its_own_where_there_are_two() {
        let cores = Cores::divide(&[2, 5]);
        assert_eq!((cores.server, cores.harness), (Some(2), vec![5]));
        assert_eq!(Cores::divide(&[0, 1, 2, 3, 4, 5]).harness, [1, 2, 3]);
        assert_eq!(Cores::divide(&[3]).server, None);
        assert_eq!(Cores::divide(&[0, 1, 2, 3]).relay, None);
        assert_eq!(Cores::divide(&[0, 1, 2, 3, 8]).relay, Some(8));
    }
}
