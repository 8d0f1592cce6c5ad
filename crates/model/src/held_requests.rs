//! The replay of long polling: every subscriber's request is parked, answered or timed out, and sent again.

use contract::Pattern;

use crate::{
    Inputs, NotApplicable, Prediction, path::Chance, polling::Ledger, rearm_gap::Rearm, timeline::Timeline,
};

/// A shorter hold ends while other subscribers still connect, before the schedule begins, an unknown number of
/// times: then the requests of a whole subscription are not predicted.
const SHORTEST_COUNTED_HOLD_S: f64 = 1.0;

/// The state of one subscriber.
#[derive(Debug, Clone, Copy)]
struct Subscriber {
    /// When its request is sent.
    sent_s: f64,
    /// When its request reaches the server.
    arrives_s: f64,
    /// Number of events that it has received.
    cursor: usize,
}

/// Replays event by event: parked subscribers are woken one after the other, one every c; subscribers in their
/// deaf window are answered when their request arrives. At instant 0 all are parked and all holds begin.
///
/// # Errors
/// If the hold is missing, the requests saturate the server, or no event arrives within the window.
pub fn replayed(inputs: &Inputs<'_>) -> Result<Prediction, NotApplicable> {
    let rearm = Rearm::of(inputs)?;
    let timeline = Timeline::new(inputs);
    let sizes = rearm.sizes(inputs);
    let sent_s =
        rearm.path.asks_after_s - rearm.request_way_s(sizes.request(Timeline::cursor_after(0)) as f64);
    let parked = Subscriber { sent_s, arrives_s: 0.0, cursor: 0 };
    let mut subscribers = vec![parked; inputs.params.subscribers as usize];
    let mut ledger = Ledger::new(&timeline, sizes, subscribers.len(), subscribers.len());
    let mut chance = Chance::new();
    let mut busy_until_s = f64::NEG_INFINITY;
    for (event, &published_s) in timeline.published_s.iter().enumerate() {
        let wake_s = published_s.max(busy_until_s);
        let mut woken = 0_u32;
        for subscriber in &mut subscribers {
            if subscriber.cursor > event {
                continue;
            }
            rearm.time_out_until(published_s, subscriber, &mut ledger, &mut chance);
            let looks_s = if subscriber.arrives_s <= published_s {
                woken += 1;
                wake_s + f64::from(woken - 1) * rearm.delays.service_s
            } else {
                subscriber.arrives_s
            };
            let up_to = timeline.published_by(looks_s, event + 1);
            rearm.answer(looks_s, up_to, subscriber, &mut ledger, &mut chance);
        }
        busy_until_s = wake_s + f64::from(woken) * rearm.delays.service_s;
    }
    let end_s = ledger.end_s();
    for subscriber in &mut subscribers {
        rearm.time_out_until(end_s, subscriber, &mut ledger, &mut chance);
        if subscriber.sent_s <= end_s {
            ledger.unanswered(subscriber.sent_s, subscriber.cursor);
        }
    }
    let per_subscriber_hz =
        ledger.window_requests() as f64 / subscribers.len() as f64 / inputs.window.seconds();
    inputs.check_load(per_subscriber_hz)?;
    // The very first request, without a cursor, was answered before the schedule began.
    let life = ledger.life() + subscribers.len() as u64;
    let mut prediction = ledger.into_prediction(Pattern::LongPolling, inputs, subscribers.len(), life)?;
    prediction.sockets_held = inputs.sockets_held(1.0 - per_subscriber_hz * rearm.turnaround_s);
    if rearm.hold_s < SHORTEST_COUNTED_HOLD_S {
        prediction.requests_per_subscriber = None;
    }
    Ok(prediction)
}

impl Rearm {
    /// Times out every hold that ends before `instant_s`.
    fn time_out_until(
        &self,
        instant_s: f64,
        subscriber: &mut Subscriber,
        ledger: &mut Ledger<'_>,
        chance: &mut Chance,
    ) {
        while subscriber.arrives_s + self.hold_s < instant_s {
            let ends_s = subscriber.arrives_s + self.hold_s;
            self.answer(ends_s, subscriber.cursor, subscriber, ledger, chance);
        }
    }

    /// The server reads the log, which has events up to `up_to`, and answers; the subscriber sends its next
    /// request.
    fn answer(
        &self,
        looks_s: f64,
        up_to: usize,
        subscriber: &mut Subscriber,
        ledger: &mut Ledger<'_>,
        chance: &mut Chance,
    ) {
        let answer = ledger.answer_bytes(subscriber.cursor, up_to) as f64;
        let request = ledger.request_bytes(up_to) as f64;
        let next = self.rearmed(looks_s, answer, request, chance);
        ledger.exchange(subscriber.sent_s, next.received_s, subscriber.cursor, up_to);
        *subscriber = Subscriber { sent_s: next.sent_s, arrives_s: next.arrives_s, cursor: up_to };
    }
}
