//! Stanzas of rooms of XMPP, sent by a server that the test speaks for.

use crate::xmpp::{Scene, signed_on};
use bridge::time::Timestamp;
use serde_json::{Value, json};
use support::Element;

const ROOM: &str = "den@rooms.localhost";

fn presence(nick: &str, more: &str, item: &str) -> String {
    format!(
        "<presence from='{ROOM}/{nick}' to='ines@localhost/raw'><x xmlns='http://jabber.org/protocol/muc#user'><item affiliation='none' role='participant'/>{item}</x>{more}</presence>"
    )
}

fn said(nick: &str, body: &str, more: &str) -> String {
    format!("<message from='{ROOM}/{nick}' to='ines@localhost/raw' type='groupchat'><body>{body}</body>{more}</message>")
}

/// A stamp of so many seconds from now, by another clock.
fn stamp(seconds: i64) -> String {
    let at = Timestamp(Timestamp::now().0 + seconds * 1000).to_string();
    format!("<delay xmlns='urn:xmpp:delay' from='{ROOM}' stamp='{at}'/>")
}

fn is_join(stanza: &Element) -> bool {
    stanza.name == "presence" && stanza.attr("to").is_some_and(|to| to.starts_with(ROOM)) && !stanza.is("type", "unavailable")
}

fn lets_in(scene: &mut Scene, history: &str) {
    let own = presence("ines", "", "<status code='110'/>");
    scene.sends(&format!("{}{own}{history}<message from='{ROOM}' type='groupchat'><subject/></message>", presence("bob", "", "")));
}

fn joined(scene: &mut Scene) -> String {
    let account = scene.ines.account();
    let fields = json!({ "room": "den", "server": "rooms.localhost", "handle": "ines" });
    let id = scene.ines.command("room.join", json!({ "account": account, "fields": fields }));
    scene.gets("the join", is_join);
    lets_in(scene, "");
    let joined = scene.ines.outcome(&id).expect("joined");
    joined["conversation"].as_str().expect("a conversation").to_owned()
}

fn shown(scene: &mut Scene, room: &str) -> Value {
    scene.ines.attach();
    let all = scene.ines.snapshot["conversations"].as_array().expect("conversations");
    all.iter().find(|one| one["id"] == *room).expect("the room").clone()
}

fn texts(room: &Value) -> Vec<String> {
    let said = room["messages"].as_array().expect("messages").iter().filter(|message| message["system"] != true);
    said.map(|message| message["text"].as_str().expect("a text").to_owned()).collect()
}

/// Case 14, and others of its kind.
#[test]
fn only_a_subject_alone_is_the_topic() {
    let mut scene = signed_on("");
    let room = joined(&mut scene);
    scene.sends(&format!("<message from='{ROOM}/bob' type='groupchat'><subject>roses</subject></message>"));
    scene.ines.wait_event("the topic", |event| event["type"] == "room.topic" && event["topic"] == "roses");
    scene.sends(&format!(
        "<message from='{ROOM}/bob' type='groupchat'><subject>no topic</subject><body>with a subject</body></message>\
         <message from='{ROOM}/bob' type='groupchat'><subject/><body>with none</body></message>\
         <message from='{ROOM}/bob' type='groupchat'><subject/><thread>one</thread></message>\
         <message from='{ROOM}/bob' type='groupchat'><thread>one</thread><subject>no topic</subject></message>"
    ));
    scene.ines.hears("with a subject");
    scene.ines.hears("with none");
    scene.sends(&said("bob", "the end", ""));
    scene.ines.hears("the end");
    assert_eq!(shown(&mut scene, &room)["topic"], "roses");
    scene.sends(&format!("<message from='{ROOM}/bob' type='groupchat'><subject/></message>"));
    scene.ines.wait_event("no topic", |event| event["type"] == "room.topic" && event["topic"] == "");
}

