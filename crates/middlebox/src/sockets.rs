//! Sockets: their options, and how to close them.

use std::{io, net::SocketAddr, time::Duration};

use rustix::{
    event::{PollFd, PollFlags, poll},
    time::Timespec,
};
use socket2::SockRef;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use crate::{clock::now_ns, pacer::Pacer};

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 1_024;
/// Longest wait until the relay's kernel has sent all written bytes.
const LONGEST_LEAVING: Duration = Duration::from_secs(5);
/// Time between two checks of this.
const LOOK_EVERY: Duration = Duration::from_micros(500);

/// Listens. Accepted sockets inherit the maximum segment size.
pub(crate) fn listen(address: SocketAddr, max_segment: u32) -> io::Result<TcpListener> {
    let socket = fresh(address, max_segment)?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Connects to the server.
pub(crate) async fn connect(address: SocketAddr, max_segment: u32) -> io::Result<TcpStream> {
    let stream = fresh(address, max_segment)?.connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Whether the server refused the connection. Otherwise this machine failed, for example because it is out of
/// file descriptors or ports.
pub(crate) fn is_the_servers(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionRefused, ConnectionReset, TimedOut};
    matches!(error.kind(), ConnectionRefused | ConnectionReset | TimedOut)
}

fn fresh(address: SocketAddr, max_segment: u32) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    SockRef::from(&socket).set_tcp_mss(max_segment)?;
    Ok(socket)
}

/// Most bytes of data in a segment: the maximum segment size without TCP options.
pub(crate) fn segment(stream: &TcpStream) -> Option<u32> {
    SockRef::from(stream).tcp_mss().ok()
}

/// Makes the socket send a reset (RST) instead of a FIN when it is closed.
pub(crate) fn reset_at_end(stream: &TcpStream) {
    // It fails only if the connection is gone.
    let _ = stream.set_zero_linger();
}

/// Closes the sending direction (FIN). Reading goes on.
pub(crate) fn finish(stream: &TcpStream) {
    // It fails only if the connection is gone.
    let _ = SockRef::from(stream).shutdown(std::net::Shutdown::Write);
}

/// Closes both directions: sends a FIN, and the kernel answers later bytes with a reset.
pub(crate) fn finish_both_ways(stream: &TcpStream) {
    // It fails only if the connection is gone.
    let _ = SockRef::from(stream).shutdown(std::net::Shutdown::Both);
}

/// Waits until the kernel has sent all written bytes, because a reset discards unsent bytes. The wait is
/// limited to a few seconds, for a receiver that does not read.
pub(crate) async fn has_left(stream: &TcpStream, pacer: &Pacer) {
    // With this option the socket is writable only while no bytes wait to be sent.
    if SockRef::from(stream).set_tcp_notsent_lowat(1).is_err() {
        return;
    }
    let until_ns = now_ns() + LONGEST_LEAVING.as_nanos() as u64;
    while now_ns() < until_ns {
        let mut asked = [PollFd::new(stream, PollFlags::OUT)];
        let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
        match poll(&mut asked, Some(&at_once)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => {}
            Ok(_) | Err(_) => return,
        }
        pacer.sleep_until(now_ns() + LOOK_EVERY.as_nanos() as u64).await;
    }
}
