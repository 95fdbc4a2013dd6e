//! Promise: however many tabs a browser has open, they ask the server as one, each of them shows everything once, and any of them may go.
#![allow(clippy::expect_used)]

use serde_json::json;
use support::{Browser, Daemon, Engine, PATIENCE, Page, Prosody, Scheme, TabHandle, Window, XmppPeer, wait_until};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");

/// A browser has six connections to a server.
const TABS: usize = 8;

#[tokio::test]
async fn eight_tabs_are_as_one_in_chromium() {
    eight_tabs_are_as_one(Engine::WholeChromium).await;
}

#[tokio::test]
async fn eight_tabs_are_as_one_in_firefox() {
    eight_tabs_are_as_one(Engine::Firefox).await;
}

#[tokio::test]
async fn eight_tabs_are_as_one_in_webkit() {
    eight_tabs_are_as_one(Engine::WebKit).await;
}

async fn eight_tabs_are_as_one(engine: Engine) {
    let prosody = Prosody::builder().users(["ines", "bob"]).friends("ines", "bob", "Friends").start();
    let daemon = Daemon::run(BELLFLOWER);
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let page = Page::open_in(Browser::start_in(engine, Scheme::Light).await, daemon.url(), Window::Desk).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    let talk = page.open_buddy("bob@localhost").await;
    let mut tabs = vec![page.browser().tab().await];
    while tabs.len() < TABS {
        tabs.push(page.browser().new_tab(Window::Desk).await);
        page.load().await;
        page.see("[data-testid=buddy-list]").await;
        page.open_buddy("bob@localhost").await;
        page.see("[data-testid=link][data-state=live]").await;
    }
    assert_eq!(followed(&daemon), 1, "{}", daemon.stats());

    // A word reaches all, and is asked for once.
    let before = asked(&daemon);
    let mut said = vec!["for all of you".to_owned()];
    bob.say("ines@localhost", &said[0]);
    assert_all_show(&page, &tabs, &talk, &said).await;
    // What each tab tells of itself when it is shown is told to all as well.
    assert!(asked(&daemon) - before <= 4 * TABS as u64, "{}", daemon.stats());
    assert_eq!(followed(&daemon), 1, "{}", daemon.stats());

    // Each is heard.
    for (number, tab) in tabs.iter().enumerate() {
        page.browser().show(tab).await;
        let text = format!("from tab {number}");
        page.say(&talk, &text).await;
        page.sent(&talk, &text).await;
        bob.hears(&text);
        said.push(text);
    }
    assert_all_show(&page, &tabs, &talk, &said).await;
    assert_eq!(followed(&daemon), 1, "{}", daemon.stats());

    // The first came first, and so it is the one that speaks.
    page.browser().show(&tabs.remove(0)).await;
    let asks = "return performance.getEntriesByType('resource').some(one => /\\/(poll|stream)\\?/.test(one.name))";
    assert_eq!(page.browser().eval(asks).await, true);
    page.browser().close_tab().await;
    for tab in &tabs {
        page.browser().show(tab).await;
        page.browser().eval("performance.clearResourceTimings()").await;
    }
    said.push("for those who are left".to_owned());
    bob.say("ines@localhost", said.last().expect("something was said"));
    assert_all_show(&page, &tabs, &talk, &said).await;
    said.push("once more".to_owned());
    bob.say("ines@localhost", said.last().expect("something was said"));
    assert_all_show(&page, &tabs, &talk, &said).await;
    let mut speakers = 0;
    for tab in &tabs {
        page.browser().show(tab).await;
        speakers += u8::from(page.browser().eval(asks).await == true);
        page.assert_no_mishap().await;
        page.assert_kept_to_itself().await;
    }
    assert_eq!(speakers, 1, "one other has taken its place");

    // Out at one is out at all.
    page.sign_out().await;
    for tab in &tabs {
        page.browser().show(tab).await;
        page.see("[data-testid=tile-prpl-jabber]").await;
        page.assert_no_mishap().await;
    }
    wait_until("nobody to ask any more", PATIENCE, || (daemon.stats()["users"] == 0).then_some(()));
}

/// What browsers do to tabs in the background; Chromium alone can be told to.
#[tokio::test]
async fn a_frozen_tab_keeps_nothing_from_the_others() {
    let prosody = Prosody::builder().users(["ines", "bob"]).friends("ines", "bob", "Friends").start();
    let daemon = Daemon::builder(BELLFLOWER).hold_ms(10_000).start();
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let page = Page::open_in(Browser::start().await, daemon.url(), Window::Desk).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    let talk = page.open_buddy("bob@localhost").await;
    let speaker = page.browser().tab().await;
    let other = page.browser().new_tab(Window::Desk).await;
    page.load().await;
    page.open_buddy("bob@localhost").await;
    page.see("[data-testid=link][data-state=live]").await;

    page.browser().show(&speaker).await;
    page.browser().devtools("Page.setWebLifecycleState", json!({ "state": "frozen" })).await;
    page.browser().show(&other).await;
    bob.say("ines@localhost", "is anybody there?");
    page.hears(&talk, "is anybody there?").await;
    page.say(&talk, "half of us").await;
    page.sent(&talk, "half of us").await;
    bob.hears("half of us");

    page.browser().show(&speaker).await;
    page.browser().devtools("Page.setWebLifecycleState", json!({ "state": "active" })).await;
    bob.say("ines@localhost", "and now?");
    let said = ["is anybody there?", "half of us", "and now?"].map(str::to_owned);
    assert_all_show(&page, &[speaker, other], &talk, &said).await;
}

/// Polls and streams that are open now, as long as none was cut.
fn followed(daemon: &Daemon) -> u64 {
    let figures = daemon.stats();
    let figure = |name: &str| figures[name].as_u64().unwrap_or_else(|| panic!("no {name} in {figures}"));
    (figure("polls") + figure("streams")) - (figure("answers") + figure("answers_empty") + figure("streams_ended"))
}

/// Polls and streams so far.
fn asked(daemon: &Daemon) -> u64 {
    let figures = daemon.stats();
    ["polls", "streams"].iter().filter_map(|name| figures[name].as_u64()).sum()
}

async fn assert_all_show(page: &Page, tabs: &[TabHandle], talk: &str, said: &[String]) {
    for tab in tabs {
        page.browser().show(tab).await;
        let last = said.last().expect("something was said");
        page.shows(&format!("{talk} [data-testid=message-text]"), last).await;
        assert_eq!(page.texts(&format!("{talk} [data-testid=message-text]")).await, said);
    }
}