/// Cases 15 and 16.
#[test]
fn what_a_room_tells_after_a_lost_connection_is_there_once_and_new_words_count() {
    for clock in [5, -5] {
        let mut scene = signed_on("");
        let room = joined(&mut scene);
        for text in ["one", "two", "two"] {
            scene.sends(&said("bob", text, ""));
            scene.ines.hears(text);
        }
        scene.ines.carry_out("conversation.read", json!({ "conversation": room }));
        scene.sends("<stream:error><reset xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>");
        scene.line = scene.server.connection();
        scene.gets("the second join", is_join);
        let history: String = ["one", "two", "two"].iter().map(|text| said("bob", text, &stamp(clock))).collect();
        lets_in(&mut scene, &(history + &said("bob", "ines: the server room is on fire", &stamp(clock))));
        scene.sends(&said("bob", "the end", ""));
        scene.ines.hears("the end");
        let room = shown(&mut scene, &room);
        assert_eq!(texts(&room), ["one", "two", "two", "ines: the server room is on fire", "the end"], "{clock}");
        assert_eq!((&room["unread"], &room["mentions"]), (&json!(2), &json!(1)), "{clock}");
    }
}

/// Two devices of one account may share a nick (XEP-0045, 7.2.5).
#[test]
fn who_shares_a_nick_is_out_when_they_are_told_so_and_not_before() {
    let mut scene = signed_on("");
    let room = joined(&mut scene);
    let out = |codes: &str| {
        format!(
            "<presence from='{ROOM}/ines' to='ines@localhost/raw' type='unavailable'><x xmlns='http://jabber.org/protocol/muc#user'>\
             <item affiliation='none' role='none' jid='ines@localhost/phone'><reason>mud</reason></item>{codes}</x></presence>"
        )
    };
    // The other device alone.
    scene.sends(&out("<status code='307'/>"));
    scene.sends(&said("bob", "still there?", ""));
    scene.ines.hears("still there?");
    assert_eq!(shown(&mut scene, &room)["joined"], true);
    // Oneself, though the address is the other's.
    scene.sends(&out("<status code='110'/><status code='307'/>"));
    scene.ines.wait_event("the end of being there", |event| {
        event["type"] == "conversation.updated" && event["conversation"]["id"] == *room && event["conversation"]["joined"] == false
    });
    let words = |event: &&Value| event["message"]["text"].as_str().is_some_and(|text| text.starts_with("You were removed"));
    assert_eq!(scene.ines.kept().filter(words).count(), 1, "{:?}", scene.ines.kept().collect::<Vec<_>>());
}

/// Case 17.
#[test]
fn a_nick_that_the_room_gave_is_ones_own() {
    let mut scene = signed_on("");
    let account = scene.ines.account();
    let fields = json!({ "room": "den", "server": "rooms.localhost", "handle": "ines" });
    let id = scene.ines.command("room.join", json!({ "account": account, "fields": fields }));
    scene.gets("the join", is_join);
    scene.sends(&format!("{}{}", presence("bob", "", ""), presence("Gast77", "", "<status code='110'/><status code='210'/>")));
    scene.sends(&format!("<message from='{ROOM}' type='groupchat'><subject/></message>"));
    let joined = scene.ines.outcome(&id).expect("joined");
    let room = joined["conversation"].as_str().expect("a conversation").to_owned();
    scene.ines.wait_event("the nick", |event| event["conversation"]["id"] == *room && event["conversation"]["nick"] == "Gast77");
    let sent = scene.ines.command("message.send", json!({ "conversation": room, "text": "it is me" }));
    let stanza = scene.gets("the message", |stanza| stanza.says("it is me"));
    scene.sends(&format!(
        "<message from='{ROOM}/Gast77' to='ines@localhost/raw' type='groupchat' id='{}'><body>it is me</body></message>",
        stanza.attr("id").unwrap_or_default()
    ));
    scene.ines.outcome(&sent).expect("it was said");
    let own = scene.ines.wait_event("the own words", |event| event["message"]["text"] == "it is me");
    assert_eq!((&own["type"], &own["message"]["from"]["self"]), (&json!("message.sent"), &json!(true)), "{own}");
    scene.sends(&said("bob", "gast77: welcome", ""));
    assert_eq!(scene.ines.hears("gast77: welcome")["highlight"], true);
    let members = shown(&mut scene, &room)["members"].clone();
    let own = members.as_array().expect("members").iter().find(|one| one["name"] == "Gast77").expect("the user").clone();
    assert!(own["flags"].as_array().is_some_and(|flags| flags.contains(&json!("self"))), "{own}");
}

