//! `pushlab serve`: the patterns over one event log.

use std::{io::Write, net::SocketAddr, num::NonZeroUsize, path::PathBuf, process::ExitCode};

use anyhow::Context;
use clap::Args;
use contract::{Ablation, Certificate, Heartbeat, Pattern, Transport};
use event_log::Retention;
use schedule::bind_to_core;
use server::{AppSettings, CertificateSource, Limits, Server, ServerSettings};
use tokio::signal::unix::{SignalKind, signal};

use crate::{exit::Failure, say::print_warning};

/// Serve the patterns over one event log, to try them by hand.
///
/// Prints one line of JSON with both addresses when it accepts connections. Try it:
///
///   curl -N http://127.0.0.1:8080/sse &
///   curl -d 'hello' http://127.0.0.1:8080/events
///
/// The same in TLS and over HTTP/2. The server makes its own certificate and prints it in that line, so
/// that a program can trust exactly this certificate. curl's `-k` trusts any certificate:
///
///   pushlab serve --transport http2
///   curl -k --http2 -N https://127.0.0.1:8080/sse &
///   curl -k --http2 -d 'hello' https://127.0.0.1:8080/events
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct ServeArguments {
    /// Serve only this pattern; may be repeated
    #[arg(long = "pattern", value_name = "PATTERN")]
    patterns: Vec<Pattern>,
    /// Serve the floor instead: one plain thread that writes one pre-encoded frame to each socket with
    /// one write and parses nothing. Not for real use: it shows what the kernel alone costs, the lower
    /// bound for every figure of the pattern. Needs exactly one --pattern; publish with POST /events on
    /// the control plane
    #[arg(long)]
    floor: bool,
    /// Address of the data plane; port 0 picks a free one
    #[arg(long, default_value = "127.0.0.1:8080")]
    data: SocketAddr,
    /// Address of the control plane (schedules, counters), loopback only
    #[arg(long, default_value = "127.0.0.1:0")]
    control: SocketAddr,
    /// Transport of the data plane: http1 in clear, http1-tls, or http2, which is HTTP/2 in TLS and falls back
    /// to HTTP/1.1 for clients without HTTP/2. The control plane is always http1
    #[arg(long, value_name = "TRANSPORT", default_value_t = Transport::Http1)]
    transport: Transport,
    /// Certificate to make at the start, for http1-tls and http2: valid; or expired or other-host, to see
    /// subscribers refuse it
    #[arg(long, value_name = "KIND", default_value_t = Certificate::Valid, conflicts_with = "certificate")]
    make_certificate: Certificate,
    /// Use this certificate instead: a PEM file with the certificate and then its chain
    #[arg(long, value_name = "FILE", requires = "key")]
    certificate: Option<PathBuf>,
    /// Private key of that certificate, a PEM file
    #[arg(long, value_name = "FILE", requires = "certificate")]
    key: Option<PathBuf>,
    /// http2: maximum number of open streams per connection; further ones wait in the client
    #[arg(long, value_name = "STREAMS", default_value_t = AppSettings::default().max_streams, value_parser = clap::value_parser!(u32).range(1..))]
    max_streams: u32,
    /// Events the log keeps
    #[arg(long, value_name = "EVENTS", default_value_t = nonzero(Retention::default().events))]
    keep_events: NonZeroUsize,
    /// Bytes of text the log keeps
    #[arg(long, value_name = "BYTES", default_value_t = nonzero(Retention::default().bytes))]
    keep_bytes: NonZeroUsize,
    /// Heartbeats on an SSE stream or WebSocket: a time such as 15s (one every 15 s), `idle 15s` (one after
    /// 15 s without any other bytes), or off
    #[arg(long, value_name = "TIME", default_value_t = Heartbeat::default())]
    heartbeat: Heartbeat,
    /// Maximum number of open connections; further ones get 503, or with TLS are closed
    #[arg(long, value_name = "CONNECTIONS", default_value_t = Limits::default().connections)]
    max_connections: u64,
    /// Let pages of this origin read and publish, such as `https://example.org`; may be repeated
    #[arg(long = "allow-origin", value_name = "ORIGIN")]
    allowed_origins: Vec<String>,
    /// Also serve the test pages for browsers under /pages, such as /pages/six-connections: for trying them
    /// by hand and for the scenarios with a browser
    #[arg(long)]
    pages: bool,
    /// Maximum TCP segment of the data plane, in bytes, including TCP options such as 12 bytes of timestamps
    #[arg(long, value_name = "BYTES", default_value_t = load_harness::TCP_MAXSEG, value_parser = clap::value_parser!(u32).range(536..=65_483))]
    tcp_maxseg: u32,
    /// Bind the server to this core
    #[arg(long)]
    core: Option<u32>,
    /// Remove an optimisation of SSE and WebSocket, for the scenario cost-ladder only: own-tasks, encode-each,
    /// write-each or large-buffers; best removes none
    #[arg(long, value_name = "ABLATION", default_value_t = Ablation::Best)]
    ablation: Ablation,
    /// End when stdin is closed, so that the server does not outlive the harness that started it
    #[arg(long)]
    until_stdin_closes: bool,
}

