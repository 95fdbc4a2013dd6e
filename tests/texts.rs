//! Promise: what a person writes leaves as one thing of its kind. A command is never said, a line stays one, and no character ends a connection.
#![allow(clippy::expect_used)]

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::mpsc::{Receiver, channel};

use serde_json::{Value, json};
use support::{Daemon, Element, IrcPeer, Ngircd, PATIENCE, Prosody, WireClient, XmppPeer};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");

/// Characters that XML 1.0 forbids; the last two are no control characters.
const FORBIDDEN: &str = "\u{1}\u{7}\u{b}\u{c}\u{1b}\u{fffe}\u{ffff}";

/// An IRC server that lets everybody in and keeps every line as it came.
struct IrcEar {
    port: u16,
    lines: Receiver<String>,
}

impl IrcEar {
    fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a loopback port");
        let port = listener.local_addr().expect("a bound socket has an address").port();
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("somebody comes");
            let mut answering = stream.try_clone().expect("a second handle");
            // Carriage returns end a line for many servers.
            for line in BufReader::new(&mut stream).split(b'\n').map_while(Result::ok) {
                let line = String::from_utf8_lossy(&line).trim_end_matches('\r').to_owned();
                for line in line.split('\r') {
                    let mut words = line.split(' ');
                    let answer = match (words.next(), words.next()) {
                        (Some("USER"), _) => ":test 001 ines :Welcome\r\n:test 422 ines :No MOTD\r\n".to_owned(),
                        (Some("JOIN"), Some(channel)) => {
                            format!(":ines!i@h JOIN {channel}\r\n:test 353 ines = {channel} :ines\r\n:test 366 ines {channel} :End\r\n")
                        }
                        (Some("PING"), Some(token)) => format!(":test PONG test {token}\r\n"),
                        _ => String::new(),
                    };
                    if answering.write_all(answer.as_bytes()).is_err() || sender.send(line.to_owned()).is_err() {
                        return;
                    }
                }
            }
        });
        Self { port, lines }
    }

    /// Signs a guest on here and joins `#a`; gives the guest and the channel.
    fn scene(&self, daemon: &Daemon) -> (WireClient, String) {
        let mut ines = daemon.client("tab");
        // The network side spares servers: many lines at once would take minutes.
        let options = json!({ "port": self.port, "ratelimit-burst": 1000, "ratelimit-interval": 0 });
        let network = json!({ "protocol": "prpl-irc", "username": "ines@127.0.0.1", "options": options });
        ines.post("/login", &json!({ "network": network })).ok();
        ines.attach();
        ines.wait_online();
        let channel = ines.join(&json!({ "channel": "#a" }));
        ines.say(&channel, "begin");
        self.until("PRIVMSG #a :begin");
        (ines, channel)
    }

    /// The lines up to this one, without those that libpurple sends by itself.
    fn until(&self, last: &str) -> Vec<String> {
        let mut heard = Vec::new();
        loop {
            let line = self.lines.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("{last:?} did not come; what came: {heard:#?}"));
            if line == last {
                return heard;
            }
            if !line.starts_with("PING ") && !line.starts_with("ISON ") {
                heard.push(line);
            }
        }
    }
}

/// What became of a message that may end without an echo.
fn send(client: &mut WireClient, conversation: &str, message: Value) -> Result<Value, Value> {
    let mut fields = message;
    fields["conversation"] = conversation.into();
    let id = client.command("message.send", fields);
    client.outcome(&id)
}

/// Fails unless the command is refused for being none, in words that say how to say it, and without what came after its name.
fn assert_unknown(client: &mut WireClient, conversation: &str, text: &str) {
    let error = send(client, conversation, json!({ "text": text })).expect_err(text);
    assert_eq!((&error["code"], &error["field"]), (&json!("no_such_slash_command"), &json!("text")), "{text:?}");
    let words = error["message"].as_str().expect("a message");
    assert!(words.contains("; write //") && !words.contains("secret"), "{text:?}: {words}");
}

