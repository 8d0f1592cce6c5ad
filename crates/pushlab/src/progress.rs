//! The progress display of a run: which trial it is at and how much time is left.

use std::time::{Duration, Instant};

use contract::Scenario;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use load_harness::{Phase, Progress, TrialSpec};

use crate::say::say;

/// Two bars on a terminal, otherwise a line per trial.
pub(crate) struct Display {
    bars: Option<(ProgressBar, ProgressBar)>,
    started: Instant,
    expected: Duration,
    done: Duration,
    ran: u32,
}

impl Display {
    /// A display for these trials; the bar of the run has their total expected length.
    pub(crate) fn new(orders: &[&TrialSpec]) -> Self {
        let expected = expected_length(orders.iter().copied());
        let bars = MultiProgress::new();
        let shown = !bars.is_hidden();
        let bars = shown.then(|| {
            let run = bars.add(ProgressBar::new(millis(expected)));
            let trial = bars.add(ProgressBar::new(1));
            run.set_style(style("run   [{bar:32}] {msg}"));
            trial.set_style(style("trial [{bar:32}] {msg}"));
            (run, trial)
        });
        Self { bars, started: Instant::now(), expected, done: Duration::ZERO, ran: 0 }
    }

    /// Expected length of all trials.
    pub(crate) const fn expected(&self) -> Duration {
        self.expected
    }

    /// Announces the next trial. A calibration has no scenario.
    pub(crate) fn begin(&self, number: usize, of: usize, order: &TrialSpec, scenario: Option<&Scenario>) {
        let what = trial_line(order, scenario);
        match &self.bars {
            Some((run, trial)) => {
                run.println(format!("{number:>3}/{of} {what}"));
                trial.set_length(millis(order.expected_length()));
                trial.set_position(0);
            }
            None => {
                let left = clock(self.expected.saturating_sub(self.done));
                say(format!("{number:>3}/{of} {what} ({left} left)"));
            }
        }
    }

    /// Shows the progress of the trial.
    pub(crate) fn tell(&self, order: &TrialSpec, progress: Progress) {
        let Some((run, trial)) = &self.bars else {
            return;
        };
        let phase = match progress.phase {
            Phase::Connecting(connected, of) => format!("connecting {connected}/{of}"),
            Phase::WarmUp => "warming up".to_owned(),
            Phase::Measuring => "measuring".to_owned(),
            Phase::Draining => "draining".to_owned(),
        };
        let trial_left = order.plan.settings.schedule_length().saturating_sub(progress.schedule_elapsed);
        trial.set_position(millis(progress.schedule_elapsed));
        trial.set_message(format!("{phase}, {} left", clock(trial_left)));
        let passed = self.done + progress.schedule_elapsed.min(order.expected_length());
        run.set_position(millis(passed));
        run.set_message(format!("{} left", clock(self.expected.saturating_sub(passed))));
    }

    /// Counts a trial that has ended, and prints its bad news.
    pub(crate) fn end(&mut self, order: &TrialSpec, bad_news: Option<&str>) {
        self.done += order.expected_length();
        self.ran += 1;
        if let Some(words) = bad_news {
            self.note(words);
        }
    }

    /// Adds a repetition of a trial to the expected time.
    pub(crate) fn expect_again(&mut self, order: &TrialSpec) {
        self.expected += order.expected_length();
        if let Some((run, _)) = &self.bars {
            run.set_length(millis(self.expected));
        }
    }

    /// Prints a note below the trial that has ended.
    pub(crate) fn note(&self, words: &str) {
        let words = format!("        {words}");
        match &self.bars {
            Some((run, _)) => run.println(words),
            None => say(words),
        }
    }

    /// Removes the bars; returns the elapsed time and the number of trials that ran.
    pub(crate) fn finish(self) -> (Duration, u32) {
        if let Some((run, trial)) = self.bars {
            trial.finish_and_clear();
            run.finish_and_clear();
        }
        (self.started.elapsed(), self.ran)
    }
}

/// `obstacles · block 1 · long polling · buffering 16 KiB or 1 s`: the scenario, the pattern, and the value that
/// the scenario varies.
fn trial_line(order: &TrialSpec, scenario: Option<&Scenario>) -> String {
    let pattern = order.plan.pattern;
    let mut parts = vec![order.scenario.clone()];
    parts.extend((order.block > 0).then(|| format!("block {}", order.block)));
    let server = &order.plan.settings.server;
    parts.extend((!server.is_pushlab()).then(|| server.to_string()));
    parts.push(pattern.label().to_owned());
    parts.push(report::trial_words(scenario, pattern, &order.params()));
    parts.join(" · ")
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ")
}

fn millis(duration: Duration) -> u64 {
    duration.as_millis() as u64
}

/// How long trials take, one after the other.
pub(crate) fn expected_length<'a>(orders: impl Iterator<Item = &'a TrialSpec>) -> Duration {
    orders.map(TrialSpec::expected_length).sum()
}

/// Minutes and seconds, such as `4:05`.
pub(crate) fn clock(duration: Duration) -> String {
    let seconds = duration.as_secs_f64().round() as u64;
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use contract::Selection;
    use load_harness::{CalibrationKey, calibration_spec};

    use super::*;
    use crate::scenarios;

    /// The lines of the first block of a scenario of the lab, each once.
    fn lines(name: &str) -> Vec<String> {
        // Relative to the folder of this crate, where its tests run.
        let loaded = scenarios::named(Path::new("../../scenarios"), name).expect("a scenario");
        let orders = loaded.orders(Selection::Everything, 1).expect("trials");
        orders.iter().map(|order| trial_line(order, Some(&loaded.scenario))).collect()
    }

    #[test]
    fn a_trial_is_announced_by_what_its_scenario_varies() {
        for (name, line) in [
            ("obstacles", "obstacles · block 1 · long polling · buffering 16 KiB or 1 s"),
            ("transports", "transports · block 1 · SSE · HTTP/1.1 in TLS"),
            ("poll-interval", "poll-interval · block 1 · short polling · 250 ms"),
            ("subscribers", "subscribers · block 1 · WebSocket · 1,000 subscribers"),
        ] {
            let found = lines(name);
            assert!(found.iter().any(|other| other == line), "{line} is missing in {found:#?}");
            let mut different = found.clone();
            different.sort();
            different.dedup();
            assert_eq!(different.len(), found.len(), "{name}: a line for each trial: {found:#?}");
        }
    }

    #[test]
    fn a_calibration_is_announced_by_its_subscribers() {
        let loaded = scenarios::named(Path::new("../../scenarios"), "obstacles").expect("a scenario");
        let order = &loaded.orders(Selection::Everything, 1).expect("trials")[0];
        let calibration = calibration_spec(CalibrationKey::of(&order.plan), &[order], 1).expect("a trial");
        let line = trial_line(&calibration, None);
        assert!(line.starts_with("calibration · short polling · 8 subscribers, every "), "{line}");
    }
}
