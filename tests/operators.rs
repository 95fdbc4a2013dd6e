//! Promise: operators of rooms do what their network lets them, and hear its refusals; nobody is offered more.
#![allow(clippy::expect_used)]

use serde_json::{Value, json};
use support::{Daemon, IrcPeer, Ngircd, Prosody, WireClient, XmppPeer, joins};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");

/// Whether somebody in a room has exactly these flags now.
fn stands(event: &Value, name: &str, flags: &[&str]) -> bool {
    let all = ["joined", "changed"].into_iter().filter_map(|list| event[list].as_array()).flatten();
    event["type"] == "room.members"
        && all.into_iter().any(|member| {
            let has: Vec<&str> = member["flags"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            member["name"] == name && has == flags
        })
}

/// Ids of the menu about somebody.
fn menu(ines: &mut WireClient, room: &str, name: &str) -> Vec<String> {
    let items = ines.carry_out("room.menu", json!({ "conversation": room, "name": name }))["items"].clone();
    items.as_array().into_iter().flatten().filter_map(|item| item["id"].as_str()).map(str::to_owned).collect()
}

/// Ids of the menu of the room itself.
fn of_room(ines: &mut WireClient, room: &str) -> Vec<String> {
    let items = ines.carry_out("room.menu", json!({ "conversation": room }))["items"].clone();
    items.as_array().into_iter().flatten().filter_map(|item| item["id"].as_str()).map(str::to_owned).collect()
}

/// The list of bans: whom, and the words about it.
fn bans(ines: &mut WireClient, room: &str) -> Vec<(String, String)> {
    let items = ines.carry_out("room.action", json!({ "conversation": room, "action": "bans" }))["items"].clone();
    let text = |item: &Value, key: &str| item[key].as_str().unwrap_or_default().to_owned();
    items.as_array().into_iter().flatten().map(|item| (text(item, "id"), text(item, "note"))).collect()
}

fn act(ines: &mut WireClient, room: &str, name: &str, action: &str, reason: &str) -> Result<Value, Value> {
    let id = ines.new_id();
    let answer = ines.post_command(&id, "room.action", json!({ "conversation": room, "name": name, "action": action, "reason": reason }));
    assert_eq!(answer.body["accepted"], json!([id]), "{}", answer.body);
    ines.outcome(&id)
}

/// The `item` of a room's stanza about somebody: role, affiliation and reason.
fn item(stanza: &support::Element) -> Option<&support::Element> {
    stanza.children.iter().find_map(|x| x.child("item"))
}

fn role(stanza: &support::Element) -> Option<(&str, &str)> {
    let item = item(stanza)?;
    Some((item.attr("role")?, item.attr("affiliation")?))
}

#[test]
fn an_owner_of_a_room_of_xmpp_rules_over_it() {
    let prosody = Prosody::builder().users(["ines", "bob", "eva"]).guarding("Guard").start();
    let daemon = Daemon::run(BELLFLOWER);
    let mut ines = daemon.client("tab");
    ines.sign_in_xmpp(&prosody, "ines");
    let (mut bob, mut eva) = (XmppPeer::connect(&prosody, "bob"), XmppPeer::connect(&prosody, "eva"));
    let address = prosody.room("garden");
    // The first one in a new room owns it.
    let room = ines.join(&json!({ "room": "garden", "server": "rooms.localhost", "handle": "Ines" }));
    bob.join(&address, "Bob the Builder");
    eva.join(&address, "Eva");
    ines.wait_event("eva", |e| joins(e, "Eva"));
    assert_eq!(of_room(&mut ines, &room), ["bans", "configure"]);
    assert!(bans(&mut ines, &room).is_empty());
    let whole = ["devoice", "op", "member", "admin", "owner", "kick", "ban"];
    assert_eq!(menu(&mut ines, &room, "Bob the Builder"), whole);
    assert!(menu(&mut ines, &room, "Ines").is_empty());

    act(&mut ines, &room, "Bob the Builder", "devoice", "hush <now>").expect("bob is quiet");
    let hushed =
        eva.wait_for("bob's new role", |s| s.is("from", &format!("{address}/Bob the Builder")) && role(s) == Some(("visitor", "none")));
    assert_eq!(item(&hushed).and_then(|item| item.child_text("reason")), Some("hush <now>"));
    ines.wait_event("no voice", |e| stands(e, "Bob the Builder", &[]));
    assert_eq!(menu(&mut ines, &room, "Bob the Builder")[0], "voice");
    act(&mut ines, &room, "Bob the Builder", "voice", "").expect("bob speaks");
    eva.wait_for("bob's voice", |s| role(s) == Some(("participant", "none")) && s.is("from", &format!("{address}/Bob the Builder")));

    // A rank lasts, and shows.
    act(&mut ines, &room, "Bob the Builder", "member", "").expect("bob is a member");
    ines.wait_event("bob's rank", |e| stands(e, "Bob the Builder", &["voice", "member"]));
    act(&mut ines, &room, "Eva", "admin", "").expect("eva is an administrator");
    ines.wait_event("eva's rank", |e| stands(e, "Eva", &["operator", "admin"]));
    assert_eq!(menu(&mut ines, &room, "Eva"), ["owner", "unaffiliate", "kick", "ban"]);
    act(&mut ines, &room, "Eva", "unaffiliate", "").expect("eva is nobody");
    ines.wait_event("no rank", |e| stands(e, "Eva", &["voice"]));

    act(&mut ines, &room, "Bob the Builder", "kick", "mud on your boots").expect("bob is out");
    bob.wait_for("the kick", |s| {
        s.is("type", "unavailable") && item(s).and_then(|item| item.child_text("reason")) == Some("mud on your boots")
    });
    assert_eq!(act(&mut ines, &room, "Bob the Builder", "kick", "").unwrap_err()["code"], "no_such_person");

    // A ban is of the person, not of the nick.
    act(&mut ines, &room, "Eva", "ban", "too loud").expect("eva is banned");
    eva.wait_for("the ban", |s| s.is("type", "unavailable") && role(s) == Some(("none", "outcast")));
    eva.send(&format!("<presence to='{address}/Other'><x xmlns='http://jabber.org/protocol/muc'/></presence>"));
    eva.wait_for("the closed door", |s| s.name == "presence" && s.is("type", "error"));
    // The ban is listed (Prosody tells no reason there), and lifted.
    assert_eq!(bans(&mut ines, &room), [("eva@localhost".to_owned(), String::new())]);
    assert_eq!(act(&mut ines, &room, "not an address @@", "unban", "").unwrap_err()["code"], "refused");
    act(&mut ines, &room, "eva@localhost", "unban", "").expect("the ban is lifted");
    assert!(bans(&mut ines, &room).is_empty());
    eva.join(&address, "Eva");
    ines.wait_event("eva again", |e| joins(e, "Eva"));

    // The room's word is the last one.
    bob.join(&address, "Guard");
    ines.wait_event("the guard", |e| joins(e, "Guard"));
    let refused = act(&mut ines, &room, "Guard", "kick", "").unwrap_err();
    assert_eq!((&refused["code"], &refused["message"]), (&json!("refused"), &json!("The room does not allow this.")));
}

#[test]
fn whoever_is_no_operator_is_offered_nothing_and_gets_nothing_done() {
    let prosody = Prosody::with_users(["ines", "bob", "eva"]);
    let daemon = Daemon::run(BELLFLOWER);
    let mut ines = daemon.client("tab");
    ines.sign_in_xmpp(&prosody, "ines");
    let (mut bob, mut eva) = (XmppPeer::connect(&prosody, "bob"), XmppPeer::connect(&prosody, "eva"));
    let address = prosody.room("shed");
    bob.join(&address, "Bob");
    eva.join(&address, "Eva");
    let room = ines.join(&json!({ "room": "shed", "server": "rooms.localhost", "handle": "Ines" }));
    ines.wait_event("bob, who owns it", |e| joins(e, "Bob") || stands(e, "Bob", &["founder", "operator"]));
    for name in ["Bob", "Eva"] {
        assert!(menu(&mut ines, &room, name).is_empty(), "{name}");
        for action in ["kick", "ban", "op", "nonsense"] {
            assert_eq!(act(&mut ines, &room, name, action, "").unwrap_err()["code"], "no_such_action");
        }
    }
    assert!(of_room(&mut ines, &room).is_empty());
    for (name, action) in [(None, "bans"), (None, "configure"), (Some("eva@localhost"), "unban")] {
        let id = ines.new_id();
        ines.post_command(&id, "room.action", json!({ "conversation": room, "name": name, "action": action }));
        assert_eq!(ines.outcome(&id).unwrap_err()["code"], "no_such_action", "{action}");
    }
    // A moderator without a rank: roles of others, and nothing that lasts.
    bob.request("set", &address, "<query xmlns='http://jabber.org/protocol/muc#admin'><item nick='Ines' role='moderator'/></query>");
    ines.wait_event("her role", |e| stands(e, "Ines", &["operator", "self"]));
    assert_eq!(menu(&mut ines, &room, "Eva"), ["devoice", "kick"]);
    assert!(menu(&mut ines, &room, "Bob").is_empty());
    assert_eq!(act(&mut ines, &room, "Eva", "ban", "").unwrap_err()["code"], "no_such_action");
    assert_eq!(act(&mut ines, &room, "Eva", "kick", &"x".repeat(301)).unwrap_err()["code"], "too_long");
}

#[test]
fn an_operator_of_a_channel_of_irc_rules_over_it() {
    let server = Ngircd::builder().operator().start();
    let daemon = Daemon::run(BELLFLOWER);
    let mut ines = daemon.client("tab");
    ines.sign_in_irc(&server, "ines");
    let (mut bob, mut guard) = (IrcPeer::connect(&server, "bob"), IrcPeer::connect(&server, "guard"));
    let room = ines.join(&json!({ "channel": "#garden" }));
    bob.join("#garden");
    guard.join("#garden");
    ines.wait_event("the guard", |e| joins(e, "guard"));
    assert_eq!(menu(&mut ines, &room, "bob"), ["voice", "op", "kick", "ban"]);
    for (action, mode, flags) in [("voice", "+v", &["voice"][..]), ("devoice", "-v", &[]), ("op", "+o", &["operator"]), ("deop", "-o", &[])]
    {
        act(&mut ines, &room, "bob", action, "").unwrap_or_else(|e| panic!("{action}: {e}"));
        guard.wait_for(mode, |line| line.command == "MODE" && line.params.get(1).is_some_and(|modes| modes == mode));
        ines.wait_event(action, |e| stands(e, "bob", flags));
    }
    // A reason is one line, whatever is in it.
    act(&mut ines, &room, "bob", "kick", "mud\r\nPART #garden\u{1}").expect("bob is out");
    let kick = guard.wait_for("the kick", |line| line.command == "KICK");
    assert_eq!(kick.params[..2], ["#garden".to_owned(), "bob".to_owned()]);
    assert!(kick.params[2].starts_with("mud") && kick.params[2].contains("PART #garden"), "{:?}", kick.params);

    // A ban is of the host, and throws out.
    bob.join("#garden");
    ines.wait_event("bob again", |e| joins(e, "bob"));
    act(&mut ines, &room, "bob", "ban", "enough").expect("bob is banned");
    let ban = guard.wait_for("the ban", |line| line.command == "MODE" && line.params.get(1).is_some_and(|modes| modes == "+b"));
    assert!(ban.params[2].starts_with("*!*@") && ban.params[2].len() > 4, "{:?}", ban.params);
    bob.wait_for("the kick", |line| line.command == "KICK" && line.params.last().is_some_and(|why| why == "enough"));
    bob.send("JOIN #garden");
    bob.wait_for("the closed door", |line| line.command == "474");
    // The ban is listed, and lifted; nothing of that is told in the channel.
    assert_eq!(of_room(&mut ines, &room), ["bans"]);
    let listed = bans(&mut ines, &room);
    assert_eq!(listed, [(ban.params[2].clone(), "Set by ines".to_owned())]);
    assert_eq!(act(&mut ines, &room, "*!*@x +o guard", "unban", "").unwrap_err()["code"], "bad_name");
    act(&mut ines, &room, &listed[0].0, "unban", "").expect("the ban is lifted");
    guard.wait_for("its end", |line| line.command == "MODE" && line.params.get(1).is_some_and(|modes| modes == "-b"));
    assert!(bans(&mut ines, &room).is_empty());
    bob.join("#garden");
    ines.wait_event("bob once more", |e| joins(e, "bob"));
    let told = |e: &Value| e["type"] == "message.system" && e["message"]["text"].as_str().is_some_and(|text| text.starts_with("Ban on"));
    assert!(!ines.kept().any(told), "in the channel, too");

    // The server's word is the last one, and it is said once.
    guard.send("OPER root secret");
    guard.wait_for("its power", |line| line.command == "381");
    guard.send("MODE guard +q");
    guard.wait_for("its protection", |line| line.command == "MODE" && line.params.iter().any(|word| word.contains('q')));
    let refused = act(&mut ines, &room, "guard", "kick", "").unwrap_err();
    assert_eq!(refused["code"], "refused");
    assert!(refused["message"].as_str().is_some_and(|words| words.contains("guard is protected")), "{refused}");
    ines.say(&room, "a strong one");
    assert!(!ines.kept().any(|e| e["message"]["text"].as_str().is_some_and(|text| text.contains("protected"))), "said twice");
}

#[test]
fn rooms_of_a_list_say_how_many_are_there_also_on_xmpp() {
    let prosody = Prosody::with_users(["ines", "bob", "eva"]);
    let daemon = Daemon::run(BELLFLOWER);
    let mut ines = daemon.client("tab");
    ines.sign_in_xmpp(&prosody, "ines");
    let (mut bob, mut eva) = (XmppPeer::connect(&prosody, "bob"), XmppPeer::connect(&prosody, "eva"));
    for room in ["attic", "garden"] {
        bob.join(&prosody.room(room), "Bob");
    }
    eva.join(&prosody.room("garden"), "Eva");
    let list = ines.carry_out("room.list", json!({ "account": ines.account() }))["list"].clone();
    let asked = ines.wait_event("where to look", |e| e["type"] == "request.opened")["request"].clone();
    ines.carry_out("request.answer", json!({ "request": asked["id"], "button": "ok", "values": { "value": "rooms.localhost" } }));
    let mut rooms = Vec::new();
    loop {
        let event = ines.wait_event("rows", |e| e["type"] == "room.list" && e["list"] == list);
        let rows = event["rows"].as_array().into_iter().flatten();
        rooms.extend(rows.map(|row| (row["name"].as_str().unwrap_or_default().to_owned(), row["people"].clone())));
        if event["more"] != true {
            break;
        }
    }
    rooms.sort_by(|one, other| one.0.cmp(&other.0));
    assert_eq!(rooms, [("attic".to_owned(), json!(1)), ("garden".to_owned(), json!(2))]);
}

#[test]
fn what_is_said_about_the_topic_is_marked() {
    let server = Ngircd::builder().channel("#lounge", "Sit down").start();
    let prosody = Prosody::with_users(["ines", "bob"]);
    let daemon = Daemon::run(BELLFLOWER);
    let mut ines = daemon.client("tab");
    ines.sign_in_irc(&server, "ines");
    let mut bob = IrcPeer::connect(&server, "bob");
    let lounge = ines.join(&json!({ "channel": "#lounge" }));
    let about = |event: &Value, words: &str| {
        let message = &event["message"];
        event["type"] == "message.system" && message["topic"] == true && message["text"].as_str().is_some_and(|text| text.contains(words))
    };
    ines.wait_event("the topic on entering", |e| about(e, "Sit down"));
    bob.join("#lounge");
    ines.wait_event("a line that is not about it", |e| joins(e, "bob"));
    // Bob makes a channel: as its operator he may set its topic.
    bob.join("#attic");
    ines.join(&json!({ "channel": "#attic" }));
    bob.topic("#attic", "Dust & old books");
    ines.wait_event("the new topic", |e| about(e, "Dust & old books"));
    bob.send("MODE #attic +s");
    let mode = ines.wait_event("a mode", |e| e["message"]["text"].as_str().is_some_and(|text| text.contains("+s")));
    assert_eq!(mode["message"]["topic"], Value::Null, "{mode}");
    assert!(!lounge.is_empty());

    let mut eva = daemon.client("other");
    eva.sign_in_xmpp(&prosody, "ines");
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let address = prosody.room("garden");
    bob.join(&address, "Bob");
    eva.join(&json!({ "room": "garden", "server": "rooms.localhost", "handle": "Ines" }));
    bob.topic(&address, "Bluebells & co");
    eva.wait_event("the topic", |e| about(e, "Bluebells & co"));
}
