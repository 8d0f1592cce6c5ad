//! A target: a server that the lab did not build, and how to start it, publish to it and subscribe to it. This
//! is the format of `scenarios/targets/<name>/target.toml`; an unknown key is an error.

use std::{collections::BTreeMap, path::Path};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Pattern, ServerName};

/// A server that the lab did not build. Its file is in a folder of the same name, with all other files that the
/// server needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// Name; the same as the folder's.
    pub name: ServerName,
    /// Its name in running text.
    pub title: String,
    /// How to check for it and install it.
    pub install: Install,
    /// How to start it.
    pub start: Start,
    /// How to publish to it.
    pub publish: PublishRequest,
    /// How to subscribe to it, for each pattern that it offers.
    pub patterns: BTreeMap<Pattern, Subscription>,
}

/// A command as a list of words; no shell is used. In every word `{home}`, `{work}`, `{data_port}`,
/// `{hold_ms}`, `{hold_s}` and `{descriptors}` are replaced (see [`Target::PLACEHOLDERS`]).
pub type Words = Vec<String>;

/// How to check for a target and install it. The commands run in `{home}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Install {
    /// Exits with 0 if everything is installed.
    pub check: Words,
    /// Prints the version, on stdout or stderr.
    pub version: Words,
    /// Commands that install it, in this order.
    pub commands: Vec<Words>,
    /// Whether the commands need root, as the system's package manager does.
    #[serde(default)]
    pub as_root: bool,
    /// How to install it by hand, in a sentence.
    pub otherwise: String,
}

/// How to start a target's process. It runs in `{home}` and must end on SIGTERM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Start {
    /// The program and its arguments. It must stay in the foreground, and its children in its process group:
    /// exactly this group is measured.
    pub command: Words,
    /// Environment variables in addition to the caller's PATH and HOME. The process gets no others, so that
    /// settings for other programs do not change the measurement. Placeholders are replaced here, too.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, String>,
    /// Files of the folder that are copied into `{work}`, with the placeholders replaced.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
    /// How it reports that it accepts connections.
    pub ready: Ready,
}

/// How a target reports that it accepts connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Ready {
    /// It prints a line on stdout.
    Line,
    /// It reports nothing; the lab tries to connect to its port.
    Port,
}

/// The request that publishes one event. Its body is the event's text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PublishRequest {
    /// Method.
    #[serde(default = "post")]
    pub method: String,
    /// Path and query on the data port.
    pub path: String,
    /// Media type of the body.
    #[serde(default = "plain_text")]
    pub content_type: String,
}

/// How to subscribe with a pattern.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Subscription {
    /// Path and query of the first request. With polling it is answered at once and gives the first cursor.
    pub first: String,
    /// Path and query of every later poll, with `{after}` in place of the cursor. A stream has no later
    /// requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// Where a poll's answer and the next request carry the cursor.
    #[serde(default)]
    pub cursor: CursorPlace,
    /// Where the texts of events are.
    #[serde(default)]
    pub events: EventPlace,
}

/// Where answers and requests carry the cursor.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CursorPlace {
    /// Nowhere: the server keeps the place of each connection.
    #[default]
    None,
    /// The answer in `ETag` and `Last-Modified`, the request in `If-None-Match` and `If-Modified-Since`.
    Validators,
    /// The answer in this field of its JSON object, the request in its URL at `{after}`.
    Json(String),
}

/// Where the texts of events are in an answer's body or in a message.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EventPlace {
    /// The whole body is one event's text. A poll is repeated until it returns none.
    #[default]
    Text,
    /// Each line is one event's text.
    Lines,
    /// This field of a JSON object is a list of texts.
    Json(String),
}

fn post() -> String {
    "POST".to_owned()
}
fn plain_text() -> String {
    "text/plain".to_owned()
}

