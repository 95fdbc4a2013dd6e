//! Promise: pictures in messages are shown to whom they were sent, are there after a restart and in another browser, and go with what showed them.
#![allow(clippy::expect_used)]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use support::{Daemon, Prosody, WireClient, XmppPeer};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");
const PASSWORD: &str = "a long enough password";
/// 16 by 16 points of one colour.
const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAIAAACQkWg2AAAAFklEQVR42mM4oJBAEmIY1TCqYfhqAAB/xkAQ1pIt2AAAAABJRU5ErkJggg==";
/// The id that follows from its bytes (XEP-0231).
const CID: &str = "sha1+128ce89abe7e55dc813f052531debc8c70cc145d@bob.xmpp.org";
const BITS: &str = "urn:xmpp:bob";

fn friends() -> Prosody {
    Prosody::builder().users(["ines", "bob", "eve"]).friends("ines", "bob", "Friends").start()
}

fn site() -> Daemon {
    Daemon::builder(BELLFLOWER).config("registration = \"open\"").limit("registrations_per_minute", 0).start()
}

/// A formatted message with a picture of this id and these words; `more` is put into the stanza beside it.
fn formatted(kind: &str, to: &str, words: &str, cid: &str, more: &str) -> String {
    format!(
        "<message type='{kind}' to='{to}'><body>see {words}</body><html xmlns='http://jabber.org/protocol/xhtml-im'>\
         <body xmlns='http://www.w3.org/1999/xhtml'>see <img alt='{words}' src='cid:{cid}'/></body></html>{more}</message>"
    )
}

fn data(cid: &str, bytes: &str) -> String {
    format!("<data xmlns='{BITS}' cid='{cid}' type='image/png'>{bytes}</data>")
}

/// Waits until the peer is asked for a picture, and answers.
fn answer(peer: &mut XmppPeer, cid: &str, bytes: &str) {
    let asked = peer.wait_for("a question for a picture", |s| s.name == "iq" && s.child("data").is_some_and(|data| data.is("cid", cid)));
    assert!(asked.is("type", "get") && asked.child("data").is_some_and(|data| data.is("xmlns", BITS)), "{asked:?}");
    let (id, from) = (asked.attr("id").expect("an id"), asked.attr("from").expect("a sender"));
    peer.send(&format!("<iq type='result' id='{id}' to='{from}'>{}</iq>", data(cid, bytes)));
}

/// The picture of a message that has one.
fn image(message: &Value) -> Option<String> {
    message["spans"].as_array()?.iter().find_map(|span| Some(span["image"].as_str()?.to_owned()))
}

fn pictures(page: &Value) -> Vec<Option<String>> {
    page["messages"].as_array().expect("messages").iter().map(image).collect()
}

/// Waits until a message with these words shows a picture, at once or later.
fn sees(client: &mut WireClient, words: &str) -> String {
    let seen = client.wait_event("a picture", |event| event["message"]["text"] == *words && image(&event["message"]).is_some());
    image(&seen["message"]).expect("a picture")
}

fn is_png(client: &mut WireClient, hash: &str) {
    let shown = client.get(&format!("/media/{hash}"));
    assert_eq!(
        (shown.status, shown.header("content-type"), shown.header("x-content-type-options")),
        (200, Some("image/png"), Some("nosniff"))
    );
    assert!(shown.header("content-security-policy").is_some_and(|policy| policy.contains("sandbox")), "{shown:?}");
    assert_eq!(STANDARD.encode(client.get_bytes(&format!("/media/{hash}"))), PNG);
}

