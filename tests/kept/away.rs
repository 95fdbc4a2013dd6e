//! The database does not answer, is gone, or has no room: chat goes on, all who look are told, and nothing needs a restart afterwards.

use super::{BELLFLOWER, PASSWORD, history};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::{Duration, Instant};
use support::{Daemon, DaemonBuilder, PATIENCE, Postgres, Prosody, WireClient, XmppPeer, wait_until};

/// What is to be done at once. Nothing here takes a tenth of it, unless the machine is busy.
const AT_ONCE: Duration = Duration::from_secs(5);

fn site(database: &str) -> DaemonBuilder {
    Daemon::builder(BELLFLOWER).config(&format!("registration = \"open\"\n{database}")).limit("registrations_per_minute", 0)
}

fn friends() -> Prosody {
    Prosody::builder().users(["ines", "bob", "carol"]).friends("ines", "bob", "Friends").start()
}

fn texts(messages: &[Value]) -> Vec<&str> {
    messages.iter().map(|message| message["text"].as_str().expect("a text")).collect()
}

fn say_and_end(client: &mut WireClient, talk: &str, text: &str) -> (Value, Duration) {
    let asked = Instant::now();
    let result = client.carry_out("message.send", json!({ "conversation": talk, "text": text }));
    (result, asked.elapsed())
}

fn is_kept(client: &mut WireClient, kept: bool) {
    client.wait_event("whether it is kept", |event| event["type"] == "kept" && event["kept"] == kept);
}

fn all_is_stored(daemon: &Daemon) {
    wait_until("everything to be stored", PATIENCE, || {
        let stats = daemon.stats();
        (stats["store_kept"] == 1 && stats["store_writes_waiting"] == 0).then_some(())
    });
}

/// What has to hold while the database is away, whatever became of it. `talk` is Ines's with Bob.
fn chat_goes_on(daemon: &Daemon, ines: &mut WireClient, talk: &str, bob: &mut XmppPeer) {
    // The first may find it out.
    let (first, _) = say_and_end(ines, talk, "while away 1");
    assert_eq!(first, json!({ "kept": false }));
    bob.hears("while away 1");
    is_kept(ines, false);
    assert_eq!(daemon.stats()["store_kept"], 0);
    assert!(daemon.log().contains("the database is away, nothing is being kept"), "{}", daemon.log());
    let (second, took) = say_and_end(ines, talk, "while away 2");
    assert!(second == json!({ "kept": false }) && took < AT_ONCE, "{second} after {took:?}");
    bob.hears("while away 2");
    bob.say("ines@localhost", "while away 3");
    ines.hears("while away 3");
    let asked = Instant::now();
    let id = ines.command("settings.set", json!({ "values": { "theme": "light" } }));
    let error = ines.outcome(&id).expect_err("it cannot be stored");
    assert!(error["code"] == "store_unavailable" && error["retry_ms"].as_u64() > Some(0), "{error}");
    // A page whose session is in memory works.
    let mut tab = ines.tab("ines-other-tab");
    tab.attach();
    assert_eq!(tab.snapshot["kept"], false);
    assert!(asked.elapsed() < AT_ONCE, "{:?}", asked.elapsed());
}

/// The page of somebody who has no session in memory: to be tried again, and the cookie stays good.
fn is_told_to_wait(page: &mut WireClient) {
    let asked = Instant::now();
    let answer = page.post("/attach", &json!({ "client": "olga-tab" }));
    let took = asked.elapsed();
    assert_eq!((answer.status, answer.code()), (503, "store_unavailable"), "{answer:?}");
    assert!(answer.body["error"]["retry_ms"].as_u64() > Some(0) && answer.header("set-cookie").is_none(), "{answer:?}");
    assert!(took < AT_ONCE, "{took:?}");
}

