//! Promise: what is said in a conversation arrives once, as it was said, at both ends, over XMPP and IRC.
#![allow(clippy::expect_used)]

use serde_json::{Value, json};
use support::{Daemon, IrcPeer, Ngircd, Prosody, WireClient, XmppPeer};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");

fn friends() -> Prosody {
    Prosody::builder().users(["ines", "bob"]).friends("ines", "bob", "Friends").start()
}

fn signed_in(daemon: &Daemon, prosody: &Prosody, name: &str) -> WireClient {
    let mut client = daemon.client(&format!("{name}-tab"));
    client.sign_in_xmpp(prosody, name);
    client
}

#[test]
fn a_message_comes_in_and_an_answer_goes_out() {
    let prosody = friends();
    let daemon = Daemon::run(BELLFLOWER);
    let mut ines = signed_in(&daemon, &prosody, "ines");
    let mut bob = XmppPeer::connect(&prosody, "bob");
    bob.say("ines@localhost", "are you there?");
    let event = ines.wait_event("bob's message", |e| e["type"] == "message.received");
    let message = &event["message"];
    assert_eq!((&message["text"], &message["from"]["self"]), (&json!("are you there?"), &json!(false)), "{event}");
    assert!(message["from"]["name"].as_str().is_some_and(|name| name.starts_with("bob@localhost")), "{event}");
    assert_eq!(event["account"], json!(ines.account()));
    let conversation = event["conversation"].as_str().expect("an id").to_owned();
    let sent = ines.say(&conversation, "yes, I am");
    assert_eq!((&sent["text"], &sent["from"]["self"]), (&json!("yes, I am"), &json!(true)));
    assert_eq!(bob.hears("yes, I am").from_bare(), "ines@localhost");
}

#[test]
fn nothing_in_a_text_is_taken_for_markup() {
    let prosody = friends();
    let daemon = Daemon::run(BELLFLOWER);
    let mut ines = signed_in(&daemon, &prosody, "ines");
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let conversation = ines.open("bob@localhost");
    let texts = ["<script>alert('1')</script> & <b>not bold</b>", "two\nlines", "  spaces  kept ", "&amp; &lt;", "🔔 Glöckchen 铃"];
    for text in texts {
        let sent = ines.say(&conversation, text);
        assert_eq!(sent["text"], text, "own echo");
        bob.hears(text);
        bob.say("ines@localhost", text);
        let heard = ines.hears(text);
        // A text that has no form of its own comes without spans; a link has one.
        if let Some(spans) = heard["spans"].as_array() {
            assert_eq!(spans.iter().filter_map(|span| span["text"].as_str()).collect::<String>(), text);
        }
    }
}

#[test]
fn formatting_arrives_as_spans() {
    let prosody = friends();
    let daemon = Daemon::run(BELLFLOWER);
    let mut ines = signed_in(&daemon, &prosody, "ines");
    let mut bob = XmppPeer::connect(&prosody, "bob");
    bob.send(
        "<message type='chat' to='ines@localhost'><body>plain strong</body><html xmlns='http://jabber.org/protocol/xhtml-im'>\
         <body xmlns='http://www.w3.org/1999/xhtml'>plain <strong>strong</strong></body></html></message>",
    );
    let heard = ines.hears("plain strong");
    let bold: Vec<_> = heard["spans"].as_array().expect("spans").iter().filter(|span| span["bold"] == true).collect();
    assert!(bold.len() == 1 && bold[0]["text"] == "strong", "{heard}");
}

#[test]
fn typing_is_seen_at_both_ends() {
    let prosody = friends();
    let daemon = Daemon::run(BELLFLOWER);
    let mut ines = signed_in(&daemon, &prosody, "ines");
    let mut bob = XmppPeer::connect(&prosody, "bob");
    // Chat states flow only between ends that have shown that they know them (XEP-0085 5.1).
    bob.send("<message type='chat' to='ines@localhost'><body>hm</body><active xmlns='http://jabber.org/protocol/chatstates'/></message>");
    let conversation = ines.wait_event("bob's message", |e| e["type"] == "message.received")["conversation"].clone();
    bob.chat_state("ines@localhost", "composing");
    ines.wait_event("bob typing", |e| e["type"] == "typing" && e["state"] == "typing" && e["conversation"] == conversation);
    ines.say(conversation.as_str().expect("an id"), "yes?");
    bob.hears("yes?");
    ines.carry_out("typing.set", json!({ "conversation": conversation, "state": "typing" }));
    bob.wait_for("ines typing", |s| s.child("composing").is_some());
}

