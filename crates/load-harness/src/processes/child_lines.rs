//! Reads the output of a child process line by line, to its end, with any bytes and lines of any length.
//! Reading must not stop early: that would close the pipe, and the child's next write would kill it.

use std::{collections::VecDeque, io};

use tokio::{
    io::{AsyncBufRead, AsyncBufReadExt, AsyncRead, BufReader, copy, sink},
    process::ChildStderr,
};

/// Lines of stderr output that are kept for a failed trial's record.
const LAST_WORDS: usize = 20;
/// Bytes of a line that are kept. The longest needed line is an announcement with its certificate.
const LONGEST_LINE: usize = 64 << 10;

/// The next line without its line end, or none at the end of the output; invalid UTF-8 becomes U+FFFD.
pub(crate) async fn next_line(source: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<String>> {
    let mut line: Option<Vec<u8>> = None;
    loop {
        let bytes = source.fill_buf().await?;
        let end = memchr::memchr(b'\n', bytes);
        let used = end.map_or(bytes.len(), |end| end + 1);
        if used == 0 {
            return Ok(line.map(|line| String::from_utf8_lossy(&line).into_owned()));
        }
        let text = &bytes[..end.unwrap_or(used)];
        let line = line.get_or_insert_default();
        line.extend_from_slice(&text[..text.len().min(LONGEST_LINE - line.len())]);
        source.consume(used);
        if end.is_some() {
            return Ok(Some(String::from_utf8_lossy(line).trim_end_matches('\r').to_owned()));
        }
    }
}

/// Reads to the end and discards everything: a full pipe would block the child.
pub(crate) fn drain(mut source: impl AsyncRead + Unpin + Send + 'static) {
    tokio::spawn(async move { copy(&mut source, &mut sink()).await });
}

/// Reads to the end and returns the last lines.
pub(crate) async fn last_lines(stderr: Option<ChildStderr>) -> VecDeque<String> {
    let mut kept = VecDeque::new();
    let Some(stderr) = stderr else { return kept };
    let mut stderr = BufReader::new(stderr);
    while let Ok(Some(line)) = next_line(&mut stderr).await {
        if kept.len() == LAST_WORDS {
            kept.pop_front();
        }
        kept.push_back(line);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn lines(bytes: &[u8]) -> Vec<String> {
        let mut source = BufReader::with_capacity(5, bytes);
        let mut lines = Vec::new();
        while let Some(line) = next_line(&mut source).await.unwrap() {
            lines.push(line);
        }
        lines
    }

    #[tokio::test]
    async fn lines_are_read_to_the_end_whatever_they_hold() {
        assert_eq!(lines(b"").await, [""; 0]);
        assert_eq!(lines(b"one\r\n\ntwo and more\nno end").await, ["one", "", "two and more", "no end"]);
        assert_eq!(lines(b"caf\xe9\nafter").await, ["caf\u{fffd}", "after"]);
        let long = vec![b'x'; 2 * LONGEST_LINE];
        let read = lines(&[&long[..], b"\nafter"].concat()).await;
        assert_eq!((read[0].len(), &*read[1]), (LONGEST_LINE, "after"));
    }
}
