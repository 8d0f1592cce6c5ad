//! The progress display of a run: which trial it is at and how much time is left.

use std::time::{Duration, Instant};

use crate::say::{counted, say};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use load_harness::{Phase, Progress, TrialSpec};

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

    /// Announces the next trial.
    pub(crate) fn begin(&self, number: usize, of: usize, order: &TrialSpec) {
        let block = if order.block > 0 { format!(" · block {}", order.block) } else { String::new() };
        let server = &order.plan.settings.server;
        let server = if server.is_pushlab() { String::new() } else { format!(" · {server}") };
        let what =
            format!("{}{block}{server} · {} · {}", order.scenario, order.plan.pattern, settings(order));
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

/// The settings that distinguish a trial from its neighbours.
fn settings(order: &TrialSpec) -> String {
    let settings = &order.plan.settings;
    let subscribers = counted(settings.subscribers as usize, "subscriber");
    match order.plan.pattern.exchange() {
        contract::Exchange::TimedPoll => format!("{subscribers}, every {}", settings.poll_interval),
        contract::Exchange::HeldPoll => format!("{subscribers}, hold {}", settings.hold),
        contract::Exchange::Stream => subscribers,
    }
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
