//! Promise: hundreds of people at once each get exactly what was meant for them: none of it lost, doubled, out of order or astray.
#![allow(clippy::expect_used)]

use serde_json::json;
use support::{Daemon, Prosody, WireClient, XmppPeer};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");

const USERS: usize = 200;
const ROUNDS: usize = 5;
/// Users handled by one thread: at most so many requests are under way at once.
const SHARE: usize = 25;

fn name(user: usize) -> String {
    format!("user{user:03}")
}

fn text(user: usize, round: usize) -> String {
    format!("message {round} for {}", name(user))
}

#[test]
fn two_hundred_users_each_get_their_own_messages() {
    let prosody = Prosody::builder().users((0..USERS).map(name)).users(["sender"]).start();
    let daemon = Daemon::run(BELLFLOWER);
    let mut sender = XmppPeer::connect(&prosody, "sender");

    let mut clients: Vec<(usize, WireClient)> = (0..USERS).map(|user| (user, daemon.client(&name(user)))).collect();
    each(&mut clients, |user, client| {
        client.log_in_xmpp(&prosody, &name(user), &prosody.password(&name(user)), &json!({})).ok();
        client.attach();
    });
    each(&mut clients, |_, client| client.wait_online());

    // Every user's messages lie between those of all others.
    for round in 0..ROUNDS {
        for user in 0..USERS {
            sender.say(&format!("{}@localhost", name(user)), &text(user, round));
        }
    }
    each(&mut clients, |user, client| {
        let mut heard = Vec::new();
        while heard.len() < ROUNDS {
            let event = client.wait_event(&format!("message {}", heard.len()), |e| e["type"] == "message.received");
            assert_eq!(event["account"], json!(client.account()), "{event}");
            heard.push(event["message"]["text"].as_str().expect("a text").to_owned());
        }
        assert_eq!(heard, (0..ROUNDS).map(|round| text(user, round)).collect::<Vec<_>>());
        let conversation = client.open("sender@localhost");
        client.say(&conversation, &format!("thanks from {}", name(user)));
    });

    for user in 0..USERS {
        let thanks = sender.hears(&format!("thanks from {}", name(user)));
        assert_eq!(thanks.from_bare(), format!("{}@localhost", name(user)));
    }
    assert!(sender.received().iter().all(|stanza| stanza.child_text("body").is_none()), "thanked twice");

    // After one last message to each nothing else may have come, and whoever attaches anew sees the same.
    for user in 0..USERS {
        sender.say(&format!("{}@localhost", name(user)), &text(user, ROUNDS));
    }
    each(&mut clients, |user, client| {
        client.hears(&text(user, ROUNDS));
        assert!(client.kept().all(|event| event["type"] != "message.received"), "{} got more than its own", name(user));
        client.attach();
        let conversations = client.snapshot["conversations"].as_array().expect("conversations");
        assert_eq!(conversations.len(), 1);
        let messages = conversations[0]["messages"].as_array().expect("messages");
        let shown: Vec<_> = messages.iter().filter(|m| m["from"]["self"] == false).filter_map(|m| m["text"].as_str()).collect();
        assert_eq!(shown, (0..=ROUNDS).map(|round| text(user, round)).collect::<Vec<_>>());
    });
}

/// Does this for every client, a few at a time.
fn each(clients: &mut [(usize, WireClient)], body: impl Fn(usize, &mut WireClient) + Sync) {
    std::thread::scope(|scope| {
        for share in clients.chunks_mut(SHARE) {
            scope.spawn(|| share.iter_mut().for_each(|(user, client)| body(*user, client)));
        }
    });
}
