//! Promise: no line that an IRC server may send takes a worker down, nor makes libpurple complain.
#![allow(clippy::expect_used)]

use serde_json::json;
use std::time::Duration;
use support::{Daemon, RawConnection, RawServer, WireClient};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");

const VERBS: &[&str] = &[
    "PRIVMSG",
    "NOTICE",
    "JOIN",
    "PART",
    "QUIT",
    "NICK",
    "KICK",
    "MODE",
    "TOPIC",
    "INVITE",
    "PING",
    "PONG",
    "CAP",
    "AUTHENTICATE",
    "WALLOPS",
    "ERROR",
    "ACCOUNT",
    "AWAY",
    "BATCH",
    "TAGMSG",
    "privmsg",
    "",
    "0",
    "99999",
];

/// What stands behind the verb: no parameter to three, and what is none.
const PARAMETERS: &[&str] = &[
    "",
    " ",
    "  ",
    " :",
    " ines",
    " #a",
    " :#a",
    " ines #a",
    " #a bob",
    " #a :bob",
    " * ACK :sasl",
    " ines  :",
    " #a  ",
    " ines #a bob",
    " #a ines :x",
    " ines = #a",
    " ines = #a :@ + bob",
    " #a +o ines",
    " ines ACK sasl",
    " \u{1}\u{1} \u{1} :\u{1}",
];

const PREFIXES: &[&str] = &[":bob!b@host", ":irc.test", ":ines!i@host", ":", ":!", ":@", ""];

fn daemon() -> (Daemon, WireClient, RawServer<String>) {
    let server = RawServer::irc();
    let mut daemon = Daemon::builder(BELLFLOWER).table("[accounts]\nreconnect_first = \"10ms\"\nreconnect_most = \"20ms\"\n").start();
    let mut ines = daemon.client("tab");
    // What the plugin itself says of channels and people that are not there. libpurple's own complaints are another matter.
    daemon.allow_log("worker 1: irc: ");
    daemon.allow_log("lines of libpurple and its plugins were dropped");
    ines.post("/login", &json!({ "network": server.irc_network("ines") })).ok();
    ines.attach();
    (daemon, ines, server)
}

/// The next connection, welcomed and in a channel if it is to be so.
fn connected(server: &RawServer<String>, welcomed: bool) -> RawConnection<String> {
    let mut connection = server.connection();
    if welcomed {
        let welcome = ":irc.test 001 ines :Welcome\r\n:irc.test 376 ines :End\r\n:ines!i@host JOIN #a\r\n:irc.test 353 ines = #a :ines @bob\r\n\
                       :irc.test 366 ines #a :End\r\n";
        // It may have gone again.
        let _ = connection.write(welcome);
    }
    connection
}

fn still_answers(connection: &mut RawConnection<String>) -> bool {
    connection.answers(":irc.test PING :are-you-there\r\n", |line| line.starts_with("PONG") && line.contains("are-you-there"))
}

/// Sends groups of lines, to a new connection whenever the one before was ended, and wants an answer after each.
fn survives(daemon: &Daemon, ines: &mut WireClient, server: &RawServer<String>, welcomed: bool, groups: impl Iterator<Item = Vec<u8>>) {
    let mut connection = connected(server, welcomed);
    for group in groups {
        let _ = connection.write(&group);
        if !still_answers(&mut connection) {
            assert_eq!(daemon.stats()["workers_restarted"], 0, "after {:?}", String::from_utf8_lossy(&group));
            // Some of them say that there is no use in trying again.
            ines.command("account.connect", json!({ "account": ines.account() }));
            connection = connected(server, welcomed);
        }
    }
    assert!(still_answers(&mut connection));
    assert_eq!(daemon.stats()["workers_restarted"], 0);
}

fn every_line(verb: &str) -> Vec<u8> {
    let lines = PREFIXES.iter().flat_map(|prefix| PARAMETERS.iter().map(move |rest| format!("{prefix} {verb}{rest}\r\n")));
    lines.collect::<String>().into_bytes()
}

