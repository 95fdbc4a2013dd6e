//! Promise: what was said on any network is found from the page, with its surroundings; new hits come while they are said; a conversation can be
//! searched on its own; all of it in each engine, and by keys.
#![allow(clippy::expect_used)]

use serde_json::json;
use support::{
    Audit, Browser, Daemon, Engine, IrcPeer, Key, Ngircd, Page, Prosody, Scheme, Window, XmppPeer, conversation, key, quoted, with,
};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");
const HIT: &str = "[data-testid=search-hit]";

/// Lets everybody become a user.
fn site() -> Daemon {
    Daemon::builder(BELLFLOWER).config("registration = \"open\"").limit("registrations_per_minute", 0).start()
}

/// Opens the place by its key.
async fn search_all(page: &Page, words: &str) {
    page.type_into(":focus", &with(Key::Control, &with(Key::Shift, "f"))).await;
    page.see("[data-testid=search-box]:focus").await;
    page.type_into("[data-testid=search-box]", words).await;
}

/// The texts of the hits, once there are so many.
async fn hits(page: &Page, number: usize) -> Vec<String> {
    page.wait(&format!("document.querySelectorAll({}).length === {number}", quoted(HIT))).await;
    page.texts(&format!("{HIT} .found-text")).await
}

/// Whether a message is in sight in its conversation.
async fn in_sight(page: &Page, talk: &str, text: &str) {
    page.wait(&format!(
        "[...document.querySelectorAll({})].some(e => {{ if (!e.textContent.includes({})) return false; const at = e.getBoundingClientRect(), \
         log = e.closest('.log').getBoundingClientRect(); return at.top >= log.top && at.bottom <= log.bottom }})",
        quoted(&format!("{talk} [data-testid=message]")),
        quoted(text)
    ))
    .await;
}

#[tokio::test]
async fn two_networks_are_searched_in_chromium() {
    two_networks(Engine::WholeChromium).await;
}

#[tokio::test]
async fn two_networks_are_searched_in_firefox() {
    two_networks(Engine::Firefox).await;
}

#[tokio::test]
async fn two_networks_are_searched_in_webkit() {
    two_networks(Engine::WebKit).await;
}

