//! Promise: whatever a network asks its user is a dialog with all that it takes to answer, and the answer arrives.
#![allow(clippy::expect_used)]

use support::{Daemon, Element, Flaw, Key, Page, Prosody, Window, XmppPeer};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");

const CERTIFICATE: &str = "[data-testid=request-certificate]";

/// The question about a certificate, with who it is from and for, how long it is valid and what it is known by.
async fn sees_the_certificate(page: &Page, reason: &str) -> String {
    page.read(CERTIFICATE, reason).await;
    let details = "[data-testid=certificate-details]";
    for (term, value) in [("Server", "localhost"), ("Issued for", "localhost")] {
        let found = format!(
            "[...document.querySelectorAll('{details} div')].some(row => row.querySelector('dt').textContent === '{term}' && row.querySelector('dd').textContent === '{value}')"
        );
        page.wait(&found).await;
    }
    // Valid for a day on either side of when it was made, moments ago; midnight may have passed.
    let dates = format!(
        "[0, 60].some(ago => {{ const day = days => new Date(Date.now() - ago * 1000 + days * 864e5).toLocaleDateString();
             return document.querySelector('{details}').textContent.includes(day(-1) + ' to ' + day(1)); }})"
    );
    page.wait(&dates).await;
    let shown = page.texts(&format!("{details} .mono")).await;
    let [fingerprint] = &shown[..] else { panic!("no fingerprint: {shown:?}") };
    let bytes: Vec<_> = fingerprint.split(':').collect();
    assert!(bytes.len() == 32 && bytes.iter().all(|byte| byte.len() == 2 && u8::from_str_radix(byte, 16).is_ok()), "{fingerprint}");
    fingerprint.clone()
}

async fn through_the_account_menu(page: &Page, item: &str) {
    page.click("[data-testid=account]").await;
    page.click(&format!("[data-testid={item}]")).await;
}

#[tokio::test]
async fn a_certificate_is_shown_declined_accepted_and_told_when_it_changes() {
    let prosody = Prosody::builder().users(["ines"]).tls(Flaw::SelfSigned).require_tls().start();
    let daemon = Daemon::builder(BELLFLOWER).trust(prosody.authority_pem()).start();
    let page = Page::open(&daemon, Window::Desk).await;
    page.fill_xmpp(&prosody, "ines", &prosody.password("ines")).await;
    page.click("[data-testid=signin]").await;
    let first = sees_the_certificate(&page, "The server vouches only for itself.").await;
    // No button has the focus that a key on its way could press.
    page.see(&format!("{CERTIFICATE} h2:focus")).await;
    page.type_into(&format!("{CERTIFICATE} :focus"), &format!("{} ", char::from(Key::Enter))).await;
    page.click(&format!("{CERTIFICATE} [data-testid=request-button-cancel]")).await;
    page.see_no(CERTIFICATE).await;
    page.read("[data-testid=problem]", "The server's certificate is not trusted.").await;
    assert!(!prosody.log().contains("Authenticated as"), "the password was given away");
    // Asked anew, and accepted.
    page.click("[data-testid=correct-form] [data-testid=signin]").await;
    assert_eq!(sees_the_certificate(&page, "The server vouches only for itself.").await, first);
    page.click(&format!("{CERTIFICATE} [data-testid=request-button-ok]")).await;
    page.see("[data-testid=account][data-state=online]").await;
    // Known from now on, until it changes.
    through_the_account_menu(&page, "menu-sign-off").await;
    page.see("[data-testid=account][data-state=offline]").await;
    through_the_account_menu(&page, "menu-sign-on").await;
    page.see("[data-testid=account][data-state=online]").await;
    through_the_account_menu(&page, "menu-sign-off").await;
    page.see("[data-testid=account][data-state=offline]").await;
    prosody.replace_certificate(Flaw::SelfSigned);
    through_the_account_menu(&page, "menu-sign-on").await;
    let second = sees_the_certificate(&page, "not the one you trusted before").await;
    assert_ne!(second, first);
    page.click(&format!("{CERTIFICATE} [data-testid=request-button-ok]")).await;
    page.see("[data-testid=account][data-state=online]").await;
    page.see_no(CERTIFICATE).await;
}

