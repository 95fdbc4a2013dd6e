//! Promise: strangers and people in rooms can be looked at, written to, added and blocked; a person has a card with what the page and the network
//! know, and a tip; the list has an order of its reader's choice; an account may show another status than the others.
#![allow(clippy::expect_used)]

use serde_json::json;
use support::{Audit, Daemon, IrcPeer, Key, Ngircd, Page, Prosody, Window, XmppPeer, conversation, quoted};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");
const CARD: &str = "[data-testid=notice-userinfo]";

/// Two pixels, which any decoder reads.
const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAIAAAABCAIAAAB7QOjdAAAADUlEQVR4nGN44AAEDwAJpwLBpziYPQAAAABJRU5ErkJggg==";

fn vcard(peer: &mut XmppPeer, inside: &str) {
    peer.request("set", "", &format!("<vCard xmlns='vcard-temp'>{inside}</vCard>"));
}

/// Waits until the card shows this value beside a label.
async fn entry(page: &Page, label: &str, value: &str) {
    page.shows(&format!("{CARD} [data-testid=profile-entry][data-label={}] dd", quoted(label)), value).await;
}

async fn shut(page: &Page) {
    page.click(&format!("{CARD} [data-testid=notice-close]")).await;
    page.see_no(CARD).await;
}

/// Loads the page anew and opens a conversation whose window was not written down yet.
async fn load_to(page: &Page, name: &str) {
    page.load().await;
    let tile = format!("[data-testid=dock-tile][data-name={}]", quoted(name));
    page.see(&tile).await;
    if page.browser().eval(&format!("return document.querySelector({}) === null", quoted(&conversation(name)))).await == true {
        page.click(&tile).await;
    }
}

#[tokio::test]
async fn a_stranger_who_writes_is_looked_at_added_and_blocked() {
    let prosody = Prosody::builder().users(["ines", "juan", "mallory"]).plain_cards().start();
    let daemon = Daemon::run(BELLFLOWER);
    let (mut juan, mut mallory) = (XmppPeer::connect(&prosody, "juan"), XmppPeer::connect(&prosody, "mallory"));
    let told = format!(
        "<FN>Juan Pérez</FN><DESC>&lt;img src=x onerror=alert(1)&gt; see https://plants.example/juan</DESC>\
         <ADR><LOCALITY>Ayerbe</LOCALITY></ADR><EMAIL><USERID>juan@mail.example</USERID></EMAIL>\
         <PHOTO><TYPE>image/png</TYPE><BINVAL>{PNG}</BINVAL></PHOTO>"
    );
    vcard(&mut juan, &told);
    let page = Page::open(&daemon, Window::Desk).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    page.see("[data-testid=account][data-state=online]").await;
    juan.say("ines@localhost", "do you have seeds?");
    let talk = conversation("juan@localhost");
    page.hears(&talk, "do you have seeds?").await;
    page.read(&format!("{talk} [data-testid=stranger]"), "is not on your list").await;

    // The card: what the page knows at once, and what the network tells as it comes. Nothing in it is markup.
    page.click(&format!("{talk} [data-testid=stranger-info]")).await;
    page.see(&format!("{CARD} .facts")).await;
    page.read(CARD, "juan@localhost").await;
    entry(&page, "Full Name", "Juan Pérez").await;
    entry(&page, "Description", "<img src=x onerror=alert(1)> see https://plants.example/juan").await;
    page.see(&format!("{CARD} a[href='https://plants.example/juan'][target=_blank][rel~=noopener]")).await;
    page.see(&format!("{CARD} a[href='mailto:juan@mail.example']")).await;
    page.shows(&format!("{CARD} h3"), "Address").await;
    entry(&page, "Locality", "Ayerbe").await;
    page.wait(&format!("document.querySelector({})?.naturalWidth === 2", quoted(&format!("{CARD} .avatar img")))).await;
    assert_eq!(page.browser().eval("return document.querySelectorAll('dialog[open]').length").await, 1);
    shut(&page).await;
    assert_eq!(page.seen("prompts").await, 0, "what the card has shown stands nowhere else");

    page.click(&format!("{talk} [data-testid=stranger-add]")).await;
    page.see("[data-testid=add-buddy-dialog]").await;
    page.wait("document.querySelector('[data-testid=field-buddy-name]').value === 'juan@localhost'").await;
    page.click("[data-testid=add-buddy-ok]").await;
    page.see("[data-testid=buddy][data-name='juan@localhost']").await;
    page.see_no(&format!("{talk} [data-testid=stranger]")).await;

    // Blocked, nothing comes through; unblocked, all does.
    mallory.say("ines@localhost", "buy now");
    let spam = conversation("mallory@localhost");
    page.hears(&spam, "buy now").await;
    page.click(&format!("{spam} [data-testid=stranger-block]")).await;
    page.click("[data-testid=confirm-ok]").await;
    page.see(&format!("{spam} [data-testid=stranger-blocked]")).await;
    mallory.say("ines@localhost", "buy quickly");
    mallory.wait_for("its refusal", |s| s.name == "message" && s.is("type", "error"));
    load_to(&page, "mallory@localhost").await;
    page.see(&format!("{spam} [data-testid=stranger-blocked]")).await;
    page.click(&format!("{spam} [data-testid=stranger-unblock]")).await;
    page.see(&format!("{spam} [data-testid=stranger]")).await;
    mallory.say("ines@localhost", "sorry");
    page.hears(&spam, "sorry").await;
    assert!(!page.texts(&format!("{spam} [data-testid=message-text]")).await.iter().any(|text| text == "buy quickly"));
    // A stranger about whom the page is not to ask any more: the strip stays away, also after a reload.
    page.click(&format!("{spam} [data-testid=stranger-met]")).await;
    page.see_no(&format!("{spam} [data-testid=stranger]")).await;
    load_to(&page, "mallory@localhost").await;
    page.hears(&spam, "sorry").await;
    page.see("[data-testid=buddy][data-name='juan@localhost']").await;
    page.see_no(&format!("{spam} [data-testid=stranger]")).await;
    page.assert_kept_to_itself().await;
    page.assert_no_mishap().await;
}

