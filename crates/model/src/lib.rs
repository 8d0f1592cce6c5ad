//! Predicts what each pattern costs and delivers, before anything is measured.
//!
//! Every prediction is made twice: as a closed form from the mean rate, and by replaying the same
//! model over the due list of the schedule that is really published. Nothing here reads a clock,
//! opens a socket or uses a measurement other than the given calibration.
//!
//! **Per event** means per delivery, and both parts of the quotient belong to the same window: what is sent or
//! received between its edges, divided by the deliveries that arrive between them, whenever they were due.
//! The replay counts both; a closed form has no edges and is the limit for long windows. Ages are those of the
//! events due in the window, whenever they arrive.
//!
//! A network between subscriber and server adds delay to every message (`path.rs`). A transport adds bytes to
//! each write ([`transports`]); ages and requests do not depend on it. A middlebox that ends, refuses or holds
//! back connections on purpose has no prediction (`obstacles.rs`).

mod age;
pub mod bytes;
pub mod deaf_window;
mod endless;
pub mod fan_out;
mod gaps;
pub mod heartbeats;
mod held_requests;
mod link;
pub mod long_polling;
mod obstacles;
mod path;
mod poll_timer;
mod polling;
mod range;
pub mod rearm;
mod rearm_gap;
pub mod set_up;
pub mod short_polling;
pub mod sse;
mod timeline;
pub mod transports;
pub mod websocket;

use std::ops::Range;

use contract::{Arrivals, BrowserTask, Calibration, Params, Pattern, PublishedSchedule, Transport, Window};

pub use age::{AgeCurve, Piece};
use bytes::PollSizes;
pub use endless::endless;
pub use gaps::Gaps;
use path::NetworkPath;
pub use range::{AgeRange, AgeRanges, age_ranges};

/// The counts of fewer events that arrive by chance vary more than any tolerance allows.
const FEWEST_EVENTS: usize = 30;
/// With a hold longer than this fraction of the window, time-outs are too rare to be counted, if there are any.
const LONGEST_HOLD_OF_WINDOW: f64 = 1.0 / 8.0;
/// Above this load requests queue, and the model's assumption of an idle server fails.
const HIGHEST_LOAD: f64 = 0.9;

/// Phases over which the polls of a page are averaged.
const PHASES_OF_A_PAGE: u32 = 100;

/// Everything that a prediction may depend on. No measurement of the trial that is being judged.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// The trial's settings.
    pub params: &'a Params,
    /// How events arrive; decides which closed form applies.
    pub arrivals: &'a Arrivals,
    /// The due list that is really published.
    pub schedule: &'a PublishedSchedule,
    /// The measured part of the schedule.
    pub window: Window,
    /// Seeded start of the golden-ratio poll phases, in `[0, 1)`.
    pub poll_phase: f64,
    /// Costs and delays of this machine from a calibration trial; all zero if there was none.
    pub calibration: Calibration,
}

/// Why a quantity has no prediction.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotApplicable(pub String);

/// Both predictions of one trial.
#[derive(Debug, Clone, PartialEq)]
pub struct Predicted {
    /// From the mean rate.
    pub closed_form: Result<Prediction, NotApplicable>,
    /// Replayed over the due list. Tolerances hold against this one.
    pub replayed: Result<Prediction, NotApplicable>,
}

/// The predicted quantities of one trial.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    /// Distribution of the ages.
    pub age: AgeCurve,
    /// Requests that are sent in the window ÷ deliveries that arrive in it.
    pub requests_per_event: f64,
    /// Requests of a whole subscription; absent if it depends on when the trial ends.
    pub requests_per_subscriber: Option<f64>,
    /// Fraction of the window's requests whose answer brings nothing new.
    pub empty_ratio: f64,
    /// Bytes of the TCP streams in the window per delivery that arrives in it, both directions; or why there
    /// is no prediction of them.
    pub bytes: Result<BytesPerEvent, NotApplicable>,
    /// Connections held open at a time.
    pub sockets_held: f64,
    /// Round trips from `connect()` to the first answer that gives a cursor, on a new connection.
    pub set_up_round_trips: f64,
    /// The time of these round trips, a lower bound of the set-up time; absent without a round-trip time.
    pub connect_ms: Option<f64>,
}

/// Bytes per delivery by what they carry. The parts are those of `contract::ByteCounts`.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct BytesPerEvent {
    /// Text of the event.
    pub payload: f64,
    /// JSON and SSE envelopes, chunk and frame headers, heartbeats.
    pub framing: f64,
    /// Request and response heads of exchanges that brought events.
    pub headers: f64,
    /// Exchanges that brought none.
    pub empty_polls: f64,
}

impl BytesPerEvent {
    /// All bytes.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.payload + self.framing + self.headers + self.empty_polls
    }
}

