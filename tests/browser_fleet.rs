//! Promise: when a part of the daemon crashes, the page says so, comes back by itself, loses nothing, and sends nothing twice.
#![allow(clippy::expect_used)]

use std::process::Stdio;

use serde_json::json;
use support::{Daemon, PATIENCE, Page, Prosody, Window, XmppPeer, mischief_plugins, quoted, wait_until};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");

fn friends() -> Prosody {
    Prosody::builder().users(["ines", "bob"]).friends("ines", "bob", "Friends").start()
}

/// The children of the daemon: its workers.
fn workers(daemon: &Daemon) -> Vec<i32> {
    let parent_of = |stat: &str| stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse::<u32>().ok();
    let is_worker =
        |id: &i32| std::fs::read(format!("/proc/{id}/cmdline")).is_ok_and(|line| line.split(|b| *b == 0).any(|word| word == b"worker"));
    std::fs::read_dir("/proc")
        .expect("the list of processes")
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|id: &i32| std::fs::read_to_string(format!("/proc/{id}/stat")).ok().and_then(|stat| parent_of(&stat)) == Some(daemon.id()))
        .filter(is_worker)
        .collect()
}

fn signal(process: i32, name: &str) -> bool {
    std::process::Command::new("kill")
        .args([format!("-{name}"), process.to_string()])
        .stderr(Stdio::null())
        .status()
        .expect("kill")
        .success()
}

/// Ends a process as a wild pointer would. The first signal only takes Rust's own handler away, which sees no fault behind it.
fn segfault(daemon: &Daemon, process: i32) {
    wait_until("the worker's end", PATIENCE, || {
        signal(process, "SEGV");
        (!workers(daemon).contains(&process)).then_some(())
    });
}

/// Has the page keep each state of its account with its error, as its strip shows it, and the words beside it.
async fn watch(page: &Page) {
    page.browser()
        .eval(
            "window.mark = 'not loaded anew'; window.states = []; window.notes = new Set();
             const look = () => {
                 const one = document.querySelector('[data-testid=account]');
                 const now = [one?.dataset.state, one?.dataset.code].filter(Boolean).join(' ');
                 if (now !== window.states.at(-1)) window.states.push(now);
                 document.querySelectorAll('[data-testid=account-busy], [data-testid=reconnecting]').forEach(e => window.notes.add(e.textContent)); };
             look();
             new MutationObserver(look).observe(document.body, { subtree: true, childList: true, attributes: true, characterData: true });",
        )
        .await;
}

async fn back_online(page: &Page) {
    page.wait("window.states.includes('connecting restarting') && window.states.at(-1) === 'online'").await;
}

#[tokio::test]
async fn a_crash_while_chatting_is_seen_and_gone() {
    let prosody = friends();
    let daemon = Daemon::builder(BELLFLOWER).config("workers = 1").start();
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let room = prosody.room("gardeners");
    bob.join(&room, "Bob");
    let page = Page::open(&daemon, Window::Desk).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    let talk = page.open_buddy("bob@localhost").await;
    let garden = page.join(&[("room", "gardeners"), ("server", "rooms.localhost"), ("handle", "Ines")], &room).await;
    page.say(&talk, "before").await;
    page.sent(&talk, "before").await;
    bob.hears("before");
    watch(&page).await;
    let old = workers(&daemon);
    assert_eq!(old.len(), 1, "one worker, as configured");
    segfault(&daemon, old[0]);
    back_online(&page).await;
    let notes = page.browser().eval("return [...window.notes].join(' | ')").await;
    let notes = notes.as_str().expect("notes");
    assert!(notes.contains("reconnecting") && notes.contains("nothing is lost") && notes.contains("The conversation goes on"), "{notes}");
    let states = page.browser().eval("return window.states").await;
    let fine = ["online", "connecting restarting"];
    assert!(states.as_array().is_some_and(|all| all.iter().all(|one| fine.contains(&one.as_str().unwrap_or_default()))), "{states}");
    wait_until("a fresh worker", PATIENCE, || workers(&daemon).into_iter().find(|id| !old.contains(id)));
    // The conversation goes on, both ways and in the room, with what was there before.
    page.see("[data-testid=buddy][data-name='bob@localhost'][data-presence=online]").await;
    page.see(&format!("{garden} [data-testid=member][data-name=Bob]")).await;
    page.say(&talk, "after").await;
    page.sent(&talk, "after").await;
    bob.hears("after");
    bob.say("ines@localhost", "still here");
    page.hears(&talk, "still here").await;
    page.say(&garden, "here too").await;
    bob.hears("here too");
    assert_eq!(page.texts(&format!("{talk} [data-testid=message-text]")).await, ["before", "after", "still here"]);
    page.see_no("[data-testid=account-busy]").await;
    page.see_no("[data-testid=account-error]").await;
    assert_eq!(page.browser().eval("return window.mark").await, json!("not loaded anew"));
}

