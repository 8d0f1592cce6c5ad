//! Settings of a point in words.

use contract::{
    Ablation, Arrivals, Certificate, Client, Params, Pattern, PublisherHost, Scenario, ServerName, Settings,
    Sweep, Transport,
};

use super::{
    network_words::{heartbeat_text, network_text, transport_text},
    number::{self, THIN_SPACE, counted, period_ms},
};

/// `20 events/s`.
pub(crate) fn rate(rate_hz: f64) -> String {
    let number = number::setting(rate_hz);
    let unit = if number == "1" { "event/s" } else { "events/s" };
    format!("{number}{THIN_SPACE}{unit}")
}

/// The pattern with its defining setting: `short polling every 1 s`.
pub(crate) fn pattern_text(pattern: Pattern, params: &Params) -> String {
    let label = pattern.label();
    match params.poll_interval_ms {
        Some(interval) if pattern.is_timed() => format!("{label} every {}", period_ms(interval)),
        Some(_) | None => label.to_owned(),
    }
}

/// A pattern in words, with the server if it is not the lab's own: `SSE · nchan`.
pub(crate) fn served(text: &str, server: &ServerName) -> String {
    if server.is_pushlab() { text.to_owned() } else { format!("{text} · {server}") }
}

/// An ablation in words.
pub(crate) const fn ablation_words(ablation: Ablation) -> &'static str {
    match ablation {
        Ablation::Best => "the shared writer",
        Ablation::OwnTasks => "the ordinary task per connection",
        Ablation::EncodeEach => "encoded again for each subscriber",
        Ablation::WriteEach => "each event written by itself",
        Ablation::LargeBuffers => "the library's large buffers",
    }
}

/// The same, short enough for a label in a chart.
pub(crate) const fn ablation_mark(ablation: Ablation) -> &'static str {
    match ablation {
        Ablation::Best => "shared writer",
        Ablation::OwnTasks => "task per connection",
        Ablation::EncodeEach => "encode each",
        Ablation::WriteEach => "write each",
        Ablation::LargeBuffers => "large buffers",
    }
}

/// `100 streams a connection`.
pub(crate) fn streams(number: u32) -> String {
    format!("{} a connection", counted(u64::from(number), "stream", "streams"))
}

/// All settings of a point in a line.
pub(crate) fn params_text(params: &Params) -> String {
    // Every field has a name here, so the compiler finds a setting that is forgotten.
    let Params {
        subscribers,
        payload_bytes,
        rate_hz,
        poll_interval_ms,
        hold_ms,
        turnaround_ms,
        request_timeout_ms,
        keep_alive,
        client,
        delivery_delay_ms,
        delivery_jitter_ms,
        side,
        ablation,
        publisher,
        // A part of the network.
        rtt_ms: _,
        network,
        transport,
        certificate,
        streams_per_connection,
        max_streams,
        heartbeat,
        browser,
    } = *params;
    let mut parts = vec![
        counted(u64::from(subscribers), "subscriber", "subscribers"),
        rate(rate_hz),
        number::bytes(f64::from(payload_bytes)),
    ];
    parts.extend(poll_interval_ms.map(|interval| format!("poll every {}", period_ms(interval))));
    parts.extend(hold_ms.map(|hold| format!("hold {}", period_ms(hold))));
    let turnaround = turnaround_ms.filter(|pause| *pause > 0.0);
    parts.extend(turnaround.map(|pause| format!("turnaround {}", period_ms(pause))));
    let timeout = request_timeout_ms.filter(|ms| *ms != Settings::USUAL_REQUEST_TIMEOUT.milliseconds());
    parts.extend(timeout.map(|timeout| format!("request timeout {}", period_ms(timeout))));
    parts.extend((client != Client::Lean).then(|| format!("{client} client")));
    parts.extend((keep_alive == Some(false)).then(|| "a connection for every request".to_owned()));
    let delay = delivery_delay_ms.filter(|delay| *delay > 0.0);
    parts.extend(delay.map(|delay| format!("every event delayed by {}", period_ms(delay))));
    let jitter = delivery_jitter_ms.filter(|jitter| *jitter > 0.0);
    parts.extend(jitter.map(|jitter| format!("plus up to {} at random", period_ms(jitter))));
    parts.extend(side.map(|side| format!("side {side}")));
    parts.extend(ablation.map(|ablation| ablation_words(ablation).to_owned()));
    parts.extend((publisher == PublisherHost::Harness).then(|| "published over HTTP".to_owned()));
    parts.extend(network.filter(|network| !network.is_clear()).map(|network| network_text(&network)));
    parts.extend((transport != Transport::Http1).then(|| transport_text(transport).to_owned()));
    match certificate {
        Certificate::Valid => {}
        Certificate::Expired => parts.push("an expired certificate".to_owned()),
        Certificate::OtherHost => parts.push("a certificate for another host".to_owned()),
    }
    parts.extend(streams_per_connection.filter(|number| *number > 1).map(streams));
    parts.extend(max_streams.map(|most| format!("at most {}", streams(most))));
    parts.extend(heartbeat.map(heartbeat_text));
    parts.extend(browser.map(|browser| format!("a browser with the task {}", browser.task.slug())));
    parts.join(", ")
}

