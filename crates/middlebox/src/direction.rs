//! One direction of a relayed connection: bytes are read, stamped with a release time, queued, and written at
//! that time.

use std::{
    cell::{Cell, RefCell},
    io,
};

use bytes::{Buf, Bytes};
use contract::Buffering;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use tokio::{net::TcpStream, sync::Notify};

use crate::{
    clock::{nanoseconds, now_ns},
    count::DirectionTally,
    end::End,
    pacer::Pacer,
    queue::{Item, Parcel, Queue},
    settings::RelaySettings,
    sockets,
};

/// Most bytes of one read.
pub(crate) const LARGEST_READ: usize = 64 << 10;
/// Size of the queue without a bandwidth limit.
const ROOM: usize = 1 << 20;
/// Smallest and largest size of the queue with a bandwidth limit.
const LEAST_ROOM: usize = 64 << 10;
const MOST_ROOM: usize = 16 << 20;
/// Most bytes that a proxy's buffer holds, whatever its setting. Buffered bytes are not in the queue yet, so
/// this does not depend on the bandwidth.
const MOST_BUFFERED: usize = 1 << 20;

/// Computes release times: serialisation delay first, then the one-way delay. A release time is never before
/// that of earlier bytes.
#[derive(Debug)]
struct Stamps {
    one_way_ns: u64,
    jitter_ns: u64,
    bytes_per_second: Option<u64>,
    /// Additional delay of the first bytes.
    first_held_ns: u64,
    /// Instant at which the line has taken all bytes so far.
    line_free_ns: u64,
    last_release_ns: u64,
    random: ChaCha8Rng,
}

impl Stamps {
    fn next(&mut self, now_ns: u64, bytes: usize) -> u64 {
        let line_ns = match self.bytes_per_second {
            Some(each_second) => {
                let ns = (bytes as u128 * 1_000_000_000).div_ceil(u128::from(each_second.max(1)));
                u64::try_from(ns).unwrap_or(u64::MAX)
            }
            None => 0,
        };
        self.line_free_ns = self.line_free_ns.max(now_ns).saturating_add(line_ns);
        let jitter_ns = match self.jitter_ns {
            0 => 0,
            most => self.random.random_range(0..=most),
        };
        let held_ns = std::mem::take(&mut self.first_held_ns);
        let release_ns = self
            .line_free_ns
            .saturating_add(self.one_way_ns)
            .saturating_add(jitter_ns)
            .saturating_add(held_ns);
        self.last_release_ns = self.last_release_ns.max(release_ns);
        self.last_release_ns
    }
}

/// Settings that differ between the directions.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Special {
    /// Additional delay of the first bytes.
    pub(crate) first_held_ns: u64,
    /// Buffering of a proxy.
    pub(crate) buffer: Option<Buffering>,
    /// Bytes after which the connection is cut.
    pub(crate) cut_after_bytes: Option<u64>,
    /// Most bytes of data in a segment to the receiver.
    pub(crate) segment: usize,
}

/// One direction of one connection.
#[derive(Debug)]
pub(crate) struct Direction<'a> {
    pacer: &'a Pacer,
    queue: Queue,
    stamps: RefCell<Stamps>,
    /// Largest piece with one release time.
    piece: usize,
    buffer: Option<Buffering>,
    gathered: RefCell<Vec<u8>>,
    gather_until_ns: Cell<u64>,
    bytes_left: Cell<Option<u64>>,
    /// The other direction found the sender's socket closed when it wrote to it.
    sender_gone: Notify,
    /// The sender's FIN was forwarded.
    has_ended: Cell<bool>,
    tally: &'a DirectionTally<'a>,
}

