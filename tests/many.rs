//! Promise: two hundred people at once each get exactly their own messages, all of them, in order.
#![allow(clippy::expect_used)]

use serde_json::json;
use support::{Daemon, Prosody, WireClient, XmppPeer};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");
const USERS: usize = 200;
const MESSAGES: usize = 5;

#[test]
fn many_users_each_get_exactly_their_own_messages() {
    let prosody = Prosody::builder().users((0..USERS).map(|i| format!("user{i}"))).users(["sender"]).start();
    let daemon = Daemon::builder(BELLFLOWER).limit("sign_ons_per_second", 0).start();
    let mut clients: Vec<WireClient> = (0..USERS).map(|i| daemon.client(&format!("tab{i}"))).collect();
    for (i, client) in clients.iter_mut().enumerate() {
        let name = format!("user{i}");
        client.log_in_xmpp(&prosody, &name, &prosody.password(&name), &json!({})).ok();
        client.attach();
    }
    for client in &mut clients {
        client.wait_online();
    }
    let mut sender = XmppPeer::connect(&prosody, "sender");
    for k in 0..MESSAGES {
        for i in 0..USERS {
            sender.say(&format!("user{i}@localhost"), &format!("{k} for user{i}"));
        }
    }
    for (i, client) in clients.iter_mut().enumerate() {
        client.hears(&format!("{} for user{i}", MESSAGES - 1));
        let before: Vec<_> = client.kept().filter_map(|event| event["message"]["text"].as_str().map(str::to_owned)).collect();
        assert_eq!(before, (0..MESSAGES - 1).map(|k| format!("{k} for user{i}")).collect::<Vec<_>>());
    }
    for (i, client) in clients.iter_mut().enumerate() {
        let conversation = client.open("sender@localhost");
        client.command("message.send", json!({ "conversation": conversation, "text": format!("from user{i}") }));
    }
    for i in 0..USERS {
        let heard = sender.hears(&format!("from user{i}"));
        assert_eq!(heard.from_bare(), format!("user{i}@localhost"));
    }
}
