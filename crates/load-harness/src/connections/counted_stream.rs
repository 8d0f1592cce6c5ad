//! A subscriber's socket: its options, its byte counts, and the counts of the kernel.

use std::{
    cell::{Cell, RefCell},
    io::{self, IoSlice},
    mem::{self, MaybeUninit},
    net::{Shutdown, SocketAddr},
    os::fd::{AsRawFd, RawFd},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
    time::Duration,
};

use contract::{KernelCounts, LeftBehind};
use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncWrite, Interest, ReadBuf},
    net::{TcpSocket, TcpStream},
};

use crate::{
    connections::kernel_ledger::{KernelReading, add_up},
    system::libc_calls::{TcpInfo, tcp_info, tcp_info_and_end},
};

/// Bytes that passed a subscriber's sockets, in all its connections.
#[derive(Debug, Default)]
pub(crate) struct StreamBytes {
    received: Cell<u64>,
    sent: Cell<u64>,
    /// Reads that found bytes after one that found none.
    wakeups: Cell<u64>,
    /// Sockets whose kernel counters still move; dropping a connection may take a turn of the event
    /// loop, so there can be two.
    open: RefCell<Vec<RawFd>>,
    /// What the kernel counted on closed sockets.
    closed: Cell<KernelCounts>,
    /// The kernel did not report the counters of a socket.
    is_unreported: Cell<bool>,
    /// Bytes that were read but never decoded.
    broken_off: Cell<u64>,
    /// What was left on closed sockets.
    left_behind: Cell<LeftBehind>,
}

/// The result of a socket's last read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LastRead {
    /// Bytes, nothing, or an error.
    More,
    /// The other side has closed its direction.
    End,
}

impl StreamBytes {
    pub(crate) fn received(&self) -> u64 {
        self.received.get()
    }

    pub(crate) fn sent(&self) -> u64 {
        self.sent.get()
    }

    pub(crate) fn total(&self) -> u64 {
        self.received() + self.sent()
    }

    /// How often the subscriber was woken by its socket: bytes came after a read had found none. The number
    /// of reads that follow depends on the buffer, so they are not counted.
    pub(crate) fn wakeups(&self) -> u64 {
        self.wakeups.get()
    }

    /// Bytes that were read but never decoded.
    pub(crate) fn broken_off(&self) -> u64 {
        self.broken_off.get()
    }

    /// Notes that this many bytes were read and will not be decoded.
    pub(crate) fn break_off(&self, bytes: u64) {
        self.broken_off.set(self.broken_off.get() + bytes);
    }

    /// What was left on closed connections.
    pub(crate) fn left_behind(&self) -> LeftBehind {
        self.left_behind.get()
    }

    /// Whether a connection is still open.
    pub(crate) fn is_open(&self) -> bool {
        !self.open.borrow().is_empty()
    }

    /// The kernel's counters of all connections, read now for open ones; none if it does not report them.
    pub(crate) fn kernel(&self) -> Option<KernelReading> {
        let closed = self.closed.get();
        let mut all = closed;
        for socket in self.open.borrow().iter() {
            all = add_up(&all, &tcp_info(*socket)?);
        }
        (!self.is_unreported.get()).then_some(KernelReading { all, closed })
    }

    /// Reads a socket's counters for the last time. The bytes are read before the FIN is sent, because the
    /// kernel counts a FIN as a byte; the segments after that, because closing takes segments, too. What the
    /// other side sends after its acknowledgement is left out.
    fn settle(&self, socket: &TcpStream, last_read: LastRead) {
        let number = socket.as_raw_fd();
        let mut open = self.open.borrow_mut();
        let Some(place) = open.iter().position(|known| *known == number) else { return };
        open.swap_remove(place);
        let Some(TcpInfo { counts: mut before, is_reset, is_closed_there }) = tcp_info_and_end(number) else {
            return self.is_unreported.set(true);
        };
        if is_reset && last_read == LastRead::End {
            // The FIN that came before the reset.
            before.bytes_received = before.bytes_received.saturating_sub(1);
        }
        let mut left = self.left_behind.get();
        left.unread += before.bytes_unread;
        if is_closed_there && before.bytes_unacked > 0 {
            left.unacknowledged += before.bytes_unacked;
            left.unheard += 1;
        }
        self.left_behind.set(left);
        // A linger time of zero means that the socket is closed with a reset instead of a FIN.
        let is_to_be_reset = SockRef::from(socket).linger().is_ok_and(|linger| linger.is_some());
        // A connection that the other side has reset cannot be shut down, and need not be.
        let said = !is_to_be_reset && SockRef::from(socket).shutdown(Shutdown::Write).is_ok();
        let after = if said { tcp_info(number) } else { None }.unwrap_or(before);
        let last = KernelCounts {
            segments_sent: after.segments_sent,
            segments_received: after.segments_received,
            ..before
        };
        self.closed.set(add_up(&self.closed.get(), &last));
    }
}