/// Opens the menu of somebody in a room and takes an entry of it.
async fn of_member(page: &Page, room: &str, member: &str, item: &str) {
    press_member(page, room, member).await;
    page.click(&format!("[data-testid=member-{item}]")).await;
}

/// In a small window people show when they are asked for.
async fn press_member(page: &Page, room: &str, member: &str) {
    let css = format!("{room} [data-testid=member][data-name={}]", quoted(member));
    page.see(&css).await;
    if page.browser().eval(&format!("return document.querySelector({}).checkVisibility()", quoted(&css))).await != true {
        page.click(&format!("{room} [data-testid=toggle-members]")).await;
    }
    page.click(&css).await;
}

#[tokio::test]
async fn somebody_in_a_room_is_reached_by_the_name_that_the_network_has() {
    let prosody = Prosody::with_users(["ines", "bob", "carla"]);
    let ngircd = Ngircd::builder().channel("#open", "").start();
    let daemon = Daemon::run(BELLFLOWER);
    let (mut bob, mut carla) = (XmppPeer::connect(&prosody, "bob"), XmppPeer::connect(&prosody, "carla"));
    vcard(&mut bob, "<FN>Bob Builder</FN>");
    let garden = prosody.room("garden");
    bob.join(&garden, "Bob");
    let page = Page::open(&daemon, Window::Desk).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    page.see("[data-testid=account][data-state=online]").await;
    let form = |room: &'static str| [("room", room), ("server", "rooms.localhost"), ("handle", "Ines")];
    let talk = page.join(&form("garden"), &garden).await;

    // A room that hides addresses: there is a name for the room alone.
    of_member(&page, &talk, "Bob", "info").await;
    page.read(CARD, &format!("{garden}/Bob")).await;
    entry(&page, "Full Name", "Bob Builder").await;
    assert_eq!(page.seen("card-add").await, 0);
    shut(&page).await;
    of_member(&page, &talk, "Bob", "add").await;
    page.read("[data-testid=toast]", "does not tell Bob's address").await;
    of_member(&page, &talk, "Bob", "write").await;
    let private = conversation(&format!("{garden}/Bob"));
    page.see(&private).await;
    page.say(&private, "between us").await;
    let heard = bob.hears("between us");
    assert_eq!((heard.attr("from"), heard.attr("type")), (Some(format!("{garden}/Ines").as_str()), Some("chat")));

    // The user's own room tells its owner the addresses of the people in it.
    let shed = prosody.room("shed");
    let talk = page.join(&form("shed"), &shed).await;
    page.press("[data-testid=request-action]", "Accept Defaults").await;
    page.see_no("[data-testid=request-action]").await;
    carla.join(&shed, "Carla");
    of_member(&page, &talk, "Carla", "add").await;
    page.wait("document.querySelector('[data-testid=field-buddy-name]')?.value === 'carla@localhost'").await;
    page.press_escape().await;
    page.see_no("[data-testid=add-buddy-dialog]").await;
    of_member(&page, &talk, "Carla", "block").await;
    page.click("[data-testid=confirm-ok]").await;
    page.see_no("[data-testid=confirm-dialog]").await;
    carla.say("ines@localhost", "hello?");
    carla.wait_for("its refusal", |s| s.name == "message" && s.is("type", "error"));
    page.sign_out().await;

    // On IRC a nick is the name, and the network blocks nobody.
    let mut dora = IrcPeer::connect(&ngircd, "dora");
    dora.join("#open");
    page.sign_in_irc(&ngircd, "ines").await;
    page.see("[data-testid=account][data-state=online]").await;
    let talk = page.join(&[("channel", "#open")], "#open").await;
    of_member(&page, &talk, "dora", "info").await;
    entry(&page, "Nick", "dora").await;
    shut(&page).await;
    press_member(&page, &talk, "dora").await;
    page.see("[data-testid=member-add]").await;
    assert_eq!(page.seen("member-block").await, 0);
    page.click("[data-testid=member-add]").await;
    page.click("[data-testid=add-buddy-ok]").await;
    page.see("[data-testid=buddy][data-name=dora]").await;
    page.assert_no_mishap().await;
}

