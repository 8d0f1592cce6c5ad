//! `pushlab middlebox`: a simulated network between a subscriber and a server.

use std::{io::Write, net::SocketAddr, process::ExitCode};

use ::middlebox::{Relay, RelaySettings};
use anyhow::Context;
use clap::Args;
use contract::{Buffering, Network, Period, RelayAnnouncement, Settings};
use schedule::bind_to_core;
use serde_json::to_string;

use crate::{exit::Failure, say::print_warning, serve::stop};

/// Relay between a subscriber and a server on this machine, and delay, limit or cut connections.
///
/// Prints one line of JSON with its address when it accepts connections, and one with its counts when it
/// ends (Ctrl-C). Try it in front of a server, with a round-trip time of 300 ms:
///
///   pushlab serve --data 127.0.0.1:8080 &
///   pushlab middlebox --listen 127.0.0.1:8081 --to 127.0.0.1:8080 --rtt 300ms &
///   curl -N http://127.0.0.1:8081/sse &
///   curl -d 'hello' http://127.0.0.1:8080/events
///
/// A relay cannot delay the kernel's answer to a SYN. To model the time of connection set-up, it holds the
/// first bytes from the subscriber for one more round trip.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct MiddleboxArguments {
    /// Address of the server, on this machine
    #[arg(long, value_name = "ADDRESS")]
    to: SocketAddr,
    /// Where subscribers connect, on this machine; port 0 picks a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Round-trip time: half of it in each direction
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = time)]
    rtt: Period,
    /// Largest random delay added in each direction; the order is kept
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = time)]
    jitter: Period,
    /// Bytes per second that each direction of each connection carries
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u64).range(1..))]
    bytes_per_second: Option<u64>,
    /// Close a connection on which no byte has passed for this time, in either direction
    #[arg(long, value_name = "TIME", value_parser = time)]
    idle_timeout: Option<Period>,
    /// Hold back the server's bytes until this many have gathered, or none has come for this time: such as
    /// 4096,500ms
    #[arg(long, value_name = "BYTES,TIME", value_parser = buffering)]
    buffer: Option<Buffering>,
    /// Cut a connection (RST) this time after it was accepted
    #[arg(long, value_name = "TIME", value_parser = time)]
    cut_after: Option<Period>,
    /// Cut a connection (RST) after this many bytes from the server
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u64).range(1..))]
    cut_after_bytes: Option<u64>,
    /// Answer 403 if the first request of a connection has an Upgrade header. Later requests and encrypted
    /// ones pass unread
    #[arg(long)]
    refuse_upgrade: bool,
    /// Maximum number of open connections; closes further ones at once
    #[arg(long, value_name = "CONNECTIONS", value_parser = clap::value_parser!(u32).range(1..))]
    connections: Option<u32>,
    /// Drop all bytes of a connection from this time after it was accepted, without an error: TCP still
    /// acknowledges them
    #[arg(long, value_name = "TIME", value_parser = time)]
    black_hole_after: Option<Period>,
    /// Maximum TCP segment on both sides, in bytes, including TCP options such as 12 bytes of timestamps
    #[arg(long, value_name = "BYTES", default_value_t = load_harness::TCP_MAXSEG, value_parser = clap::value_parser!(u32).range(536..=65_483))]
    tcp_maxseg: u32,
    /// Seed of the jitter
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Bind the middlebox to this core
    #[arg(long)]
    core: Option<u32>,
    /// End when stdin is closed, so that the middlebox does not outlive the harness that started it
    #[arg(long)]
    until_stdin_closes: bool,
}

/// File descriptors for the sockets of a trial's subscribers in one process. A middlebox holds both ends of
/// each connection, so there it is two per subscriber.
pub(crate) const fn descriptors(settings: &Settings) -> u32 {
    if settings.network.is_some() { settings.subscribers.saturating_mul(2) } else { settings.subscribers }
}

fn time(text: &str) -> Result<Period, String> {
    text.parse().map_err(|error| format!("{error}: write it with its unit, such as 50ms"))
}

fn buffering(text: &str) -> Result<Buffering, String> {
    let problem = || format!("`{text}` must be bytes and a time: write it as 4096,500ms");
    let (bytes, pause) = text.split_once(',').ok_or_else(problem)?;
    let bytes = bytes.trim().parse().map_err(|_| problem())?;
    let pause: Period = pause.trim().parse().map_err(|_| problem())?;
    if bytes == 0 || pause.is_nothing() {
        return Err("the buffer needs at least one byte and a pause longer than 0".to_owned());
    }
    Ok(Buffering { bytes, pause })
}

pub(crate) fn run(arguments: &MiddleboxArguments) -> Result<ExitCode, Failure> {
    // Two descriptors a connection.
    load_harness::raise_descriptor_limit();
    if let Some(core) = arguments.core
        && !bind_to_core(core)
    {
        print_warning(format!("core {core} is not available: the system chooses the core of the middlebox"));
    }
    let settings = RelaySettings {
        listen: arguments.listen,
        to: arguments.to,
        network: Network {
            rtt: arguments.rtt,
            jitter: arguments.jitter,
            bytes_per_second: arguments.bytes_per_second,
            idle_timeout: arguments.idle_timeout,
            buffer: arguments.buffer,
            cut_after: arguments.cut_after,
            cut_after_bytes: arguments.cut_after_bytes,
            refuse_upgrade: arguments.refuse_upgrade,
            connections: arguments.connections,
            black_hole_after: arguments.black_hole_after,
        },
        max_segment: arguments.tcp_maxseg,
        seed: arguments.seed,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // Before the announcement, because its reader may end this middlebox at once.
    let stop = runtime.block_on(async { stop(arguments.until_stdin_closes) })?;
    // The relay's thread inherits the core of this one.
    let relay = Relay::start(settings)?;
    let announcement = RelayAnnouncement { listen: relay.address(), pid: std::process::id() };
    tell(&to_string(&announcement)?).context("the announcement cannot be written")?;
    runtime.block_on(stop);
    tell(&to_string(&relay.stop())?).context("the counts cannot be written")?;
    Ok(ExitCode::SUCCESS)
}

fn tell(line: &str) -> std::io::Result<()> {
    let mut stdout = std::io::stdout();
    writeln!(stdout, "{line}")?;
    stdout.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_bytes_and_a_pause() {
        let good = buffering("4096, 500ms").unwrap();
        assert_eq!((good.bytes, good.pause), (4_096, Period::from_millis(500)));
        for bad in ["", "4096", "500ms", "0,1s", "1,0s", "1,5", "1,2,3s"] {
            assert!(buffering(bad).is_err(), "{bad}");
        }
    }
}
