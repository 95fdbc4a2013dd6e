//! Promise: what networks tell again is shown once, and what was said meanwhile is shown, whatever it is that comes again.
#![allow(clippy::expect_used)]

use serde_json::{Value, json};
use support::{Daemon, IrcPeer, Ngircd, Prosody, RawConnection, RawServer, WireClient, XmppPeer};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");

fn fields() -> Value {
    json!({ "room": "garden", "server": "rooms.localhost", "handle": "Ines" })
}

fn scene(prosody: &Prosody) -> (Daemon, WireClient, XmppPeer) {
    let daemon = Daemon::run(BELLFLOWER);
    let mut ines = daemon.client("tab");
    ines.sign_in_xmpp(prosody, "ines");
    let mut bob = XmppPeer::connect(prosody, "bob");
    bob.join(&prosody.room("garden"), "Bob");
    (daemon, ines, bob)
}

/// What is shown of a conversation, without the system's lines.
fn shown(ines: &mut WireClient, conversation: &str) -> Vec<String> {
    ines.attach();
    let all = ines.snapshot["conversations"].as_array().expect("conversations");
    let messages = &all.iter().find(|one| one["id"] == *conversation).expect("the conversation")["messages"];
    let said = messages.as_array().expect("messages").iter().filter(|message| message["system"] != true);
    said.map(|message| message["text"].as_str().expect("a text").to_owned()).collect()
}

/// Says it in the room, and waits until the room has passed it on.
fn passed_on(bob: &mut XmppPeer, prosody: &Prosody, text: &str) {
    bob.say_in(&prosody.room("garden"), text);
    bob.hears(text);
}

fn is_away(bob: &mut XmppPeer) {
    bob.wait_for("ines's leaving", |s| s.is("type", "unavailable") && s.attr("from").is_some_and(|from| from.ends_with("/Ines")));
}

#[test]
fn a_room_that_is_entered_again_doubles_nothing_and_loses_nothing() {
    let prosody = Prosody::with_users(["ines", "bob"]);
    let (_daemon, mut ines, mut bob) = scene(&prosody);
    passed_on(&mut bob, &prosody, "before");
    let conversation = ines.join(&fields());
    ines.hears("before");
    let mut expected = vec!["before".to_owned()];
    for round in 0..3 {
        passed_on(&mut bob, &prosody, "ok");
        ines.hears("ok");
        ines.say(&conversation, &format!("mine {round}"));
        ines.carry_out("room.leave", json!({ "conversation": conversation }));
        is_away(&mut bob);
        // The same word again, and one that is new.
        passed_on(&mut bob, &prosody, "ok");
        passed_on(&mut bob, &prosody, &format!("meanwhile {round}"));
        assert_eq!(ines.join(&fields()), conversation);
        ines.hears(&format!("meanwhile {round}"));
        expected.extend(["ok".to_owned(), format!("mine {round}"), "ok".to_owned(), format!("meanwhile {round}")]);
        assert_eq!(shown(&mut ines, &conversation), expected);
    }
}

#[test]
fn a_worker_that_is_killed_doubles_nothing() {
    let prosody = Prosody::with_users(["ines", "bob"]);
    let (mut daemon, mut ines, mut bob) = scene(&prosody);
    daemon.allow_log("ended: signal 9");
    let account = ines.account();
    let conversation = ines.join(&fields());
    let mut expected = Vec::new();
    for round in 0..2 {
        passed_on(&mut bob, &prosody, "ok");
        ines.hears("ok");
        ines.say(&conversation, &format!("mine {round}"));
        let pid = daemon.workers().iter().find_map(|one| (one["load"]["accounts"] == 1).then(|| one["pid"].as_u64())).flatten();
        let pid = pid.and_then(|pid| i32::try_from(pid).ok()).and_then(rustix::process::Pid::from_raw).expect("her worker");
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("it is ended");
        is_away(&mut bob);
        // Whether the room tells it on her return or she hears it herself.
        passed_on(&mut bob, &prosody, &format!("meanwhile {round}"));
        ines.hears(&format!("meanwhile {round}"));
        ines.wait_account_state(&account, &["online"]);
        expected.extend(["ok".to_owned(), format!("mine {round}"), format!("meanwhile {round}")]);
    }
    passed_on(&mut bob, &prosody, "the end");
    ines.hears("the end");
    expected.push("the end".to_owned());
    assert_eq!(shown(&mut ines, &conversation), expected);
}

#[test]
fn the_servers_id_tells_the_same_words_apart() {
    // A room that tells its last line alone: nothing but the id shows that it is another than the one before.
    let prosody = Prosody::builder().users(["ines", "bob"]).archives().config("muc_room_default_history_length = 1").start();
    let (_daemon, mut ines, mut bob) = scene(&prosody);
    let conversation = ines.join(&fields());
    for round in 1..4 {
        passed_on(&mut bob, &prosody, "ok");
        ines.hears("ok");
        for _ in 0..2 {
            ines.carry_out("room.leave", json!({ "conversation": conversation }));
            is_away(&mut bob);
            ines.join(&fields());
        }
        ines.carry_out("room.leave", json!({ "conversation": conversation }));
        is_away(&mut bob);
        passed_on(&mut bob, &prosody, "ok");
        ines.join(&fields());
        ines.hears("ok");
        assert_eq!(shown(&mut ines, &conversation), vec!["ok"; 2 * round]);
    }
}

