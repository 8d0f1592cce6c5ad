//! The one clock of a measurement, and the clocks that count CPU time.

use rustix::time::{ClockId, Timespec, clock_gettime};

fn nanoseconds(time: Timespec) -> u64 {
    // These clocks start at boot or at the start of the process: never negative.
    (time.tv_sec as u64) * 1_000_000_000 + time.tv_nsec as u64
}

/// `CLOCK_MONOTONIC` in nanoseconds. It has the same value in every process of a host, and a change of the wall
/// clock does not move it. (`std::time::Instant` reads the same clock but cannot be compared across processes.)
#[must_use]
pub fn monotonic_ns() -> u64 {
    nanoseconds(clock_gettime(ClockId::Monotonic))
}

/// CPU time of this process, user and system, all threads, microseconds.
#[must_use]
pub fn process_cpu_us() -> u64 {
    nanoseconds(clock_gettime(ClockId::ProcessCPUTime)) / 1_000
}

/// CPU time of the calling thread, user and system, microseconds.
#[must_use]
pub fn thread_cpu_us() -> u64 {
    nanoseconds(clock_gettime(ClockId::ThreadCPUTime)) / 1_000
}

/// Reads a server's clock: nanoseconds of the host's monotonic clock since the log's epoch began.
///
/// The values are small enough for JavaScript's doubles. Values of different epochs cannot be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EpochClock {
    start_monotonic_ns: u64,
}

impl EpochClock {
    /// The clock of an epoch that begins now.
    #[must_use]
    pub fn start_now() -> Self {
        Self::starting_at(monotonic_ns())
    }

    /// The clock of an epoch that another process of this host announced.
    #[must_use]
    pub const fn starting_at(start_monotonic_ns: u64) -> Self {
        Self { start_monotonic_ns }
    }

    /// `CLOCK_MONOTONIC` when the epoch began.
    #[must_use]
    pub const fn start_monotonic_ns(self) -> u64 {
        self.start_monotonic_ns
    }

    /// Nanoseconds since the epoch began; 0 before it.
    #[must_use]
    pub fn now_ns(self) -> u64 {
        monotonic_ns().saturating_sub(self.start_monotonic_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_readers_of_one_epoch_agree() {
        let server = EpochClock::start_now();
        let harness = EpochClock::starting_at(server.start_monotonic_ns());
        let before = server.now_ns();
        let between = harness.now_ns();
        let after = server.now_ns();
        assert!(before <= between && between <= after);
    }

    #[test]
    fn cpu_time_grows_with_work_and_a_thread_is_part_of_its_process() {
        let start = thread_cpu_us();
        let mut state = 1_u64;
        while thread_cpu_us() < start + 2_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        }
        assert_ne!(state, 0);
        assert!(process_cpu_us() >= thread_cpu_us());
    }
}
