//! Promise: a visitor with nothing but a browser signs in, sees who is there, talks with people and in rooms, and leaves.
#![allow(clippy::expect_used)]

use serde_json::json;
use support::{Contact, Daemon, IrcPeer, Ngircd, Page, Prosody, Window, XmppPeer, quoted};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");

fn friends() -> Prosody {
    let colleague = Contact { jid: "noor@localhost".to_owned(), name: "Noor Karimi".to_owned(), group: "Work".to_owned() };
    Prosody::builder().users(["ines", "bob"]).friends("ines", "bob", "Friends").contact("ines", colleague).start()
}

#[tokio::test]
async fn the_buddy_list_shows_who_is_there() {
    let prosody = friends();
    let daemon = Daemon::run(BELLFLOWER);
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let page = Page::open(&daemon, Window::Desk).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    page.see("[data-testid=group][data-name=Friends]").await;
    page.see("[data-testid=buddy][data-name='bob@localhost'][data-group=Friends][data-presence=online]").await;
    page.see("[data-testid=buddy][data-name='noor@localhost'][data-group=Work][data-presence=offline]").await;
    page.shows("[data-name='noor@localhost'] [data-testid=buddy-name]", "Noor Karimi").await;
    bob.show("away", "making tea");
    page.see("[data-testid=buddy][data-name='bob@localhost'][data-presence=away]").await;
    page.read("[data-testid=buddy][data-name='bob@localhost']", "making tea").await;
    page.see("[data-testid=account][data-state=online]").await;
    page.see("[data-testid=link][data-state=live]").await;
    page.assert_kept_to_itself().await;
}

#[tokio::test]
async fn whoever_comes_or_goes_looks_like_it() {
    let others = ["anna", "bob", "carla", "dora", "emil"];
    let mut server = Prosody::builder().users(["ines"]).users(others);
    for name in others {
        server = server.friends("ines", name, "Friends");
    }
    let prosody = server.start();
    let daemon = Daemon::run(BELLFLOWER);
    let page = Page::open(&daemon, Window::Desk).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    page.wait("document.querySelectorAll('[data-testid=buddy]').length === 5").await;
    // Rows change their place and their look at once.
    let looks = "[...document.querySelectorAll('[data-testid=buddy]')].every(row => (row.dataset.presence === 'offline')
        === (getComputedStyle(row.querySelector('.avatar')).filter !== 'none'))";
    let mut peers: Vec<_> = ["emil", "carla", "dora"].into_iter().map(|name| XmppPeer::connect(&prosody, name)).collect();
    page.wait(&format!("document.querySelectorAll('[data-presence=online]').length === 3 && {looks}")).await;
    peers[0].show("away", "");
    peers[2].show("dnd", "");
    page.wait(&format!("document.querySelectorAll('[data-presence=online]').length === 1 && {looks}")).await;
    drop(peers);
    page.wait(&format!("document.querySelectorAll('[data-presence=offline]').length === 5 && {looks}")).await;
}

#[tokio::test]
async fn a_conversation_goes_both_ways() {
    let prosody = friends();
    let daemon = Daemon::run(BELLFLOWER);
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let page = Page::open(&daemon, Window::Desk).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    let talk = page.open_buddy("bob@localhost").await;
    let watch = "window.states = [];
        const look = () => document.querySelectorAll('[data-testid=message]').forEach(one => {
            if (one.dataset.state !== window.states.at(-1)) window.states.push(one.dataset.state); });
        new MutationObserver(look).observe(document.body, { subtree: true, childList: true, attributes: true });";
    page.browser().eval(watch).await;
    page.say(&talk, "Are you & yours <well>?").await;
    page.sent(&talk, "Are you & yours <well>?").await;
    assert_eq!(page.browser().eval("return window.states").await, json!(["pending", "sent"]));
    let heard = bob.hears("Are you & yours <well>?");
    assert_eq!(heard.from_bare(), "ines@localhost");
    let ines = heard.attr("from").expect("a sender").to_owned();
    bob.chat_state(&ines, "composing");
    page.read(&format!("{talk} [data-testid=typing]"), "Bob is typing").await;
    bob.say(&ines, "We are, thanks!");
    page.hears(&talk, "We are, thanks!").await;
    page.shows(&format!("{talk} [data-testid=typing]"), "").await;
    assert_eq!(page.texts(&format!("{talk} [data-testid=message-text]")).await, ["Are you & yours <well>?", "We are, thanks!"]);
}

