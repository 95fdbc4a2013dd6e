//! Promise: the page works in Chromium, Firefox and WebKit alike. One journey through all that is everybody's, in each of them.
#![allow(clippy::expect_used)]

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use support::{
    Browser, Contact, Daemon, Engine, Key, Line, PATIENCE, Page, Prosody, Scheme, Slixmpp, Window, XmppPeer, conversation, key, quoted,
    wait_until, with,
};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");
/// A PNG of one pixel.
const PICTURE: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

#[tokio::test]
async fn the_journey_in_chromium() {
    journey(Engine::WholeChromium).await;
}

#[tokio::test]
async fn the_journey_in_firefox() {
    journey(Engine::Firefox).await;
}

#[tokio::test]
async fn the_journey_in_webkit() {
    journey(Engine::WebKit).await;
}

async fn journey(engine: Engine) {
    let carla = Contact { jid: "carla@localhost".to_owned(), name: "Carla Ruiz".to_owned(), group: "Work".to_owned() };
    let server = Prosody::builder().users(["ines", "bob", "carla"]).friends("ines", "bob", "Friends").contact("ines", carla);
    let prosody = server.uploads(1 << 20, None).start();
    let mut daemon = Daemon::builder(BELLFLOWER).trust(prosody.authority_pem()).start();
    // `localhost` has an IPv6 address, too, at which Prosody does not listen.
    daemon.allow_log("proxy: Error connecting to localhost");
    daemon.allow_log("proxy: Connection attempt failed");
    let line = Line::to(daemon.url());
    let mut bob = XmppPeer::connect(&prosody, "bob");
    bob.show("away", "making tea");

    let page = Page::open_in(Browser::start_in(engine, Scheme::Dark).await, &line.url(), Window::Desk).await;
    page.see("[data-testid=network-form]").await;
    page.wait("document.documentElement.dataset.theme === 'dark'").await;
    for window in [Window::Phone, Window::Panes, Window::Desk] {
        page.browser().window(window).await;
        page.assert_fits(&format!("front page, {window:?}")).await;
        picture(&page, &format!("front-{window:?}")).await;
    }
    page.sign_in_xmpp(&prosody, "ines").await;
    page.see("[data-testid=buddy][data-name='bob@localhost'][data-group=Friends][data-presence=away]").await;
    page.read("[data-testid=buddy][data-name='bob@localhost']", "making tea").await;
    page.see("[data-testid=buddy][data-name='carla@localhost'][data-group=Work][data-presence=offline]").await;
    page.see("[data-testid=link][data-state=live]").await;

    // Out and in, and in again.
    let talk = page.open_buddy("bob@localhost").await;
    page.say(&talk, "Is there tea?").await;
    page.sent(&talk, "Is there tea?").await;
    assert_eq!(bob.hears("Is there tea?").from_bare(), "ines@localhost");
    bob.say("ines@localhost", "There is.");
    page.hears(&talk, "There is.").await;
    bob.say("ines@localhost", "With \u{1f343} and \u{5317}\u{4eac}\u{8336}.");
    page.hears(&talk, "With \u{1f343} and \u{5317}\u{4eac}\u{8336}.").await;

    arrangements(&page, &talk).await;
    keys(&page, &talk).await;

    // Loaded anew it is the same session, with what was said.
    page.assert_no_mishap().await;
    page.load().await;
    page.see("[data-testid=link][data-state=live]").await;
    page.see(&talk).await;
    page.sent(&talk, "Is there tea?").await;
    page.hears(&talk, "There is.").await;
    let errors: Vec<_> = page.browser().console().await.into_iter().filter(|line| is_error(line)).collect();
    assert!(errors.is_empty(), "{errors:#?}");

    // Nothing is lost while the line is cut, and nothing said twice.
    page.browser().eval("window.mark = 'not loaded anew'").await;
    line.cut();
    page.see("[data-testid=link][data-state=offline]").await;
    bob.say("ines@localhost", "while you were away");
    page.say(&talk, "written meanwhile").await;
    page.shows(&format!("{talk} [data-testid=message][data-state=pending] [data-testid=message-text]"), "written meanwhile").await;
    line.mend();
    page.see("[data-testid=link][data-state=live]").await;
    page.hears(&talk, "while you were away").await;
    page.sent(&talk, "written meanwhile").await;
    bob.hears("written meanwhile");
    assert_eq!(page.texts(&format!("{talk} [data-testid=message-text]")).await.len(), 6, "each once");
    assert_eq!(page.browser().eval("return window.mark").await, json!("not loaded anew"));

    messages(&page, &mut bob, &talk).await;
    settings(&page).await;
    incoming_picture(&page, &prosody, &talk).await;
    room(&page, &prosody, &daemon, &mut bob).await;

    page.sign_out().await;
    page.assert_no_mishap().await;
    page.assert_kept_to_itself().await;
    let profile = page.browser().profile();
    drop(page);
    assert_nothing_left(profile.parent().expect("a profile is in the browser's home"));
}