impl<'a> Direction<'a> {
    pub(crate) fn new(
        settings: &RelaySettings,
        pacer: &'a Pacer,
        random: ChaCha8Rng,
        special: Special,
        tally: &'a DirectionTally<'a>,
    ) -> Self {
        let network = &settings.network;
        let one_way_ns = nanoseconds(*network.rtt) / 2;
        let jitter_ns = nanoseconds(*network.jitter);
        let room = network.bytes_per_second.map_or(ROOM, |each_second| {
            // Twice the bytes in flight at full speed.
            let under_way = u128::from(each_second) * u128::from(one_way_ns + jitter_ns) / 1_000_000_000;
            usize::try_from(2 * under_way).unwrap_or(MOST_ROOM).clamp(LEAST_ROOM, MOST_ROOM)
        });
        Self {
            pacer,
            queue: Queue::new(room),
            stamps: RefCell::new(Stamps {
                one_way_ns,
                jitter_ns,
                bytes_per_second: network.bytes_per_second,
                first_held_ns: special.first_held_ns,
                line_free_ns: 0,
                last_release_ns: 0,
                random,
            }),
            // A line carries one segment after another, and a segment arrives with its last byte.
            piece: network.bytes_per_second.map_or(LARGEST_READ, |_| special.segment).max(1),
            buffer: special.buffer,
            gathered: RefCell::default(),
            gather_until_ns: Cell::new(u64::MAX),
            bytes_left: Cell::new(special.cut_after_bytes),
            sender_gone: Notify::new(),
            has_ended: Cell::new(false),
            tally,
        }
    }

    /// Stamps and queues bytes that have just been read.
    fn take_in(&self, bytes: &[u8]) {
        let now_ns = now_ns();
        for piece in bytes.chunks(self.piece) {
            let release_ns = self.stamps.borrow_mut().next(now_ns, piece.len());
            self.queue.push(Parcel { release_ns, item: Item::Bytes(Bytes::copy_from_slice(piece)) });
        }
    }

    fn take_in_end(&self, end: Item) {
        let release_ns = self.stamps.borrow_mut().next(now_ns(), 0);
        self.queue.push(Parcel { release_ns, item: end });
    }

    /// Notes that the sender's socket is gone. Reading from it may not show that.
    fn note_sender_gone(&self) {
        self.sender_gone.notify_one();
    }

    /// Reads until the sender ends, and then waits for ever. `scratch` is the read buffer that all directions
    /// share.
    pub(crate) async fn read(&self, sender: &TcpStream, scratch: &RefCell<Vec<u8>>) -> ! {
        let end = self.read_to_end(sender, scratch).await;
        self.pass_gathered();
        let may_be_reset = end == Item::Fin;
        self.take_in_end(end);
        if may_be_reset {
            self.sender_gone.notified().await;
            self.take_in_end(Item::Reset);
        }
        std::future::pending().await
    }

    async fn read_to_end(&self, sender: &TcpStream, scratch: &RefCell<Vec<u8>>) -> Item {
        loop {
            let room = self.queue.room().await.min(LARGEST_READ);
            let room = match self.bytes_left.get() {
                Some(0) => return Item::Cut,
                Some(left) => room.min(usize::try_from(left).unwrap_or(room)),
                None => room,
            };
            let read = async {
                loop {
                    sender.readable().await?;
                    match sender.try_read(&mut scratch.borrow_mut()[..room]) {
                        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                        read => return read,
                    }
                }
            };
            tokio::select! {
                biased;
                read = read => match read {
                    Ok(0) => return Item::Fin,
                    Ok(bytes) => {
                        self.tally.take(bytes);
                        self.has_read(&scratch.borrow()[..bytes]);
                    }
                    Err(_) => return Item::Reset,
                },
                // A reset socket that was written to first then reads like one that was closed.
                () = self.sender_gone.notified() => return Item::Reset,
                () = self.pacer.sleep_until(self.gather_until_ns.get()) => self.pass_gathered(),
            }
        }
    }

