//! Promise: a certificate that proves the server is believed, any other is shown to the account's user, whose word counts for that account alone.
#![allow(clippy::expect_used)]

use serde_json::{Value, json};
use support::{Daemon, Flaw, Prosody, WireClient, XmppPeer};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");

/// A server that lets nobody in without TLS, with a certificate of this flaw, and a daemon that trusts its authority.
fn scene(flaw: Flaw) -> (Prosody, Daemon) {
    let prosody = Prosody::builder().users(["ines", "bob"]).tls(flaw).require_tls().start();
    let daemon = Daemon::builder(BELLFLOWER).trust(prosody.authority_pem()).start();
    (prosody, daemon)
}

fn guest(daemon: &Daemon, prosody: &Prosody, name: &str) -> WireClient {
    let mut client = daemon.client(&format!("{name}-tab"));
    client.log_in_xmpp(prosody, name, &prosody.password(name), &json!({ "connection_security": "require_tls" })).ok();
    client.attach();
    client
}

/// The certificate question that is open, or comes.
fn asked(client: &mut WireClient) -> Value {
    let open = client.snapshot["requests"].as_array().into_iter().flatten().find(|request| request["kind"] == "certificate").cloned();
    client.snapshot["requests"] = json!([]);
    open.unwrap_or_else(|| {
        client.wait_event("a question about a certificate", |e| e["type"] == "request.opened" && e["request"]["kind"] == "certificate")
            ["request"]
            .clone()
    })
}

fn answer(client: &mut WireClient, request: &Value, trust: bool) {
    // Doing nothing in particular must not trust: the default button is the no.
    let buttons = request["buttons"].as_array().expect("buttons");
    let wanted = buttons.iter().find(|button| (button["default"] != true) == trust).expect("a button for it");
    client.carry_out("request.answer", json!({ "request": request["id"], "button": wanted["id"], "values": {} }));
}

fn never_asked(client: &WireClient) -> bool {
    let now = client.snapshot["requests"].as_array().is_some_and(Vec::is_empty);
    now && client.kept().all(|event| event["type"] != "request.opened")
}

/// Signs the account off and on again, and gives how that went; a question on the way is left among the events.
fn again(client: &mut WireClient) {
    let account = client.account();
    client.carry_out("account.disable", json!({ "account": account }));
    client.wait_account_state(&account, &["offline"]);
    client.carry_out("account.enable", json!({ "account": account }));
}

#[test]
fn a_good_certificate_is_believed_without_a_question() {
    let (prosody, daemon) = scene(Flaw::None);
    let mut ines = guest(&daemon, &prosody, "ines");
    ines.wait_online();
    assert!(never_asked(&ines));
}

#[test]
fn roots_of_the_configuration_are_believed_besides_the_platforms() {
    let prosody = Prosody::builder().users(["ines"]).tls(Flaw::None).require_tls().start();
    let roots = std::env::temp_dir().join(format!("bellflower-roots-{}.pem", std::process::id()));
    std::fs::write(&roots, prosody.authority_pem()).expect("writing the roots");
    let daemon = Daemon::builder(BELLFLOWER).table(&format!("[tls]\nextra_roots = {roots:?}\n")).start();
    std::fs::remove_file(&roots).expect("they have been read");
    let mut ines = guest(&daemon, &prosody, "ines");
    ines.wait_online();
    assert!(never_asked(&ines));
}

#[test]
fn each_flaw_is_asked_about_by_its_name() {
    for (flaw, reason, name) in [
        (Flaw::SelfSigned, "self_signed", "localhost"),
        (Flaw::Expired, "expired", "localhost"),
        (Flaw::WrongHost, "wrong_host", "elsewhere.invalid"),
    ] {
        let (prosody, daemon) = scene(flaw);
        let mut ines = guest(&daemon, &prosody, "ines");
        let request = asked(&mut ines);
        let details = &request["details"];
        assert_eq!((&details["reason"], &details["host"]), (&json!(reason), &json!("localhost")), "{flaw:?}: {request}");
        assert_eq!(details["names"], json!([name]), "{request}");
        let fingerprint: Vec<_> = details["fingerprint"].as_str().expect("a fingerprint").split(':').collect();
        assert!(fingerprint.len() == 32 && fingerprint.iter().all(|byte| u8::from_str_radix(byte, 16).is_ok()), "{request}");
        let (from, to) = (details["not_before"].as_str().expect("from"), details["not_after"].as_str().expect("to"));
        assert!(from < to && from.ends_with('Z'), "{request}");
        assert!(details["subject"].as_str().is_some_and(|subject| subject.contains(name)), "{request}");
        assert_eq!((&request["account"], ines.snapshot["accounts"][0]["state"].as_str()), (&json!(ines.account()), Some("connecting")));
        answer(&mut ines, &request, true);
        ines.wait_online();
    }
}

