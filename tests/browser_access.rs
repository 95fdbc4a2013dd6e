//! Promise: everything on the page can be read and used by everybody: axe-core finds nothing on any face of it, in each of its themes.
#![allow(clippy::expect_used)]

use support::{Audit, Daemon, Flaw, Key, Page, Prosody, Window, XmppPeer, conversation, mischief_plugins, quoted};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");

#[tokio::test]
async fn the_front_page_is_for_everybody() {
    let prosody = Prosody::builder().users(["ines"]).tls(Flaw::SelfSigned).require_tls().start();
    let daemon = Daemon::builder(BELLFLOWER).config("notice = \"Closed on Sundays.\"").start();
    let mut audit = Audit::of(Page::open(&daemon, Window::Desk).await);
    audit.page.see("[data-testid=network-form]").await;
    audit.look("front page").await;
    audit.page.click("[data-testid=to-site]").await;
    audit.page.see("[data-testid=site-form]").await;
    audit.look("site sign-in").await;
    audit.page.click("[data-testid=to-network]").await;
    audit.page.click("[data-testid=make-account]").await;
    audit.look("making an account").await;
    audit.page.click("[data-testid=make-account]").await;
    audit.page.click("[data-testid=signin]").await;
    audit.page.see("[aria-invalid]").await;
    audit.look("front page, something missing").await;
    audit.page.fill_xmpp(&prosody, "ines", "not-it").await;
    audit.look("front page, more options").await;
    audit.page.browser().window(Window::Phone).await;
    audit.look("front page on a phone").await;
    audit.page.browser().window(Window::Desk).await;
    audit.page.click("[data-testid=signin]").await;
    audit.page.see("[data-testid=request-certificate]").await;
    audit.look("certificate").await;
    audit.page.click("[data-testid=request-button-cancel]").await;
    audit.page.see("[data-testid=correct-form]").await;
    audit.look("correction").await;
    audit.assert_nothing(8);
}

#[tokio::test]
async fn the_desk_and_its_dialogs_are_for_everybody() {
    let prosody = Prosody::builder().users(["ines", "bob", "carla"]).friends("ines", "bob", "Friends").room_locking().start();
    let daemon = Daemon::run(BELLFLOWER);
    let (mut bob, mut carla) = (XmppPeer::connect(&prosody, "bob"), XmppPeer::connect(&prosody, "carla"));
    bob.show("away", "making tea");
    let mut audit = Audit::of(Page::open(&daemon, Window::Desk).await);
    audit.page.sign_in_xmpp(&prosody, "ines").await;
    audit.page.see("[data-testid=buddy][data-presence=away]").await;
    audit.look("empty desk").await;
    let talk = audit.page.open_buddy("bob@localhost").await;
    audit.page.say(&talk, "Hello https://plants.example/ 🌷").await;
    audit.page.sent(&talk, "Hello https://plants.example/ 🌷").await;
    bob.say("ines@localhost", "Good morning, *you*");
    audit.page.hears(&talk, "Good morning, *you*").await;
    let room = prosody.room("garden");
    let garden = audit.page.join(&[("room", "garden"), ("server", "rooms.localhost"), ("handle", "Ines")], &room).await;
    audit.page.see("[data-testid=request-action]").await;
    audit.look("a question").await;
    audit.page.press("[data-testid=request-action]", "Configure Room").await;
    audit.page.see("[data-testid=request-fields]").await;
    audit.look("a form").await;
    audit.page.click("[data-testid=request-button-ok]").await;
    audit.page.see_no("[data-testid=request-fields]").await;
    bob.join(&room, "Bob");
    bob.say_in(&room, "Ines: look!");
    carla.say("ines@localhost", "psst");
    audit.page.see("[data-testid=conversation][data-name='carla@localhost']").await;
    audit.page.browser().offline(true).await;
    audit.page.see("[data-testid=link][data-state=offline]").await;
    audit.page.say(&talk, "written offline").await;
    audit.page.see("[data-testid=message][data-state=pending]").await;
    audit.look("desk with windows, cut off").await;
    audit.page.browser().offline(false).await;
    audit.page.sent(&talk, "written offline").await;
    audit.page.click(&format!("{talk} [data-testid=minimise]")).await;
    let menu = "[role=menu]";
    audit.look_behind(&["[data-testid=main-menu]"], menu).await;
    audit.look_behind(&["[data-testid=my-status]"], menu).await;
    audit.look_behind(&["[data-testid=account]"], menu).await;
    audit.look_behind(&["[data-testid=list-add]"], menu).await;
    audit.look_behind(&[&format!("{garden} [data-testid=conversation-menu]")], menu).await;
    audit.look_behind(&[&format!("{garden} [data-testid=emoji]")], ".emoji-box").await;
    audit.look_behind(&["[data-testid=main-menu]", "[data-testid=open-help]"], "[data-testid=help-dialog]").await;
    audit.look_behind(&["[data-testid=my-status]", "[data-testid=menu-status-message]"], "[data-testid=status-dialog]").await;
    audit.look_behind(&["[data-testid=list-add]", "[data-testid=menu-add-buddy]"], "[data-testid=add-buddy-dialog]").await;
    audit.look_behind(&["[data-testid=list-add]", "[data-testid=menu-new-message]"], "[data-testid=new-message-dialog]").await;
    audit.look_behind(&["[data-testid=add-account]"], "[data-testid=add-account-dialog]").await;
    audit.look_behind(&["[data-testid=account]", "[data-testid=menu-account-remove]"], "[data-testid=confirm-dialog]").await;
    audit.look_behind(&["[data-testid=account]", "[data-testid=menu-account-alias]"], "[data-testid=account-alias-dialog]").await;
    audit.page.click("[data-testid=list-add]").await;
    audit.page.click("[data-testid=menu-join-room]").await;
    // The protocol asks where to look.
    audit.page.click("[data-testid=room-browse]").await;
    audit.page.see("[data-testid=request-input]").await;
    audit.look("a question on top of a dialog").await;
    audit.page.fill("request-value", "rooms.localhost").await;
    audit.page.see("[data-testid=request-input][data-ready=true]").await;
    audit.page.type_into(":focus", &char::from(Key::Enter).to_string()).await;
    audit.look_behind(&[], "[data-testid=room-row]").await;
    carla.presence_to("ines@localhost", "subscribe");
    audit.page.see("[data-testid=authorization]").await;
    audit.look("desk with a question beside").await;
    audit.page.browser().window(Window::Phone).await;
    audit.look("phone with a question above").await;
    audit.page.browser().window(Window::Desk).await;
    audit.page.click("[data-testid=prompt-later]").await;
    audit.page.see_no("[data-testid=authorization]").await;
    audit.look("desk with a question put off").await;
    audit.page.type_into("[data-testid=search]", "nobody of that name").await;
    audit.look("a search in vain").await;
    audit.assert_nothing(23);
}

