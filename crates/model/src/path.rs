//! The path between subscriber and server: the delay that a middlebox adds to a request and to an answer.
//!
//! Each direction takes half the round-trip time. A relay cannot delay a SYN, so on a new connection the first
//! bytes take a whole round-trip time more. Jitter is uniform between 0 and its maximum. A message of b bytes
//! takes b ÷ bandwidth to pass, and arrives with its last byte. Each connection has its own link.

use contract::Params;

use crate::set_up::connection_round_trips;

/// The delay of a request or an answer beyond that on loopback, in seconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NetworkPath {
    /// One direction, without jitter.
    leg_s: f64,
    /// Largest jitter of a direction.
    pub(crate) jitter_s: f64,
    /// The inverse of the bandwidth; 0 where it is unlimited.
    s_per_byte: f64,
    /// What opening a connection adds to a request, if every request opens one.
    opening_s: f64,
    /// The part of it before the request is sent: a TLS handshake.
    pub(crate) asks_after_s: f64,
}

impl NetworkPath {
    pub(crate) fn of(params: &Params) -> Self {
        let network = params.network.unwrap_or_default();
        let rtt_s = network.rtt.as_secs_f64();
        let jitter_s = network.jitter.as_secs_f64();
        let is_fresh = params.keep_alive == Some(false);
        let is_encrypted = params.transport.is_encrypted();
        let opening_s = if is_fresh { connection_round_trips(params.transport) * rtt_s } else { 0.0 };
        // Both directions of the handshake have jitter: half of the maximum each, on average.
        let handshake_jitter_s = if is_fresh && is_encrypted { jitter_s } else { 0.0 };
        let opening_s = opening_s + handshake_jitter_s;
        Self {
            leg_s: rtt_s / 2.0,
            jitter_s,
            s_per_byte: network.bytes_per_second.map_or(0.0, |bytes| 1.0 / bytes as f64),
            opening_s,
            asks_after_s: if is_encrypted { opening_s } else { 0.0 },
        }
    }

    /// The delay of a request of `bytes` bytes to the server, without jitter.
    pub(crate) fn there_s(&self, bytes: f64) -> f64 {
        self.opening_s + self.back_s(bytes)
    }

    /// The delay of an answer of `bytes` bytes to the subscriber, without jitter.
    pub(crate) fn back_s(&self, bytes: f64) -> f64 {
        self.leg_s + self.passing_s(bytes)
    }

    /// The time in which `bytes` bytes pass the link.
    pub(crate) fn passing_s(&self, bytes: f64) -> f64 {
        bytes * self.s_per_byte
    }

    pub(crate) fn has_bandwidth(&self) -> bool {
        self.s_per_byte > 0.0
    }

    /// The jitter of one message.
    pub(crate) fn draw_s(&self, chance: &mut Chance) -> f64 {
        if self.jitter_s > 0.0 { self.jitter_s * chance.draw() } else { 0.0 }
    }
}

/// The random numbers of a replay, the same in each: SplitMix64 (Steele, Lea and Flood 2014).
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) const fn new() -> Self {
        Self(1)
    }

    /// Uniform over `[0, 1)`.
    fn draw(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_is_even() {
        let mut chance = Chance::new();
        let draws: Vec<f64> = (0..100_000).map(|_| chance.draw()).collect();
        let mean = draws.iter().sum::<f64>() / 1e5;
        let variance = draws.iter().map(|draw| (draw - mean).powi(2)).sum::<f64>() / 1e5;
        assert!((mean - 0.5).abs() < 0.005 && (variance - 1.0 / 12.0).abs() < 0.001, "{mean} {variance}");
        assert!(draws.iter().all(|draw| (0.0..1.0).contains(draw)));
    }
}
