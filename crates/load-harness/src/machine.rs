//! What the machine did meanwhile, that would spoil a measurement: its clock stepped, it was
//! suspended, it swapped.

use std::{
    collections::HashSet,
    fs,
    time::{SystemTime, UNIX_EPOCH},
};

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

    /// By how much the wall clock moved otherwise than the monotonic clock since an earlier reading,
    /// microseconds. Someone set it, or the machine slept: the monotonic clock stands still then.
    pub(crate) fn step_us_since(self, earlier: Self) -> f64 {
        let wall_ns = self.wall_ns - earlier.wall_ns;
        let monotonic_ns = i128::from(self.monotonic_ns) - i128::from(earlier.monotonic_ns);
        (wall_ns - monotonic_ns).unsigned_abs() as f64 * 1e-3
    }
}

/// Pages that the machine has swapped in and out since it was started; none where the kernel does not
/// tell.
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

/// Connections to a port of this machine that these processes hold and that are established (proc(5),
/// /proc/net/tcp). None where the system does not tell.
///
/// A port alone is not enough: whoever connects to somewhere else may have got the same number for its own end.
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

/// The numbers (inodes) of a process's sockets; none of one that is gone.
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
        assert_eq!(connections_held(address.port(), &own), Some(0), "to listen is no connection");
        let near = [(); 3].map(|()| std::net::TcpStream::connect(address).unwrap());
        let far = [(); 3].map(|()| listener.accept().unwrap().0);
        assert_eq!(connections_held(address.port(), &own), Some(3));
        assert_eq!(connections_held(address.port(), &[]), Some(0), "somebody else's");
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
    fn swapping_is_the_sum_of_both_directions() {
        let vmstat = "nr_free_pages 12\npswpin 30\npswpout 4\npswpin_other 900\n";
        assert_eq!(parse_swapped(vmstat), Some(34));
        assert_eq!(parse_swapped("pswpin 30\n"), None);
        assert_eq!(parse_swapped("pswpin x\npswpout 4\n"), None);
    }
}