/// How events arrive, in words.
pub(crate) fn arrivals_text(arrivals: &Arrivals) -> String {
    match arrivals {
        Arrivals::Steady { rate_hz } => format!("{}, evenly spaced", rate(*rate_hz)),
        Arrivals::Poisson { rate_hz } => {
            format!("{}, at random instants (Poisson; a point has the rate of its own draw)", rate(*rate_hz))
        }
        Arrivals::Bursts { burst_events, event_spacing, burst_every } => format!(
            "bursts of {} {} apart, about every {}",
            counted(u64::from(*burst_events), "event", "events"),
            period_ms(event_spacing.milliseconds()),
            period_ms(burst_every.milliseconds())
        ),
        Arrivals::Ramp { from_hz, to_hz } => {
            format!("growing by the same factor every second, from {} to {}", rate(*from_hz), rate(*to_hz))
        }
        Arrivals::Silence => "no events".to_owned(),
        Arrivals::Replay { file } => format!("replayed from {file}"),
    }
}

/// The scenario's arrivals with the swept rate put in.
///
/// A record has the actual rate of its schedule; the closed form needs the rate that was set, which is the
/// nearest of the swept ones.
pub(crate) fn arrivals_at(scenario: &Scenario, params: &Params) -> Arrivals {
    let swept =
        [scenario.sweep.as_ref(), scenario.default_run.as_ref().and_then(|chosen| chosen.sweep.as_ref())];
    let nearest = swept.into_iter().flatten().flat_map(|sweep: &Sweep| sweep.rate_hz.iter().copied()).min_by(
        |left, right| {
            let distance = |rate: f64| (rate / params.rate_hz.max(1e-9)).ln().abs();
            distance(*left).total_cmp(&distance(*right))
        },
    );
    match (&scenario.events, nearest) {
        (Arrivals::Steady { .. }, Some(rate_hz)) => Arrivals::Steady { rate_hz },
        (Arrivals::Poisson { .. }, Some(rate_hz)) => Arrivals::Poisson { rate_hz },
        (other, _) => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_follows_its_rate() {
        for (rate_hz, text) in [(1.0, "1 event/s"), (0.5, "0.5 events/s"), (20.0, "20 events/s")] {
            assert_eq!(rate(rate_hz), text.replace(' ', "\u{202f}"));
        }
    }

    #[test]
    fn a_request_timeout_is_told_where_it_is_not_the_usual_one() {
        let reported =
            |timeout_ms| params_text(&Params { request_timeout_ms: timeout_ms, ..Params::of(1, 100, 2.0) });
        assert_eq!(reported(Some(5_000.0)), reported(None));
        let seconds = format!(", request timeout {}", period_ms(2_000.0));
        assert_eq!(reported(Some(2_000.0)), reported(None) + &seconds);
    }
}
