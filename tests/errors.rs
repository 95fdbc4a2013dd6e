//! Promise: a sign-on that cannot work says why, in a code for the page and in words for the person.
#![allow(clippy::expect_used)]

use serde_json::{Value, json};
use support::{Daemon, Prosody, WireClient, XmppPeer, free_port};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");

/// Signs in with this network and gives the error that the account comes to.
fn failure(client: &mut WireClient, network: &Value) -> (String, Value) {
    client.post("/login", &json!({ "network": network })).ok();
    client.attach();
    let account = client.account();
    let known = client.snapshot["accounts"][0].clone();
    let standing = if known["error"].is_object() { known } else { client.wait_account_state(&account, &["error", "waiting"]) };
    assert!(standing["error"]["message"].as_str().is_some_and(|message| !message.is_empty()), "{standing}");
    (standing["state"].as_str().unwrap_or_default().to_owned(), standing["error"].clone())
}

#[test]
fn a_wrong_password_is_told_and_not_tried_again() {
    let prosody = Prosody::with_users(["ines"]);
    let daemon = Daemon::run(BELLFLOWER);
    let mut client = daemon.client("tab");
    let (state, error) = failure(&mut client, &WireClient::xmpp_network(&prosody, "ines", "not it", &json!({})));
    assert_eq!((state.as_str(), &error["code"], &error["fatal"]), ("error", &json!("wrong_password"), &json!(true)), "{error}");
}

#[test]
fn a_server_that_nobody_knows_is_told() {
    let prosody = Prosody::with_users(["ines"]);
    let mut daemon = Daemon::run(BELLFLOWER);
    daemon.allow_log("There is no server called “no-such-server.invalid”");
    let mut client = daemon.client("tab");
    let options = json!({ "connect_server": "no-such-server.invalid" });
    let (_, error) = failure(&mut client, &WireClient::xmpp_network(&prosody, "ines", "x", &options));
    assert_eq!(error["fatal"], false, "a name server may be back soon: {error}");
}

#[test]
fn a_port_where_nobody_listens_is_told_and_tried_again() {
    let prosody = Prosody::with_users(["ines"]);
    let mut daemon = Daemon::run(BELLFLOWER);
    daemon.allow_log("Connection refused");
    let mut client = daemon.client("tab");
    let (state, error) = failure(&mut client, &WireClient::xmpp_network(&prosody, "ines", "x", &json!({ "port": free_port() })));
    assert_eq!((state.as_str(), &error["code"]), ("waiting", &json!("network")), "{error}");
}

#[test]
fn an_address_that_the_site_forbids_is_refused() {
    let prosody = Prosody::with_users(["ines"]);
    let daemon = Daemon::builder(BELLFLOWER).egress(&[]).start();
    let mut client = daemon.client("tab");
    let (state, error) = failure(&mut client, &WireClient::xmpp_network(&prosody, "ines", &prosody.password("ines"), &json!({})));
    assert_eq!((state.as_str(), &error["code"]), ("error", &json!("refused_address")), "{error}");
    // The fixture's own knock at the start, and this peer's.
    drop(XmppPeer::connect(&prosody, "ines"));
    assert_eq!(prosody.log().matches("Client connected").count(), 2, "{}", prosody.log());
}

#[test]
fn a_server_without_tls_is_refused_when_tls_is_asked_for() {
    let prosody = Prosody::with_users(["ines"]);
    let daemon = Daemon::run(BELLFLOWER);
    let mut client = daemon.client("tab");
    let options = json!({ "connection_security": "require_tls" });
    let (state, error) = failure(&mut client, &WireClient::xmpp_network(&prosody, "ines", &prosody.password("ines"), &options));
    assert_eq!((state.as_str(), &error["code"]), ("waiting", &json!("encryption")), "{error}");
    assert!(!prosody.log().contains("Authenticated as"), "{}", prosody.log());
}

#[test]
fn a_protocol_that_is_not_there_is_refused_at_once() {
    let daemon = Daemon::run(BELLFLOWER);
    let network = json!({ "protocol": "prpl-telepathy", "username": "ines", "password": "x" });
    let refused = daemon.client("tab").post("/login", &json!({ "network": network }));
    assert!((400..500).contains(&refused.status) && !refused.code().is_empty(), "{refused:?}");
}
