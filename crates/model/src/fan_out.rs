//! What SSE and WebSocket share: N subscribers without deaf windows, served one after the other.
//!
//! The server writes an event to one subscriber after the other, c seconds each. The j-th subscriber has it
//! (j − 1)c after the first, the last (N−1)c after it, and the mean is (N−1)c/2. The calibration's transit is
//! the one-way delay to the *first* subscriber and includes its write, so N−1 writes and not N come on top.
//!
//! **Fan-outs do not queue.** A subscriber gets everything that has been published when its turn comes, in one
//! write. So an event that is published while k subscribers still wait for an earlier one goes to these k
//! first, together with the earlier one, and then to the N − k others: again every subscriber has it within
//! (N−1)c, and the delays are uniform. Only the bytes change: events that are written together share an SSE
//! chunk. The model assumes that a write of two events costs as much as a write of one. Under overload that is
//! wrong, so with ρ = λNc ≥ 1 there is no prediction.
//!
//! **A network** adds the same one-way delay for all subscribers. On a link of limited bandwidth an event takes
//! its bytes ÷ bandwidth longer and waits for those before it: ρS/2(1−ρ) on average for Poisson arrivals
//! (M/D/1, S the time to pass, ρ = λS), nothing for steady ones. The closed form adds jitter to each event
//! independently. In fact order is kept, so an event that follows another within the jitter is older by up to
//! 1/6 of the jitter. The replay in `link.rs` lets every event of every subscriber wait and keeps the order.
//!
//! Left out: the scatter of the publisher's lateness, whose mean is in every age. p99 may be
//! larger by up to the 99th percentile of the lateness.

use std::ops::Range;

use contract::{Pattern, Transport};

use crate::{
    AgeCurve, BytesPerEvent, Inputs, NotApplicable, Piece, Prediction,
    bytes::{EventText, chunk},
    gaps::Gaps,
    heartbeats::{self, heartbeat},
    link,
    path::NetworkPath,
    set_up,
    timeline::{Delays, Timeline, arrived},
    transports::written,
};

/// The differences between the two patterns.
pub(crate) struct Framing {
    pub(crate) pattern: Pattern,
    /// Bytes of an event whose id has the given length, without chunk or DATA frame.
    pub(crate) content: fn(EventText, usize) -> usize,
    /// Whether each write is a chunk of HTTP/1.1.
    pub(crate) is_chunked: bool,
    /// Content of a heartbeat and of the subscriber's answer to it; 0 without one.
    pub(crate) heartbeat: usize,
    pub(crate) heartbeat_answer: usize,
}

impl Framing {
    /// Bytes of a write with `content` bytes of content.
    fn write(&self, transport: Transport, content: usize) -> usize {
        let plain = if self.is_chunked { chunk(content) } else { content };
        written(transport, plain, content)
    }

    /// Bytes of an event that is written alone.
    fn alone(&self, transport: Transport, text: EventText, id: usize) -> f64 {
        self.write(transport, (self.content)(text, id)) as f64
    }

    /// Mean bytes of an event if the share `joined` of the subscribers gets it together with an earlier one:
    /// there it adds only its content to the write.
    fn bytes(&self, transport: Transport, text: EventText, id: usize, joined: f64) -> f64 {
        let together = (self.content)(text, id) as f64;
        let alone = self.alone(transport, text, id);
        alone + (together - alone) * joined
    }

    /// Bytes of a heartbeat and its answer.
    fn heartbeat_bytes(&self, transport: Transport) -> f64 {
        let answer = match self.heartbeat_answer {
            0 => 0,
            content => written(transport, content, content),
        };
        (self.write(transport, self.heartbeat) + answer) as f64
    }
}

