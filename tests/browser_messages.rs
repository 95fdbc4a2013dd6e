//! Promise: a message can be quoted, copied, looked at and formatted, and what is being written is helped along, by mouse, by touch and by keys alone.
#![allow(clippy::expect_used)]

use serde_json::{Value, json};
use support::{Audit, Daemon, IrcPeer, Key, Ngircd, Page, Prosody, Window, XmppPeer, quoted};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");

fn key(key: Key) -> String {
    char::from(key).to_string()
}

/// The keys with another held down.
fn with(held: Key, keys: &str) -> String {
    format!("{}{keys}{}", char::from(held), char::from(Key::Null))
}

/// Presses keys where the focus is.
async fn press(page: &Page, keys: &str) {
    page.type_into(":focus", keys).await;
}

fn friends() -> Prosody {
    Prosody::builder().users(["ines", "bob"]).friends("ines", "bob", "Friends").start()
}

fn box_of(talk: &str) -> String {
    format!("{talk} [data-testid=composer]")
}

/// Waits until the box of a conversation has exactly this in it.
async fn written(page: &Page, talk: &str, text: &str) {
    page.wait(&format!("document.querySelector({}).value === {}", quoted(&box_of(talk)), quoted(text))).await;
}

async fn empty(page: &Page, talk: &str) {
    page.type_into(&box_of(talk), &format!("{}{}", with(Key::Control, "a"), key(Key::Delete))).await;
    written(page, talk, "").await;
}

/// The message with this text.
async fn row(page: &Page, talk: &str, text: &str) -> String {
    let find = format!(
        "[...document.querySelectorAll({})].find(e => e.querySelector('[data-testid=message-text]').textContent === {})",
        quoted(&format!("{talk} [data-testid=message]")),
        quoted(text)
    );
    page.wait(&format!("{find}?.dataset.row")).await;
    let id = page.browser().eval(&format!("return {find}.dataset.row")).await;
    format!("{talk} [data-row={}]", quoted(id.as_str().expect("an id")))
}

/// The middle of the first element that matches.
async fn middle(page: &Page, css: &str) -> (f64, f64) {
    page.see(css).await;
    page.at_rest().await;
    let script = format!(
        "const b = document.querySelector({}).getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2]",
        quoted(css)
    );
    let at = page.browser().eval(&script).await;
    (at[0].as_f64().expect("a number"), at[1].as_f64().expect("a number"))
}

async fn mouse(page: &Page, kind: &str, button: &str, (x, y): (f64, f64)) {
    let event = json!({ "type": kind, "x": x, "y": y, "button": button, "clickCount": i32::from(button != "none") });
    page.browser().devtools("Input.dispatchMouseEvent", event).await;
}

/// Opens a message's menu with the second button.
async fn right_click(page: &Page, css: &str) {
    let at = middle(page, css).await;
    mouse(page, "mouseMoved", "none", at).await;
    mouse(page, "mousePressed", "right", at).await;
    mouse(page, "mouseReleased", "right", at).await;
    page.see("[role=menu] [data-testid=message-info]").await;
}

/// Pastes a text into a box, as a hand does.
async fn paste(page: &Page, talk: &str, text: &str) {
    let script = format!(
        "const box = document.querySelector({}), data = new DataTransfer();
         data.setData('text/plain', {});
         box.focus();
         return box.dispatchEvent(new ClipboardEvent('paste', {{ clipboardData: data, bubbles: true, cancelable: true }}))",
        quoted(&box_of(talk)),
        quoted(text)
    );
    assert_eq!(page.browser().eval(&script).await, false, "it went in without a question");
    page.see("[data-testid=paste-dialog]").await;
}

