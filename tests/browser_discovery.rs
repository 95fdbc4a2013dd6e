//! Promise: in each engine a person finds the rooms where a word is talked about, on two networks, sees them live, and is in one by a press.
#![allow(clippy::expect_used)]

use serde_json::json;
use support::{Audit, Browser, Daemon, Engine, IrcPeer, Key, Ngircd, Page, Prosody, Scheme, Window, XmppPeer, conversation, quoted};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");
const BOX: &str = "[data-testid=find-input]";

#[tokio::test]
async fn a_room_is_found_and_joined_in_chromium() {
    a_room_is_found_and_joined(Engine::WholeChromium).await;
}

#[tokio::test]
async fn a_room_is_found_and_joined_in_firefox() {
    a_room_is_found_and_joined(Engine::Firefox).await;
}

#[tokio::test]
async fn a_room_is_found_and_joined_in_webkit() {
    a_room_is_found_and_joined(Engine::WebKit).await;
}

fn row(name: &str) -> String {
    format!("[data-testid=find-room][data-name={}]", quoted(name))
}

/// Sets an option of a room as its owner.
fn configure(owner: &mut XmppPeer, room: &str, option: &str, value: &str) {
    let kind = "<field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#roomconfig</value></field>";
    let field = format!("{kind}<field var='muc#roomconfig_{option}'><value>{value}</value></field>");
    let form = format!("<query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'>{field}</x></query>");
    owner.request("set", room, &form);
}

/// Two networks with rooms about tomatoes.
struct Networks {
    prosody: Prosody,
    ngircd: Ngircd,
    bob: XmppPeer,
    _carla: IrcPeer,
}

fn networks() -> Networks {
    let prosody = Prosody::with_users(["ines", "bob"]);
    let ngircd = Ngircd::builder().channel("#lounge", "Growing tomatoes").channel("#attic", "Old books").start();
    let mut bob = XmppPeer::connect(&prosody, "bob");
    for (name, about) in [("tomatoes", "Red and ripe"), ("garden", "All that grows")] {
        bob.join(&prosody.room(name), "Bob");
        configure(&mut bob, &prosody.room(name), "roomdesc", about);
    }
    let mut carla = IrcPeer::connect(&ngircd, "carla");
    carla.join("#lounge");
    Networks { prosody, ngircd, bob, _carla: carla }
}

async fn with_both(page: &Page, networks: &Networks) {
    page.sign_in_xmpp(&networks.prosody, "ines").await;
    page.add_irc(&networks.ngircd, "ines").await;
    page.wait("document.querySelectorAll('[data-testid=account][data-state=online]').length === 2").await;
}

async fn a_room_is_found_and_joined(engine: Engine) {
    let mut networks = networks();
    let daemon = Daemon::run(BELLFLOWER);
    let page = Page::open_in(Browser::start_in(engine, Scheme::Light).await, daemon.url(), Window::Desk).await;
    with_both(&page, &networks).await;
    let tomatoes = networks.prosody.room("tomatoes");

    // From the main menu; as one types, and by itself when the networks have answered.
    page.click("[data-testid=main-menu]").await;
    page.click("[data-testid=open-find]").await;
    page.see(&format!("{BOX}:focus")).await;
    page.read("[data-testid=find-empty]", "Type a word").await;
    page.type_into(BOX, "tomatoes").await;
    page.read(&row("tomatoes"), "in its name").await;
    page.read(&row("#lounge"), "Growing tomatoes").await;
    page.read(&row("#lounge"), "in its topic").await;
    page.read(&row("tomatoes"), "Red and ripe").await;
    page.wait("document.querySelector('[data-testid=find-status]').textContent === '2 rooms'").await;
    assert_eq!(page.texts("[data-testid=find-room] b").await, ["tomatoes", "#lounge"]);
    page.browser().screenshot(&format!("engines/find-{engine:?}").to_lowercase()).await;

    // By keys alone: down to the second, and up again.
    page.type_into(BOX, &char::from(Key::Down).to_string()).await;
    page.see("[data-testid=find-room][aria-selected=true][data-name=tomatoes]").await;
    page.type_into(BOX, &char::from(Key::Down).to_string()).await;
    page.see("[data-testid=find-room][aria-selected=true][data-name='#lounge']").await;
    let active = format!("document.getElementById(document.querySelector({}).getAttribute('aria-activedescendant'))", quoted(BOX));
    page.wait(&format!("{active} === document.querySelector('[aria-selected=true]')")).await;
    page.type_into(BOX, &char::from(Key::Enter).to_string()).await;
    page.see_no("[data-testid=find-dialog]").await;
    page.see(&conversation("#lounge")).await;

    // By the key for it, and a click.
    page.type_into("body", &format!("{}r{}", char::from(Key::Alt), char::from(Key::Null))).await;
    page.type_into(BOX, "tomatoes").await;
    page.read(&row("#lounge"), "you are in it").await;
    page.click(&row("tomatoes")).await;
    page.see_no("[data-testid=find-dialog]").await;
    let talk = conversation(&tomatoes);
    page.see(&talk).await;
    networks.bob.say_in(&tomatoes, "The greenhouse is open");
    page.hears(&talk, "The greenhouse is open").await;

    // Where it is talked about, which no name and no topic says; one who is in it is led there.
    page.type_into("body", &format!("{}r{}", char::from(Key::Alt), char::from(Key::Null))).await;
    page.type_into(BOX, "greenhouse").await;
    page.read(&row("tomatoes"), "1 hit today").await;
    page.type_into(BOX, &char::from(Key::Enter).to_string()).await;
    page.see_no("[data-testid=find-dialog]").await;
    page.see(&format!("{talk} [data-testid=composer]:focus")).await;

    // Of nothing it says so.
    page.type_into("body", &format!("{}r{}", char::from(Key::Alt), char::from(Key::Null))).await;
    page.type_into(BOX, "zzyzx").await;
    page.read("[data-testid=find-empty]", "No room is known for").await;
    page.press_escape().await;
    page.see_no("[data-testid=find-dialog]").await;
    page.assert_no_mishap().await;
    page.assert_kept_to_itself().await;
}

