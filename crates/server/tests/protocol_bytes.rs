//! The bytes of each protocol are in one source file, so that a change there changes every driver.
#![allow(clippy::unwrap_used, reason = "a test may end where its premise fails")]

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Words of the protocols, and the only source file that may contain each.
const ONCE: [(&str, &[&str]); 6] = [
    (
        "http1.rs",
        &[
            "HTTP/1.1 ",
            "transfer-encoding",
            "TRANSFER_ENCODING",
            "content-length: ",
            "connection: close",
            "\"date: ",
            "httpdate",
        ],
    ),
    ("drivers/http1_stream.rs", &[r#"b"0\r\n"#, "{:X}"]),
    ("json.rs", &[r#""cursor":"{"#, r#""events":["#, r#""more":"#, "WireEvent"]),
    ("short_polling.rs", &["\"no-cache\"", "header::ETAG", "IF_NONE_MATCH"]),
    (
        "sse.rs",
        &[
            "text/event-stream",
            "no-transform",
            "x-accel-buffering",
            "retry: ",
            "\"id: ",
            "\"event: ",
            "\"data: ",
            r":\n\n",
        ],
    ),
    (
        "websocket.rs",
        &[
            "sec-websocket-accept",
            "SEC_WEBSOCKET_ACCEPT",
            "Frame::message",
            "Frame::ping",
            "OpCode::",
            "CloseFrame { code",
            "the server is shutting down",
        ],
    ),
];

/// First bytes of frames (RFC 6455 §5.2): tungstenite writes them.
const NOWHERE: [&str; 5] = ["0x81", "0x82", "0x88", "0x89", "Message::text"];

/// The conformance cases for decoders are written by hand; they are not the server's own streams.
const EXEMPT: &str = "sse_conformance.rs";

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if !path.ends_with("tests.rs") && !path.ends_with(EXEMPT) {
            files.push(path);
        }
    }
    files
}

/// The code of a file, without comments and tests.
fn code(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

#[test]
fn no_byte_string_of_a_protocol_stands_in_two_source_files() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files: Vec<(String, String)> = sources(&src)
        .iter()
        .map(|file| (file.strip_prefix(&src).unwrap().display().to_string(), code(file)))
        .collect();
    assert!(files.len() > 30, "{} files", files.len());
    let holding = |word: &str| -> Vec<&str> {
        files.iter().filter(|(_, code)| code.contains(word)).map(|(name, _)| name.as_str()).collect()
    };
    for (file, words) in ONCE {
        for word in words {
            let found = holding(word);
            assert!(found.iter().all(|found| *found == file), "`{word}` belongs into {file}: {found:?}");
        }
        assert!(words.iter().any(|word| !holding(word).is_empty()), "none of the words is in {file}");
    }
    for word in NOWHERE {
        assert_eq!(holding(word), [""; 0], "`{word}`");
    }
}
