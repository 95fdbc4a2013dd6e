//! Promise: what a plugin writes to the outputs is in the daemon's log, as its worker's own words; no plugin writes that log itself.
#![allow(clippy::expect_used)]

use serde_json::json;
use std::time::Duration;
use support::{Daemon, PATIENCE, WireClient, wait_until};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");

/// A daemon with the protocol that does harm on command, and somebody who commands it.
fn start() -> (Daemon, WireClient, String) {
    let daemon = Daemon::builder(BELLFLOWER).config("workers = 1").mischief("").start();
    let mut mallory = daemon.client("mallory");
    mallory.sign_in_mischief("mallory");
    let harm = mallory.open("harm");
    (daemon, mallory, harm)
}

fn wait_for_line(daemon: &Daemon, what: &str) -> String {
    wait_until(&format!("{what:?} in the log"), PATIENCE, || daemon.log().lines().find(|line| line.contains(what)).map(str::to_owned))
}

#[test]
fn the_log_cannot_be_cut_or_forged() {
    let (daemon, mut mallory, harm) = start();
    let before = daemon.log();
    mallory.say(&harm, "truncate");
    mallory.hears("Invalid argument");
    assert!(daemon.log().starts_with(&before), "the log was cut:\n{}", daemon.log());
    mallory.say(&harm, "forge");
    let line = wait_for_line(&daemon, "] forged");
    assert!(line.contains("worker] worker ") && line.contains(" wrote: \u{fffd}[31mred\u{fffd}[2026"), "{line:?}");
}

#[test]
fn last_words_are_logged_before_the_end() {
    let (mut daemon, mut mallory, harm) = start();
    daemon.allow_log("ended: signal 6");
    mallory.command("message.send", json!({ "conversation": harm, "text": "last" }));
    wait_for_line(&daemon, "ended: signal 6");
    let log = daemon.log();
    let (before, _) = log.split_once("ended: signal 6").expect("its end");
    assert!(before.contains(" wrote: these are the last words"), "{log}");
}

#[test]
fn many_lines_hold_up_nobody_and_fill_no_disk() {
    let (daemon, mut mallory, harm) = start();
    mallory.say(&harm, "shout 300000");
    mallory.hears("shouted");
    wait_for_line(&daemon, "writes more than is logged");
    mallory.say(&harm, "shout 300000");
    mallory.hears("shouted");
    // Of the forty megabytes.
    let log = daemon.log().len();
    assert!(log < 1 << 20, "{log} bytes");
    assert_eq!(daemon.stats()["workers_restarted"], 0);
    // A daemon that stands still holds up no worker.
    let pid = libc::pid_t::try_from(daemon.id()).expect("process ids fit");
    let signal = |signal: i32| {
        // SAFETY: kill takes no pointers.
        assert_eq!(unsafe { libc::kill(pid, signal) }, 0);
    };
    let id = mallory.command("message.send", json!({ "conversation": harm, "text": "shout 300000" }));
    signal(libc::SIGSTOP);
    std::thread::sleep(Duration::from_secs(1));
    signal(libc::SIGCONT);
    mallory.hears("shouted");
    mallory.outcome(&id).expect("it was done");
}
