//! Promise: rooms are looked after from the page: people are found, ignored and put in their place, and rooms are kept, found and come back to.
#![allow(clippy::expect_used)]

use support::{Audit, Daemon, IrcPeer, Key, Ngircd, PATIENCE, Page, Prosody, Window, XmppPeer, conversation, key, wait_until};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");

fn member(talk: &str, name: &str) -> String {
    format!("{talk} [data-testid=member][data-name='{name}']")
}

/// The reason that a room gives for what becomes of one of its people.
fn reason(stanza: &support::Element) -> Option<&str> {
    stanza.children.iter().find_map(|x| x.child("item")).and_then(|item| item.child_text("reason"))
}

/// A garden that Ines owns, with Bob and Eva in it.
async fn garden(prosody: &Prosody, page: &Page) -> (XmppPeer, XmppPeer, String, String) {
    let (mut bob, mut eva) = (XmppPeer::connect(prosody, "bob"), XmppPeer::connect(prosody, "eva"));
    page.sign_in_xmpp(prosody, "ines").await;
    page.see("[data-testid=account][data-state=online]").await;
    let room = prosody.room("garden");
    let talk = page.join(&[("room", "garden"), ("server", "rooms.localhost"), ("handle", "Ines")], &room).await;
    bob.join(&room, "Bob");
    eva.join(&room, "Eva");
    page.see(&member(&talk, "Bob")).await;
    page.see(&member(&talk, "Eva")).await;
    (bob, eva, room, talk)
}

#[tokio::test]
async fn an_owner_puts_people_in_their_place_and_hears_what_the_room_refuses() {
    let prosody = Prosody::builder().users(["ines", "bob", "eva"]).guarding("Guard").start();
    let daemon = Daemon::run(BELLFLOWER);
    let page = Page::open(&daemon, Window::Desk).await;
    let (mut bob, _eva, room, talk) = garden(&prosody, &page).await;
    page.click(&member(&talk, "Bob")).await;
    page.click("[data-testid=power-op]").await;
    page.see(&format!("{}[data-flags~=operator]", member(&talk, "Bob"))).await;
    page.click(&member(&talk, "Bob")).await;
    page.click("[data-testid=power-member]").await;
    page.see(&format!("{}[data-flags~=member]", member(&talk, "Bob"))).await;

    // The question is asked before anything is done: Esc removes nobody.
    page.click(&member(&talk, "Bob")).await;
    page.click("[data-testid=power-kick]").await;
    page.read("[data-testid=act-dialog] h2", "Remove Bob from garden?").await;
    page.press_escape().await;
    page.see_no("[data-testid=act-dialog]").await;
    page.see(&member(&talk, "Bob")).await;
    page.click(&member(&talk, "Bob")).await;
    page.click("[data-testid=power-kick]").await;
    page.fill("reason", "mud on your boots").await;
    page.click("[data-testid=act-ok]").await;
    bob.wait_for("the kick", |s| s.is("type", "unavailable") && reason(s) == Some("mud on your boots"));
    page.see_no("[data-testid=act-dialog]").await;
    page.see_no(&member(&talk, "Bob")).await;

    // The room's refusal shows in the question's dialog.
    bob.join(&room, "Guard");
    page.click(&member(&talk, "Guard")).await;
    page.click("[data-testid=power-kick]").await;
    page.click("[data-testid=act-ok]").await;
    page.read("[data-testid=act-dialog] [data-testid=problem]", "The room does not allow this.").await;
    page.press_escape().await;
    page.see(&member(&talk, "Guard")).await;

    // The user's own menu has no operator actions, and no entry to ignore herself.
    page.click(&member(&talk, "Ines")).await;
    page.see("[role=menu]").await;
    page.wait("!document.querySelector('[role=menu]').textContent.includes('Loading')").await;
    assert_eq!(page.browser().eval("return document.querySelectorAll('[data-testid^=power-], [data-testid=menu-ignore]').length").await, 0);
    page.press_escape().await;
    page.assert_no_mishap().await;
}

