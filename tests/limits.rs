//! Promise: whoever asks for too much gets an answer that says what is too much and when to come back, and nobody else is hurt.
#![allow(clippy::expect_used)]

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};
use support::{Answer, Daemon, PATIENCE, Prosody, WireClient, XmppPeer, free_port};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");

/// A guest's log-in with an account that leads nowhere.
fn guest(daemon: &Daemon, tab: &str) -> Answer {
    let network = json!({
        "protocol": "prpl-jabber", "username": "nobody@localhost", "password": "x",
        "options": { "connect_server": "127.0.0.1", "port": free_port() },
    });
    daemon.client(tab).post("/login", &json!({ "network": network }))
}

/// Checks that an answer says no, why, and when to come back.
fn comes_back(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status, answer.code()), (status, code), "{answer:?}");
    let error = &answer.body["error"];
    assert!(error["message"].as_str().is_some_and(|message| message.len() > 15), "{answer:?}");
    let seconds: u64 = answer.header("retry-after").expect("Retry-After").parse().expect("seconds");
    let ms = error["retry_ms"].as_u64().expect("retry_ms");
    assert!(ms >= 1 && seconds == ms.div_ceil(1000), "{answer:?}");
}

#[test]
fn guests_from_one_address_are_counted_and_leave_room_when_they_go() {
    let mut daemon = Daemon::builder(BELLFLOWER).limit("guests_per_address", 2).start();
    daemon.allow_log("Connection refused");
    let prosody = Prosody::with_users(["ines"]);
    let mut ines = daemon.client("tab");
    ines.sign_in_xmpp(&prosody, "ines");
    guest(&daemon, "second").ok();
    comes_back(&guest(&daemon, "third"), 429, "rate_limited");
    assert_eq!(ines.post("/logout", &json!({})).status, 204);
    guest(&daemon, "third").ok();
}

#[test]
fn log_ins_from_one_address_are_paced() {
    let mut daemon = Daemon::builder(BELLFLOWER).limit("logins_per_minute", 4).start();
    daemon.allow_log("Connection refused");
    // The wrong ones count, too: they are what the limit is for.
    for _ in 0..2 {
        let wrong = daemon.client("tab").post("/login", &json!({ "name": "ines", "password": "guess" }));
        assert_eq!((wrong.status, wrong.code()), (401, "bad_credentials"));
    }
    guest(&daemon, "one").ok();
    guest(&daemon, "two").ok();
    comes_back(&guest(&daemon, "three"), 429, "rate_limited");
    assert_eq!(daemon.client("tab").get("/site").status, 200);
}

#[test]
fn bodies_are_bounded() {
    let prosody = Prosody::with_users(["ines"]);
    let daemon = Daemon::builder(BELLFLOWER).limit("body_bytes", 4096).start();
    let mut ines = daemon.client("tab");
    ines.sign_in_xmpp(&prosody, "ines");
    let refused = ines.post("/attach", &json!({ "client": "tab", "more": "x".repeat(5000) }));
    assert_eq!((refused.status, refused.code()), (413, "too_large"), "{refused:?}");
    let stranger = daemon.client("stranger").post("/login", &json!({ "name": "x".repeat(5000), "password": "" }));
    assert_eq!((stranger.status, stranger.code()), (413, "too_large"), "{stranger:?}");
    ines.attach();
}

#[test]
fn commands_are_bounded_in_number_and_bytes() {
    let prosody = Prosody::with_users(["ines"]);
    let daemon = Daemon::builder(BELLFLOWER).limit("body_bytes", 1 << 20).start();
    let mut ines = daemon.client("tab");
    ines.sign_in_xmpp(&prosody, "ines");
    let commands = |count: usize, padding: usize| -> Vec<Value> {
        let values = json!({ "note": "x".repeat(padding) });
        (0..count).map(|i| json!({ "id": format!("{count}-{padding}-{i}"), "type": "settings.set", "values": values })).collect()
    };
    let many = ines.post("/commands", &json!({ "client": "tab", "commands": commands(101, 0) }));
    assert_eq!((many.status, many.code()), (400, "too_many_commands"), "{many:?}");
    let large = ines.post("/commands", &json!({ "client": "tab", "commands": commands(3, 90_000) }));
    assert_eq!((large.status, large.code()), (413, "too_large"), "{large:?}");
    // Nothing of them was carried out; as many as may be are.
    let most = ines.post("/commands", &json!({ "client": "tab", "commands": commands(100, 0) }));
    assert_eq!((most.status, most.body["accepted"].as_array().map(Vec::len)), (202, Some(100)), "{most:?}");
    ines.outcome("100-0-99").expect("it is carried out");
    // The log-in's own outcome may come late; it is no command of this tab.
    let ours = ines.kept().filter(|event| event["origin"]["client"] == "tab");
    assert!(ours.into_iter().all(|event| event["origin"]["command"].as_str().is_some_and(|id| id.starts_with("100-"))));
}