#[test]
fn pictures_of_xmpp_outlive_the_daemon_and_go_with_the_history() {
    let prosody = friends();
    let mut daemon = site();
    let mut ines = daemon.client("ines-tab");
    ines.register("Ines", PASSWORD);
    let account = ines.add_xmpp(&prosody, "ines");
    let mut bob = XmppPeer::connect(&prosody, "bob");
    // In the stanza itself.
    bob.send(&formatted("chat", "ines@localhost", "a cat", CID, &data(CID, PNG)));
    let hash = sees(&mut ines, "see a cat");
    is_png(&mut ines, &hash);
    // Asked for: first its words are shown.
    bob.send(&formatted("chat", "ines@localhost", "a dog", CID, ""));
    let first = ines.wait_event("the message", |event| event["message"]["text"] == "see a dog");
    assert_eq!((&first["type"], image(&first["message"])), (&json!("message.received"), None));
    answer(&mut bob, CID, PNG);
    let then = ines.wait_event("the picture", |event| event["type"] == "message.updated");
    assert_eq!((&then["message"]["id"], image(&then["message"])), (&first["message"]["id"], Some(hash.clone())));
    let talk = first["conversation"].as_str().expect("an id").to_owned();

    // For nobody else.
    let mut eve = daemon.client("eve-tab");
    eve.register("Eve", PASSWORD);
    assert_eq!(eve.get(&format!("/media/{hash}")).status, 404);
    // The history is written when it is asked for.
    let both = [Some(hash.clone()), Some(hash.clone())];
    assert_eq!(pictures(&ines.get(&format!("/history?conversation={talk}")).ok()), both);
    daemon.kill();
    daemon.start();
    ines.moved_to(daemon.url());
    ines.attach();
    ines.wait_account_online(&account);
    let mut other = daemon.client("other-tab");
    other.sign_in("Ines", PASSWORD);
    for client in [&mut ines, &mut other] {
        assert_eq!(pictures(&client.get(&format!("/history?conversation={talk}")).ok()), both);
        is_png(client, &hash);
    }
    let mut eve = daemon.client("eve-tab");
    eve.sign_in("Eve", PASSWORD);
    assert_eq!(eve.get(&format!("/media/{hash}")).status, 404);

    ines.carry_out("history.delete", json!({ "conversation": talk }));
    daemon.stop();
    let (well, said) = daemon.admin(&["db", "check"], "");
    assert!(well, "{said}");
    daemon.start();
    ines.moved_to(daemon.url());
    ines.attach();
    assert_eq!(ines.get(&format!("/media/{hash}")).status, 404);
}

#[test]
fn a_guests_pictures_stay_when_the_guest_becomes_a_user() {
    let prosody = friends();
    let mut daemon = site();
    let mut ines = daemon.client("ines-tab");
    ines.sign_in_xmpp(&prosody, "ines");
    let mut bob = XmppPeer::connect(&prosody, "bob");
    bob.send(&formatted("chat", "ines@localhost", "a cat", CID, &data(CID, PNG)));
    let hash = sees(&mut ines, "see a cat");
    is_png(&mut ines, &hash);
    ines.post("/register", &json!({ "name": "Ines", "password": PASSWORD })).ok();
    ines.wait_event("the user", |event| event["type"] == "user");
    ines.carry_out("settings.set", json!({ "values": { "theme": "dark" } }));
    daemon.kill();
    daemon.start();
    ines.moved_to(daemon.url());
    ines.attach();
    is_png(&mut ines, &hash);
}

#[test]
fn strangers_are_asked_nothing_and_people_in_rooms_are() {
    let prosody = friends();
    let daemon = Daemon::run(BELLFLOWER);
    let mut ines = daemon.client("ines-tab");
    ines.sign_in_xmpp(&prosody, "ines");
    // A question would tell Eve that Ines is there.
    let mut eve = XmppPeer::connect(&prosody, "eve");
    eve.send(&formatted("chat", "ines@localhost", "a mouse", CID, ""));
    let shown = ines.wait_event("the message", |event| event["message"]["text"] == "see a mouse");
    assert_eq!(image(&shown["message"]), None);
    let asked = eve.received().into_iter().find(|stanza| stanza.name == "iq" && stanza.child("data").is_some());
    assert_eq!(asked.map(|stanza| format!("{stanza:?}")), None);
    // What she sends along is shown.
    eve.send(&formatted("chat", "ines@localhost", "a cat", CID, &data(CID, PNG)));
    sees(&mut ines, "see a cat");
    let den = prosody.room("den");
    ines.join(&json!({ "room": "den", "server": "rooms.localhost", "handle": "Ines" }));
    eve.join(&den, "Eve");
    eve.send(&formatted("groupchat", &den, "a dog", CID, ""));
    answer(&mut eve, CID, PNG);
    sees(&mut ines, "see a dog");
}

