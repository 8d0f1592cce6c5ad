//! Checks by sequence number, for each subscriber, that every event was delivered once and in order.

/// What one subscriber has received so far: the highest number and, only after a gap, the missing ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Sequence {
    /// The highest number received or started from.
    highest: u64,
    /// Numbers below `highest` that have not come, as half-open ranges in ascending order.
    missing: Vec<(u64, u64)>,
}

/// The kind of a received number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// The next one, or one after a gap.
    New,
    /// A missing one that comes after a later one.
    Reordered,
    /// One that has come already, or that is before the start.
    Duplicate,
}

impl Sequence {
    /// A subscriber that starts after number `seq`.
    pub(crate) fn starting_after(seq: u64) -> Self {
        Self { highest: seq, missing: Vec::new() }
    }

    /// Notes a received number.
    pub(crate) fn receive(&mut self, seq: u64) -> Arrival {
        if seq > self.highest {
            if seq > self.highest + 1 {
                self.missing.push((self.highest + 1, seq));
            }
            self.highest = seq;
            return Arrival::New;
        }
        let Some(place) = self.missing.iter().position(|(start, end)| (*start..*end).contains(&seq)) else {
            return Arrival::Duplicate;
        };
        let (start, end) = self.missing.remove(place);
        let left = [(start, seq), (seq + 1, end)];
        self.missing.splice(place..place, left.into_iter().filter(|(start, end)| start < end));
        Arrival::Reordered
    }

    /// Every number of `first..end` that has not been received.
    pub(crate) fn missing_in(&self, first: u64, end: u64) -> impl Iterator<Item = u64> + '_ {
        let tail = (self.highest + 1, end);
        self.missing
            .iter()
            .copied()
            .chain([tail])
            .flat_map(|(start, end)| start..end)
            .filter(move |seq| (first..end).contains(seq))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_gap_is_missing_until_it_is_filled() {
        let mut sequence = Sequence::starting_after(10);
        assert_eq!(sequence.receive(11), Arrival::New);
        assert_eq!(sequence.receive(15), Arrival::New);
        assert_eq!(sequence.receive(13), Arrival::Reordered);
        assert_eq!(sequence.receive(13), Arrival::Duplicate);
        assert_eq!(sequence.receive(10), Arrival::Duplicate);
        assert_eq!(sequence.missing_in(11, 18).collect::<Vec<_>>(), [12, 14, 16, 17]);
    }

    proptest! {
        #[test]
        fn it_agrees_with_a_set(received in proptest::collection::vec(1_u64..40, 0..80)) {
            let mut sequence = Sequence::starting_after(0);
            let mut seen = std::collections::BTreeSet::new();
            let mut highest = 0;
            for seq in received {
                let expected = if !seen.insert(seq) {
                    Arrival::Duplicate
                } else if seq < highest {
                    Arrival::Reordered
                } else {
                    Arrival::New
                };
                highest = highest.max(seq);
                prop_assert_eq!(sequence.receive(seq), expected);
            }
            let missing: Vec<u64> = (1..40).filter(|seq| !seen.contains(seq)).collect();
            prop_assert_eq!(sequence.missing_in(1, 40).collect::<Vec<_>>(), missing);
        }
    }
}
