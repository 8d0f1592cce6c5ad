//! A real browser as the subscriber of a trial: a headless Chromium in which the harness opens a test page of
//! the server. The results of the page's task are the trial's outcome. A browser is never the load; the lab's
//! own subscribers are.

mod ages;
mod certificate;
mod clock;
mod cross_origin;
mod driver;
mod find;
mod page_ledger;
mod six_connections;
mod sse_conformance;

use std::time::Duration;

use contract::{
    Announcement, BrowserAudience, BrowserFindings, BrowserTask, Measurements, Outcome, Transport,
};

use self::driver::{Browser, BrowserError};
pub use self::find::{BrowserPrograms, NoBrowser};
use crate::{
    data::{cause::with_cause, progress::Progress, started::Started, trial_spec::TrialSpec},
    processes::{
        harness::Harness,
        server_access::{RunningServer, ServerAccess},
        server_process::{ControlPlane, ServerError},
        trial_error::TrialError,
    },
};

/// Why a task could not be finished.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TaskError {
    #[error(transparent)]
    Browser(#[from] BrowserError),
    #[error(transparent)]
    Trial(#[from] TrialError),
    #[error(transparent)]
    Server(#[from] ServerError),
    #[error("the lab's own client failed: {}", with_cause(.0))]
    Reader(#[from] reqwest::Error),
    #[error("the server did not answer the lab's own client within {0:?}")]
    Unanswered(Duration),
    #[error("the page returned {reported} of {asked} results")]
    Incomplete { reported: usize, asked: usize },
    #[error("the page could not read the server's clock")]
    NoClock,
    #[error("browser trials work with the lab's own server only")]
    ForeignServer,
}

/// The result of a task.
enum Brought {
    Findings(BrowserFindings),
    Measured { measurements: Box<Measurements>, interval_log: String },
}

/// Everything that a task needs.
struct Stage<'a> {
    harness: &'a Harness,
    order: &'a TrialSpec,
    audience: BrowserAudience,
    programs: BrowserPrograms,
    /// The server that serves the page.
    server: &'a ServerAccess,
    control: ControlPlane,
}

/// Runs a trial with a browser. Any failure becomes its outcome.
pub(crate) async fn run(
    harness: &Harness,
    order: &TrialSpec,
    audience: BrowserAudience,
    progress: &mut dyn FnMut(Progress),
) -> (Outcome, Option<String>) {
    let programs = match BrowserPrograms::find() {
        Ok(programs) => programs,
        Err(missing) => {
            let reason = format!("{missing}; run `just setup-browser` to get one");
            return (Outcome::NotRun { reason }, None);
        }
    };
    let failed = |reason: String, server_stderr_tail| (Outcome::Failed { reason, server_stderr_tail }, None);
    let (mut server, access) = match RunningServer::start(harness, order).await {
        Ok(running) => running,
        Err(error) => return failed(error.to_string(), error.stderr_tail()),
    };
    let brought = match &server {
        RunningServer::Foreign(_) => Err(TaskError::ForeignServer.to_string()),
        RunningServer::Own(own) => {
            let control = own.control();
            let stage = Stage { harness, order, audience, programs, server: &access, control };
            tokio::select! {
                brought = stage.perform(progress) => brought.map_err(|error| error.to_string()),
                reason = server.ended() => Err(reason),
            }
        }
    };
    let stderr_tail = server.stop().await;
    match brought {
        Ok(Brought::Findings(findings)) => (Outcome::BrowserRun { findings: Box::new(findings) }, None),
        Ok(Brought::Measured { measurements, interval_log }) => {
            (Outcome::Completed { measurements }, Some(interval_log))
        }
        Err(reason) => failed(reason, stderr_tail),
    }
}

impl Stage<'_> {
    async fn perform(&self, progress: &mut dyn FnMut(Progress)) -> Result<Brought, TaskError> {
        match self.audience.task {
            BrowserTask::SixConnections => {
                six_connections::perform(self, progress).await.map(Brought::Findings)
            }
            BrowserTask::CrossOrigin => cross_origin::perform(self).await.map(Brought::Findings),
            BrowserTask::SseConformance => sse_conformance::perform(self).await.map(Brought::Findings),
            BrowserTask::Ages => ages::perform(self, progress).await,
        }
    }

    /// Starts the browser, with the certificates of these servers besides the page's own.
    async fn browser(&self, others: &[&Announcement]) -> Result<Browser, BrowserError> {
        let announcements = std::iter::once(self.control.announcement()).chain(others.iter().copied());
        let certificates: Vec<String> =
            announcements.filter_map(|announcement| announcement.certificate_pem.clone()).collect();
        Browser::start(&self.programs, self.order.plan.settings.certificate, &certificates).await
    }

    /// The origin of a server's pages.
    fn origin(&self, announcement: &Announcement) -> String {
        let scheme = match self.order.plan.settings.transport {
            Transport::Http1 => "http",
            Transport::Http1Tls | Transport::Http2 => "https",
        };
        format!("{scheme}://{}", announcement.data)
    }

    /// The address of a test page.
    fn page(&self, name: &str) -> String {
        format!("{}/pages/{name}", self.origin(self.control.announcement()))
    }

    /// Has the schedule published, and returns its position on the epoch's clock.
    async fn publish(&self) -> Result<Started, TrialError> {
        self.harness.publish(self.server, self.order).await
    }

    /// Empty findings.
    fn findings(&self, browser: &Browser) -> BrowserFindings {
        let settings = &self.order.plan.settings;
        BrowserFindings {
            browser: browser.name().to_owned(),
            lanes: Vec::new(),
            checks: Vec::new(),
            connections: 0,
            stream_limit: (settings.transport == Transport::Http2).then_some(settings.max_streams),
            crowd: None,
            warnings: Vec::new(),
        }
    }
}