/// Presses a button of a dialog, and waits until the dialog has given the focus back to the box.
async fn answer(page: &Page, talk: &str, button: &str) {
    page.click(&format!("[data-testid=paste-dialog] [data-testid={button}]")).await;
    page.see_no("[data-testid=paste-dialog]").await;
    page.see(&format!("{}:focus", box_of(talk))).await;
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
    let said = row(&page, &talk, "Look at https://plants.example/a_b today").await;

    // By the button where one points.
    page.type_into(&box_of(&talk), "draft").await;
    mouse(&page, "mouseMoved", "none", middle(&page, &format!("{said} .bubble")).await).await;
    page.click(&format!("{talk} [data-testid=message-tool-quote]")).await;
    written(&page, &talk, "> Bob: Look at https://plants.example/a_b today\ndraft").await;
    page.see(&format!("{}:focus", box_of(&talk))).await;
    empty(&page, &talk).await;
    mouse(&page, "mouseMoved", "none", middle(&page, &format!("{said} .bubble")).await).await;
    page.click(&format!("{talk} [data-testid=message-tool-menu]")).await;
    page.click("[data-testid=message-copy]").await;
    page.read("[data-testid=toast]", "Copied").await;
    page.type_into(&box_of(&talk), &with(Key::Control, "v")).await;
    written(&page, &talk, "Look at https://plants.example/a_b today").await;
    empty(&page, &talk).await;

    // By the second button, on the address itself.
    right_click(&page, &format!("{said} a")).await;
    page.click("[data-testid=message-copy-link]").await;
    page.type_into(&box_of(&talk), &with(Key::Control, "v")).await;
    written(&page, &talk, "https://plants.example/a_b").await;
    empty(&page, &talk).await;
    right_click(&page, &format!("{said} .bubble")).await;
    page.click("[data-testid=message-info]").await;
    page.shows("[data-testid=info-from]", "Bob").await;
    page.shows("[data-testid=info-address]", "bob@localhost").await;
    page.read("[data-testid=info-via]", "XMPP, as ines@localhost").await;
    let year = page.browser().eval("return String(new Date().getFullYear())").await;
    page.read("[data-testid=info-when]", year.as_str().expect("a year")).await;
    page.press_escape().await;
    page.see_no("[data-testid=message-info-dialog]").await;

    // One that was refused is sent again from its menu.
    page.say(&talk, "/mgs oh").await;
    page.see(&format!("{talk} [data-testid=message][data-state=failed]")).await;
    let failed = row(&page, &talk, "/mgs oh").await;
    right_click(&page, &format!("{failed} .bubble")).await;
    page.see("[data-testid=message-again]").await;
    page.press("[role=menu]", "Edit").await;
    written(&page, &talk, "/mgs oh").await;
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
    press(&page, &with(Key::Shift, &key(Key::Tab))).await;
    page.see(&format!("{talk} .log:focus")).await;
    press(&page, &key(Key::Up)).await;
    let second = row(&page, &talk, "second").await;
    page.see(&format!("{second}:focus")).await;
    press(&page, &key(Key::Up)).await;
    let first = row(&page, &talk, "first").await;
    page.see(&format!("{first}:focus")).await;
    press(&page, &key(Key::Down)).await;
    page.see(&format!("{second}:focus")).await;
    press(&page, &key(Key::Up)).await;
    // The first entry quotes it.
    press(&page, &with(Key::Shift, &key(Key::F10))).await;
    page.see("[role=menu] [data-testid=message-quote]:focus").await;
    page.press_escape().await;
    page.see(&format!("{first}:focus")).await;
    press(&page, &key(Key::Enter)).await;
    page.see("[role=menu] [data-testid=message-quote]:focus").await;
    press(&page, &key(Key::Enter)).await;
    page.see(&format!("{}:focus", box_of(&talk))).await;
    press(&page, &format!("an answer{}", key(Key::Enter))).await;
    bob.hears("> Bob: first\nan answer");
    page.see(&format!("{talk} [data-self=true] .sp-quote")).await;
    // And Esc leads from a message back to the box.
    press(&page, &with(Key::Shift, &key(Key::Tab))).await;
    press(&page, &key(Key::Up)).await;
    page.see(&format!("{talk} [data-testid=message]:focus")).await;
    page.press_escape().await;
    page.see(&format!("{}:focus", box_of(&talk))).await;
    page.assert_no_mishap().await;
}

