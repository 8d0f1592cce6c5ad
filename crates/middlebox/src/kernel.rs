//! Bytes that the kernel still holds for a connection that is about to be closed.
#![allow(unsafe_code, reason = "no safe crate reads TCP_INFO; the call has its safety comment")]

use tokio::net::TcpStream;

/// Bytes that were received and not read.
pub(crate) fn unread(stream: &TcpStream) -> u64 {
    rustix::io::ioctl_fionread(stream).unwrap_or(0)
}

/// Bytes that were written, but not acknowledged when the other side closed or reset the connection. 0 if it
/// has done neither: on loopback its kernel has the bytes then, though it may acknowledge them later.
///
/// On a connection that this side opened, the kernel counts the acknowledgement of its SYN as a byte; on an
/// accepted connection it does not.
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
    // The bytes sent do not include this side's FIN. The acknowledged bytes do once it is acknowledged, but
    // then all bytes are acknowledged.
    sent.saturating_sub(info.tcpi_bytes_acked.saturating_sub(u64::from(is_opened_here)))
}

/// This system does not report it.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn unacknowledged_after_close(_stream: &TcpStream, _is_opened_here: bool) -> u64 {
    0
}
