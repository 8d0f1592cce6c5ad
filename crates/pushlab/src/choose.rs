//! `pushlab choose`: which pattern suits the reader's own numbers.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;
use contract::Period;
use report::{Choice, Circumstance, Wish};

use crate::{
    costs,
    exit::Failure,
    say::{say, terminal_width},
};

/// Say which pattern suits your numbers, what it costs and what it needs.
///
/// Ages, requests and bytes come from the model; CPU and memory from measured costs: those of the reference run
/// in results/reference, or of another run. Each is taken at the nearest measured point and multiplied by the
/// requests, deliveries or connections that the model predicts. Nothing is measured.
#[derive(Debug, Args)]
pub(crate) struct ChooseArguments {
    /// Events per second for each subscriber
    #[arg(long, value_name = "HZ", allow_negative_numbers = true)]
    rate: f64,
    /// Subscribers of one server; all get the same events
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    subscribers: u32,
    /// Age that 99 of 100 deliveries must not exceed, such as 1s; it decides the interval of short polling
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    freshness: Period,
    /// Round-trip time between subscriber and server
    #[arg(long, value_name = "TIME", default_value = "50ms", allow_hyphen_values = true)]
    rtt: Period,
    /// Length of an event's text, such as 200B or 2KB
    #[arg(long, value_name = "BYTES", default_value = "100B", value_parser = bytes, allow_hyphen_values = true)]
    payload: u32,
    /// Subscribers also send messages
    #[arg(long)]
    two_way: bool,
    /// A proxy or load balancer stands before the server
    #[arg(long)]
    behind_proxy: bool,
    /// The subscribers are pages in browsers
    #[arg(long)]
    browser: bool,
    /// The connections are encrypted
    #[arg(long)]
    tls: bool,
    /// Time after which a proxy, a server or a firewall closes a connection without traffic
    #[arg(long, value_name = "TIME", default_value = "60s", allow_hyphen_values = true)]
    idle_timeout: Period,
    /// Folder of the run whose measured costs count, instead of results/reference
    #[arg(long, value_name = "RUN")]
    costs: Option<PathBuf>,
    /// Print the answer as JSON, with the origin of every number
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &ChooseArguments) -> Result<ExitCode, Failure> {
    let wish = arguments.wish();
    wish.check().map_err(Failure::usage)?;
    let choice = Choice::make(wish, costs::read(arguments.costs.as_deref())?);
    if arguments.json {
        say(report::choice_json(&choice).trim_end());
    } else {
        say(report::choice_text(&choice, terminal_width()).trim_end());
    }
    Ok(ExitCode::SUCCESS)
}

impl ChooseArguments {
    fn wish(&self) -> Wish {
        let circumstances = [
            (self.two_way, Circumstance::TwoWay),
            (self.behind_proxy, Circumstance::BehindProxy),
            (self.browser, Circumstance::Browser),
            (self.tls, Circumstance::Tls),
        ];
        let given = circumstances.into_iter().filter(|(is_given, _)| *is_given);
        Wish {
            rate_hz: self.rate,
            subscribers: self.subscribers,
            freshness: self.freshness,
            rtt: self.rtt,
            payload_bytes: self.payload,
            idle_timeout: self.idle_timeout,
            circumstances: given.map(|(_, circumstance)| circumstance).collect(),
        }
    }
}

/// `200B` or `2KB` as a number of bytes.
fn bytes(text: &str) -> Result<u32, String> {
    let (number, factor) = match text.strip_suffix("KB") {
        Some(number) => (number, 1_000),
        None => (text.strip_suffix('B').unwrap_or(text), 1),
    };
    let bytes = number.trim().parse::<u32>().ok().and_then(|number| number.checked_mul(factor));
    bytes.ok_or_else(|| "write a whole number of bytes, such as 200B or 2KB".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_may_have_a_unit() {
        for (text, expected) in [("200B", 200), ("200", 200), ("2KB", 2_000), ("0B", 0)] {
            assert_eq!(bytes(text), Ok(expected));
        }
        for wrong in ["", "-1", "1.5KB", "2MB", "9999999KB", "nan"] {
            assert!(bytes(wrong).is_err(), "{wrong}");
        }
    }
}
