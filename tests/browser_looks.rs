//! Promise: people and rooms have names, pictures and one colour each; a room is lines, a person bubbles; quiet things are quiet, and what people
//! write runs its own way.
#![allow(clippy::expect_used)]

use serde_json::{Value, json};
use support::{Contact, Daemon, IrcPeer, Key, Ngircd, Page, Prosody, Scheme, Window, XmppPeer, conversation, quoted};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");
/// The smallest picture: PNG, one pixel.
const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

async fn eval(page: &Page, script: &str) -> Value {
    page.at_rest().await;
    page.browser().eval(script).await
}

/// A property of the first element that matches, as it is drawn.
async fn style(page: &Page, css: &str, property: &str) -> String {
    page.see(css).await;
    let script = format!("return getComputedStyle(document.querySelector({})).getPropertyValue({})", quoted(css), quoted(property));
    eval(page, &script).await.as_str().expect("a value").to_owned()
}

async fn join(page: &Page, prosody: &Prosody, room: &str) -> String {
    page.join(&[("room", room), ("server", "rooms.localhost"), ("handle", "Ines")], &prosody.room(room)).await
}

#[tokio::test]
async fn a_room_is_lines_and_a_person_bubbles() {
    const LINES: usize = 40;
    let prosody = Prosody::builder().users(["ines", "bob"]).friends("ines", "bob", "Friends").start();
    let daemon = Daemon::run(BELLFLOWER);
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let room = prosody.room("gardeners");
    bob.join(&room, "Bob");
    let page = Page::open(&daemon, Window::Desk).await;
    let metrics = json!({ "width": 1400, "height": 900, "deviceScaleFactor": 1, "mobile": false });
    page.browser().devtools("Emulation.setDeviceMetricsOverride", metrics).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    page.see("[data-testid=account][data-state=online]").await;
    let talk = join(&page, &prosody, "gardeners").await;
    for line in 0..LINES {
        bob.say_in(&room, &format!("Row {line} of the beans"));
    }
    bob.say_in(&room, "Ines: look at that!");
    page.hears(&talk, "Ines: look at that!").await;
    page.say(&talk, "I see it.").await;
    page.sent(&talk, "I see it.").await;
    // As many as can be read at once in the window as it opens.
    let seen = format!(
        "const log = document.querySelector({}), all = log.getBoundingClientRect();
         return [...log.querySelectorAll('[data-testid=message]')].filter(one => {{ const box = one.getBoundingClientRect(); return box.top >= all.top && box.bottom <= all.bottom; }}).length",
        quoted(&format!("{talk} .log"))
    );
    let lines = eval(&page, &seen).await;
    assert!(lines.as_u64().is_some_and(|lines| lines >= 25), "{lines} lines");
    let row = format!("{talk} [data-testid=message][data-self=false]:not(.highlight)");
    let parts = format!(
        "const row = document.querySelector({}), [nick, said] = ['.nick', '.said'].map(css => row.querySelector(css));
         return [row.getBoundingClientRect().height <= 20, getComputedStyle(said).fontSize, getComputedStyle(nick).fontSize,
             Math.abs(nick.getBoundingClientRect().bottom - said.getBoundingClientRect().bottom) < 2, nick.textContent, !!row.querySelector('.bubble')]",
        quoted(&row)
    );
    assert_eq!(eval(&page, &parts).await, json!([true, "14px", "14px", true, "Bob", false]));
    // The time shows where one points.
    let last = format!("{talk} [data-testid=message][data-self=true]");
    assert_eq!(style(&page, &format!("{last} time"), "visibility").await, "hidden");
    let at = eval(
        &page,
        &format!("const b = document.querySelector({}).getBoundingClientRect(); return [b.x + 40, b.y + b.height / 2]", quoted(&last)),
    )
    .await;
    page.browser().devtools("Input.dispatchMouseEvent", json!({ "type": "mouseMoved", "x": at[0], "y": at[1] })).await;
    page.wait(&format!("getComputedStyle(document.querySelector({})).visibility === 'visible'", quoted(&format!("{last} time")))).await;
    // What speaks of one is a tinted row.
    let tint = style(&page, &format!("{talk} .row.highlight"), "background-color").await;
    assert_ne!(tint, style(&page, &row, "background-color").await);

    // Bubbles for people: a time makes none of them taller, and who cannot see hears who it was.
    bob.say("ines@localhost", "one");
    bob.say("ines@localhost", "two");
    let other = conversation("bob@localhost");
    page.hears(&other, "two").await;
    page.say(&other, "three").await;
    page.sent(&other, "three").await;
    let bubbles = format!(
        "return [...document.querySelectorAll({})].map(one => [one.textContent.split(':')[0], Math.round(one.querySelector('.bubble').getBoundingClientRect().height)])",
        quoted(&format!("{other} [data-testid=message]"))
    );
    let bubbles = eval(&page, &bubbles).await;
    let high = &bubbles[0][1];
    assert!(high.as_u64().is_some_and(|high| high <= 37), "{bubbles}");
    assert_eq!(bubbles, json!([["Bob", high], ["Bob", high], ["You", high]]));
    // Nothing to send, nothing to press.
    let send = format!("{other} [data-testid=send]");
    let idle = style(&page, &send, "color").await;
    page.see(&format!("{send}[aria-disabled=true]")).await;
    page.type_into(&format!("{other} [data-testid=composer]"), "x").await;
    page.see(&format!("{send}[aria-disabled=false]")).await;
    assert_ne!(style(&page, &send, "color").await, idle);
    page.type_into(&format!("{other} [data-testid=composer]"), &char::from(Key::Backspace).to_string()).await;
    page.see(&format!("{send}[aria-disabled=true]")).await;
    page.assert_no_mishap().await;
}

