//! What SSE and WebSocket share: a subscriber that is never deaf, in a row with N others.
//!
//! The server writes an event to one subscriber after the other, c seconds each, so the j-th has
//! it (j − 1)c after the first: on average (N−1)c/2, the last (N−1)c. The calibration's transit is
//! the way to the *first*, its own write included, so it is N−1 and not N of them that come on
//! top.
//!
//! **Fan-outs do not queue.** A subscriber whose turn comes gets everything that has been published
//! by then, in one write. So an event that is published while k subscribers still wait for an
//! earlier one goes to these k first, together with it, and then to the N − k others: again every
//! subscriber has it within (N−1)c, evenly spread. Only the bytes notice: events that are written
//! together share an SSE chunk. That a write of two events costs what a write of one does is an
//! assumption, and a poor one under overload: with ρ = λNc ≥ 1 there is no prediction.
//!
//! Left out: the scatter of the publisher's lateness, whose mean is in every age. p99 may be
//! larger by up to the 99th percentile of the lateness.

use std::ops::Range;

use contract::Pattern;

use crate::{
    AgeCurve, BytesPerEvent, Inputs, NotApplicable, Piece, Prediction,
    bytes::{EventText, HEARTBEAT_EVERY_S},
    gaps::Gaps,
    set_up,
    timeline::{Delays, Timeline},
};

/// What the two patterns differ in.
pub(crate) struct Framing {
    pub(crate) pattern: Pattern,
    /// Bytes that carry an event whose id has so many bytes, in a write of its own.
    pub(crate) alone: fn(EventText, usize) -> usize,
    /// The same in a write together with an earlier event.
    pub(crate) joined: fn(EventText, usize) -> usize,
    /// Bytes of a heartbeat and its answer.
    pub(crate) heartbeat: usize,
}

impl Framing {
    /// Mean bytes of an event that a share of the subscribers gets together with an earlier one.
    fn bytes(&self, text: EventText, id: usize, joined: f64) -> f64 {
        let [alone, together] = [self.alone, self.joined].map(|bytes| bytes(text, id) as f64);
        alone + (together - alone) * joined
    }
}

/// Mean share of the subscribers that get an event together with an earlier one: E\[(Nc − gap)⁺\]
/// over Nc, the part of a fan-out that is still to come when the next event is published.
#[must_use]
pub fn mean_joined(gaps: Gaps, fan_out_s: f64) -> f64 {
    if fan_out_s == 0.0 {
        return 0.0;
    }
    // (x − g)⁺ = x − g + (g − x)⁺
    let left_s = fan_out_s - gaps.mean_s() + gaps.mean_excess_s(fan_out_s);
    (left_s / fan_out_s).clamp(0.0, 1.0)
}

pub(crate) fn closed_form(inputs: &Inputs<'_>, framing: &Framing) -> Result<Prediction, NotApplicable> {
    let gaps = Gaps::of(inputs.arrivals)?;
    let row = Row::of(inputs, 1.0 / gaps.mean_s())?;
    let text = EventText::plain(inputs.params.payload_bytes as usize);
    let joined = mean_joined(gaps, row.fan_out_s);
    let event_bytes = framing.bytes(text, inputs.middle_cursor(), joined);
    let heartbeats = gaps.mean_s() / HEARTBEAT_EVERY_S * framing.heartbeat as f64;
    let wire = event_bytes + heartbeats;
    Ok(prediction(inputs, &row, framing.pattern, text.data as f64, wire))
}

pub(crate) fn replayed(inputs: &Inputs<'_>, framing: &Framing) -> Result<Prediction, NotApplicable> {
    let timeline = Timeline::new(inputs);
    let events = timeline.counted.len() as f64;
    let row = Row::of(inputs, events / inputs.window.seconds())?;
    let (mut payload, mut wire) = (0.0, 0.0);
    let mut busy_until_s = f64::NEG_INFINITY;
    for (event, &published_s) in timeline.published_s.iter().enumerate() {
        let joined = (busy_until_s - published_s) / row.fan_out_s;
        // Without any cost per delivery this is 0/0 for two events at one instant.
        let joined = if joined > 0.0 { joined } else { 0.0 };
        busy_until_s = published_s + row.fan_out_s;
        let first_s = published_s + row.transit_s;
        let inside = share_inside(&timeline.window_s, first_s, first_s + row.spread_s);
        let text = timeline.text(event);
        payload += inside * text.data as f64;
        wire += inside * framing.bytes(text, Timeline::cursor_after(event + 1), joined);
    }
    let heartbeats = inputs.window.seconds() / HEARTBEAT_EVERY_S * framing.heartbeat as f64;
    let wire = (wire + heartbeats) / events;
    Ok(prediction(inputs, &row, framing.pattern, payload / events, wire))
}

fn prediction(inputs: &Inputs<'_>, row: &Row, pattern: Pattern, payload: f64, wire: f64) -> Prediction {
    Prediction {
        age: AgeCurve::of_pieces(&[Piece {
            share: 1.0,
            from_s: row.youngest_s,
            to_s: row.youngest_s + row.spread_s,
        }]),
        requests_per_event: 0.0,
        requests_per_subscriber: Some(1.0),
        empty_ratio: 0.0,
        bytes: Ok(BytesPerEvent { payload, framing: wire - payload, headers: 0.0, empty_polls: 0.0 }),
        sockets_held: f64::from(inputs.params.subscribers),
        set_up_round_trips: set_up::round_trips(pattern, inputs.params.transport),
        connect_ms: set_up::connect_ms(pattern, inputs.params),
    }
}

/// The row of subscribers that one event is written to.
struct Row {
    transit_s: f64,
    /// Age of an event at the first subscriber.
    youngest_s: f64,
    /// From the first subscriber to the last, (N−1)c.
    spread_s: f64,
    /// How long one event keeps the server busy, Nc.
    fan_out_s: f64,
}

impl Row {
    fn of(inputs: &Inputs<'_>, rate_hz: f64) -> Result<Self, NotApplicable> {
        let delays = Delays::from(inputs.calibration);
        let subscribers = f64::from(inputs.params.subscribers);
        let fan_out_s = subscribers * delays.service_s;
        if rate_hz * fan_out_s >= 1.0 {
            return Err(NotApplicable("the fan-out takes longer than the gap between events".to_owned()));
        }
        Ok(Self {
            transit_s: delays.transit_s,
            youngest_s: delays.lateness_s + delays.transit_s,
            spread_s: (subscribers - 1.0) * delays.service_s,
            fan_out_s,
        })
    }
}

/// Share of deliveries spread evenly from `first_s` to `last_s` that lies within the window.
fn share_inside(window_s: &Range<f64>, first_s: f64, last_s: f64) -> f64 {
    if last_s <= first_s {
        return f64::from(u8::from(window_s.contains(&first_s)));
    }
    let inside_s = last_s.min(window_s.end) - first_s.max(window_s.start);
    (inside_s / (last_s - first_s)).max(0.0)
}
