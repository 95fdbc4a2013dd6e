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

#[tokio::test]
async fn everything_is_large_enough_for_a_thumb() {
    let prosody = friends();
    let daemon = Daemon::run(BELLFLOWER);
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let page = Page::open(&daemon, Window::Phone).await;
    page.see("[data-testid=network-form]").await;
    let mut found = page.too_small("front page").await;
    page.click("[data-testid=to-site]").await;
    page.see("[data-testid=site-form]").await;
    found.extend(page.too_small("site form").await);
    page.click("[data-testid=to-network]").await;
    page.sign_in_xmpp(&prosody, "ines").await;
    page.see("[data-testid=buddy][data-presence=online]").await;
    found.extend(page.too_small("list").await);
    for (opener, seen) in
        [("main-menu", "[role=menu]"), ("my-status", "[role=menu]"), ("account", "[role=menu]"), ("list-add", "[role=menu]")]
    {
        page.click(&format!("[data-testid={opener}]")).await;
        page.see(seen).await;
        found.extend(page.too_small(opener).await);
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
        found.extend(page.too_small(dialog).await);
        page.press_escape().await;
        page.see_no(&format!("[data-testid={dialog}]")).await;
    }
    let talk = page.open_buddy("bob@localhost").await;
    bob.say("ines@localhost", "Hello https://plants.example/");
    page.hears(&talk, "Hello https://plants.example/").await;
    // One that could not be sent has something to touch below it.
    page.say(&talk, "/mgs").await;
    page.see("[data-testid=message-retry]").await;
    found.extend(page.too_small("conversation").await);
    page.click(&format!("{talk} [data-testid=emoji]")).await;
    page.see(".emoji-box").await;
    found.extend(page.too_small("emoji").await);
    page.press_escape().await;
    page.click("[data-testid=back]").await;
    let room = prosody.room("gardeners");
    bob.join(&room, "Bob");
    page.join(&[("room", "gardeners"), ("server", "rooms.localhost"), ("handle", "Ines")], &room).await;
    page.click("[data-testid=toggle-members]").await;
    page.see("[data-testid=member][data-name=Bob]").await;
    found.extend(page.too_small("room").await);
    assert!(found.is_empty(), "{} are too small:\n{}", found.len(), found.join("\n"));
    page.assert_no_mishap().await;
}

/// Looks at what a press opens, and closes it with Esc.
async fn behind(page: &Page, clicks: &[&str], seen: &str, found: &mut Vec<String>) {
    for css in clicks {
        page.click(css).await;
    }
    page.see(seen).await;
    found.extend(page.too_small(seen).await);
    page.press_escape().await;
    page.see_no(seen).await;
}

#[tokio::test]
async fn what_is_opened_from_them_is_large_enough_too() {
    let prosody = Prosody::builder().users(["ines", "bob", "juan"]).friends("ines", "bob", "Friends").start();
    let daemon = Daemon::run(BELLFLOWER);
    let (mut bob, mut juan) = (XmppPeer::connect(&prosody, "bob"), XmppPeer::connect(&prosody, "juan"));
    let page = Page::open(&daemon, Window::Phone).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    page.see("[data-testid=buddy][data-presence=online]").await;
    let mut found = Vec::new();
    page.click("[data-testid=main-menu]").await;
    page.click("[data-testid=open-settings]").await;
    for section in ["look", "notify", "talk", "keys", "accounts"] {
        page.click(&format!("[data-testid=settings-{section}]")).await;
        page.see(&format!("[data-testid=settings-panel-{section}]")).await;
        found.extend(page.too_small(section).await);
    }
    page.press_escape().await;
    page.see_no("[data-testid=settings-dialog]").await;
    behind(&page, &["[data-testid=my-status]", "[data-testid=menu-own-icon]"], "[data-testid=icon-dialog]", &mut found).await;

    let talk = page.open_buddy("bob@localhost").await;
    bob.say("ines@localhost", "Compost https://plants.example/");
    let said = page.message(&talk, "Compost https://plants.example/").await;
    page.hold(&format!("{said} .bubble")).await;
    behind(&page, &[], "[role=menu]", &mut found).await;
    page.hold(&format!("{said} .bubble")).await;
    behind(&page, &["[data-testid=message-info]"], "[data-testid=message-info-dialog]", &mut found).await;
    let menu = format!("{talk} [data-testid=conversation-menu]");
    behind(&page, &[&menu], "[role=menu]", &mut found).await;
    behind(&page, &[&menu, "[data-testid=menu-mute]"], "[data-testid=mute-hour]", &mut found).await;
    page.paste(&talk, &"line\n".repeat(12)).await;
    behind(&page, &[], "[data-testid=paste-dialog]", &mut found).await;
    page.click(&format!("{talk} [data-testid=toggle-format]")).await;
    page.click(&menu).await;
    page.click("[data-testid=menu-find]").await;
    page.type_into("[data-testid=find-box]", "compost").await;
    page.read("[data-testid=find-count]", "1 of 1").await;
    found.extend(page.too_small("bars above and below the messages").await);
    page.click("[data-testid=find-close]").await;
    page.click("[data-testid=back]").await;

    page.click("[data-testid=main-menu]").await;
    page.click("[data-testid=open-search]").await;
    page.type_into("[data-testid=search-box]", "compost").await;
    page.see("[data-testid=search-hit]").await;
    page.click("[data-testid=search-filter]").await;
    behind(&page, &[], "[data-testid=search-filters]", &mut found).await;

    juan.say("ines@localhost", "hello");
    page.click("[data-testid=list-conversation][data-name='juan@localhost']").await;
    page.see("[data-testid=stranger]").await;
    found.extend(page.too_small("a stranger's strip").await);
    behind(&page, &["[data-testid=stranger-info]"], "[data-testid=notice-userinfo]", &mut found).await;
    juan.presence_to("ines@localhost", "subscribe");
    page.see("[data-testid=authorization]").await;
    found.extend(page.too_small("a question").await);
    page.click("[data-testid=prompt-later]").await;
    page.click("[data-testid=back]").await;

    let room = prosody.room("gardeners");
    let garden = page.join(&[("room", "gardeners"), ("server", "rooms.localhost"), ("handle", "Ines")], &room).await;
    page.press("[data-testid=request-action]", "Accept Defaults").await;
    page.see_no("[data-testid=request-action]").await;
    bob.join(&room, "Bob");
    page.click("[data-testid=toggle-members]").await;
    behind(&page, &["[data-testid=member][data-name=Bob]"], "[data-testid=power-kick]", &mut found).await;
    behind(&page, &["[data-testid=member][data-name=Bob]", "[data-testid=power-kick]"], "[data-testid=act-dialog]", &mut found).await;
    let menu = format!("{garden} [data-testid=conversation-menu]");
    behind(&page, &[&menu, "[data-testid=menu-mark]"], "[data-testid=mark-keep]", &mut found).await;
    behind(&page, &[&menu, "[data-testid=power-bans]"], "[data-testid=bans-dialog]", &mut found).await;
    behind(&page, &[&menu, "[data-testid=talk-close]"], "[data-testid=close-dialog]", &mut found).await;
    assert!(found.is_empty(), "{} are too small:\n{}", found.len(), found.join("\n"));
    page.assert_no_mishap().await;
}