/// The list, from top to bottom.
async fn order(page: &Page) -> serde_json::Value {
    let script = "return [...document.querySelectorAll('[data-testid=buddy]')].sort((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top)
        .map(one => one.dataset.name.replace(/@.*/, ''))";
    page.browser().eval(script).await
}

async fn ordered(page: &Page, names: &[&str]) {
    let names = json!(names);
    while order(page).await != names {
        tokio::task::yield_now().await;
    }
}

async fn sort(page: &Page, how: &str) {
    page.click("[data-testid=list-add]").await;
    page.click(&format!("[data-testid=sort-{how}]")).await;
}

#[tokio::test]
async fn the_list_is_in_the_order_that_one_wants_and_tells_what_is_known() {
    let prosody = Prosody::builder()
        .users(["ines", "anna", "bob", "carla"])
        .friends("ines", "anna", "Friends")
        .friends("ines", "bob", "Friends")
        .friends("ines", "carla", "Friends")
        .start();
    let daemon = Daemon::builder(BELLFLOWER).config("registration = \"open\"").start();
    let (mut bob, mut carla) = (XmppPeer::connect(&prosody, "bob"), XmppPeer::connect(&prosody, "carla"));
    bob.show("dnd", "pruning roses");
    let mut wire = daemon.client("ines-wire");
    wire.register("Ines", "a long enough password");
    wire.add_xmpp(&prosody, "ines");
    let page = Page::open(&daemon, Window::Desk).await;
    page.sign_in_site("Ines", "a long enough password").await;
    page.see("[data-testid=buddy][data-name='bob@localhost'][data-presence=busy]").await;
    page.see("[data-testid=buddy][data-name='carla@localhost'][data-presence=online]").await;
    ordered(&page, &["carla", "bob", "anna"]).await;
    sort(&page, "name").await;
    ordered(&page, &["anna", "bob", "carla"]).await;
    sort(&page, "last").await;
    ordered(&page, &["carla", "bob", "anna"]).await;
    bob.say("ines@localhost", "look");
    ordered(&page, &["bob", "carla", "anna"]).await;
    carla.say("ines@localhost", "where?");
    ordered(&page, &["carla", "bob", "anna"]).await;
    // The order is stored with the user, not in the browser.
    wire.wait_event("the choice", |event| event["type"] == "settings" && event["values"]["sort"] == "last");
    page.load().await;
    ordered(&page, &["carla", "bob", "anna"]).await;

    // By the keyboard, and away by Esc.
    page.click("[data-testid=search]").await;
    page.type_into(":focus", &char::from(Key::Down).to_string()).await;
    page.see("[data-testid=group]:focus").await;
    for _ in 0..2 {
        page.type_into(":focus", &char::from(Key::Down).to_string()).await;
    }
    page.see("[data-testid=buddy][data-name='bob@localhost']:focus").await;
    page.see("[data-testid=tip][data-name='bob@localhost']").await;
    page.see("[data-testid=buddy][data-name='bob@localhost'][aria-describedby=tip]").await;
    for known in ["bob@localhost", "pruning roses", "Do not disturb", "XMPP", "Last talk"] {
        page.read("[data-testid=tip]", known).await;
    }
    page.press_escape().await;
    page.see_no("[data-testid=tip]").await;
    page.see_no("[aria-describedby=tip]").await;
    // By the mouse.
    page.hover("[data-testid=buddy][data-name='anna@localhost']").await;
    page.see("[data-testid=tip][data-name='anna@localhost']").await;
    page.assert_fits("a tip").await;
    page.assert_no_mishap().await;
}

