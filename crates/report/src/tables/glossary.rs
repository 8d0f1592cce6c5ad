//! The glossary of the report: each term explained once.

use contract::Transport;

use crate::{
    findings::{Findings, Point, ScenarioFinding},
    judgement::floor::has_floor,
    text::swept::{SweepParameter, Topic},
};

/// Anchor, word, meaning.
type Word = (&'static str, &'static str, &'static str);

/// The glossary entry for a table's head, if there is one.
pub(crate) fn anchor(head: &str) -> Option<&'static str> {
    let known = [
        ("obstacle", "middlebox"),
        ("round trips", "round-trip"),
        ("set-up at p50", "percentile"),
        ("age at p99", "percentile"),
        ("heartbeat", "heartbeat"),
        ("bytes per event", "delivery"),
        ("connections", "socket"),
        ("protocol", "alpn"),
    ];
    known.into_iter().find_map(|(word, anchor)| (word == head).then_some(anchor))
}

/// Terms within a sentence that the glossary explains, with their anchors.
const LINKED: [(&str, &str); 8] = [
    ("baseline", "baseline"),
    ("round-trip time", "round-trip"),
    ("heartbeats", "heartbeat"),
    ("HTTP/2 stream", "stream"),
    ("head-of-line blocking", "head-of-line"),
    ("middlebox", "middlebox"),
    ("one-way delay", "one-way-delay"),
    ("black hole", "black-hole"),
];