#[test]
fn on_irc_a_slash_is_a_command_of_the_networks_or_is_refused() {
    let daemon = Daemon::run(BELLFLOWER);
    let irc = IrcEar::start();
    let (mut ines, channel) = irc.scene(&daemon);
    for text in
        ["/mgs bob secret", "/leave secret", "/help", "/", "/ secret", "/☃", "/usr/bin/env secret", "／mgs secret", "\u{feff}/mgs secret"]
    {
        assert_unknown(&mut ines, &channel, text);
    }
    let bob = ines.open("bob");
    for text in ["/topic secret", "/KICK bob", "/mgs secret"] {
        assert_unknown(&mut ines, &bob, text);
    }
    let mut expected = Vec::new();
    for (message, line) in [
        (json!({ "text": "/ns identify secret" }), "NS identify secret"),
        (json!({ "text": "/CS help" }), "CS help"),
        (json!({ "text": " /ns leading" }), "NS leading"),
        (json!({ "text": "\0/ns nul" }), "NS nul"),
        (json!({ "spans": [{ "text": "/", "bold": true }, { "text": "ns spans" }] }), "NS spans"),
        (json!({ "text": "/NickServ help" }), "NICKSERV :help"),
        (json!({ "text": "/MSG NickServ IDENTIFY secret" }), "PRIVMSG NickServ :IDENTIFY secret"),
        (json!({ "text": "/raw VERSION" }), "VERSION"),
        (json!({ "text": "/Quote LUSERS" }), "LUSERS"),
        (json!({ "text": "/ME waves" }), "PRIVMSG #a :\u{1}ACTION waves\u{1}"),
        (json!({ "spans": [{ "text": "/me " }, { "text": "bows", "italic": true }] }), "PRIVMSG #a :\u{1}ACTION bows\u{1}"),
        (json!({ "text": "/say /x" }), "PRIVMSG #a :/x"),
        (json!({ "text": "//foo" }), "PRIVMSG #a :/foo"),
        (json!({ "text": "&#47;ns &#13;x" }), "PRIVMSG #a :&#47;ns &#13;x"),
        (json!({ "text": "/topic first\nQUIT :evil" }), "TOPIC #a :first QUIT :evil"),
        (json!({ "text": "/away gone&#13;QUIT :evil&# 13;QUIT" }), "AWAY :gone& #13;QUIT :evil& # 13;QUIT"),
    ] {
        send(&mut ines, &channel, message.clone()).unwrap_or_else(|error| panic!("{message}: {error}"));
        expected.push(line);
    }
    ines.say(&channel, "end");
    assert_eq!(irc.until("PRIVMSG #a :end"), expected);
}

#[test]
fn a_line_for_irc_stays_one() {
    let daemon = Daemon::run(BELLFLOWER);
    let irc = IrcEar::start();
    let (mut ines, channel) = irc.scene(&daemon);
    let account = ines.account();
    ines.say(&channel, "one\n\n\ntwo");
    ines.say(&channel, "three\rfour\r\n \r\n  five\n");
    ines.carry_out("room.topic", json!({ "conversation": channel, "topic": "Line one\nQUIT :line two\u{b}" }));
    ines.carry_out("status.set", json!({ "status": "away", "message": "out\rQUIT :a\nQUIT :b\u{b}" }));
    for (kind, fields, code) in [
        ("room.nick", json!({ "conversation": channel, "nick": "a\nQUIT" }), "bad_nick"),
        ("room.nick", json!({ "conversation": channel, "nick": "a b" }), "bad_nick"),
        ("room.invite", json!({ "conversation": channel, "name": "bob\rQUIT" }), "bad_name"),
        ("room.invite", json!({ "conversation": channel, "name": "bob #b" }), "bad_name"),
        ("conversation.open", json!({ "account": account, "name": "bob\nQUIT" }), "bad_name"),
        ("buddy.add", json!({ "account": account, "name": "bob\u{2028}QUIT" }), "bad_name"),
        ("buddy.info", json!({ "account": account, "name": "bob\nQUIT" }), "bad_name"),
        ("room.join", json!({ "account": account, "fields": { "channel": "#b\nQUIT" } }), "bad_field"),
        ("room.join", json!({ "account": account, "fields": { "channel": "#b,0" } }), "bad_field"),
        ("room.join", json!({ "account": account, "fields": { "channel": "#b", "password": "x\rQUIT" } }), "bad_field"),
    ] {
        let id = ines.command(kind, fields.clone());
        let error = ines.outcome(&id).expect_err("it is refused");
        assert_eq!(error["code"], code, "{kind} {fields}: {error}");
        assert!(error["field"].is_string(), "{kind} {fields}: {error}");
    }
    ines.carry_out("room.invite", json!({ "conversation": channel, "name": "bob", "message": "come\nQUIT" }));
    ines.say(&channel, "end");
    let lines = irc.until("PRIVMSG #a :end");
    let said: Vec<_> = lines.iter().filter(|line| line.starts_with("PRIVMSG")).collect();
    assert_eq!(said, ["PRIVMSG #a :one", "PRIVMSG #a :two", "PRIVMSG #a :three", "PRIVMSG #a :four", "PRIVMSG #a :  five"]);
    let others: Vec<_> = lines.iter().filter(|line| !line.starts_with("PRIVMSG")).collect();
    assert_eq!(others, ["TOPIC #a :Line one QUIT :line two", "AWAY :out QUIT :a QUIT :b", "INVITE bob #a"]);
}

