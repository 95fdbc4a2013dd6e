//! Promise: users of this site are strangers to each other, even when they sign in with the same IM account; nobody's ids mean anything to others.
#![allow(clippy::expect_used)]

use serde_json::{Value, json};
use support::{Daemon, Prosody, WireClient, XmppPeer};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");

/// The smallest picture: PNG, one pixel.
const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

fn friends() -> Prosody {
    Prosody::builder().users(["ines", "bob"]).friends("ines", "bob", "Friends").start()
}

/// Signs in as ines with a resource of the server's choice, or a given one.
fn ines_at(daemon: &Daemon, prosody: &Prosody, tab: &str, resource: &str) -> WireClient {
    let mut network = WireClient::xmpp_network(prosody, "ines", &prosody.password("ines"), &json!({}));
    network["username"] = format!("ines@localhost{resource}").into();
    let mut client = daemon.client(tab);
    client.post("/login", &json!({ "network": network })).ok();
    client.attach();
    client
}

/// The full address under which bob sees the next one of ines come online.
fn seen(bob: &mut XmppPeer) -> String {
    let presence = bob.wait_for("ines", |s| s.name == "presence" && s.attr("type").is_none() && s.from_bare() == "ines@localhost");
    presence.attr("from").expect("an address").to_owned()
}

/// Whether nothing but signing on has happened to the account.
fn undisturbed(client: &WireClient) -> bool {
    client.kept().filter(|event| event["type"] == "account.state").all(|event| event["state"] == "connecting" || event["state"] == "online")
}

fn heard(client: &WireClient, text: &str) -> bool {
    client.kept().any(|event| event["message"]["text"] == text)
}

#[test]
fn one_im_account_serves_two_users_side_by_side() {
    let prosody = friends();
    let daemon = Daemon::run(BELLFLOWER);
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let mut one = ines_at(&daemon, &prosody, "one", "/desk");
    one.wait_online();
    assert_eq!(seen(&mut bob), "ines@localhost/desk");
    let mut other = ines_at(&daemon, &prosody, "other", "/phone");
    other.wait_online();
    assert_eq!(seen(&mut bob), "ines@localhost/phone");
    assert_ne!(one.account(), other.account());

    bob.say("ines@localhost/desk", "to the desk");
    bob.say("ines@localhost/phone", "to the phone");
    bob.say("ines@localhost", "to both");
    for (client, own, others) in [(&mut one, "to the desk", "to the phone"), (&mut other, "to the phone", "to the desk")] {
        client.hears(own);
        client.hears("to both");
        assert!(!heard(client, others) && !heard(client, "to both"), "not its own, or twice");
    }
    let conversation = one.open("bob@localhost");
    one.say(&conversation, "from the desk");
    assert_eq!(bob.hears("from the desk").attr("from"), Some("ines@localhost/desk"));

    assert_eq!(one.post("/logout", &json!({})).status, 204);
    bob.wait_for("the desk's leaving", |s| s.is("type", "unavailable") && s.is("from", "ines@localhost/desk"));
    bob.say("ines@localhost", "still there?");
    other.hears("still there?");
    let conversation = other.open("bob@localhost");
    other.say(&conversation, "yes");
    assert_eq!(bob.hears("yes").attr("from"), Some("ines@localhost/phone"));
    assert!(!heard(&other, "from the desk"), "what one user sent is not the other's");
}

#[test]
fn two_users_who_name_no_resource_do_not_push_each_other_out() {
    let prosody = friends();
    let daemon = Daemon::run(BELLFLOWER);
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let mut one = ines_at(&daemon, &prosody, "one", "");
    one.wait_online();
    let first = seen(&mut bob);
    let mut other = ines_at(&daemon, &prosody, "other", "");
    other.wait_online();
    assert_ne!(seen(&mut bob), first);
    bob.say("ines@localhost", "both of you");
    one.hears("both of you");
    other.hears("both of you");
    assert!(undisturbed(&one) && undisturbed(&other));
}

#[test]
fn a_resource_taken_by_another_user_is_said_and_not_fought_over() {
    let prosody = friends();
    let daemon = Daemon::builder(BELLFLOWER).table("[accounts]\nreconnect_first = \"100ms\"\nreconnect_most = \"200ms\"\n").start();
    let mut one = ines_at(&daemon, &prosody, "one", "/web");
    one.wait_online();
    let mut other = ines_at(&daemon, &prosody, "other", "/web");
    other.wait_online();
    let account = one.account();
    let failed = one.wait_account_state(&account, &["waiting", "error"]);
    assert_eq!((&failed["state"], &failed["error"]["code"]), (&json!("error"), &json!("name_in_use")), "{failed}");
    let mut bob = XmppPeer::connect(&prosody, "bob");
    bob.say("ines@localhost", "who is it now?");
    other.hears("who is it now?");
    assert!(undisturbed(&other));
}

