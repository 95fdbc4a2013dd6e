//! Promise: what becomes of a message after it was sent or shown stands at that message: delivered, refused and why, corrected by its author alone.
#![allow(clippy::expect_used)]

use serde_json::{Value, json};
use support::{Daemon, Element, PATIENCE, Prosody, RawConnection, RawServer, WireClient, XmppPeer};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");
const RECEIPTS: &str = "urn:xmpp:receipts";

fn friends() -> Prosody {
    Prosody::builder().users(["ines", "bob", "eva"]).friends("ines", "bob", "Friends").start()
}

fn signed_in(daemon: &Daemon, prosody: &Prosody) -> WireClient {
    let mut ines = daemon.client("tab");
    ines.sign_in_xmpp(prosody, "ines");
    ines
}

fn updated(client: &mut WireClient, text: &str) -> Value {
    client.wait_event("the change", |event| event["type"] == "message.updated" && event["message"]["text"] == text)["message"].clone()
}

fn has(stanza: &Element, name: &str) -> bool {
    stanza.child(name).is_some_and(|child| child.is("xmlns", RECEIPTS))
}

#[test]
fn receipts_are_asked_for_told_and_given_to_friends() {
    let prosody = friends();
    let daemon = Daemon::run(BELLFLOWER);
    let mut ines = signed_in(&daemon, &prosody);
    let (mut bob, mut eva) = (XmppPeer::connect(&prosody, "bob"), XmppPeer::connect(&prosody, "eva"));
    let conversation = ines.open("bob@localhost");
    let sent = ines.say(&conversation, "are you there?");
    let heard = bob.hears("are you there?");
    assert!(has(&heard, "request"), "{heard:?}");
    let id = heard.attr("id").expect("an id").to_owned();
    let receipt = |id: &str| format!("<message to='ines@localhost/web' type='chat'><received xmlns='{RECEIPTS}' id='{id}'/></message>");
    // Of another one, and of another message.
    eva.send(&receipt(&id));
    bob.send(&receipt("other"));
    bob.send(&receipt(&id));
    let delivered = updated(&mut ines, "are you there?");
    assert_eq!((&delivered["state"], &delivered["id"]), (&json!("delivered"), &sent["id"]), "{delivered}");
    ines.attach();
    let kept = &ines.snapshot["conversations"]
        .as_array()
        .expect("conversations")
        .iter()
        .find(|one| one["id"] == *conversation)
        .expect("it")["messages"];
    assert_eq!(kept[0]["state"], "delivered", "{kept}");

    // Given to whom is on the list, once; a stranger learns nothing.
    let asks = |id: &str, body: &str| {
        format!("<message to='ines@localhost' type='chat' id='{id}'><body>{body}</body><request xmlns='{RECEIPTS}'/></message>")
    };
    eva.send(&asks("e1", "guess who"));
    ines.hears("guess who");
    bob.send(&asks("b1", "yes"));
    ines.hears("yes");
    let given = bob.wait_for("the receipt", |stanza| has(stanza, "received"));
    assert_eq!(given.child("received").and_then(|child| child.attr("id")), Some("b1"));
    assert!(!eva.received().iter().any(|stanza| has(stanza, "received")));

    // Rooms have none, nor has a private word in a room.
    let room = prosody.room("den");
    let den = ines.join(&json!({ "room": "den", "server": "rooms.localhost", "handle": "Ines" }));
    bob.join(&room, "Bob");
    ines.say(&den, "in the room");
    assert!(!has(&bob.hears("in the room"), "request"));
    let aside = ines.open(&format!("{room}/Bob"));
    ines.command("message.send", json!({ "conversation": aside, "text": "in private" }));
    assert!(!has(&bob.hears("in private"), "request"));
    bob.send(&format!("<message to='{room}/Ines' type='chat' id='p1'><body>too</body><request xmlns='{RECEIPTS}'/></message>"));
    ines.hears("too");
    bob.send(&format!("<message to='{room}' type='groupchat' id='p2'><body>all</body><request xmlns='{RECEIPTS}'/></message>"));
    ines.hears("all");
    ines.say(&den, "the end");
    bob.hears("the end");
    assert!(!bob.received().iter().any(|stanza| has(stanza, "received")));
}

