//! Promise: whoever sends as much as the wire takes is stopped with an error that names the limit, and nobody else waits for that.
#![allow(clippy::expect_used)]

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use support::{Daemon, Prosody, WireClient, XmppPeer};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");

/// What one command of each sort can be made to cost.
fn expensive(account: &str) -> Vec<Value> {
    let many: serde_json::Map<_, _> = (0..12_000).map(|key| (format!("k{key}"), json!(1))).collect();
    let most: serde_json::Map<_, _> = (0..1000).map(|key| (format!("k{key}"), json!(key))).collect();
    vec![
        json!({ "type": "settings.set", "values": many }),
        json!({ "type": "settings.set", "values": most }),
        json!({ "type": "account.connect", "account": account }),
        json!({ "type": "room.list", "account": account }),
        json!({ "type": "buddy.info", "account": account, "name": "bob@localhost" }),
        json!({ "type": "status.set", "status": "away", "message": "x".repeat(4000), "accounts": vec![account; 900] }),
        json!({ "type": "privacy.set", "account": account, "mode": "deny_users", "list": vec!["joe@localhost"; 1000] }),
    ]
}

/// Sends each of them over and over until told to stop; counts what was taken and what was turned away for its rate or its size.
fn flood(mallory: &mut WireClient, stop: &AtomicBool) -> (usize, usize, Vec<String>) {
    let commands = expensive(&mallory.account());
    let (mut taken, mut refused, mut words) = (0, 0, Vec::new());
    while !stop.load(Ordering::Relaxed) {
        for command in &commands {
            let id = mallory.new_id();
            let answer = mallory.post_command(&id, command["type"].as_str().expect("a type"), command.clone());
            if answer.status == 202 && answer.body["accepted"][0] == id {
                taken += 1;
                continue;
            }
            let error = if answer.status == 202 { &answer.body["rejected"][0]["error"] } else { &answer.body["error"] };
            assert!(["rate_limited", "too_long", "limit"].contains(&error["code"].as_str().expect("a code")), "{answer:?}");
            refused += 1;
            words.push(error["message"].as_str().expect("a message").to_owned());
            words.dedup();
        }
        mallory.get("/history?conversation=c1");
    }
    (taken, refused, words)
}

#[test]
fn a_flood_is_stopped_and_others_are_told_what_they_have_to_be_told_in_order() {
    let prosody = Prosody::builder().users(["ines", "bob", "mallory"]).friends("ines", "bob", "Friends").start();
    let daemon = Daemon::run(BELLFLOWER);
    let mut ines = daemon.client("tab");
    ines.sign_in_xmpp(&prosody, "ines");
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let mut mallory = daemon.client("mallory");
    mallory.sign_in_xmpp(&prosody, "mallory");
    let before = daemon.stats();
    let stop = AtomicBool::new(false);
    let (taken, refused, words) = std::thread::scope(|scope| {
        let flood = scope.spawn(|| flood(&mut mallory, &stop));
        for number in 0..30 {
            bob.say("ines@localhost", &format!("number {number}"));
            // Each is there before the next is said, and nothing else is taken for it.
            ines.hears(&format!("number {number}"));
        }
        stop.store(true, Ordering::Relaxed);
        flood.join().expect("the flood ends by itself")
    });
    assert!(
        refused > taken && words.iter().any(|words| words.contains("limits.commands_per_second")),
        "{taken} taken, {refused} not: {words:?}"
    );
    // What it caused is bounded by what was taken, not by what was asked for: an event or two for each, and what the server answered.
    let events = |stats: &Value| stats["log_events"].as_u64().expect("a figure");
    let caused = events(&daemon.stats()) - events(&before);
    assert!(caused < 40 * 30 + 20 * u64::try_from(taken).expect("few"), "{caused} events of {taken} commands");
}
