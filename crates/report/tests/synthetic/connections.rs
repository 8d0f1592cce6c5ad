//! Synthetic readings of memory at several memory steps, and the cost of setting up the subscribers.

use contract::{ConnectionCost, IdleStretch, Load, MemoryStep, Pattern, SetUp};

use super::golden;

/// Bytes that each subscriber adds: server idle, server after traffic, kernel.
const fn slopes(pattern: Pattern) -> (f64, f64, f64) {
    match pattern {
        Pattern::ShortPolling => (9_400.0, 10_900.0, 4_300.0),
        Pattern::LongPolling => (10_300.0, 12_100.0, 4_350.0),
        Pattern::Sse => (7_900.0, 9_300.0, 4_250.0),
        Pattern::WebSocket => (5_200.0, 9_700.0, 4_280.0),
    }
}

/// Readings at five numbers of subscribers, before and after traffic, that scatter by up to one
/// percent from block to block.
pub(crate) fn connections(pattern: Pattern, block: u32) -> ConnectionCost {
    let (idle, active, kernel) = slopes(pattern);
    let mut memory_steps = Vec::new();
    for (load, slope) in [(Load::Idle, idle), (Load::Active, active)] {
        for (index, subscribers) in [0_u32, 1_000, 2_500, 5_000, 10_000].into_iter().enumerate() {
            let place = u64::from(block) * 10 + index as u64 + pattern.index() as u64;
            let scatter = 0.99 + 0.02 * golden(place);
            let bytes =
                |base: f64, slope: f64| (base + f64::from(subscribers) * slope * scatter).round() as u64;
            memory_steps.push(MemoryStep {
                load,
                subscribers,
                server_user_bytes: bytes(6_200_000.0, slope),
                harness_user_bytes: bytes(9_000_000.0, slope * 1.5),
                kernel_slab_bytes: bytes(310_000_000.0 + 2e6 * golden(u64::from(block)), kernel),
                kernel_tcp_bytes: bytes(40_000.0, 20.0),
                server_descriptors: u64::from(subscribers) + 12,
            });
        }
    }
    let idle = IdleStretch { subscribers: 10_000, wall_us: 20e6, ..IdleStretch::default() };
    ConnectionCost { memory_steps, idle }
}

/// The cost of setting up these subscribers.
pub(crate) const fn set_up(pattern: Pattern, subscribers: u32) -> SetUp {
    let (bytes, segments) = match pattern {
        Pattern::ShortPolling => (318, 9),
        Pattern::LongPolling => (322, 9),
        Pattern::Sse => (297, 8),
        Pattern::WebSocket => (412, 9),
    };
    let subscribers = subscribers as u64;
    SetUp { subscribers, bytes: bytes * subscribers, segments: Some(segments * subscribers) }
}
