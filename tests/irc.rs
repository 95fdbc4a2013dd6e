//! Promise: IRC channels work as rooms do: joined, talked in, seen into, left; servers with a password let one in.
#![allow(clippy::expect_used)]

use serde_json::json;
use support::{Daemon, IrcPeer, Ngircd, WireClient, joins};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");

fn scene(server: &Ngircd) -> (Daemon, WireClient, IrcPeer) {
    let daemon = Daemon::run(BELLFLOWER);
    let mut ines = daemon.client("tab");
    ines.sign_in_irc(server, "ines");
    (daemon, ines, IrcPeer::connect(server, "bob"))
}

#[test]
fn a_channel_is_joined_and_talked_in() {
    let server = Ngircd::builder().channel("#lounge", "Sit down").start();
    let (_daemon, mut ines, mut bob) = scene(&server);
    bob.join("#lounge");
    let conversation = ines.join(&json!({ "channel": "#lounge" }));
    ines.wait_event("bob among the members", |e| joins(e, "bob"));
    ines.wait_event("the topic", |e| e["type"] == "room.topic" && e["topic"] == "Sit down");
    bob.say("#lounge", "hello <all>");
    assert_eq!(ines.hears("hello <all>")["from"]["name"], "bob");
    ines.say(&conversation, "hello bob & <co>");
    assert_eq!(bob.hears("hello bob & <co>").nick(), "ines");
    bob.part("#lounge", "tea");
    ines.wait_event("bob's leaving", |e| {
        e["type"] == "room.members" && e["left"].as_array().is_some_and(|left| left.contains(&json!("bob")))
    });
    bob.join("#lounge");
    ines.carry_out("room.leave", json!({ "conversation": conversation }));
    bob.wait_for("ines's leaving", |line| line.command == "PART" && line.nick() == "ines");
}

#[test]
fn a_nick_change_is_followed() {
    let server = Ngircd::builder().start();
    let (_daemon, mut ines, mut bob) = scene(&server);
    ines.join(&json!({ "channel": "#garden" }));
    bob.join("#garden");
    ines.wait_event("bob's joining", |e| joins(e, "bob"));
    bob.send("NICK robert");
    ines.wait_event("the new nick", |e| e["type"] == "room.members" && e["renamed"] == json!([["bob", "robert"]]));
}

#[test]
fn being_named_in_a_channel_is_marked() {
    let server = Ngircd::builder().start();
    let (_daemon, mut ines, mut bob) = scene(&server);
    ines.join(&json!({ "channel": "#garden" }));
    bob.join("#garden");
    bob.say("#garden", "ines: look");
    assert_eq!(ines.hears("ines: look")["highlight"], true);
    bob.say("#garden", "what a day");
    assert!(ines.hears("what a day")["highlight"] != true);
}

#[test]
fn a_server_with_a_password_lets_one_in() {
    let server = Ngircd::builder().password("sesame").start();
    let (_daemon, mut ines, mut bob) = scene(&server);
    bob.say("ines", "welcome");
    ines.hears("welcome");
}