/// Waits until no process is left whose home this was. The directory has to be gone by now.
fn assert_nothing_left(home: &Path) {
    assert!(!home.exists(), "{} is still there", home.display());
    let mark = format!("HOME={}\0", home.display());
    let ours = |process: &Path| {
        std::fs::read(process.join("environ")).is_ok_and(|all| all.windows(mark.len()).any(|part| part == mark.as_bytes()))
    };
    wait_until("the end of the browser's processes", PATIENCE, || {
        let mut processes = std::fs::read_dir("/proc").expect("the list of processes").filter_map(Result::ok);
        (!processes.any(|process| ours(&process.path()))).then_some(())
    });
}

/// Whether it is an error. That nobody is signed in yet is none, though Chromium takes it for one.
fn is_error(line: &str) -> bool {
    line.contains("SEVERE") && !line.contains("/api/v1/attach - Failed to load resource: the server responded with a status of 401")
}

/// Each screen has its arrangement, in the colours that are chosen.
async fn arrangements(page: &Page, talk: &str) {
    page.say(talk, "a-word-without-any-gap-".repeat(12).as_str()).await;
    page.click("[data-testid=main-menu]").await;
    page.click("[data-testid=theme-light]").await;
    for theme in ["light", "dark"] {
        page.wait(&format!("document.documentElement.dataset.theme === '{theme}'")).await;
        page.browser().window(Window::Desk).await;
        page.wait("document.querySelector('.window')").await;
        page.assert_fits("desk").await;
        picture(page, &format!("desk-{theme}")).await;
        page.browser().window(Window::Panes).await;
        page.see_no(".window").await;
        assert_eq!((page.seen("conversation").await, page.seen("buddy-list").await), (1, 1), "the list beside a conversation");
        page.assert_fits("panes").await;
        picture(page, &format!("panes-{theme}")).await;
        page.browser().window(Window::Phone).await;
        page.see("[data-testid=back]").await;
        assert_eq!((page.seen("conversation").await, page.seen("buddy-list").await), (1, 0), "the conversation alone");
        page.assert_fits("phone, conversation").await;
        picture(page, &format!("phone-{theme}")).await;
        page.click("[data-testid=back]").await;
        page.see("[data-testid=buddy-list]").await;
        page.assert_fits("phone, list").await;
        picture(page, &format!("phone-list-{theme}")).await;
        page.click("[data-testid=main-menu]").await;
        page.at_rest().await;
        picture(page, &format!("phone-menu-{theme}")).await;
        // What the system prefers is dark.
        page.click("[data-testid=theme-system]").await;
        page.open_buddy("bob@localhost").await;
    }
    page.browser().window(Window::Desk).await;
    page.wait("document.querySelector('.window')").await;
}

/// Somebody is found without a mouse, and by the word in the box although nobody waits until the list has followed it.
async fn keys(page: &Page, talk: &str) {
    page.type_into(&format!("{talk} [data-testid=composer]"), "half a thought").await;
    choose_character(page, "half a thought").await;
    page.type_into(":focus", &format!("{}a{}{}", char::from(Key::Control), char::from(Key::Control), char::from(Key::Delete))).await;
    let switch = format!("{}k{}", char::from(Key::Control), char::from(Key::Null));
    page.type_into("body", &switch).await;
    page.see("[data-testid=search]:focus").await;
    page.type_into(":focus", "carl").await;
    choose_character(page, "carl").await;
    page.press_escape().await;
    page.wait("document.activeElement.value === ''").await;
    page.type_into(":focus", &format!("carl{}", char::from(Key::Enter))).await;
    let other = conversation("carla@localhost");
    page.see(&format!("{other} [data-testid=composer]:focus")).await;
    page.type_into(":focus", &format!("{}w{}", char::from(Key::Alt), char::from(Key::Null))).await;
    page.see_no(&other).await;
}

/// A message is answered from its menu.
async fn messages(page: &Page, bob: &mut XmppPeer, talk: &str) {
    let said = page.message(talk, "There is.").await;
    page.type_into(&format!("{talk} [data-testid=composer]"), &with(Key::Shift, &key(Key::Tab))).await;
    page.see(&format!("{talk} .log:focus")).await;
    let there = format!("return document.activeElement.matches({})", quoted(&said));
    while page.browser().eval(&there).await != true {
        page.type_into(":focus", &key(Key::Up)).await;
    }
    page.type_into(":focus", &key(Key::Enter)).await;
    page.see("[data-testid=message-copy]").await;
    page.click("[data-testid=message-quote]").await;
    page.written(talk, "> Bob: There is.\n").await;
    page.say(talk, "Good.").await;
    bob.hears("> Bob: There is.\nGood.");
}