/// What of a message stands in a certain style.
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
    let said = row(&page, &talk, text).await;
    page.see(&format!("{said} .sp-b")).await;
    assert_eq!(styled(&page, &said, ".sp-b").await, json!(["bold"]));
    assert_eq!(styled(&page, &said, ".sp-i").await, json!(["word"]));
    assert_eq!(styled(&page, &said, ".sp-c").await, json!(["code"]));
    assert_eq!(styled(&page, &said, "a").await, json!(["https://x.example/_a_/b"]));
    bob.say("ines@localhost", "> so you said\n```\nlet x = *y*;\n```\nyes");
    let said = row(&page, &talk, "> so you said\n```\nlet x = *y*;\n```\nyes").await;
    page.see(&format!("{said} .sp-quote")).await;
    assert_eq!(styled(&page, &said, ".sp-block").await, json!(["```\nlet x = *y*;\n```\n"]));
    assert_eq!(styled(&page, &said, ".sp-b").await, json!([]));

    // The bar, and what comes of it: the signs stay for those who see no formatting.
    page.see_no("[data-testid=format-bar]").await;
    page.click(&format!("{talk} [data-testid=toggle-format]")).await;
    page.see(&format!("{talk} [data-testid=format-bar]")).await;
    page.type_into(&box_of(&talk), &format!("oak{}", with(Key::Shift, &key(Key::Left).repeat(3)))).await;
    page.click(&format!("{talk} [data-testid=format-bold]")).await;
    written(&page, &talk, "*oak*").await;
    press(&page, &format!("{} tree", key(Key::End))).await;
    press(&page, &with(Key::Shift, &key(Key::Left).repeat(4))).await;
    press(&page, &with(Key::Control, "i")).await;
    written(&page, &talk, "*oak* _tree_").await;
    press(&page, &key(Key::Enter)).await;
    let got = format!("{:?}", bob.hears("*oak* _tree_").child("html"));
    assert!(got.contains("bold") || got.contains("strong"), "{got}");
    let own = row(&page, &talk, "*oak* _tree_").await;
    page.see(&format!("{own}[data-state=sent] .sp-b")).await;
    // Undo takes back what a button did.
    page.type_into(&box_of(&talk), &format!("elm{}", with(Key::Shift, &key(Key::Left).repeat(3)))).await;
    page.click(&format!("{talk} [data-testid=format-strike]")).await;
    written(&page, &talk, "~elm~").await;
    press(&page, &with(Key::Control, "z")).await;
    written(&page, &talk, "elm").await;
    empty(&page, &talk).await;

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
async fn emoji_come_by_name_with_the_skin_that_was_chosen() {
    let prosody = friends();
    let daemon = Daemon::run(BELLFLOWER);
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let page = Page::open(&daemon, Window::Desk).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    let talk = page.open_buddy("bob@localhost").await;
    page.see(&format!("{talk} [data-testid=toggle-format]")).await;
    let table = "performance.getEntriesByType('resource').some(one => one.name.includes('emoji-table'))";
    assert_eq!(page.browser().eval(&format!("return {table}")).await, false, "nobody has wanted emoji yet");
    page.type_into(&box_of(&talk), "so :thumbs").await;
    page.read(&format!("{talk} [data-testid=hit][aria-selected=true]"), ":thumbs_up:").await;
    assert_eq!(page.browser().eval(&format!("return {table}")).await, true);
    // The box says which one is chosen.
    let active =
        "document.getElementById(document.activeElement.getAttribute('aria-activedescendant'))?.textContent.includes(':thumbs_down:')";
    press(&page, &key(Key::Down)).await;
    page.wait(active).await;
    press(&page, &key(Key::Up)).await;
    press(&page, &key(Key::Enter)).await;
    written(&page, &talk, "so 👍").await;
    page.see_no("[data-testid=hits]").await;
    // Esc leaves the letters; a finished name needs no list.
    press(&page, " :ta").await;
    page.see("[data-testid=hits]").await;
    page.press_escape().await;
    page.see_no("[data-testid=hits]").await;
    written(&page, &talk, "so 👍 :ta").await;
    press(&page, "da:").await;
    written(&page, &talk, "so 👍 🎉").await;
    press(&page, &key(Key::Enter)).await;
    bob.hears("so 👍 🎉");

    // The picker: search, groups, skin.
    page.click(&format!("{talk} [data-testid=emoji]")).await;
    page.see("[data-testid=emoji-search]:focus").await;
    // What was used last is at hand.
    page.see("[data-testid=emoji-one]:first-child[data-name=party_popper]").await;
    page.click("[data-testid=emoji-group-9]").await;
    page.see("[data-testid=emoji-one][data-name=flag_france]").await;
    page.click("[data-testid=tone-medium]").await;
    page.see("[data-testid=tone-medium][aria-checked=true]").await;
    page.type_into("[data-testid=emoji-search]", "waving ha").await;
    page.see("[data-testid=emoji-one]:first-child[data-name=waving_hand]").await;
    press(&page, &key(Key::Down)).await;
    page.see("[data-testid=emoji-one][data-name=waving_hand]:focus").await;
    press(&page, &key(Key::Enter)).await;
    page.see_no(".emoji-box").await;
    written(&page, &talk, "👋🏽").await;
    press(&page, &key(Key::Enter)).await;
    bob.hears("👋🏽");
    // Alone it is large; in a text it is not.
    let large = row(&page, &talk, "👋🏽").await;
    page.see(&format!("{large} .bubble.emoji")).await;
    let small = row(&page, &talk, "so 👍 🎉").await;
    page.see_no(&format!("{small} .bubble.emoji")).await;
    // It is so after the page was loaded anew, and where names are typed.
    page.load().await;
    page.see(&format!("{talk} [data-testid=toggle-format]")).await;
    page.type_into(&box_of(&talk), ":thumbs_up:").await;
    written(&page, &talk, "👍🏽").await;
    page.assert_no_mishap().await;
    page.assert_kept_to_itself().await;
}