#[tokio::test]
async fn names_and_colours_are_the_same_everywhere() {
    let contact = |user: &str, name: &str| Contact { jid: format!("{user}@localhost"), name: name.to_owned(), group: "Friends".to_owned() };
    let prosody = Prosody::builder()
        .users(["ines", "noor"])
        .contact("ines", contact("noor", "Noor K."))
        .contact("noor", contact("ines", "Ines"))
        .contact("ines", contact("desk10", "Desk 10"))
        .contact("ines", contact("desk2", "Desk 2"))
        .contact("ines", contact("yael", "יעל כהן"))
        .start();
    let ngircd = Ngircd::builder().start();
    let daemon = Daemon::run(BELLFLOWER);
    let mut noor = XmppPeer::connect(&prosody, "noor");
    let room = prosody.room("gardeners");
    noor.join(&room, "Noor");
    let page = Page::open(&daemon, Window::Desk).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    page.see("[data-testid=account][data-state=online]").await;
    page.shows(".me b", "Ines").await;
    let names = "return [...document.querySelectorAll('[data-testid=buddy-name]')].map(one => one.textContent)";
    page.see("[data-testid=buddy][data-name='noor@localhost'][data-presence=online]").await;
    assert_eq!(eval(&page, names).await, json!(["Noor K.", "Desk 2", "Desk 10", "יעל כהן"]));

    let talk = join(&page, &prosody, "gardeners").await;
    page.shows(&format!("{talk} h2"), "gardeners").await;
    page.shows(&format!("[data-testid=dock-tile][data-name={}] .dock-name", quoted(&room)), "gardeners").await;
    page.shows(&format!("[data-testid=list-conversation][data-name={}] .one", quoted(&room)), "gardeners").await;
    for css in [format!("{talk} h2"), format!("[data-testid=dock-tile][data-name={}]", quoted(&room))] {
        page.see(&format!("{css}[title={}]", quoted(&room))).await;
    }
    // One colour: in the list, in the room, among its people, in the dock.
    noor.say_in(&room, "Good morning");
    page.hears(&talk, "Good morning").await;
    page.open_buddy("noor@localhost").await;
    let tones = format!(
        "const tone = css => /(?:nick|tone)-(\\d+)/.exec(document.querySelector(css).className + document.querySelector(css).getAttribute('style'))?.[1];
         return [tone(`{talk} .row .nick`), tone(`{talk} [data-testid=member][data-name=Noor] .nick`), tone(`[data-testid=buddy][data-name='noor@localhost'] .avatar`),
             tone(`[data-testid=dock-tile][data-name='noor@localhost'] .avatar`), tone(`[data-testid=conversation][data-name='noor@localhost'] .bar .avatar`)]"
    );
    let tones = eval(&page, &tones).await;
    assert!(tones[0].is_string() && tones.as_array().is_some_and(|all| all.iter().all(|one| *one == tones[0])), "{tones}");
    // Plain members have no sign, the owner of the room has one.
    page.see(&format!("{talk} [data-testid=member][data-name=Noor] .sign")).await;
    page.see_no(&format!("{talk} [data-testid=member][data-name=Ines] .sign")).await;

    // A picture of a person stands for them wherever they stand.
    noor.request("set", "", &format!("<vCard xmlns='vcard-temp'><PHOTO><TYPE>image/png</TYPE><BINVAL>{PNG}</BINVAL></PHOTO></vCard>"));
    noor.send("<presence><x xmlns='vcard-temp:x:update'><photo>6b5bb9bd4bd2ae4dfaf3b0a4a1ee5fba8a8d2bf0</photo></x></presence>");
    for place in [
        "[data-testid=buddy][data-name='noor@localhost']",
        "[data-testid=dock-tile][data-name='noor@localhost']",
        "[data-name='noor@localhost'] .bar",
    ] {
        page.wait(&format!("document.querySelector({})?.naturalWidth > 0", quoted(&format!("{place} .avatar img")))).await;
    }
    page.browser().window(Window::Panes).await;
    for place in [".tabs [data-name='noor@localhost']", "[data-testid=list-conversation][data-name='noor@localhost']"] {
        page.wait(&format!("document.querySelector({})?.naturalWidth > 0", quoted(&format!("{place} .avatar img")))).await;
    }
    page.browser().window(Window::Desk).await;

    // The network's mark says something once there are two.
    assert_eq!(eval(&page, "return document.querySelectorAll('.net-mark').length").await, 0);
    let mut nadia = IrcPeer::connect(&ngircd, "nadia");
    nadia.join("#rust");
    page.click("[data-testid=add-account]").await;
    page.click("[data-testid=add-account-dialog] [data-testid=tile-prpl-irc]").await;
    page.fill("user", "ines").await;
    page.fill("part-0", "127.0.0.1").await;
    page.click("[data-testid=add-account-dialog] [data-testid=more-options]").await;
    page.fill("option-port", &ngircd.port().to_string()).await;
    page.click("[data-testid=account-save]").await;
    page.see_no("[data-testid=add-account-dialog]").await;
    page.see("[data-testid=buddy] .net-mark").await;

    // What people write runs its own way, and so does what one types.
    noor.say("ines@localhost", "שלום, world");
    let noors = conversation("noor@localhost");
    page.hears(&noors, "שלום, world").await;
    assert_eq!(style(&page, &format!("{noors} [data-testid=message]:last-child [data-testid=message-text]"), "direction").await, "rtl");
    assert_eq!(style(&page, "[data-testid=buddy][data-name='yael@localhost'] [data-testid=buddy-name]", "direction").await, "rtl");
    let composer = format!("{noors} [data-testid=composer]");
    page.type_into(&composer, "שלום").await;
    assert_eq!(style(&page, &composer, "direction").await, "rtl");
    page.assert_no_mishap().await;
}

