//! Promise: whatever a plugin does to the process that it runs in, its users lose some seconds and nobody a message; users of others notice nothing.
#![allow(clippy::expect_used)]

mod crash;

use crash::{Site, away};
use serde_json::{Value, json};
use std::time::Duration;
use support::{PATIENCE, XmppPeer, wait_until};

/// What ends the process at once, or as soon as the web process sees its mark.
const AT_ONCE: Duration = Duration::ZERO;

#[test]
fn many_survive_a_segmentation_fault() {
    Site::new("").strike("segfault", AT_ONCE);
}

#[test]
fn many_survive_an_abort() {
    Site::new("").strike("abort", AT_ONCE);
}

#[test]
fn many_survive_an_exit() {
    Site::new("").strike("exit 0", AT_ONCE);
}

#[test]
fn many_survive_an_endless_loop() {
    Site::new("hang = \"2s\"").strike("loop", Duration::from_secs(3));
}

#[test]
fn many_survive_a_leak_of_a_gigabyte() {
    // The memory is looked at once a second.
    Site::new("memory_most_mb = 300").strike("leak 1024", Duration::from_secs(2));
}

#[test]
fn many_survive_a_directory_that_is_filled() {
    // It is looked at once a second.
    let mut site = Site::new("home_most_mb = 20");
    let small = site.daemon.workers()[0]["home"].as_u64().expect("what its directory holds");
    assert!(small < 20 << 20, "{small} bytes");
    site.strike("fill 40", Duration::from_secs(2));
    let log = site.daemon.log();
    assert!(log.contains("MiB of files, more than worker.home_most_mb"), "the admin is not told: {log}");
}

#[test]
fn many_survive_closed_descriptors() {
    let mut site = Site::new("");
    // The thread that looks up names finds its descriptors gone; it dies with the process.
    site.daemon.allow_log("thread 'names'");
    site.strike("close", AT_ONCE);
}

#[test]
fn many_survive_garbage_on_every_socket() {
    Site::new("").strike("garbage", AT_ONCE);
}

#[test]
fn a_message_that_a_hanging_worker_took_is_of_unknown_fate() {
    let mut site = Site::new("hang = \"2s\"");
    let conversation = site.ines.open("bob@localhost");
    site.ask("loop");
    // The loop has it before this command, which lies in the worker's socket.
    let id = site.ines.command("message.send", json!({ "conversation": conversation, "text": "did you get this?" }));
    let unknown = site.ines.wait_event("the message of unknown fate", |e| e["message"]["text"] == "did you get this?");
    assert_eq!((&unknown["message"]["state"], &unknown["origin"]["command"]), (&json!("unknown"), &json!(id)), "{unknown}");
    assert_eq!(site.ines.outcome(&id).expect_err("nobody knows")["code"], "unknown_fate");
    let account = site.ines.account();
    site.ines.wait_account_state(&account, &["online"]);
    // It is shown so to whoever attaches, and not sent again by itself.
    site.ines.attach();
    let shown = site.ines.snapshot["conversations"][0]["messages"].as_array().expect("messages");
    let states: Vec<_> = shown.iter().filter(|m| m["text"] == "did you get this?").map(|m| &m["state"]).collect();
    assert_eq!(states, [&json!("unknown")]);
    site.ines.say(&conversation, "again, then");
    site.bob.hears("again, then");
    assert!(site.bob.received().iter().all(|stanza| stanza.child_text("body") != Some("did you get this?")));
}

#[test]
fn a_silence_is_marked_where_messages_may_be_missing() {
    let mut site = Site::new("hang = \"2s\"");
    let room = site.ines.join(&json!({ "room": "den", "server": "rooms.localhost", "handle": "ines" }));
    let conversation = site.ines.open("bob@localhost");
    let account = site.ines.account();
    site.ask("loop");
    // It is taken by the server for delivered, and by nobody read.
    site.bob.say("ines@localhost", "are you there?");
    away(&mut site.ines);
    site.ines.wait_account_state(&account, &["online"]);
    for place in [&room, &conversation] {
        let mark = site.ines.wait_event("the mark", |e| e["type"] == "message.system" && e["conversation"] == **place);
        let text = mark["message"]["text"].as_str().expect("a text");
        assert!(text.contains("may be missing") && mark["message"]["system"] == true, "{mark}");
    }
    assert!(!site.ida.kept().any(|event| event["type"] == "message.system"), "Ida has missed nothing");
}

#[test]
fn a_room_list_ends_with_its_worker() {
    let mut site = Site::new("");
    let account = site.mallory.account();
    let list = site.mallory.carry_out("room.list", json!({ "account": account }))["list"].clone();
    let rows = site.mallory.wait_event("the first rows", |e| e["type"] == "room.list" && e["list"] == list);
    assert_eq!((&rows["rows"][0]["name"], &rows["more"]), (&json!("den"), &json!(true)), "{rows}");
    site.ask("abort");
    let end = site.mallory.wait_event("the end of the list", |e| e["type"] == "room.list" && e["list"] == list);
    assert_eq!((&end["more"], &end["error"]["code"]), (&json!(false), &json!("list_lost")), "{end}");
    // It can be asked for again.
    site.mallory.wait_account_state(&account, &["online"]);
    let again = site.mallory.carry_out("room.list", json!({ "account": account }))["list"].clone();
    assert_ne!(again, list);
}

