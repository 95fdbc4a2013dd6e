//! Rooms as servers really have them: messages that are refused, nicks that only look like one's own, being thrown out, coming by invitation.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use bridge::command::CommandKind;
use bridge::event::{Event, EventKind, Outcome};
use bridge::id::{AccountId, ConversationId};
use bridge::model::{AccountState, Message, MessageKind};
use common::{Running, add, xmpp};
use support::{Prosody, XmppPeer};

const ACCOUNT: AccountId = AccountId(10);
/// What Ines says and the server loses.
const SWALLOWED: &str = "please?";

fn join(running: &mut Running, room: &str) -> ConversationId {
    let fields = [("room", room), ("server", "rooms.localhost"), ("handle", "Ines")];
    let fields = fields.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
    match running.run(1, CommandKind::JoinRoom { account: ACCOUNT, fields, only_open: false }).expect("she may enter") {
        Some(Outcome::Conversation(id)) => id,
        other => panic!("no room: {other:?}"),
    }
}

fn say(running: &mut Running, conversation: ConversationId, text: &str) -> String {
    running.send(1, CommandKind::SendMessage { conversation, text: text.to_owned(), html: text.to_owned() })
}

/// How a command ended: `None` well, else by this code.
fn end(running: &mut Running, id: &str) -> Option<String> {
    let ended = running.wait("the command's end", |event| {
        let ours = event.origin.as_ref().is_some_and(|origin| origin.command == id);
        ours && matches!(event.kind, EventKind::CommandDone { .. } | EventKind::CommandFailed { .. })
    });
    if let EventKind::CommandFailed { error } = ended.kind { Some(error.code) } else { None }
}

fn hears(running: &mut Running, text: &str) -> (Message, Event) {
    let is = |event: &Event| matches!(&event.kind, EventKind::MessageAdded { message, .. } if message.html == text);
    let event = running.wait(text, is);
    let EventKind::MessageAdded { message, .. } = &event.kind else { unreachable!() };
    (message.clone(), event)
}

/// Off and on again, until whatever comes with a sign-on has been done; the server has seen it when `bob` has.
fn again(running: &mut Running, bob: &mut XmppPeer) {
    running.run(1, CommandKind::DisableAccount(ACCOUNT)).unwrap();
    running.run(1, CommandKind::EnableAccount(ACCOUNT)).unwrap();
    running.stands(10, AccountState::Online);
    (0..3).for_each(|_| running.turn());
    tell_bob(running, bob, "back again");
}

/// What the account sent before it has reached the server when Bob has this.
fn tell_bob(running: &mut Running, bob: &mut XmppPeer, text: &str) {
    let open = CommandKind::OpenConversation { account: ACCOUNT, name: "bob@localhost".to_owned(), only_open: false };
    let Some(Outcome::Conversation(conversation)) = running.run(1, open).unwrap() else { panic!("no conversation") };
    let id = say(running, conversation, text);
    assert_eq!(end(running, &id), None);
    bob.hears(text);
}

fn owner_of(bob: &mut XmppPeer, room: &str, payload: &str) {
    bob.request("set", room, payload);
}

/// In a room in which visitors may not speak; its owner's nick differs from Ines' in nothing but case.
fn what_is_refused_is_not_confirmed_by_a_forger(running: &mut Running, bob: &mut XmppPeer) {
    let room = "quiet@rooms.localhost";
    bob.join(room, "INES");
    let field = |name: &str, value: &str| format!("<field var='{name}'><value>{value}</value></field>");
    let form = [field("FORM_TYPE", "http://jabber.org/protocol/muc#roomconfig"), field("muc#roomconfig_moderatedroom", "1")].concat();
    let query = format!("<query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'>{form}</x></query>");
    owner_of(bob, room, &query);
    let conversation = join(running, "quiet");
    let settled = running.wait(
        "which of the two she is",
        |event| matches!(&event.kind, EventKind::RoomMembers { changed, .. } if changed.iter().any(|member| member.name == "Ines")),
    );
    let EventKind::RoomMembers { changed, .. } = settled.kind else { unreachable!() };
    let own: Vec<_> = changed.iter().filter(|member| member.flags.iter().any(|flag| flag == "self")).map(|member| &member.name).collect();
    assert_eq!(own, ["Ines"], "{changed:?}");
    assert!(changed.iter().any(|member| member.name == "INES"), "the page may have taken him for her: {changed:?}");
    // Prosody's no has no body, and XMPP's plugin says nothing of it then.
    let refused = say(running, conversation, "may I?");
    assert_eq!(end(running, &refused).as_deref(), Some("not_sent"), "the no was not heard");
    // This room says nothing at all of this one; but what she wrote after it has come.
    let swallowed = say(running, conversation, SWALLOWED);
    tell_bob(running, bob, "I have asked");
    bob.say_in(room, SWALLOWED);
    let (message, event) = hears(running, SWALLOWED);
    assert!(message.kind == MessageKind::Received && !message.from.own && message.from.name == "INES", "{message:?}");
    assert_eq!(event.origin, None, "another one's words were taken for the reflection");
    let item = "<query xmlns='http://jabber.org/protocol/muc#admin'><item nick='Ines' role='participant'/></query>";
    owner_of(bob, room, item);
    let heard = say(running, conversation, "thank you");
    assert_eq!(end(running, &swallowed).as_deref(), Some("unknown_fate"), "what was passed over is not sent");
    assert_eq!(end(running, &heard), None);
    bob.hears("thank you");
}