/// The code with which a command is refused, at once or when carried out.
fn refusal(client: &mut WireClient, kind: &str, fields: &Value) -> String {
    let id = client.new_id();
    let answer = client.post_command(&id, kind, fields.clone());
    let error = match &answer.body["rejected"][0]["error"] {
        Value::Null => client.outcome(&id).expect_err(kind),
        error => error.clone(),
    };
    assert!(error["message"].as_str().is_some_and(|message| message.len() > 10), "{kind}: {error}");
    error["code"].as_str().expect("a code").to_owned()
}

#[test]
fn ids_of_one_user_are_nothing_to_another() {
    let prosody = friends();
    let daemon = Daemon::run(BELLFLOWER);
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let mut one = ines_at(&daemon, &prosody, "one", "/desk");
    one.wait_online();
    let mut other = ines_at(&daemon, &prosody, "other", "/phone");
    other.wait_online();
    let account = one.account();
    let conversation = one.open("bob@localhost");
    one.say(&conversation, "private");
    bob.hears("private");
    let room = one.join(&json!({ "room": "den", "server": "rooms.localhost", "handle": "ines" }));
    let buddies = one.snapshot["buddies"].as_array().cloned().unwrap_or_default();
    let buddy = match buddies.first() {
        Some(buddy) => buddy["id"].clone(),
        None => one.wait_event("the buddies", |e| e["type"] == "buddy.added")["buddies"][0]["id"].clone(),
    };

    for (kind, fields, code) in [
        ("account.update", json!({ "account": account, "password": "x" }), "no_such_account"),
        ("account.disable", json!({ "account": account }), "no_such_account"),
        ("account.remove", json!({ "account": account }), "no_such_account"),
        ("conversation.open", json!({ "account": account, "name": "bob@localhost" }), "no_such_account"),
        ("room.join", json!({ "account": account, "fields": { "room": "den" } }), "no_such_account"),
        ("buddy.add", json!({ "account": account, "name": "eve@localhost" }), "no_such_account"),
        ("status.set", json!({ "status": "away", "accounts": [account] }), "no_such_account"),
        ("message.send", json!({ "conversation": conversation, "text": "not mine" }), "no_such_conversation"),
        ("typing.set", json!({ "conversation": conversation, "state": "typing" }), "no_such_conversation"),
        ("conversation.close", json!({ "conversation": conversation }), "no_such_conversation"),
        ("message.send", json!({ "conversation": room, "text": "not mine" }), "no_such_conversation"),
        ("room.leave", json!({ "conversation": room }), "no_such_conversation"),
        ("buddy.remove", json!({ "buddy": buddy }), "no_such_buddy"),
        ("buddy.alias", json!({ "buddy": buddy, "alias": "mine" }), "no_such_buddy"),
        ("request.answer", json!({ "request": "r1", "button": "ok", "values": {} }), "no_such_request"),
        ("notice.close", json!({ "notice": "n1" }), "no_such_notice"),
    ] {
        let told = refusal(&mut other, kind, &fields);
        assert!(told == code || told == "bad_field", "{kind} {fields}: {told}");
        assert!(told == code || !fields.to_string().contains(&account), "{kind} {fields}: {told}");
    }
    let history = other.get(&format!("/history?conversation={conversation}"));
    assert_eq!((history.status, history.code()), (404, "no_such_conversation"));
    bob.say("ines@localhost/desk", "and now?");
    one.hears("and now?");
    assert!(bob.received().iter().all(|stanza| !stanza.says("not mine")));
}

#[test]
fn pictures_are_only_there_for_who_was_shown_them() {
    let prosody = friends();
    let daemon = Daemon::run(BELLFLOWER);
    prosody.add_user("eve");
    let mut bob = XmppPeer::connect(&prosody, "bob");
    bob.request("set", "", &format!("<vCard xmlns='vcard-temp'><PHOTO><TYPE>image/png</TYPE><BINVAL>{PNG}</BINVAL></PHOTO></vCard>"));
    let mut ines = ines_at(&daemon, &prosody, "ines", "/desk");
    ines.wait_online();
    let mut eve = daemon.client("eve");
    eve.sign_in_xmpp(&prosody, "eve");
    // XEP-0153: a hash that she has not got makes her ask for the card.
    bob.send("<presence><x xmlns='vcard-temp:x:update'><photo>6b5bb9bd4bd2ae4dfaf3b0a4a1ee5fba8a8d2bf0</photo></x></presence>");
    let updated = ines.wait_event("bob's picture", |e| e["type"] == "buddy.updated" && e["buddy"]["icon"].is_string());
    let icon = updated["buddy"]["icon"].as_str().expect("a hash").to_owned();
    let shown = ines.get(&format!("/media/{icon}"));
    assert_eq!((shown.status, shown.header("content-type")), (200, Some("image/png")));
    let hidden = eve.get(&format!("/media/{icon}"));
    assert_eq!((hidden.status, hidden.code()), (404, "not_found"));
    assert_eq!(daemon.client("stranger").get(&format!("/media/{icon}")).status, 401);
}
