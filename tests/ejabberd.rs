//! Promise: XMPP is what the standards say and not what Prosody does: all of it works through ejabberd as well.
#![allow(clippy::expect_used)]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use support::{Daemon, Ejabberd, PATIENCE, WireClient, XmppPeer, joins, wait_until};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");
/// The smallest picture: PNG, one pixel.
const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/// A client that is signed on over TLS from the first byte (`old_ssl`) or from STARTTLS on (`require_tls`).
fn signed_in(daemon: &Daemon, server: &Ejabberd, name: &str, security: &str) -> WireClient {
    let mut client = daemon.client(name);
    let mut options = json!({ "connection_security": security, "auth_plain_in_clear": false });
    if security == "old_ssl" {
        options["port"] = server.tls_port().into();
    }
    client.log_in_xmpp(server, name, &format!("secret-{name}"), &options).ok();
    client.attach();
    client.wait_online();
    assert!(client.kept().all(|event| event["type"] != "request.opened"), "a good certificate was asked about");
    client
}

/// Each on the other's roster, both ways, as people do it.
fn befriend(ines: &mut WireClient, bob: &mut XmppPeer) {
    let account = ines.account();
    ines.carry_out("buddy.add", json!({ "account": account, "name": "bob@localhost", "group": "Garden" }));
    bob.wait_for("ines's question", |s| s.is("type", "subscribe") && s.from_bare() == "ines@localhost");
    bob.presence_to("ines@localhost", "subscribed");
    bob.presence_to("ines@localhost", "subscribe");
    let asked = ines.wait_event("bob's question", |e| e["type"] == "authorization.opened")["authorization"].clone();
    ines.carry_out("authorization.answer", json!({ "authorization": asked["id"], "allow": true }));
    bob.wait_for("ines's presence", |s| s.name == "presence" && s.attr("type").is_none() && s.from_bare() == "ines@localhost");
    bob.show("away", "watering");
    ines.wait_event("bob away", |e| {
        e["type"] == "buddy.updated" && e["buddy"]["name"] == "bob@localhost" && e["buddy"]["status"] == "away"
    });
}

/// The card of a person with its picture; then another person's.
fn cards_and_pictures(ines: &mut WireClient, bob: &mut XmppPeer) {
    let photo = format!("<PHOTO><TYPE>image/png</TYPE><BINVAL>{PNG}</BINVAL></PHOTO>");
    bob.request("set", "", &format!("<vCard xmlns='vcard-temp'><FN>Bob Bluebell &amp; co</FN>{photo}</vCard>"));
    // The server itself puts the picture's checksum into presences (XEP-0153).
    bob.show("", "");
    let seen = ines.wait_event("bob's picture", |e| e["type"] == "buddy.updated" && e["buddy"]["icon"].is_string());
    let bytes = ines.get_bytes(&format!("/media/{}", seen["buddy"]["icon"].as_str().expect("a hash")));
    assert_eq!(STANDARD.encode(bytes), PNG);
    let account = ines.account();
    ines.carry_out("buddy.info", json!({ "account": account, "name": "bob@localhost" }));
    // libpurple waits for what the other's client says of itself.
    for namespace in ["jabber:iq:version", "jabber:iq:last", "urn:xmpp:time"] {
        bob.refuse(namespace);
    }
    let entry = |value: &Value| value.to_string().contains("Bob Bluebell & co");
    ines.wait_event("bob's card", |e| e["type"] == "notice.opened" && e["notice"]["kind"] == "userinfo" && entry(&e["notice"]["profile"]));

    let upload = ines.upload_picture(&STANDARD.decode(PNG).expect("base64"));
    ines.carry_out("account.icon", json!({ "account": account, "upload": upload }));
    let told = |s: &support::Element| {
        let hash = s.child("x").and_then(|x| x.child_text("photo")).is_some_and(|hash| hash.len() == 40);
        s.name == "presence" && s.from_bare() == "ines@localhost" && hash
    };
    bob.wait_for("word of ines's picture", told);
    let card = bob.request("get", "ines@localhost", "<vCard xmlns='vcard-temp'/>");
    let photo = card.child("vCard").and_then(|card| card.child("PHOTO")).and_then(|photo| photo.child_text("BINVAL"));
    assert_eq!(photo.map(|text| text.split_whitespace().collect::<String>()).as_deref(), Some(PNG), "{card:?}");
}

/// Whether her client answers Bob.
fn is_reached(bob: &mut XmppPeer) -> bool {
    bob.ask("get", "ines@localhost/web", "<ping xmlns='urn:xmpp:ping'/>").is("type", "result")
}

