//! Promise: an account that cannot sign on says why in plain words, tries again when that may help, and never reaches a forbidden address.
#![allow(clippy::expect_used)]

use std::io::ErrorKind;
use std::net::TcpListener;

use serde_json::{Value, json};
use support::{Daemon, Prosody, WireClient, free_port};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");

/// The account as it stands, now or later, with one of these states.
fn standing(client: &mut WireClient, states: &[&str]) -> Value {
    let now = client.snapshot["accounts"][0].clone();
    if now["state"].as_str().is_some_and(|state| states.contains(&state)) {
        return now;
    }
    let account = client.account();
    client.wait_account_state(&account, states)
}

/// A guest whose XMPP server is `host`, on `port`.
fn guest_of(daemon: &Daemon, host: &str, port: u16) -> WireClient {
    let options = json!({ "connect_server": host, "port": port, "connection_security": "opportunistic_tls", "auth_plain_in_clear": true });
    let network = json!({ "protocol": "prpl-jabber", "username": "ines@localhost/web", "password": "secret-ines", "options": options });
    let mut client = daemon.client("tab");
    client.post("/login", &json!({ "network": network })).ok();
    client.attach();
    client
}

#[test]
fn a_wrong_password_is_said_once_and_the_right_one_signs_on() {
    let prosody = Prosody::with_users(["ines"]);
    let daemon = Daemon::builder(BELLFLOWER).table("[accounts]\nreconnect_first = \"100ms\"\nreconnect_most = \"200ms\"\n").start();
    let mut ines = daemon.client("tab");
    ines.log_in_xmpp(&prosody, "ines", "not the password", &json!({})).ok();
    ines.attach();
    let failed = standing(&mut ines, &["online", "waiting", "error"]);
    assert_eq!((&failed["state"], &failed["error"]["code"]), (&json!("error"), &json!("wrong_password")), "{failed}");
    assert_eq!((&failed["error"]["fatal"], &failed["retry_at"]), (&json!(true), &Value::Null), "{failed}");
    assert!(failed["error"]["message"].as_str().is_some_and(|message| message.len() > 5), "{failed}");
    // A whole held poll is fifty times the longest wait before another attempt.
    let held = loop {
        let answer = ines.poll();
        let events = answer.body["events"].as_array().expect("events").clone();
        assert!(!events.iter().any(|event| event["type"] == "account.state"), "tried again: {answer:?}");
        if answer.body["end"] == "hold" {
            break answer;
        }
    };
    assert_eq!(held.status, 200);
    let account = ines.account();
    ines.carry_out("account.update", json!({ "account": account, "password": prosody.password("ines") }));
    let event = ines.wait_account_state(&account, &["online", "waiting", "error"]);
    assert_eq!((&event["state"], &event["error"]), (&json!("online"), &Value::Null), "{event}");
}

#[test]
fn a_host_that_does_not_exist_is_named_and_tried_again() {
    let mut daemon = Daemon::run(BELLFLOWER);
    daemon.allow_log("There is no server called");
    let mut ines = guest_of(&daemon, "no-such-host.invalid", 5222);
    let waiting = standing(&mut ines, &["waiting", "error"]);
    assert_eq!((&waiting["state"], &waiting["error"]["code"]), (&json!("waiting"), &json!("network")), "{waiting}");
    assert!(waiting["retry_at"].is_string() && waiting["error"]["fatal"] == false, "{waiting}");
    assert!(waiting["error"]["message"].as_str().is_some_and(|message| message.len() > 10), "{waiting}");
}

#[test]
fn a_server_that_is_down_is_tried_until_it_is_up() {
    let mut daemon = Daemon::run(BELLFLOWER);
    daemon.allow_log("Connection refused");
    let port = free_port();
    let mut ines = guest_of(&daemon, "127.0.0.1", port);
    let waiting = standing(&mut ines, &["waiting", "error"]);
    assert_eq!((&waiting["state"], &waiting["error"]["code"]), (&json!("waiting"), &json!("network")), "{waiting}");
    assert!(waiting["retry_at"].as_str().is_some_and(|time| time.ends_with('Z')), "{waiting}");
    let account = ines.account();
    ines.wait_account_state(&account, &["connecting"]);
    let again = ines.wait_account_state(&account, &["waiting"]);
    assert!(again["retry_at"].as_str() > waiting["retry_at"].as_str(), "{waiting} {again}");
    let _prosody = Prosody::builder().users(["ines"]).port(port).start();
    ines.wait_account_state(&account, &["online"]);
}

#[test]
fn an_account_that_waits_can_be_told_to_try_now() {
    let mut daemon = Daemon::builder(BELLFLOWER).table("[accounts]\nreconnect_first = \"1h\"\nreconnect_most = \"1h\"\n").start();
    daemon.allow_log("Connection refused");
    let port = free_port();
    let mut ines = guest_of(&daemon, "127.0.0.1", port);
    standing(&mut ines, &["waiting"]);
    let account = ines.account();
    let _prosody = Prosody::builder().users(["ines"]).port(port).start();
    ines.carry_out("account.connect", json!({ "account": account }));
    ines.wait_account_state(&account, &["online"]);
}

