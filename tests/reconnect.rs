//! Promise: a server that goes away and comes back costs nobody a click: accounts return, conversations stay.
#![allow(clippy::expect_used)]

use serde_json::{Value, json};
use support::{Daemon, Ngircd, Prosody, WireClient, XmppPeer};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");

fn daemon() -> Daemon {
    let mut daemon = Daemon::builder(BELLFLOWER).table("[accounts]\nreconnect_first = \"1s\"\nreconnect_most = \"2s\"").start();
    // Every try before the server is back.
    daemon.allow_log("Connection refused");
    daemon
}

/// Waits until the account is lost, then until it is online again.
fn survive(ines: &mut WireClient, bring_back: impl FnOnce()) {
    let account = ines.account();
    let lost = ines.wait_account_state(&account, &["waiting", "error"]);
    assert_eq!(lost["state"], "waiting", "{lost}");
    assert!(lost["retry_at"].is_string(), "{lost}");
    bring_back();
    ines.wait_account_state(&account, &["online"]);
}

#[test]
fn an_xmpp_account_returns_after_a_crash_of_the_server() {
    let mut prosody = Prosody::builder().users(["ines", "bob"]).friends("ines", "bob", "Friends").start();
    let daemon = daemon();
    let mut ines = daemon.client("tab");
    ines.sign_in_xmpp(&prosody, "ines");
    let conversation = ines.open("bob@localhost");
    prosody.kill();
    survive(&mut ines, || prosody.start());
    let mut bob = XmppPeer::connect(&prosody, "bob");
    ines.say(&conversation, "still here");
    bob.hears("still here");
    bob.say("ines@localhost", "so am I");
    let event = ines.wait_event("bob's answer", |e| e["type"] == "message.received" && e["message"]["text"] == "so am I");
    assert_eq!(event["conversation"], json!(conversation), "the conversation is another one");
}

#[test]
fn a_server_that_says_farewell_is_waited_for_too() {
    let mut prosody = Prosody::with_users(["ines"]);
    let daemon = daemon();
    let mut ines = daemon.client("tab");
    ines.sign_in_xmpp(&prosody, "ines");
    prosody.stop();
    survive(&mut ines, || prosody.start());
}

#[test]
fn an_irc_account_returns() {
    let mut server = Ngircd::builder().start();
    let daemon = daemon();
    let mut ines = daemon.client("tab");
    ines.sign_in_irc(&server, "ines");
    server.kill();
    survive(&mut ines, || server.start());
}

#[test]
fn a_room_is_entered_again() {
    let mut prosody = Prosody::with_users(["ines", "bob"]);
    let daemon = daemon();
    let mut ines = daemon.client("tab");
    ines.sign_in_xmpp(&prosody, "ines");
    let conversation = ines.join(&json!({ "room": "garden", "server": "rooms.localhost", "handle": "Ines" }));
    prosody.kill();
    survive(&mut ines, || prosody.start());
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let room = prosody.room("garden");
    bob.join(&room, "Bob");
    ines.wait_event("bob in the room", |e| {
        let joined: &Value = if e["type"] == "room.members" { &e["joined"] } else { &e["conversation"]["members"] };
        joined.as_array().is_some_and(|members| members.iter().any(|member| member["name"] == "Bob"))
    });
    bob.say_in(&room, "back again");
    let event = ines.wait_event("bob's word", |e| e["type"] == "message.received" && e["message"]["text"] == "back again");
    assert_eq!(event["conversation"], json!(conversation));
}