#[tokio::test]
async fn a_room_that_does_not_let_one_in_says_why() {
    let mut networks = networks();
    let room = networks.prosody.room("tomato-club");
    networks.bob.join(&room, "Bob");
    configure(&mut networks.bob, &room, "membersonly", "1");
    let daemon = Daemon::run(BELLFLOWER);
    let page = Page::open(&daemon, Window::Phone).await;
    page.sign_in_xmpp(&networks.prosody, "ines").await;
    page.see("[data-testid=account][data-state=online]").await;
    page.click("[data-testid=main-menu]").await;
    page.click("[data-testid=open-find]").await;
    page.type_into(BOX, "club").await;
    page.click(&row("tomato-club")).await;
    page.read("[data-testid=find-refused]", "tomato-club").await;
    page.see("[data-testid=find-dialog]").await;
    page.assert_fits("a refusal on a phone").await;
    page.browser().screenshot("find-refused-phone").await;
    page.click("[data-testid=find-form]").await;
    page.see("[data-testid=join-dialog] [data-testid=field-room-room]").await;
    page.wait("document.querySelector('[data-testid=field-room-room]').value === 'tomato-club'").await;
}

#[tokio::test]
async fn the_place_is_for_everybody() {
    let networks = networks();
    let daemon = Daemon::run(BELLFLOWER);
    let mut audit = Audit::of(Page::open(&daemon, Window::Desk).await);
    with_both(&audit.page, &networks).await;
    audit.page.type_into("body", &format!("{}r{}", char::from(Key::Alt), char::from(Key::Null))).await;
    audit.look("[data-testid=find-dialog], empty").await;
    audit.page.type_into(BOX, "o").await;
    audit.page.wait("document.querySelector('[data-testid=find-status]').textContent === '3 rooms'").await;
    audit.page.type_into(BOX, &char::from(Key::Down).to_string()).await;
    audit.look("[data-testid=find-dialog], with rooms").await;
    let page = &audit.page;
    for window in [Window::Phone, Window::Panes, Window::Desk] {
        page.browser().window(window).await;
        page.see("[data-testid=find-room]").await;
        page.assert_fits(&format!("rooms, {window:?}")).await;
        page.browser().screenshot(&format!("find-{window:?}").to_lowercase()).await;
    }
    // Chosen, a row stays where it is whatever comes.
    let rows = page.texts("[data-testid=find-room] b").await;
    let chosen = page.texts("[data-testid=find-room][aria-selected=true] b").await;
    assert_eq!(chosen, rows[..1]);
    // From right to left the names are at the right.
    page.browser().eval("document.documentElement.dir = 'rtl'").await;
    let sides = page.browser().eval("const mark = document.querySelector('.find-net').getBoundingClientRect(), text = document.querySelector('.find-text').getBoundingClientRect(); return mark.left > text.left").await;
    assert_eq!(sides, json!(true));
    page.assert_fits("rooms, from right to left").await;
    page.assert_no_mishap().await;
    audit.assert_nothing(2);
}
