//! Promise: what one account receives costs others nothing to speak of: what a contact sends too much of is left out, what a server does ends that
//! account's connection, both in words.
#![allow(clippy::expect_used)]

use serde_json::{Value, json};
use support::{Daemon, RawConnection, RawServer, WireClient};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");

/// Signs in to such a server.
fn signed_in(
    daemon: &Daemon,
    tab: &str,
    name: &str,
    roster: &str,
) -> (WireClient, RawServer<support::Element>, RawConnection<support::Element>) {
    let server = RawServer::xmpp(roster);
    let mut client = daemon.client(tab);
    client.post("/login", &json!({ "network": server.xmpp_network(name) })).ok();
    client.attach();
    client.wait_online();
    let connection = server.connection();
    (client, server, connection)
}

fn is_lost(client: &mut WireClient, words: &str) -> Value {
    let account = client.account();
    let standing = client.wait_account_state(&account, &["waiting", "error"]);
    assert_eq!(standing["state"], "waiting", "{standing}");
    let said = standing["error"]["message"].as_str().unwrap_or_default();
    assert!(said.contains(words) && standing["retry_at"].is_string(), "{standing}");
    standing
}

fn message(body: &str) -> String {
    format!("<message from='bob@localhost/x' to='ines@localhost' type='chat'>{body}</message>")
}

#[test]
fn what_a_contact_sends_too_much_of_is_left_out_and_all_else_goes_on() {
    let daemon = Daemon::builder(BELLFLOWER).config("workers = 1").start();
    let attributes: String = (0..60_000).map(|n| format!(" a{n}='x'")).collect();
    let markup = |inside: &str| {
        let html =
            format!("<html xmlns='http://jabber.org/protocol/xhtml-im'><body xmlns='http://www.w3.org/1999/xhtml'>{inside}</body></html>");
        message(&format!("<body>plain</body>{html}"))
    };
    let deep = format!("first {}second{}", "<b>".repeat(5_000), "</b>".repeat(5_000));
    let long = message(&format!("<body>first {}</body>", "it&apos;s long ".repeat(150_000)));
    for (at, (much, words)) in [
        (markup(&format!("first <b{attributes}>second</b>")), "attributes"),
        (markup(&format!("first {}", "<i>x</i>".repeat(50_000))), "elements"),
        (markup(&deep), "in each other"),
        (long, "KiB"),
    ]
    .into_iter()
    .enumerate()
    {
        let (mut ines, _server, mut connection) = signed_in(&daemon, &format!("tab{at}"), &format!("ines{at}"), "");
        connection.write(much).expect("a client that reads");
        connection.write(message("<body>and then</body>")).expect("a client that reads");
        let notice = ines.wait_event("a word about it", |e| e["type"] == "notice.opened");
        assert!(notice.to_string().contains(words), "{notice}");
        let first = ines.wait_event("the message", |e| e["type"] == "message.received");
        assert!(first["message"]["text"].as_str().is_some_and(|text| text.starts_with("first ")), "{first}");
        ines.hears("and then");
        // Once is enough.
        connection.write(markup(&deep)).expect("a client that reads");
        connection.write(message("<body>at last</body>")).expect("a client that reads");
        ines.hears("at last");
        assert!(ines.kept().all(|event| event["type"] != "notice.opened"));
    }
    assert_eq!(daemon.stats()["workers_restarted"], 0);
}

#[test]
fn what_only_a_server_sends_ends_its_accounts_connection_and_nobody_elses() {
    let daemon = Daemon::builder(BELLFLOWER).config("workers = 1").start();
    let (mut other, _elsewhere, mut theirs) = signed_in(&daemon, "other", "eva", "");
    let long = format!("{}</message {}", message("").trim_end_matches("</message>"), " ".repeat(2 << 20));
    let entities = "<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'>]><message><body>&a;</body></message>".to_owned();
    for (at, (much, words)) in [(long, "KiB"), (entities, "document type")].into_iter().enumerate() {
        let (mut ines, _server, mut connection) = signed_in(&daemon, &format!("tab{at}"), &format!("ines{at}"), "");
        // It may hang up before it has all.
        let _ = connection.write(much);
        is_lost(&mut ines, words);
    }
    theirs.write(message("<body>hello</body>").replace("ines", "eva")).expect("a client that reads");
    other.hears("hello");
    assert_eq!(daemon.stats()["workers_restarted"], 0);
}

#[test]
fn a_list_of_thousands_of_groups_is_shown_in_some_of_them() {
    let groups: String = (0..24_000).map(|n| format!("<group>group{n}</group>")).collect();
    let many: String = (0..1_200).map(|n| format!("<item jid='u{n}@localhost' subscription='both'><group>g{n}</group></item>")).collect();
    let roster = format!("<item jid='bob@localhost' subscription='both'>{groups}</item>{many}");
    let daemon = Daemon::run(BELLFLOWER);
    let (mut ines, _server, mut connection) = signed_in(&daemon, "tab", "ines", &roster);
    ines.wait_event("a word about it", |e| e["notice"]["title"] == "This account's list has too many groups");
    let buddies = |event: &Value| event["buddies"].as_array().is_some_and(|all| all.iter().any(|buddy| buddy["name"] == "u1199@localhost"));
    ines.wait_event("the last of them", |e| buddies(e));
    connection.write(message("<body>hello</body>")).expect("a client that reads");
    ines.hears("hello");
    assert_eq!(daemon.stats()["workers_restarted"], 0);
}

#[test]
fn costs_are_told_to_the_admin() {
    let daemon = Daemon::run(BELLFLOWER);
    let (mut ines, _server, mut connection) = signed_in(&daemon, "tab", "ines", "");
    connection.write(message("<body>hello</body>")).expect("a client that reads");
    ines.hears("hello");
    let figure = |stats: &Value| stats["longest_event_microseconds"].as_u64().filter(|us| *us > 0);
    support::wait_until("the longest event", support::PATIENCE, || figure(&daemon.stats()));
    support::wait_until("the longest callback", support::PATIENCE, || {
        daemon.workers().iter().filter_map(|worker| worker["load"]["longest_call_us"].as_u64()).find(|us| *us > 0)
    });
}

#[test]
fn who_holds_others_up_again_and_again_gets_a_worker_of_their_own() {
    let daemon = Daemon::builder(BELLFLOWER).config("workers = 1").mischief("").start();
    let mut eva = daemon.client("eva");
    eva.sign_in_mischief("eva");
    let mut mallory = daemon.client("mallory");
    mallory.sign_in_mischief("mallory");
    let account = mallory.account();
    let conversation = mallory.open("someone");
    for _ in 0..3 {
        mallory.say(&conversation, "burn 1100");
    }
    let own = format!("suspect {account}");
    support::wait_until("a worker of their own", support::PATIENCE, || {
        daemon.workers().into_iter().find(|worker| worker["group"] == own.as_str() && worker["load"]["accounts"] == 1)
    });
    mallory.wait_account_state(&account, &["online"]);
    let late = |worker: &Value| worker["load"]["calls_too_long"].as_u64() == Some(3);
    assert!(daemon.workers().iter().any(late), "{:#?}", daemon.workers());
    let with_eva = eva.open("someone");
    eva.say(&with_eva, "pid");
}
