//! Polls: answered as soon as there is an event, or when the hold has ended.

use std::time::{Duration, Instant};

use super::Floor;
use crate::{long_polling::LINGER, request::DEFAULT_HOLD};

/// Checks of all holds within the length of one hold. A hold may last longer by one such interval.
const LOOKS_PER_HOLD: u32 = 64;
/// Bounds of the hold.
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
                None => self.canned.first_answer(),
                Some(sent) if sent < self.head => self.canned.answer(sent, self.head),
                Some(sent) if !self.pattern.is_held() => {
                    connection.asked -= 1;
                    self.counters.empty += 1;
                    let bytes = self.canned.nothing_new(sent);
                    self.send(key, &bytes, sent);
                    continue;
                }
                // Held until there is an event.
                Some(_) => return,
            };
            connection.asked -= 1;
            connection.asked_at_ms = self.now_ms;
            self.counters.answered += 1;
            self.send(key, &bytes, seq);
        }
    }

    /// An event has arrived for the held polls: answers them now, or lets them wait for more events.
    pub(super) fn begin_answers(&mut self) {
        if LINGER.is_zero() {
            return self.answer_all();
        }
        self.answer_due.get_or_insert(Instant::now() + LINGER);
    }

    /// Answers the polls whose wait for more events has ended.
    pub(super) fn end_waits(&mut self) {
        if self.answer_due.is_some_and(|due| due <= Instant::now()) {
            self.answer_due = None;
            self.answer_all();
        }
    }

    pub(super) fn answer_all(&mut self) {
        for key in self.keys() {
            self.answer(key);
        }
    }

    /// Time until the polls are checked; `None` for a pattern that holds nothing.
    pub(super) fn until_next_look(&self) -> Option<Duration> {
        let next = self.answer_due.map_or(self.next_look, |due| due.min(self.next_look));
        self.pattern.is_held().then(|| next.saturating_duration_since(Instant::now()))
    }

    /// Answers with 204 the polls whose hold has ended.
    pub(super) fn end_holds(&mut self) {
        if !self.pattern.is_held() || Instant::now() < self.next_look {
            return;
        }
        // An extreme `hold` must neither make the loop check without a pause nor overflow.
        let hold = self.hold.unwrap_or(DEFAULT_HOLD).clamp(SHORTEST_HOLD, LONGEST_HOLD);
        self.end_holds_of(hold.as_millis() as u32);
        self.next_look = Instant::now() + hold / LOOKS_PER_HOLD;
    }

    pub(super) fn end_holds_of(&mut self, hold_ms: u32) {
        for key in self.keys() {
            if let Some(connection) = self.connections.get_mut(key)
                && let Some(sent) = connection.sent
                && connection.asked > 0
                && sent >= self.head
                && !connection.is_stuck()
                && self.now_ms.saturating_sub(connection.asked_at_ms) >= hold_ms
            {
                connection.asked -= 1;
                connection.asked_at_ms = self.now_ms;
                self.counters.empty += 1;
                let bytes = self.canned.nothing_new(sent);
                self.send(key, &bytes, sent);
            }
        }
    }
}
