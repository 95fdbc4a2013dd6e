//! Promise: whoever brings workers down, from wherever and with however many accounts, takes no network from others, and strangers' servers are met by
//! strangers.
#![allow(clippy::expect_used)]

use serde_json::{Value, json};
use support::{Daemon, DaemonBuilder, PATIENCE, Prosody, WireClient, free_port, wait_until};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");
/// Where the innocent are.
const HERE: &str = "192.0.2.1";
/// Somebody else.
const THERE: &str = "203.0.113.1";

/// A daemon that is told where its visitors are.
fn site() -> DaemonBuilder {
    let builder = Daemon::builder(BELLFLOWER).limit("attaches_per_minute", 0);
    builder.config("isolation = \"shared\"").config("workers = 1").config("trusted_proxies = [\"127.0.0.1\"]")
}

fn signed_in(daemon: &Daemon, prosody: &Prosody, name: &str, address: &str) -> WireClient {
    let mut client = daemon.client(name).at(address);
    client.sign_in_xmpp(prosody, name);
    client
}

/// Posts the log-in of somebody whose protocol does harm on command, on such a server.
fn log_in(daemon: &Daemon, name: &str, address: &str, server: &str) -> WireClient {
    let mut client = daemon.client(name).at(address);
    let network = json!({ "protocol": "prpl-mischief", "username": name, "options": { "server": server } });
    client.post("/login", &json!({ "network": network })).ok();
    client.attach();
    client
}

/// Has an account end its worker so often. How it stands then.
fn crash(client: &mut WireClient, times: usize) -> Value {
    settled(client);
    for _ in 0..times {
        let harm = client.open("harm");
        client.command("message.send", json!({ "conversation": harm, "text": "abort" }));
        client.wait_event("the account's end", |e| {
            let code = &e["error"]["code"];
            e["type"] == "account.state" && (code == "restarting" || code == "set_aside")
        });
        if settled(client)["state"] == "error" {
            break;
        }
    }
    client.snapshot["accounts"][0].clone()
}

/// Waits until the account is online, or in error for good. How it stands then.
fn settled(client: &mut WireClient) -> Value {
    wait_until("what becomes of the account", PATIENCE, || {
        client.attach();
        let account = client.snapshot["accounts"][0].clone();
        (account["state"] == "online" || account["state"] == "error").then_some(account)
    })
}

/// What is set aside of a kind: names and reasons.
fn aside(daemon: &Daemon, kind: &str) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().expect("words").to_owned();
    let all = daemon.stats()["aside"].as_array().expect("what is set aside").clone();
    all.iter().filter(|one| one["kind"] == kind).map(|one| (text(&one["name"]), text(&one["why"]))).collect()
}

/// The workers with accounts: how many, on servers how far known.
fn workers(daemon: &Daemon) -> Vec<(u64, String)> {
    let worker = |one: &Value| (one["load"]["accounts"].as_u64().unwrap_or_default(), one["servers"].as_str().expect("words").to_owned());
    let mut all: Vec<_> = daemon.workers().iter().map(worker).filter(|(accounts, _)| *accounts > 0).collect();
    all.sort();
    all
}

fn wait_workers(daemon: &Daemon, wanted: &[(u64, &str)]) {
    let wanted: Vec<_> = wanted.iter().map(|(accounts, servers)| (*accounts, (*servers).to_owned())).collect();
    wait_until(&format!("workers {wanted:?}"), PATIENCE, || (workers(daemon) == wanted).then_some(()));
}

/// How often an account was without a worker since it attached.
fn times_away(client: &mut WireClient) -> usize {
    // What is answered comes after what was told before.
    let account = client.account();
    let id = client.command("buddy.info", json!({ "account": account, "name": "nobody@localhost" }));
    client.wait_event("an answer", |e| e["origin"]["command"] == json!(id));
    // Each step of a return says again what it is.
    let mut before = false;
    let states = client.kept().filter(|e| e["type"] == "account.state").map(|e| e["error"]["code"] == "restarting");
    states.filter(|away| !std::mem::replace(&mut before, *away) && *away).count()
}

#[test]
fn one_visitor_takes_no_network_from_others_with_however_many_accounts_and_servers() {
    let prosody = Prosody::with_users(["ines", "ida"]);
    let daemon = site().mischief("crashes = 3\ncrash_window = \"10m\"").start();
    let mut ines = signed_in(&daemon, &prosody, "ines", HERE);
    // All from one neighbourhood, each on a server of its own.
    for number in 1..=3 {
        let mut guest = log_in(&daemon, &format!("guest{number}"), &format!("198.51.100.{number}"), &format!("evil{number}.example"));
        let stands = crash(&mut guest, 3);
        assert_eq!(stands["error"]["code"], "set_aside", "{stands}");
        assert!(
            stands["error"]["message"].as_str().is_some_and(|words| words.contains("3 times") && words.contains("minutes")),
            "{stands}"
        );
    }
    assert_eq!(times_away(&mut ines), 1, "only the first crash was under her roof");
    let stats = daemon.stats();
    assert_eq!(
        (&stats["protocols_aside"], &stats["servers_aside"], &stats["accounts_aside"]),
        (&json!(0), &json!(0), &json!(3)),
        "{stats}"
    );
    let accounts = aside(&daemon, "account");
    assert!(accounts.len() == 3 && accounts.iter().all(|(_, why)| why.contains("3 times")), "{accounts:?}");
    // The same network on another server, and for the visitors themselves.
    let mut eve = log_in(&daemon, "eve", THERE, "fine.example");
    eve.wait_online();
    log_in(&daemon, "guest4", "198.51.100.4", "evil4.example").wait_online();
    signed_in(&daemon, &prosody, "ida", "198.51.100.5").open("ines@localhost");
    ines.open("ida@localhost");
}

