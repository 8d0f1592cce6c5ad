//! The words of the report, each explained once.

use contract::Transport;

use crate::{
    findings::{Findings, Point, ScenarioFinding},
    judgement::floor::has_floor,
    text::swept::Swept,
};

/// Anchor, word, meaning.
type Word = (&'static str, &'static str, &'static str);

/// The word that a table's head uses, if the glossary explains it.
pub(crate) fn anchor(head: &str) -> Option<&'static str> {
    let known = [
        ("in the way", "middlebox"),
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

/// Words within a sentence that the glossary explains, and where.
const LINKED: [(&str, &str); 8] = [
    ("clear road", "clear-road"),
    ("round-trip time", "round-trip"),
    ("signs of life", "heartbeat"),
    ("HTTP/2 stream", "stream"),
    ("head-of-line blocking", "head-of-line"),
    ("middlebox", "middlebox"),
    ("transit", "transit"),
    ("black hole", "black-hole"),
];

/// A sentence cut at the first use of each such word; those are given with where they lead.
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

/// The words of this report: those of every one, and those of what it measured besides.
pub(crate) fn words(findings: &Findings) -> Vec<Word> {
    let any = |is: fn(&ScenarioFinding) -> bool| findings.scenarios.iter().any(is);
    let ladder = any(|finding| Swept::of(&finding.scenario) == Some(Swept::Rung));
    let mut words = GLOSSARY.to_vec();
    let is_judged = |finding: &ScenarioFinding| finding.blocks() > 0 && finding.few_blocks().is_none();
    words.extend(any(is_judged).then_some(NO_DIFFERENCE));
    words.extend(any(|finding| finding.few_blocks().is_some()).then_some(NOT_TOLD_APART));
    words.extend(any(has_floor).then_some(FLOOR));
    words.extend(any(ScenarioFinding::is_ramp).then_some(SATURATION));
    words.extend(ladder.then_some(RUNG));
    words.extend(NETWORK_WORDS.into_iter().filter(|_| any(is_of_network)));
    if words.len() > GLOSSARY.len() {
        words.sort_by_key(|(anchor, _, _)| *anchor);
    }
    words
}

/// Whether a question is about what lies between subscriber and server, or about who is there.
fn is_of_network(finding: &ScenarioFinding) -> bool {
    let other = |point: &Point| {
        point.params.network.is_some()
            || point.params.browser.is_some()
            || point.params.heartbeat.is_some()
            || point.params.transport != Transport::Http1
    };
    let about = matches!(
        Swept::of(&finding.scenario),
        Some(
            Swept::Rtt
                | Swept::Network
                | Swept::Transport
                | Swept::Heartbeat
                | Swept::StreamsPerConnection
                | Swept::MaxStreams
        )
    );
    about || finding.points.iter().any(other)
}

/// Words of what lies between.
const NETWORK_WORDS: [Word; 11] = [
    (
        "alpn",
        "ALPN",
        "how client and server agree, while they set up TLS, which protocol they will speak (RFC 7301): HTTP/1.1 or HTTP/2. It costs no round trip of its own.",
    ),
    (
        "black-hole",
        "black hole",
        "a connection on which nothing passes any more, and neither side is told. A subscriber that only listens never finds out unless it expects a sign of life; a poll is given up after its request timeout.",
    ),
    (
        "clear-road",
        "clear road",
        "the same trial with nothing in the way: what an obstacle is measured against.",
    ),
    (
        "head-of-line",
        "head-of-line blocking",
        "what is first in a queue holds up all behind it. Streams of HTTP/2 share one TCP connection, so a segment that is late is late for all of them.",
    ),
    (
        "heartbeat",
        "heartbeat",
        "a sign of life on a stream that has nothing to say: a comment in SSE, a ping in WebSocket. It keeps an idle timeout from counting to its end, and costs bytes.",
    ),
    (
        "middlebox",
        "middlebox",
        "what lies between subscriber and server and is neither: a proxy, a load balancer, a firewall. Here a relay that does on purpose what those do.",
    ),
    (
        "round-trip",
        "round-trip time",
        "from sending a byte to having the answer of the other side, when that takes no time of its own. Half of it is a transit.",
    ),
    (
        "set-up",
        "set-up",
        "from connecting to the first answer that gives a place in the log: TCP’s handshake, TLS’s where there is one, and a request with its answer.",
    ),
    (
        "stream",
        "HTTP/2 stream",
        "one request and its answer among several on the same connection. The server says how many it allows at a time.",
    ),
    (
        "tls",
        "TLS",
        "the encryption beneath HTTPS (RFC 8446). A first connection pays a round trip more, and each record some bytes.",
    ),
    ("transit", "transit", "the way of a byte in one direction: half a round trip."),
];

const FLOOR: Word = (
    "floor",
    "floor",
    "what the kernel alone costs: a server of one thread that writes a ready frame to each socket and reads nothing that it could leave out. No server that writes to each socket by itself can take much less.",
);

const SATURATION: Word = (
    "saturation",
    "saturation",
    "the rate of events grows by the same factor every second. The saturation is what was due, in deliveries per second, in the last second whose age at p99 was within 100 ms. After it the age exceeded that for good, or something was lost. A single bad second is none. It is the server’s where the server’s core was full by then, and a lower bound otherwise. Neighbouring seconds differ by that factor, and so does the value’s resolution.",
);

const RUNG: Word = (
    "rung",
    "rung",
    "the server with something taken away on purpose. The ordinary task per connection: each connection has a task of its own, as an engineer would write it with hyper and axum, instead of the shared writer, which is one task for all. Encoded again for each subscriber: every subscriber’s bytes are made anew instead of once. Each event written by itself: a system call an event instead of one for all that wait. The library’s large buffers: a WebSocket’s buffers as its library has them by default. The last three have a task per connection too.",
);

const NO_DIFFERENCE: Word = (
    "no-difference",
    "no difference shown",
    "four blocks or more were compared, and what they differ in is no more than chance explains. That is a finding: a difference, if there is one, is smaller than such a run can see.",
);

const NOT_TOLD_APART: Word = (
    "not-told-apart",
    "not told apart by one run",
    "so few blocks cannot show a difference, nor that there is none: two runs of one command may differ as much. Nothing is said about which is larger.",
);

/// Anchor, word, meaning.
const GLOSSARY: [Word; 21] = [
    (
        "age",
        "age",
        "of an event: received − due. The clock starts when the event was planned to happen, not when a request was sent, so an event that waits for a late poll or a late publisher is an old event.",
    ),
    (
        "block",
        "block",
        "every trial of a question once, in a random order drawn from the seed. What the machine does to one trial of a block it is likely to do to the others, so patterns are compared within blocks.",
    ),
    (
        "delivery",
        "delivery",
        "one event that reached one subscriber. A hundred subscribers and one event are a hundred deliveries; “per event” in this report means per delivery that arrived within the window.",
    ),
    ("due", "due", "the instant at which the schedule wants an event to be published."),
    ("empty-poll", "empty poll", "a request that was answered with nothing new."),
    ("empty-ratio", "empty ratio", "empty polls ÷ all requests of the window."),
    (
        "framing",
        "framing",
        "bytes around an event's text that are no heads: JSON and SSE envelopes, chunk and frame headers, heartbeats.",
    ),
    ("hold", "hold", "how long the server keeps a long poll open while there is nothing to say."),
    (
        "interval",
        "interval",
        "the range that holds the true value in 95 of 100 such runs, from the scatter of the blocks (Student’s t on logarithms). Never over deliveries: those of one event to a thousand subscribers are one observation of the machine. Fewer than four blocks have none.",
    ),
    (
        "late",
        "publisher late",
        "handed to the server − due. It is part of every age, so it is shown beside them.",
    ),
    (
        "ledger",
        "ledger",
        "one way to count the bytes of all connections: computed from what was asked and decoded, at the sockets, or by the kernel. Where two of them differ by more than the limit the trial is not valid.",
    ),
    (
        "memory",
        "memory per subscriber",
        "the slope of a line through readings at several numbers of open subscribers, so that what a process needs before anyone connects is left out. Memory of the kernel is that of both ends of each connection together.",
    ),
    (
        "model",
        "model",
        "the prediction, made from the schedule and a calibration and never from the trial beside it: replayed over the events that were really published. The closed form uses their mean rate only.",
    ),
    (
        "percentile",
        "p50, p99",
        "the age that half, or 99 of 100, of the deliveries did not exceed. Deliveries that never came rank above all others: a percentile that reaches into them is printed as “> x”.",
    ),
    ("point", "point", "one pattern with one set of settings."),
    (
        "rate",
        "λ, T",
        "events per second, and the poll interval. λT is the mean number of events that a poll brings.",
    ),
    ("socket", "socket held", "a connection that the server had open, the mean of both edges of the window."),
    ("subscriber", "subscriber", "one logical reader with one connection."),
    ("trial", "trial", "one pattern at one point, measured once."),
    (
        "turnaround",
        "turnaround",
        "the pause between an answer and the next long poll. Events of this gap wait for the next request.",
    ),
    ("window", "window", "the stretch of the schedule that counts, after the warm-up."),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_is_cut_at_its_first_words_and_loses_nothing() {
        let text = "Beside the clear road, and the clear road again, a middlebox.";
        let parts = cut(text);
        assert_eq!(parts.iter().map(|(part, _)| *part).collect::<String>(), text);
        let linked: Vec<&str> = parts.iter().filter_map(|(_, anchor)| *anchor).collect();
        assert_eq!(linked, ["clear-road", "middlebox"]);
        assert_eq!(cut("nothing of it"), [("nothing of it", None)]);
    }

    #[test]
    fn every_link_leads_to_a_word() {
        let known =
            |anchor: &str| GLOSSARY.iter().chain(&NETWORK_WORDS).any(|(known, _, _)| *known == anchor);
        assert!(LINKED.iter().all(|(_, anchor)| known(anchor)));
        for head in ["in the way", "round trips", "heartbeat", "protocol", "connections"] {
            assert!(anchor(head).is_some_and(known), "{head}");
        }
        assert_eq!(anchor("cut"), None);
    }
}