#[tokio::test]
async fn an_account_shows_something_else_than_the_others() {
    let prosody =
        Prosody::builder().users(["ines", "work", "bob"]).friends("ines", "bob", "Friends").friends("work", "bob", "Office").start();
    let daemon = Daemon::builder(BELLFLOWER).config("registration = \"open\"").start();
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let mut wire = daemon.client("ines-wire");
    wire.register("Ines", "a long enough password");
    wire.add_xmpp(&prosody, "ines");
    wire.add_xmpp(&prosody, "work");
    let page = Page::open(&daemon, Window::Desk).await;
    page.sign_in_site("Ines", "a long enough password").await;
    page.wait("document.querySelectorAll('[data-testid=account][data-state=online]').length === 2").await;
    let shows = |who: &'static str, show: Option<&'static str>| {
        move |s: &support::Element| {
            s.name == "presence" && s.from_bare() == who && s.child_text("show") == show && !s.is("type", "unavailable")
        }
    };
    let account = "[data-testid=account][data-username^='work@']";
    page.click(account).await;
    page.click("[data-testid=menu-account-status]").await;
    page.click("[data-testid=account-status-away]").await;
    bob.wait_for("the one account away", shows("work@localhost", Some("away")));
    page.see(&format!("{account}[data-status=away]")).await;
    page.see("[data-testid=my-status][data-status=available][data-shown=online]").await;
    page.read("[data-testid=my-status]", "Available · Away: work@localhost").await;
    let told = bob.received();
    let ines_away = told.iter().any(|s| s.name == "presence" && s.from_bare() == "ines@localhost" && s.child_text("show") == Some("away"));
    assert!(!ines_away, "the other account stays as it is");
    page.load().await;
    page.see(&format!("{account}[data-status=away]")).await;
    page.read("[data-testid=my-status]", "Away: work@localhost").await;
    // Words of its own, and back to what the others show.
    page.click(account).await;
    page.click("[data-testid=menu-account-status]").await;
    page.click("[data-testid=menu-status-message]").await;
    page.fill("status-message", "in a meeting").await;
    page.click("[data-testid=status-dialog] button[type=submit]").await;
    bob.wait_for("words", |s| s.from_bare() == "work@localhost" && s.child_text("status") == Some("in a meeting"));
    page.click(account).await;
    page.click("[data-testid=menu-account-status]").await;
    page.click("[data-testid=account-status-as-all]").await;
    page.see(&format!("{account}[data-status=available]")).await;
    // A status that is chosen for all accounts holds for this one, too.
    page.click("[data-testid=my-status]").await;
    page.click("[data-testid=menu-status-unavailable]").await;
    bob.wait_for("both busy", shows("work@localhost", Some("dnd")));
    bob.wait_for("both busy", shows("ines@localhost", Some("dnd")));
    page.see("[data-testid=my-status][data-status=unavailable]").await;
    page.wait("!document.querySelector('[data-testid=my-status]').textContent.includes('work@')").await;
    page.assert_no_mishap().await;
}