async fn two_networks(engine: Engine) {
    let prosody = Prosody::builder().users(["ines", "bob"]).friends("ines", "bob", "Friends").start();
    let ngircd = Ngircd::builder().start();
    let daemon = site();
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let mut nadia = IrcPeer::connect(&ngircd, "nadia");
    let page = Page::open_in(Browser::start_in(engine, Scheme::Light).await, daemon.url(), Window::Desk).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    page.keep_things("ines", "a long sentence").await;
    page.add_irc(&ngircd, "ines").await;
    page.wait("document.querySelectorAll('[data-testid=account][data-state=online]').length === 2").await;
    let talk = page.open_buddy("bob@localhost").await;
    bob.say("ines@localhost", "Blue roses grow in Ayerbe");
    page.hears(&talk, "Blue roses grow in Ayerbe").await;
    // More than a page of the log holds.
    for number in 0..130 {
        bob.say("ines@localhost", &format!("filler {number}"));
    }
    page.hears(&talk, "filler 129").await;
    nadia.say("ines", "are the ROSES red?");
    let there = conversation("nadia");
    page.hears(&there, "are the ROSES red?").await;
    page.load().await;
    page.see("[data-testid=link][data-state=live]").await;
    page.see(&talk).await;

    // Newest first, over both networks, with the words marked.
    page.see(".talk textarea").await;
    page.click(&format!("{talk} textarea")).await;
    search_all(&page, "roses").await;
    assert_eq!(hits(&page, 2).await, ["are the ROSES red?", "Blue roses grow in Ayerbe"]);
    assert_eq!(page.texts(&format!("{HIT} mark")).await, ["ROSES", "roses"]);
    // Live: a hit appears while it is said.
    bob.say("ines@localhost", "more roses, just now");
    assert_eq!(hits(&page, 3).await[0], "more roses, just now");
    page.see(&format!("{HIT}[data-fresh=true]")).await;
    // All words, a phrase, the beginning of a word; nothing found is said.
    for (words, found) in [("roses ayerbe", 1), ("\"roses grow\"", 1), ("aye*", 1), ("\"grow roses\"", 0), ("filler 77", 1)] {
        page.browser().eval("const box = document.querySelector('[data-testid=search-box]'); box.focus(); box.select()").await;
        page.type_into("[data-testid=search-box]", words).await;
        if found == 0 {
            page.see("[data-testid=search-none]").await;
        } else {
            page.wait(&format!(
                "document.querySelector({})?.textContent.trim() === '{found} message'",
                quoted("[data-testid=search-count]")
            ))
            .await;
        }
    }

    // By keys into the conversation, at the message, which is far back.
    page.browser().eval("const box = document.querySelector('[data-testid=search-box]'); box.focus(); box.select()").await;
    page.type_into("[data-testid=search-box]", "ayerbe").await;
    page.wait("document.querySelector('[data-testid=search-hit]')?.textContent.includes('Ayerbe')").await;
    page.type_into("[data-testid=search-box]", &key(Key::Down)).await;
    page.see(&format!("{HIT}:focus")).await;
    page.type_into(":focus", &key(Key::Enter)).await;
    page.see_no("[data-testid=search-dialog]").await;
    in_sight(&page, &talk, "Blue roses grow in Ayerbe").await;
    page.wait("document.activeElement.textContent.includes('Blue roses')").await;
    // From there one reads on to the newest.
    page.click(&format!("{talk} [data-testid=jump-latest]")).await;
    in_sight(&page, &talk, "more roses, just now").await;

    // In the conversation alone, from hit to hit.
    page.click(&format!("{talk} textarea")).await;
    page.type_into(":focus", &with(Key::Control, "f")).await;
    page.see(&format!("{talk} [data-testid=find-box]:focus")).await;
    page.type_into("[data-testid=find-box]", "roses").await;
    page.read("[data-testid=find-count]", "1 of 2").await;
    in_sight(&page, &talk, "more roses, just now").await;
    page.type_into("[data-testid=find-box]", &key(Key::Enter)).await;
    page.read("[data-testid=find-count]", "2 of 2").await;
    in_sight(&page, &talk, "Blue roses grow in Ayerbe").await;
    // The bar keeps its place in a window of another size.
    for (window, place) in [(Window::Panes, ".pane-main"), (Window::Desk, ".window")] {
        page.browser().window(window).await;
        page.see(&format!("{place} [data-testid=find-box]")).await;
        page.read("[data-testid=find-count]", "2 of 2").await;
        in_sight(&page, &talk, "Blue roses grow in Ayerbe").await;
    }
    page.see("[data-testid=find-box]:focus").await;
    page.press_escape().await;
    page.see_no("[data-testid=find-bar]").await;
    page.see(&format!("{talk} textarea:focus")).await;

    // A word that nobody has said here may be talked about in a room.
    bob.join(&prosody.room("pruning"), "Bob");
    search_all(&page, "pruning").await;
    page.click("[data-testid=search-find]").await;
    page.see_no("[data-testid=search-dialog]").await;
    page.see("[data-testid=find-input]:focus").await;
    page.wait("document.querySelector('[data-testid=find-input]').value === 'pruning'").await;
    page.read("[data-testid=find-room][data-name=pruning]", "in its name").await;
    page.press_escape().await;
    page.see_no("[data-testid=find-dialog]").await;
    page.see(&format!("{talk} textarea:focus")).await;
    page.assert_no_mishap().await;
}