#[test]
fn conversations_can_be_closed_while_their_account_is_away() {
    let mut site = Site::new("hang = \"2s\"");
    let room = site.ines.join(&json!({ "room": "den", "server": "rooms.localhost", "handle": "ines" }));
    let closed = site.ines.open("bob@localhost");
    let kept = site.ines.open("ticker@localhost");
    let account = site.ines.account();
    site.ask("segfault");
    away(&mut site.ines);
    site.ines.carry_out("conversation.close", json!({ "conversation": closed }));
    site.ines.carry_out("room.leave", json!({ "conversation": room }));
    site.ines.wait_account_state(&account, &["online"]);
    site.ines.say(&kept, "still there");
    site.ines.attach();
    let conversations = site.ines.snapshot["conversations"].as_array().expect("conversations");
    let ids: Vec<_> = conversations.iter().map(|one| one["id"].as_str().expect("an id")).collect();
    assert!(ids.contains(&kept.as_str()) && !ids.contains(&closed.as_str()), "{ids:?}");
    let left = conversations.iter().find(|one| one["id"] == *room).expect("the room stays to be read");
    assert_eq!(left["joined"], false, "{left}");
    let stanza =
        format!("<iq type='get' id='den' to='{}'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>", "den@rooms.localhost");
    site.bob.send(&stanza);
    let answer = site.bob.wait_for("the room's people", |s| s.name == "iq" && s.is("id", "den"));
    assert!(!format!("{answer:?}").contains("den@rooms.localhost/ines"), "Ines is back in the room that she has left: {answer:?}");
}

#[test]
fn what_a_protocol_refused_is_not_made_anew_and_what_is_removed_is_gone() {
    let mut site = Site::new("");
    let account = site.ines.account();
    // What the protocol refuses must not come back with the account.
    let id = site.ines.command("account.update", json!({ "account": account, "username": "ines" }));
    site.ines.outcome(&id).expect_err("a name without a server");
    site.ask("segfault");
    away(&mut site.ines);
    site.ines.wait_account_state(&account, &["online"]);
    // The last account of a worker can be removed, and its user hears of it.
    site.ines.carry_out("account.remove", json!({ "account": account }));
    site.ines.wait_event("the account's end", |e| e["type"] == "account.removed" && e["account"] == json!(account));
    site.ines.attach();
    assert_eq!(site.ines.snapshot["accounts"], json!([]));
}

#[test]
fn three_crashes_set_an_account_aside_and_everyone_else_goes_on() {
    let mut site = Site::new("crashes = 3\ncrash_window = \"8s\"");
    let theirs = site.mallory.account();
    for _ in 0..2 {
        site.ask("abort");
        away(&mut site.mallory);
        site.mallory.wait_account_state(&theirs, &["online"]);
    }
    site.ask("abort");
    let aside = site.mallory.wait_account_state(&theirs, &["error"]);
    assert_eq!((&aside["error"]["code"], &aside["error"]["fatal"]), (&json!("set_aside"), &json!(true)), "{aside}");
    assert!(aside["error"]["message"].as_str().is_some_and(|words| words.contains("minutes")), "{aside}");
    let log = site.daemon.log();
    assert!(log.contains("prpl-mischief) is set aside"), "the admin is not told");
    assert!(!log.contains("signed on again"), "the admin is told what is not so: {log}");
    let refused = site.mallory.command("account.connect", json!({ "account": theirs }));
    assert_eq!(site.mallory.outcome(&refused).expect_err("too soon")["code"], "set_aside");
    // Signed off by its user, it is not in the way any more.
    site.mallory.carry_out("account.disable", json!({ "account": theirs }));
    site.mallory.wait_account_state(&theirs, &["offline"]);
    // Only the first of the three was under the same roof as Ines.
    let own = site.ines.account();
    away(&mut site.ines);
    site.ines.wait_account_state(&own, &["online"]);
    let conversation = site.ines.open("bob@localhost");
    site.ines.say(&conversation, "not my fault");
    site.bob.hears("not my fault");
    wait_until("the time to be over", PATIENCE, || {
        // Sign-ons have their price: the next may have to wait.
        let again = site.mallory.new_id();
        let answer = site.mallory.post_command(&again, "account.connect", json!({ "account": theirs }));
        if answer.status == 202 { site.mallory.outcome(&again).ok() } else { None }
    });
    site.mallory.wait_account_state(&theirs, &["online"]);
}