fn nonzero(value: usize) -> NonZeroUsize {
    NonZeroUsize::new(value).unwrap_or(NonZeroUsize::MIN)
}

/// The certificate of the data plane.
///
/// # Errors
/// If a certificate option was given without an encrypted transport.
fn certificate(arguments: &ServeArguments) -> Result<CertificateSource, anyhow::Error> {
    let files = arguments.certificate.clone().zip(arguments.key.clone());
    let is_made = arguments.make_certificate != Certificate::default();
    if !arguments.transport.is_encrypted() && (files.is_some() || is_made) {
        anyhow::bail!("a certificate is used over TLS only: add --transport http1-tls or http2");
    }
    Ok(match files {
        Some((certificate, key)) => CertificateSource::Files { certificate, key },
        None => CertificateSource::Made(arguments.make_certificate),
    })
}

pub(crate) fn run(arguments: &ServeArguments) -> Result<ExitCode, Failure> {
    load_harness::raise_descriptor_limit();
    if let Some(core) = arguments.core
        && !bind_to_core(core)
    {
        print_warning(format!("core {core} is not available: the system chooses the core of the server"));
    }
    let defaults = AppSettings::default();
    let patterns =
        if arguments.patterns.is_empty() { defaults.patterns.clone() } else { arguments.patterns.clone() };
    let settings = ServerSettings {
        data: arguments.data,
        control: arguments.control,
        tcp_maxseg: arguments.tcp_maxseg,
        certificate: certificate(arguments).map_err(Failure::usage)?,
        app: AppSettings {
            patterns,
            retention: Retention { events: arguments.keep_events.get(), bytes: arguments.keep_bytes.get() },
            heartbeat: arguments.heartbeat,
            allowed_origins: arguments.allowed_origins.clone(),
            limits: Limits { connections: arguments.max_connections, ..Limits::default() },
            ablation: arguments.ablation,
            transport: arguments.transport,
            max_streams: arguments.max_streams,
            floor: arguments.floor,
            pages: arguments.pages,
        },
    };
    // One thread, so that the cost of a delivery is CPU time of one core and nothing else.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let server = Server::bind(settings)?;
        // Before the announcement, because its reader may end this server at once.
        let stop = stop(arguments.until_stdin_closes)?;
        let line = serde_json::to_string(&server.announcement()?)?;
        writeln!(std::io::stdout(), "{line}").context("the announcement cannot be written")?;
        server.run_until(stop).await;
        Ok(ExitCode::SUCCESS)
    })
}

/// Resolves when the process must end.
pub(crate) fn stop(with_stdin: bool) -> std::io::Result<impl Future<Output = ()> + use<>> {
    let (closed, stdin_closed) = tokio::sync::oneshot::channel::<()>();
    if with_stdin {
        // A thread of its own, because a read of stdin cannot be cancelled: the runtime would wait for it
        // at the end, but this thread ends with the process.
        std::thread::spawn(move || {
            let ignored = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
            drop((ignored, closed));
        });
    } else {
        std::mem::forget(closed);
    }
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = stdin_closed => {}
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
