//! Attacks of a plugin that its users run on purpose.

use crate::{Attack, Site};
use serde_json::json;
use std::time::{Duration, Instant};
use support::wait_until;

pub(crate) const ATTACKS: &[Attack] = &[
    ("plugin: crashes", |site, until| harm(site, until, "segfault")),
    ("plugin: hangs", |site, until| harm(site, until, "loop")),
    ("plugin: leaks", |site, until| harm(site, until, "leak 700")),
    ("plugin: floods", |site, until| harm(site, until, "flood 20000")),
    ("plugin: closes everything", |site, until| harm(site, until, "close")),
    ("plugin: writes garbage to every socket", |site, until| harm(site, until, "garbage")),
    ("plugin: writes to the log without end", |site, until| harm(site, until, "shout 500000")),
    ("plugin: requests for permission without end", |site, until| harm(site, until, "authorizations 20000")),
    ("plugin: groups without end", |site, until| harm(site, until, "groups 20000")),
    ("plugin: questions without end", |site, until| harm(site, until, "ask 20000")),
];

/// A visitor has it done, again and again where the plugin comes back.
fn harm(site: &Site, until: Instant, what: &str) {
    let mut mallory = site.visitor(&json!({ "protocol": "prpl-mischief", "username": "mallory" }));
    let mut conversation = None;
    let mut done = false;
    while !done || Instant::now() < until {
        mallory.attach();
        if mallory.snapshot["accounts"][0]["state"] == "online" {
            let to = conversation.get_or_insert_with(|| mallory.open("harm")).clone();
            let id = mallory.new_id();
            done |= mallory
                .try_command(&id, "message.send", json!({ "conversation": to, "text": what }))
                .is_ok_and(|answer| answer.status == 202);
        } else if mallory.snapshot["accounts"][0]["error"]["code"] == "set_aside" {
            break;
        }
        std::thread::sleep(Duration::from_millis(300));
    }
    let _ = mallory.try_post("/logout", &json!({}));
    // What it did is over before the next attack begins.
    wait_until("the plugin's worker to be gone or empty", Duration::from_secs(60), || {
        let workers = site.daemon.workers();
        let theirs = |worker: &&serde_json::Value| worker["group"].as_str().is_some_and(|group| group != "core");
        workers.iter().filter(theirs).all(|worker| worker["load"]["accounts"] == 0).then_some(())
    });
}