#[tokio::test]
async fn a_form_with_many_kinds_of_fields_is_filled_in_and_arrives() {
    let prosody = Prosody::builder().users(["ines", "bob"]).room_locking().start();
    let daemon = Daemon::run(BELLFLOWER);
    let page = Page::open(&daemon, Window::Desk).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    page.see("[data-testid=account][data-state=online]").await;
    let room = prosody.room("fresh");
    let talk = page.join(&[("room", "fresh"), ("server", "rooms.localhost"), ("handle", "Ines")], &room).await;
    page.see("[data-testid=request-action]").await;
    page.press("[data-testid=request-action]", "Configure Room").await;
    page.see("[data-testid=request-fields]").await;
    page.fill("request-muc#roomconfig_roomname", "Garden & <club>").await;
    page.fill("request-muc#roomconfig_roomdesc", "Weeds,\u{a0}seeds").await;
    page.check("request-muc#roomconfig_persistentroom", true).await;
    page.check("request-muc#roomconfig_publicroom", false).await;
    page.fill("request-muc#roomconfig_roomsecret", "open sesame").await;
    page.choose("request-muc#roomconfig_whois", "Anyone").await;
    page.fill("request-muc#roomconfig_historylength", "7").await;
    page.check("request-muc#roomconfig_presencebroadcast-visitor", false).await;
    page.click("[data-testid=request-fields] [data-testid=request-button-ok]").await;
    page.see_no("[data-testid=request-fields]").await;
    // What the server has made of it, as its owner is told.
    let mut ines = XmppPeer::connect(&prosody, "ines");
    let told = ines.request("get", &room, "<query xmlns='http://jabber.org/protocol/muc#owner'/>");
    let form = told.child("query").and_then(|query| query.child("x")).expect("the room's form");
    for (field, expected) in [
        ("roomname", &["Garden & <club>"][..]),
        ("roomdesc", &["Weeds,\u{a0}seeds"]),
        ("persistentroom", &["1"]),
        ("publicroom", &["0"]),
        ("roomsecret", &["open sesame"]),
        ("whois", &["anyone"]),
        ("historylength", &["7"]),
        ("presencebroadcast", &["moderator", "participant"]),
    ] {
        let mut found = values(form, &format!("muc#roomconfig_{field}"));
        found.sort_unstable();
        assert_eq!(found, expected, "{field}");
    }
    // The room is open, and goes on: its box has the focus again, and takes text.
    page.see(&format!("{talk} [data-testid=composer]:focus")).await;
    page.say(&talk, "done").await;
    page.sent(&talk, "done").await;
}

/// The values of a field of a data form (XEP-0004).
fn values<'a>(form: &'a Element, name: &str) -> Vec<&'a str> {
    let field = form.children.iter().find(|child| child.is("var", name)).unwrap_or_else(|| panic!("no {name} in {form:?}"));
    field.children.iter().filter(|child| child.name == "value").map(|value| value.text.as_str()).collect()
}

#[tokio::test]
async fn who_may_see_whom_is_asked_and_answered_both_ways() {
    let prosody = Prosody::with_users(["ines", "bob", "carla"]);
    let daemon = Daemon::run(BELLFLOWER);
    let (mut bob, mut carla) = (XmppPeer::connect(&prosody, "bob"), XmppPeer::connect(&prosody, "carla"));
    let page = Page::open(&daemon, Window::Desk).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    page.see("[data-testid=account][data-state=online]").await;
    // Bob asks, is allowed, and is asked in turn.
    bob.presence_to("ines@localhost", "subscribe");
    page.read("[data-testid=authorization]", "bob@localhost wants to add you").await;
    page.check("authorization-add", true).await;
    page.click("[data-testid=authorization-allow]").await;
    bob.wait_for("the permission", |s| s.is("type", "subscribed") && s.from_bare() == "ines@localhost");
    bob.wait_for("her request", |s| s.is("type", "subscribe") && s.from_bare() == "ines@localhost");
    page.see_no("[data-testid=authorization]").await;
    page.see("[data-testid=buddy][data-name='bob@localhost'][data-presence=offline]").await;
    bob.presence_to("ines@localhost", "subscribed");
    page.see("[data-testid=buddy][data-name='bob@localhost'][data-presence=online]").await;
    // She asks Carla, who says no, and then is asked by her and denies it herself.
    page.click("[data-testid=list-add]").await;
    page.click("[data-testid=menu-add-buddy]").await;
    page.fill("buddy-name", "carla@localhost").await;
    page.fill("buddy-alias", "Carla <C>").await;
    page.fill("buddy-group", "Garden").await;
    page.click("[data-testid=add-buddy-ok]").await;
    carla.wait_for("her request", |s| s.is("type", "subscribe") && s.from_bare() == "ines@localhost");
    carla.presence_to("ines@localhost", "unsubscribed");
    page.shows("[data-testid=buddy][data-name='carla@localhost'][data-group=Garden] [data-testid=buddy-name]", "Carla <C>").await;
    page.see("[data-testid=buddy][data-name='carla@localhost'][data-presence=offline]").await;
    carla.presence_to("ines@localhost", "subscribe");
    page.read("[data-testid=authorization]", "carla@localhost").await;
    page.click("[data-testid=authorization-deny]").await;
    carla.wait_for("the refusal", |s| s.is("type", "unsubscribed") && s.from_bare() == "ines@localhost");
    page.see_no("[data-testid=authorization]").await;
}
