//! Promise: the page's first load is small: script and style of what shows first, before or after the sign-in, are at most 90 KB as they travel.
#![allow(clippy::expect_used)]

use std::collections::BTreeSet;
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

/// The scripts that a script imports before it runs, and those that it imports later.
fn imports(script: &str) -> (Vec<String>, Vec<String>) {
    let mut found = (Vec::new(), Vec::new());
    for (at, _) in script.match_indices("\"./") {
        let name = script[at + 3..].split('"').next().unwrap_or_default().to_owned();
        if !name.ends_with(".js") {
            continue;
        }
        if script[..at].ends_with("import(") { found.1.push(name) } else { found.0.push(name) }
    }
    found
}

/// A script and all that it needs before it runs.
fn needed(daemon: &Daemon, name: &str, found: &mut BTreeSet<String>) {
    if found.insert(name.to_owned()) {
        let (_, script) = get(daemon, &format!("/{name}"), "");
        for name in imports(&script).0 {
            needed(daemon, &name, found);
        }
    }
}

/// Bytes of a file as it travels.
fn packed(daemon: &Daemon, name: &str) -> usize {
    let (head, _) = get(daemon, &format!("/{name}"), "Accept-Encoding: gzip\r\n");
    let length: Option<usize> = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    let length = length.unwrap_or_else(|| panic!("{name} has no length: {head}"));
    // A small one is no smaller packed.
    assert!(length > 0 && (length < 1024 || head.lines().any(|line| line == "content-encoding: gzip")), "{name}: {head}");
    length
}

#[test]
fn script_and_style_of_either_face_are_at_most_90_kb() {
    let daemon = Daemon::run(BELLFLOWER);
    let (_, html) = get(&daemon, "/", "");
    let named: Vec<_> = html.split(['"', '\'']).map(|word| word.trim_start_matches("./")).collect();
    let style: Vec<_> = named.iter().filter(|name| name.ends_with(".css")).collect();
    let scripts: Vec<_> = named.iter().filter(|name| name.ends_with(".js")).collect();
    assert!(!scripts.is_empty() && style.len() == 1, "{html}");
    let mut first = BTreeSet::new();
    for name in scripts {
        needed(&daemon, name, &mut first);
    }
    let later: Vec<String> = first.iter().flat_map(|name| imports(&get(&daemon, &format!("/{name}"), "").1).1).collect();
    for face in ["face-", "Inside-"] {
        let name = later.iter().find(|name| name.starts_with(face)).unwrap_or_else(|| panic!("no {face} among {later:?}"));
        let mut all = first.clone();
        needed(&daemon, name, &mut all);
        let total: usize = all.iter().map(String::as_str).chain(style.iter().map(|name| **name)).map(|name| packed(&daemon, name)).sum();
        println!("first load of {name}: {total} bytes of {MOST}");
        assert!(total <= MOST, "{name}: {total} bytes");
    }
}