#[tokio::test]
async fn a_message_of_unknown_fate_is_sent_again_only_when_asked_and_once() {
    let prosody = friends();
    let daemon = Daemon::builder(BELLFLOWER).config("workers = 1").start();
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let page = Page::open(&daemon, Window::Desk).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    let talk = page.open_buddy("bob@localhost").await;
    watch(&page).await;
    // The worker takes the message and dies before it does anything with it.
    let taken = "window.taken = []; const real = window.fetch;
        window.fetch = async (where, how) => { const answer = await real(where, how); if (typeof how?.body === 'string') window.taken.push(how.body); return answer; };";
    page.browser().eval(taken).await;
    let worker = workers(&daemon)[0];
    assert!(signal(worker, "STOP"), "the worker has ended");
    page.say(&talk, "did <this> arrive?").await;
    page.wait("window.taken.some(body => body.includes('did <this> arrive?'))").await;
    page.see(&format!("{talk} [data-testid=message][data-state=pending]")).await;
    assert!(signal(worker, "KILL"), "the worker had ended");
    let doubtful = format!("{talk} [data-testid=message][data-state=unknown]");
    page.shows(&format!("{doubtful} [data-testid=message-text]"), "did <this> arrive?").await;
    page.read(&doubtful, "may not have arrived").await;
    page.shows(&format!("{doubtful} [data-testid=message-retry]"), "Send again").await;
    back_online(&page).await;
    // Nothing is sent by itself, not even after loading the page anew.
    page.load().await;
    page.open_buddy("bob@localhost").await;
    page.see(&format!("{doubtful} [data-testid=message-retry]")).await;
    page.say(&talk, "marker").await;
    bob.hears("marker");
    assert!(!bob.received().iter().any(|stanza| stanza.says("did <this> arrive?")), "sent again without a word");
    page.click(&format!("{doubtful} [data-testid=message-retry]")).await;
    page.sent(&talk, "did <this> arrive?").await;
    bob.hears("did <this> arrive?");
    page.see_no("[data-testid=message-retry]").await;
    page.say(&talk, "second marker").await;
    bob.hears("second marker");
    assert!(!bob.received().iter().any(|stanza| stanza.says("did <this> arrive?")), "sent twice");
    // What is dealt with stays so.
    page.load().await;
    page.open_buddy("bob@localhost").await;
    page.see(&doubtful).await;
    page.see_no("[data-testid=message-retry]").await;
    let texts = page.texts(&format!("{talk} [data-testid=message-text]")).await;
    assert_eq!(texts, ["did <this> arrive?", "marker", "did <this> arrive?", "second marker"]);
}

#[tokio::test]
async fn an_account_that_crashes_again_and_again_is_set_aside_with_a_word_and_tried_later() {
    let plugins = format!("[plugins]\npaths = [{}]\n[worker]\ncrash_window = \"20s\"", quoted(mischief_plugins()));
    let daemon = Daemon::builder(BELLFLOWER).table(&plugins).start();
    let page = Page::open(&daemon, Window::Desk).await;
    page.click("[data-testid=tile-prpl-mischief]").await;
    page.fill("user", "a").await;
    page.click("[data-testid=signin]").await;
    page.see("[data-testid=account][data-state=online]").await;
    let talk = page.write_to("victim").await;
    page.say(&talk, "hello").await;
    page.hears(&talk, "hello").await;
    watch(&page).await;
    page.say(&talk, "segfault").await;
    // Its writer insists, as often as it takes: three crashes within the window.
    let mut crashes = 1;
    while page.browser().eval(ENDED).await != json!("aside") {
        assert!(crashes < 9, "{crashes} crashes, and it is not set aside");
        page.wait(&format!("({{ run() {{ {ENDED} }} }}).run() !== 'crashing'")).await;
        if page.browser().eval(ENDED).await == json!("back") {
            page.browser().eval("window.states = []").await;
            page.click("[data-testid=message-retry]").await;
            crashes += 1;
            page.wait("window.states.includes('connecting restarting') || window.states.includes('error set_aside')").await;
        }
    }
    assert!(crashes >= 3, "set aside after {crashes}");
    let note = "[data-testid=account-error][data-code=set_aside]";
    page.read(note, "This account is set aside for some minutes, because it brought").await;
    page.read(note, "Try again later").await;
    // Too early: that is said. Still signed in, and nothing is cleared.
    page.click(&format!("{note} [data-testid=account-retry]")).await;
    page.read("[data-testid=toast]", "still set aside").await;
    page.see("[data-testid=account][data-state=error][data-code=set_aside]").await;
    assert_eq!(page.texts(&format!("{talk} [data-testid=message-text]")).await[..2], ["hello", "hello"]);
    page.see("[data-testid=link][data-state=live]").await;
    assert_eq!(page.browser().eval("return window.mark").await, json!("not loaded anew"));
    // Later it works.
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(60);
    while page.browser().eval("return document.querySelector('[data-testid=account]').dataset.state").await != json!("online") {
        assert!(tokio::time::Instant::now() < deadline, "it is never let back");
        page.browser().eval("document.querySelector('[data-testid=account-retry]')?.click()").await;
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    }
    page.see_no(note).await;
    page.say(&talk, "well again").await;
    page.hears(&talk, "well again").await;
}

/// How the page shows the account after a crash.
const ENDED: &str = "const now = window.states.at(-1);
    return now === 'error set_aside' ? 'aside' : now === 'online' && document.querySelector('[data-testid=message-retry]') ? 'back' : 'crashing';";
