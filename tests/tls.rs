//! Promise: over TLS a server has to prove who it is, and where it cannot, the user decides and is never passed over.
#![allow(clippy::expect_used)]

use serde_json::{Value, json};
use support::{Daemon, Flaw, Prosody, WireClient, XmppPeer};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");

/// Starts signing in with TLS required, and attaches.
fn knock(daemon: &Daemon, prosody: &Prosody) -> WireClient {
    let mut ines = daemon.client("tab");
    ines.log_in_xmpp(prosody, "ines", &prosody.password("ines"), &json!({ "connection_security": "require_tls" })).ok();
    ines.attach();
    ines
}

/// The question about the certificate.
fn question(ines: &mut WireClient) -> Value {
    let known = ines.snapshot["requests"].as_array().into_iter().flatten().find(|request| request["kind"] == "certificate").cloned();
    known.unwrap_or_else(|| {
        ines.wait_event("the question", |e| e["type"] == "request.opened" && e["request"]["kind"] == "certificate")["request"].clone()
    })
}

#[test]
fn a_good_certificate_is_nobodys_business() {
    let prosody = Prosody::builder().users(["ines"]).tls(Flaw::None).require_tls().start();
    let daemon = Daemon::builder(BELLFLOWER).trust(prosody.authority_pem()).start();
    let mut ines = knock(&daemon, &prosody);
    ines.wait_online();
    assert!(!ines.kept().any(|event| event["type"] == "request.opened"));
}

#[test]
fn each_flaw_is_named_and_a_no_keeps_one_out() {
    for (flaw, reason) in [(Flaw::Expired, "expired"), (Flaw::SelfSigned, "self_signed"), (Flaw::WrongHost, "wrong_host")] {
        let prosody = Prosody::builder().users(["ines"]).tls(flaw).require_tls().start();
        let daemon = Daemon::builder(BELLFLOWER).trust(prosody.authority_pem()).start();
        let mut ines = knock(&daemon, &prosody);
        let request = question(&mut ines);
        assert_eq!(request["details"]["reason"], reason, "{flaw:?}: {request}");
        let no = request["buttons"].as_array().and_then(|buttons| buttons.last()).expect("a button")["id"].clone();
        ines.carry_out("request.answer", json!({ "request": request["id"], "button": no, "values": {} }));
        let account = ines.account();
        let state = ines.wait_account_state(&account, &["error", "online"]);
        assert_eq!((&state["state"], &state["error"]["fatal"]), (&json!("error"), &json!(true)), "{flaw:?}: {state}");
        assert!(!prosody.log().contains("Authenticated as"), "{flaw:?}: the password was given away");
    }
}

#[test]
fn a_certificate_that_the_user_trusts_lets_one_in() {
    let prosody = Prosody::builder().users(["ines", "bob"]).tls(Flaw::SelfSigned).start();
    let daemon = Daemon::builder(BELLFLOWER).trust(prosody.authority_pem()).start();
    let mut ines = knock(&daemon, &prosody);
    let request = question(&mut ines);
    let yes = request["buttons"][0]["id"].clone();
    ines.carry_out("request.answer", json!({ "request": request["id"], "button": yes, "values": {} }));
    ines.wait_online();
    let mut bob = XmppPeer::connect(&prosody, "bob");
    bob.say("ines@localhost", "safe and sound");
    ines.hears("safe and sound");
}
