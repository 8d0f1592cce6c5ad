//! If the reader of stdout or stderr disappears, the program goes on and its exit code stays the same.

use std::{
    io::{BufRead, BufReader, Read, Write, pipe},
    net::TcpStream,
    process::{Child, Command, Stdio},
};

use contract::Announcement;

use crate::lab::{Lab, PATIENCE, PUSHLAB, process::signal};

/// A pipe whose reader is gone.
fn dead() -> Stdio {
    let (reader, writer) = pipe().unwrap();
    drop(reader);
    writer.into()
}

/// The exit code of the program.
fn code(mut command: Command) -> Option<i32> {
    command.status().unwrap().code()
}

#[test]
fn a_dead_reader_of_stderr_does_not_change_the_exit_code() {
    let lab = Lab::new();
    lab.scenario("one", &[]);
    for arguments in [
        &["bench", "nosuch"][..],
        &["bench", "one", "--no-such-flag"],
        &["serve", "--no-such-flag"],
        &["serve", "--certificate", "a.pem", "--key", "a.key"],
        &["middlebox"],
    ] {
        let mut piped = lab.command(arguments);
        piped.stdout(Stdio::null()).stderr(dead());
        assert_eq!(code(piped), Some(2), "{arguments:?} with a dead reader");
        let mut closed = lab.command_after("exec 2>&-", arguments);
        closed.stdout(Stdio::null());
        assert_eq!(code(closed), Some(2), "{arguments:?} with stderr closed");
    }
    let mut failing = lab.command(&["report", "nowhere"]);
    failing.stderr(dead());
    assert_eq!(code(failing), Some(1));
}

#[test]
fn a_dead_reader_of_stdout_does_not_change_the_exit_code() {
    let lab = Lab::new();
    lab.scenario("one", &[]);
    for (arguments, expected) in
        [(&["predict", "one"][..], 0), (&["--help"], 0), (&["bench", "--help"], 0), (&["doctor"], 0)]
    {
        let mut piped = lab.command(arguments);
        piped.stdout(dead()).stderr(Stdio::null());
        assert_eq!(code(piped), Some(expected), "{arguments:?}");
    }
}

/// A server or middlebox that writes an error at its start to a closed stderr, and its announcement.
fn unheard(options: &[&str]) -> (Child, String) {
    let mut child = Command::new(PUSHLAB)
        .args(options)
        // No machine has this core.
        .args(["--core", "100000"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(dead())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (child, line)
}

fn end(mut child: Child) {
    signal(child.id(), "TERM");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_server_without_a_reader_of_stderr_keeps_serving() {
    let (child, line) = unheard(&["serve", "--data", "127.0.0.1:0"]);
    let announced: Announcement = serde_json::from_str(&line).unwrap();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(announced.data).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(b"GET /clock HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
    end(child);
}

/// Each failed handshake writes an error.
#[test]
fn a_server_in_tls_without_a_reader_of_stderr_counts_every_failed_handshake() {
    let (child, line) = unheard(&["serve", "--data", "127.0.0.1:0", "--transport", "http1-tls"]);
    let announced: Announcement = serde_json::from_str(&line).unwrap();
    for _ in 0..3 {
        let mut stream = TcpStream::connect(announced.data).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(b"GET /clock HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
        // The server closes the connection; this test does not check how.
        let _ = stream.read_to_end(&mut Vec::new());
    }
    let mut stream = TcpStream::connect(announced.control).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(b"GET /stats HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("\"handshakes_failed\":3"), "{answer}");
    end(child);
}

#[test]
fn a_middlebox_without_a_reader_of_stderr_relays() {
    let (server, line) = unheard(&["serve", "--data", "127.0.0.1:0"]);
    let announced: Announcement = serde_json::from_str(&line).unwrap();
    let to = announced.data.to_string();
    let (middlebox, line) = unheard(&["middlebox", "--listen", "127.0.0.1:0", "--to", &to]);
    let listen =
        serde_json::from_str::<serde_json::Value>(&line).unwrap()["listen"].as_str().unwrap().to_owned();
    let mut stream = TcpStream::connect(listen).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(b"GET /clock HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    signal(middlebox.id(), "TERM");
    end(server);
    let mut middlebox = middlebox;
    middlebox.wait().unwrap();
}