#[test]
fn a_certificate_that_was_accepted_is_not_asked_about_again() {
    let (mut prosody, mut daemon) = scene(Flaw::SelfSigned);
    // Every try before the server is back.
    daemon.allow_log("Connection refused");
    let mut ines = guest(&daemon, &prosody, "ines");
    let request = asked(&mut ines);
    answer(&mut ines, &request, true);
    ines.wait_online();
    again(&mut ines);
    let account = ines.account();
    ines.wait_account_state(&account, &["online"]);
    prosody.kill();
    ines.wait_account_state(&account, &["waiting"]);
    prosody.start();
    ines.wait_account_state(&account, &["online"]);
    assert!(never_asked(&ines), "asked again");
}

#[test]
fn a_certificate_that_is_declined_ends_the_attempt_clearly() {
    let (prosody, daemon) = scene(Flaw::SelfSigned);
    let mut ines = guest(&daemon, &prosody, "ines");
    let request = asked(&mut ines);
    answer(&mut ines, &request, false);
    let account = ines.account();
    let failed = ines.wait_account_state(&account, &["online", "waiting", "error"]);
    assert_eq!((&failed["state"], &failed["error"]["code"]), (&json!("error"), &json!("certificate")), "{failed}");
    assert_eq!((&failed["error"]["fatal"], &failed["retry_at"]), (&json!(true), &Value::Null), "{failed}");
    assert!(failed["error"]["message"].as_str().is_some_and(|message| message.contains("localhost")), "{failed}");
    assert!(!prosody.log().contains("Authenticated as"), "the password was given away");
    // A no is not kept: who tries again is asked again.
    ines.carry_out("account.connect", json!({ "account": account }));
    let request = asked(&mut ines);
    answer(&mut ines, &request, true);
    ines.wait_account_state(&account, &["online"]);
}

#[test]
fn another_certificate_than_the_accepted_one_is_asked_about_as_changed() {
    let (prosody, daemon) = scene(Flaw::SelfSigned);
    let mut ines = guest(&daemon, &prosody, "ines");
    let first = asked(&mut ines);
    answer(&mut ines, &first, true);
    ines.wait_online();
    prosody.replace_certificate(Flaw::SelfSigned);
    again(&mut ines);
    let second = asked(&mut ines);
    assert_eq!(second["details"]["reason"], "changed", "{second}");
    assert_ne!(second["details"]["fingerprint"], first["details"]["fingerprint"]);
    answer(&mut ines, &second, true);
    let account = ines.account();
    ines.wait_account_state(&account, &["online"]);
}

#[test]
fn ones_word_does_not_count_for_another() {
    let prosody = Prosody::builder().users(["ines", "bob"]).tls(Flaw::SelfSigned).require_tls().start();
    // One libpurple for the two: in workers of their own they could not share anything.
    let daemon = Daemon::builder(BELLFLOWER).config("workers = 1").trust(prosody.authority_pem()).start();
    let mut ines = guest(&daemon, &prosody, "ines");
    let mut bob = guest(&daemon, &prosody, "bob");
    let (hers, his) = (asked(&mut ines), asked(&mut bob));
    assert_ne!(hers["id"], his["id"]);
    assert_eq!((&hers["account"], &his["account"]), (&json!(ines.account()), &json!(bob.account())));
    // He cannot answer hers.
    let id = bob.new_id();
    let taken = bob.post_command(&id, "request.answer", json!({ "request": hers["id"], "button": hers["buttons"][0]["id"], "values": {} }));
    assert_eq!(taken.body["rejected"][0]["error"]["code"], "no_such_request", "{taken:?}");
    answer(&mut ines, &hers, true);
    ines.wait_online();
    // His own is open all the same: it can still be answered, and nothing else lets him in.
    answer(&mut bob, &his, false);
    let account = bob.account();
    let failed = bob.wait_account_state(&account, &["online", "waiting", "error"]);
    assert_eq!((&failed["state"], &failed["error"]["code"]), (&json!("error"), &json!("certificate")), "{failed}");
    // Her yes is no pin of his: he is asked anew, and she is not.
    bob.carry_out("account.connect", json!({ "account": account }));
    let anew = asked(&mut bob);
    assert_eq!(anew["details"]["fingerprint"], hers["details"]["fingerprint"]);
    ines.carry_out("settings.set", json!({ "values": {} }));
    assert!(never_asked(&ines), "she was asked about his account");
    answer(&mut bob, &anew, true);
    bob.wait_account_state(&account, &["online"]);
}

#[test]
fn messages_go_over_an_accepted_connection() {
    let prosody = Prosody::builder().users(["ines", "bob"]).tls(Flaw::SelfSigned).start();
    let daemon = Daemon::builder(BELLFLOWER).trust(prosody.authority_pem()).start();
    let mut ines = guest(&daemon, &prosody, "ines");
    let request = asked(&mut ines);
    answer(&mut ines, &request, true);
    ines.wait_online();
    let mut bob = XmppPeer::connect(&prosody, "bob");
    bob.say("ines@localhost", "safe and sound");
    ines.hears("safe and sound");
}
