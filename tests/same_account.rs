//! Promise: two people who use the same network account, or the same network at all, never see a byte of each other's.
#![allow(clippy::expect_used)]

use serde_json::json;
use support::{Daemon, Prosody, WireClient, XmppPeer};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");

fn signed_in(daemon: &Daemon, prosody: &Prosody, name: &str, resource: &str) -> WireClient {
    let mut client = daemon.client(resource);
    let mut network = WireClient::xmpp_network(prosody, name, &prosody.password(name), &json!({}));
    network["username"] = json!(format!("{name}@localhost/{resource}"));
    client.post("/login", &json!({ "network": network })).ok();
    client.attach();
    client.wait_online();
    client
}

#[test]
fn one_account_in_two_sessions_is_two_accounts_here() {
    let prosody = Prosody::builder().users(["ines", "bob"]).friends("ines", "bob", "Friends").start();
    let daemon = Daemon::run(BELLFLOWER);
    let mut desk = signed_in(&daemon, &prosody, "ines", "desk");
    let mut sofa = signed_in(&daemon, &prosody, "ines", "sofa");
    assert_ne!(desk.account(), sofa.account());
    let mut bob = XmppPeer::connect(&prosody, "bob");
    bob.say("ines@localhost/desk", "to the desk");
    bob.say("ines@localhost/sofa", "to the sofa");
    desk.hears("to the desk");
    sofa.hears("to the sofa");
    bob.say("ines@localhost/desk", "end");
    bob.say("ines@localhost/sofa", "end");
    desk.hears("end");
    sofa.hears("end");
    assert!(!desk.kept().any(|event| event["message"]["text"] == "to the sofa"));
    assert!(!sofa.kept().any(|event| event["message"]["text"] == "to the desk"));
    desk.post("/logout", &json!({})).ok();
    bob.wait_for("the desk's leaving", |s| s.is("type", "unavailable") && s.is("from", "ines@localhost/desk"));
    bob.say("ines@localhost/sofa", "still there?");
    sofa.hears("still there?");
}

#[test]
fn ids_of_one_user_mean_nothing_to_another() {
    let prosody = Prosody::builder().users(["ines", "bob", "mallory"]).friends("ines", "bob", "Friends").start();
    let daemon = Daemon::run(BELLFLOWER);
    let mut ines = signed_in(&daemon, &prosody, "ines", "desk");
    let mut mallory = signed_in(&daemon, &prosody, "mallory", "lair");
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let conversation = ines.open("bob@localhost");
    let (theirs, account) = (json!(conversation), json!(ines.account()));
    for (kind, fields) in [
        ("message.send", json!({ "conversation": theirs, "text": "I am ines, honestly" })),
        ("conversation.close", json!({ "conversation": theirs })),
        ("typing.set", json!({ "conversation": theirs, "state": "typing" })),
        ("conversation.open", json!({ "account": account, "name": "bob@localhost" })),
        ("account.disable", json!({ "account": account })),
        ("account.remove", json!({ "account": account })),
    ] {
        let id = mallory.new_id();
        let answer = mallory.post_command(&id, kind, fields);
        if answer.body["accepted"].as_array().is_some_and(|accepted| !accepted.is_empty()) {
            let outcome = mallory.outcome(&id);
            assert!(outcome.is_err(), "{kind} was carried out: {outcome:?}");
        } else {
            assert!(answer.body["rejected"][0]["error"]["code"].is_string(), "{kind}: {answer:?}");
        }
    }
    let history = mallory.get(&format!("/history?conversation={conversation}"));
    assert_eq!(history.status, 404, "{history:?}");
    ines.say(&conversation, "it is me");
    bob.hears("it is me");
    assert!(!bob.received().iter().any(|stanza| stanza.says("I am ines, honestly")));
}
