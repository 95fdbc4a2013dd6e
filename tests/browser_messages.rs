//! Promise: a message can be quoted, copied, looked at and formatted, by mouse, by touch and by keys alone.
#![allow(clippy::expect_used)]

use serde_json::{Value, json};
use support::{Audit, Daemon, IrcPeer, Key, Ngircd, Page, Prosody, Window, XmppPeer, box_of, key, quoted, with};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");

fn friends() -> Prosody {
    Prosody::builder().users(["ines", "bob"]).friends("ines", "bob", "Friends").start()
}

#[tokio::test]
async fn a_message_is_quoted_copied_and_looked_at() {
    let prosody = friends();
    let daemon = Daemon::run(BELLFLOWER);
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let page = Page::open(&daemon, Window::Desk).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    let talk = page.open_buddy("bob@localhost").await;
    bob.say("ines@localhost", "Look at https://plants.example/a_b today");
    let said = page.message(&talk, "Look at https://plants.example/a_b today").await;

    // By the button where one points.
    page.type_into(&box_of(&talk), "draft").await;
    page.point_at(&format!("{said} .bubble")).await;
    page.click(&format!("{talk} [data-testid=message-tool-quote]")).await;
    page.written(&talk, "> Bob: Look at https://plants.example/a_b today\ndraft").await;
    page.see(&format!("{}:focus", box_of(&talk))).await;
    page.empty(&talk).await;
    page.point_at(&format!("{said} .bubble")).await;
    page.click(&format!("{talk} [data-testid=message-tool-menu]")).await;
    page.click("[data-testid=message-copy]").await;
    page.read("[data-testid=toast]", "Copied").await;
    page.type_into(&box_of(&talk), &with(Key::Control, "v")).await;
    page.written(&talk, "Look at https://plants.example/a_b today").await;
    page.empty(&talk).await;

    // By the second button, on the address itself.
    page.right_click(&format!("{said} a")).await;
    page.click("[data-testid=message-copy-link]").await;
    page.type_into(&box_of(&talk), &with(Key::Control, "v")).await;
    page.written(&talk, "https://plants.example/a_b").await;
    page.empty(&talk).await;
    page.right_click(&format!("{said} .bubble")).await;
    page.click("[data-testid=message-info]").await;
    page.shows("[data-testid=info-from]", "Bob").await;
    page.shows("[data-testid=info-address]", "bob@localhost").await;
    page.read("[data-testid=info-via]", "XMPP, as ines@localhost").await;
    let year = page.browser().eval("return String(new Date().getFullYear())").await;
    page.read("[data-testid=info-when]", year.as_str().expect("a year")).await;
    page.press_escape().await;
    page.see_no("[data-testid=message-info-dialog]").await;

    // The menu of a refused message offers to send it again and to edit it.
    page.say(&talk, "/mgs oh").await;
    page.see(&format!("{talk} [data-testid=message][data-state=failed]")).await;
    let failed = page.message(&talk, "/mgs oh").await;
    page.right_click(&format!("{failed} .bubble")).await;
    page.see("[data-testid=message-again]").await;
    page.press("[role=menu]", "Edit").await;
    page.written(&talk, "/mgs oh").await;
    page.assert_no_mishap().await;
    page.assert_kept_to_itself().await;
}

#[tokio::test]
async fn keys_alone_reach_a_message_and_answer_it() {
    let prosody = friends();
    let daemon = Daemon::run(BELLFLOWER);
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let page = Page::open(&daemon, Window::Desk).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    let talk = page.open_buddy("bob@localhost").await;
    for line in ["first", "second"] {
        bob.say("ines@localhost", line);
        page.hears(&talk, line).await;
    }
    page.see(&format!("{}:focus", box_of(&talk))).await;
    page.see(&format!("{talk} [data-testid=toggle-format]")).await;
    page.press_keys(&with(Key::Shift, &key(Key::Tab))).await;
    page.see(&format!("{talk} .log:focus")).await;
    page.press_keys(&key(Key::Up)).await;
    let second = page.message(&talk, "second").await;
    page.see(&format!("{second}:focus")).await;
    page.press_keys(&key(Key::Up)).await;
    let first = page.message(&talk, "first").await;
    page.see(&format!("{first}:focus")).await;
    page.press_keys(&key(Key::Down)).await;
    page.see(&format!("{second}:focus")).await;
    page.press_keys(&key(Key::Up)).await;
    // The first entry quotes it.
    page.press_keys(&with(Key::Shift, &key(Key::F10))).await;
    page.see("[role=menu] [data-testid=message-quote]:focus").await;
    page.press_escape().await;
    page.see(&format!("{first}:focus")).await;
    page.press_keys(&key(Key::Enter)).await;
    page.see("[role=menu] [data-testid=message-quote]:focus").await;
    page.press_keys(&key(Key::Enter)).await;
    page.see(&format!("{}:focus", box_of(&talk))).await;
    page.press_keys(&format!("an answer{}", key(Key::Enter))).await;
    bob.hears("> Bob: first\nan answer");
    page.see(&format!("{talk} [data-self=true] .sp-quote")).await;
    // And Esc leads from a message back to the box.
    page.press_keys(&with(Key::Shift, &key(Key::Tab))).await;
    page.press_keys(&key(Key::Up)).await;
    page.see(&format!("{talk} [data-testid=message]:focus")).await;
    page.press_escape().await;
    page.see(&format!("{}:focus", box_of(&talk))).await;
    page.assert_no_mishap().await;
}

