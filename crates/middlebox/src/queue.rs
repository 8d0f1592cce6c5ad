//! The bounded queue of one direction.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
};

use bytes::Bytes;
use tokio::sync::Notify;

/// What the queue carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Item {
    /// Bytes.
    Bytes(Bytes),
    /// The sender has closed its direction.
    Fin,
    /// The sender has reset the connection.
    Reset,
    /// The middlebox ends the connection here.
    Cut,
}

/// An item with its release time.
#[derive(Debug)]
pub(crate) struct Parcel {
    pub(crate) release_ns: u64,
    pub(crate) item: Item,
}

/// Parcels in the order of their arrival, with at most `most_bytes` bytes.
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

    /// Waits until at least one byte fits; returns how many fit.
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

    /// The release time of the first parcel; waits until there is one.
    pub(crate) async fn first_release_ns(&self) -> u64 {
        loop {
            if let Some(first) = self.parcels.borrow().front() {
                return first.release_ns;
            }
            self.filled.notified().await;
        }
    }

    /// Takes the first item. Its bytes keep their room in the queue until [`Queue::has_gone`].
    pub(crate) fn pop(&self) -> Option<Item> {
        self.parcels.borrow_mut().pop_front().map(|parcel| parcel.item)
    }

    /// Frees the room of bytes that were forwarded or lost.
    pub(crate) fn has_gone(&self, bytes: usize) {
        self.bytes.set(self.bytes.get().saturating_sub(bytes));
        self.emptied.notify_one();
    }
}