#[test]
fn chat_goes_on_while_postgresql_hangs() {
    let prosody = friends();
    let server = Postgres::start();
    server.database("site");
    let mut daemon = site(&format!("database = {:?}", server.socket_url("site"))).start();
    let mut olga = daemon.client("olga-tab");
    olga.register("Olga", PASSWORD);
    let mut ines = daemon.client("ines-tab");
    ines.register("Ines", PASSWORD);
    let account = ines.add_xmpp(&prosody, "ines");
    let talk = ines.open("bob@localhost");
    // Nobody is in memory but who has come since.
    daemon.stop();
    daemon.start();
    [&mut ines, &mut olga].into_iter().for_each(|client| client.moved_to(daemon.url()));
    ines.attach();
    ines.wait_account_online(&account);
    let mut bob = XmppPeer::connect(&prosody, "bob");
    assert_eq!(say_and_end(&mut ines, &talk, "before").0, Value::Null);
    let process = daemon.id();

    server.hang();
    chat_goes_on(&daemon, &mut ines, &talk, &mut bob);
    is_told_to_wait(&mut olga);

    server.go_on();
    is_kept(&mut ines, true);
    all_is_stored(&daemon);
    ines.carry_out("settings.set", json!({ "values": { "theme": "light" } }));
    assert_eq!(say_and_end(&mut ines, &talk, "after").0, Value::Null);
    olga.attach();
    let (messages, gaps) = history(&mut ines, &talk);
    assert_eq!(texts(&messages), ["before", "while away 1", "while away 2", "while away 3", "after"]);
    assert!(gaps.iter().all(|gap| gap["why"] != "store"), "{gaps:?}");
    assert_eq!(daemon.id(), process);
}

#[test]
fn a_full_queue_leaves_a_gap_that_says_so() {
    let prosody = friends();
    let mut server = Postgres::start();
    server.database("site");
    let mut daemon = site(&format!("database = {:?}", server.socket_url("site"))).limit("store_queue_mb", 1).start();
    let mut ines = daemon.client("ines-tab");
    ines.register("Ines", PASSWORD);
    let account = ines.add_xmpp(&prosody, "ines");
    let talk = ines.open("bob@localhost");
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let mut carol = XmppPeer::connect(&prosody, "carol");
    server.kill();
    chat_goes_on(&daemon, &mut ines, &talk, &mut bob);
    let text = |number: usize| format!("{number} {}", "x".repeat(20_000));
    for number in 0..80 {
        bob.say("ines@localhost", &text(number));
        ines.hears(&text(number));
    }
    // Somebody new, of whom there is no room to note anything.
    carol.say("ines@localhost", "too late to be kept");
    let other = ines.wait_event("carol", |event| event["type"] == "message.received")["conversation"].as_str().expect("id").to_owned();
    assert!(daemon.stats()["store_writes_left_out"].as_u64() > Some(20));
    server.restart();
    is_kept(&mut ines, true);
    // Without another word the gap is there, and its end.
    let told = ines.wait_event("the gap", |event| event["type"] == "conversation.gap" && event["conversation"] == *talk);
    all_is_stored(&daemon);
    let (messages, gaps) = history(&mut ines, &talk);
    let kept: Vec<_> = texts(&messages).iter().map(|text| text.split(' ').next().expect("a word").to_owned()).collect();
    let count = kept.len() - 3;
    assert!(count > 20 && count < 80, "{kept:?}");
    assert_eq!(kept[3..], (0..count).map(|number| number.to_string()).collect::<Vec<_>>());
    let gap = gaps.iter().find(|gap| gap["why"] == "store").unwrap_or_else(|| panic!("no gap in {gaps:?}"));
    assert!(gap["after"] == messages[messages.len() - 1]["id"] && gap["to"].is_string(), "{gap}");
    assert_eq!(told["gap"]["after"], gap["after"], "{told}");
    // What could not be noted in that time is noted now.
    carol.say("ines@localhost", "in time");
    ines.hears("in time");
    bob.say("ines@localhost", "in time, too");
    ines.hears("in time, too");
    ines.carry_out("conversation.read", json!({ "conversation": other }));
    daemon.kill();
    daemon.start();
    ines.moved_to(daemon.url());
    ines.attach();
    ines.wait_account_online(&account);
    let (messages, gaps) = history(&mut ines, &other);
    assert_eq!(texts(&messages), ["in time"]);
    assert!(gaps.iter().any(|gap| gap["why"] == "store" && gap["after"].is_null()), "{gaps:?}");
    assert_eq!(history(&mut ines, &talk).0.last().expect("messages")["text"], "in time, too");
}

