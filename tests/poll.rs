//! Promise: over any number of cut connections nothing is lost and nothing comes twice, and both ends keep the hold.
#![allow(clippy::expect_used)]

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{Daemon, Prosody, WireClient, XmppPeer};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");

fn scene() -> (Prosody, Daemon, WireClient, XmppPeer) {
    let prosody = Prosody::builder().users(["ines", "bob"]).friends("ines", "bob", "Friends").start();
    let daemon = Daemon::run(BELLFLOWER);
    let mut ines = daemon.client("tab");
    ines.sign_in_xmpp(&prosody, "ines");
    let bob = XmppPeer::connect(&prosody, "bob");
    (prosody, daemon, ines, bob)
}

/// Polls until a poll was held to its end: nothing is under way any more.
fn settle(ines: &mut WireClient) {
    loop {
        let answer = ines.poll();
        assert_eq!(answer.status, 200, "{answer:?}");
        if answer.body["end"] == "hold" {
            return;
        }
    }
}

fn texts(answer: &Value) -> Vec<String> {
    let events = answer["events"].as_array().into_iter().flatten();
    events.filter(|e| e["type"] == "message.received").filter_map(|e| e["message"]["text"].as_str().map(str::to_owned)).collect()
}

#[test]
fn an_idle_poll_is_held_as_announced_and_ends_so() {
    let (_prosody, _daemon, mut ines, _bob) = scene();
    settle(&mut ines);
    let started = Instant::now();
    let answer = ines.poll();
    let held = started.elapsed();
    assert_eq!((answer.body["end"].as_str(), answer.body["events"].as_array().map(Vec::len)), (Some("hold"), Some(0)), "{answer:?}");
    assert!(held > Duration::from_millis(9_500) && held < Duration::from_millis(12_000), "held for {held:?}, 10 s was announced");
    assert_eq!(answer.header("x-accel-buffering"), Some("no"));
    assert!(answer.header("cache-control").is_some_and(|value| value.contains("no-store") && value.contains("no-transform")));
}

#[test]
fn polls_that_are_cut_lose_nothing_and_repeat_nothing() {
    let (_prosody, _daemon, mut ines, mut bob) = scene();
    let mut heard = Vec::new();
    for i in 0..40 {
        ines.cut_poll();
        bob.say("ines@localhost", &format!("message {i}"));
        if i % 4 == 3 {
            heard.extend(texts(&ines.poll().body));
        }
    }
    while heard.len() < 40 {
        heard.extend(texts(&ines.poll().body));
    }
    assert_eq!(heard, (0..40).map(|i| format!("message {i}")).collect::<Vec<_>>());
}

#[test]
fn an_answer_that_got_lost_can_be_had_again() {
    let (_prosody, _daemon, mut ines, mut bob) = scene();
    let before = ines.after();
    bob.say("ines@localhost", "once");
    let mut first = Vec::new();
    while !first.iter().any(|text| text == "once") {
        first.extend(texts(&ines.replay_from(before).body));
    }
    let again = texts(&ines.replay_from(before).body);
    assert_eq!(again, ["once"]);
}

#[test]
fn a_newer_poll_ends_the_older_at_once() {
    let (_prosody, _daemon, mut ines, _bob) = scene();
    settle(&mut ines);
    let old = ines.poll_query();
    let new = ines.poll_query();
    let mut twin = ines.tab("tab");
    let started = Instant::now();
    let waiting = std::thread::spawn(move || twin.get(&format!("/poll?{old}")));
    // Whichever arrives first, the one with the lower n is the one that ends.
    let mut other = ines.tab("tab");
    let holding = std::thread::spawn(move || other.get(&format!("/poll?{new}")));
    let answer = waiting.join().expect("the older poll");
    assert_eq!(answer.body["end"], "superseded", "{answer:?}");
    assert!(started.elapsed() < Duration::from_secs(5), "after {:?}", started.elapsed());
    assert_eq!(holding.join().expect("the newer poll").body["end"], "hold");
}

#[test]
fn cursors_that_cannot_be_are_told_apart() {
    let (_prosody, _daemon, mut ines, _bob) = scene();
    let query = ines.poll_query();
    let after = format!("after={}", ines.after());
    let future = ines.get(&format!("/poll?{}", query.replace(&after, &format!("after={}", ines.after() + 1_000_000))));
    assert_eq!((future.status, future.code()), (400, "bad_cursor"), "{future:?}");
    let stranger = ines.get(&format!("/poll?{}", query.replace("client=tab", "client=unknown")));
    assert_eq!(stranger.body["reset"], "client", "{stranger:?}");
    let mut parts: Vec<_> = query.split('&').map(str::to_owned).collect();
    parts[1] = "epoch=elsewhere".to_owned();
    let other = ines.get(&format!("/poll?{}", parts.join("&")));
    assert_eq!(other.body["reset"], "epoch", "{other:?}");
}

#[test]
fn a_command_sent_twice_is_carried_out_once() {
    let (_prosody, _daemon, mut ines, mut bob) = scene();
    let conversation = ines.open("bob@localhost");
    let id = ines.new_id();
    for _ in 0..3 {
        let answer = ines.post_command(&id, "message.send", json!({ "conversation": conversation, "text": "only once" }));
        assert_eq!((answer.status, &answer.body["accepted"]), (202, &json!([id])), "{answer:?}");
    }
    ines.outcome(&id).expect("success");
    ines.say(&conversation, "the end");
    bob.hears("only once");
    bob.hears("the end");
    assert!(!bob.received().iter().any(|stanza| stanza.says("only once")), "it was sent twice");
}

#[test]
fn commands_run_in_the_order_they_came() {
    let (_prosody, _daemon, mut ines, mut bob) = scene();
    let conversation = ines.open("bob@localhost");
    let commands: Vec<_> = (0..50)
        .map(|i| json!({ "id": format!("c{i}"), "type": "message.send", "conversation": conversation, "text": format!("n{i}") }))
        .collect();
    let answer = ines.post("/commands", &json!({ "client": "tab", "commands": commands }));
    assert_eq!(answer.body["accepted"].as_array().map(Vec::len), Some(50), "{answer:?}");
    bob.wait_for("the last of them", |s| s.says("n49"));
    let order: Vec<_> = bob.received().iter().filter_map(|s| s.child_text("body").map(str::to_owned)).collect();
    assert_eq!(order, (0..49).map(|i| format!("n{i}")).collect::<Vec<_>>());
}

#[test]
fn every_tab_hears_everything() {
    let (_prosody, _daemon, mut ines, mut bob) = scene();
    let mut phone = ines.tab("phone");
    phone.attach();
    bob.say("ines@localhost", "to all of you");
    assert_eq!(ines.hears("to all of you")["id"], phone.hears("to all of you")["id"]);
    let conversation = phone.open("bob@localhost");
    phone.say(&conversation, "from the phone");
    ines.wait_event("the other tab's message", |e| e["type"] == "message.sent" && e["message"]["text"] == "from the phone");
}