#[tokio::test]
async fn who_is_ignored_is_not_heard_until_one_wants_to_hear_them_again() {
    let prosody = Prosody::with_users(["ines", "bob", "eva"]);
    let daemon = Daemon::run(BELLFLOWER);
    let page = Page::open(&daemon, Window::Desk).await;
    let (mut bob, mut eva, room, talk) = garden(&prosody, &page).await;
    page.click(&member(&talk, "Eva")).await;
    page.click("[data-testid=menu-ignore]").await;
    page.read(&format!("{talk} [data-testid=ignored]"), "1 ignored").await;
    eva.say_in(&room, "Ines: can you hear me?");
    // The room delivers in order: Bob's next line comes after hers.
    bob.wait_for("her words", |s| s.says("Ines: can you hear me?"));
    bob.say_in(&room, "quiet today");
    page.hears(&talk, "quiet today").await;
    assert_eq!(page.browser().eval("return document.body.textContent.includes('can you hear me')").await, false);
    page.load().await;
    page.hears(&talk, "quiet today").await;
    assert_eq!(page.browser().eval("return document.body.textContent.includes('can you hear me')").await, false);
    // Somebody who has left can be heard again, too.
    eva.leave(&room, "Eva");
    page.see_no(&member(&talk, "Eva")).await;
    page.click(&format!("{talk} [data-testid=ignored]")).await;
    page.click("[data-testid=hear-again]").await;
    page.see_no(&format!("{talk} [data-testid=ignored]")).await;
    eva.join(&room, "Eva");
    page.see(&member(&talk, "Eva")).await;
    eva.say_in(&room, "and now?");
    page.hears(&talk, "and now?").await;
}

#[tokio::test]
async fn people_are_found_and_removed_by_keys_alone() {
    let prosody = Prosody::with_users(["ines", "bob", "eva"]);
    let daemon = Daemon::run(BELLFLOWER);
    let page = Page::open(&daemon, Window::Desk).await;
    let (mut bob, _eva, room, talk) = garden(&prosody, &page).await;
    let mut more: Vec<XmppPeer> = (0..8).map(|number| XmppPeer::connect_as(&prosody, "eva", &format!("device{number}"))).collect();
    for (number, peer) in more.iter_mut().enumerate() {
        peer.join(&room, &format!("Guest {number}"));
    }
    page.see(&member(&talk, "Guest 7")).await;
    page.type_into(&format!("{talk} [data-testid=composer]"), &key(Key::Tab)).await;
    let inside = "return document.activeElement.matches('[data-testid=member-search]')";
    while page.browser().eval(inside).await != true {
        page.type_into(":focus", &key(Key::Tab)).await;
    }
    page.type_into(":focus", "bo").await;
    page.shows(&format!("{talk} .members-count"), "1 of 11").await;
    page.type_into(":focus", &key(Key::Tab)).await;
    page.see(&format!("{}:focus", member(&talk, "Bob"))).await;
    page.type_into(":focus", &key(Key::Enter)).await;
    page.see("[data-testid=power-kick]").await;
    // The menu takes no key right after entries were added: the key may have been meant for the ones before.
    page.see("[role=menu][data-ready=true]").await;
    page.type_into(":focus", "r").await;
    page.see("[data-testid=power-kick]:focus").await;
    page.type_into(":focus", &key(Key::Enter)).await;
    page.see("[data-testid=act-dialog] [data-testid=field-reason]:focus").await;
    page.type_into(":focus", &format!("by hand{}", key(Key::Enter))).await;
    bob.wait_for("the kick", |s| reason(s) == Some("by hand"));
    page.see_no("[data-testid=act-dialog]").await;
    page.shows(&format!("{talk} .members-count"), "0 of 10").await;
}

