//! Rooms of XMPP with very many people, and lists of very many rooms.

use crate::flood;
use crate::stage::{LONG, Stage, Step};
use crate::xmpp::many;
use serde_json::{Value, json};
use std::fmt::Write;
use support::wait_until;

const PEOPLE: usize = crate::MANY;

fn presence(nick: &str, inside: &str, kind: &str) -> String {
    format!(
        "<presence from='PLACE@rooms.localhost/{nick}' to='ines@localhost/raw'{kind}><x xmlns='http://jabber.org/protocol/muc#user'>{inside}\
         </x></presence>"
    )
}

fn everybody(inside: &str, kind: &str) -> String {
    many(PEOPLE, |all, n| all.push_str(&presence(&format!("n{n}"), &inside.replace("NUMBER", &n.to_string()), kind)))
}

const MEMBER: &str = "<item affiliation='member' role='participant' jid='nNUMBER@localhost/x'/>";

/// Asks for the room; the user is in once the room says so.
fn ask(stage: &mut Stage) {
    let account = stage.ines.account();
    stage.ines.command(
        "room.join",
        json!({ "account": account, "fields": { "room": stage.place(), "server": "rooms.localhost", "handle": "ines" } }),
    );
    stage.stanza("presence for the room", |s| s.name == "presence" && s.attr("to").is_some_and(|to| to.starts_with("den")));
}

fn enter(stage: &mut Stage) {
    stage.send(presence("ines", "<item affiliation='member' role='participant'/><status code='110'/>", ""));
}

fn full(stage: &mut Stage) {
    ask(stage);
    stage.send(everybody(MEMBER, ""));
    enter(stage);
}

pub(crate) const ROOM: &[Step] = &[
    ("20 000 people are there", full),
    ("20 000 people come, change, are renamed, speak and go", |stage| {
        ask(stage);
        enter(stage);
        stage.send(everybody(MEMBER, ""));
        stage.send(everybody("<item affiliation='owner' role='moderator'/>", ""));
        stage.send(everybody("<item affiliation='owner' role='moderator' nick='mNUMBER'/><status code='303'/>", " type='unavailable'"));
        stage.send(many(PEOPLE, |all, n| all.push_str(&presence(&format!("m{n}"), "<item affiliation='none' role='visitor'/>", ""))));
        stage.send(many(PEOPLE, |all, n| {
            _ = write!(all, "<message type='groupchat' from='PLACE@rooms.localhost/m{n}' id='g{n}'><body>hello ines</body></message>");
        }));
        stage.send(many(PEOPLE, |all, n| {
            all.push_str(&presence(&format!("m{n}"), "<item affiliation='none' role='none'/>", " type='unavailable'"))
        }));
    }),
    ("a full room is left and entered again", |stage| {
        full(stage);
        let room = format!("{}@", stage.place());
        stage.answers();
        // So much is told of the people that the page's log does not reach back.
        let conversation = wait_until("the room", LONG, || {
            let snapshot = stage.ines.attach()["snapshot"].take();
            let conversations = snapshot["conversations"].as_array().cloned().unwrap_or_default();
            let is_in = |conv: &Value| conv["joined"] == true && conv["name"].as_str().is_some_and(|name| name.starts_with(&room));
            conversations.into_iter().find(is_in).map(|conv| conv["id"].clone())
        });
        stage.ines.carry_out("room.leave", json!({ "conversation": conversation }));
        stage.stanza("presence that leaves", |s| s.name == "presence" && s.is("type", "unavailable"));
        stage.send(presence("ines", "<item affiliation='member' role='none'/><status code='110'/>", " type='unavailable'"));
        // Libpurple knows the room until it has read that.
        stage.answers();
        full(stage);
    }),
    ("a full room is shown to a page", |stage| {
        full(stage);
        stage.ines.attach();
    }),
    ("10 000 topics", |stage| {
        ask(stage);
        enter(stage);
        stage.send(many(flood(10_000), |all, n| {
            _ = write!(
                all,
                "<message type='groupchat' from='PLACE@rooms.localhost/n'><subject>topic {n} http://example.org/</subject></message>"
            );
        }));
    }),
    ("5 000 codes of one presence", |stage| {
        ask(stage);
        enter(stage);
        stage.send(presence("n", &"<status code='110'/>".repeat(4_900), ""));
        stage.send(presence("n", &"<item affiliation='none' role='none'/>".repeat(4_900), " type='unavailable'"));
    }),
];

/// Whose requests the steps answer.
pub(crate) const LEFT: &[&str] = &["http://jabber.org/protocol/disco#items"];

pub(crate) const LIST: &[Step] = &[("a list of 100 000 rooms", |stage| {
    let account = stage.ines.account();
    stage.ines.command("room.list", json!({ "account": account }));
    let asked = stage.ines.wait_event("the question for a server", |e| e["type"] == "request.opened")["request"].clone();
    let buttons = asked["buttons"].as_array().expect("buttons");
    let find = |button: &&serde_json::Value| button["label"].as_str().is_some_and(|label| label.contains("Find"));
    let button = buttons.iter().find(find).expect("a way on")["id"].clone();
    let field = asked["fields"][0]["id"].as_str().expect("a field").to_owned();
    stage.ines.command("request.answer", json!({ "request": asked["id"], "button": button, "values": { field: "rooms.localhost" } }));
    let query = stage.stanza("question for rooms", |s| s.name == "iq" && s.is("to", "rooms.localhost"));
    let rooms = many(100_000, |all, n| _ = write!(all, "<item jid='room{n}@rooms.localhost' name='Room number {n}'/>"));
    stage.send(format!(
        "<iq type='result' id='{}' from='rooms.localhost'><query xmlns='http://jabber.org/protocol/disco#items'>{rooms}</query></iq>",
        query.attr("id").unwrap_or_default()
    ));
})];
