//! Promise: when a server goes away its accounts wait, say until when, come back by themselves with their rooms, and nothing is lost or doubled.
#![allow(clippy::expect_used)]

use serde_json::{Value, json};
use support::{Daemon, Ngircd, Prosody, WireClient, XmppPeer};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");

fn friends() -> Prosody {
    Prosody::builder().users(["ines", "bob"]).friends("ines", "bob", "Friends").start()
}

/// A daemon whose accounts come back at the configured pace, or only when told.
fn daemon(retry: &str) -> Daemon {
    let table = format!("[accounts]\nreconnect_first = {retry:?}\nreconnect_most = {retry:?}\n");
    let mut daemon = Daemon::builder(BELLFLOWER).table(&table).start();
    // Every try before the server is back.
    daemon.allow_log("Connection refused");
    daemon
}

fn signed_in(daemon: &Daemon, prosody: &Prosody) -> WireClient {
    let mut client = daemon.client("tab");
    client.sign_in_xmpp(prosody, "ines");
    client
}

/// Waits until the account waits for another attempt, and checks what is said of it.
fn waits(client: &mut WireClient) -> Value {
    let account = client.account();
    let waiting = client.wait_account_state(&account, &["waiting", "error"]);
    assert_eq!((&waiting["state"], &waiting["error"]["code"]), (&json!("waiting"), &json!("network")), "{waiting}");
    assert!(waiting["retry_at"].is_string() && waiting["error"]["fatal"] == false, "{waiting}");
    waiting
}

fn heard(client: &WireClient, text: &str) -> bool {
    client.kept().any(|event| event["message"]["text"] == text)
}

#[test]
fn an_account_comes_back_with_its_room_after_its_server_did() {
    let mut prosody = friends();
    let daemon = daemon("1s");
    let mut ines = signed_in(&daemon, &prosody);
    let account = ines.account();
    let room = ines.join(&json!({ "room": "den", "server": "rooms.localhost", "handle": "ines" }));
    ines.say(&room, "before");
    prosody.kill();
    waits(&mut ines);
    prosody.start();
    ines.wait_account_state(&account, &["online"]);

    let mut bob = XmppPeer::connect(&prosody, "bob");
    bob.join("den@rooms.localhost", "bob");
    bob.wait_for("ines in the room", |s| s.name == "presence" && s.is("from", "den@rooms.localhost/ines") && s.attr("type").is_none());
    bob.say_in("den@rooms.localhost", "welcome back");
    let event = ines.wait_event("the message in the room", |e| e["message"]["text"] == "welcome back");
    assert_eq!(event["conversation"], room, "the room is the same conversation");
    ines.say(&room, "thanks");
    bob.hears("thanks");
    assert!(!heard(&ines, "welcome back") && !heard(&ines, "before"), "twice");

    // Who attaches only now sees the account, the room and all that was said in it, once.
    let mut tab = ines.tab("second");
    tab.attach();
    assert_eq!((&tab.snapshot["accounts"][0]["id"], &tab.snapshot["accounts"][0]["state"]), (&json!(account), &json!("online")));
    let conversations = tab.snapshot["conversations"].as_array().expect("conversations");
    let shown = conversations.iter().find(|conversation| conversation["id"] == *room).expect("the room");
    assert_eq!(shown["joined"], true, "{shown}");
    let said: Vec<_> = shown["messages"].as_array().expect("messages").iter().filter(|m| m["system"] != true).map(|m| &m["text"]).collect();
    assert_eq!(said, ["before", "welcome back", "thanks"]);
}

#[test]
fn a_server_that_says_it_goes_down_is_waited_for_too() {
    let mut prosody = friends();
    let daemon = daemon("1s");
    let mut ines = signed_in(&daemon, &prosody);
    prosody.stop();
    waits(&mut ines);
    prosody.start();
    let account = ines.account();
    ines.wait_account_state(&account, &["online"]);
}

#[test]
fn what_the_server_kept_meanwhile_comes_once_and_in_order() {
    let mut prosody = friends();
    let daemon = daemon("1h");
    let mut ines = signed_in(&daemon, &prosody);
    let account = ines.account();
    let mut bob = XmppPeer::connect(&prosody, "bob");
    bob.say("ines@localhost", "one");
    let conversation = ines.wait_event("one", |e| e["message"]["text"] == "one")["conversation"].clone();
    drop(bob);
    prosody.kill();
    waits(&mut ines);
    prosody.start();
    let mut bob = XmppPeer::connect(&prosody, "bob");
    for text in ["two", "three", "four"] {
        bob.say("ines@localhost", text);
    }
    bob.received();
    let before = ines.after();
    ines.carry_out("account.connect", json!({ "account": account }));
    ines.wait_account_state(&account, &["online"]);
    bob.say("ines@localhost", "five");
    let mut heard = Vec::new();
    while heard.last().is_none_or(|last| *last != "five") {
        let event = ines.wait_event("a message", |e| e["type"] == "message.received");
        assert_eq!(event["conversation"], conversation, "{event}");
        heard.push(event["message"]["text"].as_str().expect("a text").to_owned());
    }
    assert_eq!(heard, ["two", "three", "four", "five"]);
    assert!(ines.after() > before, "one log over both connections");
    let history = ines.get(&format!("/history?conversation={}", conversation.as_str().expect("an id"))).ok();
    let kept: Vec<_> =
        history["messages"].as_array().expect("messages").iter().filter(|m| m["system"] != true).map(|m| &m["text"]).collect();
    assert_eq!(kept, ["one", "two", "three", "four", "five"]);
}

#[test]
fn an_irc_account_returns() {
    let mut server = Ngircd::builder().start();
    let daemon = daemon("1s");
    let mut ines = daemon.client("tab");
    ines.sign_in_irc(&server, "ines");
    server.kill();
    waits(&mut ines);
    server.start();
    let account = ines.account();
    ines.wait_account_state(&account, &["online"]);
}
