//! Promise: what a user's word was given for is remembered over a restart, and what was not to be remembered is not on the disk.
#![allow(clippy::expect_used)]

use serde_json::{Value, json};
use support::{Daemon, DaemonBuilder, Flaw, PATIENCE, Prosody, WireClient, XmppPeer, wait_until};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");
const PASSWORD: &str = "a long enough password";

fn site() -> DaemonBuilder {
    Daemon::builder(BELLFLOWER).config("registration = \"open\"").limit("registrations_per_minute", 0)
}

fn friends() -> Prosody {
    Prosody::builder().users(["ines", "bob"]).friends("ines", "bob", "Friends").start()
}

/// Kills the daemon, starts it again, and comes back with the same cookie.
fn crash(daemon: &mut Daemon, client: &mut WireClient) {
    daemon.kill();
    daemon.start();
    client.moved_to(daemon.url());
    client.attach();
}

fn conversation<'a>(client: &'a WireClient, id: &str) -> &'a Value {
    let all = client.snapshot["conversations"].as_array().expect("conversations");
    all.iter().find(|known| known["id"] == *id).unwrap_or_else(|| panic!("no {id} in {all:?}"))
}

/// The texts of a conversation's history.
fn history(client: &mut WireClient, talk: &str) -> Vec<String> {
    let page = client.get(&format!("/history?conversation={talk}")).ok();
    page["messages"].as_array().expect("messages").iter().map(|message| message["text"].as_str().unwrap_or_default().to_owned()).collect()
}

/// Fails when one of these texts is in a file of the daemon's.
fn not_on_the_disk(daemon: &Daemon, texts: &[&str]) {
    for entry in std::fs::read_dir(daemon.data_dir()).expect("the data directory") {
        let path = entry.expect("a file").path();
        let bytes = std::fs::read(&path).expect("its bytes");
        for text in texts {
            assert!(!bytes.windows(text.len()).any(|part| part == text.as_bytes()), "{text:?} is in {}", path.display());
        }
    }
}

/// The certificate question that comes.
fn asked(client: &mut WireClient) -> Value {
    let is_one = |request: &Value| request["kind"] == "certificate";
    let open = client.snapshot["requests"].as_array().into_iter().flatten().find(|request| is_one(request)).cloned();
    open.unwrap_or_else(|| {
        let comes = |event: &Value| event["type"] == "request.opened" && is_one(&event["request"]);
        client.wait_event("a question about a certificate", comes)["request"].clone()
    })
}

#[test]
fn a_certificate_that_was_trusted_is_trusted_after_a_restart_and_no_other() {
    let prosody = Prosody::builder().users(["ines"]).tls(Flaw::SelfSigned).require_tls().start();
    let mut daemon = site().trust(prosody.authority_pem()).start();
    let mut ines = daemon.client("tab");
    ines.register("Ines", PASSWORD);
    let network = WireClient::xmpp_network(&prosody, "ines", &prosody.password("ines"), &json!({ "connection_security": "require_tls" }));
    let account = ines.carry_out("account.add", network)["account"].as_str().expect("an account").to_owned();
    let request = asked(&mut ines);
    let trust = request["buttons"].as_array().expect("buttons").iter().find(|button| button["default"] != true).expect("a yes").clone();
    ines.carry_out("request.answer", json!({ "request": request["id"], "button": trust["id"], "values": {} }));
    ines.wait_account_state(&account, &["online"]);
    for _ in 0..2 {
        crash(&mut daemon, &mut ines);
        ines.wait_account_online(&account);
        assert!(ines.snapshot["requests"] == json!([]) && ines.kept().all(|event| event["type"] != "request.opened"), "asked again");
    }
    // Another one is not.
    prosody.replace_certificate(Flaw::SelfSigned);
    crash(&mut daemon, &mut ines);
    assert_eq!(asked(&mut ines)["details"]["reason"], "changed");
}

