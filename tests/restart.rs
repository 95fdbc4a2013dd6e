//! Promise: a daemon that is told to end says so to every open page, signs its accounts off, ends well and soon, and starts again as new.
#![allow(clippy::expect_used)]

use std::net::TcpListener;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{Daemon, PATIENCE, Prosody, WireClient, XmppPeer, wait_until};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");

/// Pages that have a poll open when it ends.
const PAGES: usize = 12;

/// Polls that have come and have no answer yet.
fn polls_held(daemon: &Daemon) -> u64 {
    let figures = daemon.stats();
    let figure = |name: &str| figures[name].as_u64().unwrap_or_else(|| panic!("no {name} in {figures}"));
    figure("polls").saturating_sub(figure("answers") + figure("answers_empty"))
}

#[test]
fn held_polls_are_told_and_accounts_signed_off() {
    let prosody = Prosody::builder().users(["ines", "bob"]).friends("ines", "bob", "Friends").start();
    let mut daemon = Daemon::builder(BELLFLOWER).hold_ms(55_000).start();
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let mut ines = daemon.client("page0");
    ines.sign_in_xmpp(&prosody, "ines");
    bob.wait_for("ines", |s| s.name == "presence" && s.attr("type").is_none() && s.from_bare() == "ines@localhost");
    let mut pages: Vec<WireClient> = (1..PAGES).map(|page| ines.tab(&format!("page{page}"))).collect();
    pages.iter_mut().for_each(|page| drop(page.attach()));
    pages.push(ines);
    // After this nothing more comes by itself.
    bob.say("ines@localhost", "good night");
    pages.iter_mut().for_each(|page| drop(page.hears("good night")));

    let last = std::thread::scope(|scope| {
        let polls: Vec<_> = pages.iter_mut().map(|page| scope.spawn(|| last_answer(page))).collect();
        wait_until("all polls to be held", PATIENCE, || (polls_held(&daemon) == PAGES as u64).then_some(()));
        let told = Instant::now();
        daemon.stop();
        assert!(told.elapsed() < Duration::from_secs(15), "it took {:?} to end", told.elapsed());
        polls.into_iter().map(|poll| poll.join().expect("a poll")).collect::<Vec<_>>()
    });
    let mut waits: Vec<_> = last.iter().map(|answer| answer["retry_ms"].as_u64().expect("retry_ms")).collect();
    assert!(waits.iter().all(|wait| (1..=60_000).contains(wait)), "{waits:?}");
    waits.sort_unstable();
    waits.dedup();
    assert!(waits.len() > 1, "they all return at once: {waits:?}");
    bob.wait_for("ines's leaving", |s| s.is("type", "unavailable") && s.from_bare() == "ines@localhost");

    // Guests do not outlive the daemon: their pages are told, and can sign in anew.
    daemon.start();
    let mut page = pages.pop().expect("a page");
    page.moved_to(daemon.url());
    let query = page.poll_query();
    let refused = page.get(&format!("/poll?{query}"));
    assert_eq!(refused.status, 401, "{refused:?}");
    page.sign_in_xmpp(&prosody, "ines");
}

/// Polls until there is an end, which must be that of the daemon.
fn last_answer(page: &mut WireClient) -> Value {
    loop {
        let answer = page.poll();
        assert_eq!(answer.status, 200, "{answer:?}");
        if answer.body["end"].is_string() {
            assert_eq!(answer.body["end"], "restart", "{answer:?}");
            return answer.body;
        }
    }
}

#[test]
fn it_ends_soon_in_the_midst_of_sign_ons() {
    let prosody = Prosody::with_users(["ines"]);
    // A server that accepts and never says a word.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = silent.local_addr().expect("an address").port();
    let mut daemon = Daemon::run(BELLFLOWER);
    let mut clients = Vec::new();
    for number in 0..10 {
        let mut client = daemon.client(&format!("tab{number}"));
        client.log_in_xmpp(&prosody, "ines", "secret-ines", &json!({ "port": port })).ok();
        clients.push(client);
    }
    let mut connections = Vec::new();
    while connections.len() < clients.len() {
        connections.push(silent.accept().expect("a connection of the daemon's"));
    }
    let told = Instant::now();
    daemon.stop();
    assert!(told.elapsed() < Duration::from_secs(15), "it took {:?} to end", told.elapsed());
}

#[test]
fn a_daemon_that_was_killed_starts_again() {
    let prosody = Prosody::with_users(["ines"]);
    let mut daemon = Daemon::run(BELLFLOWER);
    daemon.client("tab").sign_in_xmpp(&prosody, "ines");
    daemon.kill();
    daemon.start();
    daemon.client("tab").sign_in_xmpp(&prosody, "ines");
}