#[test]
fn commands_a_second_are_bounded_and_the_refused_may_be_sent_again() {
    let prosody = Prosody::with_users(["ines"]);
    let daemon = Daemon::builder(BELLFLOWER).limit("commands_per_second", 5).start();
    let mut ines = daemon.client("tab");
    ines.sign_in_xmpp(&prosody, "ines");
    let commands: Vec<_> = (0..100).map(|i| json!({ "id": format!("c{i}"), "type": "settings.set", "values": {} })).collect();
    let answer = ines.post("/commands", &json!({ "client": "tab", "commands": commands }));
    let accepted: Vec<_> = answer.body["accepted"].as_array().expect("accepted").clone();
    let rejected = answer.body["rejected"].as_array().expect("rejected");
    assert!(answer.status == 202 && !accepted.is_empty() && accepted.len() + rejected.len() == 100, "{answer:?}");
    assert_eq!(accepted, (0..accepted.len()).map(|i| json!(format!("c{i}"))).collect::<Vec<_>>(), "in order, then none");
    let errors = rejected.iter().map(|refused| &refused["error"]);
    assert!(errors.into_iter().all(|error| error["code"] == "rate_limited" && error["retry_ms"].as_u64().is_some_and(|ms| ms > 0)));
    let first = rejected[0]["id"].clone();
    let again = support::wait_until("room for one more", PATIENCE, || {
        let command = json!({ "id": first, "type": "settings.set", "values": {} });
        let answer = ines.post("/commands", &json!({ "client": "tab", "commands": [command] }));
        if answer.status == 429 {
            comes_back(&answer, 429, "rate_limited");
            return None;
        }
        Some(answer)
    });
    assert_eq!((again.status, &again.body["accepted"]), (202, &json!([first])), "{again:?}");
}

#[test]
fn a_received_text_that_is_too_long_is_cut_with_a_mark() {
    let prosody = Prosody::builder().users(["ines", "bob"]).friends("ines", "bob", "Friends").start();
    let daemon = Daemon::run(BELLFLOWER);
    let mut ines = daemon.client("tab");
    ines.sign_in_xmpp(&prosody, "ines");
    let mut bob = XmppPeer::connect(&prosody, "bob");
    bob.say("ines@localhost", &"long ".repeat(20_000));
    bob.say("ines@localhost", "short");
    let long = ines.wait_event("the long message", |e| e["type"] == "message.received")["message"]["text"].clone();
    let long = long.as_str().expect("a text");
    assert!(long.starts_with("long long") && (60_000..=66_000).contains(&long.len()), "{} bytes", long.len());
    let end = &long[long.len() - 40..];
    assert!(!end.ends_with("long") && !end.ends_with("long "), "no mark at the end: {end:?}");
    ines.hears("short");
    let conversation = ines.open("bob@localhost");
    for (text, code) in [("x".repeat(64 * 1024 + 1), "too_long"), (String::new(), "missing_field")] {
        let id = ines.new_id();
        let answer = ines.post_command(&id, "message.send", json!({ "conversation": conversation, "text": text }));
        let error = &answer.body["rejected"][0]["error"];
        assert!(error["code"] == code && error["field"] == "text", "{answer:?}");
    }
}

#[test]
fn connections_from_one_address_are_counted_and_given_back() {
    let daemon = Daemon::builder(BELLFLOWER).limit("connections_per_address", 5).start();
    let address = daemon.url().trim_start_matches("http://").to_owned();
    let ask = |connection: &str| {
        let mut stream = TcpStream::connect(&address).expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
        write!(stream, "GET /api/v1/site HTTP/1.1\r\nHost: {address}\r\nConnection: {connection}\r\n\r\n").expect("a request");
        let mut start = [0; 12];
        stream.read_exact(&mut start).expect("an answer");
        (stream, String::from_utf8_lossy(&start).into_owned())
    };
    let held: Vec<_> = (0..5).map(|_| ask("keep-alive")).collect();
    assert!(held.iter().all(|(_, status)| status == "HTTP/1.1 200"));
    let refused = daemon.client("tab").get("/site");
    comes_back(&refused, 429, "too_many_connections");
    drop(held);
    // The daemon notices by itself that they are gone.
    support::wait_until("a free seat", PATIENCE, || (ask("close").1 == "HTTP/1.1 200").then_some(()));
}

#[test]
fn the_longest_unpolled_tab_goes_first() {
    let prosody = Prosody::with_users(["ines"]);
    let daemon = Daemon::builder(BELLFLOWER).limit("clients_per_user", 2).start();
    let mut first = daemon.client("first");
    first.sign_in_xmpp(&prosody, "ines");
    let mut second = first.tab("second");
    second.attach();
    let mut third: WireClient = first.tab("third");
    third.attach();
    let gone = first.poll();
    assert_eq!(gone.body["reset"], "client", "{gone:?}");
    assert!(third.poll().body["reset"].is_null());
}

#[test]
fn accounts_are_counted_by_user() {
    let prosody = Prosody::with_users(["ines", "bob"]);
    let daemon = Daemon::builder(BELLFLOWER).limit("accounts_per_user", 1).start();
    let mut ines = daemon.client("tab");
    ines.sign_in_xmpp(&prosody, "ines");
    let id = ines.new_id();
    let answer = ines.post_command(&id, "account.add", WireClient::xmpp_network(&prosody, "bob", &prosody.password("bob"), &json!({})));
    let error = &answer.body["rejected"][0]["error"];
    assert_eq!(
        (&error["code"], &error["message"]),
        (&json!("limit"), &json!("At most 1 accounts are allowed (limits.accounts_per_user).")),
        "{answer:?}"
    );
}
