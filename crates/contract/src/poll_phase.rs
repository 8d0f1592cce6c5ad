//! When the subscribers of a trial poll, relative to each other.

/// Step between two subscribers' poll phases, as a fraction of the poll interval: the fractional part of the
/// golden ratio. For any number of subscribers its multiples fill `[0, 1)` more evenly than random numbers,
/// and they do not lock to a schedule's period.
pub const PHASE_STEP: f64 = 0.618_033_988_749_894_9;

/// The poll phase of a subscriber, a fraction of the poll interval in `[0, 1)`; `start` is that of number 0.
#[must_use]
pub fn poll_phase(start: f64, subscriber: u32) -> f64 {
    (start + f64::from(subscriber) * PHASE_STEP).fract()
}
