//! The cost of an open connection: memory is read at growing numbers of subscribers, step by step, once while
//! they are idle and once, on a new server, after each of them has received events.
//!
//! These are two trials, each with its own window; the idle one publishes nothing. So CPU, wake-ups and bytes
//! of idle subscribers are measured with the same instruments as everything else.

use std::time::Duration;

use contract::{
    Arrivals, ConnectionCost, Exchange, IdleStretch, Load, Measurements, MemoryStep, Period, Settings,
    StartSchedule, Warning,
};
use tokio::time::sleep;

use crate::{
    data::{progress::Progress, trial_spec::TrialSpec},
    processes::{server_access::ServerAccess, trial_error::TrialError},
    system::{libc_calls::give_back_freed_memory, memory::read_step},
    worker::pool::WorkerPool,
};

/// Pause before memory is read: until memory needed for connecting or traffic has been freed.
const REST: Duration = Duration::from_secs(1);
/// Traffic on each step with traffic: ten events in a second.
const TRAFFIC_HZ: f64 = 10.0;
const TRAFFIC: Period = Period::from_millis(1_000);

impl TrialSpec {
    /// Cuts the memory steps to the number of subscribers for which there are descriptors, with a warning. A
    /// trial without memory steps is not changed: its number of subscribers is part of the question.
    pub fn cut_memory_steps(&mut self, fitting: u32) {
        let settings = &mut self.plan.settings;
        if settings.memory_steps.is_empty() || settings.subscribers <= fitting {
            return;
        }
        let planned = settings.subscribers;
        self.warnings.push(Warning::MemoryStepsCut { subscribers: fitting, planned });
        settings.subscribers = fitting;
        settings.memory_steps.retain(|subscribers| *subscribers < fitting);
        if settings.memory_steps.len() < 2 {
            // A slope needs three readings.
            settings.memory_steps = vec![0, fitting / 2];
        }
        settings.memory_steps.push(fitting);
    }
}

/// The trial of the idle steps: the same settings without any event.
pub(crate) fn idle_order(order: &TrialSpec, seed: u64) -> Result<TrialSpec, schedule::ScheduleError> {
    let settings = &order.plan.settings;
    let events = Arrivals::Silence;
    let idle = Settings {
        // Until every short poller has polled once.
        warm_up: Period((*settings.poll_interval).max(REST)),
        measure: settings.idle,
        events: events.clone(),
        ..settings.clone()
    };
    let length = idle.schedule_length();
    let schedule = schedule::Schedule::build(&events, None, seed, length, idle.payload_bytes)?;
    let mut plan = order.plan.clone();
    plan.settings = idle;
    Ok(TrialSpec { plan, schedule: schedule.into(), replay_csv: None, ..order.clone() })
}

/// A very short trial of the highest step only.
pub(crate) fn first_connections(order: &TrialSpec, seed: u64) -> Result<TrialSpec, schedule::ScheduleError> {
    let mut short = order.clone();
    let settings = &mut short.plan.settings;
    settings.memory_steps = vec![settings.subscribers];
    settings.idle = Period::from_millis(100);
    idle_order(&short, seed)
}

/// Connects subscribers step by step and reads memory on each step.
pub(crate) async fn read(
    load: Load,
    workers: &mut WorkerPool,
    server: &ServerAccess,
    order: &TrialSpec,
    seed: u64,
    progress: &mut dyn FnMut(Progress),
) -> Result<Vec<MemoryStep>, TrialError> {
    // Otherwise the subscribers of this trial would reuse memory of those of the previous trial.
    give_back_freed_memory();
    let mut steps = Vec::new();
    for &subscribers in &order.plan.settings.memory_steps {
        workers.connect(subscribers, progress).await?;
        match load {
            Load::Idle => sleep(REST).await,
            Load::Active => traffic(server, order, seed).await?,
        }
        steps.push(read_step(load, subscribers, server.group())?);
    }
    Ok(steps)
}

/// What the memory steps add to the length of a trial: another set-up, the pauses and the idle window.
pub(crate) fn extra_length(order: &TrialSpec, connect: Duration) -> Duration {
    let settings = &order.plan.settings;
    let steps = settings.memory_steps.len() as u32;
    let idle = (*settings.poll_interval).max(REST) + *settings.idle;
    connect + idle + steps * (REST + *TRAFFIC + under_way(order) + REST)
}