#[test]
fn what_was_read_is_read_after_a_restart_in_every_browser() {
    let prosody = friends();
    let mut daemon = site().start();
    let mut ines = daemon.client("tab");
    ines.register("Ines", PASSWORD);
    ines.add_xmpp(&prosody, "ines");
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let mut heard = Vec::new();
    for text in ["one", "two", "three", "four"] {
        bob.say("ines@localhost", text);
        heard.push(ines.hears(text)["id"].clone());
    }
    let talk = ines.open("bob@localhost");
    ines.carry_out("conversation.read", json!({ "conversation": talk, "upto": heard[1] }));
    crash(&mut daemon, &mut ines);
    let mut other = daemon.client("other");
    other.sign_in("Ines", PASSWORD);
    for client in [&ines, &other] {
        let seen = conversation(client, &talk);
        assert_eq!((&seen["read_upto"], &seen["unread"]), (&heard[1], &json!(2)), "{seen}");
    }
    // On from there: read in one is read in the other, and stays so.
    ines.carry_out("conversation.read", json!({ "conversation": talk }));
    other.wait_event("read", |event| event["type"] == "conversation.read" && event["unread"] == 0);
    crash(&mut daemon, &mut ines);
    let seen = conversation(&ines, &talk);
    assert_eq!((&seen["read_upto"], &seen["unread"]), (&heard[3], &json!(0)), "{seen}");
}

#[test]
fn a_user_who_keeps_no_history_has_none_on_the_disk_but_where_wanted() {
    let prosody = Prosody::builder().users(["ines", "bob", "carol"]).friends("ines", "bob", "F").friends("ines", "carol", "F").start();
    let mut daemon = site().start();
    let mut ines = daemon.client("tab");
    ines.register("Ines", PASSWORD);
    let account = ines.add_xmpp(&prosody, "ines");
    let (mut bob, mut carol) = (XmppPeer::connect(&prosody, "bob"), XmppPeer::connect(&prosody, "carol"));
    ines.carry_out("history.set", json!({ "keep": false }));
    let (with_bob, with_carol) = (ines.open("bob@localhost"), ines.open("carol@localhost"));
    ines.carry_out("history.set", json!({ "conversation": with_carol, "keep": true }));
    bob.say("ines@localhost", "not to be kept, said");
    ines.hears("not to be kept, said");
    ines.say(&with_bob, "not to be kept, answered");
    carol.say("ines@localhost", "to be kept");
    ines.hears("to be kept");
    assert_eq!(history(&mut ines, &with_bob), ["not to be kept, said", "not to be kept, answered"], "as long as the session lasts");
    crash(&mut daemon, &mut ines);
    assert_eq!((history(&mut ines, &with_bob), history(&mut ines, &with_carol)), (Vec::new(), vec!["to be kept".to_owned()]));
    not_on_the_disk(&daemon, &["not to be kept"]);
    // The choice itself is kept, and can be taken back.
    ines.wait_account_online(&account);
    bob.say("ines@localhost", "not to be kept either");
    ines.hears("not to be kept either");
    ines.carry_out("history.set", json!({ "keep": null }));
    bob.say("ines@localhost", "from now on");
    ines.hears("from now on");
    assert_eq!(history(&mut ines, &with_bob), ["from now on"]);
    crash(&mut daemon, &mut ines);
    assert_eq!(history(&mut ines, &with_bob), ["from now on"]);
    not_on_the_disk(&daemon, &["not to be kept"]);
}

#[test]
fn a_site_without_history_keeps_none_whatever_its_users_want() {
    let prosody = friends();
    let mut daemon = site().config("history = false").start();
    let mut ines = daemon.client("tab");
    ines.register("Ines", PASSWORD);
    ines.add_xmpp(&prosody, "ines");
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let talk = ines.open("bob@localhost");
    ines.carry_out("history.set", json!({ "keep": true }));
    ines.carry_out("history.set", json!({ "conversation": talk, "keep": true }));
    bob.say("ines@localhost", "said on this site");
    ines.hears("said on this site");
    crash(&mut daemon, &mut ines);
    assert_eq!(history(&mut ines, &talk), Vec::<String>::new());
    assert_eq!(ines.snapshot["buddies"][0]["name"], "bob@localhost", "everything else is kept");
    not_on_the_disk(&daemon, &["said on this site"]);
}

