//! Promise: XMPP rooms are joined, talked in, seen into and left, and one's own words come back once.
#![allow(clippy::expect_used)]

use serde_json::{Value, json};
use support::{Daemon, Prosody, WireClient, XmppPeer, joins};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");

fn fields(room: &str, handle: &str) -> Value {
    json!({ "room": room, "server": "rooms.localhost", "handle": handle })
}

fn scene(prosody: &Prosody) -> (Daemon, WireClient, XmppPeer) {
    let daemon = Daemon::run(BELLFLOWER);
    let mut ines = daemon.client("tab");
    ines.sign_in_xmpp(prosody, "ines");
    (daemon, ines, XmppPeer::connect(prosody, "bob"))
}

#[test]
fn a_room_is_joined_and_talked_in() {
    let prosody = Prosody::with_users(["ines", "bob"]);
    let (_daemon, mut ines, mut bob) = scene(&prosody);
    let room = prosody.room("garden");
    bob.join(&room, "Bob");
    bob.topic(&room, "Bluebells & co");
    let conversation = ines.join(&fields("garden", "Ines"));
    ines.wait_event("bob among the members", |e| joins(e, "Bob"));
    ines.wait_event("the topic", |e| e["type"] == "room.topic" && e["topic"] == "Bluebells & co");
    bob.say_in(&room, "hello <all>");
    let heard = ines.hears("hello <all>");
    assert_eq!(heard["from"]["name"], "Bob", "{heard}");
    let sent = ines.say(&conversation, "hello Bob");
    assert_eq!(sent["from"]["self"], true);
    assert!(bob.hears("hello Bob").is("from", &format!("{room}/Ines")));
    ines.say(&conversation, "the end");
    bob.hears("the end");
    assert!(!bob.received().iter().any(|s| s.says("hello Bob")), "it was said twice");
    assert!(!ines.kept().any(|e| e["message"]["text"] == "hello Bob"), "one's own words came back twice");
}

#[test]
fn members_come_and_go_and_one_leaves() {
    let prosody = Prosody::with_users(["ines", "bob"]);
    let (_daemon, mut ines, mut bob) = scene(&prosody);
    let room = prosody.room("garden");
    let conversation = ines.join(&fields("garden", "Ines"));
    bob.join(&room, "Bob");
    ines.wait_event("bob's joining", |e| joins(e, "Bob"));
    bob.leave(&room, "Bob");
    ines.wait_event("bob's leaving", |e| {
        e["type"] == "room.members" && e["left"].as_array().is_some_and(|left| left.contains(&json!("Bob")))
    });
    bob.join(&room, "Bob");
    ines.carry_out("room.leave", json!({ "conversation": conversation }));
    bob.wait_for("ines's leaving", |s| s.is("type", "unavailable") && s.is("from", &format!("{room}/Ines")));
}

#[test]
fn a_new_room_is_opened_for_others_even_when_the_server_locks_it() {
    let prosody = Prosody::builder().users(["ines", "bob"]).room_locking().start();
    let (_daemon, mut ines, mut bob) = scene(&prosody);
    let room = prosody.room("fresh");
    let conversation = ines.join(&fields("fresh", "Ines"));
    // The protocol asks: configure the room, or accept what the server proposes.
    let asked = ines.wait_event("the question about the new room", |e| e["type"] == "request.opened")["request"].clone();
    let accept = asked["buttons"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|button| button["label"].as_str().is_some_and(|label| label.contains("Accept")));
    let accept = accept.unwrap_or_else(|| panic!("no way to accept in {asked}"))["id"].clone();
    ines.carry_out("request.answer", json!({ "request": asked["id"], "button": accept, "values": {} }));
    ines.wait_event("the question's end", |e| e["type"] == "request.closed");
    // The question ends when the answer is on its way; what she says goes after it, and comes back when the server has had both.
    ines.say(&conversation, "come in");
    bob.join(&room, "Bob");
    bob.say_in(&room, "me");
    ines.hears("me");
}

