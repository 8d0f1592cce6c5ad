//! Sleeps until an instant: never too short, and too long by tens of microseconds only.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};

use crate::{clock::now_ns, timer::Timer};

/// All sleepers, and one timer that is set to the first of their instants.
#[derive(Debug)]
pub(crate) struct Pacer {
    timer: Timer,
    /// By instant, then by the order of arrival.
    sleepers: RefCell<BTreeMap<(u64, u64), Waker>>,
    next_number: Cell<u64>,
    /// The instant that the timer is set to; `u64::MAX` while it is not set.
    set_to_ns: Cell<u64>,
}

/// A sleep until an instant. Dropping it cancels it.
#[derive(Debug)]
pub(crate) struct Sleep<'a> {
    pacer: &'a Pacer,
    at_ns: u64,
    number: Option<u64>,
}

impl Pacer {
    /// A pacer on the current runtime. No sleeper wakes unless [`Pacer::run`] runs.
    pub(crate) fn new() -> io::Result<Rc<Self>> {
        Ok(Rc::new(Self {
            timer: Timer::new()?,
            sleepers: RefCell::default(),
            next_number: Cell::new(0),
            set_to_ns: Cell::new(u64::MAX),
        }))
    }

    /// Sleeps until an instant of the monotonic clock; returns at once for an instant in the past.
    pub(crate) const fn sleep_until(&self, at_ns: u64) -> Sleep<'_> {
        Sleep { pacer: self, at_ns, number: None }
    }

    /// Wakes the sleepers; never returns without an error.
    ///
    /// # Errors
    /// If the timer fails.
    pub(crate) async fn run(&self) -> io::Result<()> {
        loop {
            self.timer.fired().await?;
            self.set_to_ns.set(u64::MAX);
            let now_ns = now_ns();
            let mut sleepers = self.sleepers.borrow_mut();
            while let Some(first) = sleepers.first_entry()
                && first.key().0 <= now_ns
            {
                first.remove().wake();
            }
            let next = sleepers.first_key_value().map(|((at_ns, _), _)| *at_ns);
            drop(sleepers);
            if let Some(at_ns) = next {
                self.set(at_ns)?;
            }
        }
    }

    fn set(&self, at_ns: u64) -> io::Result<()> {
        self.set_to_ns.set(at_ns);
        self.timer.set(at_ns)
    }
}

impl Future for Sleep<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let (pacer, at_ns) = (self.pacer, self.at_ns);
        if now_ns() >= at_ns {
            return Poll::Ready(());
        }
        if at_ns == u64::MAX {
            // This sleep never ends, so it needs no timer.
            return Poll::Pending;
        }
        let number =
            *self.number.get_or_insert_with(|| pacer.next_number.replace(pacer.next_number.get() + 1));
        pacer.sleepers.borrow_mut().insert((at_ns, number), context.waker().clone());
        if at_ns < pacer.set_to_ns.get() && pacer.set(at_ns).is_err() {
            // If the timer cannot be set, all sleepers would sleep for ever: poll again at once instead.
            context.waker().wake_by_ref();
        }
        Poll::Pending
    }
}

impl Drop for Sleep<'_> {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.pacer.sleepers.borrow_mut().remove(&(self.at_ns, number));
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::task::LocalSet;

    use super::*;

    #[test]
    fn nobody_wakes_early_and_all_wake_in_order() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        LocalSet::new().block_on(&runtime, async {
            let pacer = Pacer::new().unwrap();
            let woken = Rc::new(RefCell::new(Vec::new()));
            let running = Rc::clone(&pacer);
            tokio::task::spawn_local(async move { running.run().await });
            // Far ahead, so that all of them sleep before the first one wakes.
            let start_ns = now_ns() + 500_000_000;
            let mut tasks = Vec::new();
            for milliseconds in [9_u64, 3, 6, 3, 0] {
                let (pacer, woken) = (Rc::clone(&pacer), Rc::clone(&woken));
                let at_ns = start_ns + milliseconds * 1_000_000;
                tasks.push(tokio::task::spawn_local(async move {
                    pacer.sleep_until(at_ns).await;
                    assert!(now_ns() >= at_ns);
                    woken.borrow_mut().push(milliseconds);
                }));
            }
            for task in tasks {
                task.await.unwrap();
            }
            assert_eq!(*woken.borrow(), [0, 3, 3, 6, 9]);
            assert!(pacer.sleepers.borrow().is_empty());
        });
    }

    #[test]
    fn a_sleep_that_is_given_up_leaves_nothing_behind() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        LocalSet::new().block_on(&runtime, async {
            let pacer = Pacer::new().unwrap();
            let running = Rc::clone(&pacer);
            tokio::task::spawn_local(async move { running.run().await });
            let soon_ns = now_ns() + 2_000_000;
            tokio::select! {
                () = pacer.sleep_until(soon_ns + 60_000_000_000) => panic!("a minute has not passed"),
                () = pacer.sleep_until(soon_ns) => {}
            }
            assert!(now_ns() >= soon_ns);
            assert!(pacer.sleepers.borrow().is_empty());
        });
    }
}
