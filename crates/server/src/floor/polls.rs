//! Polls: answered as soon as there is something, or when the hold has ended.

use std::time::{Duration, Instant};

use contract::Pattern;

use super::Floor;

/// All holds are looked at together, so often within one hold: it may last that much longer.
const LOOKS_PER_HOLD: u32 = 64;
/// Without a `hold` in the request, as long as the real server holds.
const DEFAULT_HOLD: Duration = Duration::from_secs(25);

/// Bounds on the hold that is kept to.
const SHORTEST_HOLD: Duration = Duration::from_millis(64);
const LONGEST_HOLD: Duration = Duration::from_secs(55);

impl Floor {
    /// Answers the polls of a connection that can be answered now.
    pub(super) fn answer(&mut self, key: usize) {
        while let Some(connection) = self.connections.get_mut(key)
            && connection.asked > 0
            && !connection.is_stuck()
        {
            let (bytes, seq) = match connection.sent {
                None => self.rote.first_answer(),
                Some(sent) if sent < self.head => self.rote.answer(sent, self.head),
                Some(sent) if self.pattern == Pattern::ShortPolling => {
                    connection.asked -= 1;
                    self.sums.empty += 1;
                    let bytes = self.rote.nothing_new(sent);
                    self.send(key, &bytes, sent);
                    continue;
                }
                // Held until there is something.
                Some(_) => return,
            };
            connection.asked -= 1;
            connection.asked_at_ms = self.now_ms;
            self.sums.answered += 1;
            self.send(key, &bytes, seq);
        }
    }

    /// Time until the holds are looked at; forever where nothing is ever held.
    pub(super) fn until_next_look(&self) -> Option<Duration> {
        (self.pattern == Pattern::LongPolling)
            .then(|| self.next_look.saturating_duration_since(Instant::now()))
    }

    /// Answers with 204 whoever has been held for long enough.
    pub(super) fn end_holds(&mut self) {
        if self.pattern != Pattern::LongPolling || Instant::now() < self.next_look {
            return;
        }
        // What nobody asks for must not make it look without a pause, or overflow.
        let hold = self.hold.unwrap_or(DEFAULT_HOLD).clamp(SHORTEST_HOLD, LONGEST_HOLD);
        self.end_holds_of(hold.as_millis() as u32);
        self.next_look = Instant::now() + hold / LOOKS_PER_HOLD;
    }

    pub(super) fn end_holds_of(&mut self, hold_ms: u32) {
        for key in self.keys() {
            if let Some(connection) = self.connections.get_mut(key)
                && let Some(sent) = connection.sent
                && connection.asked > 0
                && !connection.is_stuck()
                && self.now_ms.saturating_sub(connection.asked_at_ms) >= hold_ms
            {
                connection.asked -= 1;
                connection.asked_at_ms = self.now_ms;
                self.sums.empty += 1;
                let bytes = self.rote.nothing_new(sent);
                self.send(key, &bytes, sent);
            }
        }
    }
}