#[test]
fn nothing_overtakes_what_waits_while_the_database_is_away() {
    let prosody = friends();
    let mut server = Postgres::start();
    server.database("site");
    let daemon = site(&format!("database = {:?}", server.socket_url("site"))).start();
    let mut ines = daemon.client("ines-tab");
    ines.register("Ines", PASSWORD);
    let account = ines.add_xmpp(&prosody, "ines");
    let talk = ines.open("bob@localhost");
    let mut bob = XmppPeer::connect(&prosody, "bob");
    ines.carry_out("account.disable", json!({ "account": account }));
    say_and_end(&mut ines, &talk, "first");
    server.kill();
    ines.carry_out("account.enable", json!({ "account": account }));
    is_kept(&mut ines, false);
    ines.attach();
    ines.wait_account_online(&account);
    assert_eq!(say_and_end(&mut ines, &talk, "second").0, json!({ "kept": false }));
    server.restart();
    for text in ["first", "second"] {
        let heard = bob.wait_for("a message", |stanza| stanza.child("body").is_some());
        assert_eq!(heard.child("body").map(|body| body.text.as_str()), Some(text));
    }
    all_is_stored(&daemon);
    assert_eq!(texts(&history(&mut ines, &talk).0), ["first", "second"]);
}

/// Sets how long a file of a process may become.
fn limit_files(process: u32, bytes: &str) {
    let limited = Command::new("prlimit").arg(format!("--pid={process}")).arg(format!("--fsize={bytes}:unlimited")).status();
    assert!(limited.expect("prlimit, of util-linux").success());
}

#[test]
fn chat_goes_on_while_the_disk_is_full() {
    let prosody = friends();
    // Too long a file is to be an error, as a full disk is, and not a signal.
    let directory = tempfile::tempdir().expect("a directory");
    let binary = directory.path().join("bellflower");
    std::fs::write(&binary, format!("#!/bin/sh\ntrap '' XFSZ\nexec {BELLFLOWER:?} \"$@\"\n")).expect("a script");
    std::fs::set_permissions(&binary, std::fs::Permissions::from_mode(0o755)).expect("it is a program");
    let daemon = Daemon::builder(&binary).config("registration = \"open\"");
    let daemon = daemon.limit("registrations_per_minute", 0).limit("commands_per_second", 10_000).start();
    let mut ines = daemon.client("ines-tab");
    ines.register("Ines", PASSWORD);
    ines.add_xmpp(&prosody, "ines");
    let talk = ines.open("bob@localhost");
    let mut bob = XmppPeer::connect(&prosody, "bob");
    assert_eq!(say_and_end(&mut ines, &talk, "before").0, Value::Null);

    limit_files(daemon.id(), "1000000");
    let mut count = 0;
    let full = wait_until("the disk to be full", PATIENCE, || {
        count += 1;
        let id = ines.command("settings.set", json!({ "values": { "filler": format!("{count} {}", "y".repeat(50_000)) } }));
        ines.outcome(&id).err()
    });
    assert_eq!(full["code"], "store_unavailable");
    chat_goes_on(&daemon, &mut ines, &talk, &mut bob);

    limit_files(daemon.id(), "unlimited");
    is_kept(&mut ines, true);
    all_is_stored(&daemon);
    ines.carry_out("settings.set", json!({ "values": { "theme": "light" } }));
    assert_eq!(say_and_end(&mut ines, &talk, "after").0, Value::Null);
    let (messages, gaps) = history(&mut ines, &talk);
    assert_eq!(texts(&messages), ["before", "while away 1", "while away 2", "while away 3", "after"]);
    assert_eq!(gaps, Vec::<Value>::new());
}