/// A target file that cannot be used, with file, key and problem.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Not TOML, an unknown or missing key, or a value of the wrong kind.
    #[error("{file}: {problem}")]
    Form {
        /// The target's file.
        file: String,
        /// What the TOML reader said, with line and column.
        problem: String,
    },
    /// An invalid value.
    #[error("{file}: `{key}` {problem}")]
    Value {
        /// The target's file.
        file: String,
        /// The key.
        key: String,
        /// What is wrong with the value.
        problem: String,
    },
}

impl Target {
    /// Placeholders in commands and files: the folder that the target is installed into, a new folder for this
    /// start, the port to listen on, the longest hold of a poll in milliseconds and in whole seconds (rounded
    /// up), and the number of file descriptors that the process may have.
    pub const PLACEHOLDERS: [&str; 6] = ["home", "work", "data_port", "hold_ms", "hold_s", "descriptors"];

    /// Parses the text of a target file. `file` is its path; its folder must have the target's name.
    ///
    /// # Errors
    /// [`TargetError`] with file and key, if the text is not TOML, has an unknown key or an invalid value.
    pub fn from_toml(file: &str, text: &str) -> Result<Self, TargetError> {
        let target: Self = toml::from_str(text).map_err(|error| TargetError::Form {
            file: file.to_owned(),
            problem: error.to_string().trim_end().to_owned(),
        })?;
        let folder = Path::new(file).parent().and_then(Path::file_name).and_then(|name| name.to_str());
        target.check(folder.unwrap_or_default()).map_err(|(key, problem)| TargetError::Value {
            file: file.to_owned(),
            key,
            problem,
        })?;
        Ok(target)
    }

    fn check(&self, folder: &str) -> Result<(), (String, String)> {
        let that = |key: &str, holds: bool, problem: String| {
            if holds { Ok(()) } else { Err((key.to_owned(), problem)) }
        };
        that(
            "name",
            self.name.as_str() == folder,
            format!("is {}: expected the folder's name, {folder}", self.name),
        )?;
        that(
            "name",
            self.name.is_foreign(),
            format!("is {}: the lab's own servers are built in and need no target", self.name),
        )?;
        let install = &self.install;
        let mut commands = vec![
            ("install.check".to_owned(), &install.check),
            ("install.version".to_owned(), &install.version),
            ("start.command".to_owned(), &self.start.command),
        ];
        commands.extend(install.commands.iter().map(|words| ("install.commands".to_owned(), words)));
        for (key, words) in commands {
            that(&key, !words.is_empty(), "is empty: expected a program and its arguments".to_owned())?;
            for word in words {
                placeholders(word, &Self::PLACEHOLDERS).map_err(|problem| (key.clone(), problem))?;
            }
        }
        for (name, value) in &self.start.environment {
            let key = format!("start.environment.{name}");
            placeholders(value, &Self::PLACEHOLDERS).map_err(|problem| (key, problem))?;
        }
        for file in &self.start.files {
            let beside = Path::new(file).components().count() == 1;
            that(
                "start.files",
                beside,
                format!("holds {file}: expected names of files in the target's folder"),
            )?;
        }
        let is_path = |key: &str, path: &str| {
            that(key, path.starts_with('/'), format!("is `{path}`: expected a path that begins with /"))
        };
        is_path("publish.path", &self.publish.path)?;
        let method = &self.publish.method;
        that(
            "publish.method",
            matches!(method.as_str(), "POST" | "PUT"),
            format!("is {method}: expected POST or PUT"),
        )?;
        that("patterns", !self.patterns.is_empty(), "is empty: expected at least one pattern".to_owned())?;
        for (pattern, subscription) in &self.patterns {
            let key = |name: &str| format!("patterns.{pattern}.{name}");
            is_path(&key("first"), &subscription.first)?;
            placeholders(&subscription.first, &[]).map_err(|problem| (key("first"), problem))?;
            if pattern.polls() {
                let next = subscription.next.as_deref().unwrap_or_default();
                is_path(&key("next"), next)?;
                placeholders(next, &["after"]).map_err(|problem| (key("next"), problem))?;
                that(
                    &key("cursor"),
                    subscription.cursor != CursorPlace::None,
                    "is none: a poll must send its cursor, as validators or from a field of the JSON"
                        .to_owned(),
                )?;
                let in_url = matches!(subscription.cursor, CursorPlace::Json(_));
                that(
                    &key("next"),
                    next.contains("{after}") == in_url,
                    "must hold {after} if the cursor comes from the JSON, and only then".to_owned(),
                )?;
            } else {
                let polls = subscription.next.is_some() || subscription.cursor != CursorPlace::None;
                that(
                    &key("next"),
                    !polls,
                    "and `cursor` are for polling only: a stream has one request".to_owned(),
                )?;
                that(
                    &key("events"),
                    subscription.events == EventPlace::Text,
                    "must be text: a stream's message is one event's text".to_owned(),
                )?;
            }
        }
        Ok(())
    }
}

