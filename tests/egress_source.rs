//! Promise: with `egress.source` each user's connections come from one address, always the same, and users are spread over all of them.
#![allow(clippy::expect_used)]

use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use support::{Daemon, PATIENCE};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");
const SOURCES: [&str; 3] = ["127.0.0.11", "127.0.0.12", "127.0.0.13"];

/// An IRC server that welcomes everybody, and tells who came from where.
fn server() -> (SocketAddr, Receiver<(String, IpAddr)>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let (sender, came) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let sender = sender.clone();
            std::thread::spawn(move || welcome(&stream, |nick, from| _ = sender.send((nick, from))));
        }
    });
    (address, came)
}

fn welcome(stream: &TcpStream, tell: impl Fn(String, IpAddr)) {
    let Ok(from) = stream.peer_addr() else { return };
    for line in BufReader::new(stream).lines().map_while(Result::ok) {
        let mut words = line.split_ascii_whitespace();
        let answer = match (words.next(), words.next()) {
            (Some("NICK"), Some(nick)) => {
                tell(nick.to_owned(), from.ip());
                format!(":irc.test 001 {nick} :Welcome\r\n:irc.test 376 {nick} :End\r\n")
            }
            (Some("PING"), word) => format!("PONG {}\r\n", word.unwrap_or_default()),
            _ => continue,
        };
        let mut stream = stream;
        if stream.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

fn network(nick: &str, server: SocketAddr) -> Value {
    json!({ "protocol": "prpl-irc", "username": format!("{nick}@127.0.0.1"), "options": { "port": server.port() } })
}

#[test]
fn each_user_has_an_address_and_keeps_it() {
    let (server, came) = server();
    let daemon = Daemon::builder(BELLFLOWER).environment("BELLFLOWER_EGRESS_SOURCE", &SOURCES.join(",")).start();
    let mut clients = Vec::new();
    let mut sources: BTreeMap<String, IpAddr> = BTreeMap::new();
    for at in 0..9 {
        let nick = format!("guest{at}");
        let mut guest = daemon.client(&nick);
        guest.post("/login", &json!({ "network": network(&nick, server) })).ok();
        let (who, from) = came.recv_timeout(PATIENCE).expect("a connection");
        assert_eq!(who, nick);
        assert!(SOURCES.contains(&from.to_string().as_str()), "{from}");
        sources.insert(nick, from);
        guest.attach();
        clients.push(guest);
    }
    let used: BTreeSet<IpAddr> = sources.values().copied().collect();
    assert!(used.len() > 1, "everybody comes from {used:?}");
    // Another account of the same person, and the same account again.
    for (at, client) in clients.iter_mut().enumerate().take(3) {
        let own = sources[&format!("guest{at}")];
        let mut fields = network(&format!("second{at}"), server);
        fields["enabled"] = json!(true);
        client.carry_out("account.add", fields);
        assert_eq!(came.recv_timeout(PATIENCE).expect("a connection"), (format!("second{at}"), own));
        let account = client.account();
        client.carry_out("account.disable", json!({ "account": account }));
        client.carry_out("account.enable", json!({ "account": account }));
        assert_eq!(came.recv_timeout(PATIENCE).expect("a connection"), (format!("guest{at}"), own));
    }
}

#[test]
fn an_address_that_is_not_here_is_told_and_connections_go_on_without_it() {
    let (server, came) = server();
    let daemon = Daemon::builder(BELLFLOWER).environment("BELLFLOWER_EGRESS_SOURCE", "192.0.2.77,127.0.0.14").start();
    assert!(daemon.log().contains("egress.source: 192.0.2.77 is not an address to connect from here"), "{}", daemon.log());
    let mut guest = daemon.client("guest");
    guest.post("/login", &json!({ "network": network("guest", server) })).ok();
    // The other one is no address to reach this machine from.
    assert_eq!(came.recv_timeout(PATIENCE).expect("a connection").1.to_string(), "127.0.0.14");
}
