//! A page that reads from another origin: what a server must allow, and what CORS does not protect.
//! The expected results are the texts that the page returns.

use std::time::Duration;

use contract::{BrowserCheck, BrowserFindings, PageApi, Pattern, RequestCounts};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Stage, TaskError, driver::Browser};
use crate::processes::server_process::ServerProcess;

/// The page's own timeout is shorter.
const LONGEST: Duration = Duration::from_secs(10);

const READ: &str = "answer 200 read, with a body";
const REFUSED: &str = "refused: TypeError";

/// The page's result.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PageReport {
    found: String,
}

/// One page, and two servers with other origins.
struct Borders<'a> {
    browser: &'a Browser,
    pattern: Pattern,
    /// Allows no other origin.
    closed: (String, &'a ServerProcess),
    /// Allows the page's origin.
    open: (String, &'a ServerProcess),
    checks: Vec<BrowserCheck>,
}

pub(super) async fn perform(stage: &Stage<'_>) -> Result<BrowserFindings, TaskError> {
    let page_origin = stage.origin(stage.control.announcement());
    let arguments = stage.harness.server_arguments(stage.order);
    let allowing: Vec<String> =
        arguments.iter().cloned().chain([format!("--allow-origin={page_origin}")]).collect();
    let program = &stage.harness.server_program;
    let closed = ServerProcess::start(program, &arguments).await?;
    let open = ServerProcess::start(program, &allowing).await?;
    let (closed_control, open_control) = (closed.control(), open.control());
    let others = [closed_control.announcement(), open_control.announcement()];
    let browser = stage.browser(&others).await?;
    browser.open(&stage.page("cross-origin")).await?;
    let mut borders = Borders {
        browser: &browser,
        pattern: stage.order.plan.pattern,
        closed: (stage.origin(others[0]), &closed),
        open: (stage.origin(others[1]), &open),
        checks: Vec::new(),
    };
    match stage.order.plan.pattern.page_api() {
        PageApi::Fetch => borders.fetch().await?,
        PageApi::EventSource => borders.event_source().await?,
        PageApi::WebSocket => borders.web_socket().await?,
    }
    let checks = borders.checks;
    let mut findings = stage.findings(&browser);
    findings.checks = checks;
    for control in [&stage.control, &closed_control, &open_control] {
        findings.connections += control.stats().await?.connections_opened;
    }
    browser.close().await;
    closed.stop().await;
    open.stop().await;
    Ok(findings)
}

impl Borders<'_> {
    async fn fetch(&mut self) -> Result<(), TaskError> {
        let path = format!("/{}", self.pattern);
        let (closed, open) = (self.closed.0.clone() + path.as_str(), self.open.0.clone() + path.as_str());
        let found = self.read("fetch", &closed, json!({})).await?;
        self.check("not allowed", "a page fetches from an origin that does not allow it", REFUSED, found);
        let found = arrived(self.counts(self.closed.1).await?);
        let question =
            "whether that request reached the server: CORS stops the page from reading, not from sending";
        self.check("request sent anyway", question, "1 arrived, 0 refused by the server", found);
        let found = self.read("fetch", &open, json!({})).await?;
        self.check("allowed", "a page fetches from an origin that allows it (--allow-origin)", READ, found);
        let found = self.read("fetch", &open, json!({ "if-none-match": "\"x\"" })).await?;
        let question = "the same with a header that needs a preflight and that the server lists";
        self.check("preflight", question, READ, found);
        let before = self.counts(self.open.1).await?;
        let found = self.read("fetch", &open, json!({ "x-own": "1" })).await?;
        let question = "the same with a header that the server does not list";
        self.check("preflight refused", question, REFUSED, found);
        let after = self.counts(self.open.1).await?;
        let preflights = after.empty - before.empty;
        let requests = after.arrived - before.arrived - preflights;
        let question = "whether that request reached the server: after a refused preflight it is never sent";
        let found = format!("{preflights} preflight, {requests} requests");
        self.check("request not sent", question, "1 preflight, 0 requests", found);
        Ok(())
    }

    async fn event_source(&mut self) -> Result<(), TaskError> {
        let (closed, open) = (self.closed.0.clone() + "/sse", self.open.0.clone() + "/sse");
        let found = self.read("event-source", &closed, json!({})).await?;
        let question = "a page opens an EventSource to an origin that does not allow it";
        self.check("not allowed", question, "error, closed for good", found);
        let found = arrived(self.counts(self.closed.1).await?);
        let question =
            "whether that request reached the server: CORS stops the page from reading, not from sending";
        self.check("request sent anyway", question, "1 arrived, 0 refused by the server", found);
        let found = self.read("event-source", &open, json!({})).await?;
        let question = "a page opens an EventSource to an origin that allows it (--allow-origin)";
        self.check("allowed", question, "open", found);
        Ok(())
    }

    async fn web_socket(&mut self) -> Result<(), TaskError> {
        let (closed, open) = (self.closed.0.clone() + "/websocket", self.open.0.clone() + "/websocket");
        let found = self.read("web-socket", &closed, json!({})).await?;
        let question = "a page opens a WebSocket to an origin that does not allow it";
        self.check("not allowed", question, "closed with 1006 before it was open", found);
        let found = arrived(self.counts(self.closed.1).await?);
        let question = "which side refused it: the browser sends no preflight, and only the server's check \
                        of the `Origin` header (RFC 6455 §10.2) answers 403";
        self.check("refused by the server", question, "1 arrived, 1 refused by the server", found);
        let unguarded = self.closed.0.clone() + "/pages/unguarded-websocket";
        let found = self.read("web-socket", &unguarded, json!({})).await?;
        let question = "a WebSocket of the same server that checks no origin and sends no CORS header: CORS \
                        does not protect WebSockets, so every page of every site can open it";
        self.check("CORS alone", question, "open", found);
        let found = self.read("web-socket", &open, json!({})).await?;
        let question = "a page opens a WebSocket to an origin that allows it (--allow-origin)";
        self.check("allowed", question, "open", found);
        Ok(())
    }

    async fn read(&self, way: &str, address: &str, headers: Value) -> Result<String, TaskError> {
        let options = json!({ "way": way, "address": address, "headers": headers });
        Ok(self.browser.call::<PageReport>("crossOrigin", options, LONGEST).await?.found)
    }

    async fn counts(&self, server: &ServerProcess) -> Result<RequestCounts, TaskError> {
        Ok(server.control().stats().await?.requests_of(self.pattern))
    }

    fn check(&mut self, name: &str, question: &str, expected: &str, found: String) {
        self.checks.push(BrowserCheck {
            name: name.to_owned(),
            question: question.to_owned(),
            expected: expected.to_owned(),
            holds: expected == found,
            found,
            ours: None,
        });
    }
}

fn arrived(counts: RequestCounts) -> String {
    format!("{} arrived, {} refused by the server", counts.arrived, counts.refused)
}