/// The server itself keeps a blocked person away (XEP-0191), and lets a person in again.
fn blocking(ines: &mut WireClient, bob: &mut XmppPeer) {
    let account = ines.account();
    ines.carry_out("buddy.block", json!({ "account": account, "name": "bob@localhost" }));
    // The server answers in her stead. The command ends before the server has it.
    wait_until("the block", PATIENCE, || (!is_reached(bob)).then_some(()));
    bob.say("ines@localhost", "unheard");
    bob.received();
    ines.carry_out("buddy.unblock", json!({ "account": account, "name": "bob@localhost" }));
    wait_until("the end of the block", PATIENCE, || is_reached(bob).then_some(()));
    bob.say("ines@localhost", "heard again");
    ines.hears("heard again");
    assert!(ines.kept().all(|event| event["message"]["text"] != "unheard"), "it came through");
}

/// Another device of hers has copies of what she says and hears in the page (XEP-0280); the page makes nothing double of it.
fn copies(server: &Ejabberd, ines: &mut WireClient, bob: &mut XmppPeer) {
    let mut phone = XmppPeer::connect_as(server, "ines", "phone");
    phone.request("set", "", "<enable xmlns='urn:xmpp:carbons:2'/>");
    let talk = ines.open("bob@localhost");
    ines.say(&talk, "said in the page");
    bob.hears("said in the page");
    let copy = |s: &support::Element, which: &str, body: &str| {
        s.child(which).and_then(|copy| copy.child("forwarded")).and_then(|copy| copy.child("message")).is_some_and(|copy| copy.says(body))
    };
    phone.wait_for("a copy of what she said", |s| copy(s, "sent", "said in the page"));
    bob.say("ines@localhost/web", "heard in the page");
    ines.hears("heard in the page");
    phone.wait_for("a copy of what she heard", |s| copy(s, "received", "heard in the page"));
    phone.say("bob@localhost", "said on the phone");
    bob.hears("said on the phone");
    bob.say("ines@localhost/web", "the end of it");
    ines.hears("the end of it");
    assert!(ines.kept().all(|event| event["message"]["text"] != "said in the page" || event["type"] == "message.sent"), "it came twice");
}

/// Messages from while she was away come once, with their time.
fn kept_messages(ines: &mut WireClient, bob: &mut XmppPeer) {
    let account = ines.account();
    ines.carry_out("account.disable", json!({ "account": account }));
    bob.wait_for("ines gone", |s| s.is("type", "unavailable") && s.from_bare() == "ines@localhost");
    for text in ["while you were out", "and again"] {
        bob.say("ines@localhost", text);
    }
    bob.received();
    ines.carry_out("account.enable", json!({ "account": account }));
    assert_eq!(ines.hears("while you were out")["delayed"], true);
    assert_eq!(ines.hears("and again")["delayed"], true);
    bob.say("ines@localhost", "now");
    assert!(ines.hears("now")["delayed"].is_null());
    assert!(ines.kept().all(|event| event["message"]["text"] != "and again"), "it came twice");
}

#[test]
fn people_are_met_seen_blocked_and_written_to() {
    let Some(server) = Ejabberd::start(&["ines", "bob"]) else { return };
    let daemon = Daemon::builder(BELLFLOWER).trust(server.authority_pem()).start();
    let mut ines = signed_in(&daemon, &server, "ines", "require_tls");
    let mut bob = XmppPeer::connect(&server, "bob");
    befriend(&mut ines, &mut bob);
    cards_and_pictures(&mut ines, &mut bob);
    blocking(&mut ines, &mut bob);
    copies(&server, &mut ines, &mut bob);
    kept_messages(&mut ines, &mut bob);
}

/// The rooms of a list that a server gives.
fn listed(ines: &mut WireClient) -> Vec<String> {
    let list = ines.carry_out("room.list", json!({ "account": ines.account() }))["list"].clone();
    let asked = ines.wait_event("where to look", |e| e["type"] == "request.opened" && e["request"]["kind"] != "action")["request"].clone();
    assert_eq!(asked["fields"][0]["value"], "rooms.localhost", "the server's own rooms are proposed: {asked}");
    ines.carry_out("request.answer", json!({ "request": asked["id"], "button": "ok", "values": { "value": "rooms.localhost" } }));
    let rows = ines.wait_event("rows", |e| e["type"] == "room.list" && e["list"] == list && e["more"] != true)["rows"].clone();
    let names = rows.as_array().into_iter().flatten().filter_map(|row| row["name"].as_str());
    names.map(str::to_owned).collect()
}

