//! The re-arm gap that follows from a trial's settings and its network.

use crate::{
    Inputs, NotApplicable, Piece,
    bytes::PollSizes,
    gaps::Gaps,
    path::{Chance, NetworkPath},
    timeline::Delays,
};

/// Steps for a deaf window that varies by chance.
const GAP_STEPS: u32 = 32;

/// The settings that decide the deaf window of long polling.
pub(crate) struct Rearm {
    pub(crate) hold_s: f64,
    pub(crate) delays: Delays,
    pub(crate) turnaround_s: f64,
    pub(crate) path: NetworkPath,
}

/// A request that follows an answer.
pub(crate) struct Rearmed {
    pub(crate) received_s: f64,
    pub(crate) sent_s: f64,
    pub(crate) arrives_s: f64,
}

impl Rearm {
    pub(crate) fn of(inputs: &Inputs<'_>) -> Result<Self, NotApplicable> {
        let delays = Delays::from(inputs.calibration);
        let hold_s = inputs.params.hold_ms.unwrap_or(0.0) / 1e3;
        if hold_s <= 0.0 {
            return Err(NotApplicable("the hold is missing".to_owned()));
        }
        // Without a turnaround the subscriber sends its next request at once and sets no timer.
        let turnaround_s = match inputs.params.turnaround_ms {
            Some(pause_ms) if pause_ms > 0.0 => pause_ms / 1e3 + delays.timer_late_s,
            Some(_) | None => 0.0,
        };
        Ok(Self { hold_s, delays, turnaround_s, path: NetworkPath::of(inputs.params) })
    }

    /// The one-way delay of a request, d_u, without jitter. The calibration measures publication, wake-up and
    /// the delay of the answer; on loopback a request takes about half as long.
    pub(crate) fn request_way_s(&self, request: f64) -> f64 {
        self.delays.transit_s / 2.0 + self.path.there_s(request)
    }

    /// The one-way delay of an answer, d_d, without jitter.
    pub(crate) fn answer_way_s(&self, answer: f64) -> f64 {
        self.delays.transit_s + self.path.back_s(answer)
    }

    /// The deaf window G after an answer of `answer` bytes, without jitter.
    pub(crate) fn gap_s(&self, sizes: PollSizes, inputs: &Inputs<'_>, answer: f64) -> f64 {
        let request = sizes.request(inputs.middle_cursor()) as f64;
        self.answer_way_s(answer) + self.turnaround_s + self.request_way_s(request)
    }

    /// The next request after the server reads the log at `looks_s` and answers.
    pub(crate) fn rearmed(&self, looks_s: f64, answer: f64, request: f64, chance: &mut Chance) -> Rearmed {
        let received_s = looks_s + self.answer_way_s(answer) + self.path.draw_s(chance);
        let begins_s = received_s + self.turnaround_s;
        Rearmed {
            received_s,
            sent_s: begins_s + self.path.asks_after_s,
            arrives_s: begins_s + self.request_way_s(request) + self.path.draw_s(chance),
        }
    }

    /// Checks that there is a formula for these gaps and a deaf window that varies by chance.
    pub(crate) fn check_jitter(&self, gaps: Gaps, shortest_gap_s: f64) -> Result<(), NotApplicable> {
        let longest_gap_s = shortest_gap_s + 2.0 * self.path.jitter_s;
        let is_plain = match gaps {
            Gaps::Poisson { .. } => true,
            Gaps::Steady { period_s } => !(shortest_gap_s..longest_gap_s).contains(&period_s),
            Gaps::Bursts { .. } => self.path.jitter_s == 0.0,
        };
        if is_plain {
            return Ok(());
        }
        Err(NotApplicable("which events find a parked request depends on the jitter".to_owned()))
    }

    /// The waits for the end of a deaf window that varies by the sum of two jitters. A long window meets more
    /// events than a short one, in proportion to its length.
    pub(crate) fn varied(&self, wait: Piece, shortest_gap_s: f64) -> Vec<Piece> {
        if self.path.jitter_s == 0.0 {
            return vec![wait];
        }
        let mean_s = shortest_gap_s + self.path.jitter_s;
        let place = |step: u32| (f64::from(step) + 0.5) / f64::from(GAP_STEPS);
        (0..GAP_STEPS)
            .map(|step| {
                // The weights of the triangular distribution over [0, 2] add up to 1.
                let chance = (1.0 - (2.0 * place(step) - 1.0).abs()) * 2.0 / f64::from(GAP_STEPS);
                let gap_s = shortest_gap_s + 2.0 * place(step) * self.path.jitter_s;
                Piece { share: wait.share * chance * gap_s / mean_s, from_s: 0.0, to_s: gap_s }
            })
            .collect()
    }

    pub(crate) fn sizes(&self, inputs: &Inputs<'_>) -> PollSizes {
        inputs.exchanges(PollSizes::long_polling(inputs.params.client, self.hold_s))
    }
}