/// Refuses an unknown placeholder.
fn placeholders(text: &str, known: &[&str]) -> Result<(), String> {
    for rest in text.split('{').skip(1) {
        let Some((word, _)) = rest.split_once('}') else { continue };
        let is_word = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        if is_word && !known.contains(&word) {
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            return Err(format!("holds {{{word}}}, an unknown placeholder: expected {known}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
        name = "demo"
        title = "a demo"
        [install]
        check = ["true"]
        version = ["demo", "--version"]
        commands = [["get", "demo"]]
        otherwise = "get it"
        [start]
        command = ["demo", "--port={data_port}"]
        ready = "line"
        [publish]
        path = "/publish"
        [patterns.sse]
        first = "/sse"
        [patterns.long-polling]
        first = "/now"
        next = "/next?after={after}"
        cursor = { json = "cursor" }
        events = { json = "events" }
        [patterns.short-polling]
        first = "/now"
        next = "/now"
        cursor = "validators"
    "#;

    fn error_of(text: &str) -> String {
        Target::from_toml("targets/demo/target.toml", text).unwrap_err().to_string()
    }

    #[test]
    fn a_target_says_how_to_start_publish_and_subscribe() {
        let target = Target::from_toml("targets/demo/target.toml", GOOD).unwrap();
        assert_eq!((target.publish.method.as_str(), target.start.ready), ("POST", Ready::Line));
        let polling = &target.patterns[&Pattern::LongPolling];
        assert_eq!(polling.cursor, CursorPlace::Json("cursor".to_owned()));
        assert_eq!(target.patterns[&Pattern::Sse].events, EventPlace::Text);
        assert!(!target.patterns.contains_key(&Pattern::WebSocket));
    }

    #[test]
    fn what_makes_no_sense_is_named_with_file_and_key() {
        for (from, to, words) in [
            ("title", "titel", "unknown field `titel`"),
            ("\"demo\"\n", "\"other\"\n", "`name` is other: expected the folder's name, demo"),
            ("{data_port}", "{port}", "`start.command` holds {port}, an unknown placeholder"),
            ("[\"true\"]", "[]", "`install.check` is empty"),
            ("\"/publish\"", "\"publish\"", "`publish.path` is `publish`"),
            ("\"/publish\"", "\"/publish\"\nmethod = \"GET\"", "expected POST or PUT"),
            ("first = \"/sse\"", "first = \"/sse\"\nnext = \"/sse\"", "a stream has one request"),
            ("?after={after}", "", "`patterns.long-polling.next` must hold {after} if"),
            ("cursor = \"validators\"", "", "`patterns.short-polling.cursor` is none"),
            ("[patterns.sse]", "[patterns.carrier-pigeon]", "carrier-pigeon"),
            ("\"line\"", "\"soon\"", "soon"),
        ] {
            let error = error_of(&GOOD.replacen(from, to, 1));
            assert!(error.contains("targets/demo/target.toml") && error.contains(words), "{words}: {error}");
        }
    }

    #[test]
    fn the_labs_own_servers_are_no_targets() {
        let text = GOOD.replacen("\"demo\"", "\"floor\"", 1);
        let error = Target::from_toml("targets/floor/target.toml", &text).unwrap_err().to_string();
        assert!(error.contains("built in"), "{error}");
    }
}
