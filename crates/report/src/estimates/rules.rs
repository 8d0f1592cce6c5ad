//! What a pattern needs in given circumstances, beyond a server that speaks HTTP.

use contract::{Heartbeat, PageApi};

use super::{
    estimate::Estimate,
    wish::{Circumstance, Wish},
};
use crate::text::number::{count, period_ms};

/// Everything that has to be arranged, a phrase each.
pub(crate) fn needs(estimate: &Estimate, wish: &Wish) -> Vec<String> {
    let (pattern, params) = (estimate.pattern, &estimate.params);
    let api = pattern.page_api();
    let behind_proxy = wish.has(Circumstance::BehindProxy);
    let idle = period_ms(wish.idle_timeout.milliseconds());
    let mut needs = Vec::new();
    if api != PageApi::EventSource {
        needs.push("a cursor in every request, or events get lost".to_owned());
    }
    if pattern.is_timed() {
        needs.push("an ETag, so that empty answers are short and can be cached".to_owned());
        if params.keep_alive == Some(false) {
            needs.push(format!("a connection for every poll, since idle ones are closed after {idle}"));
        }
    }
    if let Some(hold_ms) = params.hold_ms.filter(|_| behind_proxy && pattern.is_held()) {
        needs.push(format!("a hold ({}) shorter than the idle timeout ({idle})", period_ms(hold_ms)));
    }
    if let Some(Heartbeat::Every(period)) = params.heartbeat.filter(|_| behind_proxy) {
        let period = period_ms(period.milliseconds());
        needs.push(format!("a heartbeat ({period}) shorter than the idle timeout ({idle})"));
    }
    if behind_proxy && api == PageApi::EventSource {
        needs.push("a proxy that does not buffer answers (`X-Accel-Buffering: no`)".to_owned());
    }
    if behind_proxy && pattern.upgrades() {
        let way = if wish.has(Circumstance::Tls) {
            "a proxy that passes `Upgrade`, if TLS ends there"
        } else {
            "a proxy that passes `Upgrade`, or TLS past it"
        };
        needs.push(way.to_owned());
    }
    if pattern.upgrades() {
        needs.push("its own reconnection, after random pauses that grow".to_owned());
    } else if wish.has(Circumstance::TwoWay) {
        needs.push("a POST for each message of a subscriber".to_owned());
    }
    let keeps_a_request = !pattern.is_timed() && !pattern.upgrades();
    if wish.has(Circumstance::Browser) && keeps_a_request {
        needs.push("HTTP/2: over HTTP/1.1 a browser has six connections, one for each open page".to_owned());
    }
    if wish.has(Circumstance::Browser) && pattern.polls() {
        needs.push(
            "room for a browser's own headers and cookies: some hundred bytes a request, not counted here"
                .to_owned(),
        );
    }
    needs
}

/// Why a pattern does not do what is wanted; empty if it does.
pub(crate) fn ruled_out(estimate: &Estimate, wish: &Wish) -> Vec<String> {
    let wanted_ms = wish.freshness.milliseconds();
    match &estimate.ages_ms {
        // The interval of a timed poll is chosen for this age, up to its rounding.
        Ok([_, p99_ms]) if !estimate.pattern.is_timed() && *p99_ms > wanted_ms => {
            vec![format!("its age at p99 is {}, more than {}", period_ms(*p99_ms), period_ms(wanted_ms))]
        }
        Ok(_) => Vec::new(),
        Err(reason) => vec![format!(
            "one core does not keep up with {} subscribers: {reason}",
            count(u64::from(wish.subscribers))
        )],
    }
}