/// A room is made, listed, talked in, ruled and left.
fn rooms(ines: &mut WireClient, bob: &mut XmppPeer) {
    let room = "garden@rooms.localhost";
    let fields = json!({ "room": "garden", "server": "rooms.localhost", "handle": "Ines" });
    let conversation = ines.join(&fields);
    let asked = ines.wait_event("the question about the new room", |e| e["type"] == "request.opened")["request"].clone();
    let accept =
        asked["buttons"].as_array().into_iter().flatten().find(|button| button["default"] == true).expect("a default")["id"].clone();
    ines.carry_out("request.answer", json!({ "request": asked["id"], "button": accept, "values": {} }));
    bob.join(room, "Bob");
    ines.wait_event("bob among the members", |e| joins(e, "Bob"));
    ines.carry_out("room.topic", json!({ "conversation": conversation, "topic": "Bluebells & <co>" }));
    bob.wait_for("the topic", |s| s.child_text("subject") == Some("Bluebells & <co>"));
    ines.say(&conversation, "hello Bob");
    bob.hears("hello Bob");
    bob.say_in(room, "hello <all>");
    assert_eq!(ines.hears("hello <all>")["from"]["name"], "Bob");
    assert!(ines.kept().all(|e| e["message"]["text"] != "hello Bob" || e["type"] == "message.sent"), "one's own words came back");
    assert_eq!(listed(ines), ["garden"]);

    ines.carry_out("room.nick", json!({ "conversation": conversation, "nick": "Inesita" }));
    bob.wait_for("the new nick", |s| s.name == "presence" && s.attr("type").is_none() && s.is("from", &format!("{room}/Inesita")));
    bob.say(&format!("{room}/Inesita"), "between us");
    let aside = ines.wait_event("bob's word", |e| e["type"] == "message.received" && e["message"]["text"] == "between us");
    assert_ne!(aside["conversation"], *conversation);

    // The owner bans: the server tells both, and keeps the person out until the ban is lifted.
    let act = |action: &str, name: &str| json!({ "conversation": conversation, "action": action, "name": name, "reason": "mud" });
    ines.carry_out("room.action", act("ban", "Bob"));
    bob.wait_for("the ban", |s| s.is("type", "unavailable") && s.is("from", &format!("{room}/Bob")));
    let bans = ines.carry_out("room.action", json!({ "conversation": conversation, "action": "bans" }))["items"].clone();
    assert_eq!(bans[0]["id"], "bob@localhost", "{bans}");
    bob.send(&format!("<presence to='{room}/Bob'><x xmlns='http://jabber.org/protocol/muc'/></presence>"));
    bob.wait_for("no entry", |s| s.is("type", "error") && s.name == "presence");
    ines.carry_out("room.action", json!({ "conversation": conversation, "action": "unban", "name": "bob@localhost" }));
    bob.join(room, "Bob");
    // A person who was banned comes back without a voice here, and is given a voice.
    ines.carry_out("room.action", act("voice", "Bob"));
    // A nick that another has is refused in words.
    ines.carry_out("room.nick", json!({ "conversation": conversation, "nick": "Bob" }));
    ines.wait_event("the refusal", |e| e["type"] == "notice.opened" || e["type"] == "message.system");
    ines.carry_out("room.leave", json!({ "conversation": conversation }));
    bob.wait_for("ines's leaving", |s| s.is("type", "unavailable") && s.is("from", &format!("{room}/Inesita")));
    // The room is entered again with what was said meanwhile.
    bob.say_in(room, "meanwhile");
    bob.hears("meanwhile");
    assert_eq!(ines.join(&fields), conversation);
    ines.hears("meanwhile");
}

/// An account made through the page's log-in; a taken name is refused.
fn registration(daemon: &Daemon, server: &Ejabberd) {
    for (name, taken) in [("bob", true), ("newcomer", false)] {
        let mut client = daemon.client(name);
        let options = json!({ "connection_security": "require_tls" });
        let mut network = WireClient::xmpp_network(server, name, "a-new-secret", &options);
        network["register"] = true.into();
        client.post("/login", &json!({ "network": network })).ok();
        client.attach();
        let open = client.snapshot["requests"][0].clone();
        let asked = if open.is_null() {
            client.wait_event("the server's form", |e| e["type"] == "request.opened")["request"].clone()
        } else {
            open
        };
        let values = json!({ "username": name, "password": "a-new-secret" });
        client.carry_out("request.answer", json!({ "request": asked["id"], "button": asked["buttons"][0]["id"], "values": values }));
        let account = client.account();
        let state = client.wait_account_state(&account, &["online", "offline", "error"]);
        let expected = if taken { json!("not_registered") } else { Value::Null };
        assert_eq!((&state["state"], &state["error"]["code"]), (&json!("offline"), &expected), "{state}");
        if !taken {
            client.carry_out("account.enable", json!({ "account": account }));
            client.wait_account_state(&account, &["online"]);
        }
    }
}

#[test]
fn rooms_are_ruled_and_accounts_made_over_either_kind_of_tls() {
    let Some(server) = Ejabberd::start(&["ines", "bob"]) else { return };
    let daemon = Daemon::builder(BELLFLOWER).trust(server.authority_pem()).start();
    let mut ines = signed_in(&daemon, &server, "ines", "old_ssl");
    let mut bob = XmppPeer::connect(&server, "bob");
    rooms(&mut ines, &mut bob);
    registration(&daemon, &server);
}
