//! Promise: what nobody asked for takes neither the focus nor a press that was meant for something else, and what cannot be undone asks first.
#![allow(clippy::expect_used)]

use serde_json::json;
use support::{Daemon, Key, Page, Prosody, Window, XmppPeer, conversation, key, quoted};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");

const CARD: &str = "[data-testid=authorization]";

/// Presses keys where the focus is.
async fn press(page: &Page, keys: &str) {
    page.type_into(":focus", keys).await;
}

/// Stops the page's clock, or lets it go on from where it should be.
async fn clock(page: &Page, stopped: bool) {
    let script = if stopped { "const now = performance.now(); performance.now = () => now;" } else { "delete performance.now;" };
    page.browser().eval(script).await;
}

/// The card of somebody who wants to add the user.
fn card_of(name: &str) -> String {
    format!("[...document.querySelectorAll('{CARD}')].find(e => e.textContent.includes({}))", quoted(name))
}

/// Presses and releases a button of the mouse wherever the element is that a JavaScript expression finds, ready or not.
async fn click_at(page: &Page, element: &str, button: &str) {
    page.wait(element).await;
    page.at_rest().await;
    let at = format!("const b = ({element}).getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2]");
    let at = page.browser().eval(&at).await;
    for kind in ["mousePressed", "mouseReleased"] {
        let parameters = json!({ "type": kind, "x": at[0], "y": at[1], "button": button, "clickCount": 1 });
        page.browser().devtools("Input.dispatchMouseEvent", parameters).await;
    }
}

fn was_answered(peer: &mut XmppPeer) -> bool {
    peer.received().iter().any(|stanza| stanza.is("type", "subscribed") || stanza.is("type", "unsubscribed"))
}

#[tokio::test]
async fn who_writes_goes_on_writing_whatever_strangers_ask() {
    let prosody = Prosody::builder().users(["ines", "bob", "carla", "dora"]).friends("ines", "bob", "Friends").start();
    let daemon = Daemon::run(BELLFLOWER);
    let (mut bob, mut carla, mut dora) =
        (XmppPeer::connect(&prosody, "bob"), XmppPeer::connect(&prosody, "carla"), XmppPeer::connect(&prosody, "dora"));
    let page = Page::open(&daemon, Window::Desk).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    page.see("[data-testid=buddy][data-name='bob@localhost'][data-presence=online]").await;
    let talk = page.open_buddy("bob@localhost").await;
    let composer = format!("{talk} [data-testid=composer]");
    page.see(&format!("{composer}:focus")).await;
    press(&page, "half a").await;
    let button = |name: &str, which: &str| format!("{}?.querySelector('[data-testid={which}]')", card_of(name));
    // A click that was on its way when the card came is not for it, and leaves the focus where it is.
    clock(&page, true).await;
    carla.presence_to("ines@localhost", "subscribe");
    page.read(CARD, "carla@localhost wants to add you").await;
    click_at(&page, &button("carla", "authorization-allow"), "left").await;
    clock(&page, false).await;
    // An invitation to a room is one of these, too.
    let room = prosody.room("garden");
    bob.join(&room, "Bob");
    bob.send(&format!(
        "<message to='{room}'><x xmlns='http://jabber.org/protocol/muc#user'><invite to='ines@localhost'><reason>come in</reason></invite></x></message>"
    ));
    page.read("[data-testid=prompts] [data-testid=request-action]", "come in").await;
    page.read("[role=log].sr", "F6").await;
    page.see(&format!("{composer}:focus")).await;
    press(&page, &format!(" thought {}", key(Key::Enter))).await;
    bob.hears("half a thought ");
    // Nor is one for what has just moved to where it goes.
    dora.presence_to("ines@localhost", "subscribe");
    page.read("[data-testid=prompts-more]", "and 1 more").await;
    page.wait(&format!("{}.dataset.ready === 'true'", card_of("carla"))).await;
    clock(&page, true).await;
    assert!(!was_answered(&mut carla), "answered by a click that was not meant for it");
    click_at(&page, &button("carla", "authorization-deny"), "left").await;
    carla.wait_for("the refusal", |s| s.is("type", "unsubscribed") && s.from_bare() == "ines@localhost");
    click_at(&page, &button("dora", "authorization-allow"), "left").await;
    bob.say("ines@localhost", "still there?");
    page.hears(&talk, "still there?").await;
    clock(&page, false).await;
    page.wait(&format!("{}.dataset.ready === 'true'", card_of("dora"))).await;
    assert!(!was_answered(&mut dora), "answered by a click that was not meant for it");
    click_at(&page, &button("dora", "authorization-allow"), "left").await;
    dora.wait_for("the permission", |s| s.is("type", "subscribed") && s.from_bare() == "ines@localhost");
}

