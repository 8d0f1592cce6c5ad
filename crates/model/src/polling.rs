//! What short and long polling share: exchanges that bring a batch of events or nothing, and their bytes.

use std::ops::Range;

use contract::Pattern;

use crate::{
    BytesPerEvent, Inputs, NotApplicable, Prediction,
    age::AgeSample,
    bytes::{EventText, PollSizes},
    gaps::Gaps,
    path::NetworkPath,
    set_up,
    timeline::{Timeline, arrived},
};

/// Bytes per delivery, from the requests per event r and the fraction p₀ of empty answers.
///
/// r(1−p₀) answers per event bring events, each 1/(r(1−p₀)) on average. Cursors have as many digits as in the
/// middle of the schedule, the content length as many as for the mean batch.
pub(crate) fn closed_form_bytes(
    inputs: &Inputs<'_>,
    sizes: PollSizes,
    requests_per_event: f64,
    empty_ratio: f64,
) -> BytesPerEvent {
    let cursor = inputs.middle_cursor();
    let text = EventText::plain(inputs.params.payload_bytes as usize);
    // An event and the comma before it; the first of a batch has none.
    let event = text.json(cursor) as f64 + 1.0;
    let envelope = sizes.empty_body(cursor) as f64 - 1.0;
    let filled = requests_per_event * (1.0 - empty_ratio);
    let body = envelope + event / filled;
    let request = sizes.request(cursor);
    let head = sizes.answer_head(cursor, body.round() as usize);
    let empty = sizes.empty_answer(cursor);
    BytesPerEvent {
        payload: text.data as f64,
        framing: filled * envelope + event - text.data as f64,
        headers: filled * (request + head) as f64,
        empty_polls: requests_per_event * empty_ratio * (request + empty) as f64,
    }
}

/// Bytes of a whole answer with `events` events, which may be a fraction.
pub(crate) fn answer_bytes(inputs: &Inputs<'_>, sizes: PollSizes, events: f64) -> f64 {
    let cursor = inputs.middle_cursor();
    let event = EventText::plain(inputs.params.payload_bytes as usize).json(cursor) as f64 + 1.0;
    let body = sizes.empty_body(cursor) as f64 - 1.0 + event * events;
    body + sizes.answer_head(cursor, body.round() as usize) as f64
}

/// The highest load of a link for a closed form if gaps vary: above it messages queue.
pub(crate) const HIGHEST_LINK_LOAD: f64 = 0.5;
/// Above this load the sender's socket fills and the server's writes wait, even if all gaps are equal.
pub(crate) const HIGHEST_STEADY_LOAD: f64 = 0.9;

/// Checks that this byte rate does not make messages queue on the link, and that no burst fills it.
pub(crate) fn check_link(
    path: &NetworkPath,
    gaps: Gaps,
    batch: f64,
    bytes_hz: f64,
) -> Result<(), NotApplicable> {
    let load = path.passing_s(bytes_hz);
    let (highest, is_burst) = match gaps {
        Gaps::Bursts { .. } => (HIGHEST_LINK_LOAD, batch > 1.0),
        Gaps::Poisson { .. } => (HIGHEST_LINK_LOAD, false),
        // Each message has passed before the next one comes, so none waits.
        Gaps::Steady { .. } => (HIGHEST_STEADY_LOAD, false),
    };
    if load > highest {
        return Err(NotApplicable(format!(
            "the events take {:.0} % of a connection's bandwidth, so they queue",
            load * 100.0
        )));
    }
    if is_burst && path.has_bandwidth() {
        return Err(NotApplicable(
            "there is no formula for bursts on a link of limited bandwidth".to_owned(),
        ));
    }
    Ok(())
}

/// Counts the exchanges of a replay as the harness does, between the edges of the window.
///
/// Bytes are counted when a request is sent and when an answer is received. But only its answer shows whether
/// an exchange is an empty poll; then all its bytes become headers or an empty poll. Framing is the rest of the
/// bytes, so for an exchange across an edge it is off by the size of its request.
pub(crate) struct Ledger<'a> {
    timeline: &'a Timeline<'a>,
    sizes: PollSizes,
    /// Bytes of the first n events: as JSON objects with a comma each, and of their texts alone.
    sums: Vec<(usize, usize)>,
    requests: u64,
    empty: u64,
    life: u64,
    last_answer_s: f64,
    /// Deliveries within the window, whenever they were due.
    delivered: u64,
    bytes: BytesPerEvent,
    ages: AgeSample,
}

/// A row of polls of equal duration: poll k is sent at `first_s` + k·`interval_s`.
pub(crate) struct Ticks {
    pub(crate) first_s: f64,
    pub(crate) interval_s: f64,
    pub(crate) exchange_s: f64,
}

impl<'a> Ledger<'a> {
    /// `row` is the length of the runs in which the replay visits deliveries: all events of a subscriber, or
    /// all subscribers of an event.
    pub(crate) fn new(timeline: &'a Timeline<'a>, sizes: PollSizes, subscribers: usize, row: usize) -> Self {
        let mut sums = vec![(0, 0)];
        let (mut json, mut data) = (0, 0);
        for event in 0..timeline.events() {
            let text = timeline.text(event);
            json += text.json(Timeline::cursor_after(event + 1)) + 1;
            data += text.data;
            sums.push((json, data));
        }
        Self {
            timeline,
            sizes,
            sums,
            requests: 0,
            empty: 0,
            life: 0,
            last_answer_s: 0.0,
            delivered: 0,
            bytes: BytesPerEvent::default(),
            ages: AgeSample::new(subscribers * timeline.counted.len(), row),
        }
    }