#[test]
fn an_account_that_is_not_to_be_remembered_goes_with_the_session() {
    let prosody = friends();
    let mut daemon = site().start();
    let mut ines = daemon.client("tab");
    ines.register("Ines", PASSWORD);
    let mut network = WireClient::xmpp_network(&prosody, "ines", &prosody.password("ines"), &json!({}));
    network["remember"] = json!(false);
    let account = ines.carry_out("account.add", network)["account"].as_str().expect("an account").to_owned();
    ines.attach();
    ines.wait_account_online(&account);
    let mut bob = XmppPeer::connect(&prosody, "bob");
    bob.say("ines@localhost", "in passing");
    ines.hears("in passing");
    let talk = ines.open("bob@localhost");
    ines.say(&talk, "answered in passing");
    ines.carry_out("settings.set", json!({ "values": { (format!("draft.{talk}")): "half a thought in passing", "theme": "dark" } }));
    assert_eq!(history(&mut ines, &talk), ["in passing", "answered in passing"]);
    crash(&mut daemon, &mut ines);
    assert_eq!((&ines.snapshot["accounts"], &ines.snapshot["conversations"]), (&json!([]), &json!([])));
    assert_eq!(ines.snapshot["settings"], json!({ "theme": "dark" }));
    not_on_the_disk(&daemon, &["in passing", "ines@localhost", "bob@localhost", &talk]);
}

#[test]
fn another_password_of_an_account_is_remembered() {
    let prosody = friends();
    let mut daemon = site().start();
    let mut ines = daemon.client("tab");
    ines.register("Ines", PASSWORD);
    let network = WireClient::xmpp_network(&prosody, "ines", "not hers", &json!({}));
    let account = ines.carry_out("account.add", network)["account"].as_str().expect("an account").to_owned();
    let failed = ines.wait_account_state(&account, &["error", "online"]);
    assert_eq!(failed["error"]["code"], "wrong_password", "{failed}");
    // "Edit…" of the page.
    ines.carry_out("account.update", json!({ "account": account, "password": prosody.password("ines") }));
    ines.wait_account_state(&account, &["online"]);
    for _ in 0..2 {
        crash(&mut daemon, &mut ines);
        ines.wait_account_online(&account);
        assert!(ines.snapshot["requests"] == json!([]) && ines.kept().all(|event| event["type"] != "request.opened"), "asked for it");
    }
}

#[test]
fn with_a_key_of_the_site_accounts_and_rooms_come_back_before_their_user_does() {
    let prosody = friends();
    let folder = tempfile::tempdir().expect("a directory");
    let key = folder.path().join("key");
    std::fs::write(&key, [7_u8; 32]).expect("a key");
    let mode = <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o600);
    std::fs::set_permissions(&key, mode).expect("its mode");
    let config = format!("registration = \"open\"\nsite_key_file = {:?}", key.display().to_string());
    let mut daemon = Daemon::builder(BELLFLOWER).config(&config).start();
    let mut ines = daemon.client("tab");
    ines.register("Ines", PASSWORD);
    ines.add_xmpp(&prosody, "ines");
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let room = prosody.room("garden");
    bob.join(&room, "Bob");
    let talk = ines.join(&json!({ "room": "garden", "server": "rooms.localhost", "handle": "Ines" }));
    let place = format!("{room}/Ines");
    let there = |s: &support::Element| s.name == "presence" && s.attr("type").is_none() && s.is("from", &place);
    bob.wait_for("her coming", there);
    daemon.kill();
    bob.wait_for("her going", |s| s.name == "presence" && s.is("type", "unavailable") && s.is("from", &place));
    daemon.start();
    bob.wait_for("her coming again", there);
    bob.say_in(&room, "nobody looks");
    ines.moved_to(daemon.url());
    ines.attach();
    assert_eq!(conversation(&ines, &talk)["joined"], true);
    wait_until("the line", PATIENCE, || history(&mut ines, &talk).contains(&"nobody looks".to_owned()).then_some(()));
}
