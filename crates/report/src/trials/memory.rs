//! Memory per open subscriber: the slope over the number of subscribers.
//!
//! What a process needs without subscribers is not a connection's cost. So a reading is not divided by its
//! subscribers; instead a line is fitted through the readings of all memory steps.

use contract::{ConnectionCost, Load, Stair};

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
    pub(crate) fn bytes(self, stair: &Stair) -> u64 {
        match self {
            Self::Server => stair.server_user_bytes,
            Self::Subscriber => stair.harness_user_bytes,
            Self::Kernel => stair.kernel_slab_bytes + stair.kernel_tcp_bytes,
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
    let of_load = || cost.stairs.iter().filter(|stair| stair.load == load);
    let highest = of_load().map(|stair| stair.subscribers).max()?;
    if part == Part::Kernel && highest < FEWEST_FOR_KERNEL {
        return None;
    }
    let lowest = match part {
        Part::Server | Part::Subscriber => 0.0,
        Part::Kernel => REFILLED * f64::from(highest),
    };
    // A line needs three readings; if fewer are high enough, take all of them.
    let high = of_load().filter(|stair| f64::from(stair.subscribers) >= lowest);
    let lowest = if high.count() < 3 { 0.0 } else { lowest };
    line_through(cost, load, lowest, |stair| part.bytes(stair) as f64)
}

/// What each subscriber adds to another value that was read at the memory steps.
pub(crate) fn slope(cost: &ConnectionCost, load: Load, of: impl Fn(&Stair) -> f64) -> Option<f64> {
    line_through(cost, load, 0.0, of).map(|line| line.slope)
}

fn line_through(cost: &ConnectionCost, load: Load, lowest: f64, of: impl Fn(&Stair) -> f64) -> Option<Line> {
    let places: Vec<(f64, f64)> = cost
        .stairs
        .iter()
        .filter(|stair| stair.load == load && f64::from(stair.subscribers) >= lowest)
        .map(|stair| (f64::from(stair.subscribers), of(stair)))
        .collect();
    if places.len() < 3 { None } else { least_squares::line(&places) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stair(load: Load, subscribers: u32, server_user_bytes: u64) -> Stair {
        Stair {
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
            cost.stairs.push(stair(Load::Idle, subscribers, 5_000_000 + 2_000 * u64::from(subscribers)));
            cost.stairs.push(stair(Load::Active, subscribers, 9_000_000 + 3_000 * u64::from(subscribers)));
        }
        let server = line(&cost, Load::Idle, Part::Server).unwrap();
        assert!((server.slope - 2_000.0).abs() < 1e-6 && (server.base - 5e6).abs() < 1e-3, "{server:?}");
        assert!((line(&cost, Load::Active, Part::Server).unwrap().slope - 3_000.0).abs() < 1e-6);
        assert!((line(&cost, Load::Idle, Part::Kernel).unwrap().slope - 10.0).abs() < 1e-6);
        // The first hundred sockets reuse what the trial before left behind.
        cost.stairs.retain(|stair| stair.load == Load::Idle);
        for subscribers in [400, 700] {
            cost.stairs.push(stair(Load::Idle, subscribers, 0));
        }
        for stair in cost.stairs.iter_mut().filter(|stair| stair.subscribers > 0) {
            stair.kernel_slab_bytes -= 500;
        }
        assert!((line(&cost, Load::Idle, Part::Kernel).unwrap().slope - 10.0).abs() < 1e-6);
        for stair in &mut cost.stairs {
            stair.subscribers /= 10;
        }
        assert_eq!(
            line(&cost, Load::Idle, Part::Kernel),
            None,
            "a hundred sockets are lost in the machine's slabs"
        );
        cost.stairs.truncate(2);
        assert_eq!(line(&cost, Load::Idle, Part::Server), None);
    }
}