#[tokio::test]
async fn a_command_that_nobody_knows_comes_back_to_its_writer() {
    let prosody = friends();
    let daemon = Daemon::run(BELLFLOWER);
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let page = Page::open(&daemon, Window::Desk).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    let talk = page.open_buddy("bob@localhost").await;
    page.say(&talk, "/mgs NickServ secret").await;
    let failed = format!("{talk} [data-testid=message][data-state=failed]");
    page.read(&failed, "There is no command /mgs here; write //mgs to say it.").await;
    page.shows(&format!("{failed} [data-testid=message-text]"), "/mgs NickServ secret").await;
    page.see(&format!("{failed} [data-testid=message-retry]")).await;
    page.click(&format!("{failed} [data-testid=message-edit]")).await;
    page.see_no(&failed).await;
    let written = format!("document.querySelector({}).value", quoted(&format!("{talk} [data-testid=composer]")));
    page.wait(&format!("{written} === '/mgs NickServ secret'")).await;
    page.browser().eval(&format!("{written} = ''")).await;
    page.say(&talk, "//me too").await;
    let heard = bob.wait_for("words", |stanza| stanza.child_text("body").is_some());
    assert_eq!(heard.child_text("body"), Some("/me too"));
}

#[tokio::test]
async fn what_is_not_read_yet_is_counted() {
    let prosody = friends();
    let daemon = Daemon::run(BELLFLOWER);
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let page = Page::open(&daemon, Window::Desk).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    page.see("[data-testid=buddy][data-name='bob@localhost']").await;
    bob.say("ines@localhost", "psst");
    bob.say("ines@localhost", "anybody home?");
    page.shows("[data-testid=buddy][data-name='bob@localhost'] [data-testid=unread]", "2").await;
    page.wait("document.title.startsWith('(2) ')").await;
    let talk = page.open_buddy("bob@localhost").await;
    page.hears(&talk, "anybody home?").await;
    page.see_no("[data-testid=unread]").await;
    page.wait("!document.title.includes('(')").await;
}

#[tokio::test]
async fn a_room_is_joined_by_its_form() {
    let prosody = friends();
    let daemon = Daemon::run(BELLFLOWER);
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let room = prosody.room("gardeners");
    bob.join(&room, "Bob");
    bob.topic(&room, "What grows");
    let page = Page::open(&daemon, Window::Desk).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    let talk = page.join(&[("room", "gardeners"), ("server", "rooms.localhost"), ("handle", "Ines")], &room).await;
    page.read(&format!("{talk} [data-testid=topic]"), "What grows").await;
    page.see(&format!("{talk} [data-testid=member][data-name=Bob]")).await;
    page.see(&format!("{talk} [data-testid=member][data-name=Ines]")).await;
    page.say(&talk, "Good morning!").await;
    let heard = bob.hears("Good morning!");
    assert_eq!(heard.attr("from"), Some(format!("{room}/Ines").as_str()));
    page.sent(&talk, "Good morning!").await;
    bob.say_in(&room, "Morning, Ines.");
    page.hears(&talk, "Morning, Ines.").await;
    bob.leave(&room, "Bob");
    page.see_no(&format!("{talk} [data-testid=member][data-name=Bob]")).await;
}

#[tokio::test]
async fn somebody_on_the_list_is_not_added_again() {
    let prosody = friends();
    let daemon = Daemon::run(BELLFLOWER);
    let page = Page::open(&daemon, Window::Desk).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    page.see("[data-testid=buddy][data-name='bob@localhost']").await;
    page.click("[data-testid=list-add]").await;
    page.click("[data-testid=menu-add-buddy]").await;
    page.fill("buddy-name", "Bob@localhost").await;
    page.click("[data-testid=add-buddy-ok]").await;
    page.read("[data-testid=add-buddy-dialog] [data-testid=problem]", "on your list already, in Friends").await;
    // In another group is another matter.
    page.fill("buddy-name", "bob@localhost").await;
    page.fill("buddy-group", "Plants").await;
    page.click("[data-testid=add-buddy-ok]").await;
    page.see("[data-testid=buddy][data-name='bob@localhost'][data-group=Plants]").await;
    page.see_no("[data-testid=add-buddy-dialog]").await;
}

#[tokio::test]
async fn a_room_without_a_topic_says_so_once() {
    let prosody = friends();
    let daemon = Daemon::run(BELLFLOWER);
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let room = prosody.room("gardeners");
    bob.join(&room, "Bob");
    let page = Page::open(&daemon, Window::Desk).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    let talk = page.join(&[("room", "gardeners"), ("server", "rooms.localhost"), ("handle", "Ines")], &room).await;
    page.read(&format!("{talk} [data-testid=topic]"), "No topic").await;
    // What the room says on entering comes before what is said in it.
    page.say(&talk, "Good morning!").await;
    page.sent(&talk, "Good morning!").await;
    let lines = page.texts(&format!("{talk} [data-testid=system]")).await;
    assert!(lines.iter().all(|line| !line.contains("topic")), "{lines:?}");
}