/// The texts of a message's elements that match a CSS selector.
async fn styled(page: &Page, row: &str, css: &str) -> Value {
    let script = format!("return [...document.querySelectorAll({})].map(e => e.textContent)", quoted(&format!("{row} .said {css}")));
    page.browser().eval(&script).await
}

#[tokio::test]
async fn marks_are_drawn_and_formatting_goes_where_it_can() {
    let prosody = friends();
    let ngircd = Ngircd::builder().channel("#garden", "").start();
    let daemon = Daemon::run(BELLFLOWER);
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let page = Page::open(&daemon, Window::Desk).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    let talk = page.open_buddy("bob@localhost").await;
    let text = "a *bold* _word_, `code`, snake_case_name 2*3*4 https://x.example/_a_/b";
    bob.say("ines@localhost", text);
    let said = page.message(&talk, text).await;
    page.see(&format!("{said} .sp-b")).await;
    assert_eq!(styled(&page, &said, ".sp-b").await, json!(["bold"]));
    assert_eq!(styled(&page, &said, ".sp-i").await, json!(["word"]));
    assert_eq!(styled(&page, &said, ".sp-c").await, json!(["code"]));
    assert_eq!(styled(&page, &said, "a").await, json!(["https://x.example/_a_/b"]));
    bob.say("ines@localhost", "> so you said\n```\nlet x = *y*;\n```\nyes");
    let said = page.message(&talk, "> so you said\n```\nlet x = *y*;\n```\nyes").await;
    page.see(&format!("{said} .sp-quote")).await;
    assert_eq!(styled(&page, &said, ".sp-block").await, json!(["```\nlet x = *y*;\n```\n"]));
    assert_eq!(styled(&page, &said, ".sp-b").await, json!([]));

    // The bar, and what comes of it: the signs stay for those who see no formatting.
    page.see_no("[data-testid=format-bar]").await;
    page.click(&format!("{talk} [data-testid=toggle-format]")).await;
    page.see(&format!("{talk} [data-testid=format-bar]")).await;
    page.type_into(&box_of(&talk), &format!("oak{}", with(Key::Shift, &key(Key::Left).repeat(3)))).await;
    page.click(&format!("{talk} [data-testid=format-bold]")).await;
    page.written(&talk, "*oak*").await;
    page.press_keys(&format!("{} tree", key(Key::End))).await;
    page.press_keys(&with(Key::Shift, &key(Key::Left).repeat(4))).await;
    page.press_keys(&with(Key::Control, "i")).await;
    page.written(&talk, "*oak* _tree_").await;
    page.press_keys(&key(Key::Enter)).await;
    let got = format!("{:?}", bob.hears("*oak* _tree_").child("html"));
    assert!(got.contains("bold") || got.contains("strong"), "{got}");
    let own = page.message(&talk, "*oak* _tree_").await;
    page.see(&format!("{own}[data-state=sent] .sp-b")).await;
    // Undo takes back what a button did.
    page.type_into(&box_of(&talk), &format!("elm{}", with(Key::Shift, &key(Key::Left).repeat(3)))).await;
    page.click(&format!("{talk} [data-testid=format-strike]")).await;
    page.written(&talk, "~elm~").await;
    page.press_keys(&with(Key::Control, "z")).await;
    page.written(&talk, "elm").await;
    page.empty(&talk).await;

    // Switched off, a text is as it was typed, here and for the others.
    page.type_into("body", &with(Key::Control, ",")).await;
    page.click("[data-testid=settings-talk]").await;
    page.check("pref-marks", false).await;
    page.press_escape().await;
    page.see_no("[data-testid=settings-dialog]").await;
    page.see_no(".said .sp-quote").await;
    page.see_no("[data-testid=format-bar]").await;
    page.say(&talk, "*elm*").await;
    assert_eq!(bob.hears("*elm*").child("html").map(|_| "formatted"), None);
    page.sign_out().await;

    // IRC has none: no bar.
    page.sign_in_irc(&ngircd, "ines").await;
    page.see("[data-testid=account][data-state=online]").await;
    let garden = page.join(&[("channel", "#garden")], "#garden").await;
    page.say(&garden, "*as it is*").await;
    page.sent(&garden, "*as it is*").await;
    page.see(&format!("{garden} [data-state=sent] .sp-b")).await;
    assert_eq!(page.seen("toggle-format").await, 0);
    page.assert_no_mishap().await;
}