fn message(to: &str, kind: &str, id: &str, body: &str, replaces: Option<&str>) -> String {
    let replace = replaces.map_or_else(String::new, |old| format!("<replace xmlns='urn:xmpp:message-correct:0' id='{old}'/>"));
    format!("<message to='{to}' type='{kind}' id='{id}'><body>{body}</body>{replace}</message>")
}

#[test]
fn a_correction_takes_the_place_of_its_authors_last_message() {
    let prosody = friends();
    let daemon = Daemon::builder(BELLFLOWER).config("registration = \"open\"").limit("registrations_per_minute", 0).start();
    let mut ines = daemon.client("tab");
    ines.register("ines", "a sentence that nobody guesses");
    ines.add_xmpp(&prosody, "ines");
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let mut phone = XmppPeer::connect_as(&prosody, "bob", "phone");
    let chat = |id: &str, body: &str, replaces: Option<&str>| message("ines@localhost", "chat", id, body, replaces);
    bob.send(&chat("a1", "helo", None));
    let first = ines.hears("helo");
    bob.send(&chat("a2", "hello", Some("a1")));
    let edited = updated(&mut ines, "hello");
    assert_eq!((&edited["id"], &edited["time"], edited["edited_at"].is_string()), (&first["id"], &first["time"], true), "{edited}");
    // Again, by the first name of it, and by the last.
    bob.send(&chat("a3", "hello &amp; welcome", Some("a1")));
    assert_eq!(updated(&mut ines, "hello & welcome")["id"], first["id"]);
    bob.send(&chat("a4", "hello again", Some("a3")));
    assert_eq!(updated(&mut ines, "hello again")["id"], first["id"]);
    // Another device, and a message that is not the last any more: these are messages of their own.
    phone.send(&chat("c1", "from the phone", Some("a1")));
    ines.hears("from the phone");
    bob.send(&chat("a5", "the second", None));
    ines.hears("the second");
    bob.send(&chat("a6", "too late", Some("a1")));
    ines.hears("too late");

    let conversation = {
        ines.attach();
        ines.snapshot["conversations"][0].clone()
    };
    let texts = |messages: &Value| -> Vec<Value> { messages.as_array().expect("messages").iter().map(|one| one["text"].clone()).collect() };
    let expected = ["hello again", "from the phone", "the second", "too late"].map(Value::from);
    assert_eq!((texts(&conversation["messages"]), &conversation["unread"]), (expected.to_vec(), &json!(4)));
    let id = conversation["id"].as_str().expect("an id");
    // The stored messages are the same once they are written.
    support::wait_until("the stored history", PATIENCE, || {
        let history = ines.get(&format!("/history?conversation={id}")).ok();
        (texts(&history["messages"]) == expected && history["messages"][0]["edited_at"] == conversation["messages"][0]["edited_at"])
            .then_some(())
    });
}

