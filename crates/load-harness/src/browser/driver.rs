//! A headless Chromium, controlled with WebDriver through its driver: started, used, and always stopped at the
//! end.

use std::{
    collections::VecDeque,
    path::Path,
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use contract::Certificate;
use rustix::process::{Signal, geteuid};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use thirtyfour::{TimeoutConfiguration, WebDriver, error::WebDriverResult};
use tokio::{
    io::{AsyncWriteExt, BufReader},
    process::{Child, Command},
    task::JoinHandle,
    time::timeout,
};

use super::{
    certificate::{UnreadableCertificate, key_fingerprint},
    find::BrowserPrograms,
};
use crate::{
    processes::{
        child_lines::{drain, last_lines, next_line},
        foreign_server::leash,
    },
    system::process_group::ProcessGroup,
};

/// Longest wait for the driver's port, a session or a page. Each takes a second or two.
const LONGEST_STEP: Duration = Duration::from_secs(40);
/// Longest wait for the browser to close by itself.
const LONGEST_CLOSE: Duration = Duration::from_secs(5);
/// Longest wait for killed processes to end.
const LONGEST_END: Duration = Duration::from_secs(2);
/// Longest time of a script; the timeouts of tasks are shorter.
const LONGEST_SCRIPT: Duration = Duration::from_secs(24 * 3_600);

/// Most attempts to start the driver. It chooses a port by itself, and ends if that port is free for one IP
/// version only, which may happen after a trial with thousands of connections.
const MOST_STARTS: u32 = 8;

/// Calls a function of the page, and returns the value of its promise.
const CALL: &str = "
    const [name, options, done] = arguments;
    Promise.resolve()
        .then(() => window.pushlab[name](options))
        .then((value) => done({ value }), (error) => done({ error: String(error) }));
";

/// Describes the shown page if it is not a test page. The browser's own error pages contain a code in capitals.
const SHOWN: &str = "
    if (typeof window.pushlab === 'object') return null;
    const [error] = document.documentElement.textContent.match(/ERR_[A-Z_]+/) ?? [''];
    return `${document.title || 'a page without title'} ${error}`.trim();
";

/// A browser that could not be started, or that failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BrowserError {
    #[error("{what} could not be started: {error}")]
    Spawn { what: String, error: std::io::Error },
    #[error("{program} ended before it wrote its port; its last line: {said}")]
    NoPort { program: String, said: String },
    #[error("the browser could not be started: {0}")]
    Session(String),
    #[error("the browser did not answer within {1:?} ({0}): it hangs, or the machine is overloaded")]
    TooLong(&'static str, Duration),
    #[error("the browser failed ({0}): {1}")]
    Gone(&'static str, String),
    #[error("the browser does not show {address} but: {shown}")]
    OtherPage { address: String, shown: String },
    #[error("the page failed: {0}")]
    Page(String),
    #[error("the page's result cannot be read: {0}")]
    Answer(serde_json::Error),
    #[error(transparent)]
    Certificate(#[from] UnreadableCertificate),
}

/// A running browser with one page. Dropping it kills it and all its processes.
#[derive(Debug)]
pub(crate) struct Browser {
    session: Session,
    name: String,
    // Dropped in this order: all processes that write into the folder end before it is deleted.
    driver: Driver,
    _home: TempDir,
}

/// The page in the driver's session.
#[derive(Debug)]
struct Session(WebDriver);

impl Drop for Session {
    fn drop(&mut self) {
        // Otherwise it would be closed here, which waits for a browser that is killed anyway.
        let _ = self.0.clone().leak();
    }
}

/// The process of the driver, in one group with those of the browser.
#[derive(Debug)]
struct Driver {
    child: Child,
    leash: Child,
    group: ProcessGroup,
    stderr: JoinHandle<VecDeque<String>>,
    port: u16,
}

impl Browser {
    /// Starts a browser with a new profile folder, without any state of earlier ones. It accepts these
    /// self-signed certificates and no others.
    pub(crate) async fn start(
        programs: &BrowserPrograms,
        kind: Certificate,
        certificates: &[String],
    ) -> Result<Self, BrowserError> {
        let trusted = match kind {
            Certificate::Valid => {
                certificates.iter().map(|pem| key_fingerprint(pem)).collect::<Result<_, _>>()?
            }
            // The trial needs the browser to refuse these.
            Certificate::Expired | Certificate::OtherHost => Vec::new(),
        };
        let spawn = |error| BrowserError::Spawn { what: "the browser".to_owned(), error };
        let home = tempfile::Builder::new().prefix("pushlab-browser-").tempdir().map_err(spawn)?;
        let driver = Driver::start_somewhere(&programs.chromedriver, home.path()).await?;
        let capabilities = json!({
            "goog:chromeOptions": {
                "binary": programs.chromium,
                "args": flags(home.path(), &trusted),
            },
        });
        let capabilities = capabilities.as_object().cloned().unwrap_or_default();
        let session = Session::open(driver.port, capabilities).await?;
        let version = session.0.capabilities().get("browserVersion");
        let version = version.and_then(Value::as_str).unwrap_or("of an unknown version");
        let program = programs.chromium.file_name().unwrap_or_default().to_string_lossy();
        let name = if program.contains("chromium") { "Chromium" } else { "Chrome" };
        Ok(Self { name: format!("{name} {version}, headless"), session, driver, _home: home })
    }

    /// Its name and version.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Opens a test page and waits until it is loaded.
    pub(crate) async fn open(&self, address: &str) -> Result<(), BrowserError> {
        const STEP: &str = "opening the page";
        self.bounded(STEP, LONGEST_STEP, self.session.0.goto(address)).await?;
        // WebDriver reports no error for a refused certificate: the browser shows an error page instead.
        let shown = self.bounded(STEP, LONGEST_STEP, self.session.0.execute(SHOWN, Vec::new())).await?;
        match shown.json().as_str() {
            None => Ok(()),
            Some(shown) => {
                Err(BrowserError::OtherPage { address: address.to_owned(), shown: shown.to_owned() })
            }
        }
    }

    /// Calls a function of the page, and waits for the value of its promise.
    pub(crate) async fn call<T: DeserializeOwned>(
        &self,
        function: &str,
        options: Value,
        longest: Duration,
    ) -> Result<T, BrowserError> {
        let call = self.session.0.execute_async(CALL, vec![function.into(), options]);
        let answer = self.bounded("running the page", longest + LONGEST_STEP, call).await?;
        read_answer(answer.json())
    }

    async fn bounded<T>(
        &self,
        step: &'static str,
        longest: Duration,
        work: impl Future<Output = WebDriverResult<T>>,
    ) -> Result<T, BrowserError> {
        let done = timeout(longest, work).await.map_err(|_| BrowserError::TooLong(step, longest))?;
        done.map_err(|error| BrowserError::Gone(step, essence(&error)))
    }

    /// Closes it, and kills remaining processes after a while. Returns the last lines of its stderr output.
    pub(crate) async fn close(self) -> Vec<String> {
        let Self { session, driver, .. } = self;
        let _ = timeout(LONGEST_CLOSE, session.0.clone().quit()).await;
        driver.stop().await
    }
}

impl Session {
    /// Opens a session of a browser through the driver at this port.
    async fn open(port: u16, capabilities: Map<String, Value>) -> Result<Self, BrowserError> {
        let failed = |error: &dyn std::fmt::Display| BrowserError::Session(essence(error));
        // Without a proxy: the driver is on this machine.
        let http = reqwest::Client::builder().no_proxy().build().map_err(|error| failed(&error))?;
        let builder = WebDriver::builder(format!("http://127.0.0.1:{port}"), capabilities).client(http);
        let open = async {
            let session = Self(builder.connect().await?);
            let timeouts = TimeoutConfiguration::new(Some(LONGEST_SCRIPT), Some(LONGEST_STEP), None);
            session.0.update_timeouts(timeouts).await?;
            Ok(session)
        };
        let opened: Result<WebDriverResult<Self>, _> = timeout(LONGEST_STEP, open).await;
        opened.map_err(|_| BrowserError::TooLong("start", LONGEST_STEP))?.map_err(|error| failed(&error))
    }
}

/// The arguments of Chromium.
fn flags(home: &Path, trusted: &[String]) -> Vec<String> {
    let mut flags: Vec<String> = [
        "--headless",
        "--disable-gpu",
        // A trial compares the server's transports, so the browser must use no other protocol or service.
        "--disable-quic",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-default-apps",
        "--disable-extensions",
        "--disable-breakpad",
        "--no-first-run",
        "--no-proxy-server",
        "--window-size=1000,900",
    ]
    .map(str::to_owned)
    .into();
    flags.push(format!("--user-data-dir={}", home.join("profile").display()));
    if geteuid().is_root() {
        // Its sandbox refuses to run as root, which is usual in containers and on build machines.
        flags.push("--no-sandbox".to_owned());
    }
    if !trusted.is_empty() {
        flags.push(format!("--ignore-certificate-errors-spki-list={}", trusted.join(",")));
    }
    flags
}

/// The value of the page's promise, or its error.
fn read_answer<T: DeserializeOwned>(answer: &Value) -> Result<T, BrowserError> {
    if let Some(error) = answer.get("error").and_then(Value::as_str) {
        return Err(BrowserError::Page(error.to_owned()));
    }
    T::deserialize(answer.get("value").unwrap_or(&Value::Null)).map_err(BrowserError::Answer)
}

/// The text of an error in one line, without the driver's stack trace.
fn essence(error: &dyn std::fmt::Display) -> String {
    let text = error.to_string();
    let words = text.split_once("Additional info:").map_or(&*text, |(_, words)| words);
    words.trim().lines().next().unwrap_or_default().trim().to_owned()
}

impl Driver {
    async fn start_somewhere(program: &Path, home: &Path) -> Result<Self, BrowserError> {
        for _ in 1..MOST_STARTS {
            match Self::start(program, home).await {
                Err(BrowserError::NoPort { .. }) => {}
                done => return done,
            }
        }
        Self::start(program, home).await
    }

    async fn start(program: &Path, home: &Path) -> Result<Self, BrowserError> {
        let what = program.display().to_string();
        let spawn = |error| BrowserError::Spawn { what: what.clone(), error };
        let mut child = Command::new(program)
            .arg("--port=0")
            // The browser keeps all its files there.
            .env("HOME", home)
            .env("XDG_CONFIG_HOME", home.join("config"))
            .env("XDG_CACHE_HOME", home.join("cache"))
            .env("TMPDIR", home)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A Ctrl-C at the terminal signals the whole group; the browser must be closed in order instead.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(spawn)?;
        let no_port = |said: &str| BrowserError::NoPort { program: what.clone(), said: said.to_owned() };
        let leader = child.id().ok_or_else(|| no_port("nothing"))?;
        let group = ProcessGroup::LedBy(leader);
        let stdout = child.stdout.take();
        let stderr = tokio::spawn(last_lines(child.stderr.take()));
        let leash = leash(leader).map_err(spawn)?;
        let mut driver = Self { child, leash, group, stderr, port: 0 };
        let stdout = stdout.ok_or_else(|| no_port("nothing"))?;
        let mut stdout = BufReader::new(stdout);
        let port = async {
            let mut last = String::new();
            while let Ok(Some(line)) = next_line(&mut stdout).await {
                if let Some(port) = port_of(&line) {
                    return Ok(port);
                }
                last = line;
            }
            Err(last)
        };
        let port = timeout(LONGEST_STEP, port)
            .await
            .map_err(|_| BrowserError::TooLong("starting its driver", LONGEST_STEP))?;
        drain(stdout);
        match port {
            Ok(port) => driver.port = port,
            Err(last_line) => {
                let words = driver.stop().await;
                return Err(no_port(words.last().unwrap_or(&last_line)));
            }
        }
        Ok(driver)
    }

    async fn stop(mut self) -> Vec<String> {
        self.group.signal(Signal::TERM);
        let _ = timeout(LONGEST_CLOSE, self.child.wait()).await;
        self.group.signal(Signal::KILL);
        let _ = timeout(LONGEST_CLOSE, self.child.wait()).await;
        if let Some(mut stdin) = self.leash.stdin.take() {
            // The supervising shell ends when it reads a word: the group is gone already.
            let _ = stdin.write_all(b"done\n").await;
        }
        let _ = timeout(LONGEST_CLOSE, self.leash.wait()).await;
        let stderr = std::mem::replace(&mut self.stderr, tokio::spawn(async { VecDeque::new() }));
        let words = timeout(Duration::from_secs(1), stderr).await;
        words.ok().and_then(Result::ok).unwrap_or_default().into()
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let is_running = matches!(self.child.try_wait(), Ok(None));
        let end = Instant::now() + LONGEST_END;
        if is_running || !self.group.members().is_empty() {
            self.group.signal(Signal::KILL);
        }
        // The folder is deleted next, so no process may still write into it.
        while !self.group.members().is_empty() && Instant::now() < end {
            thread::sleep(Duration::from_millis(5));
        }
    }
}

/// The port in the driver's line, such as `ChromeDriver was started successfully on port 43211.`
fn port_of(line: &str) -> Option<u16> {
    let (_, port) = line.split_once("started successfully on port ")?;
    port.trim_end_matches('.').trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use thirtyfour::error::WebDriverError;

    use super::*;

    #[test]
    fn the_port_is_read_from_the_drivers_line() {
        assert_eq!(port_of("ChromeDriver was started successfully on port 43211."), Some(43_211));
        assert_eq!(port_of("Starting ChromeDriver 156.0 (a21c) on port 0"), None);
    }

    #[test]
    fn an_answer_is_a_value_or_the_pages_error() {
        let read = |answer| read_answer::<u32>(&answer).map_err(|error| error.to_string());
        assert_eq!(read(json!({ "value": 3 })), Ok(3));
        assert_eq!(read(json!({ "error": "TypeError: x" })), Err("the page failed: TypeError: x".to_owned()));
        for odd in [json!(null), json!({}), json!({ "value": "three" }), json!([1])] {
            let reported = read(odd).unwrap_err();
            assert!(reported.starts_with("the page's result cannot be read"), "{reported}");
        }
    }

    #[test]
    fn an_error_is_told_in_one_line() {
        let body = json!({ "value": {
            "error": "session not created",
            "message": "session not created: Chrome instance exited. Examine ChromeDriver verbose log\nmore",
            "stacktrace": "#0 0x5581\n#1 0x5582",
        }});
        let error = WebDriverError::parse(500, body.to_string());
        let reported = "session not created: Chrome instance exited. Examine ChromeDriver verbose log";
        assert_eq!(essence(&error), reported);
        assert_eq!(essence(&"a word\nand more"), "a word");
    }

    #[test]
    fn only_the_certificates_given_are_taken() {
        let flags = |trusted: &[String]| flags(Path::new("/tmp/x"), trusted).join(" ");
        assert!(!flags(&[]).contains("certificate"));
        assert!(flags(&["abc=".to_owned()]).contains("--ignore-certificate-errors-spki-list=abc="));
    }
}