#[tokio::test]
async fn a_thumb_holds_a_message_for_its_menu() {
    let prosody = friends();
    let daemon = Daemon::run(BELLFLOWER);
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let page = Page::open(&daemon, Window::Phone).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    let talk = page.open_buddy("bob@localhost").await;
    bob.say("ines@localhost", "See https://plants.example/");
    let said = page.message(&talk, "See https://plants.example/").await;
    page.see(&format!("{talk} [data-testid=toggle-format]")).await;
    // A long touch on an address opens the menu, and does not follow it.
    page.hold(&format!("{said} a")).await;
    page.see("[data-testid=message-copy-link]").await;
    page.assert_fits("a message's menu on a phone").await;
    page.click("[data-testid=message-quote]").await;
    page.written(&talk, "> Bob: See https://plants.example/\n").await;
    let tabs = page.browser().page().windows().await.expect("tabs");
    assert_eq!(tabs.len(), 1, "the address was followed");
    // The picker and the bar fit, too.
    page.click(&format!("{talk} [data-testid=emoji]")).await;
    page.see("[data-testid=emoji-one]").await;
    page.assert_fits("the picker on a phone").await;
    page.press_escape().await;
    page.click(&format!("{talk} [data-testid=toggle-format]")).await;
    page.see("[data-testid=format-bar]").await;
    page.assert_fits("the bar on a phone").await;
    page.assert_no_mishap().await;
}

#[tokio::test]
async fn all_of_it_is_for_everybody() {
    let prosody = friends();
    let ngircd = Ngircd::builder().channel("#garden", "").start();
    let daemon = Daemon::run(BELLFLOWER);
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let mut audit = Audit::of(Page::open(&daemon, Window::Desk).await);
    audit.page.sign_in_xmpp(&prosody, "ines").await;
    let talk = audit.page.open_buddy("bob@localhost").await;
    let text = "> a *quote*\n```\ncode\n```\n*bold* _italic_ ~gone~ `code` https://x.example/";
    bob.say("ines@localhost", text);
    audit.page.hears(&talk, text).await;
    audit.page.click(&format!("{talk} [data-testid=toggle-format]")).await;
    audit.page.say(&talk, "my *own*, `code`").await;
    audit.page.say(&talk, "👍").await;
    audit.page.see(&format!("{talk} [data-state=sent] .bubble.emoji")).await;
    let said = audit.page.message(&talk, text).await;
    audit.page.point_at(&format!("{said} .bubble")).await;
    audit.page.see(&format!("{talk} [data-testid=message-tools]")).await;
    audit.look("marks, the bar and a message's buttons").await;
    audit.page.right_click(&format!("{said} .bubble")).await;
    audit.look_behind(&[], "[role=menu]").await;
    audit.page.right_click(&format!("{said} .bubble")).await;
    audit.look_behind(&["[data-testid=message-info]"], "[data-testid=message-info-dialog]").await;
    audit.page.type_into(&box_of(&talk), ":smi").await;
    audit.page.see("[data-testid=hits]").await;
    audit.look("emoji to choose from").await;
    audit.page.press_escape().await;
    audit.page.click(&format!("{talk} [data-testid=emoji]")).await;
    audit.look_behind(&[], "[data-testid=emoji-one]").await;
    assert!(!audit.page.paste(&talk, &"line\n".repeat(12)).await);
    audit.look_behind(&[], "[data-testid=paste-dialog]").await;
    audit.page.browser().window(Window::Phone).await;
    audit.page.click(&format!("{talk} [data-testid=emoji]")).await;
    audit.look_behind(&[], "[data-testid=emoji-one]").await;
    audit.page.browser().window(Window::Desk).await;
    audit.page.sign_out().await;
    audit.page.sign_in_irc(&ngircd, "ines").await;
    audit.page.see("[data-testid=account][data-state=online]").await;
    let mut carla = IrcPeer::connect(&ngircd, "carla");
    carla.join("#garden");
    let garden = audit.page.join(&[("channel", "#garden")], "#garden").await;
    carla.say("#garden", "*Hello* to _all_ `here`");
    audit.page.hears(&garden, "*Hello* to _all_ `here`").await;
    audit.page.wait("document.querySelectorAll('[data-testid=member]').length === 2").await;
    // The message's tools come first: the list of names lies over them.
    let said = audit.page.message(&garden, "*Hello* to _all_ `here`").await;
    audit.page.point_at(&said).await;
    audit.page.see("[data-testid=message-tools]").await;
    audit.page.type_into(&box_of(&garden), "@").await;
    audit.page.see("[data-testid=hits]").await;
    audit.look("names to choose from").await;
    audit.assert_nothing(8);
}