#[test]
fn in_a_room_nobody_corrects_another() {
    let prosody = friends();
    let daemon = Daemon::run(BELLFLOWER);
    let mut ines = signed_in(&daemon, &prosody);
    let room = prosody.room("den");
    let (mut bob, mut eva) = (XmppPeer::connect(&prosody, "bob"), XmppPeer::connect(&prosody, "eva"));
    bob.join(&room, "Bob");
    eva.join(&room, "Eva");
    ines.join(&json!({ "room": "den", "server": "rooms.localhost", "handle": "Ines" }));
    let said = |id: &str, body: &str, replaces: Option<&str>| message(&room, "groupchat", id, body, replaces);
    bob.send(&said("a1", "at nine", None));
    let first = ines.hears("at nine");
    eva.send(&said("e1", "at ten", Some("a1")));
    ines.hears("at ten");
    bob.send(&said("a2", "at eight", Some("a1")));
    assert_eq!(updated(&mut ines, "at eight")["id"], first["id"]);
    // Nor by what looks like an archive: only the room's own speaks for others.
    bob.send(&said("b1", "I am in", None));
    let kept = ines.hears("I am in");
    let forged = format!(
        "<message type='groupchat' from='{room}/Bob' id='b2'><body>I resign</body><replace xmlns='urn:xmpp:message-correct:0' id='b1'/></message>"
    );
    eva.send(&format!(
        "<message to='{room}' type='groupchat' id='e3'><body>I resign</body><result xmlns='urn:xmpp:mam:2' id='x'>\
         <forwarded xmlns='urn:xmpp:forward:0'>{forged}</forwarded></result></message>"
    ));
    let told = ines.wait_event("her words", |event| event["message"]["text"] == "I resign");
    assert_eq!((&told["type"], &told["message"]["from"]["name"]), (&json!("message.received"), &json!("Eva")), "{told}");
    assert_ne!(told["message"]["id"], kept["id"]);
    // Another person who takes the nick cannot correct the messages said under it before.
    bob.send(&said("a3", "bye", None));
    ines.hears("bye");
    bob.leave(&room, "Bob");
    ines.wait_event("bob's leaving", |event| event["type"] == "room.members" && event["left"] == json!(["Bob"]));
    eva.send(&format!("<presence to='{room}/Bob'/>"));
    ines.wait_event("the new Bob", |event| event["type"] == "room.members" && event["renamed"] == json!([["Eva", "Bob"]]));
    eva.send(&said("e2", "I owe you", Some("a3")));
    ines.hears("I owe you");
}

#[test]
fn a_refusal_that_comes_later_is_told_at_its_message() {
    let prosody = friends();
    let daemon = Daemon::run(BELLFLOWER);
    let mut ines = signed_in(&daemon, &prosody);
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let conversation = ines.open("bob@localhost");
    for (text, error, words) in [
        (
            "one",
            "<service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>mailbox full</text>",
            "mailbox full",
        ),
        ("two", "<service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>", "not there"),
    ] {
        let sent = ines.say(&conversation, text);
        let id = bob.hears(text).attr("id").expect("an id").to_owned();
        bob.send(&format!(
            "<message to='ines@localhost/web' type='error' id='{id}'><body>{text}</body><error type='cancel'>{error}</error></message>"
        ));
        let failed = updated(&mut ines, text);
        assert_eq!((&failed["state"], &failed["id"]), (&json!("failed"), &sent["id"]), "{failed}");
        assert!(failed["error"].as_str().is_some_and(|told| told.contains(words)), "{failed}");
    }
    // A server without such a person says so itself.
    let nobody = ines.open("nobody@localhost");
    ines.say(&nobody, "three");
    assert_eq!(updated(&mut ines, "three")["state"], "failed");
    assert!(!ines.kept().any(|event| event["type"] == "notice.opened"), "{:?}", ines.kept().collect::<Vec<_>>());
}

/// Ines at an IRC server that the test speaks for, in no channel.
fn on_irc() -> (Daemon, WireClient, RawConnection<String>) {
    let server = RawServer::irc();
    let daemon = Daemon::run(BELLFLOWER);
    let mut ines = daemon.client("tab");
    ines.post("/login", &json!({ "network": server.irc_network("ines") })).ok();
    ines.attach();
    let mut line = server.connection();
    line.write(":irc.test 001 ines :Welcome\r\n:irc.test 376 ines :End\r\n").expect("a client that reads");
    ines.wait_online();
    (daemon, ines, line)
}

