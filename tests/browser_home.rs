//! Promise: who has an account on the site finds everything again: in another browser, after a restart, far back in the history.
#![allow(clippy::expect_used)]

use serde_json::json;
use support::{Browser, Daemon, DaemonBuilder, Engine, Key, Page, Prosody, Scheme, Window, XmppPeer, conversation, free_port, quoted};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");
const PASSWORD: &str = "a sentence that nobody guesses";

/// A site that anybody may register with, at an address that it has again after a restart.
fn site() -> DaemonBuilder {
    Daemon::builder(BELLFLOWER)
        .listen(&format!("127.0.0.1:{}", free_port()))
        .config("registration = \"open\"")
        .limit("registrations_per_minute", 0)
}

fn friends() -> Prosody {
    Prosody::builder().users(["ines", "bob"]).friends("ines", "bob", "Friends").start()
}

/// The page that is open now: one that is loaded anew has no mark.
async fn mark(page: &Page) {
    page.browser().eval("window.mark = 'not loaded anew'").await;
}

async fn assert_same(page: &Page) {
    assert_eq!(page.browser().eval("return window.mark").await, json!("not loaded anew"));
}

async fn is_live(page: &Page) {
    page.see("[data-testid=link][data-state=live]").await;
}

#[tokio::test]
async fn a_guest_becomes_a_user_in_chromium() {
    a_guest_becomes_a_user(Engine::WholeChromium).await;
}

#[tokio::test]
async fn a_guest_becomes_a_user_in_firefox() {
    a_guest_becomes_a_user(Engine::Firefox).await;
}

#[tokio::test]
async fn a_guest_becomes_a_user_in_webkit() {
    a_guest_becomes_a_user(Engine::WebKit).await;
}

/// A guest keeps everything and goes on, another browser finds it, and the daemon dies and comes back while both are open.
async fn a_guest_becomes_a_user(engine: Engine) {
    let prosody = friends();
    let mut daemon = site().start();
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let page = Page::open_in(Browser::start_in(engine, Scheme::Light).await, daemon.url(), Window::Desk).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    let talk = page.open_buddy("bob@localhost").await;
    page.say(&talk, "as a guest").await;
    page.sent(&talk, "as a guest").await;
    bob.hears("as a guest");
    mark(&page).await;
    assert!(!page.keep_things("ines", PASSWORD).await.is_empty());
    page.read(".me", "ines").await;
    page.say(&talk, "as a user").await;
    page.sent(&talk, "as a user").await;
    bob.hears("as a user");
    assert_same(&page).await;

    let other = Page::open(&daemon, Window::Desk).await;
    other.sign_in_site("ines", PASSWORD).await;
    other.see(&talk).await;
    for text in ["as a guest", "as a user"] {
        other.sent(&talk, text).await;
    }
    // What is read here is read there.
    bob.say("ines@localhost", "Hello to both.");
    for one in [&page, &other] {
        one.hears(&talk, "Hello to both.").await;
    }
    other.click(&format!("{talk} [data-testid=composer]")).await;
    page.see_no("[data-testid=unread]").await;
    // And what is typed here stands there, until it is sent.
    let composer = format!("{talk} [data-testid=composer]");
    other.type_into(&composer, "half a thou").await;
    page.wait(&format!("document.querySelector({}).value === 'half a thou'", quoted(&composer))).await;

    // Without a word, and while somebody types.
    daemon.kill();
    page.see("[data-testid=link][data-state=offline]").await;
    other.type_into(&composer, "ght").await;
    daemon.start();
    for one in [&page, &other] {
        is_live(one).await;
        one.see("[data-testid=account][data-state=online]").await;
    }
    assert_eq!(other.browser().eval(&format!("return document.querySelector({}).value", quoted(&composer))).await, "half a thought");
    other.type_into(&composer, &char::from(Key::Enter).to_string()).await;
    for one in [&page, &other] {
        one.sent(&talk, "half a thought").await;
        assert_eq!(
            one.texts(&format!("{talk} [data-testid=message][data-self=true] [data-testid=message-text]")).await,
            ["as a guest", "as a user", "half a thought"]
        );
        one.see(&format!("{talk} [data-testid=gap]")).await;
        one.wait(&format!("document.querySelector({}).value === ''", quoted(&composer))).await;
    }
    bob.hears("half a thought");
    assert_same(&page).await;
    page.assert_no_mishap().await;
    other.assert_no_mishap().await;
}

