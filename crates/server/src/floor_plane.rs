//! The floor in place of the data plane: what it needs, and where it runs.

use std::sync::Arc;

#[cfg(target_os = "linux")]
use contract::Transport;
use tokio::net::TcpListener;

#[cfg(target_os = "linux")]
use crate::floor;
use crate::{App, AppSettings, ServerSettings, StartError, meter::Meter};

#[cfg(target_os = "linux")]
pub(crate) fn check(settings: &AppSettings) -> Result<(), StartError> {
    match (settings.transport, settings.patterns.len()) {
        (Transport::Http1, 1) => Ok(()),
        (Transport::Http1, patterns) => Err(StartError::FloorPatterns(patterns)),
        (transport @ (Transport::Http1Tls | Transport::Http2), _) => {
            Err(StartError::FloorTransport(transport))
        }
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn check(_: &AppSettings) -> Result<(), StartError> {
    Err(StartError::FloorNeedsLinux)
}

/// The floor in place of the data plane; shutdown waits for it.
pub(crate) async fn serve(settings: &ServerSettings, app: &Arc<App>, meter: Arc<Meter>, data: TcpListener) {
    #[cfg(target_os = "linux")]
    if let (Some(pattern), Ok(listener)) = (settings.app.patterns.first(), data.into_std()) {
        let floor = floor::serve(*pattern, Arc::clone(app), meter, listener);
        // An error means that the task was ended together with the runtime.
        let _ = app.tasks().spawn(floor).await;
    }
    #[cfg(not(target_os = "linux"))]
    drop((settings, app, meter, data));
}