    /// A request for what comes after the first `after` events, whose answer reaches up to the first `up_to`.
    pub(crate) fn exchange(&mut self, sent_s: f64, answered_s: f64, after: usize, up_to: usize) {
        self.life += 1;
        let sent = u64::from(self.timeline.window_s.contains(&sent_s));
        let answered = u64::from(self.timeline.window_s.contains(&answered_s));
        if up_to == after {
            self.empty_exchanges(sent, answered, after);
            return;
        }
        self.last_answer_s = self.last_answer_s.max(answered_s);
        self.requests(sent, answered, after);
        if answered == 1 {
            self.delivered += (up_to - after) as u64;
            let cursor = Timeline::cursor_after(up_to);
            let data = self.sums[up_to].1 - self.sums[after].1;
            let body = self.body_bytes(after, up_to);
            let request = self.request_bytes(after);
            let head = self.sizes.answer_head(cursor, body);
            self.bytes.payload += data as f64;
            self.bytes.framing += (body - data) as f64;
            self.bytes.headers += (request + head) as f64;
        }
        let counted = &self.timeline.counted;
        for event in after.max(counted.start)..up_to.min(counted.end) {
            self.ages.add(answered_s - self.timeline.due_s[event]);
        }
    }

    fn body_bytes(&self, after: usize, up_to: usize) -> usize {
        let envelope = self.sizes.empty_body(Timeline::cursor_after(up_to));
        envelope + self.sums[up_to].0 - self.sums[after].0 - 1
    }

    /// Bytes of a request for what comes after the first `after` events.
    pub(crate) fn request_bytes(&self, after: usize) -> usize {
        self.sizes.request(Timeline::cursor_after(after))
    }

    /// Bytes of its whole answer, which reaches up to the first `up_to` events.
    pub(crate) fn answer_bytes(&self, after: usize, up_to: usize) -> usize {
        let cursor = Timeline::cursor_after(up_to);
        if up_to == after {
            return self.sizes.empty_answer(cursor);
        }
        let body = self.body_bytes(after, up_to);
        body + self.sizes.answer_head(cursor, body)
    }

    /// Counts exchanges of which `sent` were sent within the window and `answered` ended within it.
    fn requests(&mut self, sent: u64, answered: u64, after: usize) {
        self.requests += sent;
        let request = self.request_bytes(after);
        self.bytes.framing += (sent as f64 - answered as f64) * request as f64;
    }

    /// Exchanges without events: `sent` requests and `answered` answers within the window, all with the cursor
    /// after the first `after` events.
    fn empty_exchanges(&mut self, sent: u64, answered: u64, after: usize) {
        self.requests(sent, answered, after);
        self.empty += answered;
        let cursor = Timeline::cursor_after(after);
        let exchange = self.sizes.request(cursor) + self.sizes.empty_answer(cursor);
        self.bytes.empty_polls += (answered * exchange as u64) as f64;
    }

    /// Short polls of a range of ticks, all of them empty.
    pub(crate) fn empty_ticks(&mut self, ticks: &Ticks, polls: Range<u64>, after: usize) {
        let before = |edge_s: f64| {
            let poll = ((edge_s - ticks.first_s) / ticks.interval_s).ceil() as u64;
            poll.clamp(polls.start, polls.end)
        };
        let window_s = &self.timeline.window_s;
        let asked = before(window_s.end) - before(window_s.start);
        let reported = before(window_s.end - ticks.exchange_s) - before(window_s.start - ticks.exchange_s);
        self.empty_exchanges(asked, reported, after);
    }

    /// A request that the server still holds when the trial ends.
    pub(crate) fn unanswered(&mut self, sent_s: f64, after: usize) {
        self.life += 1;
        let sent = u64::from(self.timeline.window_s.contains(&sent_s));
        self.requests(sent, 0, after);
    }

    /// When the trial ends: the window is over and everything has been delivered.
    pub(crate) fn end_s(&self) -> f64 {
        self.timeline.window_s.end.max(self.last_answer_s)
    }

    /// Requests of all exchanges that were added one by one.
    pub(crate) fn life(&self) -> u64 {
        self.life
    }

    /// Requests in the window, of all subscribers.
    pub(crate) fn window_requests(&self) -> u64 {
        self.requests
    }

    /// The sums per delivery within the window. `life` counts all requests of all subscriptions.
    ///
    /// # Errors
    /// If no delivery arrived within it.
    pub(crate) fn into_prediction(
        self,
        pattern: Pattern,
        inputs: &Inputs<'_>,
        subscribers: usize,
        life: u64,
    ) -> Result<Prediction, NotApplicable> {
        let deliveries = arrived(self.delivered as f64)?;
        Ok(Prediction {
            age: self.ages.into_curve(),
            requests_per_event: self.requests as f64 / deliveries,
            requests_per_subscriber: Some(life as f64 / subscribers as f64),
            // Counted when answered: at an edge there may be one more empty answer than requests.
            empty_ratio: (self.empty as f64 / self.requests.max(1) as f64).min(1.0),
            bytes: inputs.reported(
                pattern,
                BytesPerEvent {
                    payload: self.bytes.payload / deliveries,
                    framing: self.bytes.framing / deliveries,
                    headers: self.bytes.headers / deliveries,
                    empty_polls: self.bytes.empty_polls / deliveries,
                },
            ),
            sockets_held: subscribers as f64,
            set_up_round_trips: set_up::round_trips(pattern, inputs.params.transport),
            connect_ms: set_up::connect_ms(pattern, inputs.params),
        })
    }
}
