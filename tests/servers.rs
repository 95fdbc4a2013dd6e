//! Promise: servers besides those that all tests use are served as well: one signs on, talks both ways, and joins a room that the server lists.
#![allow(clippy::expect_used)]

use serde_json::json;
use support::{Daemon, Inspircd, IrcPeer, joins};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");

#[test]
fn inspircd_is_signed_on_to_talked_through_and_listed() {
    let Some(server) = Inspircd::start() else { return };
    let mut bob = IrcPeer::connect_to(server.port(), None, "bob");
    bob.join("#lounge");
    bob.send("TOPIC #lounge :Sit down");
    bob.wait_for("the topic", |line| line.command == "TOPIC");
    let daemon = Daemon::run(BELLFLOWER);
    let mut ines = daemon.client("tab");
    ines.post("/login", &json!({ "network": server.network("ines") })).ok();
    ines.attach();
    ines.wait_online();

    let list = ines.carry_out("room.list", json!({ "account": ines.account() }));
    let listed = ines.wait_event("the channel in the list", |event| {
        let mut rows = event["rows"].as_array().into_iter().flatten();
        event["type"] == "room.list" && event["list"] == list["list"] && rows.any(|row| row["name"] == "#lounge")
    });
    // This server puts a channel's modes in front of its topic.
    assert_eq!((&listed["rows"][0]["topic"], &listed["rows"][0]["people"]), (&json!("Sit down"), &json!(1)), "{listed}");

    let room = ines.join(&json!({ "channel": "#lounge" }));
    ines.wait_event("bob among the members", |event| joins(event, "bob"));
    ines.say(&room, "hello bob & <co>");
    assert_eq!(bob.hears("hello bob & <co>").nick(), "ines");
    bob.say("#lounge", "hello <all>");
    assert_eq!(ines.hears("hello <all>")["from"]["name"], "bob");

    let bobs = ines.open("bob");
    ines.say(&bobs, "a word");
    bob.hears("a word");
    bob.say("ines", "and an answer");
    ines.hears("and an answer");
    // A refusal in this server's own words.
    bob.join("#quiet");
    bob.send("MODE #quiet +m");
    bob.wait_for("the mode", |line| line.command == "MODE");
    let quiet = ines.join(&json!({ "channel": "#quiet" }));
    ines.command("message.send", json!({ "conversation": quiet, "text": "unheard" }));
    let failed = ines.wait_event("the refusal", |event| event["type"] == "message.updated" && event["message"]["text"] == "unheard");
    let why = failed["message"]["error"].as_str().unwrap_or_default();
    assert!(failed["message"]["state"] == "failed" && why.contains("moderated"), "{failed}");
}
