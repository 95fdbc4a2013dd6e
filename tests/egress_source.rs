//! Promise: with `egress.source` each user's connections come from one address, always the same, and users are spread over all of them. Real servers
//! say where people come from.
#![allow(clippy::expect_used)]

use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use support::{Daemon, IrcPeer, Ngircd, PATIENCE, Prosody, WireClient, wait_until};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");
const SOURCES: [&str; 3] = ["127.0.0.11", "127.0.0.12", "127.0.0.13"];

/// The address from which a session of Prosody's came last.
fn seen_by(prosody: &Prosody, name: &str) -> String {
    wait_until("Prosody to see the session", PATIENCE, || {
        let log = prosody.log();
        let (_, rest) = log.rsplit_once(&format!("{name}@localhost/web comes from "))?;
        rest.lines().next().map(str::to_owned)
    })
}

#[test]
fn each_user_has_an_address_and_keeps_it() {
    let names: Vec<String> = (0..9).map(|at| format!("guest{at}")).collect();
    let prosody = Prosody::builder().users(names.iter().map(String::as_str)).telling_addresses().start();
    let ngircd = Ngircd::builder().start();
    let mut peer = IrcPeer::connect(&ngircd, "looks");
    assert_eq!(peer.whois("looks"), "127.0.0.1");
    let daemon = Daemon::builder(BELLFLOWER).environment("BELLFLOWER_EGRESS_SOURCE", &SOURCES.join(",")).start();
    let mut sources: BTreeMap<String, String> = BTreeMap::new();
    let mut clients = Vec::new();
    for nick in &names {
        let mut guest = daemon.client(nick);
        guest.sign_in_irc(&ngircd, nick);
        let from = peer.whois(nick);
        assert!(SOURCES.contains(&from.as_str()), "{from}");
        sources.insert(nick.clone(), from);
        clients.push(guest);
    }
    let used: BTreeSet<&String> = sources.values().collect();
    assert!(used.len() > 1, "everybody comes from {used:?}");
    // Another network of the same person, and the same account again.
    for (nick, client) in names.iter().zip(&mut clients).take(3) {
        let own = sources[nick].clone();
        let mut fields = WireClient::xmpp_network(&prosody, nick, &prosody.password(nick), &json!({}));
        fields["enabled"] = json!(true);
        client.carry_out("account.add", fields);
        assert_eq!(seen_by(&prosody, nick), own, "by XMPP");
        let account = client.account();
        client.carry_out("account.disable", json!({ "account": account }));
        client.carry_out("account.enable", json!({ "account": account }));
        client.wait_account_online(&account);
        assert_eq!(peer.whois(nick), own, "the second time");
    }
}

#[test]
fn an_address_that_is_not_here_is_told_and_connections_go_on_without_it() {
    let ngircd = Ngircd::builder().start();
    let daemon = Daemon::builder(BELLFLOWER).environment("BELLFLOWER_EGRESS_SOURCE", "192.0.2.77,127.0.0.14").start();
    assert!(daemon.log().contains("egress.source: 192.0.2.77 is not an address to connect from here"), "{}", daemon.log());
    let mut guest = daemon.client("guest");
    guest.sign_in_irc(&ngircd, "guest");
    // The other one is no address to reach this machine from.
    assert_eq!(IrcPeer::connect(&ngircd, "looks").whois("guest"), "127.0.0.14");
}
