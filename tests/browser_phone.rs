//! Promise: on a phone one sees who else has written, reaches everything with a thumb, and finds each person once, near the top.
#![allow(clippy::expect_used)]

use serde_json::json;
use support::{Daemon, Page, Prosody, Window, XmppPeer, conversation, quoted};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");

fn friends() -> Prosody {
    Prosody::builder().users(["ines", "bob", "carla"]).friends("ines", "bob", "Friends").friends("ines", "carla", "Work").start()
}

/// Touches the middle of the first element that matches.
async fn tap(page: &Page, css: &str) {
    page.see(css).await;
    page.at_rest().await;
    let middle = format!(
        "const b = document.querySelector({}).getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2]",
        quoted(css)
    );
    let at = page.browser().eval(&middle).await;
    tap_at(page, at[0].as_f64().expect("a number"), at[1].as_f64().expect("a number")).await;
}

async fn tap_at(page: &Page, x: f64, y: f64) {
    let touch = |kind: &str, points: serde_json::Value| json!({ "type": kind, "touchPoints": points });
    page.browser().devtools("Input.dispatchTouchEvent", touch("touchStart", json!([{ "x": x, "y": y }]))).await;
    page.browser().devtools("Input.dispatchTouchEvent", touch("touchEnd", json!([]))).await;
}

#[tokio::test]
async fn a_conversation_shows_who_else_has_written() {
    let prosody = friends();
    let daemon = Daemon::run(BELLFLOWER);
    let (mut bob, mut carla) = (XmppPeer::connect(&prosody, "bob"), XmppPeer::connect(&prosody, "carla"));
    let page = Page::open(&daemon, Window::Phone).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    page.wait("document.querySelectorAll('[data-testid=buddy][data-presence=online]').length === 2").await;
    let talk = page.open_buddy("bob@localhost").await;
    assert_eq!((page.seen("elsewhere").await, page.seen("peek").await), (0, 0));
    // What is said here is no news from elsewhere.
    bob.say("ines@localhost", "Hello here");
    page.hears(&talk, "Hello here").await;
    assert_eq!((page.seen("elsewhere").await, page.seen("peek").await), (0, 0));
    carla.say("ines@localhost", "Hello from elsewhere");
    page.read("[data-testid=peek][data-name='carla@localhost']", "Hello from elsewhere").await;
    page.read("[data-testid=peek]", "Carla").await;
    page.shows("[data-testid=back] [data-testid=elsewhere]", "1").await;
    assert_eq!(
        page.browser().eval("return document.querySelector('[data-testid=back]').getAttribute('aria-label')").await,
        "Back, 1 new message elsewhere"
    );
    tap(&page, "[data-testid=peek]").await;
    page.hears(&conversation("carla@localhost"), "Hello from elsewhere").await;
    page.see_no("[data-testid=peek]").await;
    page.see_no("[data-testid=elsewhere]").await;
    // It goes by itself; the number stays.
    bob.say("ines@localhost", "And again");
    page.see("[data-testid=peek][data-name='bob@localhost']").await;
    page.see_no("[data-testid=peek]").await;
    page.shows("[data-testid=elsewhere]", "1").await;
    tap(&page, "[data-testid=back]").await;
    page.shows("[data-testid=buddy][data-name='bob@localhost'] [data-testid=unread]", "1").await;
    page.assert_no_mishap().await;
}

#[tokio::test]
async fn people_of_a_room_go_away_by_a_tap_beside_them() {
    let prosody = friends();
    let daemon = Daemon::run(BELLFLOWER);
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let room = prosody.room("gardeners");
    bob.join(&room, "Bob");
    let page = Page::open(&daemon, Window::Phone).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    page.see("[data-testid=account][data-state=online]").await;
    let talk = page.join(&[("room", "gardeners"), ("server", "rooms.localhost"), ("handle", "Ines")], &room).await;
    page.wait("document.querySelectorAll('[data-testid=member]').length === 2").await;
    assert_eq!(page.seen("members").await, 0, "they lie over the messages before anybody asks");
    let gone = "!document.querySelector('[data-testid=members]')?.checkVisibility()";
    let there = "document.querySelector('[data-testid=members]')?.checkVisibility()";
    for close in ["beside", "above", "escape", "again"] {
        tap(&page, "[data-testid=toggle-members]").await;
        page.wait(there).await;
        page.assert_fits("people on a phone").await;
        match close {
            "beside" => tap_at(&page, 60.0, 420.0).await,
            "above" => tap(&page, &format!("{talk} h2")).await,
            "escape" => page.press_escape().await,
            _ => tap(&page, "[data-testid=toggle-members]").await,
        }
        page.wait(gone).await;
    }
    // A touch of a person leads to them, and does not close anything under the finger.
    tap(&page, "[data-testid=toggle-members]").await;
    tap(&page, "[data-testid=member][data-name=Bob]").await;
    page.see("[role=menu]").await;
    page.assert_no_mishap().await;
}