#[tokio::test]
async fn questions_wait_in_a_row_are_reached_by_a_key_and_put_off_everywhere() {
    let strangers = ["carla", "dora", "emil", "finn", "greta"];
    let prosody = Prosody::builder().users(["ines", "bob"]).users(strangers).friends("ines", "bob", "Friends").start();
    let daemon = Daemon::run(BELLFLOWER);
    let page = Page::open(&daemon, Window::Desk).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    let talk = page.open_buddy("bob@localhost").await;
    let composer = format!("{talk} [data-testid=composer]:focus");
    page.see(&composer).await;
    let mut peers = strangers.map(|name| XmppPeer::connect(&prosody, name));
    for peer in &mut peers {
        peer.presence_to("ines@localhost", "subscribe");
    }
    page.read("[data-testid=prompts-more]", "and 3 more").await;
    assert_eq!(page.seen("authorization").await, 2);
    page.assert_fits("questions on the desk").await;
    // To the first, whose Enter is no answer, and back; Esc puts it off.
    press(&page, &key(Key::F6)).await;
    page.see(&format!("{CARD}:focus")).await;
    press(&page, &format!("{} {}", key(Key::Enter), key(Key::F6))).await;
    page.see(&composer).await;
    press(&page, &key(Key::F6)).await;
    press(&page, &key(Key::Escape)).await;
    page.see(&composer).await;
    page.read("[data-testid=prompts-waiting]", "1 question for you").await;
    page.read("[data-testid=prompts-more]", "and 2 more").await;
    page.press("[data-testid=prompts]", "All later").await;
    page.see_no(CARD).await;
    // So it is in another tab, and after loading anew.
    page.browser().new_tab(Window::Phone).await;
    page.load().await;
    page.read("[data-testid=prompts-waiting]", "5 questions for you").await;
    page.see_no("[data-testid=prompts]").await;
    page.click("[data-testid=prompts-waiting]").await;
    page.read("[data-testid=prompts-more]", "and 4 more").await;
    page.assert_fits("questions on a phone").await;
    let titles = page.texts(&format!("{CARD} h2")).await;
    page.click("[data-testid=authorization-deny]").await;
    for (name, mut peer) in strangers.into_iter().zip(peers) {
        if titles == [format!("{name}@localhost wants to add you")] {
            peer.wait_for("the refusal", |s| s.is("type", "unsubscribed") && s.from_bare() == "ines@localhost");
        } else {
            assert!(!was_answered(&mut peer), "answered by itself");
        }
    }
    // It covers nothing of what one writes in.
    let talk = conversation("bob@localhost");
    page.click("[data-testid=list-conversation][data-name='bob@localhost']").await;
    let apart = format!(
        "document.querySelector('[data-testid=prompts]').getBoundingClientRect().bottom < document.querySelector({}).getBoundingClientRect().top",
        quoted(&format!("{talk} [data-testid=composer]"))
    );
    page.wait(&apart).await;
}

#[tokio::test]
async fn what_is_taken_away_under_the_keys_leaves_them_to_nobody() {
    let prosody = Prosody::builder().users(["ines", "bob"]).friends("ines", "bob", "Friends").start();
    let daemon = Daemon::run(BELLFLOWER);
    let page = Page::open(&daemon, Window::Desk).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    page.open_buddy("bob@localhost").await;
    page.click("[data-testid=account][data-state=online]").await;
    page.press("[role=menu]", "Change Password...").await;
    page.see("[data-testid=request-fields] input:focus").await;
    press(&page, "half a sec").await;
    let (here, there) = (page.browser().tab().await, page.browser().new_tab(Window::Desk).await);
    page.load().await;
    page.click("[data-testid=account][data-state=online]").await;
    page.click("[data-testid=menu-sign-off]").await;
    page.see("[data-testid=account][data-state=offline]").await;
    page.browser().show(&here).await;
    page.see_no("[data-testid=request-fields]").await;
    page.see("[data-testid=conversation] [role=log]:focus").await;
    // Nor to the search, whose Enter opens a conversation with somebody else.
    page.click("[data-testid=composer]").await;
    page.browser().show(&there).await;
    page.click("[data-testid=conversation] [data-testid=close]").await;
    page.browser().show(&here).await;
    page.see_no("[data-testid=conversation]").await;
    page.see(".desk-empty:focus").await;
}