    /// Queues bytes that were read, or adds them to the proxy's buffer.
    pub(crate) fn has_read(&self, bytes: &[u8]) {
        if let Some(left) = self.bytes_left.get() {
            self.bytes_left.set(Some(left - bytes.len() as u64));
        }
        let Some(buffer) = self.buffer else { return self.take_in(bytes) };
        let mut gathered = self.gathered.borrow_mut();
        gathered.extend_from_slice(bytes);
        self.gather_until_ns.set(now_ns().saturating_add(nanoseconds(*buffer.pause)));
        let enough = gathered.len() as u64 >= buffer.bytes.min(MOST_BUFFERED as u64);
        drop(gathered);
        if enough {
            self.pass_gathered();
        }
    }

    fn pass_gathered(&self) {
        self.gather_until_ns.set(u64::MAX);
        let gathered = self.gathered.take();
        if !gathered.is_empty() {
            self.take_in(&gathered);
        }
    }

    /// Writes released bytes until the whole connection ends. One possible end is the FIN of both directions;
    /// after the first FIN a reset may still follow. `passed` is called whenever bytes are written.
    pub(crate) async fn write(&self, receiver: &TcpStream, back: &Direction<'_>, passed: &dyn Fn()) -> End {
        let mut is_gone = false;
        loop {
            self.pacer.sleep_until(self.queue.first_release_ns().await).await;
            let end = match self.queue.pop() {
                Some(Item::Bytes(bytes)) => {
                    let length = bytes.len();
                    if !is_gone && self.write_all(receiver, bytes, passed).await.is_err() {
                        // All further bytes to this receiver are lost. The other direction reports that to the
                        // sender.
                        is_gone = true;
                        back.note_sender_gone();
                    }
                    self.queue.has_gone(length);
                    continue;
                }
                Some(Item::Fin) => {
                    sockets::finish(receiver);
                    self.has_ended.set(true);
                    if back.has_ended.get() {
                        return End::Done;
                    }
                    continue;
                }
                Some(Item::Reset) => End::Reset,
                Some(Item::Cut) => End::Cut,
                None => continue,
            };
            if !is_gone {
                sockets::has_left(receiver, self.pacer).await;
            }
            return end;
        }
    }

    async fn write_all(&self, receiver: &TcpStream, mut bytes: Bytes, passed: &dyn Fn()) -> io::Result<()> {
        while bytes.has_remaining() {
            match receiver.try_write(&bytes) {
                Ok(written) => {
                    bytes.advance(written);
                    self.tally.deliver(written);
                    passed();
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => receiver.writable().await?,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    fn stamps(jitter_ns: u64, bytes_per_second: Option<u64>) -> Stamps {
        Stamps {
            one_way_ns: 1_000,
            jitter_ns,
            bytes_per_second,
            first_held_ns: 500,
            line_free_ns: 0,
            last_release_ns: 0,
            random: ChaCha8Rng::seed_from_u64(7),
        }
    }

    #[test]
    fn the_first_is_held_longer_and_jitter_reorders_nothing() {
        let mut stamps = stamps(10_000, None);
        let first_ns = stamps.next(0, 10);
        assert!((1_500..=11_500).contains(&first_ns), "{first_ns}");
        let mut last_ns = first_ns;
        for now_ns in (1..2_000_u64).map(|step| step * 100) {
            let release_ns = stamps.next(now_ns, 10);
            assert!(release_ns >= last_ns && release_ns >= now_ns + 1_000, "{release_ns} at {now_ns}");
            assert!(release_ns <= now_ns + 11_500);
            last_ns = release_ns;
        }
    }

    #[test]
    fn a_line_takes_its_time_for_every_byte() {
        let mut stamps = stamps(0, Some(1_000_000_000));
        assert_eq!(stamps.next(100, 50), 100 + 50 + 1_000 + 500);
        // The second waits behind the first, which was held; the line itself is free at 150.
        assert_eq!(stamps.next(100, 2_000), 150 + 2_000 + 1_000);
        assert_eq!(stamps.next(9_000, 1), 9_001 + 1_000);
        assert_eq!(Stamps { bytes_per_second: Some(1), ..stamps }.next(u64::MAX - 1, 5), u64::MAX);
    }
}