#[tokio::test]
async fn a_search_is_narrowed_kept_and_counted() {
    let prosody =
        Prosody::builder().users(["ines", "bob", "carla"]).friends("ines", "bob", "Friends").friends("ines", "carla", "Friends").start();
    let daemon = site();
    let (mut bob, mut carla) = (XmppPeer::connect(&prosody, "bob"), XmppPeer::connect(&prosody, "carla"));
    let page = Page::open(&daemon, Window::Desk).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    page.keep_things("ines", "a long sentence").await;
    bob.say("ines@localhost", "the garden is dry");
    page.hears(&conversation("bob@localhost"), "the garden is dry").await;
    carla.say("ines@localhost", "which garden?");
    page.hears(&conversation("carla@localhost"), "which garden?").await;
    // From the list's own box, on.
    page.type_into("[data-testid=search]", "garden").await;
    page.click("[data-testid=find-messages]").await;
    assert_eq!(hits(&page, 2).await, ["which garden?", "the garden is dry"]);
    page.click("[data-testid=search-filter]").await;
    page.fill("search-from", "bob").await;
    assert_eq!(hits(&page, 1).await, ["the garden is dry"]);
    page.click("[data-testid=search-clear-filters]").await;
    hits(&page, 2).await;
    page.browser().eval("document.querySelector('[data-testid=field-search-since]').value = '2001-01-01'").await;
    page.browser()
        .eval("document.querySelector('[data-testid=field-search-since]').dispatchEvent(new Event('input', { bubbles: true }))")
        .await;
    hits(&page, 2).await;
    page.click("[data-testid=search-clear-filters]").await;

    // Kept, it stands in the list and counts what comes, also after the page is loaded anew.
    page.click("[data-testid=search-save]").await;
    page.press_escape().await;
    page.see_no("[data-testid=search-dialog]").await;
    page.read("[data-testid=saved-search]", "garden").await;
    page.see_no("[data-testid=saved-count]").await;
    carla.say("ines@localhost", "garden, garden, garden");
    page.shows("[data-testid=saved-count]", "1").await;
    page.load().await;
    page.shows("[data-testid=saved-count]", "1").await;
    bob.say("ines@localhost", "no word of it here");
    bob.say("ines@localhost", "in the Garden");
    page.shows("[data-testid=saved-count]", "2").await;
    page.click("[data-testid=saved-search]").await;
    assert_eq!(hits(&page, 4).await[0], "in the Garden");
    page.see_no("[data-testid=saved-count]").await;
    page.press_escape().await;
    page.click("[data-testid=forget-search]").await;
    page.see_no("[data-testid=saved-search]").await;
    page.load().await;
    page.see("[data-testid=buddy]").await;
    page.see_no("[data-testid=saved-search]").await;

    // The talk of a room that she has left is read beside the search.
    let room = prosody.room("garden");
    bob.join(&room, "Bob");
    let garden = page.join(&[("room", "garden"), ("server", "rooms.localhost"), ("handle", "Ines")], &room).await;
    bob.say_in(&room, "leaf mould, two years old");
    page.hears(&garden, "leaf mould, two years old").await;
    page.click(&format!("{garden} [data-testid=close]")).await;
    page.click("[data-testid=close-leave]").await;
    page.see_no(&garden).await;
    page.click("[data-testid=search]").await;
    search_all(&page, "mould").await;
    hits(&page, 1).await;
    page.click(HIT).await;
    page.read("[data-testid=around-dialog]", "leaf mould, two years old").await;
    let mut audit = Audit::of(page);
    audit.look("what was said around a hit").await;
    audit.assert_nothing(1).assert_no_mishap().await;
}

#[tokio::test]
async fn everybody_can_use_it_and_it_fits_every_screen() {
    let prosody = Prosody::builder().users(["ines", "bob"]).friends("ines", "bob", "Friends").start();
    let daemon = Daemon::run(BELLFLOWER);
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let mut audit = Audit::of(Page::open(&daemon, Window::Desk).await);
    let page = &audit.page;
    page.sign_in_xmpp(&prosody, "ines").await;
    bob.say("ines@localhost", &format!("{} גינה garden {}", "long ".repeat(80), "end ".repeat(80)));
    let talk = conversation("bob@localhost");
    page.read(&format!("{talk} [data-testid=message-text]"), "garden").await;
    page.click("[data-testid=main-menu]").await;
    page.click("[data-testid=open-search]").await;
    page.see("[data-testid=search-box]:focus").await;
    audit.look("the empty place").await;
    let page = &audit.page;
    page.type_into("[data-testid=search-box]", "garden").await;
    hits(page, 1).await;
    page.click("[data-testid=search-filter]").await;
    for window in [Window::Phone, Window::Panes, Window::Desk] {
        audit.page.browser().window(window).await;
        audit.page.at_rest().await;
        audit.page.assert_fits(&format!("search, {window:?}")).await;
        audit.look(&format!("hits, {window:?}")).await;
    }
    let page = &audit.page;
    page.press_escape().await;
    page.see_no("[data-testid=search-dialog]").await;
    page.click(&format!("{talk} [data-testid=conversation-menu]")).await;
    page.click("[data-testid=menu-find]").await;
    page.type_into("[data-testid=find-box]", "garden").await;
    page.read("[data-testid=find-count]", "1 of 1").await;
    // Another arrangement of windows keeps the words.
    for window in [Window::Panes, Window::Desk] {
        page.browser().window(window).await;
        page.see(if window == Window::Panes { ".pane-main [data-testid=find-box]" } else { ".window [data-testid=find-box]" }).await;
        page.read("[data-testid=find-count]", "1 of 1").await;
        assert_eq!(page.browser().eval("return document.querySelector('[data-testid=find-box]').value").await, json!("garden"));
    }
    audit.look("the bar").await;
    let page = &audit.page;
    page.type_into("[data-testid=find-box]", "en").await;
    page.read("[data-testid=find-count]", "Not found").await;
    page.browser().window(Window::Phone).await;
    page.assert_fits("the bar on a phone").await;
    assert_eq!(page.browser().eval("return document.querySelector('[data-testid=find-close]').offsetHeight >= 44").await, json!(true));
    audit.assert_nothing(5);
}
