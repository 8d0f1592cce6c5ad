//! The replay of short polling: every subscriber's timer, its polls, and the polls that it skips.
//!
//! While a poll is under way its subscriber skips all ticks: if an exchange takes m intervals, only every m-th
//! tick is a poll.

use contract::{Pattern, poll_phase};

use crate::{
    Inputs, NotApplicable, Prediction,
    bytes::PollSizes,
    path::{Chance, NetworkPath},
    polling::{Ledger, Ticks},
    timeline::{Delays, Timeline},
};

/// If an answer comes closer than this to a tick, chance decides which of them is first.
const UNSURE_S: f64 = 0.001;

/// The settings that decide when a poll is sent, arrives and is answered.
pub(crate) struct PollTimer {
    /// Time between two ticks.
    tick_s: f64,
    /// Ticks between two empty polls: as many as an exchange takes.
    ticks_each: u64,
    pub(crate) path: NetworkPath,
    pub(crate) delays: Delays,
}

impl PollTimer {
    /// # Errors
    /// If the interval is missing, the polls saturate the server, or chance decides which polls are skipped.
    pub(crate) fn of(inputs: &Inputs<'_>) -> Result<Self, NotApplicable> {
        let tick_s = inputs.params.poll_interval_ms.unwrap_or(0.0) / 1e3;
        if tick_s <= 0.0 {
            return Err(NotApplicable("the poll interval is missing".to_owned()));
        }
        let (delays, path) = (Delays::from(inputs.calibration), NetworkPath::of(inputs.params));
        let mut timer = Self { tick_s, ticks_each: 1, path, delays };
        let sizes = sizes(inputs);
        let cursor = inputs.middle_cursor();
        let exchange_s = timer.exchange_s(sizes.request(cursor) as f64, sizes.empty_answer(cursor) as f64);
        timer.ticks_each = timer.ticks(exchange_s);
        let latest_s = exchange_s + UNSURE_S + 2.0 * path.jitter_s;
        if timer.ticks(exchange_s - UNSURE_S) != timer.ticks(latest_s) {
            return Err(NotApplicable(
                "an exchange ends close to the next tick: chance decides which polls are skipped".to_owned(),
            ));
        }
        inputs.check_load(1.0 / timer.interval_s())?;
        Ok(timer)
    }

    /// Time between two polls.
    pub(crate) fn interval_s(&self) -> f64 {
        self.ticks_each as f64 * self.tick_s
    }

    /// From the tick until the server reads the log, without jitter.
    pub(crate) fn there_s(&self, request: f64) -> f64 {
        self.delays.transit_s / 2.0 + self.path.there_s(request)
    }

    /// From then until the answer is received, without jitter.
    pub(crate) fn back_s(&self, answer: f64) -> f64 {
        self.delays.transit_s / 2.0 + self.path.back_s(answer)
    }

    /// The time of a whole exchange of these sizes, including the opening of its connection.
    pub(crate) fn exchange_s(&self, request: f64, answer: f64) -> f64 {
        self.there_s(request) + self.back_s(answer)
    }

    /// Ticks from a poll to the next, if its exchange takes `exchange_s`.
    pub(crate) fn ticks(&self, exchange_s: f64) -> u64 {
        ((self.delays.timer_late_s + exchange_s) / self.tick_s).ceil().max(1.0) as u64
    }
}

pub(crate) fn sizes(inputs: &Inputs<'_>) -> PollSizes {
    inputs.exchanges(PollSizes::short_polling(inputs.params.client))
}

/// Subscriber i polls at (frac(φ + i·0.618…) + k)·T + the timer's lateness, k = 0, 1, …
///
/// # Errors
/// If the polls alone saturate the server, chance decides which of them are skipped, or no event arrives
/// within the window.
pub fn replayed(inputs: &Inputs<'_>) -> Result<Prediction, NotApplicable> {
    let timer = PollTimer::of(inputs)?;
    let timeline = Timeline::new(inputs);
    let subscribers = inputs.params.subscribers as usize;
    let mut ledger = Ledger::new(&timeline, sizes(inputs), subscribers, timeline.counted.len());
    let mut chance = Chance::new();
    let first_poll_s = |subscriber: usize| {
        poll_phase(inputs.poll_phase, subscriber as u32) * timer.tick_s + timer.delays.timer_late_s
    };
    for first_s in (0..subscribers).map(first_poll_s) {
        timer.replay(first_s, &timeline, &mut ledger, &mut chance);
    }
    let end_s = ledger.end_s();
    let polls = |first_s: f64| ((end_s - first_s) / timer.interval_s() + 1.0).max(0.0) as u64;
    let timed: u64 = (0..subscribers).map(first_poll_s).map(polls).sum();
    let mut prediction =
        ledger.into_prediction(Pattern::ShortPolling, inputs, subscribers, subscribers as u64 + timed)?;
    prediction.sockets_held = timer.sockets_held(inputs);
    Ok(prediction)
}

impl PollTimer {
    /// Connections held at a time.
    pub(crate) fn sockets_held(&self, inputs: &Inputs<'_>) -> f64 {
        let sizes = sizes(inputs);
        let cursor = inputs.middle_cursor();
        let exchange_s = self.exchange_s(sizes.request(cursor) as f64, sizes.empty_answer(cursor) as f64);
        inputs.sockets_held((exchange_s + self.path.jitter_s) / self.interval_s())
    }

    /// Replays one subscriber poll by poll; polls that are certainly empty are counted in rows.
    fn replay(&self, first_s: f64, timeline: &Timeline<'_>, ledger: &mut Ledger<'_>, chance: &mut Chance) {
        let (mut cursor, mut tick) = (0, 0_u64);
        let poll_s = |tick: u64| first_s + tick as f64 * self.tick_s;
        while let Some(&published_s) = timeline.published_s.get(cursor) {
            let request = ledger.request_bytes(cursor) as f64;
            let there_s = self.there_s(request);
            let latest_s = there_s + self.path.jitter_s;
            let polls = ((published_s - latest_s - poll_s(tick)) / self.interval_s()).ceil() as u64;
            ledger.empty_ticks(&self.row(poll_s(tick), cursor, ledger), 0..polls, cursor);
            tick += polls * self.ticks_each;
            let arrives_s = poll_s(tick) + there_s + self.path.draw_s(chance);
            // Without jitter this poll brings the event by construction, whatever rounding does.
            let brings = self.path.jitter_s == 0.0 || published_s <= arrives_s;
            let up_to = if brings { timeline.published_by(arrives_s, cursor + 1) } else { cursor };
            let answer = ledger.answer_bytes(cursor, up_to) as f64;
            let received_s = arrives_s + self.back_s(answer) + self.path.draw_s(chance);
            ledger.exchange(poll_s(tick) + self.path.asks_after_s, received_s, cursor, up_to);
            tick += self.ticks(received_s - poll_s(tick));
            cursor = up_to;
        }
        ledger.empty_ticks(&self.row(poll_s(tick), cursor, ledger), 0..u64::MAX, cursor);
    }

    /// A row of empty polls that starts at `from_s`, after the first `after` events.
    fn row(&self, from_s: f64, after: usize, ledger: &Ledger<'_>) -> Ticks {
        let (request, answer) = (ledger.request_bytes(after), ledger.answer_bytes(after, after));
        let exchange_s = self.exchange_s(request as f64, answer as f64) + self.path.jitter_s;
        Ticks {
            first_s: from_s + self.path.asks_after_s,
            interval_s: self.interval_s(),
            exchange_s: exchange_s - self.path.asks_after_s,
        }
    }
}
