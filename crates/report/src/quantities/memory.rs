//! Memory per open subscriber: the slope over the number of subscribers.
//!
//! What a process needs without subscribers is not a connection's cost. So a reading is not divided by its
//! subscribers; instead a line is fitted through the readings of all memory steps.

use contract::{ConnectionCost, Load, Measurements, MemoryStep};

use crate::statistics::least_squares::{self, Line};

/// Whose memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// The server process.
    Server,
    /// The harness process: the subscribers' side.
    Subscriber,
    /// The kernel, slabs and TCP buffers, both ends of the connections together.
    Kernel,
}

impl Part {
    /// Its bytes at a reading.
    pub(crate) fn bytes(self, step: &MemoryStep) -> u64 {
        match self {
            Self::Server => step.server_user_bytes,
            Self::Subscriber => step.harness_user_bytes,
            Self::Kernel => step.kernel_slab_bytes + step.kernel_tcp_bytes,
        }
    }
}

/// Share of the highest memory step below which the kernel's readings do not count: the first sockets of a
/// trial reuse slab space that the trial before has freed, and seem to cost less.
const REFILLED: f64 = 0.25;

/// Fewest subscribers on the highest memory step for the kernel's memory: its slabs are those of the whole
/// machine, and other processes change them by more than a few hundred sockets.
const FEWEST_FOR_KERNEL: u32 = 1_000;

/// The line through the readings of a trial: bytes without any subscriber, and what each one adds. None with
/// fewer than three readings, and none of the kernel with few subscribers.
pub(crate) fn line(cost: &ConnectionCost, load: Load, part: Part) -> Option<Line> {
    let of_load = || cost.memory_steps.iter().filter(|step| step.load == load);
    let highest = of_load().map(|step| step.subscribers).max()?;
    if part == Part::Kernel && highest < FEWEST_FOR_KERNEL {
        return None;
    }
    let lowest = match part {
        Part::Server | Part::Subscriber => 0.0,
        Part::Kernel => REFILLED * f64::from(highest),
    };
    // A line needs three readings; if fewer are high enough, take all of them.
    let high = of_load().filter(|step| f64::from(step.subscribers) >= lowest);
    let lowest = if high.count() < 3 { 0.0 } else { lowest };
    line_through(cost, load, lowest, |step| part.bytes(step) as f64)
}

/// Bytes that each open subscriber adds in a trial.
pub(super) fn per_subscriber(of: &Measurements, load: Load, part: Part) -> Option<f64> {
    line(of.connections.as_ref()?, load, part).map(|line| line.slope)
}

/// What each subscriber adds to another value that was read at the memory steps.
pub(crate) fn slope(cost: &ConnectionCost, load: Load, of: impl Fn(&MemoryStep) -> f64) -> Option<f64> {
    line_through(cost, load, 0.0, of).map(|line| line.slope)
}

fn line_through(
    cost: &ConnectionCost,
    load: Load,
    lowest: f64,
    of: impl Fn(&MemoryStep) -> f64,
) -> Option<Line> {
    let places: Vec<(f64, f64)> = cost
        .memory_steps
        .iter()
        .filter(|step| step.load == load && f64::from(step.subscribers) >= lowest)
        .map(|step| (f64::from(step.subscribers), of(step)))
        .collect();
    if places.len() < 3 { None } else { least_squares::line(&places) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(load: Load, subscribers: u32, server_user_bytes: u64) -> MemoryStep {
        MemoryStep {
            load,
            subscribers,
            server_user_bytes,
            harness_user_bytes: 0,
            kernel_slab_bytes: 1_000 + 9 * u64::from(subscribers),
            kernel_tcp_bytes: u64::from(subscribers),
            server_descriptors: 0,
        }
    }

    #[test]
    fn the_slope_leaves_the_base_out_and_loads_apart() {
        let mut cost = ConnectionCost::default();
        for subscribers in [0, 100, 300, 1_000] {
            cost.memory_steps.push(step(Load::Idle, subscribers, 5_000_000 + 2_000 * u64::from(subscribers)));
            cost.memory_steps.push(step(
                Load::Active,
                subscribers,
                9_000_000 + 3_000 * u64::from(subscribers),
            ));
        }
        let server = line(&cost, Load::Idle, Part::Server).unwrap();
        assert!((server.slope - 2_000.0).abs() < 1e-6 && (server.base - 5e6).abs() < 1e-3, "{server:?}");
        assert!((line(&cost, Load::Active, Part::Server).unwrap().slope - 3_000.0).abs() < 1e-6);
        assert!((line(&cost, Load::Idle, Part::Kernel).unwrap().slope - 10.0).abs() < 1e-6);
        // The first hundred sockets reuse what the trial before left behind.
        cost.memory_steps.retain(|step| step.load == Load::Idle);
        for subscribers in [400, 700] {
            cost.memory_steps.push(step(Load::Idle, subscribers, 0));
        }
        for step in cost.memory_steps.iter_mut().filter(|step| step.subscribers > 0) {
            step.kernel_slab_bytes -= 500;
        }
        assert!((line(&cost, Load::Idle, Part::Kernel).unwrap().slope - 10.0).abs() < 1e-6);
        for step in &mut cost.memory_steps {
            step.subscribers /= 10;
        }
        assert_eq!(
            line(&cost, Load::Idle, Part::Kernel),
            None,
            "a hundred sockets are lost in the machine's slabs"
        );
        cost.memory_steps.truncate(2);
        assert_eq!(line(&cost, Load::Idle, Part::Server), None);
    }
}