#[tokio::test]
async fn trouble_is_for_everybody() {
    // One crash is enough here.
    let plugins = format!("[plugins]\npaths = [{}]\n[worker]\ncrashes = 1", quoted(mischief_plugins()));
    let daemon = Daemon::builder(BELLFLOWER).table(&plugins).start();
    let mut audit = Audit::of(Page::open(&daemon, Window::Desk).await);
    audit.page.click("[data-testid=tile-prpl-mischief]").await;
    audit.page.fill("user", "a").await;
    audit.page.click("[data-testid=signin]").await;
    audit.page.see("[data-testid=account][data-state=online]").await;
    let talk = audit.page.write_to("victim").await;
    audit.page.say(&talk, "segfault").await;
    audit.page.see("[data-testid=account-error][data-code=set_aside]").await;
    audit.page.see(&format!("{talk} [data-testid=message][data-state=unknown] [data-testid=message-retry]")).await;
    audit.page.say(&talk, "too late").await;
    audit.page.see(&format!("{talk} [data-testid=message][data-state=failed] [data-testid=message-retry]")).await;
    audit.page.click("[data-testid=account-retry]").await;
    audit.page.see("[data-testid=toast]").await;
    audit.look("messages of unknown fate and unsent, an account set aside, a toast").await;
    audit.assert_nothing(1);
}

#[tokio::test]
async fn the_narrow_screens_are_for_everybody() {
    let prosody = Prosody::builder().users(["ines", "bob"]).friends("ines", "bob", "Friends").start();
    let mut daemon = Daemon::run(BELLFLOWER);
    daemon.allow_log("Connection refused");
    let mut prosody = prosody;
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let mut audit = Audit::of(Page::open(&daemon, Window::Panes).await);
    audit.page.sign_in_xmpp(&prosody, "ines").await;
    let talk = audit.page.open_buddy("bob@localhost").await;
    bob.say("ines@localhost", "Good morning");
    audit.page.hears(&talk, "Good morning").await;
    audit.look("two panes").await;
    audit.page.browser().window(Window::Phone).await;
    audit.page.see("[data-testid=back]").await;
    audit.look("conversation on a phone").await;
    audit.page.click("[data-testid=back]").await;
    audit.page.see("[data-testid=buddy-list]").await;
    audit.look("list on a phone").await;
    bob.cut();
    prosody.kill();
    audit.page.see("[data-testid=account-error]").await;
    audit.look("list on a phone, a server gone").await;
    audit.assert_nothing(4);
}