#[test]
fn ngircd_hears_no_command_that_was_said() {
    let server = Ngircd::builder().start();
    let daemon = Daemon::run(BELLFLOWER);
    let mut ines = daemon.client("tab");
    ines.sign_in_irc(&server, "ines");
    let mut bob = IrcPeer::connect(&server, "bob");
    bob.join("#garden");
    let channel = ines.join(&json!({ "channel": "#garden" }));
    for text in ["/mgs NickServ secret", "/leave", "/help"] {
        assert_unknown(&mut ines, &channel, text);
    }
    send(&mut ines, &channel, json!({ "text": "/NS identify secret" })).expect("it is the server's");
    ines.carry_out("room.topic", json!({ "conversation": channel, "topic": "Line one\nQUIT :line two" }));
    bob.wait_for("the topic", |line| line.command == "TOPIC" && line.params.last().is_some_and(|topic| topic == "Line one QUIT :line two"));
    ines.say(&channel, "one\n\n\ntwo");
    let first = bob.wait_for("the first words", |line| line.command == "PRIVMSG");
    let second = bob.wait_for("the second words", |line| line.command == "PRIVMSG");
    assert!(first.says("one") && second.says("two"), "{first:?} {second:?}");
}

/// Whether a stanza has a child with a text anywhere in it.
fn has(stanza: &Element, name: &str, text: &str) -> bool {
    stanza.children.iter().any(|child| child.name == name && child.text == text || has(child, name, text))
}

#[test]
fn on_xmpp_a_slash_is_a_command_or_is_refused() {
    let prosody = Prosody::with_users(["ines", "bob"]);
    let daemon = Daemon::run(BELLFLOWER);
    let mut ines = daemon.client("tab");
    ines.sign_in_xmpp(&prosody, "ines");
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let room = prosody.room("garden");
    let garden = ines.join(&json!({ "room": "garden", "server": "rooms.localhost", "handle": "Ines" }));
    bob.join(&room, "Bob");
    let im = ines.open("bob@localhost");
    for conversation in [&garden, &im] {
        for text in ["/ns identify secret", "/mgs secret", "/leave", "/help", "/", "/quote secret", "/list secret"] {
            assert_unknown(&mut ines, conversation, text);
        }
    }
    assert_unknown(&mut ines, &im, "/topic secret");
    for (message, body) in [
        (json!({ "text": "/ME waves" }), "/me waves"),
        (json!({ "spans": [{ "text": "/Me " }, { "text": "bows", "bold": true }] }), "/me bows"),
        (json!({ "text": "/say  hello" }), "hello"),
        (json!({ "text": "//leave" }), "/leave"),
        (json!({ "text": format!("a{FORBIDDEN}b\n\nc") }), "ab\n\nc"),
    ] {
        for conversation in [&garden, &im] {
            send(&mut ines, conversation, message.clone()).unwrap_or_else(|error| panic!("{message}: {error}"));
            let heard = bob.wait_for(body, |stanza| stanza.name == "message" && stanza.child_text("body").is_some());
            assert_eq!(heard.child_text("body"), Some(body), "{message}");
        }
    }
    send(&mut ines, &garden, json!({ "text": "/TOPIC first\nsecond" })).expect("XMPP's own command");
    bob.wait_for("the topic", |stanza| stanza.child_text("subject") == Some("first second"));
}

