//! Promise: the page says what is so, once, where it belongs, and in the words of the network.
#![allow(clippy::expect_used)]

use serde_json::json;
use support::{Daemon, IrcPeer, Ngircd, Page, Prosody, Window, XmppPeer, quoted};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");

/// How often the page says something where it can be seen.
async fn times(page: &Page, text: &str) -> u64 {
    let script = format!("return document.body.innerText.split({}).length - 1", quoted(text));
    page.browser().eval(&script).await.as_u64().expect("a number")
}

async fn value(page: &Page, field: &str) -> serde_json::Value {
    page.browser()
        .eval(&format!(
            "const box = document.querySelector('[data-testid=field-{field}]'); return box.type === 'checkbox' ? box.checked : box.value"
        ))
        .await
}

#[tokio::test]
async fn a_form_speaks_as_its_network_and_irc_begins_safe() {
    let daemon = Daemon::run(BELLFLOWER);
    let page = Page::open(&daemon, Window::Desk).await;
    let labels = "[data-testid=network-form] label";
    page.click("[data-testid=tile-prpl-jabber]").await;
    page.shows(labels, "Password").await;
    page.click("[data-testid=tile-prpl-irc]").await;
    page.shows(labels, "Nick").await;
    page.shows(labels, "Password (optional)").await;
    page.click("[data-testid=network-form] [data-testid=more-options]").await;
    assert_eq!((value(&page, "option-ssl").await, value(&page, "option-port").await), (json!(true), json!("6697")));
    // The port follows, unless it is one's own; and what plain means is said.
    page.check("option-ssl", false).await;
    page.see("[data-testid=plain-warning]").await;
    assert_eq!(value(&page, "option-port").await, "6667");
    page.check("option-ssl", true).await;
    page.see_no("[data-testid=plain-warning]").await;
    assert_eq!(value(&page, "option-port").await, "6697");
    page.fill("option-port", "7000").await;
    page.check("option-ssl", false).await;
    assert_eq!(value(&page, "option-port").await, "7000");
}

#[tokio::test]
async fn what_is_wrong_with_a_sign_in_is_said_once_and_at_its_box() {
    let prosody = Prosody::with_users(["ines"]);
    let mut daemon = Daemon::run(BELLFLOWER);
    daemon.allow_log("nowhere.invalid");
    let page = Page::open(&daemon, Window::Desk).await;
    page.fill_xmpp(&prosody, "ines", "not-it").await;
    page.click("[data-testid=signin]").await;
    page.see("[data-testid=correct-form] [data-testid=field-password][aria-invalid]:focus").await;
    assert_eq!(times(&page, "is not right").await, 1);
    assert_eq!(page.seen("problem").await, 0);
    let box_says = "return document.querySelector('[data-testid=field-password]').placeholder";
    assert_eq!(page.browser().eval(box_says).await, "");

    // A server that there is not.
    page.click("[data-testid=correct-form] [data-testid=more-options]").await;
    page.fill("option-connect_server", "nowhere.invalid").await;
    page.click("[data-testid=correct-form] [data-testid=signin]").await;
    page.read("[data-testid=arriving] [data-testid=problem]", "There is no server called “nowhere.invalid”.").await;
    assert_eq!(times(&page, "Unable to connect").await, 0);
    // It is tried again by itself; whoever sees why it cannot work need not wait.
    page.click("[data-testid=correct]").await;
    page.click("[data-testid=correct-form] [data-testid=more-options]").await;
    page.fill("option-connect_server", "127.0.0.1").await;
    page.fill("password", &prosody.password("ines")).await;
    page.click("[data-testid=correct-form] [data-testid=signin]").await;
    page.see("[data-testid=account][data-state=online]").await;
}

#[tokio::test]
async fn a_guest_whom_the_server_forgot_did_not_sign_out() {
    let prosody = Prosody::with_users(["ines"]);
    let mut daemon = Daemon::builder(BELLFLOWER).listen(&format!("127.0.0.1:{}", support::free_port())).start();
    let page = Page::open(&daemon, Window::Desk).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    page.see("[data-testid=account][data-state=online]").await;
    daemon.kill();
    daemon.start();
    page.read(".card [role=status]", "or the server was started anew").await;
    assert_eq!(times(&page, "signed out").await, 0);
}

