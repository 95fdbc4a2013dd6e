//! Promise: nobody can take more than their share, and who meets a limit is told which and for how long.
#![allow(clippy::expect_used)]

use serde_json::json;
use support::{Daemon, Prosody, WireClient};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");

fn knock(daemon: &Daemon, prosody: &Prosody, tab: &str) -> support::Answer {
    daemon.client(tab).log_in_xmpp(prosody, "ines", &prosody.password("ines"), &json!({}))
}

#[test]
fn log_ins_are_counted_by_address() {
    let prosody = Prosody::with_users(["ines"]);
    let daemon = Daemon::builder(BELLFLOWER).limit("logins_per_minute", 2).start();
    for tab in ["one", "two"] {
        knock(&daemon, &prosody, tab).ok();
    }
    let refused = knock(&daemon, &prosody, "three");
    assert_eq!((refused.status, refused.code()), (429, "rate_limited"), "{refused:?}");
    assert!(refused.body["error"]["retry_ms"].as_u64().is_some_and(|ms| (1..=60_000).contains(&ms)), "{refused:?}");
}

#[test]
fn guests_are_counted_by_address() {
    let prosody = Prosody::with_users(["ines"]);
    let daemon = Daemon::builder(BELLFLOWER).limit("guests_per_address", 1).start();
    let mut first = daemon.client("one");
    first.sign_in_xmpp(&prosody, "ines");
    assert_eq!(knock(&daemon, &prosody, "two").status, 429);
    first.post("/logout", &json!({})).ok();
    knock(&daemon, &prosody, "three").ok();
}

#[test]
fn bodies_have_a_size() {
    let prosody = Prosody::with_users(["ines"]);
    let daemon = Daemon::builder(BELLFLOWER).limit("body_bytes", 10_000).start();
    let mut ines = daemon.client("tab");
    ines.sign_in_xmpp(&prosody, "ines");
    let refused = ines.post("/commands", &json!({ "client": "tab", "commands": [], "padding": "x".repeat(20_000) }));
    assert_eq!(refused.status, 413, "{refused:?}");
}

#[test]
fn a_post_has_at_most_a_hundred_commands() {
    let prosody = Prosody::with_users(["ines"]);
    let daemon = Daemon::run(BELLFLOWER);
    let mut ines = daemon.client("tab");
    ines.sign_in_xmpp(&prosody, "ines");
    let commands: Vec<_> =
        (0..101).map(|i| json!({ "id": format!("c{i}"), "type": "client.state", "hidden": false, "idle_seconds": 0 })).collect();
    let refused = ines.post("/commands", &json!({ "client": "tab", "commands": commands }));
    assert!((400..500).contains(&refused.status), "{refused:?}");
}

#[test]
fn the_longest_unpolled_tab_goes_first() {
    let prosody = Prosody::with_users(["ines"]);
    let daemon = Daemon::builder(BELLFLOWER).limit("clients_per_user", 2).start();
    let mut first = daemon.client("first");
    first.sign_in_xmpp(&prosody, "ines");
    let mut second = first.tab("second");
    second.attach();
    let mut third: WireClient = first.tab("third");
    third.attach();
    let gone = first.poll();
    assert_eq!(gone.body["reset"], "client", "{gone:?}");
    assert!(third.poll().body["reset"].is_null());
}

#[test]
fn accounts_are_counted_by_user() {
    let prosody = Prosody::with_users(["ines", "bob"]);
    let daemon = Daemon::builder(BELLFLOWER).limit("accounts_per_user", 1).start();
    let mut ines = daemon.client("tab");
    ines.sign_in_xmpp(&prosody, "ines");
    let id = ines.new_id();
    let answer = ines.post_command(&id, "account.add", WireClient::xmpp_network(&prosody, "bob", &prosody.password("bob"), &json!({})));
    let error = if answer.body["rejected"][0].is_object() {
        answer.body["rejected"][0]["error"].clone()
    } else {
        ines.outcome(&id).expect_err("a limit")
    };
    assert!(error["code"].is_string() && error["message"].is_string(), "{error}");
}