#[tokio::test]
async fn names_are_completed_and_a_channel_is_not_flooded() {
    let ngircd = Ngircd::builder().channel("#garden", "").start();
    let daemon = Daemon::run(BELLFLOWER);
    let (mut bob, mut bert) = (IrcPeer::connect(&ngircd, "bob"), IrcPeer::connect(&ngircd, "bert"));
    bob.join("#garden");
    bert.join("#garden");
    let page = Page::open(&daemon, Window::Desk).await;
    page.sign_in_irc(&ngircd, "ines").await;
    page.see("[data-testid=account][data-state=online]").await;
    let garden = page.join(&[("channel", "#garden")], "#garden").await;
    page.wait("document.querySelectorAll('[data-testid=member]').length === 3").await;
    bob.say("#garden", "Good morning");
    page.hears(&garden, "Good morning").await;

    // Whoever spoke last comes first; Tab goes on, Shift Tab back, Esc takes it back.
    page.type_into(&box_of(&garden), &format!("b{}", key(Key::Tab))).await;
    written(&page, &garden, "bob: ").await;
    page.see(&format!("{garden} [data-testid=hits]")).await;
    press(&page, &key(Key::Tab)).await;
    written(&page, &garden, "bert: ").await;
    press(&page, &key(Key::Tab)).await;
    written(&page, &garden, "bob: ").await;
    press(&page, &with(Key::Shift, &key(Key::Tab))).await;
    written(&page, &garden, "bert: ").await;
    page.press_escape().await;
    written(&page, &garden, "b").await;
    press(&page, &format!("e{}hello{}", key(Key::Tab), key(Key::Enter))).await;
    bert.hears("bert: hello");
    // By a list, within a line: no colon, and nobody is oneself.
    press(&page, "ask @").await;
    page.see(&format!("{garden} [data-testid=hit]")).await;
    assert_eq!(page.texts(&format!("{garden} [data-testid=hit]")).await, ["bob", "bert"]);
    press(&page, "be").await;
    page.wait("document.querySelectorAll('[data-testid=hit]').length === 1").await;
    press(&page, &key(Key::Enter)).await;
    written(&page, &garden, "ask bert ").await;
    empty(&page, &garden).await;

    // A quote is one line here.
    let said = row(&page, &garden, "Good morning").await;
    right_click(&page, &format!("{said} .said")).await;
    page.click("[data-testid=message-quote]").await;
    written(&page, &garden, "> bob: Good morning\n").await;
    press(&page, &format!("to you{}", key(Key::Enter))).await;
    bob.hears("> bob: Good morning");
    bob.hears("to you");

    // Three lines go in; five are asked about, and so are five that were typed.
    paste(&page, &garden, "one\n\ntwo\nthree\nfour\nfive\n").await;
    page.read("[data-testid=paste-dialog]", "IRC").await;
    answer(&page, &garden, "paste-line").await;
    written(&page, &garden, "one two three four five").await;
    empty(&page, &garden).await;
    let lines = ["a", "b", "c", "d", "e"].join(&with(Key::Shift, &key(Key::Enter)));
    page.type_into(&box_of(&garden), &format!("{lines}{}", key(Key::Enter))).await;
    page.see("[data-testid=paste-dialog]").await;
    page.press_escape().await;
    page.see_no("[data-testid=paste-dialog]").await;
    written(&page, &garden, "a\nb\nc\nd\ne").await;
    page.see(&format!("{}:focus", box_of(&garden))).await;
    press(&page, &key(Key::Enter)).await;
    answer(&page, &garden, "paste-line").await;
    written(&page, &garden, "a b c d e").await;
    press(&page, &key(Key::Enter)).await;
    bob.hears("a b c d e");
    // Who wants it so sends them, each as a message of its own, and is asked once.
    paste(&page, &garden, "eins\nzwei\ndrei\nvier").await;
    answer(&page, &garden, "paste-lines").await;
    written(&page, &garden, "eins\nzwei\ndrei\nvier").await;
    press(&page, &key(Key::Enter)).await;
    for line in ["eins", "zwei", "drei", "vier"] {
        bob.hears(line);
    }
    assert_eq!(page.seen("paste-dialog").await, 0);
    page.assert_no_mishap().await;
}

