//! Promise: names and emoji are completed while one writes, and a pasted text of many lines asks how it goes.
#![allow(clippy::expect_used)]

use support::{Daemon, IrcPeer, Key, Ngircd, Page, Prosody, Window, XmppPeer, box_of, key, with};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");

fn friends() -> Prosody {
    Prosody::builder().users(["ines", "bob"]).friends("ines", "bob", "Friends").start()
}

/// Pastes a text that is asked about.
async fn paste(page: &Page, talk: &str, text: &str) {
    assert!(!page.paste(talk, text).await, "it went in without a question");
    page.see("[data-testid=paste-dialog]").await;
}

/// Presses a button of a dialog, and waits until the dialog has given the focus back to the box.
async fn answer(page: &Page, talk: &str, button: &str) {
    page.click(&format!("[data-testid=paste-dialog] [data-testid={button}]")).await;
    page.see_no("[data-testid=paste-dialog]").await;
    page.see(&format!("{}:focus", box_of(talk))).await;
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
    page.press_keys(&key(Key::Down)).await;
    page.wait(active).await;
    page.press_keys(&key(Key::Up)).await;
    page.press_keys(&key(Key::Enter)).await;
    page.written(&talk, "so 👍").await;
    page.see_no("[data-testid=hits]").await;
    // Esc leaves the letters; a finished name needs no list.
    page.press_keys(" :ta").await;
    page.see("[data-testid=hits]").await;
    page.press_escape().await;
    page.see_no("[data-testid=hits]").await;
    page.written(&talk, "so 👍 :ta").await;
    page.press_keys("da:").await;
    page.written(&talk, "so 👍 🎉").await;
    page.press_keys(&key(Key::Enter)).await;
    bob.hears("so 👍 🎉");

    // The picker: search, groups, skin.
    page.click(&format!("{talk} [data-testid=emoji]")).await;
    page.see("[data-testid=emoji-search]:focus").await;
    // The emoji used last comes first in the picker.
    page.see("[data-testid=emoji-one]:first-child[data-name=party_popper]").await;
    page.click("[data-testid=emoji-group-9]").await;
    page.see("[data-testid=emoji-one][data-name=flag_france]").await;
    page.click("[data-testid=tone-medium]").await;
    page.see("[data-testid=tone-medium][aria-checked=true]").await;
    page.type_into("[data-testid=emoji-search]", "waving ha").await;
    page.see("[data-testid=emoji-one]:first-child[data-name=waving_hand]").await;
    page.press_keys(&key(Key::Down)).await;
    page.see("[data-testid=emoji-one][data-name=waving_hand]:focus").await;
    page.press_keys(&key(Key::Enter)).await;
    page.see_no(".emoji-box").await;
    page.written(&talk, "👋🏽").await;
    page.press_keys(&key(Key::Enter)).await;
    bob.hears("👋🏽");
    // An emoji alone is large; in a text it is not.
    let large = page.message(&talk, "👋🏽").await;
    page.see(&format!("{large} .bubble.emoji")).await;
    let small = page.message(&talk, "so 👍 🎉").await;
    page.see_no(&format!("{small} .bubble.emoji")).await;
    // The chosen skin tone holds after a reload, and for typed names.
    page.load().await;
    page.see(&format!("{talk} [data-testid=toggle-format]")).await;
    page.type_into(&box_of(&talk), ":thumbs_up:").await;
    page.written(&talk, "👍🏽").await;
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

    // The last speaker comes first. Tab takes the next name, Shift Tab the one before, Esc restores the typed letters.
    page.type_into(&box_of(&garden), &format!("b{}", key(Key::Tab))).await;
    page.written(&garden, "bob: ").await;
    page.see(&format!("{garden} [data-testid=hits]")).await;
    page.press_keys(&key(Key::Tab)).await;
    page.written(&garden, "bert: ").await;
    page.press_keys(&key(Key::Tab)).await;
    page.written(&garden, "bob: ").await;
    page.press_keys(&with(Key::Shift, &key(Key::Tab))).await;
    page.written(&garden, "bert: ").await;
    page.press_escape().await;
    page.written(&garden, "b").await;
    page.press_keys(&format!("e{}hello{}", key(Key::Tab), key(Key::Enter))).await;
    bert.hears("bert: hello");
    // By a list, within a line: no colon, and nobody is oneself.
    page.press_keys("ask @").await;
    page.see(&format!("{garden} [data-testid=hit]")).await;
    assert_eq!(page.texts(&format!("{garden} [data-testid=hit]")).await, ["bob", "bert"]);
    page.press_keys("be").await;
    page.wait("document.querySelectorAll('[data-testid=hit]').length === 1").await;
    page.press_keys(&key(Key::Enter)).await;
    page.written(&garden, "ask bert ").await;
    page.empty(&garden).await;

    // A quote is one line here.
    let said = page.message(&garden, "Good morning").await;
    page.point_at(&said).await;
    page.click(&format!("{garden} [data-testid=message-tool-quote]")).await;
    page.written(&garden, "> bob: Good morning\n").await;
    page.press_keys(&format!("to you{}", key(Key::Enter))).await;
    bob.hears("> bob: Good morning");
    bob.hears("to you");

    // Five lines are asked about, pasted or typed.
    paste(&page, &garden, "one\n\ntwo\nthree\nfour\nfive\n").await;
    page.read("[data-testid=paste-dialog]", "IRC").await;
    answer(&page, &garden, "paste-line").await;
    page.written(&garden, "one two three four five").await;
    page.empty(&garden).await;
    let lines = ["a", "b", "c", "d", "e"].join(&with(Key::Shift, &key(Key::Enter)));
    page.type_into(&box_of(&garden), &format!("{lines}{}", key(Key::Enter))).await;
    page.see("[data-testid=paste-dialog]").await;
    page.press_escape().await;
    page.see_no("[data-testid=paste-dialog]").await;
    page.written(&garden, "a\nb\nc\nd\ne").await;
    page.see(&format!("{}:focus", box_of(&garden))).await;
    page.press_keys(&key(Key::Enter)).await;
    answer(&page, &garden, "paste-line").await;
    page.written(&garden, "a b c d e").await;
    page.press_keys(&key(Key::Enter)).await;
    bob.hears("a b c d e");
    // Lines may go as messages of their own: the question comes at the paste, and not again when they are sent.
    paste(&page, &garden, "eins\nzwei\ndrei\nvier").await;
    answer(&page, &garden, "paste-lines").await;
    page.written(&garden, "eins\nzwei\ndrei\nvier").await;
    page.press_keys(&key(Key::Enter)).await;
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
    page.written(&talk, "").await;
    paste(&page, &talk, &text).await;
    answer(&page, &talk, "paste-text").await;
    page.written(&talk, &text).await;
    page.empty(&talk).await;
    page.type_into(&box_of(&talk), "look:").await;
    paste(&page, &talk, &text).await;
    answer(&page, &talk, "paste-code").await;
    let block = format!("look:\n```\n{text}\n```\n");
    page.written(&talk, &block).await;
    page.press_keys(&key(Key::Enter)).await;
    page.see(&format!("{talk} [data-self=true][data-state=sent] .sp-block")).await;
    bob.wait_for("the code", |stanza| stanza.child_text("body").is_some_and(|body| body.contains("```\nline 1\n")));
    page.see(&format!("{talk} [data-testid=attach]")).await;
    paste(&page, &talk, &text).await;
    page.click("[data-testid=paste-file]").await;
    page.see(&format!("{talk} [data-testid=files] [data-testid=transfer], {talk} [data-testid=files] [data-testid=upload]")).await;
    page.assert_no_mishap().await;
}
