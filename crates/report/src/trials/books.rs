//! The byte balance of a trial: on every stretch between two sockets, in each direction, the bytes that one
//! side sent must equal those that the other side got, whatever an obstacle did in between.

use contract::{Limits, Measurements, RelayCounts};

use crate::text::number::{count, with_unit};

/// One direction of a connection, from a socket to the next one.
struct Hop {
    /// `the subscribers sent`.
    sender: &'static str,
    sent: u64,
    /// `the middlebox took or left unread`.
    receiver: &'static str,
    got: u64,
    /// Of those sent: not acknowledged, because the other side had closed or reset the connection. They may
    /// have arrived.
    unacknowledged: u64,
}

impl Hop {
    /// The unexplained bytes as a fraction of the larger side.
    fn apart(&self) -> f64 {
        let least = self.sent.saturating_sub(self.unacknowledged);
        let unexplained = self.got.saturating_sub(self.sent) + least.saturating_sub(self.got);
        let most = self.sent.max(self.got);
        if most == 0 { 0.0 } else { unexplained as f64 / most as f64 }
    }

    fn sentence(&self) -> String {
        let perhaps = match self.unacknowledged {
            0 => String::new(),
            bytes => format!(", and {} were never acknowledged", count(bytes)),
        };
        format!(
            "{} {} bytes, {} {}{perhaps}: {} is unexplained",
            self.sender,
            count(self.sent),
            self.receiver,
            count(self.got),
            with_unit(self.apart() * 100.0, "%")
        )
    }
}

/// All stretches whose two ends are known.
fn hops(of: &Measurements) -> Vec<Hop> {
    let Some(RelayCounts { up, down, .. }) = of.relay.map(|relay| relay.counts) else {
        return Vec::new();
    };
    let mut hops = Vec::new();
    if let Some(left) = of.left_behind {
        hops.push(Hop {
            sender: "the subscribers sent",
            sent: of.bytes_life.sent,
            receiver: "the middlebox took or left unread",
            got: up.taken + up.unread,
            unacknowledged: left.unacknowledged,
        });
        hops.push(Hop {
            sender: "the middlebox delivered down",
            sent: down.delivered,
            receiver: "the subscribers read or left unread",
            got: of.bytes_life.received + left.unread,
            unacknowledged: down.unacknowledged,
        });
    }
    if let Some(server) = of.server_bytes_life {
        hops.push(Hop {
            sender: "the middlebox delivered up",
            sent: up.delivered,
            receiver: "the server read",
            got: server.sent,
            unacknowledged: up.unacknowledged,
        });
        hops.push(Hop {
            sender: "the server sent",
            sent: server.received,
            receiver: "the middlebox took or left unread",
            got: down.taken + down.unread,
            unacknowledged: 0,
        });
    }
    hops
}

/// The largest unexplained difference between subscribers and server, as a fraction; none if one of them
/// does not report its bytes.
pub(crate) fn difference(of: &Measurements) -> Option<f64> {
    if of.relay.is_some() {
        return hops(of).iter().map(Hop::apart).reduce(f64::max);
    }
    let (server, _) = of.server_bytes_life.zip(of.left_behind)?;
    let subscribers = of.bytes_life.total() as f64;
    let apart = (server.total() as f64 - subscribers).abs();
    Some(if apart > 0.0 { apart / subscribers.max(1.0) } else { 0.0 })
}

/// The differences beyond the limit, in words.
pub(crate) fn unbalanced(of: &Measurements, limits: &Limits) -> Vec<String> {
    if of.relay.is_none() {
        let server = of.server_bytes_life.filter(|_| difference(of) > Some(limits.ledger_difference));
        let said = server.map(|server| {
            format!(
                "the server's sockets counted {} bytes, the subscribers' {}",
                count(server.total()),
                count(of.bytes_life.total())
            )
        });
        return said.into_iter().collect();
    }
    let beyond = |hop: &Hop| hop.apart() > limits.ledger_difference;
    hops(of).iter().filter(|hop| beyond(hop)).map(Hop::sentence).collect()
}

/// Why the server did not count some requests.
pub(crate) enum Unseen {
    /// There are none.
    None,
    /// They are explained, in words.
    Explained(String),
    /// They cannot be compared, and why.
    NotCompared(String),
    /// They are not explained.
    Contradiction(String),
}

/// Compares the requests of both sides.
///
/// In HTTP/1.1 a connection carries one request at a time. So each request that the server did not see was
/// on a connection that lost bytes, or its socket never took it.
pub(crate) fn unseen_requests(of: &Measurements) -> Unseen {
    let (subscribers, Some(server)) = (of.requests.life, of.server_requests_life) else {
        return Unseen::None;
    };
    let Some(missing) = subscribers.checked_sub(server).filter(|missing| *missing > 0 && of.relay.is_some())
    else {
        let is_same = subscribers == server;
        return if is_same { Unseen::None } else { Unseen::Contradiction(both_counts(server, subscribers)) };
    };
    let RelayCounts { up, .. } = of.relay.map(|relay| relay.counts).unwrap_or_default();
    let Some(left) = of.left_behind else {
        return not_compared(missing, "this client or kernel does not report which of them were lost");
    };
    let (lost, unsent) = (up.broken + left.unheard, left.unsent_requests);
    if missing > lost + unsent {
        let counts = both_counts(server, subscribers);
        return Unseen::Contradiction(format!(
            "{counts}: at most {} of the missing {} were lost on the way",
            count(lost + unsent),
            count(missing)
        ));
    }
    Unseen::Explained(format!(
        "{} of {} requests never reached the server; connections that lost bytes on their way to it: {}; requests not sent at all: {}",
        count(missing),
        count(subscribers),
        count(lost),
        count(unsent)
    ))
}

/// The same where a connection carries several requests at a time.
pub(crate) fn unseen_streams(of: &Measurements) -> Unseen {
    let (subscribers, Some(server)) = (of.requests.life, of.server_requests_life) else {
        return Unseen::None;
    };
    let ended = of.relay.map(|relay| relay.counts).is_some_and(|counts| {
        let RelayCounts { over_cap, idled_out, cut, upgrades_refused, swallowed, unreachable, .. } = counts;
        over_cap + idled_out + cut + upgrades_refused + swallowed + unreachable > 0
    });
    match subscribers.checked_sub(server) {
        Some(0) => Unseen::None,
        Some(missing) if ended => {
            not_compared(missing, "the middlebox ended an HTTP/2 connection in which requests were waiting")
        }
        Some(_) | None => Unseen::Contradiction(both_counts(server, subscribers)),
    }
}

fn both_counts(server: u64, subscribers: u64) -> String {
    format!("the server counted {} requests, the subscribers {}", count(server), count(subscribers))
}

fn not_compared(missing: u64, because: &str) -> Unseen {
    Unseen::NotCompared(format!(
        "the requests of subscribers and server are not compared, because {because}; the server counted {} fewer",
        count(missing)
    ))
}
