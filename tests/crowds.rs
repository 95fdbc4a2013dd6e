//! Promise: strangers cannot fill a user's memory, nor push away what the user is in the middle of; what is open stays within reach.
#![allow(clippy::expect_used)]

use serde_json::json;
use support::{Daemon, Prosody, WireClient, XmppPeer};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");

fn opened(ines: &mut WireClient, name: &str) -> String {
    let event = ines.wait_event("the stranger's conversation", |e| e["type"] == "conversation.opened" && e["conversation"]["name"] == name);
    event["conversation"]["id"].as_str().expect("an id").to_owned()
}

#[test]
fn strangers_messages_close_the_quietest_conversation_and_never_the_focused_one() {
    let strangers = ["s1", "s2", "s3", "s4", "s5"];
    let prosody = Prosody::with_users(["ines", "bob"].into_iter().chain(strangers));
    let daemon = Daemon::builder(BELLFLOWER).limit("conversations_per_user", 3).start();
    let mut ines = daemon.client("tab");
    ines.sign_in_xmpp(&prosody, "ines");
    let bob = ines.open("bob@localhost");
    ines.carry_out("client.state", json!({ "hidden": false, "focused": bob }));
    let mut ids = Vec::new();
    for (at, name) in strangers.iter().enumerate() {
        let mut peer = XmppPeer::connect(&prosody, name);
        peer.say("ines@localhost", &format!("buy this from {name}"));
        ids.push(opened(&mut ines, &format!("{name}@localhost")));
        ines.hears(&format!("buy this from {name}"));
        // With bob's there is room for two of them.
        if at >= 2 {
            let quietest = ids[at - 2].clone();
            ines.wait_event("its closing", |e| e["type"] == "conversation.closed" && e["conversation"] == quietest);
        }
    }
    let snapshot = ines.attach()["snapshot"].clone();
    let mut open: Vec<&str> =
        snapshot["conversations"].as_array().expect("conversations").iter().filter_map(|c| c["id"].as_str()).collect();
    open.sort_unstable();
    let mut expected = vec![bob.as_str(), &ids[3], &ids[4]];
    expected.sort_unstable();
    assert_eq!(open, expected);
    // libpurple let go of it, too, and the line is not lost: it is there when the user opens the conversation again.
    ines.carry_out("conversation.close", json!({ "conversation": ids[4] }));
    let again = ines.carry_out("conversation.open", json!({ "account": ines.account(), "name": "s1@localhost" }));
    assert_eq!(again["conversation"], ids[0]);
    let history = ines.get(&format!("/history?conversation={}", ids[0])).ok();
    assert_eq!(history["messages"][0]["text"], "buy this from s1");
}

#[test]
fn at_the_limit_what_is_open_can_be_opened_and_joined_again_and_nothing_else() {
    let prosody = Prosody::with_users(["ines", "bob"]);
    let daemon = Daemon::builder(BELLFLOWER).limit("conversations_per_user", 2).start();
    let mut ines = daemon.client("tab");
    ines.sign_in_xmpp(&prosody, "ines");
    let bob = ines.open("bob@localhost");
    let room = prosody.room("den");
    let (name, server) = room.split_once('@').expect("a room's address");
    let den = json!({ "room": name, "server": server, "handle": "ines" });
    let inside = ines.join(&den);
    // Whatever spelling or device: it is the same conversation.
    for spelling in ["bob@localhost", "BOB@localhost", "bob@localhost/desk"] {
        let account = ines.account();
        let result = ines.carry_out("conversation.open", json!({ "account": account, "name": spelling }));
        assert_eq!(result["conversation"], bob, "{spelling}");
    }
    assert_eq!(ines.join(&den), inside);
    let account = ines.account();
    let others = [
        ("conversation.open", json!({ "account": account, "name": "eve@localhost" })),
        ("room.join", json!({ "account": account, "fields": { "room": "other", "server": server, "handle": "ines" } })),
    ];
    for (kind, fields) in others.clone() {
        let id = ines.command(kind, fields);
        let error = ines.outcome(&id).expect_err("a limit");
        assert!(error["code"] == "limit" && error["message"].as_str().is_some_and(|message| message.len() > 15), "{error}");
    }
    // A room that the user left is still open: it may be joined again.
    ines.carry_out("room.leave", json!({ "conversation": inside }));
    assert_eq!(ines.join(&den), inside);
    ines.carry_out("conversation.close", json!({ "conversation": inside }));
    let [(kind, fields), _] = others;
    assert!(ines.carry_out(kind, fields)["conversation"].is_string());
}