/// Until every subscriber has received an event that was just published.
fn under_way(order: &TrialSpec) -> Duration {
    match order.plan.pattern.exchange() {
        Exchange::TimedPoll => *order.plan.settings.poll_interval,
        Exchange::HeldPoll => *order.plan.settings.turnaround,
        Exchange::Stream => Duration::ZERO,
    }
}

/// Publishes a few events to all connected subscribers, and waits until they have arrived and the memory that
/// they needed has been freed.
async fn traffic(server: &ServerAccess, order: &TrialSpec, seed: u64) -> Result<(), TrialError> {
    let settings = &order.plan.settings;
    let start_in = Period::from_millis(10);
    server
        .start_schedule(&StartSchedule {
            arrivals: Arrivals::Steady { rate_hz: TRAFFIC_HZ },
            replay_csv: None,
            seed,
            length: TRAFFIC,
            payload_bytes: settings.payload_bytes,
            start_in,
            delivery_delay: Period::default(),
            delivery_jitter: Period::default(),
            counted_from: Period::default(),
        })
        .await?;
    sleep(*start_in + *TRAFFIC + under_way(order) + REST).await;
    Ok(())
}

/// Disturbances of either of the two trials count for their common result.
pub(crate) fn take_the_worse(active: &mut Measurements, idle: &Measurements) {
    active.clock_step_us = active.clock_step_us.max(idle.clock_step_us);
    active.swapped_pages = active.swapped_pages.zip(idle.swapped_pages).map(|(left, right)| left + right);
    if idle.stalls.max_us > active.stalls.max_us {
        active.stalls = idle.stalls.clone();
    }
}

/// Puts the steps of both trials and the idle window together.
pub(crate) fn cost(idle: &Measurements, mut steps: Vec<MemoryStep>, active: &[MemoryStep]) -> ConnectionCost {
    let subscribers = steps.last().map_or(0, |step| step.subscribers);
    steps.extend(active);
    let mut warnings = idle.warnings.clone();
    if let Some(server) = idle.server_requests_life.filter(|counted| *counted != idle.requests.life) {
        warnings.push(Warning::RequestCountsDiffer { server, subscribers: idle.requests.life });
    }
    ConnectionCost {
        idle: IdleStretch {
            subscribers,
            wall_us: idle.cpu.wall_us,
            server_us: idle.cpu.server_us,
            harness_us: idle.cpu.harness_us,
            requests: idle.requests.window,
            bytes: idle.bytes.total(),
            wakeups: idle.wakeups,
            warnings,
        },
        memory_steps: steps,
    }
}

#[cfg(test)]
mod tests {
    use contract::Pattern;

    use crate::data::calibration_spec::calibration_spec;

    use super::*;

    fn order(memory_steps: &[u32]) -> TrialSpec {
        let mut order = calibration_spec(Pattern::Sse.into(), &[], 1).unwrap();
        order.plan.settings.memory_steps = memory_steps.to_vec();
        order.plan.settings.subscribers = 1_000;
        order
    }

    #[test]
    fn memory_steps_are_cut_to_the_descriptors_and_say_so() {
        let mut cut = order(&[0, 200, 400, 1_000]);
        cut.cut_memory_steps(300);
        assert_eq!((cut.plan.settings.subscribers, cut.plan.settings.memory_steps), (300, vec![0, 200, 300]));
        assert_eq!(cut.warnings, [Warning::MemoryStepsCut { subscribers: 300, planned: 1_000 }]);
        let mut few = order(&[0, 500, 1_000]);
        few.cut_memory_steps(300);
        assert_eq!(few.plan.settings.memory_steps, [0, 150, 300], "a slope needs three readings");
        for whole in [order(&[0, 200, 1_000]), order(&[])] {
            let mut same = whole.clone();
            same.cut_memory_steps(if whole.plan.settings.memory_steps.is_empty() { 300 } else { 1_000 });
            assert_eq!((same.plan, same.warnings), (whole.plan, vec![]), "its subscribers are the question");
        }
    }

    #[test]
    fn the_idle_stretch_publishes_nothing_and_lasts_as_long_as_it_says() {
        let mut order = order(&[0, 500, 1_000]);
        order.plan.settings.idle = Period::from_millis(700);
        let idle = idle_order(&order, 1).unwrap();
        assert!(idle.schedule.events().is_empty());
        assert_eq!(idle.window().seconds(), 0.7);
        assert_eq!(idle.plan.settings.memory_steps, order.plan.settings.memory_steps);
    }
}