#[tokio::test]
async fn one_scrolls_back_to_where_it_begins() {
    const LINES: usize = 900;
    let prosody = friends();
    let daemon = site().start();
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let page = Page::open(&daemon, Window::Desk).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    page.keep_things("ines", PASSWORD).await;
    let talk = conversation("bob@localhost");
    for line in 0..LINES {
        bob.say("ines@localhost", &format!("line {line}"));
    }
    page.hears(&talk, &format!("line {}", LINES - 1)).await;
    page.load().await;
    page.hears(&talk, &format!("line {}", LINES - 1)).await;

    // Upwards, a screen at a time: each line comes by, and there are never more of them than are held.
    let up = format!(
        "window.seen = new Set(); window.most = 0;
         const log = document.querySelector({}).querySelector('[role=log]');
         window.climb = setInterval(() => {{
             const rows = [...log.querySelectorAll('[data-testid=message-text]')];
             rows.forEach(one => window.seen.add(one.textContent));
             window.most = Math.max(window.most, rows.length);
             log.scrollTop -= log.clientHeight;
         }}, 30);",
        quoted(&talk)
    );
    page.browser().eval(&up).await;
    page.see(&format!("{talk} [data-testid=log-start]")).await;
    page.wait(&format!("window.seen.size === {LINES}")).await;
    page.browser().eval("clearInterval(window.climb)").await;
    let most = page.browser().eval("return window.most").await.as_u64().expect("a number");
    assert!(most <= 600, "{most} messages were shown at once");

    bob.say("ines@localhost", "and now?");
    page.click(&format!("{talk} [data-testid=jump-latest]")).await;
    page.hears(&talk, "and now?").await;
    page.see_no("[data-testid=jump-latest]").await;
    page.assert_no_mishap().await;
}

#[tokio::test]
async fn what_is_written_while_the_account_is_off_waits_and_is_sent_once() {
    let prosody = friends();
    let mut daemon = site().start();
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let page = Page::open(&daemon, Window::Desk).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    page.keep_things("ines", PASSWORD).await;
    let talk = page.open_buddy("bob@localhost").await;
    page.click("[data-testid=account]").await;
    page.click("[data-testid=menu-sign-off]").await;
    page.see("[data-testid=account][data-state=offline]").await;
    let waiting = format!("{talk} [data-testid=message][data-state=pending]");
    for text in ["one", "two", "three"] {
        page.say(&talk, text).await;
        page.shows(&format!("{waiting} [data-testid=message-text]"), text).await;
    }
    page.wait(&format!("document.querySelectorAll({}).length === 3", quoted(&format!("{waiting} [data-testid=message-cancel]")))).await;
    daemon.stop();
    daemon.start();
    is_live(&page).await;
    page.load().await;
    page.wait(&format!("document.querySelectorAll({}).length === 3", quoted(&waiting))).await;
    page.browser()
        .eval(&format!(
            "[...document.querySelectorAll({})].find(one => one.textContent.includes('two')).querySelector('[data-testid=message-cancel]').click()",
            quoted(&waiting)
        ))
        .await;
    page.wait(&format!("document.querySelectorAll({}).length === 2", quoted(&waiting))).await;
    page.click("[data-testid=account]").await;
    page.click("[data-testid=menu-sign-on]").await;
    page.sent(&talk, "one").await;
    page.sent(&talk, "three").await;
    bob.hears("one");
    bob.hears("three");
    let left: Vec<_> = bob.received().iter().filter_map(|one| one.child_text("body").map(str::to_owned)).collect();
    assert!(left.is_empty(), "more came: {left:?}");
    page.assert_no_mishap().await;
}

