//! CPU time second by second, for trials whose rate grows: a mean over the window would be meaningless.

use std::time::Duration;

use contract::{Arrivals, CpuSecond, CpuUse};
use schedule::EpochClock;
use tokio::time::sleep;

use crate::{
    data::trial_spec::TrialSpec,
    processes::{
        server_access::{Reading, ServerAccess},
        trial_error::TrialError,
    },
};

const SECOND_NS: u64 = 1_000_000_000;

fn between(before: &Reading, now: &Reading, second: u32) -> Result<CpuSecond, TrialError> {
    let CpuUse { wall_us, server_us, harness_us, .. } = now.cpu_since(before)?;
    Ok(CpuSecond { second, wall_us, server_us, harness_us })
}

/// Reads once a second from the schedule's instant 0 to its end. Only for a rate that is ramped, because the
/// readings cost CPU, too.
pub(crate) async fn read(
    server: &ServerAccess,
    order: &TrialSpec,
    clock: EpochClock,
    start_ns: u64,
) -> Result<Vec<CpuSecond>, TrialError> {
    if !matches!(order.plan.settings.events, Arrivals::Ramp { .. }) {
        return Ok(Vec::new());
    }
    let until = async |at_ns: u64| {
        sleep(Duration::from_nanos((start_ns + at_ns).saturating_sub(clock.now_ns()))).await;
    };
    until(0).await;
    let mut before = server.read().await?;
    let mut seconds = Vec::new();
    for second in 0..order.window().end_ns.div_ceil(SECOND_NS) {
        until(((second + 1) * SECOND_NS).min(order.window().end_ns)).await;
        let now = server.read().await?;
        seconds.push(between(&before, &now, second as u32)?);
        before = now;
    }
    Ok(seconds)
}