#[tokio::test]
async fn the_list_begins_near_the_top_and_has_everybody_once() {
    let prosody = friends();
    let daemon = Daemon::run(BELLFLOWER);
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let page = Page::open(&daemon, Window::Phone).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    let bobs = "[data-testid=buddy][data-name='bob@localhost']";
    page.see(&format!("{bobs}[data-presence=online]")).await;
    page.at_rest().await;
    let top = page.browser().eval("return Math.round(document.querySelector('[data-testid=group]').getBoundingClientRect().top)").await;
    assert!(top.as_i64().is_some_and(|top| top <= 120), "{top} pixels of chrome");
    bob.say("ines@localhost", "Is anybody there?");
    page.read("[data-testid=list-conversation][data-name='bob@localhost']", "Is anybody there?").await;
    page.wait(&format!("document.querySelectorAll({}).length === 1", quoted(bobs))).await;
    let names = "return [...document.querySelectorAll('[data-testid=buddy-name]')].map(one => one.textContent)";
    assert_eq!(page.browser().eval(names).await, json!(["Bob", "Carla"]));
    // Their row is still theirs: its menu has what one can do with a buddy, and closes the conversation.
    page.browser().eval(&format!("document.querySelector({}).dispatchEvent(new MouseEvent('contextmenu', {{ bubbles: true, cancelable: true, clientX: 90, clientY: 200 }}))", quoted(bobs))).await;
    page.see("[data-testid=menu-move]").await;
    page.click("[data-testid=menu-close]").await;
    page.see_no("[data-testid=list-conversation]").await;
    page.see(&format!("{bobs}[data-group=Friends]")).await;
    assert_eq!(page.browser().eval(names).await, json!(["Bob", "Carla"]));
    page.assert_no_mishap().await;
}

/// What is touched and is smaller than a thumb. Links within a text are as large as their words.
async fn small(page: &Page, what: &str) -> Vec<String> {
    page.at_rest().await;
    let script = "const touched = 'button, select, textarea, input, a, summary, [role=treeitem]';
        return [...document.querySelectorAll(touched)].filter(one => one.checkVisibility({ visibilityProperty: true }) && !one.closest('.said, .prose, [aria-hidden=true]'))
            .map(one => [one.closest('label') ?? one, one]).map(([one, own]) => [one.getBoundingClientRect(), own])
            .filter(([box]) => box.width > 1 && (box.width < 44 || box.height < 44))
            .map(([box, one]) => `${Math.round(box.width)} x ${Math.round(box.height)}: ${one.outerHTML.slice(0, 160)}`)";
    let found = page.browser().eval(script).await;
    found.as_array().into_iter().flatten().map(|one| format!("{what}: {}", one.as_str().unwrap_or_default())).collect()
}

#[tokio::test]
async fn everything_is_large_enough_for_a_thumb() {
    let prosody = friends();
    let daemon = Daemon::run(BELLFLOWER);
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let page = Page::open(&daemon, Window::Phone).await;
    page.see("[data-testid=network-form]").await;
    let mut found = small(&page, "front page").await;
    page.click("[data-testid=to-site]").await;
    page.see("[data-testid=site-form]").await;
    found.extend(small(&page, "site form").await);
    page.click("[data-testid=to-network]").await;
    page.sign_in_xmpp(&prosody, "ines").await;
    page.see("[data-testid=buddy][data-presence=online]").await;
    found.extend(small(&page, "list").await);
    for (opener, seen) in
        [("main-menu", "[role=menu]"), ("my-status", "[role=menu]"), ("account", "[role=menu]"), ("list-add", "[role=menu]")]
    {
        page.click(&format!("[data-testid={opener}]")).await;
        page.see(seen).await;
        found.extend(small(&page, opener).await);
        page.press_escape().await;
        page.see_no(seen).await;
    }
    for (entry, dialog) in [
        ("menu-join-room", "join-dialog"),
        ("menu-find-room", "find-dialog"),
        ("menu-new-message", "new-message-dialog"),
        ("menu-add-buddy", "add-buddy-dialog"),
        ("menu-add-account", "add-account-dialog"),
    ] {
        page.click("[data-testid=list-add]").await;
        page.click(&format!("[data-testid={entry}]")).await;
        page.see(&format!("[data-testid={dialog}]")).await;
        found.extend(small(&page, dialog).await);
        page.press_escape().await;
        page.see_no(&format!("[data-testid={dialog}]")).await;
    }
    let talk = page.open_buddy("bob@localhost").await;
    bob.say("ines@localhost", "Hello https://plants.example/");
    page.hears(&talk, "Hello https://plants.example/").await;
    // One that could not be sent has something to touch below it.
    page.say(&talk, "/mgs").await;
    page.see("[data-testid=message-retry]").await;
    found.extend(small(&page, "conversation").await);
    page.click(&format!("{talk} [data-testid=emoji]")).await;
    page.see(".emoji-box").await;
    found.extend(small(&page, "emoji").await);
    page.press_escape().await;
    page.click("[data-testid=back]").await;
    let room = prosody.room("gardeners");
    bob.join(&room, "Bob");
    page.join(&[("room", "gardeners"), ("server", "rooms.localhost"), ("handle", "Ines")], &room).await;
    page.click("[data-testid=toggle-members]").await;
    page.see("[data-testid=member][data-name=Bob]").await;
    found.extend(small(&page, "room").await);
    assert!(found.is_empty(), "{} are too small:\n{}", found.len(), found.join("\n"));
    page.assert_no_mishap().await;
}