#[tokio::test]
async fn the_press_that_opened_a_menu_chooses_nothing_from_it() {
    let prosody = Prosody::builder().users(["ines", "bob"]).friends("ines", "bob", "Friends").start();
    let daemon = Daemon::run(BELLFLOWER);
    let page = Page::open(&daemon, Window::Desk).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    page.see("[data-testid=buddy][data-name='bob@localhost']").await;
    // A key that is held down.
    page.click("[data-testid=search]").await;
    page.browser().eval("document.querySelector('[data-testid=my-status]').focus()").await;
    let enter = |repeat: bool| json!({ "type": "keyDown", "key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r", "autoRepeat": repeat });
    page.browser().devtools("Input.dispatchKeyEvent", enter(false)).await;
    page.see("[data-testid=menu-status-available]:focus").await;
    for _ in 0..3 {
        page.browser().devtools("Input.dispatchKeyEvent", enter(true)).await;
    }
    page.see("[data-testid=menu-status-available]:focus").await;
    page.browser()
        .devtools("Input.dispatchKeyEvent", json!({ "type": "keyUp", "key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13 }))
        .await;
    press(&page, &key(Key::Enter)).await;
    page.see_no("[role=menu]").await;
    // A finger that rests on somebody, and one that is lifted where an entry has come to be.
    page.browser().window(Window::Phone).await;
    page.see("[data-testid=buddy][data-name='bob@localhost']").await;
    page.at_rest().await;
    let at = page
        .browser()
        .eval("const b = document.querySelector('[data-testid=buddy]').getBoundingClientRect(); return [b.x + 60, b.y + b.height / 2]")
        .await;
    let touch = |kind: &str, points: serde_json::Value| json!({ "type": kind, "touchPoints": points });
    page.browser().devtools("Input.dispatchTouchEvent", touch("touchStart", json!([{ "x": at[0], "y": at[1] }]))).await;
    page.see("[data-testid=menu-block]").await;
    page.at_rest().await;
    // What a browser does that takes the release for a click on what is there by now.
    let lift = "for (const kind of ['pointerup', 'pointercancel']) addEventListener(kind, () => {
            for (const id of ['menu-block', 'buddy']) document.querySelector(`[data-testid=${id}]`)?.click();
            window.lifted = true;
        }, { once: true })";
    page.browser().eval(lift).await;
    page.browser().devtools("Input.dispatchTouchEvent", touch("touchEnd", json!([]))).await;
    page.wait("window.lifted").await;
    page.see("[data-testid=menu-block]").await;
    assert_eq!(page.seen("conversation").await, 0, "the release opened a conversation");
    // A press of its own is taken.
    page.click("[data-testid=menu-alias]").await;
    page.see("[data-testid=alias-dialog]").await;
}

#[tokio::test]
async fn what_cannot_be_undone_asks_first() {
    let prosody = Prosody::builder().users(["ines", "bob"]).friends("ines", "bob", "Friends").start();
    let daemon = Daemon::run(BELLFLOWER);
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let page = Page::open(&daemon, Window::Desk).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    let buddy = "[data-testid=buddy][data-name='bob@localhost']";
    page.see(&format!("{buddy}[data-presence=online]")).await;
    let room = prosody.room("garden");
    let talk = page.join(&[("room", "garden"), ("server", "rooms.localhost"), ("handle", "Ines")], &room).await;
    // Enter says no, and yes is one step further.
    page.click(&format!("{talk} [data-testid=conversation-menu]")).await;
    page.press("[role=menu]", "Leave the room…").await;
    page.see("[data-testid=confirm-dialog] .dialog-actions :focus").await;
    press(&page, &key(Key::Enter)).await;
    page.see_no("[data-testid=confirm-dialog]").await;
    page.see_no(&format!("{talk} [data-testid=rejoin]")).await;
    page.click(&format!("{talk} [data-testid=conversation-menu]")).await;
    page.press("[role=menu]", "Leave the room…").await;
    page.click("[data-testid=confirm-ok]").await;
    page.see(&format!("{talk} [data-testid=rejoin]")).await;
    // What a plugin's own menu does at once.
    for yes in [false, true] {
        click_at(&page, &format!("document.querySelector({})", quoted(buddy)), "right").await;
        page.press("[role=menu]", "Unsubscribe").await;
        page.read("[data-testid=confirm-dialog]", "It may not be possible to undo.").await;
        if yes {
            page.click("[data-testid=confirm-ok]").await;
            bob.wait_for("her leaving", |s| s.is("type", "unsubscribe") && s.from_bare() == "ines@localhost");
        } else {
            page.press("[data-testid=confirm-dialog]", "Cancel").await;
            page.see_no("[data-testid=confirm-dialog]").await;
            assert!(bob.received().iter().all(|s| !s.is("type", "unsubscribe")), "done without a word");
        }
    }
}