#[tokio::test]
async fn a_room_of_irc_is_found_kept_and_come_back_to() {
    let server = Ngircd::builder().channel("#lounge", "Sit down, stay a while").channel("#attic", "Old books").start();
    let mut daemon = Daemon::builder(BELLFLOWER).config("registration = \"open\"").start();
    // The IRC plugin sends WHO when it joins. After an early part the answer finds no channel, and the plugin logs that.
    daemon.allow_log("Got a WHO response for");
    let (mut bob, mut eva) = (IrcPeer::connect(&server, "bob"), IrcPeer::connect(&server, "eva"));
    bob.join("#lounge");
    eva.join("#lounge");
    bob.join("#attic");
    let page = Page::open(&daemon, Window::Desk).await;
    page.sign_in_irc(&server, "ines").await;
    page.see("[data-testid=account][data-state=online]").await;
    // The list has the fullest room first, or goes by name; topic and number of people show.
    page.click("[data-testid=list-add]").await;
    page.click("[data-testid=menu-join-room]").await;
    page.click("[data-testid=room-browse]").await;
    page.see("[data-testid=room-row][data-name='#attic']").await;
    // The server's own channel is left out: its name begins with `&`.
    let names = "return [...document.querySelectorAll('[data-testid=room-row][data-name^=\"#\"]')].map(row => row.dataset.name).join(' ')";
    assert_eq!(page.browser().eval(names).await, "#lounge #attic");
    page.click("[data-testid=sort-name]").await;
    page.see("[data-testid=sort-name][aria-pressed=true]").await;
    assert_eq!(page.browser().eval(names).await, "#attic #lounge");
    page.fill("room-filter", "stay").await;
    page.see_no("[data-testid=room-row][data-name='#attic']").await;
    page.shows("[data-testid=room-row] .rooms-people .sr", "2 people").await;
    page.click("[data-testid=room-row]").await;
    page.check("keep-room", true).await;
    page.click("[data-testid=join-ok]").await;
    let lounge = conversation("#lounge");
    page.see(&lounge).await;

    // The topic stands above; what is said about it is one folded line.
    page.read(&format!("{lounge} [data-testid=topic]"), "Sit down, stay a while").await;
    page.see(&format!("{lounge} [data-testid=topic-line] button[aria-expanded=false]")).await;
    page.click(&format!("{lounge} [data-testid=topic-line] button")).await;
    page.read(&format!("{lounge} [data-testid=topic-line] p"), "Sit down, stay a while").await;

    // The room becomes a bookmark that is joined at each sign-on.
    page.keep_things("Ines", "a long enough password").await;
    page.click(&format!("{lounge} [data-testid=conversation-menu]")).await;
    page.click("[data-testid=menu-mark]").await;
    page.click("[data-testid=mark-autojoin]").await;
    page.click(&format!("{lounge} [data-testid=close]")).await;
    page.click("[data-testid=close-leave]").await;
    let mark = "[data-testid=mark][data-name='#lounge']";
    page.see(mark).await;
    bob.wait_for("her leaving", |line| line.command == "PART" && line.nick() == "ines");
    page.click(mark).await;
    page.see(&lounge).await;
    page.see_no(mark).await;
    page.click(&format!("{lounge} [data-testid=close]")).await;
    page.click("[data-testid=close-leave]").await;
    page.see(mark).await;
    page.load().await;
    page.see(mark).await;
    page.click("[data-testid=account]").await;
    page.click("[data-testid=menu-sign-off]").await;
    page.see("[data-testid=account][data-state=offline]").await;
    page.click("[data-testid=account]").await;
    page.click("[data-testid=menu-sign-on]").await;
    page.see(&lounge).await;
    page.see(&member(&lounge, "bob")).await;

    // The bookmark is removed, and the room left.
    page.click(&format!("{lounge} [data-testid=conversation-menu]")).await;
    page.click("[data-testid=menu-mark]").await;
    page.click("[data-testid=mark-remove]").await;
    page.click(&format!("{lounge} [data-testid=close]")).await;
    page.click("[data-testid=close-leave]").await;
    page.see_no(&lounge).await;
    assert_eq!(page.seen("mark").await, 0);
    page.assert_no_mishap().await;
}