/// A TCP stream that counts into its subscriber's [`StreamBytes`].
#[derive(Debug)]
pub(crate) struct CountedStream {
    stream: TcpStream,
    bytes: Rc<StreamBytes>,
    /// The last read found nothing: the next one that finds bytes counts as a wake-up.
    is_waiting: bool,
    last_read: LastRead,
}

impl CountedStream {
    /// Connects with the socket options of all patterns: TCP_NODELAY, and the same segment size as on the
    /// server's side.
    pub(crate) async fn connect(
        target: SocketAddr,
        tcp_maxseg: u32,
        bytes: Rc<StreamBytes>,
    ) -> io::Result<Self> {
        let socket = if target.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        socket.set_nodelay(true)?;
        SockRef::from(&socket).set_tcp_mss(tcp_maxseg)?;
        let stream = socket.connect(target).await?;
        bytes.open.borrow_mut().push(stream.as_raw_fd());
        Ok(Self { stream, bytes, is_waiting: false, last_read: LastRead::More })
    }

    /// Writes what the socket takes at once; returns 0 if it takes nothing now.
    pub(crate) fn write_now(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.stream.try_write(bytes) {
            Ok(written) => {
                self.bytes.sent.set(self.bytes.sent.get() + written as u64);
                Ok(written)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            Err(error) => Err(error),
        }
    }

    /// Notes that this many read bytes will not be decoded.
    pub(crate) fn break_off(&self, bytes: u64) {
        self.bytes.break_off(bytes);
    }

    /// Whether it is open and has no unread bytes. Makes no system call while the runtime knows of no event on
    /// the socket.
    pub(crate) fn is_idle(&self) -> bool {
        let mut byte = [MaybeUninit::uninit()];
        let peeked = self.stream.try_io(Interest::READABLE, || SockRef::from(&self.stream).peek(&mut byte));
        peeked.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }

    /// Makes the kernel drop the connection at once when it is closed, instead of keeping it for a minute in
    /// TIME-WAIT (RFC 9293 §3.3.2). Otherwise a reading of kernel memory would include the previous trial.
    pub(crate) fn forget_on_close(&self) -> io::Result<()> {
        SockRef::from(&self.stream).set_linger(Some(Duration::ZERO))
    }
}

impl Drop for CountedStream {
    fn drop(&mut self) {
        // The socket is closed after this, with the fields.
        self.bytes.settle(&self.stream, self.last_read);
    }
}

impl AsyncRead for CountedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let Poll::Ready(outcome) = Pin::new(&mut self.stream).poll_read(context, buffer) else {
            self.is_waiting = true;
            return Poll::Pending;
        };
        outcome?;
        let read = (buffer.filled().len() - before) as u64;
        self.bytes.received.set(self.bytes.received.get() + read);
        if read == 0 && buffer.remaining() > 0 {
            self.last_read = LastRead::End;
        }
        if read > 0 && mem::take(&mut self.is_waiting) {
            self.bytes.wakeups.set(self.bytes.wakeups.get() + 1);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for CountedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, bytes))?;
        self.bytes.sent.set(self.bytes.sent.get() + written as u64);
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write_vectored(context, slices))?;
        self.bytes.sent.set(self.bytes.sent.get() + written as u64);
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // After the shutdown the kernel's byte counters include our FIN.
        self.bytes.settle(&self.stream, self.last_read);
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    /// A wrapper that forwards a vectored write and counts its first slice only.
    struct CountsFirstSlice {
        stream: TcpStream,
        sent: u64,
    }

    impl CountsFirstSlice {
        async fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> usize {
            let written = self.stream.write_vectored(slices).await.unwrap();
            self.sent += written.min(slices[0].len()) as u64;
            written
        }
    }

    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[tokio::test]
    async fn a_missing_vectored_write_is_caught() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let target = listener.local_addr().unwrap();
        let (head, body) = ([1; 120], [2; 1_000]);
        let slices = [IoSlice::new(&head), IoSlice::new(&body)];
        let apart = |stream: u64, kernel: u64| stream.abs_diff(kernel) as f64 > 0.01 * kernel as f64;

        let mut broken = CountsFirstSlice { stream: TcpStream::connect(target).await.unwrap(), sent: 0 };
        let (mut far, _) = listener.accept().await.unwrap();
        assert_eq!(broken.write_vectored(&slices).await, 1_120);
        far.read_exact(&mut [0; 1_120]).await.unwrap();
        let kernel = tcp_info(far.as_raw_fd()).unwrap();
        assert!(apart(broken.sent, kernel.bytes_received), "{} counted, {kernel:?}", broken.sent);

        let bytes = Rc::new(StreamBytes::default());
        let mut near = CountedStream::connect(target, 1_460, Rc::clone(&bytes)).await.unwrap();
        let (mut far, _) = listener.accept().await.unwrap();
        assert_eq!(near.write_vectored(&slices).await.unwrap(), 1_120);
        far.read_exact(&mut [0; 1_120]).await.unwrap();
        let kernel = tcp_info(far.as_raw_fd()).unwrap();
        assert!(!apart(bytes.sent(), kernel.bytes_received), "{} counted, {kernel:?}", bytes.sent());
        assert_eq!(kernel.data_segments_received, 1, "head and body in one segment");
    }

    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[tokio::test]
    async fn closing_takes_packets_and_no_bytes() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let bytes = Rc::new(StreamBytes::default());
        let target = listener.local_addr().unwrap();
        let near = CountedStream::connect(target, 1_460, Rc::clone(&bytes)).await.unwrap();
        let (_far, _) = listener.accept().await.unwrap();
        let opened = bytes.kernel().unwrap().all;
        drop(near);
        let closed = bytes.kernel().unwrap().all;
        assert_eq!(closed.bytes(), 0);
        assert_eq!(closed.segments_sent, opened.segments_sent + 1, "a FIN");
        assert_eq!(closed.connections, 1);
    }

    /// Bytes that only one side's kernel has are reported, and the kernel's count still equals that of the
    /// socket.
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[tokio::test]
    async fn what_was_not_read_and_what_nobody_took_is_left_behind() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let target = listener.local_addr().unwrap();
        let bytes = Rc::new(StreamBytes::default());
        let mut near = CountedStream::connect(target, 1_460, Rc::clone(&bytes)).await.unwrap();
        let (mut far, _) = listener.accept().await.unwrap();
        near.write_all(b"taken").await.unwrap();
        far.read_exact(&mut [0; 5]).await.unwrap();
        far.write_all(&[7; 1_000]).await.unwrap();
        near.read_exact(&mut [0; 600]).await.unwrap();
        drop(near);
        let left = LeftBehind { unread: 400, ..LeftBehind::default() };
        assert_eq!((bytes.left_behind(), bytes.total()), (left, 605));
        assert_eq!(bytes.kernel().unwrap().all.bytes(), 605);

        let mut near = CountedStream::connect(target, 1_460, Rc::clone(&bytes)).await.unwrap();
        let (far, _) = listener.accept().await.unwrap();
        drop(far);
        // The other side is closed already.
        assert_eq!(near.read(&mut [0; 8]).await.unwrap(), 0);
        near.write_all(b"nobody").await.unwrap();
        drop(near);
        let left = LeftBehind { unacknowledged: 6, unheard: 1, ..left };
        assert_eq!((bytes.left_behind(), bytes.total()), (left, 611));
        assert_eq!(bytes.kernel().unwrap().all.bytes(), 611, "the FIN before the reset is no byte");
    }

    /// The other side has sent its FIN, and its reset is still to come.
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[tokio::test]
    async fn what_is_not_acknowledged_after_the_fin_is_left_behind() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let target = listener.local_addr().unwrap();
        let bytes = Rc::new(StreamBytes::default());
        let mut near = CountedStream::connect(target, 1_460, Rc::clone(&bytes)).await.unwrap();
        let (mut far, _) = listener.accept().await.unwrap();
        // More than the kernel of the other side buffers.
        while near.write_now(&[7; 65_536]).unwrap() > 0 {}
        far.shutdown().await.unwrap();
        assert_eq!(near.read(&mut [0; 8]).await.unwrap(), 0);
        let taken = bytes.kernel().unwrap().all.bytes_acked;
        drop(near);
        let left = bytes.left_behind();
        assert_eq!(left, LeftBehind { unacknowledged: bytes.sent() - taken, unheard: 1, ..left });
        assert!(left.unacknowledged > 0, "{left:?} of {}", bytes.sent());
    }

    #[tokio::test]
    async fn every_byte_of_a_real_socket_is_counted_vectored_ones_too() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let bytes = Rc::new(StreamBytes::default());
        let target = listener.local_addr().unwrap();
        let mut near = CountedStream::connect(target, 1_460, Rc::clone(&bytes)).await.unwrap();
        let (mut far, _) = listener.accept().await.unwrap();
        assert!(near.stream.nodelay().unwrap());
        assert!(near.is_write_vectored());
        near.write_all(b"12345").await.unwrap();
        let slices = [IoSlice::new(b"abc"), IoSlice::new(b"defg")];
        assert_eq!(near.write_vectored(&slices).await.unwrap(), 7, "both slices in one call");
        far.write_all(&[7; 1_000]).await.unwrap();
        near.read_exact(&mut [0; 1_000]).await.unwrap();
        assert_eq!((bytes.received(), bytes.sent(), bytes.total()), (1_000, 12, 1_012));
    }

    #[tokio::test]
    async fn a_wakeup_is_counted_once_however_many_reads_it_takes() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let bytes = Rc::new(StreamBytes::default());
        let target = listener.local_addr().unwrap();
        let mut near = CountedStream::connect(target, 1_460, Rc::clone(&bytes)).await.unwrap();
        let (mut far, _) = listener.accept().await.unwrap();
        for woken in 1..=3 {
            let (mut first, mut second) = ([0; 4], [0; 6]);
            let read = async {
                near.read_exact(&mut first).await.unwrap();
                near.read_exact(&mut second).await.unwrap();
            };
            // The read is polled first and finds nothing.
            tokio::join!(biased; read, async { far.write_all(b"ten bytes.").await.unwrap() });
            assert_eq!(bytes.wakeups(), woken);
        }
    }

    /// Connects, sends 12 bytes and receives 1,000, and closes as `leave` does.
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    async fn exchange(bytes: &Rc<StreamBytes>, leave: impl AsyncFnOnce(CountedStream)) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let target = listener.local_addr().unwrap();
        let mut near = CountedStream::connect(target, 1_460, Rc::clone(bytes)).await.unwrap();
        let (mut far, _) = listener.accept().await.unwrap();
        near.write_all(b"twelve bytes").await.unwrap();
        far.read_exact(&mut [0; 12]).await.unwrap();
        far.write_all(&[7; 1_000]).await.unwrap();
        near.read_exact(&mut [0; 1_000]).await.unwrap();
        leave(near).await;
    }

    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[tokio::test]
    async fn the_kernel_counts_the_same_bytes_on_open_and_on_closed_connections() {
        let bytes = Rc::new(StreamBytes::default());
        exchange(&bytes, async |near| {
            let open = bytes.kernel().unwrap();
            assert_eq!((open.all.connections, open.closed.connections), (1, 0));
            assert_eq!((open.all.bytes_acked, open.all.bytes_received), (12, 1_000));
            drop(near);
        })
        .await;
        exchange(&bytes, async |mut near| near.shutdown().await.unwrap()).await;
        let closed = bytes.kernel().unwrap();
        assert_eq!(closed.all, closed.closed, "none is open");
        assert_eq!((closed.all.connections, closed.all.bytes()), (2, 2 * 1_012));
        assert_eq!(closed.all.bytes(), bytes.total());
        assert!(bytes.open.borrow().is_empty());
    }
}