/// Predicts one trial of a pattern.
#[must_use]
pub fn predict(pattern: Pattern, inputs: &Inputs<'_>) -> Predicted {
    if inputs.params.delivery_jitter_ms.is_some() {
        let reason = NotApplicable("the server delays events by chance on purpose".to_owned());
        return Predicted { closed_form: Err(reason.clone()), replayed: Err(reason) };
    }
    let mut params = *inputs.params;
    match params.browser.map(|browser| browser.task) {
        Some(BrowserTask::SixConnections | BrowserTask::CrossOrigin | BrowserTask::SseConformance) => {
            let reason = NotApplicable("the model does not cover the checks of a browser's page".to_owned());
            return Predicted { closed_form: Err(reason.clone()), replayed: Err(reason) };
        }
        // The page is one subscriber, and the ages are its own. Its poll phase is not known beforehand, so the
        // prediction is the average over many phases.
        Some(BrowserTask::Ages) => {
            params.subscribers = if pattern.is_timed() { PHASES_OF_A_PAGE } else { 1 };
        }
        None => {}
    }
    let inputs = &Inputs { params: &params, ..*inputs };
    let mut predicted = match params.delivery_delay_ms {
        None => predict_undelayed(pattern, inputs),
        Some(delay_ms) => predict_delayed(pattern, inputs, delay_ms),
    };
    if params.browser.is_some() {
        for prediction in [&mut predicted.closed_form, &mut predicted.replayed].into_iter().flatten() {
            prediction.sockets_held = 1.0;
        }
    }
    predicted
}

/// Delayed events are predicted as events that are due later, and older by the delay.
fn predict_delayed(pattern: Pattern, inputs: &Inputs<'_>, delay_ms: f64) -> Predicted {
    let delay_ns = (delay_ms * 1e6) as u64;
    let mut schedule = inputs.schedule.clone();
    schedule.due_ns.iter_mut().for_each(|due_ns| *due_ns += delay_ns);
    let window =
        Window { start_ns: inputs.window.start_ns + delay_ns, end_ns: inputs.window.end_ns + delay_ns };
    let later = Inputs { schedule: &schedule, window, ..*inputs };
    let older = |prediction: Prediction| Prediction { age: prediction.age.older_by(delay_ms), ..prediction };
    let Predicted { closed_form, replayed } = predict_undelayed(pattern, &later);
    Predicted { closed_form: closed_form.map(older), replayed: replayed.map(older) }
}

fn predict_undelayed(pattern: Pattern, inputs: &Inputs<'_>) -> Predicted {
    if let Err(reason) = inputs.check(pattern) {
        return Predicted { closed_form: Err(reason.clone()), replayed: Err(reason) };
    }
    let replayed = match pattern {
        Pattern::ShortPolling => short_polling::replayed(inputs),
        Pattern::LongPolling => long_polling::replayed(inputs),
        Pattern::Sse => sse::replayed(inputs),
        Pattern::WebSocket => websocket::replayed(inputs),
    };
    Predicted { closed_form: closed_form(pattern, inputs), replayed }
}

fn closed_form(pattern: Pattern, inputs: &Inputs<'_>) -> Result<Prediction, NotApplicable> {
    match pattern {
        Pattern::ShortPolling => short_polling::closed_form(inputs),
        Pattern::LongPolling => long_polling::closed_form(inputs),
        Pattern::Sse => sse::closed_form(inputs),
        Pattern::WebSocket => websocket::closed_form(inputs),
    }
}

