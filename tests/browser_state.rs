//! Promise: what the page shows of a state is that state, and nothing changes it without a word.
#![allow(clippy::expect_used)]

use support::{Daemon, IrcPeer, Ngircd, Page, Prosody, Window, XmppPeer, conversation};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");

#[tokio::test]
async fn whoever_signed_off_shows_so_and_comes_back_by_their_status() {
    let prosody = Prosody::builder().users(["ines", "bob"]).friends("ines", "bob", "Friends").start();
    let daemon = Daemon::run(BELLFLOWER);
    let page = Page::open(&daemon, Window::Desk).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    page.read("[data-testid=my-status][data-shown=online]", "Available").await;
    page.click("[data-testid=account]").await;
    page.click("[data-testid=menu-sign-off]").await;
    page.read("[data-testid=my-status][data-shown=offline]", "Signed off").await;
    page.click("[data-testid=my-status]").await;
    page.see("[data-testid=menu-status-offline][aria-checked=true]").await;
    page.click("[data-testid=menu-status-away]").await;
    page.read("[data-testid=my-status][data-shown=away]", "Away").await;
    page.see("[data-testid=account][data-state=online]").await;
    let mut bob = XmppPeer::connect(&prosody, "bob");
    bob.wait_for("ines, away", |s| s.name == "presence" && s.from_bare() == "ines@localhost" && s.child_text("show") == Some("away"));
}

#[tokio::test]
async fn a_rooms_window_is_closed_with_a_word() {
    let prosody = Prosody::with_users(["ines", "bob"]);
    let daemon = Daemon::run(BELLFLOWER);
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let room = prosody.room("garden");
    bob.join(&room, "Bob");
    let page = Page::open(&daemon, Window::Desk).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    let garden = page.join(&[("room", "garden"), ("server", "rooms.localhost"), ("handle", "Ines")], &room).await;
    page.see(&format!("{garden} [data-testid=member][data-name=Bob]")).await;
    let close = format!("{garden} [data-testid=close]");
    let listed = format!("[data-testid=list-conversation][data-name='{room}']");

    // Nothing is done by a word that is taken back.
    page.click(&close).await;
    page.see("[data-testid=close-dialog]").await;
    page.press_escape().await;
    page.see_no("[data-testid=close-dialog]").await;
    page.see(&garden).await;

    // The window goes, and the room does not: what is said there is counted, and a call brings it back.
    page.click(&close).await;
    page.click("[data-testid=close-listen]").await;
    page.see_no(&garden).await;
    bob.say_in(&room, "to nobody in particular");
    page.see(&format!("{listed} [data-testid=unread]")).await;
    page.load().await;
    page.see(&format!("{listed} [data-testid=unread]")).await;
    page.see("[data-testid=link][data-state=live]").await;
    assert_eq!(page.seen("conversation").await, 0, "a page that is loaded anew opens what was closed");
    bob.say_in(&room, "Ines: look!");
    page.hears(&garden, "Ines: look!").await;

    // Left for good, and asked no more.
    page.click(&close).await;
    page.check("close-always", true).await;
    page.click("[data-testid=close-leave]").await;
    bob.wait_for("ines's leaving", |s| s.is("type", "unavailable") && s.is("from", &format!("{room}/Ines")));
    page.see_no(&garden).await;
    page.join(&[("room", "garden"), ("server", "rooms.localhost"), ("handle", "Ines")], &room).await;
    page.click(&close).await;
    bob.wait_for("ines's leaving again", |s| s.is("type", "unavailable") && s.is("from", &format!("{room}/Ines")));
    page.see_no(&garden).await;
}

#[tokio::test]
async fn a_nick_that_is_taken_is_refused_at_its_box() {
    let mut ngircd = Ngircd::builder().start();
    let mut daemon = Daemon::run(BELLFLOWER);
    daemon.allow_log("Connection refused");
    let other = IrcPeer::connect(&ngircd, "ines");
    let page = Page::open(&daemon, Window::Desk).await;
    page.click("[data-testid=tile-prpl-irc]").await;
    page.fill("user", "ines").await;
    page.fill("part-0", "127.0.0.1").await;
    page.click("[data-testid=network-form] [data-testid=more-options]").await;
    page.check("option-ssl", false).await;
    page.fill("option-port", &ngircd.port().to_string()).await;
    page.click("[data-testid=signin]").await;
    page.read("[data-testid=correct-form] .field-error", "The nick “ines” is taken on this server").await;
    page.see("[data-testid=field-user][aria-invalid]").await;
    page.fill("user", "inesita").await;
    page.click("[data-testid=correct-form] [data-testid=signin]").await;
    page.see("[data-testid=account][data-state=online][data-username^='inesita@']").await;

    // One that she had before may be hers still: it is tried again, and nobody is somebody else meanwhile.
    ngircd.kill();
    page.see("[data-testid=account-error]").await;
    ngircd.start();
    let ghost = IrcPeer::connect(&ngircd, "inesita");
    page.click("[data-testid=account-retry]").await;
    page.see("[data-testid=account-error][data-code=nick_in_use]").await;
    page.see("[data-testid=account][data-state=waiting]").await;
    drop(ghost);
    drop(other);
    page.click("[data-testid=account-retry]").await;
    page.see("[data-testid=account][data-state=online]").await;
    let mut bob = IrcPeer::connect(&ngircd, "bob");
    bob.say("inesita", "is it you?");
    page.hears(&conversation("bob"), "is it you?").await;
}

#[tokio::test]
async fn nobody_is_added_whom_there_cannot_be() {
    let prosody = Prosody::builder().users(["ines", "bob", "carla"]).friends("ines", "bob", "Aunts").start();
    let daemon = Daemon::run(BELLFLOWER);
    let page = Page::open(&daemon, Window::Desk).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    page.see("[data-testid=buddy]").await;
    page.click("[data-testid=list-add]").await;
    page.click("[data-testid=menu-add-buddy]").await;
    for (name, why) in [
        ("not a jid @@", "not an XMPP address"),
        ("carla", "looks like name@server"),
        ("ines@localhost", "your own name"),
        ("Ines@localhost/phone", "your own name"),
    ] {
        page.fill("buddy-name", name).await;
        page.click("[data-testid=add-buddy-ok]").await;
        page.read("[data-testid=add-buddy-dialog] .field-error", why).await;
        page.see("[data-testid=field-buddy-name][aria-invalid]").await;
    }
    assert_eq!(page.seen("buddy").await, 1);
    // Nobody is put among the aunts because they come first in the alphabet.
    page.fill("buddy-name", "carla@localhost").await;
    page.click("[data-testid=add-buddy-ok]").await;
    page.see("[data-testid=buddy][data-name='carla@localhost'][data-group=Buddies]").await;
    // To write to somebody who cannot be is refused there, too.
    page.click("[data-testid=list-add]").await;
    page.click("[data-testid=menu-new-message]").await;
    page.fill("buddy-name", "not a jid @@").await;
    page.click("[data-testid=new-message-ok]").await;
    page.read("[data-testid=new-message-dialog] .field-error", "not an XMPP address").await;
}