/// Cuts a sentence at the first use of each such term and returns the term's part with its anchor.
pub(crate) fn cut(text: &str) -> Vec<(&str, Option<&'static str>)> {
    let mut places: Vec<(usize, usize, &'static str)> = LINKED
        .iter()
        .filter_map(|(word, anchor)| text.find(word).map(|start| (start, start + word.len(), *anchor)))
        .collect();
    places.sort_unstable();
    let mut parts = Vec::new();
    let mut from = 0;
    for (start, end, anchor) in places {
        if start >= from {
            parts.push((&text[from..start], None));
            parts.push((&text[start..end], Some(anchor)));
            from = end;
        }
    }
    parts.push((&text[from..], None));
    parts
}

/// The terms of this report: those of every report, and those that its scenarios need.
pub(crate) fn words(findings: &Findings) -> Vec<Word> {
    let any = |is: fn(&ScenarioFinding) -> bool| findings.scenarios.iter().any(is);
    let ladder = any(|finding| SweepParameter::of(&finding.scenario) == Some(SweepParameter::Ablation));
    let mut words = GLOSSARY.to_vec();
    let is_judged = |finding: &ScenarioFinding| finding.blocks() > 0 && finding.few_blocks().is_none();
    words.extend(any(is_judged).then_some(NO_DIFFERENCE));
    words.extend(any(|finding| finding.few_blocks().is_some()).then_some(NOT_TOLD_APART));
    words.extend(any(has_floor).then_some(FLOOR));
    words.extend(any(ScenarioFinding::is_ramp).then_some(SATURATION));
    words.extend(ladder.then_some(ABLATION));
    words.extend(NETWORK_WORDS.into_iter().filter(|_| any(is_of_network)));
    if words.len() > GLOSSARY.len() {
        words.sort_by_key(|(anchor, _, _)| *anchor);
    }
    words
}

/// Whether a question is about the network between subscriber and server, or about a browser.
fn is_of_network(finding: &ScenarioFinding) -> bool {
    let other = |point: &Point| {
        point.params.network.is_some()
            || point.params.browser.is_some()
            || point.params.heartbeat.is_some()
            || point.params.transport != Transport::Http1
    };
    let about = SweepParameter::of(&finding.scenario).is_some_and(|swept| swept.has(Topic::Network));
    about || finding.points.iter().any(other)
}

/// Terms of the network between subscriber and server.
const NETWORK_WORDS: [Word; 11] = [
    (
        "alpn",
        "ALPN",
        "how client and server agree on HTTP/1.1 or HTTP/2 while they set up TLS (RFC 7301). It costs no extra round trip.",
    ),
    (
        "baseline",
        "baseline",
        "the same trial without an obstacle. Trials with an obstacle are compared with it.",
    ),
    (
        "black-hole",
        "black hole",
        "a connection that silently drops all data without closing. A subscriber that only listens notices it only if it expects heartbeats; a poll ends with its request timeout.",
    ),
    (
        "head-of-line",
        "head-of-line blocking",
        "the first item of a queue delays all items behind it. HTTP/2 streams share one TCP connection, so a late segment delays all of them.",
    ),
    (
        "heartbeat",
        "heartbeat",
        "a small message on a stream that has no event to send: a comment in SSE, a ping in WebSocket. It prevents idle timeouts and costs bytes.",
    ),
    (
        "middlebox",
        "middlebox",
        "a device between subscriber and server: a proxy, a load balancer, a firewall. Here a relay imitates one; what it does to connections is the obstacle.",
    ),
    ("one-way-delay", "one-way delay", "the time of a byte in one direction: half a round trip."),
    (
        "round-trip",
        "round-trip time",
        "from sending a byte to receiving the answer, if the other side answers at once. Half of it is a one-way delay.",
    ),
    (
        "set-up",
        "set-up",
        "from connecting to the first answer with a cursor: the TCP handshake, the TLS handshake where there is one, and a request with its answer.",
    ),
    (
        "stream",
        "HTTP/2 stream",
        "one request and its answer on a connection that carries several at a time. The server announces how many it allows.",
    ),
    (
        "tls",
        "TLS",
        "the encryption beneath HTTPS (RFC 8446). A first connection takes one more round trip, and each record adds some bytes.",
    ),
];

const FLOOR: Word = (
    "floor",
    "floor",
    "the lower bound: what the kernel alone costs. It is a server with one thread that writes a ready-made frame to each socket and skips all optional reads. A server that writes to each socket separately cannot cost much less.",
);

const SATURATION: Word = (
    "saturation",
    "saturation",
    "the rate of events grows by the same factor every second. Saturation is the deliveries per second that were due in the last second with an age at p99 within 100 ms. After that second the age stayed above 100 ms, or events were lost; a single bad second does not count. The value is the server’s saturation if the server’s core was full by then, and a lower bound otherwise. Its resolution is the growth factor from one second to the next.",
);

const ABLATION: Word = (
    "ablation",
    "ablation",
    "a variant of the server with one optimisation removed. The ordinary task per connection: each connection has its own task, as is usual with hyper and axum; the shared writer is one task for all. Encoded again for each subscriber: the bytes are encoded for every subscriber instead of once. Each event written by itself: one system call per event instead of one for all waiting events. The library’s large buffers: the default buffers of the WebSocket library. The last three also use a task per connection.",
);

const NO_DIFFERENCE: Word = (
    "no-difference",
    "no difference shown",
    "four blocks or more were compared, and chance alone explains the difference. That is a result: a real difference, if there is one, is too small for such a run to show.",
);

const NOT_TOLD_APART: Word = (
    "not-told-apart",
    "not told apart by one run",
    "so few blocks can show neither a difference nor its absence: two runs of the same command may differ as much. The report does not say which value is larger.",
);

/// Anchor, word, meaning.
const GLOSSARY: [Word; 21] = [
    (
        "age",
        "age",
        "of an event: received − due. It counts from the planned instant, not from a request. So waiting for a late poll or a late publisher makes an event older.",
    ),
    (
        "block",
        "block",
        "every trial of a question once, in a random order drawn from the seed. A disturbance of the machine is likely to affect all trials of a block, so patterns are compared within blocks.",
    ),
    (
        "delivery",
        "delivery",
        "one event that reached one subscriber. One event for a hundred subscribers is a hundred deliveries. In this report “per event” means per delivery that arrived within the window.",
    ),
    ("due", "due", "the instant at which the schedule plans an event to be published."),
    ("empty-poll", "empty poll", "a request whose answer has no event."),
    ("empty-ratio", "empty ratio", "empty polls ÷ all requests of the window."),
    (
        "framing",
        "framing",
        "bytes around an event's text, without HTTP heads: JSON and SSE envelopes, chunk and frame headers, heartbeats.",
    ),
    ("hold", "hold", "how long the server keeps a long poll open while there is no event."),
    (
        "interval",
        "interval",
        "the range that contains the true value in 95 of 100 such runs, from the scatter of the blocks (Student’s t on logarithms). It is never computed over deliveries, because a thousand deliveries of one event are one observation of the machine. It takes at least four blocks.",
    ),
    (
        "late",
        "publisher late",
        "the instant at which the event was handed to the server − due. It is part of every age, so the report shows it next to the ages.",
    ),
    (
        "ledger",
        "ledger",
        "one way to count the bytes of all connections: computed from requests and decoded messages, counted at the sockets, or counted by the kernel. If two ledgers differ by more than the limit, the trial is not valid.",
    ),
    (
        "memory",
        "memory per subscriber",
        "the slope of a line through readings at several numbers of open subscribers. So it leaves out what a process needs without subscribers. Kernel memory is that of both ends of each connection together.",
    ),
    (
        "model",
        "model",
        "the prediction from the schedule and a calibration, never from the trial that it predicts. It is replayed over the events that were actually published. The closed form uses only their mean rate.",
    ),
    (
        "percentile",
        "p50, p99",
        "the age that half, or 99 of 100, of the deliveries did not exceed. Deliveries that never came count as older than all others: a percentile that reaches into them is printed as “> x”.",
    ),
    ("point", "point", "one pattern with one set of settings."),
    ("rate", "λ, T", "events per second, and the poll interval. λT is the mean number of events per poll."),
    (
        "socket",
        "socket held",
        "a connection that the server had open: the mean of the window’s start and end.",
    ),
    ("subscriber", "subscriber", "one logical reader with one connection."),
    ("trial", "trial", "one pattern at one point, measured once."),
    (
        "turnaround",
        "turnaround",
        "the pause between an answer and the next long poll. Events that occur in this gap wait for the next request.",
    ),
    ("window", "window", "the part of the schedule that counts, after the warm-up."),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_is_cut_at_its_first_words_and_loses_nothing() {
        let text = "Next to the baseline, and the baseline again, a middlebox.";
        let parts = cut(text);
        assert_eq!(parts.iter().map(|(part, _)| *part).collect::<String>(), text);
        let linked: Vec<&str> = parts.iter().filter_map(|(_, anchor)| *anchor).collect();
        assert_eq!(linked, ["baseline", "middlebox"]);
        assert_eq!(cut("nothing of it"), [("nothing of it", None)]);
    }

    #[test]
    fn every_link_leads_to_a_word() {
        let known =
            |anchor: &str| GLOSSARY.iter().chain(&NETWORK_WORDS).any(|(known, _, _)| *known == anchor);
        assert!(LINKED.iter().all(|(_, anchor)| known(anchor)));
        for head in ["obstacle", "round trips", "heartbeat", "protocol", "connections"] {
            assert!(anchor(head).is_some_and(known), "{head}");
        }
        assert_eq!(anchor("cut"), None);
    }
}
