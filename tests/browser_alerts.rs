//! Promise: the page calls its user as they chose, once, and never shows more than they want; it asks nobody before they want it.
#![allow(clippy::expect_used)]

use serde_json::json;
use support::{Daemon, Key, Page, Prosody, Window, XmppPeer, conversation, quoted};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");

/// Writes down what the browser is asked for: permissions, notifications, tones. It goes there all the same.
const WATCH: &str = "window.asked = 0; window.notes = []; window.tones = 0;
    const real = window.Notification;
    window.Notification = class extends real {
        constructor(title, about) { super(title, about); window.notes.push({ title, body: about.body, note: this }); }
        static requestPermission() { window.asked++; return real.requestPermission(); }
    };
    const start = OscillatorNode.prototype.start;
    OscillatorNode.prototype.start = function (...when) { window.tones++; return start.apply(this, when); };";

/// Whether somebody looks at the page.
async fn front(page: &Page, is: bool) {
    let script = format!("document.hasFocus = () => {is}; window.dispatchEvent(new Event({}))", if is { "'focus'" } else { "'blur'" });
    page.browser().eval(&script).await;
}

async fn permit(page: &Page, daemon: &Daemon, setting: &str) {
    let parameters = json!({ "permission": { "name": "notifications" }, "setting": setting, "origin": daemon.url() });
    page.browser().devtools("Browser.setPermission", parameters).await;
}

/// What was shown so far: titles and bodies.
async fn shown(page: &Page) -> serde_json::Value {
    page.browser().eval("return window.notes.map(one => [one.title, one.body])").await
}

async fn choose(page: &Page, clicks: &[&str]) {
    page.click("[data-testid=main-menu]").await;
    page.click("[data-testid=open-settings]").await;
    page.click("[data-testid=settings-notify]").await;
    for css in clicks {
        page.click(css).await;
    }
    page.press_escape().await;
    page.see_no("[data-testid=settings-dialog]").await;
}

fn friends() -> Prosody {
    Prosody::builder().users(["ines", "bob", "carla"]).friends("ines", "bob", "Friends").friends("ines", "carla", "Friends").start()
}

#[tokio::test]
async fn notifications_come_when_wanted_and_show_what_is_wanted() {
    let prosody = friends();
    let daemon = Daemon::run(BELLFLOWER);
    let (mut bob, mut carla) = (XmppPeer::connect(&prosody, "bob"), XmppPeer::connect(&prosody, "carla"));
    let page = Page::open_whole(&daemon, Window::Desk).await;
    permit(&page, &daemon, "prompt").await;
    page.browser().eval(WATCH).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    let talk = page.open_buddy("bob@localhost").await;
    page.see(&format!("{talk} [data-testid=composer]:focus")).await;
    bob.say("ines@localhost", "while you look");
    page.hears(&talk, "while you look").await;
    assert_eq!(page.seen("notify-offer").await, 0, "nobody was missed");

    // Somebody wrote behind her back: she is asked by the page, and the browser asks when she wants it.
    front(&page, false).await;
    bob.say("ines@localhost", "behind your back");
    page.see("[data-testid=notify-offer]").await;
    assert_eq!(page.browser().eval("return window.asked").await, 0, "the browser asked unasked");
    front(&page, true).await;
    page.click("[data-testid=notify-on]").await;
    page.wait("window.asked === 1").await;
    permit(&page, &daemon, "granted").await;
    choose(&page, &["[data-testid=field-pref-notify]"]).await;
    page.see_no("[data-testid=notify-offer]").await;

    front(&page, false).await;
    bob.say("ines@localhost", "a secret");
    page.wait("window.notes.length === 1").await;
    assert_eq!(shown(&page).await, json!([["Bob", "a secret"]]));
    // It leads to where it was said.
    carla.say("ines@localhost", "me too");
    page.wait("window.notes.length === 2").await;
    front(&page, true).await;
    page.browser().eval("window.notes[1].note.onclick()").await;
    page.see(&format!(".foremost {}", conversation("carla@localhost"))).await;

    for (show, said) in [("name", json!(["Carla", "1 new message"])), ("nothing", json!(["Bellflower", "1 new message"]))] {
        choose(&page, &[&format!("[data-testid=pref-notify_show-{show}]")]).await;
        // What is read needs none any more, and the next counts anew.
        page.see_no("[data-testid=unread]").await;
        front(&page, false).await;
        page.browser().eval("window.notes.length = 0").await;
        carla.say("ines@localhost", &format!("only {show}"));
        page.wait("window.notes.length === 1").await;
        assert_eq!(shown(&page).await, json!([said]));
        front(&page, true).await;
        page.click(&format!("{} [data-testid=composer]", conversation("carla@localhost"))).await;
    }
    page.assert_no_mishap().await;
}