#[test]
fn figures_show_a_worker_that_hangs() {
    let site = Site::new("hang = \"1h\"");
    let pid = site.daemon.workers()[0]["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok()).expect("a process id");
    let lag = || site.daemon.workers()[0]["lag_us"].as_u64().expect("a figure");
    signal(pid, libc::SIGSTOP);
    wait_until("the figures to show that it does not answer", PATIENCE, || (lag() > 2_000_000).then_some(()));
    assert!(site.daemon.workers()[1]["lag_us"].as_u64().is_some_and(|lag| lag < 2_000_000), "the other one does");
    signal(pid, libc::SIGCONT);
    wait_until("it to answer again", PATIENCE, || (lag() < 2_000_000).then_some(()));
    assert_eq!(site.restarts(), 0);
}

#[test]
fn a_worker_that_has_grown_is_emptied_and_ended() {
    let mut site = Site::new("memory_mb = 150\nmemory_most_mb = 2000\nquiet = \"500ms\"");
    let room = site.ines.join(&json!({ "room": "den", "server": "rooms.localhost", "handle": "ines" }));
    let before: Vec<Value> = site.daemon.workers().iter().map(|one| one["pid"].clone()).collect();
    site.bob.join("den@rooms.localhost", "bob");
    let account = site.ines.account();
    site.ask("leak 300");
    away(&mut site.ines);
    site.ines.wait_account_state(&account, &["online"]);
    site.bob.say_in("den@rooms.localhost", "moved?");
    let event = site.ines.wait_event("the room", |e| e["message"]["text"] == "moved?");
    assert_eq!(event["conversation"], *room);
    wait_until("the worker's end", PATIENCE, || {
        let now = site.daemon.workers();
        (!now.iter().any(|one| one["pid"] == before[0])).then_some(())
    });
    assert_eq!(site.restarts(), 0, "it was asked to end");
    site.ida.open("bob@localhost");
}

#[test]
fn many_others_do_not_notice_a_flood() {
    let mut site = Site::new("");
    let before = site.daemon.workers();
    site.ask("flood 100000");
    let mut ticker = XmppPeer::connect(&site.prosody, "ticker");
    for tick in 0..50 {
        ticker.say("ida@localhost", &format!("tick {tick}"));
        site.ida.hears(&format!("tick {tick}"));
    }
    // Those under the same roof have to wait, and lose nothing.
    site.bob.say("ines@localhost", "and you?");
    site.ines.hears("and you?");
    wait_until("the end of the flood", Duration::from_secs(60), || {
        site.mallory.attach();
        let messages = site.mallory.snapshot["conversations"][0]["messages"].as_array()?.clone();
        messages.iter().any(|message| message["text"] == "flood 99999").then_some(())
    });
    assert_eq!(site.restarts(), 0);
    let after = site.daemon.workers();
    assert_eq!(before[0]["pid"], after[0]["pid"]);
    let daemon = memory(u64::from(site.daemon.id()));
    let worker = after[0]["memory"].as_u64().expect("memory");
    eprintln!("after the flood: daemon {} MiB, worker {} MiB", daemon >> 20, worker >> 20);
    assert!(daemon < 300 << 20 && worker < 400 << 20, "{daemon} and {worker} bytes");
}

#[test]
fn many_workers_wait_for_a_web_process_that_stands_still() {
    const MESSAGES: usize = 12_000;
    let mut site = Site::new("hang = \"2s\"");
    let before = site.daemon.workers();
    let start = before[0]["memory"].as_u64().expect("memory");
    let pids: Vec<u64> = before.iter().filter_map(|one| one["pid"].as_u64()).collect();
    signal(site.daemon.id(), libc::SIGSTOP);
    // Four times what a worker takes before it lets its networks wait.
    let body = "a flood from the network ".repeat(120);
    for n in 0..MESSAGES {
        site.bob.say("ines@localhost", &format!("{n} {body}"));
    }
    std::thread::sleep(Duration::from_secs(4));
    let grown = memory(pids[0]).saturating_sub(start);
    signal(site.daemon.id(), libc::SIGCONT);
    eprintln!("the worker took {} MiB more for {} MiB of messages", grown >> 20, (MESSAGES * body.len()) >> 20);
    assert!(grown < 24 << 20, "{grown} bytes");
    // It goes on where it was; to read all of it takes an unoptimised build too long.
    for n in 0..30 {
        let event = site.ines.wait_event(&format!("message {n}"), |e| e["type"] == "message.received");
        assert!(event["message"]["text"].as_str().is_some_and(|text| text.starts_with(&format!("{n} "))), "{n} was to come: {event}");
    }
    assert_eq!(site.restarts(), 0, "nobody was to blame");
    site.bob.say("ida@localhost", "and you?");
    site.ida.hears("and you?");
}

fn signal(pid: u32, signal: i32) {
    let pid = libc::pid_t::try_from(pid).expect("process ids fit");
    // SAFETY: kill takes no pointers.
    assert_eq!(unsafe { libc::kill(pid, signal) }, 0);
}

/// Resident memory in bytes.
fn memory(pid: u64) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/statm")).expect("its memory");
    text.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).expect("a figure") * 4096
}
