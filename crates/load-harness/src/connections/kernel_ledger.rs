//! Sums of the kernel's counters, over connections and between two instants.

use contract::KernelCounts;

/// A reading of the kernel's counters at one instant.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct KernelReading {
    /// All connections so far.
    pub(crate) all: KernelCounts,
    /// Of these, the closed ones.
    pub(crate) closed: KernelCounts,
}

impl KernelReading {
    pub(crate) fn add(&self, other: &Self) -> Self {
        Self { all: add_up(&self.all, &other.all), closed: add_up(&self.closed, &other.closed) }
    }

    /// What was counted since an earlier reading. Connections and round-trip times are those of the
    /// connections that were open in between.
    pub(crate) fn since(&self, earlier: &Self) -> KernelCounts {
        let (now, then) = (&self.all, &earlier.all);
        KernelCounts {
            connections: now.connections - earlier.closed.connections,
            bytes_acked: now.bytes_acked - then.bytes_acked,
            bytes_received: now.bytes_received - then.bytes_received,
            // Bytes that were pending before may be gone since.
            bytes_unacked: now.bytes_unacked.saturating_sub(then.bytes_unacked),
            bytes_unread: now.bytes_unread.saturating_sub(then.bytes_unread),
            segments_sent: now.segments_sent - then.segments_sent,
            segments_received: now.segments_received - then.segments_received,
            data_segments_sent: now.data_segments_sent - then.data_segments_sent,
            data_segments_received: now.data_segments_received - then.data_segments_received,
            retransmitted: now.retransmitted - then.retransmitted,
            rtt_sum_us: now.rtt_sum_us - earlier.closed.rtt_sum_us,
        }
    }
}

/// The counters of two sets of connections together.
pub(crate) fn add_up(left: &KernelCounts, right: &KernelCounts) -> KernelCounts {
    KernelCounts {
        connections: left.connections + right.connections,
        bytes_acked: left.bytes_acked + right.bytes_acked,
        bytes_received: left.bytes_received + right.bytes_received,
        bytes_unacked: left.bytes_unacked + right.bytes_unacked,
        bytes_unread: left.bytes_unread + right.bytes_unread,
        segments_sent: left.segments_sent + right.segments_sent,
        segments_received: left.segments_received + right.segments_received,
        data_segments_sent: left.data_segments_sent + right.data_segments_sent,
        data_segments_received: left.data_segments_received + right.data_segments_received,
        retransmitted: left.retransmitted + right.retransmitted,
        rtt_sum_us: left.rtt_sum_us + right.rtt_sum_us,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection(bytes: u64, rtt_us: f64) -> KernelCounts {
        KernelCounts {
            connections: 1,
            bytes_acked: bytes,
            segments_sent: 3,
            rtt_sum_us: rtt_us,
            ..KernelCounts::default()
        }
    }

    #[test]
    fn a_window_has_the_bytes_between_its_edges_and_the_connections_open_in_it() {
        let (left, staying) = (connection(100, 40.0), connection(10, 20.0));
        let before = KernelReading { all: add_up(&left, &staying), closed: left };
        let grown = connection(250, 30.0);
        let newcomer = connection(7, 60.0);
        let after = before.add(&KernelReading { all: newcomer, closed: newcomer });
        let after = KernelReading { all: add_up(&add_up(&left, &grown), &newcomer), ..after };
        let between = after.since(&before);
        assert_eq!((between.connections, between.bytes_acked, between.segments_sent), (2, 240 + 7, 3));
        assert_eq!(between.rtt_sum_us, 90.0);
    }
}
