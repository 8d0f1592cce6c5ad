//! Events of the machine that would spoil a measurement: its clock was set, it was suspended, it swapped.

use std::{
    collections::HashSet,
    fs,
    time::{SystemTime, UNIX_EPOCH},
};

use contract::AllCores;
use schedule::monotonic_ns;

/// Both clocks at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Clocks {
    /// Nanoseconds since the Unix epoch; negative before it.
    wall_ns: i128,
    monotonic_ns: u64,
}

impl Clocks {
    pub(crate) fn read() -> Self {
        let wall_ns = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => since.as_nanos() as i128,
            Err(before) => -(before.duration().as_nanos() as i128),
        };
        Self { wall_ns, monotonic_ns: monotonic_ns() }
    }

    /// Difference between the movements of wall clock and monotonic clock since an earlier reading,
    /// microseconds. It is not zero if the wall clock was set, or if the machine was suspended, which stops the
    /// monotonic clock.
    pub(crate) fn step_us_since(self, earlier: Self) -> f64 {
        let wall_ns = self.wall_ns - earlier.wall_ns;
        let monotonic_ns = i128::from(self.monotonic_ns) - i128::from(earlier.monotonic_ns);
        (wall_ns - monotonic_ns).unsigned_abs() as f64 * 1e-3
    }
}

/// Pages that the machine has swapped in and out since it was started; none if the kernel does not report that.
pub(crate) fn swapped_pages() -> Option<u64> {
    parse_swapped(&fs::read_to_string("/proc/vmstat").ok()?)
}

/// Sums `pswpin` and `pswpout` of /proc/vmstat.
fn parse_swapped(vmstat: &str) -> Option<u64> {
    let count = |key: &str| {
        let line = vmstat.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' '))?;
        line.trim().parse::<u64>().ok()
    };
    Some(count("pswpin")? + count("pswpout")?)
}

/// How long the cores of the machine have been busy since it was started (proc(5), /proc/stat); none if the
/// system does not report that.
pub(crate) fn all_cores() -> Option<AllCores> {
    let ticks_hz = rustix::param::clock_ticks_per_second();
    parse_all_cores(&fs::read_to_string("/proc/stat").ok()?, ticks_hz as f64)
}

/// The busy time from one reading to another.
pub(crate) fn all_cores_between(before: Option<AllCores>, after: Option<AllCores>) -> Option<AllCores> {
    let (before, after) = before.zip(after)?;
    Some(AllCores { busy_us: (after.busy_us - before.busy_us).max(0.0), ..after })
}

/// Sums user, nice, system, irq and softirq time. The time of guests is part of user and nice. Waiting for a
/// disk and time that the hypervisor gave to others are not work of this machine.
fn parse_all_cores(stat: &str, ticks_hz: f64) -> Option<AllCores> {
    let mut fields = stat.lines().next()?.strip_prefix("cpu ")?.split_ascii_whitespace();
    let mut next = || fields.next()?.parse::<u64>().ok();
    let [user, nice, system, _idle, _iowait, irq, softirq] =
        [next()?, next()?, next()?, next()?, next()?, next()?, next()?];
    let is_core = |line: &&str| {
        line.strip_prefix("cpu").is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
    };
    let ticks = user + nice + system + irq + softirq;
    Some(AllCores {
        busy_us: ticks as f64 / ticks_hz * 1e6,
        number: stat.lines().filter(is_core).count() as u32,
    })
}

/// Established connections to a port of this machine that these processes hold (proc(5), /proc/net/tcp). None
/// if the system does not report them.
///
/// The port alone is not enough: another program's outgoing connection may have the same local port.
pub(crate) fn connections_held(port: u16, processes: &[u32]) -> Option<u64> {
    /// `TCP_ESTABLISHED` of `include/net/tcp_states.h`, as the table writes it.
    const ESTABLISHED: &str = "01";
    let sockets: HashSet<u64> = processes.iter().flat_map(|process| sockets_of(*process)).collect();
    let table = fs::read_to_string("/proc/net/tcp").ok()?;
    let local = format!(":{port:04X}");
    let is_one = |line: &&str| {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let [_, address, _, state, _, _, _, _, _, socket, ..] = fields[..] else { return false };
        let is_theirs = || socket.parse().is_ok_and(|socket| sockets.contains(&socket));
        address.ends_with(&local) && state == ESTABLISHED && is_theirs()
    };
    Some(table.lines().filter(is_one).count() as u64)
}

