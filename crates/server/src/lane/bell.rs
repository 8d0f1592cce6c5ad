//! How a socket tells the lane that it can be read or written again.

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Wake, Waker},
};

/// The keys of all riders whose socket has stirred since the lane last looked.
#[derive(Debug, Default)]
pub(super) struct Bells {
    rung: Mutex<Rung>,
}

#[derive(Debug, Default)]
struct Rung {
    keys: Vec<usize>,
    /// The lane's own task, while it sleeps.
    sleeper: Option<Waker>,
}

/// One rider's bell. The socket keeps it as the waker of who waits for it, so that the lane learns
/// which of ten thousand sockets to look at and needs no task for each.
struct Bell {
    key: usize,
    bells: Arc<Bells>,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.bells.ring(self.key);
    }
}

impl Bells {
    /// The bell of the rider with this key.
    pub(super) fn bell(self: &Arc<Self>, key: usize) -> Waker {
        Arc::new(Bell { key, bells: Arc::clone(self) }).into()
    }

    /// Notes a rider to be looked at.
    pub(super) fn ring(&self, key: usize) {
        let mut rung = self.lock();
        rung.keys.push(key);
        let sleeper = rung.sleeper.take();
        drop(rung);
        if let Some(sleeper) = sleeper {
            sleeper.wake();
        }
    }

    /// Takes the keys that were rung into `keys`, which must be empty; its memory is used for the next
    /// ones.
    pub(super) fn poll_rung(&self, context: &Context<'_>, keys: &mut Vec<usize>) -> Poll<()> {
        let mut rung = self.lock();
        if rung.keys.is_empty() {
            rung.sleeper = Some(context.waker().clone());
            return Poll::Pending;
        }
        mem::swap(&mut rung.keys, keys);
        Poll::Ready(())
    }

    /// A push and a swap leave the list sound, whatever happened to who held the lock.
    fn lock(&self) -> MutexGuard<'_, Rung> {
        self.rung.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
