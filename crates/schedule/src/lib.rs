//! Schedules (due times and texts of events), and a publisher that follows a schedule.
//!
//! A schedule is a pure function of its settings and a seed. So all four patterns, the model and a second run
//! with the same seed have the same schedule, and its hash proves it. The publisher is an *open loop*: it
//! never waits for a subscriber, and it reports its lateness.

mod arrivals;
mod clock;
mod cores;
mod publisher;
mod stock_ticks;

pub use arrivals::{Schedule, ScheduleError, ScheduledEvent};
pub use clock::{EpochClock, monotonic_ns, process_cpu_us, thread_cpu_us};
pub use cores::{allowed_cores, bind_to_core, release_from_core};
pub use publisher::{Pacing, Publisher, Refused};
pub use stock_ticks::stock_ticks_csv;
