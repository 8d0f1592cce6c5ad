//! A listening port: which connections are let in, and what serves them.

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
    complain::complain,
    handoff::HandoffRequest,
    limits::{Limits, turned_away},
    meter::{Meter, Metered},
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
    /// The way to the shared writer; none where each connection is served by a task.
    pub(crate) shared_writer: Option<mpsc::UnboundedSender<HandoffRequest<Metered<TcpStream>>>>,
    /// None where nothing is encrypted.
    pub(crate) tls: Option<Tls>,
}

impl Listener {
    /// Accepts connections for ever.
    pub(crate) async fn accept(self: Arc<Self>, port: TcpListener) {
        let listener = self;
        loop {
            match port.accept().await {
                Ok((stream, _)) if listener.meter.connections_open() < listener.limits.connections => {
                    // Without it the kernel may hold a small write back (Nagle, RFC 896) until the
                    // one before it is acknowledged.
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
                    // In TLS an answer would take a whole handshake, which is the dearest part of
                    // serving a connection and what the limit is there to save: it is just closed.
                    if listener.tls.is_none() {
                        listener.app.spawn(turn_away(stream));
                    }
                }
                Err(error) => {
                    // Out of descriptors: open connections stay, and the next accept waits
                    // until one ends instead of spinning.
                    complain(format!("a connection could not be accepted: {error}"));
                    sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }
}

/// Lets the kernel end a connection whose client takes nothing for so long of what is to be written (TCP's
/// user timeout, RFC 9293 §3.9.1.1): the shared writer looks after its connections itself, but a task of
/// hyper would wait for ever.
fn set_user_timeout(stream: &TcpStream, patience: Duration) {
    // Where the kernel has no such timeout, the client is waited for.
    #[cfg(target_os = "linux")]
    let _ = SockRef::from(stream).set_tcp_user_timeout(Some(patience));
    #[cfg(not(target_os = "linux"))]
    let _ = (stream, patience);
}

/// Tells a connection over the limit that it should come back later, instead of letting it wait.
async fn turn_away(mut stream: TcpStream) {
    // An error means that the client is gone.
    let _ = stream.write_all(&turned_away()).await;
    let _ = stream.shutdown().await;
}
