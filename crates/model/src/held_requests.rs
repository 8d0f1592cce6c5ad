//! The replay of long polling: every subscriber's request, parked, answered, timed out, sent again.

use contract::Pattern;

use crate::{Inputs, NotApplicable, Prediction, long_polling::Rearm, polling::Ledger, timeline::Timeline};

/// A shorter hold ends while other subscribers still connect, before the schedule begins, and nobody
/// can say how often: then the requests of a whole life are not predicted.
const SHORTEST_COUNTED_HOLD_S: f64 = 1.0;

/// Where one subscriber stands.
#[derive(Debug, Clone, Copy, Default)]
struct Subscriber {
    /// When its request reaches the server.
    arrives_s: f64,
    /// Number of events that it has got.
    cursor: usize,
}

/// Event by event: who is parked is woken in a row, one every c; who is deaf is answered when its
/// request arrives. At instant 0 all are parked and all holds begin.
///
/// # Errors
/// If the hold is missing, or the requests saturate the server.
pub fn replayed(inputs: &Inputs<'_>) -> Result<Prediction, NotApplicable> {
    let rearm = Rearm::of(inputs)?;
    let timeline = Timeline::new(inputs);
    let mut subscribers = vec![Subscriber::default(); inputs.params.subscribers as usize];
    let sizes = rearm.sizes(inputs);
    let mut ledger = Ledger::new(&timeline, sizes, subscribers.len(), subscribers.len());
    let mut busy_until_s = f64::NEG_INFINITY;
    for (event, &published_s) in timeline.published_s.iter().enumerate() {
        let wake_s = published_s.max(busy_until_s);
        let mut woken = 0_u32;
        for subscriber in &mut subscribers {
            if subscriber.cursor > event {
                continue;
            }
            rearm.time_out_until(published_s, subscriber, &mut ledger);
            let looks_s = if subscriber.arrives_s <= published_s {
                woken += 1;
                wake_s + f64::from(woken - 1) * rearm.delays.service_s
            } else {
                subscriber.arrives_s
            };
            let up_to = timeline.published_by(looks_s, event + 1);
            let sent_s = subscriber.arrives_s - rearm.request_way_s();
            let received_s = looks_s + rearm.delays.transit_s;
            ledger.exchange(sent_s, received_s, event, up_to);
            *subscriber = Subscriber { arrives_s: looks_s + rearm.gap_s(), cursor: up_to };
        }
        busy_until_s = wake_s + f64::from(woken) * rearm.delays.service_s;
    }
    let end_s = ledger.end_s();
    for subscriber in &mut subscribers {
        rearm.time_out_until(end_s, subscriber, &mut ledger);
        let sent_s = subscriber.arrives_s - rearm.request_way_s();
        if sent_s <= end_s {
            ledger.unanswered(sent_s, subscriber.cursor);
        }
    }
    let per_subscriber_hz =
        ledger.window_requests() as f64 / subscribers.len() as f64 / inputs.window.seconds();
    inputs.check_load(per_subscriber_hz)?;
    // The very first request, without a cursor, was answered before the schedule began.
    let life = ledger.life() + subscribers.len() as u64;
    let mut prediction = ledger.into_prediction(Pattern::LongPolling, inputs.params, subscribers.len(), life);
    prediction.sockets_held = inputs.sockets_held(1.0 - per_subscriber_hz * rearm.turnaround_s);
    if rearm.hold_s < SHORTEST_COUNTED_HOLD_S {
        prediction.requests_per_subscriber = None;
    }
    Ok(prediction)
}

impl Rearm {
    /// Ends every hold that ends before `instant_s`.
    fn time_out_until(&self, instant_s: f64, subscriber: &mut Subscriber, ledger: &mut Ledger<'_>) {
        while subscriber.arrives_s + self.hold_s < instant_s {
            let ends_s = subscriber.arrives_s + self.hold_s;
            ledger.exchange(
                subscriber.arrives_s - self.request_way_s(),
                ends_s + self.delays.transit_s,
                subscriber.cursor,
                subscriber.cursor,
            );
            subscriber.arrives_s = ends_s + self.gap_s();
        }
    }
}
