//! Memory and descriptors of a process, and the kernel's memory for sockets, as Linux reports them in /proc
//! (proc(5)).

use std::{fs, io};

use contract::{Load, MemoryStep};

use crate::system::process_group::ProcessGroup;

/// Bytes of a page of TCP memory, the unit of /proc/net/sockstat.
fn page_bytes() -> u64 {
    rustix::param::page_size() as u64
}

/// A reading that this system does not offer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MemoryError {
    #[error("{0} cannot be read ({1}): memory per connection is measured on Linux only")]
    Read(String, io::Error),
    #[error("{0} has no line `{1}`: memory per connection cannot be measured here")]
    Form(String, &'static str),
}

/// Reads all values of a memory step at once.
pub(crate) fn read_step(
    load: Load,
    subscribers: u32,
    server: ProcessGroup,
) -> Result<MemoryStep, MemoryError> {
    Ok(MemoryStep {
        load,
        subscribers,
        server_user_bytes: server.user_bytes()?,
        harness_user_bytes: user_bytes("self")?,
        kernel_slab_bytes: value("/proc/meminfo", "Slab:")? << 10,
        kernel_tcp_bytes: value("/proc/net/sockstat", "mem")? * page_bytes(),
        server_descriptors: server.descriptors()?,
    })
}

impl ProcessGroup {
    /// Memory of all processes: shared pages count once.
    pub(crate) fn user_bytes(self) -> Result<u64, MemoryError> {
        self.members().into_iter().map(|pid| user_bytes(&pid.to_string())).sum()
    }

    /// Open file descriptors of all processes.
    pub(crate) fn descriptors(self) -> Result<u64, MemoryError> {
        self.members().into_iter().map(descriptors).sum()
    }
}

/// Proportional set size: the process's own pages, and its share of pages that it shares with others.
fn user_bytes(process: &str) -> Result<u64, MemoryError> {
    Ok(value(&format!("/proc/{process}/smaps_rollup"), "Pss:")? << 10)
}

/// Open descriptors of a process.
fn descriptors(pid: u32) -> Result<u64, MemoryError> {
    let folder = format!("/proc/{pid}/fd");
    let entries = fs::read_dir(&folder).map_err(|error| MemoryError::Read(folder, error))?;
    Ok(entries.count() as u64)
}

fn value(file: &str, name: &'static str) -> Result<u64, MemoryError> {
    let text = fs::read_to_string(file).map_err(|error| MemoryError::Read(file.to_owned(), error))?;
    after(&text, name).ok_or_else(|| MemoryError::Form(file.to_owned(), name))
}

/// The number after a word. In sockstat the word `mem` is in the lines of TCP and of UDP; TCP comes first.
fn after(text: &str, name: &str) -> Option<u64> {
    let mut words = text.split_whitespace();
    words.find(|word| *word == name)?;
    words.next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_from_the_files_as_they_look() {
        let rollup = "55d0-7ffd ---p 00000000 00:00 0    [rollup]\nRss:    2144 kB\nPss:     612 kB\n";
        assert_eq!(after(rollup, "Pss:"), Some(612));
        let sockstat = "sockets: used 9\nTCP: inuse 1 orphan 0 tw 0 alloc 1 mem 159\nUDP: inuse 0 mem 7\n";
        assert_eq!(after(sockstat, "mem"), Some(159));
        assert_eq!(after(rollup, "Swap:"), None);
    }

    #[test]
    fn a_known_allocation_shows_in_this_process() {
        const ADDED: u64 = 64 << 20;
        let pid = ProcessGroup::Single(std::process::id());
        let before = read_step(Load::Idle, 0, pid).unwrap();
        // It is written to, because otherwise the kernel would not back it with memory.
        let block = vec![1_u8; ADDED as usize];
        let after = read_step(Load::Idle, 0, pid).unwrap();
        let grown = after.harness_user_bytes.saturating_sub(before.harness_user_bytes);
        // Other tests run in this process, too.
        assert!(grown.abs_diff(ADDED) < 16 << 20, "{grown}");
        assert!(after.server_user_bytes.abs_diff(after.harness_user_bytes) < 16 << 20);
        assert!(block.iter().all(|byte| *byte == 1));
        assert!(after.kernel_slab_bytes > 0 && after.server_descriptors > 2);
    }

    #[test]
    fn a_process_that_is_gone_is_an_error_that_names_the_file() {
        let error = read_step(Load::Idle, 0, ProcessGroup::Single(u32::MAX)).unwrap_err();
        assert!(error.to_string().contains("/proc/4294967295/smaps_rollup"), "{error}");
    }
}
