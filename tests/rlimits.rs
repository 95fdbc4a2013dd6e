//! The daemon under limits of the system: it takes less, or says which limit to raise.
#![allow(clippy::unwrap_used)] // what a test cannot go on without fails it

mod daemon;

use daemon::{Daemon, program, status};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};

/// The program under `limits`, as a shell sets them.
fn under(limits: &str, arguments: &[&str]) -> Command {
    let inner = program(arguments);
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{limits}; exec \"$@\""), "sh"]).arg(inner.get_program()).args(inner.get_args());
    command.env("RUST_LOG", "info").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn told(limits: &str, arguments: &[&str]) -> (bool, String) {
    let output = under(limits, arguments).output().unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr))
}

const SERVE: [&str; 7] = ["serve", "--listen", "127.0.0.1:0", "--admin-listen", "off", "--workers", "1"];

#[test]
fn less_address_space_is_less_for_workers() {
    let mut daemon = Daemon::spawn(&mut under("ulimit -v 2097152", &SERVE));
    let line = daemon.logged("the address space is limited to 2048 MiB");
    assert!(line.contains("LimitAS") && line.contains("4096 MiB"), "{line}");
    assert_eq!(status(&daemon.get("/readyz", "")), 200);
    daemon.signal("TERM");
    assert!(daemon.ended().success());
    let (fine, words) = told("ulimit -v 300000", &["check"]);
    assert!(fine && words.contains("the address space is limited to 292 MiB (ulimit -v, LimitAS)"), "{words}");
}

#[test]
fn what_is_lacking_is_named() {
    let (fine, words) = told("ulimit -s 64", &["check"]);
    assert!(!fine && words.contains("cannot set up the stack: 64 KiB are allowed") && words.contains("ulimit -s"), "{words}");
    let (fine, words) = told("ulimit -f 0", &SERVE);
    assert!(!fine && words.contains("raise `ulimit -f` or LimitFSIZE"), "{words}");
    let (fine, words) = told("ulimit -f 1; ulimit -n 100", &["check"]);
    assert!(fine && words.contains("ulimit -n, LimitNOFILE") && words.contains("ulimit -f, LimitFSIZE"), "{words}");
    let (fine, words) = told("ulimit -n 20", &SERVE);
    assert!(!fine && words.contains("open files are limited to 20 (ulimit -n, LimitNOFILE)"), "{words}");
    let (fine, words) = told("ulimit -v 300000", &SERVE);
    assert!(!fine && words.contains("the address space is limited to 292 MiB (ulimit -v, LimitAS)"), "{words}");
}

#[test]
fn a_small_stack_that_may_grow_grows() {
    let (fine, words) = told("ulimit -S -s 100", &["check"]);
    assert!(fine, "{words}");
}

/// Each connection is a descriptor: of a hundred, browsers get half.
#[test]
fn browsers_do_not_take_the_last_descriptors() {
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--workers", "1", "--worker-most", "1", "--limits-connections-per-address", "0"];
    let mut daemon = Daemon::spawn(&mut under("ulimit -n 120", &arguments));
    daemon.logged("but 120 descriptors allow 60 beside everything else");
    let admin = daemon.logged("figures are at").split("http://").nth(1).unwrap().split('/').next().unwrap().to_owned();
    let held: Vec<TcpStream> = (0..300).map(|_| TcpStream::connect(daemon.address).unwrap()).collect();
    let mut answered = 0;
    for mut stream in &held {
        let _ = stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
        stream.set_read_timeout(Some(daemon::LONG)).unwrap();
        let mut first = [0; 12];
        answered += usize::from(stream.read_exact(&mut first).is_ok() && first.ends_with(b"200"));
    }
    assert_eq!(answered, 60);
    let stats = daemon::ask(admin.parse().unwrap(), "GET /stats HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert_eq!(status(&stats), 200);
    drop(held);
    daemon.signal("TERM");
    let rest = daemon.rest();
    assert!(!rest.contains("cannot accept"), "{rest}");
    assert!(daemon.ended().success());
}
