//! Ages, recorded without locks: one recorder per worker thread, merged when the trial has ended.

use contract::{TimeHistogram, Window};

const SECOND_NS: u64 = 1_000_000_000;

/// The ages of one worker's deliveries.
#[derive(Debug, Default)]
pub struct Recorder {
    window_ages: TimeHistogram,
    seconds: Vec<TimeHistogram>,
    /// Deliveries that never came, by the second in which they were due.
    censored_seconds: Vec<u64>,
    /// Deliveries of the window that never came: their number, and the smallest age of them at the end.
    censored: u64,
    censored_min_ns: Option<u64>,
}

impl Recorder {
    /// Records a delivery with its due, in nanoseconds since the schedule's instant 0, and its age.
    pub fn record(&mut self, window: Window, due_ns: u64, age_ns: u64) {
        if window.contains(due_ns) {
            self.window_ages.record_ns(age_ns);
        }
        let second = (due_ns / SECOND_NS) as usize;
        if self.seconds.len() <= second {
            self.seconds.resize_with(second + 1, TimeHistogram::default);
        }
        self.seconds[second].record_ns(age_ns);
    }

    /// Records a delivery that had not come at an age of `age_ns`.
    pub(crate) fn censor(&mut self, window: Window, due_ns: u64, age_ns: u64) {
        let second = (due_ns / SECOND_NS) as usize;
        if self.censored_seconds.len() <= second {
            self.censored_seconds.resize(second + 1, 0);
        }
        self.censored_seconds[second] += 1;
        if window.contains(due_ns) {
            self.censored += 1;
            self.censored_min_ns = Some(self.censored_min_ns.map_or(age_ns, |least| least.min(age_ns)));
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.window_ages.merge(&other.window_ages);
        if self.seconds.len() < other.seconds.len() {
            self.seconds.resize_with(other.seconds.len(), TimeHistogram::default);
        }
        for (mine, theirs) in self.seconds.iter_mut().zip(&other.seconds) {
            mine.merge(theirs);
        }
        if self.censored_seconds.len() < other.censored_seconds.len() {
            self.censored_seconds.resize(other.censored_seconds.len(), 0);
        }
        for (mine, theirs) in self.censored_seconds.iter_mut().zip(&other.censored_seconds) {
            *mine += theirs;
        }
        self.censored += other.censored;
        self.censored_min_ns = [self.censored_min_ns, other.censored_min_ns].into_iter().flatten().min();
    }

    pub(crate) fn ages(&self) -> contract::Ages {
        contract::Ages {
            arrived: self.window_ages.distribution(),
            censored: self.censored,
            censored_min_us: self.censored_min_ns.unwrap_or(0) / 1_000,
        }
    }

    /// The ages of arrived deliveries, by the second in which they were due.
    pub(crate) fn arrived_by_second(&self) -> &[TimeHistogram] {
        &self.seconds
    }

    pub(crate) fn seconds(&self) -> Vec<contract::Second> {
        let length = self.seconds.len().max(self.censored_seconds.len());
        let second = |second: usize| contract::Second {
            second: second as u32,
            censored: self.censored_seconds.get(second).copied().unwrap_or(0),
            ..self.seconds.get(second).map(|ages| ages.second(second as u32)).unwrap_or_default()
        };
        (0..length).map(second).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Window = Window { start_ns: SECOND_NS, end_ns: 3 * SECOND_NS };

    #[test]
    fn only_the_window_counts_but_every_second_is_kept() {
        let mut recorder = Recorder::default();
        recorder.record(WINDOW, SECOND_NS - 1, 5_000_000);
        recorder.record(WINDOW, SECOND_NS, 1_000_000);
        recorder.record(WINDOW, 2 * SECOND_NS, 3_000_000);
        recorder.record(WINDOW, 3 * SECOND_NS, 9_000_000);
        let ages = recorder.ages();
        assert_eq!((ages.arrived.count, ages.arrived.mean_us()), (2, Some(2_000.0)));
        let counts: Vec<u64> = recorder.seconds().iter().map(|second| second.count).collect();
        assert_eq!(counts, [1, 1, 1, 1]);
    }

    /// When a server sends the event or answer of this instant. It answers at once, but stalls from 2.0 s to
    /// 2.5 s.
    fn answered_ns(asked_ns: u64) -> u64 {
        const FROM_NS: u64 = 2 * SECOND_NS;
        const UNTIL_NS: u64 = FROM_NS + SECOND_NS / 2;
        if (FROM_NS..UNTIL_NS).contains(&asked_ns) { UNTIL_NS } else { asked_ns }
    }

    /// An event every 10 ms.
    fn dues_ns() -> impl Iterator<Item = u64> {
        (0..300_u64).map(|event| event * SECOND_NS / 100)
    }

    #[test]
    fn a_closed_loop_is_caught() {
        // The server stalls for half a second of the window's two, so one delivery in four waits.
        let shows_the_freeze = |ages: &contract::Ages| {
            let histogram = ages.arrived.histogram().unwrap();
            histogram.quantile_us(0.99) > 450_000 && histogram.quantile_us(0.8) > 50_000
        };
        let mut open = Recorder::default();
        for due_ns in dues_ns() {
            open.record(WINDOW, due_ns, answered_ns(due_ns) - due_ns);
        }
        assert!(shows_the_freeze(&open.ages()));
        assert_eq!(open.ages().arrived.count, 200, "an age for every delivery due in the window");

        // The closed loop sends a request, waits for the answer, and only then looks for the next due event. It
        // measures each answer from its own request.
        let (mut closed, mut now_ns) = (Recorder::default(), 0);
        while now_ns < WINDOW.end_ns {
            let answer_ns = answered_ns(now_ns);
            closed.record(WINDOW, now_ns, answer_ns - now_ns);
            now_ns = answer_ns + SECOND_NS / 100;
        }
        assert!(!shows_the_freeze(&closed.ages()), "a closed loop sees one long answer among short ones");
        let missing = 200 - closed.ages().arrived.count;
        assert!(missing >= 49, "the closed loop has fewer ages than there were due deliveries");
    }

    #[test]
    fn a_merge_of_workers_is_one_recorder_of_everything() {
        let (mut left, mut right, mut whole) =
            (Recorder::default(), Recorder::default(), Recorder::default());
        for (step, age_ns) in (1..200_u64).map(|step| (step, step * 777_000)) {
            let due_ns = step * 20_000_000;
            let side = if step % 3 == 0 { &mut left } else { &mut right };
            side.record(WINDOW, due_ns, age_ns);
            whole.record(WINDOW, due_ns, age_ns);
        }
        assert_eq!((left.seconds().len(), right.seconds().len()), (4, 4));
        left.censor(WINDOW, SECOND_NS, 70_000_000);
        right.censor(WINDOW, SECOND_NS, 50_000_000);
        right.censor(WINDOW, 0, 1);
        left.merge(&right);
        let arrived = |recorder: &Recorder| -> Vec<(u64, u64)> {
            recorder.seconds().iter().map(|second| (second.count, second.p99_us)).collect()
        };
        assert_eq!(arrived(&left), arrived(&whole));
        assert!(left.window_ages.buckets().eq(whole.window_ages.buckets()));
        assert_eq!((left.ages().censored, left.ages().censored_min_us), (2, 50_000));
        assert_eq!((left.seconds()[0].censored, left.seconds()[1].censored), (1, 2));
    }
}
