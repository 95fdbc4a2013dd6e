//! Promise: what is older than the site keeps, or its user, is nowhere any more: not in the history, not on the page, in no export and not in the
//! database. A browser that was not used for long is signed out.
#![allow(clippy::expect_used)]

use serde_json::{Value, json};
use support::{Daemon, PATIENCE, Postgres, Prosody, WireClient, XmppPeer, wait_until};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");
const PASSWORD: &str = "a long enough password";
const DAY_MS: u64 = 86_400_000;

/// The texts of a conversation's history.
fn history(client: &mut WireClient, talk: &str) -> Vec<String> {
    let page = client.get(&format!("/history?conversation={talk}&limit=100")).ok();
    page["messages"].as_array().expect("messages").iter().map(|message| message["text"].as_str().unwrap_or_default().to_owned()).collect()
}

/// All texts that the user can get at.
fn all_of(client: &mut WireClient) -> String {
    let json = client.get("/me/export?format=json").ok().to_string();
    let html = client.get_text("/me/export?format=html");
    client.attach();
    format!("{json}{html}{}", client.snapshot)
}

#[test]
fn what_is_too_old_is_found_by_nobody_after_a_start() {
    let prosody = Prosody::builder().users(["ines", "bob", "carol"]).friends("ines", "bob", "F").friends("ines", "carol", "F").start();
    let server = Postgres::start();
    server.database("site");
    let site = |more: &str| {
        let config = format!("registration = \"open\"\ndatabase = {:?}\n{more}", server.socket_url("site"));
        Daemon::builder(BELLFLOWER).config(&config).start()
    };
    let mut daemon = site("");
    let mut forgotten = daemon.client("lost-phone");
    forgotten.register("Ines", PASSWORD);
    let mut ines = daemon.client("tab");
    ines.sign_in("Ines", PASSWORD);
    ines.add_xmpp(&prosody, "ines");
    let (mut bob, mut carol) = (XmppPeer::connect(&prosody, "bob"), XmppPeer::connect(&prosody, "carol"));
    let (with_bob, with_carol) = (ines.open("bob@localhost"), ines.open("carol@localhost"));
    ines.carry_out("history.set", json!({ "conversation": with_carol, "days": 2 }));
    for (peer, texts) in [
        (&mut bob, ["bob, nine days ago", "bob, five days ago", "bob, today"]),
        (&mut carol, ["carol, nine days ago", "carol, five days ago", "carol, today"]),
    ] {
        for text in texts {
            peer.say("ines@localhost", text);
            ines.hears(text);
        }
    }
    daemon.stop();
    // A number is the time of arrival in milliseconds, and 16 bits.
    for days in ["nine", "five"] {
        let age = ((if days == "nine" { 9 } else { 5 }) * DAY_MS) << 16;
        let these = format!("select number from messages where body like '%{days} days ago'");
        server.sql("site", &format!("update message_terms set number=number-{age} where number in ({these})"));
        server.sql("site", &format!("update messages set number=number-{age} where body like '%{days} days ago'"));
    }
    let month = 31 * DAY_MS;
    server.sql("site", &format!("update browsers set used=used-{month} where created=(select min(created) from browsers)"));

    // Without an age of the site's the user's own counts, for the one conversation.
    daemon.start();
    ines.moved_to(daemon.url());
    let count = |table: &str, wanted: &str| {
        let asked = format!("select count(*) from {table}");
        wait_until("what is old to be gone", PATIENCE, || (server.sql("site", &asked) == wanted).then_some(()));
    };
    count("browsers", "1");
    forgotten.moved_to(daemon.url());
    assert_eq!(forgotten.get("/me").status, 401);
    count("messages", "4");
    ines.attach();
    assert_eq!(history(&mut ines, &with_bob), ["bob, nine days ago", "bob, five days ago", "bob, today"]);
    assert_eq!(history(&mut ines, &with_carol), ["carol, today"]);
    let all = all_of(&mut ines);
    assert!(all.contains("bob, nine days ago") && !all.contains("carol, nine days ago") && !all.contains("carol, five days ago"), "{all}");
    daemon.stop();

    let daemon = site("history_days = 7");
    ines.moved_to(daemon.url());
    count("messages", "3");
    ines.attach();
    assert_eq!(history(&mut ines, &with_bob), ["bob, five days ago", "bob, today"]);
    assert_eq!(history(&mut ines, &with_carol), ["carol, today"]);
    let all = all_of(&mut ines);
    assert!(all.contains("bob, five days ago") && !all.contains("nine days ago"), "{all}");
    let bodies = server.sql("site", "select string_agg(body,',') from messages");
    assert!(!bodies.contains("nine") && !server.dump("site").windows(4).any(|part| part == b"nine"), "{bodies}");
    let known: Vec<Value> = ines.snapshot["conversations"].as_array().expect("conversations").clone();
    assert_eq!(known.len(), 2, "the conversations themselves stay");
}
