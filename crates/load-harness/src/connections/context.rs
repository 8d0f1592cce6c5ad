//! The context of a connection: where its bytes are counted, and what all connections of a worker share.

use std::{
    cell::{Cell, RefCell, RefMut},
    rc::Rc,
};

use schedule::EpochClock;

use crate::connections::{ledger::Counters, tls::TlsClient};

/// Most bytes of one read; each worker has one such buffer.
pub(crate) const READ_BYTES: usize = 64 << 10;

/// What all connections of a worker share. One thread, so no locks.
pub(crate) struct SharedContext {
    clock: EpochClock,
    tls: Option<TlsClient>,
    read_buffer: RefCell<Box<[u8]>>,
    request: RefCell<String>,
    received_ns: Cell<u64>,
}

impl SharedContext {
    /// With a clock for the instants of reads; connections are encrypted if `tls` is given.
    pub(crate) fn new(clock: EpochClock, tls: Option<TlsClient>) -> Self {
        Self {
            clock,
            tls,
            read_buffer: RefCell::new(vec![0; READ_BYTES].into()),
            request: RefCell::default(),
            received_ns: Cell::default(),
        }
    }
}

/// The context of one subscriber's connections, or of one connection that several share.
pub(crate) struct ConnectionContext {
    /// Counters of everything that passes.
    pub(crate) counters: Counters,
    shared: Rc<SharedContext>,
}

impl ConnectionContext {
    pub(crate) fn new(shared: Rc<SharedContext>) -> Self {
        Self { counters: Counters::default(), shared }
    }

    pub(crate) fn clock(&self) -> EpochClock {
        self.shared.clock
    }

    /// Now, on the epoch's clock.
    pub(crate) fn now_ns(&self) -> u64 {
        self.shared.clock.now_ns()
    }

    /// How connections are encrypted; none for plain ones.
    pub(crate) fn tls(&self) -> Option<&TlsClient> {
        self.shared.tls.as_ref()
    }

    /// The buffer that every connection reads into; nothing is kept in it.
    pub(crate) fn read_buffer(&self) -> RefMut<'_, Box<[u8]>> {
        self.shared.read_buffer.borrow_mut()
    }

    /// The buffer in which every request is composed; nothing is kept in it.
    pub(crate) fn request(&self) -> RefMut<'_, String> {
        let mut request = self.shared.request.borrow_mut();
        request.clear();
        request
    }

    /// Notes that a read has just returned: the content of its bytes was received now. Returns this instant.
    pub(crate) fn note_read(&self) -> u64 {
        self.shared.received_ns.set(self.shared.clock.now_ns());
        self.shared.received_ns.get()
    }

    /// Notes that the bytes that are parsed now came from an earlier read.
    pub(crate) fn look_back(&self, read_ns: u64) {
        self.shared.received_ns.set(read_ns);
    }

    /// When the bytes that are parsed now were read, on the epoch's clock.
    pub(crate) fn received_ns(&self) -> u64 {
        self.shared.received_ns.get()
    }
}
