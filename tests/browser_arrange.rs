//! Promise: the order of groups and what is muted are their user's: kept over a restart, and the same in every browser.
#![allow(clippy::expect_used)]

use serde_json::json;
use std::time::SystemTime;
use support::{Contact, Daemon, Key, Page, Prosody, Window, XmppPeer, conversation, free_port, quoted};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");
const PASSWORD: &str = "a sentence that nobody guesses";

fn site() -> Daemon {
    Daemon::builder(BELLFLOWER)
        .listen(&format!("127.0.0.1:{}", free_port()))
        .config("registration = \"open\"")
        .limit("registrations_per_minute", 0)
        .start()
}

/// Waits until the groups of the list stand in this order.
async fn stand(page: &Page, names: &[&str]) {
    let order = "[...document.querySelectorAll('[data-testid=group]')]
        .sort((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top).map(one => one.dataset.name)";
    page.wait(&format!("JSON.stringify({order}) === {}", quoted(&json!(names).to_string()))).await;
}

fn group(name: &str) -> String {
    format!("[data-testid=group][data-name={name}]")
}

/// Presses keys with others held.
fn held(keys: &[Key], key: Key) -> String {
    keys.iter().chain([&key]).map(|key| char::from(*key)).chain([char::from(Key::Null)]).collect()
}

#[tokio::test]
async fn groups_stand_where_their_user_puts_them() {
    let prosody = Prosody::with_users(["ines"]);
    let contacts = ["Alpha", "Beta", "Delta", "Gamma"].map(|group| Contact {
        jid: format!("{}@localhost", group.to_lowercase()),
        name: group.to_owned(),
        group: group.to_owned(),
    });
    prosody.set_roster("ines", &contacts);
    let mut daemon = site();
    let page = Page::open(&daemon, Window::Desk).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    page.keep_things("ines", PASSWORD).await;
    stand(&page, &["Alpha", "Beta", "Delta", "Gamma"]).await;
    // By the menu.
    page.type_into(&group("Alpha"), &held(&[Key::Shift], Key::F10)).await;
    page.see("[data-testid=menu-group-up]:disabled").await;
    page.click("[data-testid=menu-group-down]").await;
    stand(&page, &["Beta", "Alpha", "Delta", "Gamma"]).await;
    // By keys, which stay with the group.
    for order in [["Beta", "Alpha", "Gamma", "Delta"], ["Beta", "Gamma", "Alpha", "Delta"]] {
        page.type_into(&group("Gamma"), &held(&[Key::Alt, Key::Shift], Key::Up)).await;
        stand(&page, &order).await;
        page.see(&format!("{}:focus", group("Gamma"))).await;
    }
    // By the mouse.
    page.drag(&group("Delta"), &group("Beta")).await;
    stand(&page, &["Delta", "Beta", "Gamma", "Alpha"]).await;

    let other = Page::open(&daemon, Window::Phone).await;
    other.sign_in_site("ines", PASSWORD).await;
    stand(&other, &["Delta", "Beta", "Gamma", "Alpha"]).await;
    other.type_into(&group("Alpha"), &held(&[Key::Alt, Key::Shift], Key::Up)).await;
    stand(&page, &["Delta", "Beta", "Alpha", "Gamma"]).await;
    // Under another name it stays where it is.
    page.type_into(&group("Beta"), &held(&[Key::Shift], Key::F10)).await;
    page.click("[data-testid=menu-group-rename]").await;
    page.fill("ask", "Zeta").await;
    page.click("[data-testid=ask-ok]").await;
    stand(&page, &["Delta", "Zeta", "Alpha", "Gamma"]).await;
    daemon.kill();
    daemon.start();
    page.load().await;
    page.see("[data-testid=account][data-state=online]").await;
    stand(&page, &["Delta", "Zeta", "Alpha", "Gamma"]).await;
    page.assert_no_mishap().await;
    other.assert_no_mishap().await;
}

/// Has the page count the tones that it begins: two for each message.
async fn count_tones(page: &Page) {
    let count = "window.tones = 0;
        const begin = AudioContext.prototype.createOscillator;
        AudioContext.prototype.createOscillator = function () { window.tones++; return begin.call(this); };";
    page.browser().eval(count).await;
    // Browsers let a page sound after a click in it.
    page.click("[data-testid=search]").await;
}

async fn mute(page: &Page, how: &str) {
    page.click("[data-testid=menu-mute]").await;
    page.click(&format!("[data-testid={how}]")).await;
}

#[tokio::test]
async fn what_is_muted_makes_no_noise() {
    let prosody =
        Prosody::builder().users(["ines", "bob", "eva"]).friends("ines", "bob", "Friends").friends("ines", "eva", "Friends").start();
    let mut daemon = site();
    let [mut bob, mut eva] = ["bob", "eva"].map(|name| XmppPeer::connect(&prosody, name));
    let page = Page::open(&daemon, Window::Desk).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    page.keep_things("ines", PASSWORD).await;
    let (quiet, loud) = (page.open_buddy("bob@localhost").await, page.open_buddy("eva@localhost").await);
    page.click(&format!("{quiet} [data-testid=conversation-menu]")).await;
    mute(&page, "mute-ever").await;
    let tile = |name: &str| format!("[data-testid=dock-tile][data-name='{name}@localhost']");
    for place in [quiet.clone(), tile("bob"), "[data-testid=buddy][data-name='bob@localhost']".to_owned()] {
        page.see(&format!("{place} [data-testid=muted]")).await;
    }
    page.see_no(&format!("{loud} [data-testid=muted]")).await;
    // Nobody looks at either.
    for talk in [&quiet, &loud] {
        page.click(&format!("{talk} [data-testid=minimise]")).await;
    }
    count_tones(&page).await;
    let unread = |name: &str| format!("{} [data-testid=unread]", tile(name));
    bob.say("ines@localhost", "nobody hears this");
    page.read(&unread("bob"), "1").await;
    eva.say("ines@localhost", "everybody hears this");
    page.read(&unread("eva"), "1").await;
    page.wait("window.tones === 2").await;
    page.wait("document.title.startsWith('(1) ')").await;
    page.see(&format!("{}.quiet", unread("bob"))).await;

    // In another browser, and after a restart.
    let other = Page::open(&daemon, Window::Phone).await;
    other.sign_in_site("ines", PASSWORD).await;
    other.see("[data-testid=buddy][data-name='bob@localhost'] [data-testid=muted]").await;
    daemon.kill();
    daemon.start();
    page.load().await;
    page.see(&format!("{} [data-testid=muted]", tile("bob"))).await;
    page.wait("document.title.startsWith('(1) ')").await;
    // The other one ends it, here too, once it has found the daemon again.
    page.see("[data-testid=account][data-state=online]").await;
    bob.say("ines@localhost", "nor this");
    other.read("[data-testid=list-conversation][data-name='bob@localhost']", "nor this").await;
    other.at_rest().await;
    other.type_into("[data-testid=buddy][data-name='bob@localhost']", &held(&[Key::Shift], Key::F10)).await;
    other.click("[data-testid=menu-unmute]").await;
    page.see_no("[data-testid=muted]").await;
    page.wait("document.title.startsWith('(3) ')").await;

    // A whole account, for a time.
    page.click("[data-testid=account]").await;
    mute(&page, "mute-hour").await;
    page.see("[data-testid=account][data-muted=true]").await;
    page.wait("document.querySelectorAll('[data-testid=dock-tile] [data-testid=muted]').length === 2").await;
    page.wait("!document.title.startsWith('(')").await;
    count_tones(&page).await;
    eva.say("ines@localhost", "nor this");
    page.read(&unread("eva"), "2").await;
    assert_eq!(page.browser().eval("return window.tones").await, 0);
    page.assert_no_mishap().await;
    other.assert_no_mishap().await;
}

#[tokio::test]
async fn a_mute_ends_by_itself() {
    let prosody = Prosody::builder().users(["ines", "bob"]).friends("ines", "bob", "Friends").start();
    let daemon = site();
    let mut wire = daemon.client("wire");
    wire.register("ines", PASSWORD);
    wire.add_xmpp(&prosody, "ines");
    let talk = wire.open("bob@localhost");
    let page = Page::open(&daemon, Window::Desk).await;
    page.sign_in_site("ines", PASSWORD).await;
    let quiet = conversation("bob@localhost");
    page.see(&quiet).await;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a clock").as_millis();
    let key = format!("mute.{talk}");
    wire.carry_out("settings.set", json!({ "values": { &key: { "until": u64::try_from(now).expect("a time") + 4000 } } }));
    page.see(&format!("{quiet} [data-testid=muted]")).await;
    page.see_no(&format!("{quiet} [data-testid=muted]")).await;
    // And nothing of it is left.
    let gone = wire.wait_event("the end of the setting", |event| {
        event["type"] == "settings" && event["values"].get(&key).is_some_and(|value| value.is_null())
    });
    assert_eq!(gone["values"][&key], json!(null));
    page.assert_no_mishap().await;
}
