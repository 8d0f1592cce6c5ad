//! What the kernel still holds of a connection that is about to be closed.
#![allow(unsafe_code, reason = "no safe crate asks for TCP_INFO; the call has its safety comment")]

use tokio::net::TcpStream;

/// Bytes that have come and that nobody has read.
pub(crate) fn unread(stream: &TcpStream) -> u64 {
    rustix::io::ioctl_fionread(stream).unwrap_or(0)
}

/// Bytes that were written and that the other side, which has closed or reset the connection, had not
/// acknowledged. 0 where it has done neither: on loopback its kernel has them then, though it may acknowledge
/// them later.
///
/// Where this side opened the connection, the kernel counts the acknowledgement of its SYN like a byte's; where it
/// accepted it, it does not.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(crate) fn unacknowledged_after_close(stream: &TcpStream, is_opened_here: bool) -> u64 {
    use std::{
        mem::{MaybeUninit, offset_of, size_of, size_of_val},
        os::fd::AsRawFd,
    };

    /// Bytes that hold every field read below.
    const NEEDED: usize = offset_of!(libc::tcp_info, tcpi_bytes_retrans) + size_of::<u64>();
    /// States after the other side's FIN or reset: `TCP_CLOSE`, `TCP_CLOSE_WAIT`, `TCP_LAST_ACK` and
    /// `TCP_CLOSING` of `include/net/tcp_states.h`. After its FIN, a reset may still be on its way.
    const CLOSED_THERE: [u8; 4] = [7, 8, 9, 11];

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
    if !CLOSED_THERE.contains(&info.tcpi_state) {
        return 0;
    }
    let sent = info.tcpi_bytes_sent - info.tcpi_bytes_retrans + u64::from(info.tcpi_notsent_bytes);
    // Our FIN is not among the bytes sent; acknowledged, it is among those acknowledged, but then all are.
    sent.saturating_sub(info.tcpi_bytes_acked.saturating_sub(u64::from(is_opened_here)))
}

/// This system does not say.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn unacknowledged_after_close(_stream: &TcpStream, _is_opened_here: bool) -> u64 {
    0
}