/// How many elements at and below `css` have a ring around them.
async fn rings(page: &Page, css: &str) -> u64 {
    page.at_rest().await;
    let script = format!(
        "const box = document.querySelector({});
         return [box, ...box.querySelectorAll('*')].map(one => getComputedStyle(one))
           .filter(one => one.outlineStyle !== 'none' || /0px 0px 0px 2px inset/.test(one.boxShadow)).length",
        quoted(css)
    );
    page.browser().eval(&script).await.as_u64().expect("a number")
}

#[tokio::test]
async fn one_ring_shows_where_the_focus_is() {
    let prosody = Prosody::builder().users(["ines", "bob"]).friends("ines", "bob", "Friends").start();
    let daemon = Daemon::run(BELLFLOWER);
    let page = Page::open(&daemon, Window::Desk).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    let talk = page.open_buddy("bob@localhost").await;
    for (frame, first, then) in [
        ("[role=search]".to_owned(), "[data-testid=search]".to_owned(), "[data-testid=hide-offline]".to_owned()),
        (format!("{talk} .composer"), format!("{talk} [data-testid=composer]"), format!("{talk} .composer .tool")),
    ] {
        page.click(&first).await;
        page.see(&format!("{first}:focus")).await;
        assert_eq!(rings(&page, &frame).await, 1, "in {first}");
        page.type_into(":focus", &char::from(Key::Tab).to_string()).await;
        page.see(&format!("{then}:focus")).await;
        assert_eq!(rings(&page, &frame).await, 1, "on {then}");
    }
}

/// What cannot be told apart, of elements whose look must not be that of what is around them.
async fn unmarked(page: &Page, marks: &[(&str, &str)]) -> Vec<String> {
    page.at_rest().await;
    let mut found = Vec::new();
    for (mark, plain) in marks {
        page.see(mark).await;
        // A background and a colour that are not exempt are the system's, whatever they are said to be.
        let script = format!(
            "const look = css => {{
               const {{ forcedColorAdjust, backgroundColor, color, outlineStyle, outlineWidth, outlineColor }} = getComputedStyle(document.querySelector(css));
               return [...(forcedColorAdjust === 'none' ? [backgroundColor, color] : []), ...(outlineStyle === 'none' ? [] : [outlineStyle, outlineWidth, outlineColor])].join();
             }};
             return look({}) === look({})",
            quoted(mark),
            quoted(plain)
        );
        if page.browser().eval(&script).await == true {
            found.push(format!("{mark} looks like {plain}"));
        }
    }
    found
}

#[tokio::test]
async fn what_a_user_of_the_site_has_is_for_everybody() {
    let prosody = Prosody::builder().users(["ines", "bob"]).friends("ines", "bob", "Friends").start();
    let daemon = Daemon::builder(BELLFLOWER).config("registration = \"open\"").limit("registrations_per_minute", 0).start();
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let mut audit = Audit::of(Page::open(&daemon, Window::Desk).await);
    audit.page.to_site().await;
    for (to, seen) in [("to-register", "register-form"), ("to-site", "site-form"), ("to-recover", "recover-form")] {
        audit.page.click(&format!("[data-testid={to}]")).await;
        audit.page.see(&format!("[data-testid={seen}]")).await;
        audit.look(seen).await;
    }
    audit.page.click("[data-testid=to-network]").await;
    audit.page.sign_in_xmpp(&prosody, "ines").await;
    audit.look_behind(&["[data-testid=main-menu]", "[data-testid=keep-things]"], "[data-testid=keep-dialog]").await;
    audit.page.click("[data-testid=main-menu]").await;
    audit.page.click("[data-testid=keep-things]").await;
    audit.page.fill("new-name", "ines").await;
    audit.page.fill("new-password", "a sentence that nobody guesses").await;
    audit.page.click("[data-testid=keep]").await;
    audit.page.see("[data-testid=recovery-code]").await;
    audit.look("recovery code").await;
    audit.page.keep_code().await;
    audit.page.click("[data-testid=main-menu]").await;
    audit.page.click("[data-testid=open-account]").await;
    audit.page.see("[data-testid=browser]").await;
    audit.look("account").await;
    audit.look_behind(&["[data-testid=change-password]"], "[data-testid=password-dialog]").await;
    audit.look_behind(&["[data-testid=new-code]"], "[data-testid=code-dialog]").await;
    audit.look_behind(&["[data-testid=delete-me]"], "[data-testid=delete-dialog]").await;
    audit.page.press_escape().await;
    audit.page.see_no("[data-testid=yours-dialog]").await;

    let talk = conversation("bob@localhost");
    bob.say("ines@localhost", "Hello.");
    audit.page.hears(&talk, "Hello.").await;
    let menu = format!("{talk} [data-testid=conversation-menu]");
    audit.look_behind(&[&menu, "[data-testid=erase]"], "[data-testid=erase-dialog]").await;
    audit.page.click("[data-testid=account]").await;
    audit.page.click("[data-testid=menu-sign-off]").await;
    audit.page.see("[data-testid=account][data-state=offline]").await;
    audit.page.say(&talk, "Later.").await;
    audit.page.see(&format!("{talk} [data-testid=message-cancel]")).await;
    audit.look("a message that waits").await;
    audit.assert_nothing(11);
}