fn verbs() -> impl Iterator<Item = String> {
    VERBS.iter().map(|verb| (*verb).to_owned()).chain((0..1000).map(|number| format!("{number:03}")))
}

#[test]
fn every_numeric_and_verb_with_any_parameters_is_survived() {
    let (daemon, mut ines, server) = daemon();
    survives(&daemon, &mut ines, &server, true, verbs().map(|verb| every_line(&verb)));
}

#[test]
fn every_numeric_and_verb_is_survived_before_the_welcome() {
    let (daemon, mut ines, server) = daemon();
    // One by one: many of them end a sign-on.
    let lines =
        verbs().flat_map(|verb| ["", " ines", " ines #a", " * ines :x"].map(|rest| format!(":irc.test {verb}{rest}\r\n").into_bytes()));
    let interesting =
        |line: &Vec<u8>| !line.starts_with(b":irc.test ") || line.get(10).is_none_or(|digit| *digit != b'0' && *digit != b'1');
    survives(&daemon, &mut ines, &server, false, lines.filter(interesting));
}

#[test]
fn lines_that_are_none_are_survived() {
    let (daemon, mut ines, server) = daemon();
    let long = |prefix: &str, length: usize| [prefix.as_bytes(), &vec![b'x'; length], b"\r\n"].concat();
    let groups = vec![
        b"\r\n\r\n\n\n\r\r\n   \r\n :\r\n: \r\n:x\r\n:x \r\n".to_vec(),
        b":bob!b@host PRIVMSG #a :one\rQUIT :two\r\n:bob!b@host PRIVMSG ines :\x01PING 1\rQUIT\x01\r\n".to_vec(),
        [b"\0\0\0:bob!b@host PRIVMSG #a :a\0b\r\n".to_vec(), b"\r\n".repeat(20_000)].concat(),
        long(":bob!b@host PRIVMSG #a :", 600),
        long(":bob!b@host PRIVMSG #a :", 8_000),
        long(":bob!b@host PRIVMSG #a :", 100_000),
        long(":", 100_000),
        vec![b'x'; 1 << 20],
        vec![b' '; 1 << 20],
        b"\r\n".repeat(100_000),
    ];
    survives(&daemon, &mut ines, &server, true, groups.into_iter());
    ines.wait_event("no second command out of one line", |e| e["message"]["text"] == "one QUIT :two");
    ines.wait_online();
}

#[test]
fn what_follows_a_log_in_by_sasl_is_survived() {
    let server = RawServer::irc();
    let daemon = Daemon::builder(BELLFLOWER).table("[accounts]\nreconnect_first = \"10ms\"\nreconnect_most = \"20ms\"\n").start();
    let mut ines = daemon.client("tab");
    let mut network = server.irc_network("ines");
    network["password"] = "secret".into();
    network["options"]["sasl"] = true.into();
    network["options"]["auth_plain_in_clear"] = true.into();
    ines.post("/login", &json!({ "network": network })).ok();
    ines.attach();
    let mut connection = server.connection();
    let after =
        [":irc.test 904\r\n", ":irc.test 904 ines :x\r\n", "AUTHENTICATE +\r\n", ":irc.test 906\r\n", ":irc.test CAP * ACK :sasl\r\n"];
    let mut said = String::from(":irc.test CAP * ACK :sasl\r\n:irc.test 903\r\n");
    said.extend(after);
    said.push_str(":irc.test 001 ines :Welcome\r\n:irc.test 376 ines :End\r\n");
    said.extend(after);
    connection.write(said).expect("a client that reads");
    ines.wait_online();
    assert!(still_answers(&mut connection));
    assert_eq!(daemon.stats()["workers_restarted"], 0);
    assert!(connection.next_within(Duration::ZERO).is_none_or(|line| !line.starts_with("AUTHENTICATE")));
}
