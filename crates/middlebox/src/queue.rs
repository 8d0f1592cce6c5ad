//! What is on its way.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
};

use bytes::Bytes;
use tokio::sync::Notify;

/// What travels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Item {
    /// Bytes.
    Bytes(Bytes),
    /// The sender has nothing more to say.
    Fin,
    /// The sender has reset the connection.
    Reset,
    /// The middlebox ends the connection here.
    Cut,
}

/// Something with the instant at which it may go on.
#[derive(Debug)]
pub(crate) struct Parcel {
    pub(crate) release_ns: u64,
    pub(crate) item: Item,
}

/// Parcels in the order in which they came, of so many bytes at most.
#[derive(Debug)]
pub(crate) struct Queue {
    parcels: RefCell<VecDeque<Parcel>>,
    bytes: Cell<usize>,
    most_bytes: usize,
    filled: Notify,
    emptied: Notify,
}

impl Queue {
    pub(crate) fn new(most_bytes: usize) -> Self {
        Self {
            parcels: RefCell::default(),
            bytes: Cell::new(0),
            most_bytes,
            filled: Notify::new(),
            emptied: Notify::new(),
        }
    }

    /// Waits until a byte fits, and tells how many do.
    pub(crate) async fn room(&self) -> usize {
        loop {
            match self.most_bytes.saturating_sub(self.bytes.get()) {
                0 => self.emptied.notified().await,
                room => return room,
            }
        }
    }

    pub(crate) fn push(&self, parcel: Parcel) {
        if let Item::Bytes(bytes) = &parcel.item {
            self.bytes.set(self.bytes.get() + bytes.len());
        }
        self.parcels.borrow_mut().push_back(parcel);
        self.filled.notify_one();
    }

    /// The instant at which the first may go on, once there is one.
    pub(crate) async fn first_release_ns(&self) -> u64 {
        loop {
            if let Some(first) = self.parcels.borrow().front() {
                return first.release_ns;
            }
            self.filled.notified().await;
        }
    }

    /// Takes the first. Its bytes keep their room until [`Queue::has_gone`].
    pub(crate) fn pop(&self) -> Option<Item> {
        self.parcels.borrow_mut().pop_front().map(|parcel| parcel.item)
    }

    /// So many bytes have been passed on, or are lost.
    pub(crate) fn has_gone(&self, bytes: usize) {
        self.bytes.set(self.bytes.get().saturating_sub(bytes));
        self.emptied.notify_one();
    }
}
