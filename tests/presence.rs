//! Promise: who is there is seen at both ends, and who may see it is asked and told.
#![allow(clippy::expect_used)]

use serde_json::{Value, json};
use support::{Daemon, Element, Prosody, WireClient, XmppPeer};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");

fn signed_in(daemon: &Daemon, prosody: &Prosody) -> WireClient {
    let mut ines = daemon.client("tab");
    ines.sign_in_xmpp(prosody, "ines");
    ines
}

fn shows(event: &Value, name: &str, status: &str) -> bool {
    let there = |buddy: &Value| buddy["name"] == name && buddy["status"] == status;
    match event["type"].as_str() {
        Some("buddy.updated") => there(&event["buddy"]),
        Some("buddy.added") => event["buddies"].as_array().is_some_and(|buddies| buddies.iter().any(there)),
        _ => false,
    }
}

fn is_presence(stanza: &Element, show: Option<&str>) -> bool {
    stanza.name == "presence"
        && stanza.attr("type").is_none()
        && stanza.from_bare() == "ines@localhost"
        && stanza.child_text("show") == show
}

#[test]
fn a_buddy_comes_changes_and_goes() {
    let prosody = Prosody::builder().users(["ines", "bob"]).friends("ines", "bob", "Friends").start();
    let daemon = Daemon::run(BELLFLOWER);
    let mut ines = signed_in(&daemon, &prosody);
    let mut bob = XmppPeer::connect(&prosody, "bob");
    ines.wait_event("bob available", |e| shows(e, "bob@localhost", "available"));
    bob.show("away", "making <tea> & cake");
    let event = ines.wait_event("bob away", |e| shows(e, "bob@localhost", "away"));
    assert_eq!(event["buddy"]["status_message"], "making <tea> & cake");
    assert_eq!((&event["buddy"]["alias"], &event["buddy"]["group"]), (&json!("Bob"), &json!("Friends")));
    drop(bob);
    ines.wait_event("bob offline", |e| shows(e, "bob@localhost", "offline"));
}

#[test]
fn ones_own_status_is_seen_by_others() {
    let prosody = Prosody::builder().users(["ines", "bob"]).friends("ines", "bob", "Friends").start();
    let daemon = Daemon::run(BELLFLOWER);
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let mut ines = signed_in(&daemon, &prosody);
    bob.wait_for("ines available", |s| is_presence(s, None));
    ines.carry_out("status.set", json!({ "status": "away", "message": "in <the> garden & out" }));
    let seen = bob.wait_for("ines away", |s| is_presence(s, Some("away")));
    assert_eq!(seen.child_text("status"), Some("in <the> garden & out"));
    ines.carry_out("status.set", json!({ "status": "unavailable" }));
    bob.wait_for("ines busy", |s| is_presence(s, Some("dnd")));
    ines.carry_out("status.set", json!({ "status": "available" }));
    bob.wait_for("ines back", |s| is_presence(s, None));
}

#[test]
fn who_wants_to_see_is_asked_about_and_told() {
    let prosody = Prosody::with_users(["ines", "bob"]);
    let daemon = Daemon::run(BELLFLOWER);
    let mut ines = signed_in(&daemon, &prosody);
    let mut bob = XmppPeer::connect(&prosody, "bob");
    bob.presence_to("ines@localhost", "subscribe");
    let asked = ines.wait_event("bob's question", |e| e["type"] == "authorization.opened");
    assert_eq!(asked["authorization"]["from"], "bob@localhost", "{asked}");
    ines.carry_out("authorization.answer", json!({ "authorization": asked["authorization"]["id"], "allow": true, "add": false }));
    bob.wait_for("the permission", |s| s.is("type", "subscribed") && s.from_bare() == "ines@localhost");
    bob.wait_for("ines's presence", |s| is_presence(s, None));
    ines.wait_event("the question's end", |e| e["type"] == "authorization.closed");
}

#[test]
fn a_buddy_is_added_and_taken_off() {
    let prosody = Prosody::with_users(["ines", "bob"]);
    let daemon = Daemon::run(BELLFLOWER);
    let mut ines = signed_in(&daemon, &prosody);
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let account = ines.account();
    ines.carry_out("buddy.add", json!({ "account": account, "name": "bob@localhost", "group": "Garden", "alias": "Bobby" }));
    let added = ines.wait_event("the buddy", |e| e["type"] == "buddy.added" && e["buddies"][0]["name"] == "bob@localhost");
    assert_eq!(added["buddies"][0]["group"], "Garden", "{added}");
    bob.wait_for("ines's question", |s| s.is("type", "subscribe") && s.from_bare() == "ines@localhost");
    bob.presence_to("ines@localhost", "subscribed");
    bob.show("", "");
    ines.wait_event("bob available", |e| shows(e, "bob@localhost", "available"));
    ines.carry_out("buddy.remove", json!({ "buddy": added["buddies"][0]["id"] }));
    ines.wait_event("the removal", |e| e["type"] == "buddy.removed" && e["buddies"][0] == added["buddies"][0]["id"]);
    bob.wait_for("the end of it", |s| s.is("type", "unsubscribe") && s.from_bare() == "ines@localhost");
}