fn gone(nick: &str, inner: &str) -> String {
    format!(
        "<presence from='{ROOM}/{nick}' to='ines@localhost/raw' type='unavailable'><x xmlns='http://jabber.org/protocol/muc#user'>{inner}</x></presence>"
    )
}

/// Case 18, and all other ways in which a room lets go of somebody.
#[test]
fn why_one_is_out_of_a_room_is_said_there() {
    for (inner, words) in [
        (
            "<item affiliation='none' role='none'/><destroy jid='newden@rooms.localhost'><reason>Moved to &lt;newden&gt;</reason></destroy>",
            vec!["Moved to <newden>", "newden@rooms.localhost"],
        ),
        ("<item affiliation='none' role='none'/><destroy/><status code='110'/>", vec!["was closed"]),
        (
            "<item affiliation='none' role='none'><actor nick='bob'/><reason>read &lt;rules&gt; &amp; more</reason></item><status code='307'/><status code='110'/>",
            vec!["read <rules> & more"],
        ),
        (
            "<item affiliation='outcast' role='none'><actor nick='bob'/><reason>spam &lt;again&gt;</reason></item><status code='301'/><status code='110'/>",
            vec!["banned", "bob", "spam <again>"],
        ),
        ("<item affiliation='none' role='none'/><status code='321'/><status code='110'/>", vec!["members"]),
        ("<item affiliation='none' role='none'/><status code='322'/><status code='110'/>", vec!["members"]),
        ("<item affiliation='none' role='none'/><status code='332'/><status code='110'/>", vec!["shut"]),
    ] {
        let mut scene = signed_on("");
        let room = joined(&mut scene);
        scene.sends(&gone("ines", inner));
        let line = scene.ines.wait_event("why", |event| event["type"] == "message.system" && event["conversation"] == *room);
        let text = line["message"]["text"].as_str().expect("a text");
        assert!(words.iter().all(|word| text.contains(word)), "{inner}: {line}");
        scene.ines.wait_event("out of it", |event| event["conversation"]["id"] == *room && event["conversation"]["joined"] == false);
        let others = scene.ines.kept().filter(|event| event["type"] == "message.system").count();
        assert_eq!(others, 0, "{inner}: {:?}", scene.ines.kept().collect::<Vec<_>>());
    }
}

/// The room's end comes with its first words, before the own nick is settled.
#[test]
fn a_room_that_is_destroyed_at_once_says_why() {
    let mut scene = signed_on("");
    let account = scene.ines.account();
    scene
        .ines
        .command("room.join", json!({ "account": account, "fields": { "room": "den", "server": "rooms.localhost", "handle": "ines" } }));
    scene.gets("the join", is_join);
    lets_in(&mut scene, &gone("ines", "<item affiliation='none' role='none'/><destroy><reason>Moved</reason></destroy>"));
    let line = scene.ines.wait_event("why", |event| event["type"] == "message.system");
    assert!(line["message"]["text"].as_str().is_some_and(|text| text.contains("Moved")), "{line}");
}

/// The same reasons when they are about others.
#[test]
fn why_others_are_out_of_a_room_is_said_as_it_was_given() {
    let mut scene = signed_on("");
    joined(&mut scene);
    for (inner, words) in [
        (
            "<item affiliation='none' role='none'><reason>read &lt;rules&gt; &amp; more</reason></item><status code='307'/>",
            "read <rules> & more",
        ),
        ("<item affiliation='outcast' role='none'><reason>spam &lt;again&gt;</reason></item><status code='301'/>", "spam <again>"),
    ] {
        scene.sends(&presence("eva", "", ""));
        scene.sends(&gone("eva", inner));
        scene
            .ines
            .wait_event(words, |event| event["message"]["text"].as_str().is_some_and(|text| text.contains("eva") && text.contains(words)));
    }
}