#[test]
fn topic_and_nick_are_changed_from_the_page() {
    let prosody = Prosody::with_users(["ines", "bob"]);
    let (_daemon, mut ines, mut bob) = scene(&prosody);
    let room = prosody.room("garden");
    let conversation = ines.join(&fields("garden", "Ines"));
    bob.join(&room, "Bob");
    ines.carry_out("room.topic", json!({ "conversation": conversation, "topic": "Weeds <and> seeds" }));
    bob.wait_for("the topic", |s| s.child_text("subject") == Some("Weeds <and> seeds"));
    ines.carry_out("room.nick", json!({ "conversation": conversation, "nick": "Inesita" }));
    bob.wait_for("the new nick", |s| s.name == "presence" && s.attr("type").is_none() && s.is("from", &format!("{room}/Inesita")));
}

/// Ines in a room with two devices under one nick, which Bob rules.
fn two_devices(prosody: &Prosody) -> (Daemon, WireClient, XmppPeer, XmppPeer, String) {
    let (daemon, mut ines, mut bob) = scene(prosody);
    let room = prosody.room("garden");
    bob.join(&room, "Bob");
    let conversation = ines.join(&fields("garden", "Ines"));
    let mut phone = XmppPeer::connect_as(prosody, "ines", "phone");
    phone.join(&room, "Ines");
    (daemon, ines, bob, phone, conversation)
}

#[test]
fn who_is_kicked_is_out_with_every_device() {
    let prosody = Prosody::with_users(["ines", "bob"]);
    let (_daemon, mut ines, mut bob, mut phone, conversation) = two_devices(&prosody);
    let kick = "<query xmlns='http://jabber.org/protocol/muc#admin'><item nick='Ines' role='none'><reason>mud</reason></item></query>";
    bob.request("set", &prosody.room("garden"), kick);
    phone.wait_for("the kick", |s| s.is("type", "unavailable") && s.is("from", &format!("{}/Ines", prosody.room("garden"))));
    ines.wait_event("the end of being there", |e| {
        e["type"] == "conversation.updated" && e["conversation"]["id"] == *conversation && e["conversation"]["joined"] == false
    });
}

#[test]
fn a_device_that_leaves_takes_no_other_out() {
    let prosody = Prosody::with_users(["ines", "bob"]);
    let (_daemon, mut ines, mut bob, mut phone, conversation) = two_devices(&prosody);
    phone.leave(&prosody.room("garden"), "Ines");
    bob.say_in(&prosody.room("garden"), "still there?");
    ines.hears("still there?");
    ines.say(&conversation, "here I am");
    bob.hears("here I am");
}

#[test]
fn a_private_word_in_a_room_has_a_conversation_of_its_own() {
    let prosody = Prosody::with_users(["ines", "bob"]);
    let (_daemon, mut ines, mut bob) = scene(&prosody);
    let room = prosody.room("garden");
    let conversation = ines.join(&fields("garden", "Ines"));
    bob.join(&room, "Bob");
    bob.say(&format!("{room}/Ines"), "between us");
    let event = ines.wait_event("bob's word", |e| e["type"] == "message.received" && e["message"]["text"] == "between us");
    assert_ne!(event["conversation"], json!(conversation));
    ines.say(event["conversation"].as_str().expect("an id"), "just us");
    assert!(bob.hears("just us").is("type", "chat"));
}

#[test]
fn an_invitation_is_told_with_its_question_and_taking_it_leads_into_the_room() {
    let prosody = Prosody::with_users(["ines", "bob"]);
    let (_daemon, mut ines, mut bob) = scene(&prosody);
    let room = prosody.room("garden");
    bob.join(&room, "Bob");
    // A mediated invitation (XEP-0045, 7.8.2).
    bob.send(&format!(
        "<message to='{room}'><x xmlns='http://jabber.org/protocol/muc#user'><invite to='ines@localhost'><reason>tea &amp; cake</reason></invite></x></message>"
    ));
    let account = ines.account();
    let invited = ines.wait_event("the invitation", |e| e["type"] == "room.invited");
    assert_eq!((&invited["account"], &invited["room"], &invited["message"]), (&json!(account), &json!(room), &json!("tea & cake")));
    assert!(invited["who"].as_str().is_some_and(|who| who.ends_with("/Bob")), "{invited}");
    let asked = ines.wait_event("the question", |e| e["type"] == "request.opened" && e["account"] == account)["request"].clone();
    let accept = asked["buttons"].as_array().and_then(|buttons| buttons.first()).expect("a button")["id"].clone();
    ines.carry_out("request.answer", json!({ "request": asked["id"], "button": accept, "values": {} }));
    ines.wait_event("the room", |e| e["type"] == "conversation.opened" && e["conversation"]["name"] == room);
}