#[test]
fn messages_that_waited_come_at_sign_on() {
    let prosody = friends();
    let daemon = Daemon::run(BELLFLOWER);
    let mut bob = XmppPeer::connect(&prosody, "bob");
    bob.say("ines@localhost", "while you were out");
    bob.received();
    let mut ines = signed_in(&daemon, &prosody, "ines");
    let told = |message: &Value| message["text"] == "while you were out";
    let conversations = ines.snapshot["conversations"].as_array().into_iter().flatten();
    if !conversations.flat_map(|conversation| conversation["messages"].as_array()).flatten().any(told) {
        ines.wait_event("the message that waited", |e| e["type"] == "message.received" && told(&e["message"]));
    }
}

#[test]
fn a_message_has_the_time_it_was_written() {
    let prosody = friends();
    let daemon = Daemon::run(BELLFLOWER);
    let mut ines = signed_in(&daemon, &prosody, "ines");
    let mut bob = XmppPeer::connect(&prosody, "bob");
    bob.send(
        "<message type='chat' to='ines@localhost'><body>long ago</body><delay xmlns='urn:xmpp:delay' stamp='2020-01-02T03:04:05Z'/></message>",
    );
    assert_eq!(ines.hears("long ago")["time"], "2020-01-02T03:04:05.000Z");
}

#[test]
fn a_conversation_keeps_its_messages_for_the_next_tab() {
    let prosody = friends();
    let daemon = Daemon::run(BELLFLOWER);
    let mut ines = signed_in(&daemon, &prosody, "ines");
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let conversation = ines.open("bob@localhost");
    for i in 0..60 {
        bob.say("ines@localhost", &format!("line {i}"));
    }
    ines.hears("line 59");
    let mut tab = ines.tab("second");
    tab.attach();
    let found = tab.snapshot["conversations"].as_array().expect("conversations").iter().find(|c| c["id"] == *conversation).cloned();
    let messages = found.expect("the conversation")["messages"].as_array().expect("messages").clone();
    let texts: Vec<_> = messages.iter().filter_map(|message| message["text"].as_str()).collect();
    assert!(texts.len() >= 20 && texts.last() == Some(&"line 59"), "{texts:?}");
    let history = tab.get(&format!("/history?conversation={conversation}&limit=10")).ok();
    let tail: Vec<_> = history["messages"].as_array().expect("messages").iter().map(|message| message["text"].clone()).collect();
    assert_eq!(tail, (50..60).map(|i| json!(format!("line {i}"))).collect::<Vec<_>>());
}

#[test]
fn a_text_that_is_too_long_is_refused_when_sent() {
    let prosody = friends();
    let daemon = Daemon::run(BELLFLOWER);
    let mut ines = signed_in(&daemon, &prosody, "ines");
    let conversation = ines.open("bob@localhost");
    let id = ines.new_id();
    let answer = ines.post_command(&id, "message.send", json!({ "conversation": conversation, "text": "x".repeat(70_000) }));
    assert_eq!(answer.body["rejected"][0]["error"]["code"], "too_long", "{answer:?}");
}

#[test]
fn irc_peers_talk_in_private() {
    let server = Ngircd::builder().start();
    let daemon = Daemon::run(BELLFLOWER);
    let mut ines = daemon.client("tab");
    ines.sign_in_irc(&server, "ines");
    let mut bob = IrcPeer::connect(&server, "bob");
    bob.say("ines", "psst & <b>");
    let event = ines.wait_event("bob's message", |e| e["type"] == "message.received" && e["message"]["text"] == "psst & <b>");
    let conversation = event["conversation"].as_str().expect("an id").to_owned();
    ines.say(&conversation, "what <i> is it?");
    assert_eq!(bob.hears("what <i> is it?").nick(), "ines");
}

#[test]
fn what_the_server_kept_while_the_user_was_away_is_marked_with_its_time() {
    let prosody = Prosody::builder().users(["ines", "bob"]).friends("ines", "bob", "Friends").start();
    let daemon = Daemon::run(BELLFLOWER);
    let mut ines = daemon.client("tab");
    ines.sign_in_xmpp(&prosody, "ines");
    let mut bob = XmppPeer::connect(&prosody, "bob");
    // As a server delivers what it kept (XEP-0203).
    bob.send("<message type='chat' to='ines@localhost'><body>see you</body><delay xmlns='urn:xmpp:delay' from='localhost' stamp='2026-01-02T03:04:05Z'/></message>");
    let old = ines.hears("see you");
    assert_eq!((&old["delayed"], &old["time"]), (&true.into(), &"2026-01-02T03:04:05.000Z".into()), "{old}");
    bob.say("ines@localhost", "and now");
    assert!(ines.hears("and now")["delayed"].is_null());
}