/// The numbers (inodes) of a process's sockets; empty if the process has ended.
fn sockets_of(process: u32) -> impl Iterator<Item = u64> {
    let descriptors = fs::read_dir(format!("/proc/{process}/fd")).into_iter().flatten();
    descriptors.filter_map(|descriptor| {
        let target = fs::read_link(descriptor.ok()?.path()).ok()?;
        target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_counted_at_the_end_that_listens_and_for_who_holds_them() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let own = [std::process::id()];
        assert_eq!(connections_held(address.port(), &own), Some(0), "a listener is not a connection");
        let near = [(); 3].map(|()| std::net::TcpStream::connect(address).unwrap());
        let far = [(); 3].map(|()| listener.accept().unwrap().0);
        assert_eq!(connections_held(address.port(), &own), Some(3));
        assert_eq!(connections_held(address.port(), &[]), Some(0), "they belong to another process");
        drop((near, far));
    }

    #[test]
    fn a_step_of_the_wall_clock_is_seen_in_both_directions() {
        let before = Clocks { wall_ns: 1_000_000_000, monotonic_ns: 50 };
        let after = |wall_ns| Clocks { wall_ns, monotonic_ns: 2_000_000_050 };
        assert_eq!(after(3_000_000_000).step_us_since(before), 0.0);
        assert_eq!(after(3_000_700_000).step_us_since(before), 700.0);
        assert_eq!(after(-1_000_000_000).step_us_since(before), 4_000_000.0);
    }

    #[test]
    fn the_clocks_of_this_machine_can_be_read() {
        let before = Clocks::read();
        let after = Clocks::read();
        assert!(after.monotonic_ns >= before.monotonic_ns && before.monotonic_ns > 0);
        assert!(before.wall_ns > 1_700_000_000_000_000_000, "{before:?}");
        assert!(after.step_us_since(before).is_finite());
    }

    #[test]
    fn busy_time_is_that_of_all_cores_and_of_the_kernel_too() {
        let stat = "cpu  40 2 30 900 50 1 7 11 5 0\ncpu0 20 1 15 450 25 1 3 6 2 0\n\
                    cpu1 20 1 15 450 25 0 4 5 3 0\nintr 7\ncpufreq 3\n";
        let cores = AllCores { busy_us: 800_000.0, number: 2 };
        assert_eq!(parse_all_cores(stat, 100.0), Some(cores));
        let later = AllCores { busy_us: 900_000.0, number: 2 };
        let between = all_cores_between(Some(cores), Some(later));
        assert_eq!(between, Some(AllCores { busy_us: 100_000.0, number: 2 }));
        assert_eq!(all_cores_between(None, Some(later)), None);
        for damaged in ["", "cpu 1 2 3 4 5 6", "cpu 1 2 x 4 5 6 7"] {
            assert_eq!(parse_all_cores(damaged, 100.0), None, "{damaged}");
        }
    }

    /// Other work of the machine comes on top.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_core_that_somebody_burns_is_found() {
        let (before, begun) = (all_cores(), std::time::Instant::now());
        let burnt_us = |since_us: u64| schedule::thread_cpu_us().saturating_sub(since_us);
        let since_us = schedule::thread_cpu_us();
        while burnt_us(since_us) < 300_000 {
            std::hint::spin_loop();
        }
        let found = all_cores_between(before, all_cores()).unwrap();
        // Sampled by the kernel at its ticks.
        assert!(found.busy_us >= 0.8 * 300_000.0, "{found:?}");
        let most_us = (begun.elapsed().as_secs_f64() * 1e6 + 20_000.0) * f64::from(found.number);
        assert!(found.busy_us <= most_us, "{found:?} in {:?}", begun.elapsed());
    }

    #[test]
    fn swapping_is_the_sum_of_both_directions() {
        let vmstat = "nr_free_pages 12\npswpin 30\npswpout 4\npswpin_other 900\n";
        assert_eq!(parse_swapped(vmstat), Some(34));
        assert_eq!(parse_swapped("pswpin 30\n"), None);
        assert_eq!(parse_swapped("pswpin x\npswpout 4\n"), None);
    }
}
