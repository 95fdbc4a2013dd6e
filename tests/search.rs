//! Promise: whatever was said to a user is found by its words, also after a restart, and what is said is told to whoever waits for it.
#![allow(clippy::expect_used)]

use serde_json::{Value, json};
use support::{Daemon, Prosody, WireClient, XmppPeer};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");
const PASSWORD: &str = "a long enough password";

/// The texts of the hits of a search.
fn find(client: &mut WireClient, query: &str) -> Vec<String> {
    let found = client.get(&format!("/search?{query}")).ok();
    found["hits"].as_array().expect("hits").iter().map(|hit| hit["message"]["text"].as_str().expect("a text").to_owned()).collect()
}

fn is_hit(event: &Value, search: &Value) -> bool {
    event["type"] == "search.hit" && event["search"] == *search
}

#[test]
fn what_was_said_is_found_and_what_is_said_is_told() {
    let prosody = Prosody::builder().users(["ines", "bob"]).friends("ines", "bob", "Friends").start();
    let mut daemon = Daemon::builder(BELLFLOWER).config("registration = \"open\"").start();
    let mut ines = daemon.client("tab");
    ines.register("Ines", PASSWORD);
    let account = ines.add_xmpp(&prosody, "ines");
    let mut bob = XmppPeer::connect(&prosody, "bob");
    for text in ["The garden is green", "明日は東京に行く", "3.14 is not 3.15"] {
        bob.say("ines@localhost", text);
        ines.hears(text);
    }
    assert_eq!(find(&mut ines, "q=the%20GARDEN"), ["The garden is green"]);
    assert_eq!(find(&mut ines, "q=%E6%9D%B1%E4%BA%AC"), ["明日は東京に行く"]);
    assert_eq!(find(&mut ines, "q=is&limit=1"), ["3.14 is not 3.15"]);
    assert_eq!(find(&mut ines, "q=is&from=bob%40localhost"), ["3.14 is not 3.15", "The garden is green"]);
    assert_eq!(find(&mut ines, "q=gar*&account=&since=&until=&from="), ["The garden is green"]);
    for (query, code, field) in [
        ("", "missing_field", "q"),
        ("q=", "no_words", "q"),
        ("q=a&since=now", "bad_field", "since"),
        ("q=a&before=x", "bad_field", "before"),
        ("q=a&limit=x", "bad_field", "limit"),
    ] {
        let answer = ines.get(&format!("/search?{query}"));
        assert_eq!((answer.status, answer.code(), answer.body["error"]["field"].as_str()), (400, code, Some(field)), "{query}");
    }
    // An open search waits in this tab, a saved one is kept with the user.
    let open = ines.carry_out("search.open", json!({ "q": "\"green garden\"" }))["search"].clone();
    let saved = ines.carry_out("search.save", json!({ "q": "garden", "name": "Gardens" }))["search"].clone();
    bob.say("ines@localhost", "A green garden");
    let hit = ines.wait_event("a hit", |event| is_hit(event, &open));
    assert_eq!((&hit["message"]["text"], &hit["ranges"]), (&json!("A green garden"), &json!([[2, 14]])));
    let counted = ines.wait_event("a count", |event| event["type"] == "search.updated" && event["search"]["new"] == 1);
    assert_eq!((&counted["search"]["id"], &counted["search"]["name"]), (&saved, &json!("Gardens")));
    // Writes are made in order: the count is durable when this command has ended.
    ines.carry_out("settings.set", json!({ "values": { "theme": "dark" } }));
    daemon.kill();
    daemon.start();
    ines.moved_to(daemon.url());
    ines.attach();
    let mut other = daemon.client("other");
    other.sign_in("Ines", PASSWORD);
    for client in [&mut ines, &mut other] {
        assert_eq!(client.snapshot["searches"][0]["new"], 1, "in every browser");
        assert_eq!(find(client, "q=garden"), ["A green garden", "The garden is green"]);
    }
    ines.wait_account_online(&account);
    bob.say("ines@localhost", "Garden again");
    ines.wait_event("a hit", |event| is_hit(event, &saved));
    ines.carry_out("search.seen", json!({ "search": saved }));
    other.wait_event("it is seen", |event| event["type"] == "search.updated" && event["search"]["new"] == 0);
    // Deleted messages are found by nobody.
    let talk = ines.open("bob@localhost");
    ines.carry_out("history.delete", json!({ "conversation": talk, "whole": false }));
    assert_eq!(find(&mut other, "q=garden"), [""; 0]);
    daemon.stop();
    let output = daemon.admin(&["db", "reindex"], "");
    assert!(output.0 && output.1.contains("is made anew"), "{output:?}");
    let (well, said) = daemon.admin(&["db", "check"], "");
    assert!(well && said.contains("as it should be"), "{said}");
}

#[test]
fn a_guest_finds_what_was_said_since_the_sign_in() {
    let prosody = Prosody::builder().users(["ines", "bob"]).friends("ines", "bob", "Friends").start();
    let daemon = Daemon::builder(BELLFLOWER).start();
    let mut ines = daemon.client("tab");
    ines.sign_in_xmpp(&prosody, "ines");
    let mut bob = XmppPeer::connect(&prosody, "bob");
    bob.say("ines@localhost", "The garden is green");
    ines.hears("The garden is green");
    assert_eq!(find(&mut ines, "q=garden"), ["The garden is green"]);
    let open = ines.carry_out("search.open", json!({ "q": "gard*" }))["search"].clone();
    bob.say("ines@localhost", "Gardens everywhere");
    ines.wait_event("a hit", |event| is_hit(event, &open));
    ines.carry_out("search.close", json!({ "search": open }));
}