#[tokio::test]
async fn bans_are_listed_and_lifted_and_a_room_is_configured() {
    let prosody = Prosody::with_users(["ines", "eva"]);
    let daemon = Daemon::run(BELLFLOWER);
    let page = Page::open(&daemon, Window::Desk).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    page.see("[data-testid=account][data-state=online]").await;
    let garden = page.join(&[("room", "garden"), ("server", "rooms.localhost")], "garden@rooms.localhost").await;
    let mut eva = XmppPeer::connect(&prosody, "eva");
    let address = prosody.room("garden");
    eva.join(&address, "Eva");
    page.click(&member(&garden, "Eva")).await;
    page.click("[data-testid=power-ban]").await;
    page.fill("reason", "too loud").await;
    page.click("[data-testid=act-ok]").await;
    page.see_no(&member(&garden, "Eva")).await;

    let menu = format!("{garden} [data-testid=conversation-menu]");
    page.click(&menu).await;
    page.click("[data-testid=power-bans]").await;
    page.see("[data-testid=ban][data-name='eva@localhost']").await;
    page.click("[data-testid=lift-ban]").await;
    page.see("[data-testid=no-bans]").await;
    page.press_escape().await;
    page.see_no("[data-testid=bans-dialog]").await;
    eva.join(&address, "Eva");
    page.see(&member(&garden, "Eva")).await;

    // The form is the room's own, and opens by itself.
    page.click(&menu).await;
    page.click("[data-testid=power-configure]").await;
    page.fill("request-muc#roomconfig_roomname", "Roses & <thorns>").await;
    page.click("dialog[data-testid=request-fields] [data-testid=request-button-ok]").await;
    page.see_no("dialog[data-testid=request-fields]").await;
    wait_until("the room's new name", PATIENCE, || {
        let told = eva.request("get", &address, "<query xmlns='http://jabber.org/protocol/disco#info'/>");
        format!("{told:?}").contains("Roses & <thorns>").then_some(())
    });
    page.assert_no_mishap().await;
}

#[tokio::test]
async fn rooms_are_for_everybody() {
    let server = Ngircd::builder().channel("#lounge", "Sit down, stay a while").start();
    let daemon = Daemon::run(BELLFLOWER);
    let names: Vec<String> = (0..9).map(|number| format!("guest{number}")).collect();
    let mut audit = Audit::of(Page::open(&daemon, Window::Desk).await);
    audit.page.sign_in_irc(&server, "ines").await;
    audit.page.see("[data-testid=account][data-state=online]").await;
    let garden = audit.page.join(&[("channel", "#garden")], "#garden").await;
    let mut peers: Vec<IrcPeer> = names.iter().map(|name| IrcPeer::connect(&server, name)).collect();
    peers.iter_mut().for_each(|peer| peer.join("#garden"));
    audit.page.see(&member(&garden, "guest8")).await;
    audit.page.click(&member(&garden, "guest3")).await;
    audit.page.click("[data-testid=menu-ignore]").await;
    audit.page.see("[data-testid=ignored]").await;
    audit.page.click(&format!("{garden} [data-testid=conversation-menu]")).await;
    audit.page.click("[data-testid=menu-mark]").await;
    audit.look_behind(&[], "[data-testid=mark-keep]").await;
    audit.page.join(&[("channel", "#lounge"), ("password", "")], "#lounge").await;
    let lounge = conversation("#lounge");
    audit.page.click(&format!("{lounge} [data-testid=conversation-menu]")).await;
    audit.page.click("[data-testid=menu-mark]").await;
    audit.page.click("[data-testid=mark-keep]").await;
    audit.page.click(&format!("{lounge} [data-testid=close]")).await;
    audit.page.click("[data-testid=close-leave]").await;
    audit.page.see("[data-testid=mark]").await;
    audit.look("people, one of them ignored, and a room in the list").await;
    audit.page.click(&member(&garden, "guest1")).await;
    audit.look_behind(&[], "[data-testid=power-ban]").await;
    audit.page.click(&member(&garden, "guest1")).await;
    audit.page.click("[data-testid=power-ban]").await;
    audit.look_behind(&[], "[data-testid=act-dialog]").await;
    audit.look_behind(&[&format!("{garden} [data-testid=ignored]")], "[role=menu]").await;
    audit.page.click("[data-testid=list-add]").await;
    audit.page.click("[data-testid=menu-join-room]").await;
    audit.page.click("[data-testid=room-browse]").await;
    audit.look_behind(&[], "[data-testid=room-row]").await;
    audit.page.browser().window(Window::Phone).await;
    audit.page.click("[data-testid=list-conversation][data-name='#garden']").await;
    audit.page.click("[data-testid=toggle-members]").await;
    audit.page.see(&format!("{garden} .people.asked [data-testid=member-search]")).await;
    audit.look("people on a phone").await;
    audit.assert_nothing(7);
}