#[tokio::test]
async fn a_full_desk_and_what_is_seldom_opened_are_for_everybody() {
    const NAMES: [&str; 8] = ["anna", "bob", "carla", "dora", "emil", "freya", "gita", "hana"];
    let server = NAMES.iter().fold(Prosody::builder().users(["ines"]).users(NAMES), |server, name| server.friends("ines", name, "Friends"));
    let prosody = server.start();
    let daemon = Daemon::run(BELLFLOWER);
    let mut audit = Audit::of(Page::open(&daemon, Window::Desk).await);
    audit.page.sign_in_xmpp(&prosody, "ines").await;
    audit.page.see("[data-testid=buddy]").await;
    let context = format!("{}{}{}", char::from(Key::Shift), char::from(Key::F10), char::from(Key::Null));
    for (row, entry) in [("[data-testid=buddy]", "menu-alias"), ("[data-testid=group]", "menu-group-rename")] {
        audit.page.type_into(row, &context).await;
        audit.look_behind(&[], &format!("[data-testid={entry}]")).await;
        audit.page.type_into(row, &context).await;
        audit.look_behind(&[&format!("[data-testid={entry}]")], "[data-testid=field-ask]").await;
    }
    audit.look_behind(&["[data-testid=account]", "[data-testid=menu-edit]"], "[data-testid=edit-account-dialog]").await;
    // So large that no window lies over another.
    let resize = |width: u32, height: u32| serde_json::json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
    audit.page.browser().devtools("Emulation.setDeviceMetricsOverride", resize(2600, 1400)).await;
    let mut last = String::new();
    for name in NAMES {
        audit.page.click("[data-testid=search]").await;
        last = audit.page.open_buddy(&format!("{name}@localhost")).await;
    }
    audit.page.see("[data-testid=tile-offer]").await;
    audit.look("eight windows, and the offer to tile them").await;
    // The dock of a smaller desk has not got room for all.
    audit.page.click("[data-testid=tile-yes]").await;
    audit.page.browser().devtools("Emulation.setDeviceMetricsOverride", resize(1100, 720)).await;
    audit.look_behind(&["[data-testid=dock-rest]"], "[data-testid=dock-rest-item]").await;
    audit.page.browser().window(Window::Desk).await;
    let menu = format!("{last} [data-testid=conversation-menu]");
    audit.look_behind(&[&menu, "[data-testid=menu-mute]"], "[data-testid=mute-hour]").await;
    audit.page.click(&menu).await;
    audit.page.click("[data-testid=menu-mute]").await;
    audit.page.click("[data-testid=mute-ever]").await;
    audit.page.see(&format!("{last} [data-testid=muted]")).await;
    audit.look("tiles, one of them muted").await;
    let garden = audit.page.join(&[("room", "garden"), ("server", "rooms.localhost"), ("handle", "Ines")], &prosody.room("garden")).await;
    audit.page.press("[data-testid=request-action]", "Accept Defaults").await;
    audit
        .look_behind(&[&format!("{garden} [data-testid=conversation-menu]"), "[data-testid=power-bans]"], "[data-testid=bans-dialog]")
        .await;
    audit.assert_nothing(10);
}

