//! Promise: SIMPLE, libpurple's SIP, signs on at a real registrar, sees who is there, and talks both ways.
#![allow(clippy::expect_used)]

use serde_json::json;
use support::{Daemon, Kamailio, PATIENCE, WireClient, wait_until};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");

fn signed_in(daemon: &Daemon, server: &Kamailio, name: &str) -> WireClient {
    let mut client = daemon.client(name);
    client.post("/login", &json!({ "network": server.network(name, &server.password(name)) })).ok();
    client.attach();
    client.wait_online();
    client
}

#[test]
fn kamailio_is_signed_on_to_watched_and_talked_through() {
    let Some(server) = Kamailio::start() else { return };
    // SIMPLE is offered where protocols may listen.
    let daemon = Daemon::builder(BELLFLOWER).listening().start();
    let mut mallory = daemon.client("mallory");
    mallory.post("/login", &json!({ "network": server.network("bob", "a guess") })).ok();
    mallory.attach();
    let account = mallory.account();
    let refused = mallory.wait_account_state(&account, &["online", "error", "waiting"]);
    assert_eq!((&refused["state"], &refused["error"]["code"]), (&json!("error"), &json!("wrong_password")), "{refused}");

    let mut ines = signed_in(&daemon, &server, "ines");
    let account = ines.account();
    ines.carry_out("buddy.add", json!({ "account": account, "name": "sip:bob@127.0.0.1", "group": "Garden" }));
    // People are subscribed to at a sign-on, or within ten seconds.
    ines.carry_out("account.disable", json!({ "account": account }));
    ines.wait_account_state(&account, &["offline"]);
    ines.carry_out("account.enable", json!({ "account": account }));
    wait_until("ines's subscription", PATIENCE, || server.log().contains("SUBSCRIBE ines bob").then_some(()));
    let mut bob = signed_in(&daemon, &server, "bob");
    ines.wait_event("bob there", |e| {
        e["type"] == "buddy.updated" && e["buddy"]["name"] == "sip:bob@127.0.0.1" && e["buddy"]["status"] == "available"
    });
    let bobs = ines.open("sip:bob@127.0.0.1");
    ines.say(&bobs, "hello <bob> & co");
    let event = bob.wait_event("ines's words", |e| e["type"] == "message.received" && e["message"]["text"] == "hello <bob> & co");
    bob.say(event["conversation"].as_str().expect("an id"), "two\nlines");
    assert_eq!(ines.hears("two\nlines")["from"]["self"], false);
}