#[tokio::test]
async fn cards_strips_and_tips_are_for_everybody() {
    let prosody = Prosody::builder().users(["ines", "bob", "juan"]).friends("ines", "bob", "Friends").start();
    let daemon = Daemon::run(BELLFLOWER);
    let (mut bob, mut juan) = (XmppPeer::connect(&prosody, "bob"), XmppPeer::connect(&prosody, "juan"));
    vcard(&mut bob, "<FN>Bob Builder</FN><ADR><LOCALITY>Ayerbe</LOCALITY></ADR><DESC>https://plants.example/</DESC>");
    let mut audit = Audit::of(Page::open(&daemon, Window::Desk).await);
    audit.page.sign_in_xmpp(&prosody, "ines").await;
    audit.page.see("[data-testid=buddy][data-presence=online]").await;
    juan.say("ines@localhost", "hello");
    let talk = conversation("juan@localhost");
    audit.page.see(&format!("{talk} [data-testid=stranger]")).await;
    audit.look("a stranger's strip").await;
    audit.look_behind(&["[data-testid=my-status]", "[data-testid=menu-own-icon]"], "[data-testid=icon-dialog]").await;
    // Without a mouse: the tip, the menu, the card.
    audit.page.click("[data-testid=search]").await;
    for keys in [Key::Down, Key::Down] {
        audit.page.type_into(":focus", &char::from(keys).to_string()).await;
    }
    audit.page.see("[data-testid=tip]").await;
    audit.look("a tip").await;
    let menu = format!("{}{}{}", char::from(Key::Shift), char::from(Key::F10), char::from(Key::Null));
    audit.page.type_into(":focus", &menu).await;
    audit.page.see("[data-testid=menu-info]").await;
    audit.page.see_no("[data-testid=tip]").await;
    // Entries that the network adds may move the menu, which then takes no key for a moment.
    audit.page.read("[role=menu]", "Unsubscribe").await;
    audit.page.see("[role=menu][data-ready=true]").await;
    while audit.page.browser().eval("return document.activeElement.dataset.testid").await != "menu-info" {
        audit.page.type_into(":focus", &char::from(Key::Down).to_string()).await;
    }
    audit.page.type_into(":focus", &char::from(Key::Enter).to_string()).await;
    entry(&audit.page, "Locality", "Ayerbe").await;
    audit.look("a card").await;
    audit.page.browser().window(Window::Phone).await;
    audit.page.assert_fits("a card on a phone").await;
    audit.look("a card on a phone").await;
    audit.assert_nothing(5);
}

async fn touch(page: &Page, kind: &str, at: Option<(f64, f64)>) {
    let points: Vec<_> = at.into_iter().map(|(x, y)| json!({ "x": x, "y": y })).collect();
    page.browser().devtools("Input.dispatchTouchEvent", json!({ "type": kind, "touchPoints": points })).await;
}

async fn middle(page: &Page, css: &str) -> (f64, f64) {
    page.see(css).await;
    page.at_rest().await;
    let script = format!(
        "const b = document.querySelector({}).getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2]",
        quoted(css)
    );
    let at = page.browser().eval(&script).await;
    (at[0].as_f64().expect("a number"), at[1].as_f64().expect("a number"))
}

async fn tap(page: &Page, css: &str) {
    let at = middle(page, css).await;
    touch(page, "touchStart", Some(at)).await;
    touch(page, "touchEnd", None).await;
}

#[tokio::test]
async fn on_a_phone_a_long_press_leads_to_the_card_and_a_thumb_meets_what_it_means() {
    let prosody = Prosody::builder().users(["ines", "bob", "juan"]).friends("ines", "bob", "Friends").start();
    let daemon = Daemon::run(BELLFLOWER);
    let (mut bob, mut juan) = (XmppPeer::connect(&prosody, "bob"), XmppPeer::connect(&prosody, "juan"));
    vcard(&mut bob, "<FN>Bob Builder</FN>");
    let page = Page::open(&daemon, Window::Phone).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    let row = "[data-testid=buddy][data-name='bob@localhost'][data-presence=online]";
    let at = middle(&page, row).await;
    touch(&page, "touchStart", Some(at)).await;
    page.see("[data-testid=menu-info]").await;
    touch(&page, "touchEnd", None).await;
    tap(&page, "[data-testid=menu-info]").await;
    entry(&page, "Full Name", "Bob Builder").await;
    page.assert_fits("a card").await;
    tap(&page, &format!("{CARD} [data-testid=notice-close]")).await;
    page.see_no(CARD).await;
    assert_eq!(page.seen("tip").await, 0, "a finger gets the card");

    juan.say("ines@localhost", "hello");
    let talk = conversation("juan@localhost");
    tap(&page, "[data-testid=list-conversation][data-name='juan@localhost']").await;
    page.see(&format!("{talk} [data-testid=stranger]")).await;
    page.at_rest().await;
    let small = "return [...document.querySelectorAll('[data-testid=stranger] button')].filter(one => one.getBoundingClientRect().height < 44).map(one => one.dataset.testid)";
    assert_eq!(page.browser().eval(small).await, json!([]));
    page.assert_fits("a stranger's strip").await;
    tap(&page, "[data-testid=stranger-add]").await;
    page.see("[data-testid=add-buddy-dialog]").await;
    page.assert_no_mishap().await;
}