#[tokio::test]
async fn one_knows_what_to_do_first_and_every_entry_of_a_menu_has_an_icon() {
    let prosody = Prosody::builder().users(["ines", "bob"]).friends("ines", "bob", "Friends").start();
    let daemon = Daemon::builder(BELLFLOWER).config("registration = \"open\"").limit("registrations_per_minute", 0).start();
    let page = Page::open(&daemon, Window::Desk).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    page.see("[data-testid=account][data-state=online]").await;
    for (step, dialog) in [("step-write", "new-message-dialog"), ("step-room", "join-dialog"), ("step-network", "add-account-dialog")] {
        page.click(&format!("[data-testid=first-steps] [data-testid={step}]")).await;
        page.see(&format!("[data-testid={dialog}]")).await;
        page.press_escape().await;
        page.see_no(&format!("[data-testid={dialog}]")).await;
    }
    page.keep_things("ines", "a sentence that nobody guesses").await;
    let talk = page.open_buddy("bob@localhost").await;
    page.see_no("[data-testid=first-steps]").await;
    let garden = join(&page, &prosody, "gardeners").await;
    let menus = [
        "[data-testid=main-menu]".to_owned(),
        "[data-testid=my-status]".to_owned(),
        "[data-testid=account]".to_owned(),
        "[data-testid=list-add]".to_owned(),
        format!("{talk} [data-testid=conversation-menu]"),
        format!("{garden} [data-testid=conversation-menu]"),
        format!("{garden} [data-testid=member]"),
    ];
    let bare = "[...document.querySelectorAll('[role=menu] button')].filter(one => !one.querySelector('.menu-icon').firstElementChild || one.querySelector('.icon-more')).map(one => one.textContent)";
    let mut found = Vec::new();
    let mut look = async |what: &str| {
        page.see("[role=menu] button").await;
        page.wait("![...document.querySelectorAll('[role=menu] .menu-head')].some(one => one.textContent === 'Loading…')").await;
        found.extend(eval(&page, &format!("return {bare}")).await.as_array().into_iter().flatten().map(|one| format!("{what}: {one}")));
        page.press_escape().await;
        page.see_no("[role=menu]").await;
    };
    for css in &menus {
        page.click(css).await;
        look(css).await;
    }
    for row in ["[data-testid=buddy]", "[data-testid=group]"] {
        page.type_into(row, &format!("{}{}{}", char::from(Key::Shift), char::from(Key::F10), char::from(Key::Null))).await;
        look(row).await;
    }
    assert!(found.is_empty(), "{found:#?}");
    page.assert_no_mishap().await;
}

