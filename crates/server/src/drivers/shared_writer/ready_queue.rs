//! The queue of connections whose sockets can be read or written again.

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Wake, Waker},
};

/// The keys of all connections whose socket has become ready since the last `poll_take`.
#[derive(Debug, Default)]
pub(super) struct ReadyQueue {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    keys: Vec<usize>,
    /// The waker of the shared writer's task, while it sleeps.
    sleeper: Option<Waker>,
}

/// The waker of one connection. Through it the shared writer learns which of ten thousand sockets is ready,
/// without a task for each.
struct ConnectionWaker {
    key: usize,
    queue: Arc<ReadyQueue>,
}

impl Wake for ConnectionWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.queue.push(self.key);
    }
}

impl ReadyQueue {
    /// The waker of the connection with this key.
    pub(super) fn waker(self: &Arc<Self>, key: usize) -> Waker {
        Arc::new(ConnectionWaker { key, queue: Arc::clone(self) }).into()
    }

    /// Queues a connection.
    pub(super) fn push(&self, key: usize) {
        let mut state = self.lock();
        state.keys.push(key);
        let sleeper = state.sleeper.take();
        drop(state);
        if let Some(sleeper) = sleeper {
            sleeper.wake();
        }
    }

    /// Moves the ready keys into `keys`, which must be empty; its memory is used for the next keys.
    pub(super) fn poll_take(&self, context: &Context<'_>, keys: &mut Vec<usize>) -> Poll<()> {
        let mut state = self.lock();
        if state.keys.is_empty() {
            state.sleeper = Some(context.waker().clone());
            return Poll::Pending;
        }
        mem::swap(&mut state.keys, keys);
        Poll::Ready(())
    }

    /// Poisoning is ignored: a panic between a push and a swap cannot leave the list inconsistent.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
