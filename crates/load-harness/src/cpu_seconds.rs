//! CPU time second by second, for trials whose rate grows: a mean over the window would say nothing.

use std::time::Duration;

use contract::{Arrivals, CpuSecond};
use schedule::{EpochClock, process_cpu_us};
use tokio::time::sleep;

use crate::{
    TrialOrder,
    server_process::{ControlPlane, ServerError},
};

const SECOND_NS: u64 = 1_000_000_000;

/// A reading of both processes.
#[derive(Debug, Clone, Copy)]
struct Reading {
    wall_ns: u64,
    server_us: u64,
    harness_us: u64,
}

impl Reading {
    async fn take(control: &ControlPlane) -> Result<Self, ServerError> {
        let stats = control.stats().await?;
        Ok(Self {
            // The server's own clock, read together with its counters: however late it answers, the
            // two belong together.
            wall_ns: stats.monotonic_ns,
            server_us: stats.cpu_us - stats.publisher_cpu_us,
            harness_us: process_cpu_us(),
        })
    }

    fn since(self, before: Self, second: u32) -> CpuSecond {
        CpuSecond {
            second,
            wall_us: (self.wall_ns - before.wall_ns) as f64 * 1e-3,
            server_us: (self.server_us - before.server_us) as f64,
            harness_us: (self.harness_us - before.harness_us) as f64,
        }
    }
}

/// Reads once a second from the schedule's instant 0 to its end. Only where the rate is ramped: the
/// readings cost a little, too.
pub(crate) async fn read(
    control: &ControlPlane,
    order: &TrialOrder,
    clock: EpochClock,
    start_ns: u64,
) -> Result<Vec<CpuSecond>, ServerError> {
    if !matches!(order.plan.settings.events, Arrivals::Ramp { .. }) {
        return Ok(Vec::new());
    }
    let until = async |at_ns: u64| {
        sleep(Duration::from_nanos((start_ns + at_ns).saturating_sub(clock.now_ns()))).await;
    };
    until(0).await;
    let mut before = Reading::take(control).await?;
    let mut seconds = Vec::new();
    for second in 0..order.window().end_ns.div_ceil(SECOND_NS) {
        until(((second + 1) * SECOND_NS).min(order.window().end_ns)).await;
        let now = Reading::take(control).await?;
        seconds.push(now.since(before, second as u32));
        before = now;
    }
    Ok(seconds)
}