/// Mean share of the subscribers that get an event together with an earlier one: E\[(Nc − gap)⁺\]/(Nc), the
/// part of a fan-out that remains when the next event is published.
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
    let transport = inputs.params.transport;
    let text = EventText::plain(inputs.params.payload_bytes as usize);
    let joined = mean_joined(gaps, row.fan_out_s);
    let event_bytes = framing.bytes(transport, text, inputs.middle_cursor(), joined);
    let beats = heartbeats::per_event(gaps, heartbeat(inputs.params));
    let wire = event_bytes + beats * framing.heartbeat_bytes(transport);

    let path = NetworkPath::of(inputs.params);
    let alone = framing.alone(transport, text, inputs.middle_cursor());
    let link_s = link::closed_form_s(&path, gaps, alone)?;
    let age = AgeCurve::of_pieces(&row.ages().after(link_s).blurred(path.jitter_s));
    Ok(prediction(inputs, framing.pattern, age, text.data as f64, wire))
}

pub(crate) fn replayed(inputs: &Inputs<'_>, framing: &Framing) -> Result<Prediction, NotApplicable> {
    let timeline = Timeline::new(inputs);
    let row = Row::of(inputs, timeline.counted.len() as f64 / inputs.window.seconds())?;
    let (transport, path) = (inputs.params.transport, NetworkPath::of(inputs.params));
    // Jitter moves as many events out of the window as into it, so its mean suffices.
    let way_s = row.transit_s + path.back_s(0.0) + path.jitter_s / 2.0;
    let (mut delivered, mut payload, mut wire) = (0.0, 0.0, 0.0);
    let mut busy_until_s = f64::NEG_INFINITY;
    let mut link_bytes = Vec::with_capacity(timeline.events());
    for (event, &published_s) in timeline.published_s.iter().enumerate() {
        let joined = (busy_until_s - published_s) / row.fan_out_s;
        // Without a cost per delivery this is 0/0 for two events at one instant.
        let joined = if joined > 0.0 { joined } else { 0.0 };
        busy_until_s = published_s + row.fan_out_s;
        let (text, id) = (timeline.text(event), Timeline::cursor_after(event + 1));
        let alone = framing.alone(transport, text, id);
        let first_s = published_s + way_s + path.passing_s(alone);
        let inside = share_inside(&timeline.window_s, first_s, first_s + row.spread_s);
        delivered += inside;
        payload += inside * text.data as f64;
        wire += inside * framing.bytes(transport, text, id, joined);
        link_bytes.push(alone);
    }
    let beats = heartbeats::in_window(&timeline, heartbeat(inputs.params), way_s);
    let delivered = arrived(delivered)?;
    let wire = (wire + beats * framing.heartbeat_bytes(transport)) / delivered;
    let age = if path.jitter_s > 0.0 || path.has_bandwidth() {
        link::replayed(inputs, &timeline, &path, &link_bytes)?
    } else {
        AgeCurve::of_pieces(&[row.ages().after(path.back_s(0.0))])
    };
    Ok(prediction(inputs, framing.pattern, age, payload / delivered, wire))
}

fn prediction(inputs: &Inputs<'_>, pattern: Pattern, age: AgeCurve, payload: f64, wire: f64) -> Prediction {
    let bytes = BytesPerEvent { payload, framing: wire - payload, headers: 0.0, empty_polls: 0.0 };
    Prediction {
        age,
        requests_per_event: 0.0,
        requests_per_subscriber: Some(1.0),
        empty_ratio: 0.0,
        bytes: inputs.reported(pattern, bytes),
        sockets_held: inputs.connections(),
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
    /// The ages of the row on loopback.
    const fn ages(&self) -> Piece {
        Piece { share: 1.0, from_s: self.youngest_s, to_s: self.youngest_s + self.spread_s }
    }

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

/// Share of deliveries, uniform from `first_s` to `last_s`, that lies within the window.
fn share_inside(window_s: &Range<f64>, first_s: f64, last_s: f64) -> f64 {
    if last_s <= first_s {
        return f64::from(u8::from(window_s.contains(&first_s)));
    }
    let inside_s = last_s.min(window_s.end) - first_s.max(window_s.start);
    (inside_s / (last_s - first_s)).max(0.0)
}
