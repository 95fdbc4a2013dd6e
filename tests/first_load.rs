//! Promise: the page's first load is small: script and style together at most 90 KB as they travel.
#![allow(clippy::expect_used)]

use std::io::{Read, Write};
use std::net::TcpStream;

use support::Daemon;

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");

/// Bytes, gzip.
const MOST: usize = 90 * 1024;

/// The head of an answer, and its body as far as it is text.
fn get(daemon: &Daemon, path: &str, header: &str) -> (String, String) {
    let host = daemon.url().trim_start_matches("http://");
    let mut stream = TcpStream::connect(host).expect("a connection");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{header}\r\n").expect("a request");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no body in {answer}"));
    assert!(head.starts_with("HTTP/1.1 200 "), "{path}: {head}");
    (head.to_ascii_lowercase(), body.to_owned())
}

#[test]
fn script_and_style_are_at_most_90_kb() {
    let daemon = Daemon::run(BELLFLOWER);
    let (_, html) = get(&daemon, "/", "");
    let named: Vec<_> = html
        .split(['"', '\''])
        .filter(|word| [".js", ".css"].iter().any(|end| word.ends_with(end)))
        .map(|word| word.trim_start_matches("./").trim_start_matches('/'))
        .collect();
    assert!(named.iter().any(|name| name.ends_with(".js")) && named.iter().any(|name| name.ends_with(".css")), "{html}");
    let mut total = 0;
    for name in named {
        let (head, _) = get(&daemon, &format!("/{name}"), "Accept-Encoding: gzip\r\n");
        assert!(head.lines().any(|line| line == "content-encoding: gzip"), "{name}: {head}");
        let length: Option<usize> = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        let length = length.unwrap_or_else(|| panic!("{name} has no length: {head}"));
        println!("{name}: {length} bytes");
        assert!(length > 0, "{name}");
        total += length;
    }
    println!("first load: {total} bytes of {MOST}");
    assert!(total <= MOST, "{total} bytes");
}
