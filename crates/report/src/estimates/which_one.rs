//! The README's short table: what is needed, what to take, what that costs, and what to watch out for.

use contract::{Pattern, Period};

use super::{
    choice::{Candidate, Choice},
    costs::Costs,
    wish::{Circumstance, Wish},
};
use crate::text::number::{bytes, three_digits};

/// A line of the table.
struct Need {
    words: &'static str,
    wish: Wish,
    /// Whether a pattern is possible at all.
    is_possible: fn(Pattern) -> bool,
}

fn needs() -> [Need; 5] {
    let wish = || Wish { rate_hz: 2.0, ..Wish::default() };
    let any = |_: Pattern| true;
    [
        Need {
            words: "events within a second, in browsers behind a proxy",
            wish: Wish { circumstances: vec![Circumstance::BehindProxy, Circumstance::Browser], ..wish() },
            is_possible: any,
        },
        Need {
            words: "the same, and subscribers also send",
            wish: Wish {
                circumstances: vec![Circumstance::BehindProxy, Circumstance::Browser, Circumstance::TwoWay],
                ..wish()
            },
            is_possible: any,
        },
        Need {
            words: "a hundred events a second, read once a second",
            wish: Wish { rate_hz: 100.0, ..wish() },
            is_possible: any,
        },
        Need {
            words: "an event every ten minutes, which may be an hour old",
            wish: Wish { rate_hz: 1.0 / 600.0, freshness: Period::from_millis(3_600_000), ..wish() },
            is_possible: any,
        },
        Need {
            words: "events within 100 ms, where a proxy holds back open answers and refuses `Upgrade`",
            wish: Wish {
                freshness: Period::from_millis(100),
                circumstances: vec![Circumstance::BehindProxy],
                ..wish()
            },
            is_possible: Pattern::polls,
        },
    ]
}

/// The table in Markdown. Its numbers are the model's; the measured costs decide only between patterns that are
/// equal in bytes.
#[must_use]
pub fn which_one_table(costs: &Costs) -> String {
    let mut table = String::from("| you need | take | it costs | watch out for |\n|---|---|---|---|\n");
    for need in needs() {
        let choice = Choice::make(need.wish, Some(costs.clone()));
        let is_best = |of: &&Candidate| of.ruled_out.is_empty() && (need.is_possible)(of.pattern);
        let best = choice.candidates.iter().find(is_best);
        table.push_str(&format!(
            "| {} | {} |\n",
            need.words,
            best.map_or_else(String::new, |best| taken(best, &choice.wish))
        ));
    }
    table.replace('\u{202f}', " ")
}

/// The other cells of a line.
fn taken(best: &Candidate, wish: &Wish) -> String {
    let deliveries_hz = wish.rate_hz * f64::from(wish.subscribers);
    let mut costs = Vec::new();
    if let Some(of) = &best.estimate {
        costs.extend(of.bytes_hz.as_ref().ok().map(|hz| format!("{} per event", bytes(hz / deliveries_hz))));
        let requests = of.requests_hz / deliveries_hz;
        costs.push(match requests {
            0.0 => "no request".to_owned(),
            one if (0.995..1.005).contains(&one) => "a request".to_owned(),
            some => format!("{} requests", three_digits(some)),
        });
        let is_held = of.connections > f64::from(wish.subscribers) / 2.0;
        costs.push(if is_held { "an open connection" } else { "no connection between two polls" }.to_owned());
    }
    let needs = if best.needs.is_empty() { "—".to_owned() } else { best.needs.join("; ") };
    format!("{} | {} | {needs}", best.label(), costs.join(", "))
}
