//! Limits how many tests measure at a time. `just test` runs one more test at a time than the machine has cores,
//! because most of a trial is waiting; but every bench binds its server to the same core.

use std::{
    cell::Cell,
    marker::PhantomData,
    num::NonZero,
    sync::{Condvar, Mutex, MutexGuard},
    thread,
};

/// A semaphore's permit. A thread that holds one gets further ones without waiting, and returns all of them
/// with the last.
///
/// A test takes data that it shares with others, such as the records of a run, before it takes a permit: the
/// test that produces the data also needs a permit.
#[derive(Debug)]
pub(crate) struct Permit {
    /// The holdings of each thread are counted in the thread.
    stays_here: PhantomData<MutexGuard<'static, ()>>,
}

/// The holdings of one thread: its amount of the semaphore, and its number of permits.
#[derive(Debug, Clone, Copy)]
struct Held {
    amount: usize,
    permits: usize,
}

/// The amount that is taken from the semaphore.
static TAKEN: Mutex<usize> = Mutex::new(0);
/// Signalled when an amount is returned.
static GIVEN_BACK: Condvar = Condvar::new();
/// Held by the thread that is next in line, so that many small permits do not starve a large one.
static FIRST_IN_LINE: Mutex<()> = Mutex::new(());

thread_local! {
    static HELD: Cell<Held> = const { Cell::new(Held { amount: 0, permits: 0 }) };
}

/// At least three tests; with more cores, which the servers do not use, half as many tests as cores.
fn all() -> usize {
    (thread::available_parallelism().map_or(1, NonZero::get) / 2).max(3)
}

impl Permit {
    /// A permit to measure beside other tests.
    pub(crate) fn one() -> Self {
        Self::of(1)
    }

    /// A permit to measure alone, for a test that would disturb others.
    pub(crate) fn alone() -> Self {
        Self::of(all())
    }

    fn of(amount: usize) -> Self {
        let mut held = HELD.get();
        if held.permits == 0 {
            take(amount);
            held.amount = amount;
        }
        assert!(held.amount >= amount, "a thread that waited for more than it holds could wait for ever");
        held.permits += 1;
        HELD.set(held);
        Self { stays_here: PhantomData }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut held = HELD.get();
        held.permits -= 1;
        HELD.set(held);
        if held.permits == 0 {
            *TAKEN.lock().unwrap() -= held.amount;
            GIVEN_BACK.notify_all();
        }
    }
}

fn take(amount: usize) {
    let _first = FIRST_IN_LINE.lock().unwrap();
    let mut taken = GIVEN_BACK.wait_while(TAKEN.lock().unwrap(), |taken| *taken + amount > all()).unwrap();
    *taken += amount;
}