#[tokio::test]
async fn a_wrong_password_is_said_plainly_and_can_be_corrected() {
    let prosody = friends();
    let daemon = Daemon::run(BELLFLOWER);
    let page = Page::open(&daemon, Window::Desk).await;
    page.fill_xmpp(&prosody, "ines", "not-it").await;
    page.click("[data-testid=signin]").await;
    page.see("[data-testid=correct-form]").await;
    page.read(".field-error", "The user name or the password is not right.").await;
    page.fill("password", &prosody.password("ines")).await;
    page.click("[data-testid=correct-form] [data-testid=signin]").await;
    page.see("[data-testid=buddy][data-name='bob@localhost']").await;
}

#[tokio::test]
async fn signing_out_leads_to_the_front_page() {
    let prosody = friends();
    let daemon = Daemon::run(BELLFLOWER);
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let page = Page::open(&daemon, Window::Desk).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    let talk = page.open_buddy("bob@localhost").await;
    page.type_into(&format!("{talk} [data-testid=composer]"), "half a thought").await;
    page.sign_out().await;
    bob.wait_for("Ines's leaving", |s| s.name == "presence" && s.is("type", "unavailable") && s.from_bare() == "ines@localhost");
    assert_eq!(page.browser().eval("return document.body.innerText.includes('bob@localhost')").await, json!(false));
    let kept = "return [JSON.stringify({ ...sessionStorage, ...localStorage }).includes('half a thought'), document.cookie]";
    assert_eq!(page.browser().eval(kept).await, json!([false, ""]));
    page.load().await;
    page.see("[data-testid=network-form]").await;
}

#[tokio::test]
async fn a_room_of_a_list_is_the_one_that_is_joined() {
    let other = "Component \"other.localhost\" \"muc\"\nmuc_room_locking = false\nmuc_room_default_public = true";
    let prosody = Prosody::builder().users(["ines", "bob"]).config(other).start();
    let daemon = Daemon::run(BELLFLOWER);
    let mut bob = XmppPeer::connect(&prosody, "bob");
    for room in [prosody.room("pub"), "pub@other.localhost".to_owned()] {
        bob.join(&room, "Bob");
    }
    let page = Page::open(&daemon, Window::Desk).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    page.see("[data-testid=account][data-state=online]").await;
    page.click("[data-testid=list-add]").await;
    page.click("[data-testid=menu-join-room]").await;
    page.click("[data-testid=room-browse]").await;
    page.fill("request-value", "other.localhost").await;
    page.click("[data-testid=request-input] [data-testid=request-button-ok]").await;
    page.click("[data-testid=room-row]").await;
    page.wait("document.querySelector('[data-testid=field-room-server]').value === 'other.localhost'").await;
    page.click("[data-testid=join-ok]").await;
    let talk = support::conversation("pub@other.localhost");
    page.see(&format!("{talk} [data-testid=member][data-name=Bob]")).await;
    page.say(&talk, "the right one").await;
    page.sent(&talk, "the right one").await;
}

#[tokio::test]
async fn a_channel_of_irc_works_the_same() {
    let server = Ngircd::builder().channel("#lounge", "Sit down, stay a while").start();
    let daemon = Daemon::run(BELLFLOWER);
    let mut bob = IrcPeer::connect(&server, "bob");
    bob.join("#lounge");
    let page = Page::open(&daemon, Window::Desk).await;
    page.sign_in_irc(&server, "ines").await;
    // Found among the rooms there are, each with its name once.
    page.click("[data-testid=list-add]").await;
    page.click("[data-testid=menu-join-room]").await;
    page.click("[data-testid=room-browse]").await;
    page.shows("[data-testid=room-row][data-name='#lounge'] small", "Sit down, stay a while").await;
    page.shows("[data-testid=room-row][data-name='#lounge'] .rooms-people .sr", "1 person").await;
    page.press("[data-testid=join-dialog]", "Cancel").await;
    let talk = page.join(&[("channel", "#lounge")], "#lounge").await;
    page.read(&format!("{talk} [data-testid=topic]"), "Sit down, stay a while").await;
    page.see(&format!("{talk} [data-testid=member][data-name=bob]")).await;
    page.say(&talk, "hello, all").await;
    assert_eq!(bob.hears("hello, all").nick(), "ines");
    bob.say("#lounge", "ines: come in");
    page.hears(&talk, "ines: come in").await;
    bob.say("ines", "a word in private");
    page.read("[data-testid=conversation][data-kind=im] [data-testid=message-text]", "a word in private").await;
}
