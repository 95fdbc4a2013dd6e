//! Promise: a guest is the first to write to so many people an hour and no more, whatever the way; who answers or is on the list does not count, and
//! users of the site are not counted.
#![allow(clippy::expect_used)]

use serde_json::{Value, json};
use support::{Daemon, IrcPeer, Ngircd, Prosody, WireClient, XmppPeer};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");

/// Sends a line to a conversation. Gives its rejection, null when there is none.
fn send(client: &mut WireClient, conversation: &str, text: &str) -> Value {
    let id = client.new_id();
    let answer = client.post_command(&id, "message.send", json!({ "conversation": conversation, "text": text }));
    answer.body["rejected"][0].clone()
}

#[test]
fn a_guest_writes_first_to_so_many_and_to_those_who_answer() {
    let server = Ngircd::builder().channel("#all", "everybody").start();
    let daemon = Daemon::builder(BELLFLOWER).limit("strangers_per_hour", 3).start();
    let mut peers: Vec<IrcPeer> = ["anna", "bob", "carl", "dora"].map(|nick| IrcPeer::connect(&server, nick)).into();
    let mut guest = daemon.client("tab");
    guest.sign_in_irc(&server, "guest");
    for peer in &mut peers[..3] {
        let conversation = guest.open(peer.nick());
        for text in ["hello", "are you there?"] {
            guest.say(&conversation, text);
            peer.hears(text);
        }
    }
    // A fourth stranger is refused by each way of writing; opening a conversation writes nothing.
    let fourth = guest.open("dora");
    let first = guest.open("anna");
    for (conversation, text) in [
        (&fourth, "hello"),
        (&first, "/msg dora hello"),
        (&first, "/query dora"),
        (&first, "/quote PRIVMSG dora :hello"),
        (&first, "/notice dora x"),
    ] {
        let refused = send(&mut guest, conversation, text);
        assert_eq!(refused["error"]["code"], "too_many_strangers", "{text}: {refused}");
        assert!((3_000_000..=3_600_000).contains(&refused["error"]["retry_ms"].as_u64().unwrap_or_default()), "{refused}");
    }
    let refused = guest.new_id();
    let answer = guest.post_command(&refused, "buddy.add", json!({ "account": guest.account(), "name": "dora" }));
    assert_eq!(answer.body["rejected"][0]["error"]["code"], "too_many_strangers", "{answer:?}");
    // Rooms have their own keepers, and whoever writes is no stranger.
    let room = guest.join(&json!({ "channel": "#all" }));
    guest.say(&room, "hello, all");
    peers[3].say("guest", "who are you?");
    guest.hears("who are you?");
    guest.say(&fourth, "a guest");
    peers[3].hears("a guest");
}

#[test]
fn whoever_is_on_the_list_does_not_count_and_nobody_has_another_ones_share() {
    let prosody = Prosody::builder().users(["ines", "eve", "bob", "carl", "dora"]).friends("ines", "bob", "Friends").start();
    let daemon = Daemon::builder(BELLFLOWER).limit("strangers_per_hour", 1).config("registration = \"open\"").start();
    let mut peers = ["bob", "carl", "dora"].map(|name| XmppPeer::connect(&prosody, name));
    let mut ines = daemon.client("ines");
    ines.sign_in_xmpp(&prosody, "ines");
    for (at, name) in ["bob", "carl"].iter().enumerate() {
        let conversation = ines.open(&format!("{name}@localhost"));
        ines.say(&conversation, "hello");
        peers[at].hears("hello");
    }
    let third = ines.open("dora@localhost");
    assert_eq!(send(&mut ines, &third, "hello")["error"]["code"], "too_many_strangers");
    let mut eve = daemon.client("eve");
    eve.sign_in_xmpp(&prosody, "eve");
    let own = eve.open("dora@localhost");
    eve.say(&own, "it is eve");
    peers[2].hears("it is eve");
    // As a user of the site she may write to whom she likes.
    ines.register("Ines", "a password of hers");
    ines.wait_online();
    let third = ines.open("dora@localhost");
    ines.say(&third, "it is ines");
    peers[2].hears("it is ines");
}
