//! How long threads were ready to run but waited for a core on which something else ran: the second number of
//! `/proc/<pid>/task/<tid>/schedstat` (Documentation/scheduler/sched-stats.rst).

use std::{fs, iter::Sum, ops::Add};

/// Name of the publisher's thread: its waiting is lateness, which is measured separately.
const PUBLISHER: &str = "publisher";
/// Name of the harness's worker threads.
pub(crate) const WORKER: &str = "worker";
/// Every time that a thread gets a core it waits a little before, even on an idle machine, until the kernel has
/// scheduled it. Threads that wake up two hundred times a second accumulate such waits without any event.
const USUAL_US: u64 = 20;

/// How long threads have waited so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Waits {
    waited_us: u64,
    /// Times that they got a core.
    turns: u64,
}

impl Waits {
    /// Waiting beyond the usual since an earlier reading, microseconds. The share of threads that have ended is
    /// lost.
    pub(crate) const fn beyond_usual_us_since(self, before: Self) -> u64 {
        let usual_us = self.turns.saturating_sub(before.turns) * USUAL_US;
        self.waited_us.saturating_sub(before.waited_us).saturating_sub(usual_us)
    }
}

impl Add for Waits {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { waited_us: self.waited_us + other.waited_us, turns: self.turns + other.turns }
    }
}

impl Sum for Waits {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), Add::add)
    }
}

/// How long the threads of these processes have waited so far, without the publisher's; none if the kernel does
/// not report that.
pub(crate) fn of_servers(processes: &[u32]) -> Option<Waits> {
    processes.iter().map(|process| of_threads(&process.to_string(), |name| name != PUBLISHER)).sum()
}

/// How long this process's workers have waited so far; none if the kernel does not report that.
pub(crate) fn of_workers() -> Option<Waits> {
    of_threads("self", |name| name == WORKER)
}

fn of_threads(process: &str, is_one: impl Fn(&str) -> bool) -> Option<Waits> {
    let threads = fs::read_dir(format!("/proc/{process}/task")).ok()?;
    let waited = threads.filter_map(|thread| {
        let thread = thread.ok()?.path();
        // A thread that has ended meanwhile does not count.
        let name = fs::read_to_string(thread.join("comm")).ok()?;
        is_one(name.trim_end()).then(|| parse(&fs::read_to_string(thread.join("schedstat")).ok()?))
    });
    waited.sum()
}

/// The waiting of a thread from its three numbers: nanoseconds on a core, nanoseconds of waiting for one, and
/// how often it got one.
fn parse(schedstat: &str) -> Option<Waits> {
    let mut numbers = schedstat.split_ascii_whitespace().skip(1).map(str::parse::<u64>);
    let (waited_ns, turns) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
    Some(Waits { waited_us: waited_ns / 1_000, turns })
}

#[cfg(test)]
mod tests {
    use std::{thread, time::Duration};

    use schedule::{allowed_cores, bind_to_core, thread_cpu_us};

    use super::*;

    #[test]
    fn the_second_number_is_the_waiting() {
        assert_eq!(parse("251806 2356467 2\n"), Some(Waits { waited_us: 2_356, turns: 2 }));
        for broken in ["", "251806", "1 x 2", "1 2"] {
            assert_eq!(parse(broken), None, "{broken}");
        }
    }

    #[test]
    fn the_usual_waiting_of_every_turn_is_taken_off() {
        let before = Waits { waited_us: 1_000, turns: 50 };
        let after = |waited_us, turns| Waits { waited_us, turns }.beyond_usual_us_since(before);
        assert_eq!((after(9_000, 150), after(2_000, 150), after(0, 0)), (6_000, 0, 0));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn two_threads_that_burn_one_core_wait_for_each_other() {
        const BURN_US: u64 = 100_000;
        let core = allowed_cores()[0];
        let burn = move || {
            bind_to_core(core);
            while thread_cpu_us() < BURN_US {}
            // Its counter can only be read while the thread exists.
            thread::sleep(Duration::from_millis(300));
        };
        let before = of_workers().expect("this kernel reports waits");
        let burning = [(); 2].map(|()| thread::Builder::new().name(WORKER.to_owned()).spawn(burn).unwrap());
        let mut most_us = 0;
        while burning.iter().any(|thread| !thread.is_finished()) {
            most_us = most_us.max(of_workers().unwrap_or_default().beyond_usual_us_since(before));
            thread::sleep(Duration::from_millis(20));
        }
        // One core does 200 ms of work: each of the two threads waits while the other one runs.
        assert!(most_us >= BURN_US / 2, "{most_us} us");
        let own = std::process::id();
        assert!(of_servers(&[own]).is_some() && of_servers(&[own, u32::MAX]).is_none());
    }
}