#[test]
fn forbidden_addresses_are_refused_however_they_are_written() {
    let mut daemon = Daemon::builder(BELLFLOWER).egress(&[]).start();
    daemon.allow_log("which cannot be reached from here");
    daemon.allow_log("proxy: Connection attempt failed: Permission denied");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.set_nonblocking(true).expect("a listener that does not wait");
    let port = listener.local_addr().expect("an address").port();
    let hosts = [
        "127.0.0.1",
        "localhost",
        "2130706433",
        "0x7f000001",
        "127.1",
        "::1",
        "::ffff:127.0.0.1",
        "0.0.0.0",
        "10.0.0.1",
        "169.254.169.254",
    ];
    for host in hosts {
        let mut ines = guest_of(&daemon, host, port);
        let failed = standing(&mut ines, &["online", "waiting", "error"]);
        assert_eq!((&failed["state"], &failed["error"]["code"]), (&json!("error"), &json!("refused_address")), "{host}: {failed}");
        assert_eq!((&failed["error"]["fatal"], &failed["retry_at"]), (&json!(true), &Value::Null), "{host}: {failed}");
        let message = failed["error"]["message"].as_str().expect("a message");
        assert!(message.contains("does not let accounts connect") && !message.contains("Permission denied"), "{host}: {message}");
        assert_eq!(listener.accept().err().map(|error| error.kind()), Some(ErrorKind::WouldBlock), "{host} was reached");
    }
}

/// With TLS from the first byte libpurple's own words are "SSL Connection Failed", whatever happened.
#[test]
fn a_tls_connection_that_is_not_made_says_why() {
    let mut daemon = Daemon::run(BELLFLOWER);
    daemon.allow_log("Connection refused");
    daemon.allow_log("There is no server called");
    let port = free_port();
    let irc = |host: &str| json!({ "protocol": "prpl-irc", "username": format!("ines@{host}"), "options": { "ssl": true, "port": port } });
    let options = json!({ "connect_server": "127.0.0.1", "port": port, "connection_security": "old_ssl" });
    let xmpp = json!({ "protocol": "prpl-jabber", "username": "ines@localhost/web", "password": "secret", "options": options });
    let plain = json!({ "protocol": "prpl-irc", "username": "ines@127.0.0.1", "options": { "ssl": false, "port": port } });
    for (network, words) in [
        (irc("127.0.0.1"), "refuses the connection"),
        (xmpp, "refuses the connection"),
        (plain, "refuses the connection"),
        (irc("no-such-host.invalid"), "There is no server called “no-such-host.invalid”"),
    ] {
        let mut ines = daemon.client("tab");
        ines.post("/login", &json!({ "network": network })).ok();
        ines.attach();
        let waiting = standing(&mut ines, &["waiting", "error"]);
        let error = &waiting["error"];
        assert_eq!((&waiting["state"], &error["code"]), (&json!("waiting"), &json!("network")), "{waiting}");
        assert!(error["message"].as_str().is_some_and(|told| told.contains(words) && !told.contains("SSL")), "{waiting}");
    }
}

#[test]
fn a_server_that_accepts_and_says_nothing_is_given_up_in_time() {
    let mut daemon = Daemon::builder(BELLFLOWER)
        .table("[accounts]\nsign_on_timeout = \"3s\"\nreconnect_first = \"1h\"\nreconnect_most = \"1h\"\n")
        .start();
    daemon.allow_log("timed out");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let begun = std::time::Instant::now();
    let mut ines = guest_of(&daemon, "127.0.0.1", port);
    let waiting = standing(&mut ines, &["waiting", "error"]);
    let took = begun.elapsed();
    assert_eq!((&waiting["state"], &waiting["error"]["code"]), (&json!("waiting"), &json!("timeout")), "{waiting}");
    // Twice the time was what it took.
    assert!((3..6).contains(&took.as_secs()), "{took:?}");
}

#[test]
fn a_protocol_that_is_not_there_is_refused_at_once() {
    let daemon = Daemon::run(BELLFLOWER);
    let network = json!({ "protocol": "prpl-telepathy", "username": "ines", "password": "x" });
    let refused = daemon.client("tab").post("/login", &json!({ "network": network }));
    assert!((400..500).contains(&refused.status) && !refused.code().is_empty(), "{refused:?}");
}

#[test]
fn a_server_without_tls_is_refused_when_tls_is_asked_for() {
    let prosody = Prosody::with_users(["ines"]);
    let daemon = Daemon::run(BELLFLOWER);
    let mut ines = daemon.client("tab");
    ines.log_in_xmpp(&prosody, "ines", &prosody.password("ines"), &json!({ "connection_security": "require_tls" })).ok();
    ines.attach();
    let refused = standing(&mut ines, &["online", "waiting", "error"]);
    // A server does not learn TLS by waiting.
    assert_eq!((&refused["state"], &refused["error"]["code"]), (&json!("error"), &json!("encryption")), "{refused}");
    assert_eq!((&refused["error"]["fatal"], &refused["retry_at"]), (&json!(true), &Value::Null), "{refused}");
    assert!(refused["error"]["message"].as_str().is_some_and(|message| message.contains("settings")), "{refused}");
    assert!(!prosody.log().contains("Authenticated as"), "{}", prosody.log());
}