#[test]
fn what_is_no_picture_and_not_what_its_id_says_is_words() {
    let prosody = friends();
    let daemon = Daemon::run(BELLFLOWER);
    let mut ines = daemon.client("ines-tab");
    ines.sign_in_xmpp(&prosody, "ines");
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let drawing = STANDARD.encode("<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>");
    let forged = format!("sha1+{}@bob.xmpp.org", "0".repeat(40));
    for (cid, bytes) in [("svg@b.org", drawing.as_str()), (forged.as_str(), PNG), ("none@b.org", "!")] {
        bob.send(&formatted("chat", "ines@localhost", "first", cid, ""));
        answer(&mut bob, cid, bytes);
        bob.send(&formatted("chat", "ines@localhost", "then", cid, &data(cid, bytes)));
    }
    // The hash of a picture that she was sent, and addresses of others.
    bob.send(&formatted("chat", "ines@localhost", "a cat", CID, &data(CID, PNG)));
    let hash = sees(&mut ines, "see a cat");
    for source in [format!("media:{hash}"), hash, "picture:0".to_owned(), "https://tracker.test/x.png".to_owned()] {
        bob.send(&formatted("chat", "ines@localhost", "forged", "x", "").replace("cid:x", &source));
    }
    bob.say("ines@localhost", "the end");
    ines.hears("the end");
    ines.attach();
    let talk = ines.open("bob@localhost");
    let all = ines.snapshot["conversations"].as_array().expect("conversations");
    let talk = all.iter().find(|known| known["id"] == *talk).expect("the conversation");
    let shown: Vec<_> = talk["messages"].as_array().expect("messages").iter().filter(|message| image(message).is_some()).collect();
    assert_eq!(shown.iter().map(|message| message["text"].as_str().expect("a text")).collect::<Vec<_>>(), ["see a cat"]);
}

#[test]
fn a_number_of_another_users_picture_shows_nothing() {
    let daemon = Daemon::builder(BELLFLOWER).config("workers = 1\nisolation = \"shared\"").mischief("").start();
    let [mut ines, mut mallory] = ["ines", "mallory"].map(|name| {
        let mut client = daemon.client(name);
        client.sign_in_mischief(name);
        client
    });
    let talk = ines.open("someone");
    ines.command("message.send", json!({ "conversation": talk, "text": "picture 0" }));
    let hash = sees(&mut ines, "look a cat");
    is_png(&mut ines, &hash);
    // The first numbers of the process, which both share.
    let talk = mallory.open("someone");
    for number in 1..4 {
        mallory.command("message.send", json!({ "conversation": talk, "text": format!("show-number {number}") }));
        let shown = mallory.wait_event("the message", |event| event["message"]["text"] == "look a cat");
        assert_eq!(image(&shown["message"]), None, "{number}");
    }
    assert_eq!(mallory.get(&format!("/media/{hash}")).status, 404);
    // One that is too large for a message, and one that comes after it.
    mallory.command("message.send", json!({ "conversation": talk, "text": "picture 5000000" }));
    mallory.hears("look [a cat of 4.8 MB: too large to be shown]");
    mallory.command("message.send", json!({ "conversation": talk, "text": "late-smiley" }));
    mallory.hears("a :cat: & no dog");
    mallory.command("message.send", json!({ "conversation": talk, "text": "give-smiley" }));
    assert_eq!(sees(&mut mallory, "a :cat: & no dog"), hash);
}