fn who_is_thrown_out_stays_out(running: &mut Running, bob: &mut XmppPeer) {
    let room = "garden@rooms.localhost";
    bob.join(room, "Bob");
    let conversation = join(running, "garden");
    let item = "<query xmlns='http://jabber.org/protocol/muc#admin'><item nick='Ines' role='none'/></query>";
    owner_of(bob, room, item);
    running.wait(
        "the room to be forgotten",
        |event| matches!(&event.kind, EventKind::RoomRemembered { conversation: which, fields: None, .. } if *which == conversation),
    );
    running.wait(
        "her being out",
        |event| matches!(&event.kind, EventKind::ConversationUpdated(shown) if shown.id == conversation && shown.joined == Some(false)),
    );
    let id = say(running, conversation, "what was that?");
    assert_eq!(end(running, &id).as_deref(), Some("not_in_room"));
    again(running, bob);
    let items = bob.request("get", room, "<query xmlns='http://jabber.org/protocol/disco#items'/>");
    assert!(!format!("{items:?}").contains("garden@rooms.localhost/Ines"), "she came back uninvited: {items:?}");
}

fn who_came_by_invitation_comes_back(running: &mut Running, bob: &mut XmppPeer) {
    let room = "attic@rooms.localhost";
    bob.join(room, "Bob");
    bob.send(&format!(
        "<message to='{room}'><x xmlns='http://jabber.org/protocol/muc#user'><invite to='ines@localhost'><reason>tea</reason></invite></x></message>"
    ));
    let asked = running.wait("the invitation", |event| matches!(event.kind, EventKind::RequestOpened(_)));
    let EventKind::RequestOpened(request) = asked.kind else { unreachable!() };
    let yes = CommandKind::AnswerRequest { request: request.id, button: request.buttons[0].id.clone(), values: Default::default() };
    running.run(1, yes).unwrap();
    let opened = running.wait("the room", |event| matches!(&event.kind, EventKind::ConversationOpened(shown) if shown.name == room));
    let EventKind::ConversationOpened(shown) = opened.kind else { unreachable!() };
    let inside = |bob: &mut XmppPeer| {
        bob.wait_for("Ines in the attic", |s| {
            s.name == "presence" && s.attr("type").is_none() && s.attr("from").is_some_and(|from| from == format!("{room}/ines"))
        })
    };
    inside(bob);
    bob.received();
    running.run(1, CommandKind::DisableAccount(ACCOUNT)).unwrap();
    running.run(1, CommandKind::EnableAccount(ACCOUNT)).unwrap();
    inside(bob);
    running.wait(
        "her own room again",
        |event| matches!(&event.kind, EventKind::ConversationOpened(again) if again.id == shown.id && again.joined == Some(true)),
    );
}

#[test]
fn rooms_are_as_servers_say() {
    let prosody = Prosody::builder().users(["ines", "bob"]).swallowing("Ines", SWALLOWED).start();
    let mut running = Running::with(Running::config());
    let mut bob = XmppPeer::connect(&prosody, "bob");
    running.send(1, add(10, xmpp(&prosody, "ines", &prosody.password("ines"))));
    running.stands(10, AccountState::Online);
    what_is_refused_is_not_confirmed_by_a_forger(&mut running, &mut bob);
    who_is_thrown_out_stays_out(&mut running, &mut bob);
    who_came_by_invitation_comes_back(&mut running, &mut bob);
}