#[tokio::test]
async fn what_a_system_with_few_colours_leaves_is_told_apart() {
    let prosody =
        Prosody::builder().users(["ines", "bob", "carla"]).friends("ines", "bob", "Friends").friends("ines", "carla", "Friends").start();
    let daemon = Daemon::run(BELLFLOWER);
    let (mut bob, mut carla) = (XmppPeer::connect(&prosody, "bob"), XmppPeer::connect(&prosody, "carla"));
    let page = Page::open(&daemon, Window::Desk).await;
    let forced = serde_json::json!({ "features": [{ "name": "forced-colors", "value": "active" }] });
    page.browser().devtools("Emulation.setEmulatedMedia", forced).await;
    page.wait("matchMedia('(forced-colors: active)').matches").await;
    page.click("[data-testid=to-site]").await;
    let mut found = unmarked(
        &page,
        &[
            ("[data-testid=field-site-name]", "[data-testid=field-site-password]"),
            ("[data-testid=field-site-password]", "main"),
            (".card", "main"),
            ("[data-testid=site-signin]:disabled", "[data-testid=to-network]"),
        ],
    )
    .await;
    page.click("[data-testid=to-network]").await;
    found.extend(unmarked(&page, &[("[role=radio][aria-checked=true]", "[role=radio][aria-checked=false]")]).await);
    page.sign_in_xmpp(&prosody, "ines").await;
    page.see("[data-testid=buddy][data-name='carla@localhost'][data-presence=online]").await;
    let talk = page.open_buddy("bob@localhost").await;
    page.say(&talk, "Hello").await;
    page.sent(&talk, "Hello").await;
    bob.say("ines@localhost", "Good morning");
    page.hears(&talk, "Good morning").await;
    carla.say("ines@localhost", "psst");
    page.click("[data-testid=hide-offline]").await;
    found.extend(
        unmarked(
            &page,
            &[
                ("[data-name='bob@localhost'] .person", "[data-name='carla@localhost'] .person"),
                ("[data-testid=unread]", "[data-name='carla@localhost'] .person"),
                ("[data-name='carla@localhost'] .dot", "[data-name='carla@localhost'] .person"),
                ("[data-testid=hide-offline]", "[data-testid=list-add]"),
                ("[data-self=true] .bubble", "[data-self=false] .bubble"),
                ("[data-self=false] .bubble", ".row"),
                (".window", "main"),
                (".dock-tile.front-most", ".dock-tile:not(.front-most)"),
            ],
        )
        .await,
    );
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[tokio::test]
async fn nothing_moves_for_those_who_ask_for_it() {
    let prosody = Prosody::builder().users(["ines", "bob"]).friends("ines", "bob", "Friends").start();
    let daemon = Daemon::run(BELLFLOWER);
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let page = Page::open(&daemon, Window::Desk).await;
    page.see("[data-testid=network-form]").await;
    page.at_rest().await;
    let reduced = serde_json::json!({ "features": [{ "name": "prefers-reduced-motion", "value": "reduce" }] });
    page.browser().devtools("Emulation.setEmulatedMedia", reduced).await;
    page.wait("matchMedia('(prefers-reduced-motion: reduce)').matches").await;
    let watch = "window.moved = [];
        for (const kind of ['animationstart', 'transitionrun'])
          addEventListener(kind, event => moved.push(`${event.target.className} ${event.pseudoElement} ${event.animationName ?? event.propertyName}`), true);";
    page.browser().eval(watch).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    let talk = page.open_buddy("bob@localhost").await;
    page.say(&talk, "Hello").await;
    page.sent(&talk, "Hello").await;
    bob.chat_state("ines@localhost", "composing");
    page.read(&format!("{talk} [data-testid=typing]"), "typing").await;
    page.click("[data-testid=main-menu]").await;
    page.click("[data-testid=open-help]").await;
    page.see("[data-testid=help-dialog]").await;
    page.press_escape().await;
    page.see_no("[data-testid=help-dialog]").await;
    // Away and back, with the mouse over the tile that does it.
    for _ in 0..2 {
        page.click("[data-testid=dock-tile]").await;
    }
    page.see("[data-testid=dock-tile]:hover").await;
    assert_eq!(page.browser().eval("return getComputedStyle(document.querySelector('[data-testid=dock-tile]')).transform").await, "none");
    assert_eq!(page.browser().eval("return window.moved").await, serde_json::json!([]));
}