#[tokio::test]
async fn nothing_flashes_in_the_dark_and_windows_have_an_edge_there() {
    let prosody = Prosody::builder().users(["ines", "bob"]).friends("ines", "bob", "Friends").start();
    let daemon = Daemon::run(BELLFLOWER);
    let page = Page::open(&daemon, Window::Desk).await;
    page.see("[data-testid=network-form]").await;
    page.browser().scheme(Scheme::Dark).await;
    // What shows before the program is there.
    page.browser().devtools("Network.enable", json!({})).await;
    page.browser().devtools("Network.setBlockedURLs", json!({ "urls": ["*.js"] })).await;
    page.load().await;
    page.wait("document.styleSheets.length > 0 && document.readyState === 'complete'").await;
    assert_eq!(page.browser().eval("return document.documentElement.dataset.theme ?? null").await, Value::Null);
    let light = |colour: &str| {
        format!(
            "const brush = document.createElement('canvas').getContext('2d'); brush.fillStyle = {colour}; brush.fillRect(0, 0, 1, 1);
         return Math.max(...brush.getImageData(0, 0, 1, 1).data.slice(0, 3))"
        )
    };
    let shade = page.browser().eval(&light("getComputedStyle(document.body).backgroundColor")).await;
    assert!(shade.as_u64().is_some_and(|shade| shade < 60), "a light of {shade}");
    page.browser().devtools("Network.setBlockedURLs", json!({ "urls": [] })).await;
    page.load().await;
    page.sign_in_xmpp(&prosody, "ines").await;
    page.open_buddy("bob@localhost").await;
    let edge = "return getComputedStyle(document.querySelector('[data-testid=window]'), '::after').boxShadow";
    let dark = eval(&page, edge).await;
    assert!(dark.as_str().is_some_and(|edge| edge.contains("rgba(255, 255, 255") && edge.contains("inset")), "{dark}");
    page.assert_no_mishap().await;
}