#[tokio::test]
async fn a_long_text_is_pasted_as_text_code_or_file() {
    let prosody = friends();
    let daemon = Daemon::run(BELLFLOWER);
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let page = Page::open(&daemon, Window::Desk).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    let talk = page.open_buddy("bob@localhost").await;
    page.see(&format!("{talk} [data-testid=toggle-format]")).await;
    let lines: Vec<String> = (1..=12).map(|n| format!("line {n}")).collect();
    let text = lines.join("\n");
    paste(&page, &talk, &text).await;
    page.read("[data-testid=paste-dialog] h2", "12 lines").await;
    page.press_escape().await;
    page.see_no("[data-testid=paste-dialog]").await;
    written(&page, &talk, "").await;
    paste(&page, &talk, &text).await;
    answer(&page, &talk, "paste-text").await;
    written(&page, &talk, &text).await;
    empty(&page, &talk).await;
    page.type_into(&box_of(&talk), "look:").await;
    paste(&page, &talk, &text).await;
    answer(&page, &talk, "paste-code").await;
    let block = format!("look:\n```\n{text}\n```\n");
    written(&page, &talk, &block).await;
    press(&page, &key(Key::Enter)).await;
    page.see(&format!("{talk} [data-self=true][data-state=sent] .sp-block")).await;
    bob.wait_for("the code", |stanza| stanza.child_text("body").is_some_and(|body| body.contains("```\nline 1\n")));
    page.see(&format!("{talk} [data-testid=attach]")).await;
    paste(&page, &talk, &text).await;
    page.click("[data-testid=paste-file]").await;
    page.see(&format!("{talk} [data-testid=files] [data-testid=transfer], {talk} [data-testid=files] [data-testid=upload]")).await;
    page.assert_no_mishap().await;
}

/// Holds a finger on something.
async fn hold(page: &Page, css: &str) {
    let (x, y) = middle(page, css).await;
    let touch = |kind: &str, points: Value| json!({ "type": kind, "touchPoints": points });
    page.browser().devtools("Input.dispatchTouchEvent", touch("touchStart", json!([{ "x": x, "y": y }]))).await;
    page.see("[role=menu]").await;
    page.browser().devtools("Input.dispatchTouchEvent", touch("touchEnd", json!([]))).await;
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
    let said = row(&page, &talk, "See https://plants.example/").await;
    page.see(&format!("{talk} [data-testid=toggle-format]")).await;
    // Even on an address: it is not followed.
    hold(&page, &format!("{said} a")).await;
    page.see("[data-testid=message-copy-link]").await;
    page.assert_fits("a message's menu on a phone").await;
    page.click("[data-testid=message-quote]").await;
    written(&page, &talk, "> Bob: See https://plants.example/\n").await;
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
    let said = row(&audit.page, &talk, text).await;
    mouse(&audit.page, "mouseMoved", "none", middle(&audit.page, &format!("{said} .bubble")).await).await;
    audit.page.see(&format!("{talk} [data-testid=message-tools]")).await;
    audit.look("marks, the bar and a message's buttons").await;
    right_click(&audit.page, &format!("{said} .bubble")).await;
    audit.look_behind(&[], "[role=menu]").await;
    right_click(&audit.page, &format!("{said} .bubble")).await;
    audit.look_behind(&["[data-testid=message-info]"], "[data-testid=message-info-dialog]").await;
    audit.page.type_into(&box_of(&talk), ":smi").await;
    audit.page.see("[data-testid=hits]").await;
    audit.look("emoji to choose from").await;
    audit.page.press_escape().await;
    audit.page.click(&format!("{talk} [data-testid=emoji]")).await;
    audit.look_behind(&[], "[data-testid=emoji-one]").await;
    paste(&audit.page, &talk, &"line\n".repeat(12)).await;
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
    audit.page.type_into(&box_of(&garden), "@").await;
    audit.page.see("[data-testid=hits]").await;
    audit.look("names to choose from").await;
    audit.assert_nothing(8);
}
