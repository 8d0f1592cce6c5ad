//! The calls to the C library that no safe crate offers, so this is the only file of this crate with unsafe
//! code: the kernel's counters of a TCP socket (`TCP_INFO` of tcp(7), in its long form with the byte and
//! segment counters of RFC 4898) and its unread bytes (`FIONREAD` of ioctl(2)), the return of freed memory to
//! the system (malloc_trim(3)), and the CPU time of another process (clock_getcpuclockid(3)).
#![allow(unsafe_code, reason = "calls to the C library, each with its safety comment")]

use std::os::fd::RawFd;

use contract::KernelCounts;

/// What the kernel reports about a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TcpInfo {
    pub(crate) counts: KernelCounts,
    /// The other side has reset it: no more bytes are acknowledged. The kernel does not report whether a FIN
    /// came before, which is then still counted as a byte.
    pub(crate) is_reset: bool,
    /// The other side has closed it, with a FIN or with a reset. Its kernel may refuse bytes that are not
    /// acknowledged yet; the reset that reports this may still be in flight.
    pub(crate) is_closed_there: bool,
}

/// Reads the counters of a connection that this side opened; none if the kernel does not report them.
pub(crate) fn tcp_info(socket: RawFd) -> Option<KernelCounts> {
    Some(tcp_info_and_end(socket)?.counts)
}

/// The same, and whether the other side has closed it.
///
/// The sequence numbers of SYN and FIN, which the kernel counts like bytes, are subtracted. This works only
/// until this side shuts its direction down, so read before that. (The kernel reads the state before it locks
/// the socket: a FIN that arrives in between is counted as a byte.)
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(crate) fn tcp_info_and_end(socket: RawFd) -> Option<TcpInfo> {
    use std::mem::{MaybeUninit, offset_of, size_of, size_of_val};

    /// Bytes that hold every field read below.
    const NEEDED: usize = offset_of!(libc::tcp_info, tcpi_bytes_retrans) + size_of::<u64>();
    /// `TCP_CLOSE` of `include/net/tcp_states.h`: the state after a reset.
    const CLOSE: u8 = 7;
    /// `TCP_CLOSE_WAIT`: the other side has sent its FIN.
    const CLOSE_WAIT: u8 = 8;

    let mut info = MaybeUninit::<libc::tcp_info>::zeroed();
    let mut length = size_of_val(&info) as libc::socklen_t;
    // SAFETY: `info` is writable for `length` bytes, and the kernel writes no more than `length` says;
    // `length` is a valid place for the number of bytes written. A descriptor that is closed or no
    // TCP socket makes the call fail and write nothing.
    let failed = unsafe {
        libc::getsockopt(socket, libc::IPPROTO_TCP, libc::TCP_INFO, info.as_mut_ptr().cast(), &raw mut length)
    };
    if failed != 0 || (length as usize) < NEEDED {
        return None;
    }
    // SAFETY: the structure is made of integers only, for which zeroes are a value, and it was zeroed
    // before the kernel filled it.
    let info = unsafe { info.assume_init() };
    let bytes_acked = info.tcpi_bytes_acked.saturating_sub(1);
    let bytes_taken = info.tcpi_bytes_sent - info.tcpi_bytes_retrans + u64::from(info.tcpi_notsent_bytes);
    let counts = KernelCounts {
        connections: 1,
        bytes_acked,
        bytes_unacked: bytes_taken.saturating_sub(bytes_acked),
        bytes_unread: unread(socket),
        bytes_received: info.tcpi_bytes_received.saturating_sub(u64::from(info.tcpi_state == CLOSE_WAIT)),
        segments_sent: info.tcpi_segs_out.into(),
        segments_received: info.tcpi_segs_in.into(),
        data_segments_sent: info.tcpi_data_segs_out.into(),
        data_segments_received: info.tcpi_data_segs_in.into(),
        retransmitted: info.tcpi_total_retrans.into(),
        rtt_sum_us: info.tcpi_rtt.into(),
    };
    let is_reset = info.tcpi_state == CLOSE;
    Some(TcpInfo { counts, is_reset, is_closed_there: is_reset || info.tcpi_state == CLOSE_WAIT })
}

/// This system has no such counters.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn tcp_info_and_end(_socket: RawFd) -> Option<TcpInfo> {
    None
}