#[test]
fn what_was_kept_while_one_was_away_is_told_once_and_marked() {
    let prosody = Prosody::builder().users(["ines", "bob"]).friends("ines", "bob", "Friends").archives().start();
    let (_daemon, mut ines, mut bob) = scene(&prosody);
    let account = ines.account();
    bob.say("ines@localhost", "ok");
    let heard = ines.wait_event("bob's word", |e| e["message"]["text"] == "ok");
    assert!(heard["message"]["delayed"].is_null(), "{heard}");
    let conversation = heard["conversation"].as_str().expect("an id").to_owned();
    ines.carry_out("account.disable", json!({ "account": account }));
    bob.wait_for("ines's leaving", |s| s.is("type", "unavailable") && s.from_bare() == "ines@localhost");
    bob.say("ines@localhost", "ok");
    bob.say("ines@localhost", "are you there?");
    bob.received();
    ines.carry_out("account.enable", json!({ "account": account }));
    ines.wait_online();
    // However short the absence was.
    assert_eq!(ines.hears("are you there?")["delayed"], true);
    assert_eq!(shown(&mut ines, &conversation), ["ok", "ok", "are you there?"]);
}

/// An account at a server that a test speaks for.
fn raw_xmpp() -> (Daemon, WireClient, RawConnection<support::Element>) {
    let server = RawServer::xmpp("");
    let daemon = Daemon::run(BELLFLOWER);
    let mut ines = daemon.client("tab");
    ines.post("/login", &json!({ "network": server.xmpp_network("ines") })).ok();
    ines.attach();
    ines.wait_online();
    let connection = server.connection();
    (daemon, ines, connection)
}

#[test]
fn a_message_that_a_server_sends_twice_is_shown_once_and_nobody_can_have_anothers_hidden() {
    let (_daemon, mut ines, mut server) = raw_xmpp();
    let mut says = |from: &str, by: &str, id: &str, text: &str| {
        let stamp = format!("<stanza-id xmlns='urn:xmpp:sid:0' by='{by}' id='{id}'/>");
        let stanza = format!("<message type='chat' from='{from}' to='ines@localhost'><body>{text}</body>{stamp}</message>");
        server.write(stanza).expect("it listens");
    };
    let (bob, own) = ("bob@localhost/x", "ines@localhost");
    says("mallory@localhost/x", own, "1", "ok");
    says(bob, own, "1", "ok");
    says(bob, own, "1", "ok");
    says("bob@localhost/y", own, "1", "ok");
    says(bob, own, "2", "ok");
    // Ids of the sender's own making are none.
    says(bob, "bob@localhost", "3", "fine");
    says(bob, "bob@localhost", "3", "fine");
    says(bob, own, "4", "the end");
    let end = ines.wait_event("the end", |e| e["message"]["text"] == "the end");
    assert_eq!(shown(&mut ines, end["conversation"].as_str().expect("an id")), ["ok", "ok", "fine", "fine", "the end"]);
}

#[test]
fn a_line_of_irc_that_comes_twice_is_known_by_its_tag() {
    let server = RawServer::irc();
    let daemon = Daemon::run(BELLFLOWER);
    let mut ines = daemon.client("tab");
    ines.post("/login", &json!({ "network": server.irc_network("ines") })).ok();
    ines.attach();
    let mut connection = server.connection();
    connection.write(":irc.test 001 ines :Welcome\r\n:irc.test 376 ines :End of MOTD\r\n").expect("it listens");
    ines.wait_online();
    for (id, text) in [("a", "ok"), ("a", "ok"), ("b", "ok"), ("c", "the end")] {
        connection.write(format!("@time=2026-01-02T03:04:05.000Z;msgid={id} :bob!b@host PRIVMSG ines :{text}\r\n")).expect("it listens");
    }
    let end = ines.wait_event("the end", |e| e["message"]["text"] == "the end");
    assert_eq!(shown(&mut ines, end["conversation"].as_str().expect("an id")), ["ok", "ok", "the end"]);
}

#[test]
fn a_channel_that_is_entered_again_hears_the_same_words_and_a_bouncer_repeats_none() {
    let server = Ngircd::builder().start();
    let daemon = Daemon::run(BELLFLOWER);
    let mut ines = daemon.client("tab");
    ines.sign_in_irc(&server, "ines");
    let mut bob = IrcPeer::connect(&server, "bob");
    bob.join("#garden");
    let conversation = ines.join(&json!({ "channel": "#garden" }));
    bob.wait_for("ines", |line| line.command == "JOIN" && line.nick() == "ines");
    bob.say("#garden", "ok");
    let heard = ines.hears("ok");
    let (_, time) = heard["time"].as_str().and_then(|time| time.split_once('T')).expect("a time");
    let time = time.get(..8).expect("a time of day");
    ines.carry_out("room.leave", json!({ "conversation": conversation }));
    bob.wait_for("ines's leaving", |line| line.command == "PART" && line.nick() == "ines");
    ines.join(&json!({ "channel": "#garden" }));
    bob.wait_for("ines's return", |line| line.command == "JOIN" && line.nick() == "ines");
    // As a bouncer passes on what he said before; then he says it again.
    bob.say("#garden", &format!("[{time}] ok"));
    bob.say("#garden", "ok");
    bob.say("#garden", &format!("[{time}] and what she missed"));
    ines.hears(&format!("[{time}] and what she missed"));
    assert_eq!(shown(&mut ines, &conversation), ["ok".to_owned(), "ok".to_owned(), format!("[{time}] and what she missed")]);
}