#[tokio::test]
async fn nothing_calls_for_what_another_tab_shows_or_while_she_is_busy() {
    let prosody = friends();
    let daemon = Daemon::run(BELLFLOWER);
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let page = Page::open_whole(&daemon, Window::Desk).await;
    permit(&page, &daemon, "granted").await;
    page.sign_in_xmpp(&prosody, "ines").await;
    choose(&page, &["[data-testid=field-pref-notify]"]).await;
    page.browser().eval(WATCH).await;
    front(&page, false).await;
    let here = page.browser().tab().await;
    let there = page.browser().new_tab(Window::Desk).await;
    page.load().await;
    let talk = page.open_buddy("bob@localhost").await;
    page.see("[data-testid=link][data-state=live]").await;
    page.browser().eval(WATCH).await;
    front(&page, true).await;
    bob.say("ines@localhost", "seen at once");
    page.hears(&talk, "seen at once").await;
    // The other tab hears later whether somebody has seen it; what comes after that is not seen anywhere.
    front(&page, false).await;
    bob.say("ines@localhost", "seen nowhere");
    for tab in [&here, &there] {
        page.browser().show(tab).await;
        page.hears(&talk, "seen nowhere").await;
    }
    let mut notes = Vec::new();
    while notes.is_empty() {
        for tab in [&here, &there] {
            page.browser().show(tab).await;
            notes.extend(shown(&page).await.as_array().expect("a list").clone());
        }
    }
    assert_eq!(json!(notes), json!([["Bob", "seen nowhere"]]));

    page.browser().show(&here).await;
    page.click("[data-testid=my-status]").await;
    page.click("[data-testid=menu-status-unavailable]").await;
    page.see("[data-testid=my-status][data-shown=busy]").await;
    page.browser().eval("window.notes.length = 0; window.tones = 0").await;
    bob.say("ines@localhost", "do not disturb");
    page.hears(&talk, "do not disturb").await;
    // Back again: only what comes now calls.
    page.click("[data-testid=my-status]").await;
    page.click("[data-testid=menu-status-available]").await;
    page.see("[data-testid=my-status][data-shown=online]").await;
    front(&page, false).await;
    bob.say("ines@localhost", "now you may");
    page.wait("window.notes.length > 0").await;
    let last = page.browser().eval("return window.notes.map(one => one.body)").await;
    assert_eq!(last, json!(["now you may"]));
}

#[tokio::test]
async fn it_sounds_for_whoever_has_only_keys_and_marks_tab_and_icon() {
    let prosody = friends();
    let daemon = Daemon::run(BELLFLOWER);
    let (mut bob, mut carla) = (XmppPeer::connect(&prosody, "bob"), XmppPeer::connect(&prosody, "carla"));
    let page = Page::open_whole(&daemon, Window::Desk).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    page.see("[data-testid=buddy]").await;
    // A new page has seen no press of the mouse.
    page.load().await;
    page.see("[data-testid=buddy][data-name='bob@localhost'][data-presence=online]").await;
    page.browser().eval(WATCH).await;
    let icon = "document.querySelector('link[rel=icon]').href";
    let plain = page.browser().eval(&format!("return {icon}")).await;
    page.type_into(":focus", &format!("bob{}", char::from(Key::Enter))).await;
    let talk = conversation("bob@localhost");
    page.see(&format!("{talk} [data-testid=composer]:focus")).await;
    carla.say("ines@localhost", "do you hear me?");
    page.wait("window.tones > 0").await;
    page.wait("document.title === '(1) Bellflower'").await;
    page.wait(&format!("{icon}.startsWith('data:image/svg+xml') && decodeURIComponent({icon}).includes('>1<')")).await;
    // Read, nothing waits any more.
    page.type_into(":focus", &format!("{}u", char::from(Key::Alt))).await;
    page.wait("document.title === 'Bellflower'").await;
    page.wait(&format!("{icon} === {plain}")).await;
    // Each sound is chosen by itself.
    page.type_into(":focus", &char::from(Key::Null).to_string()).await;
    choose(&page, &["[data-testid=field-pref-sound_message]"]).await;
    page.browser().eval("window.tones = 0").await;
    bob.say("ines@localhost", "a quiet word");
    page.hears(&talk, "a quiet word").await;
    choose(&page, &["[data-testid=hear-mention]"]).await;
    page.wait("window.tones === 3").await;
}

#[tokio::test]
async fn words_of_ones_own_call_in_rooms() {
    let prosody = Prosody::with_users(["ines", "bob"]);
    let daemon = Daemon::run(BELLFLOWER);
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let room = prosody.room("garden");
    bob.join(&room, "Bob");
    let page = Page::open_whole(&daemon, Window::Desk).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    let garden = page.join(&[("room", "garden"), ("server", "rooms.localhost"), ("handle", "Ines")], &room).await;
    page.click("[data-testid=main-menu]").await;
    page.click("[data-testid=open-settings]").await;
    page.click("[data-testid=settings-notify]").await;
    page.fill("pref-highlight", "bluebell, роза").await;
    page.press_escape().await;
    page.see_no("[data-testid=settings-dialog]").await;
    page.click(&format!("{garden} [data-testid=minimise]")).await;
    for text in ["bluebells are many", "a Bluebell is one", "и Роза тоже"] {
        bob.say_in(&room, text);
        page.read(&format!("{garden} [data-testid=message-text]"), text).await;
    }
    page.read("[data-testid=dock-tile] [data-testid=unread]", "@2").await;
    let called = page.texts(&format!("{garden} [data-testid=message].highlight [data-testid=message-text]")).await;
    assert_eq!(called, ["a Bluebell is one", "и Роза тоже"]);
    // The daemon knows: a page that is loaded anew says the same. A window that is minimised there is drawn once it is shown.
    page.load().await;
    page.click("[data-testid=dock-tile]").await;
    page.wait(&format!("document.querySelectorAll({}).length === 2", quoted(&format!("{garden} [data-testid=message].highlight")))).await;
}
