//! The three ledgers of the bytes of all connections over their whole life: computed by the subscribers from
//! requests, decoded messages and messages that broke off; counted at the sockets; counted by the kernel.

use contract::{Limits, Measurements};

use crate::text::number::{count, with_unit};

/// How the bytes were counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ledger {
    Computed,
    Sockets,
    Kernel,
}

impl Ledger {
    pub(crate) const ALL: [Self; 3] = [Self::Computed, Self::Sockets, Self::Kernel];

    /// Head of its column.
    pub(crate) const fn head(self) -> &'static str {
        match self {
            Self::Computed => "payload and framing",
            Self::Sockets => "sockets",
            Self::Kernel => "kernel",
        }
    }

    const fn label(self) -> &'static str {
        match self {
            Self::Computed => "payload plus computed heads and framing",
            Self::Sockets => "the sockets' streams",
            Self::Kernel => "the kernel's count",
        }
    }

    /// Bytes of both directions; none if they are not reported.
    pub(crate) fn bytes(self, of: &Measurements) -> Option<u64> {
        match self {
            Self::Computed => of.computed_life.map(|computed| computed.total() + of.broken_off_life),
            Self::Sockets => Some(of.bytes_life.total()),
            Self::Kernel => of.kernel_life.map(|kernel| kernel.bytes()),
        }
    }
}

/// Every two known ledgers with their relative difference.
fn pairs(of: &Measurements) -> Vec<([(Ledger, u64); 2], f64)> {
    let reported: Vec<(Ledger, u64)> =
        Ledger::ALL.into_iter().filter_map(|ledger| Some((ledger, ledger.bytes(of)?))).collect();
    let mut pairs = Vec::new();
    for (index, &left) in reported.iter().enumerate() {
        for &right in &reported[index + 1..] {
            let most = left.1.max(right.1);
            let apart = if most == 0 { 0.0 } else { left.1.abs_diff(right.1) as f64 / most as f64 };
            pairs.push(([left, right], apart));
        }
    }
    pairs
}

/// The largest difference of two ledgers, as a fraction; none if there is only one.
pub(crate) fn difference(of: &Measurements) -> Option<f64> {
    pairs(of).into_iter().map(|(_, apart)| apart).reduce(f64::max)
}

/// Which two differ by more than the limit, and by how much.
pub(crate) fn disagreements(of: &Measurements, limits: &Limits) -> Vec<String> {
    pairs(of)
        .into_iter()
        .filter(|(_, apart)| *apart > limits.ledger_difference)
        .map(|([(left, left_bytes), (right, right_bytes)], apart)| {
            format!(
                "{} ({} bytes) and {} ({} bytes) differ by {}",
                left.label(),
                count(left_bytes),
                right.label(),
                count(right_bytes),
                with_unit(apart * 100.0, "%")
            )
        })
        .collect()
}