#[test]
fn three_people_set_a_server_aside_and_nobody_elsewhere() {
    let daemon = site().mischief("crashes = 3\ncrash_window = \"10m\"").start();
    let mut people: Vec<_> =
        (1..=3).map(|number| log_in(&daemon, &format!("p{number}"), &format!("198.51.{number}.1"), "Evil.example")).collect();
    for client in &mut people[..2] {
        assert_eq!(crash(client, 1)["state"], "online");
    }
    let stands = crash(&mut people[2], 1);
    let told = |value: &Value| value["message"].as_str().expect("words").to_owned();
    assert_eq!(stands["error"]["code"], "set_aside");
    assert!(
        told(&stands["error"]).starts_with("The server evil.example is set aside for some minutes, because accounts of 3 people"),
        "{stands}"
    );
    let servers = aside(&daemon, "server");
    assert!(matches!(servers.as_slice(), [(name, why)] if name == "evil.example" && why.contains("3 people")), "{servers:?}");
    assert!(daemon.log().contains("the server evil.example is set aside"), "the admin is not told");
    assert_eq!(daemon.stats()["servers_aside"], 1);
    // Those who crashed once, and those who only shared a worker, keep what they have; nobody new comes.
    let mut dan = log_in(&daemon, "dan", THERE, "evil.example");
    let account = dan.account();
    let refused = settled(&mut dan);
    assert!(refused["error"]["code"] == "set_aside" && told(&refused["error"]).contains("evil.example"), "{refused}");
    let again = dan.command("account.connect", json!({ "account": account }));
    assert_eq!(dan.outcome(&again).expect_err("it is set aside")["code"], "set_aside");
    log_in(&daemon, "eve", THERE, "other.example").wait_online();
    people[0].attach();
    assert_eq!(people[0].snapshot["accounts"][0]["state"], "online");
}

#[test]
fn guests_on_however_many_servers_take_no_protocol_from_others() {
    let prosody = Prosody::with_users(["ines"]);
    let daemon = site().mischief("crashes = 3\ncrash_window = \"10m\"").start();
    for number in 1..=4 {
        let mut client = log_in(&daemon, &format!("p{number}"), &format!("198.51.{number}.1"), &format!("evil{number}.example"));
        assert_eq!(crash(&mut client, 1)["state"], "online");
    }
    assert!(aside(&daemon, "protocol").is_empty());
    let mut dan = log_in(&daemon, "dan", THERE, "fine.example");
    dan.wait_online();
    signed_in(&daemon, &prosody, "ines", HERE).open("ines@localhost");
}

#[test]
fn strangers_servers_are_met_by_strangers_only() {
    let prosody = Prosody::with_users(["ines", "ida"]);
    let mut daemon = site().mischief("crash_window = \"2s\"").start();
    daemon.allow_log("Connection refused");
    let mut ines = signed_in(&daemon, &prosody, "ines", HERE);
    // Nobody else has been there for as long as the window yet, and nobody is moved for what becomes known.
    let mut ida = wait_until("her server to be known to others", PATIENCE, || {
        let mut ida = signed_in(&daemon, &prosody, "ida", THERE);
        if workers(&daemon).iter().any(|(_, servers)| servers == "known") {
            return Some(ida);
        }
        ida.post("/logout", &json!({}));
        None
    });
    wait_workers(&daemon, &[(1, "known"), (1, "known")]);
    let mut mallory = log_in(&daemon, "mallory", "198.51.100.1", "evil.example");
    mallory.wait_online();
    wait_workers(&daemon, &[(1, "known"), (1, "known"), (1, "unknown")]);
    crash(&mut mallory, 1);
    assert_eq!((times_away(&mut ines), times_away(&mut ida)), (0, 0));
    // One on a known server who goes to a stranger's is not met there by those who were under the same roof.
    let mut eve = daemon.client("eve").at(THERE);
    eve.log_in_xmpp(&prosody, "ida", &prosody.password("ida"), &json!({})).ok();
    eve.attach();
    eve.wait_online();
    wait_workers(&daemon, &[(1, "known"), (1, "unknown"), (2, "known")]);
    let account = eve.account();
    eve.carry_out("account.update", json!({ "account": account, "options": { "port": free_port() } }));
    wait_workers(&daemon, &[(1, "known"), (1, "known"), (1, "unknown"), (1, "unknown")]);
    assert_eq!((times_away(&mut ines), times_away(&mut ida)), (0, 0));
}
