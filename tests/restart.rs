//! Promise: a daemon that ends says so to every poll, signs everybody off in good order, and comes back with a clean table.
#![allow(clippy::expect_used)]

use serde_json::json;
use support::{Daemon, Prosody, XmppPeer};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");

#[test]
fn a_parked_poll_is_told_to_come_back() {
    let prosody = Prosody::builder().users(["ines", "bob"]).friends("ines", "bob", "Friends").start();
    let mut daemon = Daemon::run(BELLFLOWER);
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let mut ines = daemon.client("tab");
    ines.sign_in_xmpp(&prosody, "ines");
    bob.wait_for("ines", |s| s.name == "presence" && s.attr("type").is_none() && s.from_bare() == "ines@localhost");
    while ines.poll().body["end"] != "hold" {}
    let (older, newer) = (ines.poll_query(), ines.poll_query());
    let (mut one, mut other) = (ines.tab("tab"), ines.tab("tab"));
    let superseded = std::thread::spawn(move || one.get(&format!("/poll?{older}")));
    let parked = std::thread::spawn(move || other.get(&format!("/poll?{newer}")));
    // The older one is answered because the newer one has arrived: that one is parked now.
    assert_eq!(superseded.join().expect("the older poll").body["end"], "superseded");
    daemon.stop();
    let answer = parked.join().expect("the parked poll");
    assert_eq!(answer.body["end"], "restart", "{answer:?}");
    assert!(answer.body["retry_ms"].as_u64().is_some_and(|ms| ms > 0), "{answer:?}");
    bob.wait_for("ines's leaving", |s| s.is("type", "unavailable") && s.from_bare() == "ines@localhost");
    daemon.start();
    ines.moved_to(daemon.url());
    let refused = ines.post("/attach", &json!({ "client": "tab" }));
    assert_eq!(refused.status, 401, "a guest's session does not outlive the daemon: {refused:?}");
    ines.sign_in_xmpp(&prosody, "ines");
}

#[test]
fn a_daemon_that_was_killed_starts_again() {
    let prosody = Prosody::with_users(["ines"]);
    let mut daemon = Daemon::run(BELLFLOWER);
    daemon.client("tab").sign_in_xmpp(&prosody, "ines");
    daemon.kill();
    daemon.start();
    daemon.client("tab").sign_in_xmpp(&prosody, "ines");
}
