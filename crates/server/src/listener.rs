//! A listening port: accepts connections up to the limit and serves them.

mod connection;
mod request_layer;

use std::{sync::Arc, time::Duration};

use axum::{Router, body::Bytes};
#[cfg(target_os = "linux")]
use socket2::SockRef;
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
    sync::mpsc,
    time::sleep,
};
use tokio_util::sync::CancellationToken;

use crate::{
    app::App,
    handoff::HandoffRequest,
    limits::{Limits, turned_away},
    meter::{Meter, Metered},
    print_warning::print_warning,
    tls::Tls,
};

/// A listening port with its routes.
#[derive(Debug)]
pub(crate) struct Listener {
    pub(crate) router: Router,
    pub(crate) app: Arc<App>,
    pub(crate) meter: Arc<Meter>,
    pub(crate) stopping: CancellationToken,
    pub(crate) limits: Limits,
    /// Sends connections to the shared writer; `None` if a task serves each connection.
    pub(crate) shared_writer: Option<mpsc::UnboundedSender<HandoffRequest<Metered<TcpStream>>>>,
    /// `None` without encryption.
    pub(crate) tls: Option<Tls>,
}

impl Listener {
    /// Accepts connections; never returns.
    pub(crate) async fn accept(self: Arc<Self>, port: TcpListener) {
        let listener = self;
        loop {
            match port.accept().await {
                Ok((stream, _)) if listener.meter.connections_open() < listener.limits.connections => {
                    // Without this option the kernel may hold back a small write until the previous
                    // one is acknowledged (Nagle, RFC 896).
                    let _ = stream.set_nodelay(true);
                    set_user_timeout(&stream, listener.limits.head_timeout);
                    let stream = Metered::new(stream, Arc::clone(&listener.meter));
                    if listener.tls.is_some() {
                        listener.app.spawn(Arc::clone(&listener).serve_encrypted(stream));
                    } else {
                        listener.app.spawn(Arc::clone(&listener).serve(stream, Bytes::new()));
                    }
                }
                Ok((stream, _)) => {
                    listener.meter.refuse_connection();
                    // With TLS an answer would need a whole handshake, the most expensive part of
                    // serving a connection, which the limit is meant to save: it is only closed.
                    if listener.tls.is_none() {
                        listener.app.spawn(turn_away(stream));
                    }
                }
                Err(error) => {
                    // Usually out of descriptors: open connections stay, and a pause keeps the loop
                    // from spinning until one ends.
                    print_warning(format!("a connection could not be accepted: {error}"));
                    sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }
}

/// Lets the kernel end a connection whose client has not taken sent bytes for `patience` (TCP's user timeout,
/// RFC 9293 §3.9.1.1). The shared writer has its own deadline for this, but a task of hyper would wait for
/// ever.
fn set_user_timeout(stream: &TcpStream, patience: Duration) {
    // On other systems the server waits for the client.
    #[cfg(target_os = "linux")]
    let _ = SockRef::from(stream).set_tcp_user_timeout(Some(patience));
    #[cfg(not(target_os = "linux"))]
    let _ = (stream, patience);
}

/// Answers a connection over the limit with 503 instead of letting it wait.
async fn turn_away(mut stream: TcpStream) {
    // An error means that the client is gone.
    let _ = stream.write_all(&turned_away()).await;
    let _ = stream.shutdown().await;
}
