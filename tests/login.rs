//! Promise: a visitor signs straight in with an IM account, is told plainly when not, and leaves no trace when signing out.
#![allow(clippy::expect_used)]

use serde_json::json;
use support::{Daemon, Ngircd, Prosody, WireClient, XmppPeer};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");

#[test]
fn a_guest_signs_in_with_xmpp_and_is_seen_there() {
    let prosody = Prosody::builder().users(["ines", "bob"]).friends("ines", "bob", "Friends").start();
    let daemon = Daemon::run(BELLFLOWER);
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let mut ines = daemon.client("tab");
    let answer = ines.log_in_xmpp(&prosody, "ines", &prosody.password("ines"), &json!({}));
    let cookie = answer.header("set-cookie").expect("a cookie").to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    let body = answer.ok();
    assert_eq!(body["user"]["guest"], true, "{body}");
    ines.attach();
    ines.wait_online();
    bob.wait_for("ines", |s| s.name == "presence" && s.attr("type").is_none() && s.from_bare() == "ines@localhost");
}

#[test]
fn a_guest_signs_in_with_irc() {
    let server = Ngircd::builder().start();
    let daemon = Daemon::run(BELLFLOWER);
    let mut ines = daemon.client("tab");
    ines.sign_in_irc(&server, "ines");
}

#[test]
fn signing_out_signs_the_account_off_and_ends_the_session() {
    let prosody = Prosody::builder().users(["ines", "bob"]).friends("ines", "bob", "Friends").start();
    let daemon = Daemon::run(BELLFLOWER);
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let mut ines = daemon.client("tab");
    ines.sign_in_xmpp(&prosody, "ines");
    bob.wait_for("ines", |s| s.name == "presence" && s.attr("type").is_none() && s.from_bare() == "ines@localhost");
    let mut other = ines.tab("other");
    assert_eq!(ines.post("/logout", &json!({})).status, 204);
    bob.wait_for("ines's leaving", |s| s.name == "presence" && s.is("type", "unavailable") && s.from_bare() == "ines@localhost");
    let refused = other.post("/attach", &json!({ "client": "other" }));
    assert_eq!(refused.status, 401, "{refused:?}");
}

#[test]
fn without_a_cookie_only_the_front_is_open() {
    let daemon = Daemon::run(BELLFLOWER);
    let mut stranger = daemon.client("tab");
    for path in ["/site", "/protocols", "/schema", "/healthz", "/readyz"] {
        assert_eq!(stranger.get(path).status, 200, "{path}");
    }
    for path in ["/poll?client=tab&epoch=0&after=0&n=1", "/history?conversation=x"] {
        let refused = stranger.get(path);
        assert_eq!((refused.status, refused.code()), (401, "not_signed_in"), "{path}");
    }
    let refused = stranger.post("/commands", &json!({ "client": "tab", "commands": [] }));
    assert_eq!((refused.status, refused.code()), (401, "not_signed_in"));
}

#[test]
fn the_front_page_describes_xmpp_and_irc() {
    let daemon = Daemon::run(BELLFLOWER);
    let protocols = daemon.client("tab").get("/protocols").ok();
    let find = |id: &str| {
        let found = protocols.as_array().expect("a list").iter().find(|protocol| protocol["id"] == id);
        found.unwrap_or_else(|| panic!("no {id} in {protocols}")).clone()
    };
    let jabber = find("prpl-jabber");
    assert_eq!(jabber["password"], "optional", "an empty password asks later: {jabber}");
    assert!(jabber["options"].as_array().expect("options").iter().any(|option| option["key"] == "connect_server"), "{jabber}");
    assert!(find("prpl-irc")["room_fields"].as_array().is_some_and(|fields| !fields.is_empty()));
}

#[test]
fn options_that_the_protocol_does_not_know_are_refused() {
    let prosody = Prosody::with_users(["ines"]);
    let daemon = Daemon::run(BELLFLOWER);
    for options in [json!({ "no_such_option": true }), json!({ "port": "5222" })] {
        let refused = daemon.client("tab").log_in_xmpp(&prosody, "ines", "x", &options);
        assert_eq!(refused.status, 400, "{options}: {refused:?}");
        assert!(refused.body["error"]["field"].is_string(), "{refused:?}");
    }
}

#[test]
fn a_site_without_guests_lets_none_in() {
    let prosody = Prosody::with_users(["ines"]);
    let mut daemon = Daemon::builder(BELLFLOWER).environment("BELLFLOWER_GUESTS", "false").start();
    let refused = daemon.client("tab").log_in_xmpp(&prosody, "ines", &prosody.password("ines"), &json!({}));
    assert_eq!((refused.status, refused.code()), (403, "guests_off"));
    daemon.stop();
}

#[test]
fn a_second_login_replaces_the_session() {
    let prosody = Prosody::with_users(["ines", "bob"]);
    let daemon = Daemon::run(BELLFLOWER);
    let mut client: WireClient = daemon.client("tab");
    client.sign_in_xmpp(&prosody, "ines");
    let mut former = client.tab("former");
    client.sign_in_xmpp(&prosody, "bob");
    assert_eq!(former.post("/attach", &json!({ "client": "former" })).status, 401);
    assert_eq!(client.snapshot["accounts"].as_array().map(Vec::len), Some(1));
}
