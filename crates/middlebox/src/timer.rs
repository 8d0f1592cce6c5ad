//! One timer that fires at an instant of the monotonic clock.
//!
//! The runtime rounds its own timers up to a millisecond. The kernel's timer is a file descriptor that the
//! runtime waits for like a socket; it is late only by the wake-up time of the thread.

#[cfg(target_os = "linux")]
mod system {
    use std::{io, os::fd::OwnedFd};

    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    };
    use tokio::io::{Interest, unix::AsyncFd};

    /// A timerfd (timerfd_create(2)).
    #[derive(Debug)]
    pub(crate) struct Timer {
        descriptor: AsyncFd<OwnedFd>,
    }

    impl Timer {
        /// An unset timer. Must be called within a runtime.
        #[allow(
            deprecated,
            reason = "its successor is unsafe, for descriptors that are not owned: this one is"
        )]
        pub(crate) fn new() -> io::Result<Self> {
            let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
            let descriptor = timerfd_create(TimerfdClockId::Monotonic, flags)?;
            Ok(Self { descriptor: AsyncFd::with_interest(descriptor, Interest::READABLE)? })
        }

        /// Sets the timer; it fires at once for an instant in the past.
        pub(crate) fn set(&self, at_ns: u64) -> io::Result<()> {
            // 0 would disarm the timer.
            let at_ns = at_ns.clamp(1, i64::MAX as u64);
            let it_value =
                Timespec { tv_sec: (at_ns / 1_000_000_000) as i64, tv_nsec: (at_ns % 1_000_000_000) as i64 };
            let it_interval = Timespec { tv_sec: 0, tv_nsec: 0 };
            let at = Itimerspec { it_interval, it_value };
            timerfd_settime(self.descriptor.get_ref(), TimerfdTimerFlags::ABSTIME, &at)?;
            Ok(())
        }

        /// Waits until the timer fires.
        pub(crate) async fn fired(&self) -> io::Result<()> {
            self.descriptor
                .async_io(Interest::READABLE, |descriptor| {
                    let mut expirations = [0; 8];
                    rustix::io::read(descriptor, &mut expirations)?;
                    Ok(())
                })
                .await
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    //! Without timerfd the runtime's timer is used: never early, one or two milliseconds late.

    use std::{cell::Cell, io, time::Duration};

    use tokio::sync::Notify;

    use crate::clock::now_ns;

    /// A timer of the runtime.
    #[derive(Debug)]
    pub(crate) struct Timer {
        at_ns: Cell<u64>,
        changed: Notify,
    }

    impl Timer {
        pub(crate) fn new() -> io::Result<Self> {
            Ok(Self { at_ns: Cell::new(u64::MAX), changed: Notify::new() })
        }

        pub(crate) fn set(&self, at_ns: u64) -> io::Result<()> {
            self.at_ns.set(at_ns);
            self.changed.notify_one();
            Ok(())
        }

        pub(crate) async fn fired(&self) -> io::Result<()> {
            loop {
                let left = Duration::from_nanos(self.at_ns.get().saturating_sub(now_ns()));
                tokio::select! {
                    () = tokio::time::sleep(left) => {
                        self.at_ns.set(u64::MAX);
                        return Ok(());
                    }
                    () = self.changed.notified() => {}
                }
            }
        }
    }
}

pub(crate) use system::Timer;