#[tokio::test]
async fn an_account_is_its_owners_to_manage() {
    let prosody = friends();
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let daemon = site().start();
    let page = Page::open(&daemon, Window::Desk).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    let first = page.keep_things("ines", PASSWORD).await;
    let other = Page::open(&daemon, Window::Phone).await;
    other.sign_in_site("ines", PASSWORD).await;

    let yours = async || {
        page.click("[data-testid=main-menu]").await;
        page.click("[data-testid=open-account]").await;
        page.see("[data-testid=browser][data-current=true]").await;
    };
    yours().await;
    page.wait("document.querySelectorAll('[data-testid=browser]').length === 2").await;
    page.click("[data-testid=browser-out]").await;
    other.see("[data-testid=site-form]").await;
    page.wait("document.querySelectorAll('[data-testid=browser]').length === 1").await;
    other.sign_in_site("ines", PASSWORD).await;
    page.click("[data-testid=change-password]").await;
    page.fill("own-password", "not the right one").await;
    page.fill("new-password", "another long sentence").await;
    page.click("[data-testid=password-dialog-yes]").await;
    page.read("[data-testid=password-dialog] .field-error", "This is not your password.").await;
    bob.say("ines@localhost", "for Ines alone");
    other.read(".sr", "for Ines alone").await;
    page.fill("own-password", PASSWORD).await;
    page.click("[data-testid=password-dialog-yes]").await;
    let second = page.keep_code().await;
    assert_ne!(first, second);
    other.see("[data-testid=site-form]").await;
    // Whoever sits down there finds nothing of what was said.
    other.wait("!document.body.textContent.includes('for Ines alone')").await;

    // The password is forgotten: the code of now opens, the one before does not.
    other.click("[data-testid=to-recover]").await;
    other.fill("site-name", "ines").await;
    other.fill("recovery", &first).await;
    other.fill("new-password", "the third sentence").await;
    other.click("[data-testid=recover]").await;
    other.read("[data-testid=problem]", "The name or the recovery code is not right.").await;
    other.fill("recovery", &second).await;
    other.click("[data-testid=recover]").await;
    other.keep_code().await;
    other.see("[data-testid=account][data-state=online]").await;

    // The end of all of it.
    other.click("[data-testid=main-menu]").await;
    other.click("[data-testid=open-account]").await;
    other.click("[data-testid=delete-me]").await;
    other.fill("own-password", "the third sentence").await;
    other.see("[data-testid=delete-dialog-yes]:disabled").await;
    other.fill("typed-name", "ines").await;
    other.click("[data-testid=delete-dialog-yes]").await;
    other.see("[data-testid=site-form]").await;
    other.fill("site-name", "ines").await;
    other.fill("site-password", "the third sentence").await;
    other.click("[data-testid=site-signin]").await;
    other.see("[data-testid=problem]").await;
    other.assert_no_mishap().await;
}

#[tokio::test]
async fn a_history_is_its_owners_to_delete() {
    let prosody = friends();
    let daemon = site().start();
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let page = Page::open(&daemon, Window::Desk).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    page.keep_things("ines", PASSWORD).await;
    let talk = conversation("bob@localhost");
    bob.say("ines@localhost", "to be forgotten");
    page.hears(&talk, "to be forgotten").await;
    page.click(&format!("{talk} [data-testid=conversation-menu]")).await;
    page.click("[data-testid=erase]").await;
    page.click("[data-testid=erase-ok]").await;
    page.see_no(&format!("{talk} [data-testid=message]")).await;
    page.click(&format!("{talk} [data-testid=conversation-menu]")).await;
    page.click("[data-testid=keep-not]").await;
    page.see(&format!("{talk} [data-testid=keeps-not]")).await;
    page.load().await;
    page.see(&format!("{talk} [data-testid=keeps-not]")).await;
    page.see_no(&format!("{talk} [data-testid=message]")).await;
    page.assert_no_mishap().await;
}

#[tokio::test]
async fn a_network_that_is_switched_off_is_not_offered_and_its_accounts_say_so() {
    let prosody = friends();
    let daemon = site().start();
    let page = Page::open(&daemon, Window::Desk).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    let switch = |verb: &str| assert!(daemon.admin(&["protocol", verb, "prpl-jabber"], "").0);
    switch("disable");
    page.read("[data-testid=account-error][data-code=protocol_disabled]", "switched off on this site").await;
    page.see_no("[data-testid=account-edit]").await;
    let other = Page::open(&daemon, Window::Desk).await;
    other.see("[data-testid=tile-prpl-irc]").await;
    other.see_no("[data-testid=tile-prpl-jabber]").await;
    switch("enable");
    page.see("[data-testid=account][data-state=online]").await;
    page.see_no("[data-testid=account-error]").await;
    other.load().await;
    other.see("[data-testid=tile-prpl-jabber]").await;
}