impl Inputs<'_> {
    /// The events that are due in the window.
    fn counted(&self) -> Range<usize> {
        let before = |edge_ns: u64| self.schedule.due_ns.partition_point(|&due| due < edge_ns);
        before(self.window.start_ns)..before(self.window.end_ns)
    }

    /// Whether a prediction is possible.
    fn check(&self, pattern: Pattern) -> Result<(), NotApplicable> {
        let absent = |reason: String| Err(NotApplicable(reason));
        let schedule = self.schedule;
        let columns = [&schedule.data_bytes, &schedule.type_bytes, &schedule.escape_bytes, &schedule.lines];
        let events = schedule.due_ns.len();
        if columns.iter().any(|column| column.len() != events) {
            return absent("the schedule's columns have different lengths".to_owned());
        }
        let counted = self.counted().len();
        if counted == 0 || self.params.subscribers == 0 {
            return absent("there are no deliveries in the window to divide by".to_owned());
        }
        if counted < FEWEST_EVENTS && !matches!(self.arrivals, Arrivals::Steady { .. }) {
            return absent(format!(
                "{counted} events in the window are too few: at least {FEWEST_EVENTS} are needed"
            ));
        }
        obstacles::check(pattern, self)?;
        self.check_network(pattern)?;
        if pattern.is_held() { self.check_hold() } else { Ok(()) }
    }

    /// Whether the model covers the network's effect on every message.
    fn check_network(&self, pattern: Pattern) -> Result<(), NotApplicable> {
        let path = NetworkPath::of(self.params);
        if path.jitter_s > 0.0 && self.streams_per_connection() > 1 {
            return Err(NotApplicable(
                "subscribers share connections: a delayed message of one delays the others".to_owned(),
            ));
        }
        match self.unreported_bytes(pattern) {
            Some(NotApplicable(reason)) if path.has_bandwidth() => Err(NotApplicable(format!(
                "the time of a message on the link depends on its bytes, and these are not predicted: {reason}"
            ))),
            Some(_) | None => Ok(()),
        }
    }

    /// Why the bytes of the TCP streams are not predicted, if they are not.
    fn unreported_bytes(&self, pattern: Pattern) -> Option<NotApplicable> {
        let params = self.params;
        let reason = if params.browser.is_some() {
            "the headers of a browser's requests are not modelled"
        } else if pattern.polls() && params.transport == Transport::Http2 {
            "header compression depends on earlier headers: not modelled"
        } else if self.streams_per_connection() > 1 {
            "frames of several subscribers may share a TLS record: not modelled"
        } else if params.keep_alive == Some(false) && params.transport.is_encrypted() {
            "every exchange has its own TLS handshake, whose bytes are not modelled"
        } else {
            return None;
        };
        Some(NotApplicable(reason.to_owned()))
    }

    /// The bytes, if they can be predicted.
    fn reported(&self, pattern: Pattern, bytes: BytesPerEvent) -> Result<BytesPerEvent, NotApplicable> {
        self.unreported_bytes(pattern).map_or(Ok(bytes), Err)
    }

    /// Number of subscribers that share a connection.
    fn streams_per_connection(&self) -> u32 {
        self.params.streams_per_connection.unwrap_or(1).max(1)
    }

    /// Whether enough holds end in the window to count them, or none.
    fn check_hold(&self) -> Result<(), NotApplicable> {
        let longest_ms = self.window.seconds() * 1e3 * LONGEST_HOLD_OF_WINDOW;
        match self.params.hold_ms {
            Some(hold_ms) if hold_ms > longest_ms && self.may_time_out(hold_ms) => {
                Err(NotApplicable(format!("a hold of {hold_ms} ms is longer than an eighth of the window")))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Whether a hold may end in the window without an event: none does if an event precedes the window and the
    /// hold is longer than every time between two events. A hold begins after the answer to an event, so it
    /// ends later than this long after the event.
    fn may_time_out(&self, hold_ms: f64) -> bool {
        let counted = self.counted();
        let Some(before) = counted.start.checked_sub(1) else { return true };
        let edges = self.schedule.due_ns[before..counted.end].iter().copied().chain([self.window.end_ns]);
        let later = edges.clone().skip(1);
        edges.zip(later).any(|(due_ns, next_ns)| (next_ns - due_ns) as f64 * 1e-6 >= hold_ms)
    }

    /// The sizes of a polling pattern's exchanges with the trial's transport and connections.
    fn exchanges(&self, kept: PollSizes) -> PollSizes {
        let sizes = kept.over(self.params.transport);
        match self.params.keep_alive {
            Some(false) => sizes.with_fresh_connections(),
            Some(true) | None => sizes,
        }
    }

    /// Connections held at a time by polling subscribers. `asking` is the fraction of the time in which a
    /// subscriber has an exchange under way.
    fn sockets_held(&self, asking: f64) -> f64 {
        match self.params.keep_alive {
            Some(false) => f64::from(self.params.subscribers) * asking.clamp(0.0, 1.0),
            Some(true) | None => self.connections(),
        }
    }

    /// Connections of subscribers that keep theirs.
    fn connections(&self) -> f64 {
        f64::from(self.params.subscribers.div_ceil(self.streams_per_connection()))
    }

    /// Bytes of the cursor in the middle of the schedule.
    fn middle_cursor(&self) -> usize {
        bytes::cursor(self.schedule.due_ns.len() as u64 / 2 + 1)
    }

    /// Whether the server keeps up with this rate of requests per subscriber.
    fn check_load(&self, per_subscriber_hz: f64) -> Result<(), NotApplicable> {
        let service_s = timeline::Delays::from(self.calibration).service_s;
        let load = f64::from(self.params.subscribers) * per_subscriber_hz * service_s;
        if load < HIGHEST_LOAD {
            return Ok(());
        }
        Err(NotApplicable(format!(
            "requests alone take {:.0} % of the slower side's CPU, so they queue",
            load * 100.0
        )))
    }
}
