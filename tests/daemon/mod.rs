//! The built daemon as a child process with a port of its own, and the few bytes of HTTP that these tests speak; it asserts nothing itself.
#![allow(dead_code)] // each test uses a part of it
#![allow(clippy::unwrap_used)] // what a test cannot go on without fails it

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Longer than anything here takes.
pub(crate) const LONG: Duration = Duration::from_secs(30);

/// A running daemon; killed when dropped.
pub(crate) struct Daemon {
    child: Child,
    pub(crate) address: SocketAddr,
    log: BufReader<ChildStderr>,
    said: BufReader<ChildStdout>,
}

/// The program with a clean environment and these arguments.
pub(crate) fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bellflower"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("BELLFLOWER_") || name == "NOTIFY_SOCKET" || name == "WATCHDOG_USEC" {
            command.env_remove(name);
        }
    }
    command.args(arguments).env("RUST_LOG", "info").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

impl Daemon {
    /// Starts `serve` on a free port and waits until it says where it is.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut all = vec!["serve", "--listen", "127.0.0.1:0"];
        all.extend(arguments);
        Self::spawn(&mut program(&all))
    }

    pub(crate) fn spawn(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        said.read_line(&mut line).unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let Some(address) = line.trim().strip_prefix("Bellflower is at http://").and_then(|l| l.strip_suffix('/')) else {
            let mut told = String::new();
            log.read_to_string(&mut told).unwrap();
            panic!("the daemon said {line:?} and {told}");
        };
        Self { child, address: address.parse().unwrap(), log, said }
    }

    /// Reads the log up to the line that contains `words`.
    pub(crate) fn logged(&mut self, words: &str) -> String {
        let mut line = String::new();
        while !line.contains(words) {
            line.clear();
            assert!(self.log.read_line(&mut line).unwrap() > 0, "the log ended without {words:?}");
        }
        line
    }

    /// The next line on standard output after the place; empty when it ended.
    pub(crate) fn says(&mut self) -> String {
        let mut line = String::new();
        self.said.read_line(&mut line).unwrap();
        line
    }

    /// The log from here to its end.
    pub(crate) fn rest(&mut self) -> String {
        let mut rest = String::new();
        self.log.read_to_string(&mut rest).unwrap();
        rest
    }

    pub(crate) fn signal(&self, name: &str) {
        let done = Command::new("kill").args([format!("-{name}"), self.child.id().to_string()]).status().unwrap();
        assert!(done.success());
    }

    /// The ids of its workers.
    pub(crate) fn children(&self) -> Vec<String> {
        let id = self.child.id();
        let tasks = std::fs::read_dir(format!("/proc/{id}/task")).unwrap();
        let told = |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
        let mut all: Vec<String> =
            tasks.flat_map(|task| told(task.unwrap()).split_whitespace().map(str::to_owned).collect::<Vec<_>>()).collect();
        all.sort();
        all
    }

    pub(crate) fn ended(&mut self) -> ExitStatus {
        let deadline = Instant::now() + LONG;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "the daemon does not end");
            std::thread::yield_now();
        }
    }

    /// A request on a connection of its own; the whole answer.
    pub(crate) fn ask(&self, request: &str) -> String {
        ask(self.address, request)
    }

    pub(crate) fn get(&self, path: &str, headers: &str) -> String {
        self.ask(&format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{headers}\r\n", self.address))
    }

    pub(crate) fn post(&self, path: &str, headers: &str, body: &str) -> String {
        let length = body.len();
        let head = format!("POST {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: application/json\r\n", self.address);
        self.ask(&format!("{head}Content-Length: {length}\r\n{headers}\r\n{body}"))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn ask(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

/// The body of an answer, read as JSON.
pub(crate) fn json(answer: &str) -> serde_json::Value {
    let mut body = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no body: {answer}")).1.to_owned();
    if header(answer, "transfer-encoding") == Some("chunked") {
        // One chunk and the closing one is all that the daemon sends.
        body = body.split("\r\n").nth(1).unwrap_or_default().to_owned();
    }
    serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}: {answer}"))
}

/// The status of an answer.
pub(crate) fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or_else(|| panic!("no answer: {answer}"))
}

/// The value of a header.
pub(crate) fn header<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    let head = answer.split("\r\n\r\n").next()?;
    head.lines().filter_map(|line| line.split_once(": ")).find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}
