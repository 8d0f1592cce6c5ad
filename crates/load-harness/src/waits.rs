//! How long threads were ready to run and had to wait for a core, because something else ran there: the
//! second number of `/proc/<pid>/task/<tid>/schedstat` (Documentation/scheduler/sched-stats.rst).

use std::fs;

/// Name of the publisher's thread: its waiting is lateness, which is measured by itself.
const PUBLISHER: &str = "publisher";
/// Name of the harness's worker threads.
pub(crate) const WORKER: &str = "worker";

/// Time that the threads of these processes have waited so far, microseconds, their publisher left out;
/// none where the kernel does not tell.
pub(crate) fn of_servers(processes: &[u32]) -> Option<u64> {
    sum(processes.iter().map(|process| of_threads(&process.to_string(), |name| name != PUBLISHER)))
}

/// Time that this process's workers have waited so far, microseconds; none where the kernel does not tell.
pub(crate) fn of_workers() -> Option<u64> {
    of_threads("self", |name| name == WORKER)
}

fn of_threads(process: &str, is_one: impl Fn(&str) -> bool) -> Option<u64> {
    let threads = fs::read_dir(format!("/proc/{process}/task")).ok()?;
    let waited = threads.filter_map(|thread| {
        let thread = thread.ok()?.path();
        // A thread that has ended meanwhile is none of those that count.
        let name = fs::read_to_string(thread.join("comm")).ok()?;
        is_one(name.trim_end()).then(|| parse(&fs::read_to_string(thread.join("schedstat")).ok()?))
    });
    sum(waited)
}

fn sum(parts: impl Iterator<Item = Option<u64>>) -> Option<u64> {
    parts.sum()
}

/// Microseconds of waiting from the three numbers of a thread: nanoseconds on a core, nanoseconds of
/// waiting for one, turns.
fn parse(schedstat: &str) -> Option<u64> {
    Some(schedstat.split_ascii_whitespace().nth(1)?.parse::<u64>().ok()? / 1_000)
}

#[cfg(test)]
mod tests {
    use std::{thread, time::Duration};

    use schedule::{allowed_cores, bind_to_core, thread_cpu_us};

    use super::*;

    #[test]
    fn the_second_number_is_the_waiting() {
        assert_eq!(parse("251806 2356467 2\n"), Some(2_356));
        assert_eq!(parse("251806"), None);
        assert_eq!(parse("1 x 2"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn two_threads_that_burn_one_core_wait_for_each_other() {
        const BURN_US: u64 = 100_000;
        let core = allowed_cores()[0];
        let burn = move || {
            bind_to_core(core);
            while thread_cpu_us() < BURN_US {}
            // Its count is read while it still runs.
            thread::sleep(Duration::from_millis(300));
        };
        let before_us = of_workers().expect("this kernel tells");
        let burning = [(); 2].map(|()| thread::Builder::new().name(WORKER.to_owned()).spawn(burn).unwrap());
        let mut most_us = 0;
        while burning.iter().any(|thread| !thread.is_finished()) {
            most_us = most_us.max(of_workers().unwrap_or(0).saturating_sub(before_us));
            thread::sleep(Duration::from_millis(20));
        }
        // One core does 200 ms of work: each of the two waits for about what the other takes.
        assert!(most_us >= BURN_US / 2, "{most_us} us");
        let own = std::process::id();
        assert!(of_servers(&[own]).is_some() && of_servers(&[own, u32::MAX]).is_none());
    }
}