/// Received bytes that have not been read; a FIN does not count.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn unread(socket: RawFd) -> u64 {
    let mut bytes: libc::c_int = 0;
    // SAFETY: `bytes` is a valid place for the number that the call writes; a descriptor that is closed or
    // no socket makes the call fail and write nothing.
    let failed = unsafe { libc::ioctl(socket, libc::FIONREAD, &raw mut bytes) };
    if failed == 0 { u64::try_from(bytes).unwrap_or(0) } else { 0 }
}

/// Returns freed memory to the system. Otherwise the allocator keeps it, and later subscribers that reuse it
/// would seem to need less memory.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(crate) fn give_back_freed_memory() {
    // SAFETY: takes no pointer, may be called by any thread at any time (it is marked MT-Safe), and
    // touches only memory that is not in use.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// This system has no such call.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn give_back_freed_memory() {}

/// CPU time of a process, user and system, all threads, microseconds; none if it has ended. /proc reports it
/// too, but in hundredths of a second.
#[cfg(target_os = "linux")]
pub(crate) fn process_cpu_us(pid: u32) -> Option<u64> {
    let mut clock: libc::clockid_t = 0;
    // SAFETY: `clock` is a valid place for a clock's id; a process that is gone makes the call fail and
    // write nothing.
    let failed = unsafe { libc::clock_getcpuclockid(pid as libc::pid_t, &raw mut clock) };
    if failed != 0 {
        return None;
    }
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid place for a time; a clock whose process has ended makes the call fail.
    let failed = unsafe { libc::clock_gettime(clock, &raw mut time) };
    (failed == 0).then(|| time.tv_sec as u64 * 1_000_000 + time.tv_nsec as u64 / 1_000)
}

/// This system has no such clock.
#[cfg(not(target_os = "linux"))]
pub(crate) fn process_cpu_us(_pid: u32) -> Option<u64> {
    None
}

#[cfg(test)]
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod tests {
    use std::{
        fs::File,
        io::{Read, Write},
        net::{Shutdown, TcpListener, TcpStream},
        os::fd::AsRawFd,
    };

    use super::*;

    fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (near, listener.accept().unwrap().0)
    }

    fn counts(socket: &TcpStream) -> KernelCounts {
        tcp_info(socket.as_raw_fd()).unwrap()
    }

    /// Bytes in both directions, with an answer that also acknowledges the request.
    fn exchange(near: &mut TcpStream, far: &mut TcpStream) {
        near.write_all(&[1; 300]).unwrap();
        far.read_exact(&mut [0; 300]).unwrap();
        far.write_all(&[2; 70]).unwrap();
        near.read_exact(&mut [0; 70]).unwrap();
    }

    #[test]
    fn known_bytes_are_counted_without_the_syn() {
        let (mut near, mut far) = pair();
        let fresh = counts(&near);
        assert_eq!((fresh.connections, fresh.bytes(), fresh.data_segments_sent), (1, 0, 0));
        // SYN and ACK went, SYN-ACK came.
        assert_eq!((fresh.segments_sent, fresh.segments_received), (2, 1));
        exchange(&mut near, &mut far);
        let counted = counts(&near);
        assert_eq!((counted.bytes_acked, counted.bytes_received), (300, 70));
        assert_eq!((counted.data_segments_sent, counted.data_segments_received), (1, 1));
        assert_eq!(counted.retransmitted, 0);
        assert!(counted.segments() >= fresh.segments() + 2, "{counted:?}");
        assert!(counted.rtt_sum_us > 0.0);
        // The far end counts the same bytes the other way round.
        assert_eq!(counts(&far).bytes_received, 300);
    }

    #[test]
    fn the_others_fin_is_no_byte() {
        let (mut near, mut far) = pair();
        exchange(&mut near, &mut far);
        far.shutdown(Shutdown::Write).unwrap();
        assert_eq!(near.read(&mut [0]).unwrap(), 0, "the end has come");
        assert_eq!(counts(&near).bytes_received, 70);
    }

    #[test]
    fn another_process_is_asked_for_its_cpu_time_like_this_one() {
        let own = process_cpu_us(std::process::id()).unwrap();
        assert!(own <= schedule::process_cpu_us());
        let mut gone = std::process::Command::new("true").spawn().unwrap();
        let pid = gone.id();
        gone.wait().unwrap();
        assert_eq!(process_cpu_us(pid), None);
    }

    #[test]
    fn what_is_no_tcp_socket_has_no_counts() {
        assert_eq!(tcp_info(File::open("/dev/null").unwrap().as_raw_fd()), None);
        assert_eq!(tcp_info(-1), None);
    }
}