#[test]
fn no_character_ends_an_xmpp_connection() {
    let prosody = Prosody::builder().users(["ines", "bob", "eva"]).friends("ines", "bob", "Friends").start();
    let daemon = Daemon::run(BELLFLOWER);
    let mut ines = daemon.client("tab");
    ines.sign_in_xmpp(&prosody, "ines");
    let account = ines.account();
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let mut eva = XmppPeer::connect(&prosody, "eva");
    let room = prosody.room("garden");
    let garden = ines.join(&json!({ "room": "garden", "server": "rooms.localhost", "handle": "Ines" }));
    bob.join(&room, "Bob");
    // Events of the sign-on are over.
    ines.attach();
    let bad = |words: &str| format!("{}{FORBIDDEN}{}", &words[..2], &words[2..]);

    // Prose goes without them.
    let attributes = json!({ "nick": bad("Ines"), "mood": "happy", "moodtext": bad("very"), "priority": "7" });
    ines.carry_out("status.set", json!({ "status": "away", "message": bad("in the garden"), "attributes": attributes }));
    let away = bob.wait_for("the status", |stanza| stanza.name == "presence" && stanza.child_text("status") == Some("in the garden"));
    assert_eq!((away.child_text("show"), away.child_text("priority")), (Some("away"), Some("7")), "{away:?}");
    ines.carry_out("room.topic", json!({ "conversation": garden, "topic": bad("roses") }));
    bob.wait_for("the topic", |stanza| stanza.child_text("subject") == Some("roses"));
    ines.carry_out("room.invite", json!({ "conversation": garden, "name": "eva@localhost", "message": bad("come\nin") }));
    eva.wait_for("the invitation", |stanza| has(stanza, "reason", "come in") || has(stanza, "body", "come in"));
    ines.carry_out("account.alias", json!({ "account": account, "alias": bad("Ines de la Rosa") }));
    ines.carry_out(
        "buddy.add",
        json!({ "account": account, "name": "eva@localhost", "group": "Friends", "alias": bad("Eva"), "message": bad("hello") }),
    );
    eva.wait_for("the question", |stanza| stanza.name == "presence" && stanza.is("type", "subscribe"));
    let added = ines.wait_event("eva on the list", |event| {
        event["type"] == "buddy.added"
            && event["buddies"].as_array().is_some_and(|all| all.iter().any(|one| one["name"] == "eva@localhost"))
    });
    let buddy = added["buddies"].as_array().and_then(|all| all.iter().find(|one| one["name"] == "eva@localhost")).expect("eva").clone();
    assert_eq!(buddy["alias"], "Eva");
    ines.carry_out("buddy.alias", json!({ "buddy": buddy["id"], "alias": bad("Evita") }));

    // Names are refused, and the field is named.
    for (kind, fields, code, field) in [
        ("room.nick", json!({ "conversation": garden, "nick": bad("Ines") }), "bad_nick", "nick"),
        ("room.invite", json!({ "conversation": garden, "name": bad("eva@localhost") }), "bad_name", "name"),
        ("buddy.add", json!({ "account": account, "name": bad("juan@localhost") }), "bad_name", "name"),
        ("buddy.add", json!({ "account": account, "name": "juan@localhost", "group": bad("Work") }), "bad_group", "group"),
        ("buddy.move", json!({ "buddy": buddy["id"], "group": bad("Work") }), "bad_group", "group"),
        ("group.rename", json!({ "group": "Friends", "name": bad("Work") }), "bad_group", "group"),
        ("buddy.block", json!({ "account": account, "name": bad("juan@localhost") }), "bad_name", "name"),
        ("privacy.set", json!({ "account": account, "mode": "deny_users", "list": [bad("juan@localhost")] }), "bad_name", "list"),
        ("conversation.open", json!({ "account": account, "name": bad("juan@localhost") }), "bad_name", "name"),
        ("account.password", json!({ "account": account, "old": "x", "new": bad("sesame") }), "bad_field", "new"),
        ("room.join", json!({ "account": account, "fields": { "room": bad("den"), "handle": "Ines" } }), "bad_field", "room"),
        ("room.join", json!({ "account": account, "fields": { "room": "den", "handle": bad("Ines") } }), "bad_field", "handle"),
        (
            "room.join",
            json!({ "account": account, "fields": { "room": "den", "handle": "Ines", "password": bad("pass") } }),
            "bad_field",
            "password",
        ),
    ] {
        let id = ines.command(kind, fields.clone());
        let error = ines.outcome(&id).expect_err("it is refused");
        assert_eq!((&error["code"], &error["field"]), (&json!(code), &json!(field)), "{kind} {fields}: {error}");
    }
    for (update, field) in [
        (json!({ "username": format!("ines@localhost/{}", bad("desk")) }), "username"),
        (json!({ "password": bad("sesame") }), "password"),
        (json!({ "options": { "connect_server": bad("localhost") } }), "options.connect_server"),
    ] {
        let mut fields = update;
        fields["account"] = account.clone().into();
        let id = ines.new_id();
        let answer = ines.post_command(&id, "account.update", fields);
        assert_eq!(answer.body["rejected"][0]["error"]["field"], field, "{answer:?}");
    }

    // Still the same connection, and the next one shows the status again.
    assert!(!ines.kept().any(|event| event["type"] == "account.state"), "the connection was lost: {:?}", ines.kept().collect::<Vec<_>>());
    ines.carry_out("account.disable", json!({ "account": account }));
    bob.wait_for("ines gone", |stanza| stanza.is("type", "unavailable") && stanza.from_bare() == "ines@localhost");
    ines.carry_out("account.enable", json!({ "account": account }));
    ines.wait_account_state(&account, &["online", "waiting", "error"]);
    bob.wait_for("the status again", |stanza| stanza.name == "presence" && stanza.child_text("status") == Some("in the garden"));
}
