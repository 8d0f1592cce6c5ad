//! What the kernel still holds of a connection that is about to be closed.
#![allow(unsafe_code, reason = "no safe crate asks for TCP_INFO; the call has its safety comment")]

use tokio::net::TcpStream;

/// Bytes that have come and that nobody has read.
pub(crate) fn unread(stream: &TcpStream) -> u64 {
    rustix::io::ioctl_fionread(stream).unwrap_or(0)
}

/// Bytes that were written and that the other side, which has reset the connection, had not acknowledged.
/// 0 where it has not: on loopback its kernel has them then, though it may acknowledge them later.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(crate) fn unacknowledged_by_resetter(stream: &TcpStream) -> u64 {
    use std::{
        mem::{MaybeUninit, offset_of, size_of, size_of_val},
        os::fd::AsRawFd,
    };

    /// Bytes that hold every field read below.
    const NEEDED: usize = offset_of!(libc::tcp_info, tcpi_bytes_retrans) + size_of::<u64>();
    /// `TCP_CLOSE` of `include/net/tcp_states.h`.
    const CLOSE: u8 = 7;

    let mut info = MaybeUninit::<libc::tcp_info>::zeroed();
    let mut length = size_of_val(&info) as libc::socklen_t;
    // SAFETY: `info` is writable for `length` bytes, and the kernel writes no more than `length` says;
    // `length` is a valid place for the number of bytes written. The descriptor is open while `stream` is.
    let failed = unsafe {
        libc::getsockopt(
            stream.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            info.as_mut_ptr().cast(),
            &raw mut length,
        )
    };
    if failed != 0 || (length as usize) < NEEDED {
        return 0;
    }
    // SAFETY: the structure is made of integers only, for which zeroes are a value, and it was zeroed
    // before the kernel filled it.
    let info = unsafe { info.assume_init() };
    if info.tcpi_state != CLOSE {
        return 0;
    }
    let sent = info.tcpi_bytes_sent - info.tcpi_bytes_retrans + u64::from(info.tcpi_notsent_bytes);
    // The SYN is acknowledged like a byte.
    sent.saturating_sub(info.tcpi_bytes_acked.saturating_sub(1))
}

/// Not told here.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn unacknowledged_by_resetter(_stream: &TcpStream) -> u64 {
    0
}
