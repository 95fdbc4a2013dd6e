//! Promise: a server that turns an account away for want of room is understood: what it says is shown, and it is not tried again soon.
#![allow(clippy::expect_used)]

use serde_json::json;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use support::Daemon;

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");

#[test]
fn a_server_that_counts_connections_is_left_alone_for_a_while() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut line = String::new();
            // It reads a line first, as servers do.
            let _ = BufReader::new(&stream).read_line(&mut line);
            let _ = stream.write_all(b"ERROR :Closing Link: [127.0.0.1] (Too many host connections (local))\r\n");
        }
    });
    let daemon = Daemon::builder(BELLFLOWER).table("[accounts]\nreconnect_first = \"1s\"\nreconnect_most = \"10m\"").start();
    let mut guest = daemon.client("tab");
    let network = json!({ "protocol": "prpl-irc", "username": "ines@127.0.0.1", "options": { "port": port } });
    guest.post("/login", &json!({ "network": network })).ok();
    guest.attach();
    let account = guest.account();
    let waiting = if guest.snapshot["accounts"][0]["state"] == "waiting" {
        guest.snapshot["accounts"][0].clone()
    } else {
        guest.wait_account_state(&account, &["waiting"])
    };
    let error = &waiting["error"];
    assert_eq!(error["code"], "too_many_connections", "{waiting}");
    assert!(error["message"].as_str().is_some_and(|words| words.contains("Too many host connections")), "{waiting}");
    // Half of the longest wait at least; the first one would be a second.
    let minutes = |text: &str| {
        let clock: Vec<u64> = text[11..16].split(':').map(|part| part.parse().expect("a number")).collect();
        clock[0] * 60 + clock[1]
    };
    let (retry, now) = (waiting["retry_at"].as_str().expect("a time"), guest.get("/site").header("date").map(str::to_owned));
    let now = now.expect("the time of the answer");
    let now: Vec<u64> = now[17..22].split(':').map(|part| part.parse().expect("a number")).collect();
    let wait = (minutes(retry) + 24 * 60 - (now[0] * 60 + now[1])) % (24 * 60);
    assert!((4..=10).contains(&wait), "{wait} minutes: {waiting}");
}