/// Choices are made in their place, and hold at once.
async fn settings(page: &Page) {
    page.click("[data-testid=main-menu]").await;
    page.click("[data-testid=open-settings]").await;
    page.click("[data-testid=settings-look]").await;
    for density in ["compact", "comfortable"] {
        page.click(&format!("[data-testid=pref-density-{density}]")).await;
        page.wait(&format!("document.documentElement.dataset.density === '{density}'")).await;
    }
    page.click("[data-testid=settings-notify]").await;
    // Whether the browser may show any is known in each of them.
    page.see("[data-testid=field-pref-notify]").await;
    page.check("pref-sound_room", true).await;
    page.type_into("[data-testid=field-pref-highlight]", "compost").await;
    page.at_rest().await;
    picture(page, "settings").await;
    page.press_escape().await;
    page.see_no("[data-testid=settings-dialog]").await;
}

/// A picture shows where it came. Bob sends it from another program.
async fn incoming_picture(page: &Page, prosody: &Prosody, talk: &str) {
    let mut other = Slixmpp::connect(prosody, "bob");
    let here = other.wait("Ines", |event| event["event"] == "present" && event["jid"].as_str().is_some_and(|jid| jid.starts_with("ines@")));
    let (ines, size) = (here["jid"].as_str().expect("an address"), STANDARD.decode(PICTURE).expect("a picture").len());
    other.offer(ines, "dot", "dot.png", size as u64, "ibb");
    page.click(&format!("{talk} [data-testid=file-accept]")).await;
    other.wait("Ines's yes", |event| event["event"] == "accepted");
    other.order("send_ibb", json!({ "to": ines, "sid": "dot", "size": size, "content": PICTURE }));
    page.wait(&format!("document.querySelector({})?.naturalWidth === 1", quoted(&format!("{talk} [data-testid=file-picture]")))).await;
}

/// A room is opened, gets a file, is ruled, and kept in the list.
async fn room(page: &Page, prosody: &Prosody, daemon: &Daemon, bob: &mut XmppPeer) {
    let room = prosody.room("garden");
    let talk = page.join(&[("room", "garden"), ("server", "rooms.localhost"), ("handle", "Ines")], &room).await;
    page.press("[data-testid=request-action]", "Accept Defaults").await;
    page.see_no("[data-testid=request-action]").await;
    bob.join(&room, "Bob");
    let member = format!("{talk} [data-testid=member][data-name=Bob]");
    page.click(&member).await;
    page.click("[data-testid=power-op]").await;
    page.see(&format!("{member}[data-flags~=operator]")).await;

    let note = daemon.data_dir().join("a note.txt");
    std::fs::write(&note, "Beans, peas").expect("a file");
    page.choose_file(&format!("{talk} [data-testid=file-input]"), &note).await;
    let link =
        bob.wait_for("the link", |stanza| stanza.is("type", "groupchat") && stanza.child("x").is_some_and(|x| x.child("url").is_some()));
    let link = link.child_text("body").expect("an address").to_owned();
    page.see(&format!("{talk} [data-testid=message] a[href='{link}']")).await;
    page.see_no(&format!("{talk} [data-testid=files]")).await;
    page.at_rest().await;
    picture(page, "room").await;

    page.click(&format!("{talk} [data-testid=conversation-menu]")).await;
    page.click("[data-testid=menu-mark]").await;
    page.click("[data-testid=mark-keep]").await;
    page.click(&format!("{talk} [data-testid=close]")).await;
    page.click("[data-testid=close-leave]").await;
    page.see_no(&talk).await;
    page.click(&format!("[data-testid=mark][data-name='{room}']")).await;
    page.see(&member).await;
}

/// Presses the Enter by which somebody takes what an input method offers, as WebKit tells of it; nothing must be sent or opened by it.
async fn choose_character(page: &Page, written: &str) {
    let enter = "document.activeElement.dispatchEvent(
            new KeyboardEvent('keydown', { key: 'Enter', keyCode: 229, bubbles: true, cancelable: true }));
        return document.activeElement.value";
    assert_eq!(page.browser().eval(enter).await, json!(written), "still in the box");
}

/// What the engine makes of it, to be looked at.
async fn picture(page: &Page, name: &str) {
    let engine = page.browser().engine();
    page.browser().screenshot(&format!("engines/{name}-{engine:?}").to_lowercase()).await;
}