#[tokio::test]
async fn a_room_that_lets_nobody_in_says_why_in_the_one_dialog() {
    let prosody = Prosody::with_users(["ines", "bob"]);
    let ngircd = Ngircd::builder().channel("#open", "").start();
    let daemon = Daemon::run(BELLFLOWER);
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let room = prosody.room("garden");
    bob.join(&room, "Bob");
    bob.request(
        "set",
        &room,
        "<query xmlns='http://jabber.org/protocol/muc#admin'><item affiliation='outcast' jid='ines@localhost'/></query>",
    );
    let mut guard = IrcPeer::connect(&ngircd, "guard");
    guard.join("#shed");
    guard.send("MODE #shed +k secret");
    guard.wait_for("the key", |line| line.command == "MODE" && line.params.iter().any(|word| word == "+k"));

    let page = Page::open(&daemon, Window::Desk).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    page.see("[data-testid=account][data-state=online]").await;
    let join = async |fields: &[(&str, &str)]| {
        page.click("[data-testid=list-add]").await;
        page.click("[data-testid=menu-join-room]").await;
        for (key, value) in fields {
            page.fill(&format!("room-{key}"), value).await;
        }
        page.click("[data-testid=join-ok]").await;
    };
    join(&[("room", "garden"), ("server", "rooms.localhost"), ("handle", "Ines")]).await;
    page.read("[data-testid=join-dialog] [data-testid=problem]", "Error joining chat").await;
    assert_eq!(page.browser().eval("return document.querySelectorAll('dialog[open]').length").await, 1);
    assert_eq!(page.seen("prompts").await, 0);
    page.press_escape().await;
    page.see_no("[data-testid=join-dialog]").await;
    page.sign_out().await;

    page.sign_in_irc(&ngircd, "ines").await;
    page.see("[data-testid=account][data-state=online]").await;
    join(&[("channel", "#shed"), ("password", "wrong")]).await;
    page.read("[data-testid=join-dialog] .field-error", "#shed has another password").await;
    assert_eq!(page.browser().eval("return document.querySelectorAll('dialog[open]').length").await, 1);
    page.fill("room-password", "secret").await;
    page.click("[data-testid=join-ok]").await;
    page.see(&support::conversation("#shed")).await;
}

#[tokio::test]
async fn where_it_begins_is_said_where_it_does() {
    const LINES: usize = 60;
    let prosody =
        Prosody::builder().users(["ines", "bob", "carla"]).friends("ines", "bob", "Friends").friends("ines", "carla", "Friends").start();
    let daemon = Daemon::run(BELLFLOWER);
    let (mut bob, mut carla) = (XmppPeer::connect(&prosody, "bob"), XmppPeer::connect(&prosody, "carla"));
    let room = prosody.room("garden");
    bob.join(&room, "Bob");
    for line in ["one", "two", "three"] {
        bob.say_in(&room, line);
        bob.hears(line);
    }
    let page = Page::open(&daemon, Window::Desk).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    let talk = page.open_buddy("bob@localhost").await;
    for line in 0..LINES {
        bob.say("ines@localhost", &format!("line {line}"));
    }
    carla.say("ines@localhost", "only one");
    page.hears(&talk, &format!("line {}", LINES - 1)).await;
    // All of it is here: a guest needs no word. Loaded anew, the oldest are nowhere.
    assert_eq!(page.seen("log-start").await, 0);
    page.load().await;
    page.hears(&talk, &format!("line {}", LINES - 1)).await;
    page.browser().eval(&format!("document.querySelector({}).scrollTo(0, 0)", quoted(&format!("{talk} .log")))).await;
    page.read(&format!("{talk} [data-testid=log-start]"), "Older messages are not here any more.").await;
    assert_eq!(times(&page, "This is where it begins").await, 0);

    // What a room replays was not sent to her while she was away.
    let garden = page.join(&[("room", "garden"), ("server", "rooms.localhost"), ("handle", "Ines")], &room).await;
    page.hears(&garden, "three").await;
    assert_eq!(times(&page, "while you were away").await, 0);

    // And whoever is offline is so once.
    carla.cut();
    page.see("[data-testid=buddy][data-name='carla@localhost'][data-presence=offline]").await;
    let said = page.texts("[data-testid=buddy][data-name='carla@localhost']").await.remove(0);
    assert_eq!(said.matches("Offline").count(), 1, "{said}");
}