/// The server lets her into this channel. Gives its conversation.
fn in_channel(ines: &mut WireClient, line: &mut RawConnection<String>) -> String {
    line.write(":ines!i@h JOIN #a\r\n:irc.test 353 ines = #a :ines\r\n:irc.test 366 ines #a :End\r\n").expect("a client that reads");
    let opened = ines.wait_event("the channel", |event| event["type"] == "conversation.opened");
    opened["conversation"]["id"].as_str().expect("an id").to_owned()
}

#[test]
fn a_line_that_irc_does_not_pass_on_is_told_at_its_message() {
    let (_daemon, mut ines, mut line) = on_irc();
    let channel = in_channel(&mut ines, &mut line);
    let bob = ines.open("bob");
    for text in ["one", "two\nand a half", "three"] {
        ines.say(&channel, text);
    }
    ines.say(&bob, "hello");
    line.write(
        ":irc.test 404 ines #a :Cannot send to channel (+m)\r\n:irc.test 404 ines #a :Cannot send to channel (+m)\r\n\
         :irc.test 404 ines #a :Cannot send to channel (+m)\r\n:irc.test 401 ines bob :No such nick\r\n",
    )
    .expect("a client that reads");
    for (text, words) in [("one", "Cannot send to channel"), ("two\nand a half", "Cannot send to channel"), ("hello", "No such nick")] {
        let failed = updated(&mut ines, text);
        assert!(failed["state"] == "failed" && failed["error"].as_str().is_some_and(|told| told.contains(words)), "{failed}");
    }
    let shown = ines
        .kept()
        .filter(|event| event["type"] == "message.updated" || event["type"] == "notice.opened" || event["type"] == "message.system")
        .count();
    assert_eq!(shown, 0, "{:?}", ines.kept().collect::<Vec<_>>());
}

#[test]
fn somebody_who_is_asked_after_and_not_there_is_no_refusal_of_a_message() {
    let (_daemon, mut ines, mut line) = on_irc();
    let bob = ines.open("bob");
    ines.say(&bob, "it came");
    ines.command("message.send", json!({ "conversation": bob, "text": "/whois bob" }));
    let asked = std::iter::from_fn(|| line.next_within(PATIENCE)).any(|said| said.starts_with("WHOIS bob"));
    assert!(asked, "nobody was asked after");
    line.write(":irc.test 401 ines bob :No <such> nick\r\n:irc.test 318 ines bob :End of WHOIS\r\n:bob!b@h PRIVMSG ines :back again\r\n")
        .expect("a client that reads");
    ines.hears("back again");
    assert!(!ines.kept().any(|event| event["type"] == "message.updated"), "{:?}", ines.kept().collect::<Vec<_>>());
    // A message is refused as ever, in the server's words as they are.
    line.write(":irc.test 401 ines bob :No <such> nick & more\r\n").expect("a client that reads");
    assert_eq!(updated(&mut ines, "it came")["error"], "No <such> nick & more.");
}

#[test]
fn what_a_server_says_of_a_message_is_text() {
    let (_daemon, mut ines, mut line) = on_irc();
    let channel = in_channel(&mut ines, &mut line);
    ines.say(&channel, "one");
    line.write(":irc.test 404 ines #a :No <external> & such\r\n").expect("a client that reads");
    assert_eq!(updated(&mut ines, "one")["error"], "No <external> & such.");
    // Where it is about no message, the plugin writes it into the channel.
    line.write(":irc.test 482 ines #a :You're <not> an operator & so on\r\n").expect("a client that reads");
    let shown = ines.wait_event("the line", |event| {
        event["type"] == "message.system" && event["message"]["text"].as_str().is_some_and(|text| text.contains("operator"))
    });
    assert_eq!(shown["message"]["text"], "You're <not> an operator & so on");
    // A refusal that the plugin shows as a notice is text there, too.
    line.write(":irc.test 477 ines #other :Not <for> you & yours\r\n").expect("a client that reads");
    let notice = ines.wait_event("the notice", |event| event["type"] == "notice.opened");
    assert!(notice.to_string().contains("Not <for> you & yours"), "{notice}");
}
