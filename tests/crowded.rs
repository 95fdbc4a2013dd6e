//! Promise: a server that turns an account away because there are too many from its address is understood: what it says is shown, and the account is
//! not tried again soon.
#![allow(clippy::expect_used)]

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpStream};
use support::{Daemon, Ngircd, PATIENCE, WireClient, wait_until};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");

/// Takes the one place that the server has for this address. The probe that waited for the server may still hold it for a moment.
fn takes_the_place(server: &Ngircd) -> TcpStream {
    wait_until("the only place", PATIENCE, || {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, server.port())).ok()?;
        stream.write_all(b"NICK first\r\nUSER first 0 * :first\r\n").ok()?;
        let lines = BufReader::new(stream.try_clone().ok()?).lines().map_while(Result::ok);
        let welcome = lines.map(|line| line.contains(" 001 ")).find(|welcome| *welcome);
        welcome.map(|_| stream)
    })
}

/// Minutes since midnight, of a time as RFC 3339 or HTTP have it.
fn minutes(clock: &str) -> u64 {
    let parts: Vec<u64> = clock.split(':').map(|part| part.parse().expect("a number")).collect();
    parts[0] * 60 + parts[1]
}

#[test]
fn a_server_that_counts_connections_is_left_alone_for_a_while() {
    let server = Ngircd::builder().per_address(1).start();
    let _first = takes_the_place(&server);
    let daemon = Daemon::builder(BELLFLOWER).table("[accounts]\nreconnect_first = \"1s\"\nreconnect_most = \"10m\"").start();
    // Several, since what the server says and the end of the connection come at once.
    for nick in ["second", "third", "fourth", "fifth", "sixth"] {
        let mut guest = daemon.client(nick);
        guest.post("/login", &serde_json::json!({ "network": WireClient::irc_network(&server, nick) })).ok();
        guest.attach();
        let account = guest.account();
        let waiting = if guest.snapshot["accounts"][0]["state"] == "waiting" {
            guest.snapshot["accounts"][0].clone()
        } else {
            guest.wait_account_state(&account, &["waiting"])
        };
        let error = &waiting["error"];
        assert_eq!(error["code"], "too_many_connections", "{waiting}");
        assert!(error["message"].as_str().is_some_and(|words| words.contains("too many connections")), "{waiting}");
        // Half of the longest wait at least; the first one would be a second.
        let date = guest.get("/site").header("date").expect("the time of the answer").to_owned();
        let retry = minutes(&waiting["retry_at"].as_str().expect("a time")[11..16]);
        let wait = (retry + 24 * 60 - minutes(&date[17..22])) % (24 * 60);
        assert!((4..=10).contains(&wait), "{wait} minutes: {waiting}");
    }
}
