//! A subscriber's socket: its options, and every byte counted.

use std::{
    cell::Cell,
    io::{self, IoSlice},
    net::SocketAddr,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
};

use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpSocket, TcpStream},
};

/// Bytes that passed a subscriber's sockets, in all its connections.
#[derive(Debug, Default)]
pub(crate) struct StreamBytes {
    received: Cell<u64>,
    sent: Cell<u64>,
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
}

/// A TCP stream that counts into its subscriber's [`StreamBytes`].
#[derive(Debug)]
pub(crate) struct CountedStream {
    stream: TcpStream,
    bytes: Rc<StreamBytes>,
}

impl CountedStream {
    /// Connects with the socket options that all patterns get: TCP_NODELAY, and the segment size of
    /// the server's side.
    pub(crate) async fn connect(
        target: SocketAddr,
        tcp_maxseg: u32,
        bytes: Rc<StreamBytes>,
    ) -> io::Result<Self> {
        let socket = if target.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        socket.set_nodelay(true)?;
        SockRef::from(&socket).set_tcp_mss(tcp_maxseg)?;
        Ok(Self { stream: socket.connect(target).await?, bytes })
    }
}

impl AsyncRead for CountedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        let read = (buffer.filled().len() - before) as u64;
        self.bytes.received.set(self.bytes.received.get() + read);
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

    #[tokio::test]
    async fn every_byte_of_a_real_socket_is_counted_vectored_ones_too() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let bytes = Rc::new(StreamBytes::default());
        let target = listener.local_addr().unwrap();
        let mut near = CountedStream::connect(target, 1_448, Rc::clone(&bytes)).await.unwrap();
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
}
